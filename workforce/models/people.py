"""The people: regions, teams, reviewers, and what each may do on one local day."""

from __future__ import annotations

import secrets
from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from config.history import kept
from workforce.days import check_zone

COUNTRY_HELP = "Two capital letters, as in IN."
LANGUAGE_HELP = _("Two or three small letters (ISO 639), as in hi.")


class Clearance(models.IntegerChoices):
    """Which footage a person may be shown; each includes those before it."""

    ORDINARY = 0, _("Ordinary footage")
    SENSITIVE = 1, _("Sensitive footage too")


def check_region_code(code: str) -> None:
    """A region needs a storage and a queue of its own, and those are named in the deployment's settings."""
    if code not in settings.REGIONS:
        known = ", ".join(settings.REGIONS)
        raise ValidationError(
            "%(code)s has no storage and queue; this deployment has: %(known)s.", params={"code": code, "known": known}
        )


def new_pseudonym() -> str:
    """A name for exports that says nothing about the person."""
    return f"r-{secrets.token_hex(5)}"


class Region(models.Model):
    """A jurisdiction whose people look at the clips that live there."""

    code = models.CharField(
        max_length=16,
        unique=True,
        validators=[check_region_code],
        help_text=_("Short name of the region, as in the setting REGIONS; it names its storage and queue."),
    )
    name = models.CharField(max_length=80)
    time_zone = models.CharField(
        max_length=64, validators=[check_zone], help_text=_("IANA name, such as Asia/Kolkata.")
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


@kept("name", "weight", "exposure_minutes", "keeps_hours", "is_paused")
class Team(models.Model):
    """Reviewers who work together in one region, at one time zone."""

    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="teams")
    name = models.CharField(max_length=80, unique=True)
    time_zone = models.CharField(
        max_length=64, validators=[check_zone], help_text=_("The team's days begin and end by this zone.")
    )
    weight = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1)],
        help_text=_("Share of the region's work: a team of weight 2 is given twice as much as one of weight 1."),
    )

    exposure_minutes = models.PositiveSmallIntegerField(
        default=60,
        db_default=60,
        validators=[MaxValueValidator(24 * 60)],
        help_text=_("Minutes of sensitive or distressing footage that one of its people is handed in a day, at most."),
    )
    keeps_hours = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_(
            "On: its people are handed work in their working hours only, and no more than they can do in what is "
            "left of them. Off: whenever they ask."
        ),
    )
    is_paused = models.BooleanField(default=False, help_text=_("On: nobody of the team is handed work."))

    class Meta:
        ordering = ["name"]
        constraints = [models.CheckConstraint(condition=Q(weight__gte=1), name="team_weight_positive")]

    def __str__(self) -> str:
        return self.name


@kept(
    "team",
    "country",
    "time_zone",
    "next_time_zone",
    "zone_changes_at",
    "skills",
    "clearance",
    "languages",
    "starts_on",
    "ends_on",
    "exposure_minutes",
    "is_paused",
    "paused_by_lapses",
    "is_active",
)
class Reviewer(models.Model):
    """One person who looks at clips and labels them."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviewer")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="reviewers")
    country = models.CharField(
        max_length=2,
        validators=[RegexValidator(r"^[A-Z]{2}$", COUNTRY_HELP)],
        help_text=_("Where this person sits (ISO 3166, two letters)."),
    )
    pseudonym = models.CharField(
        max_length=16,
        unique=True,
        default=new_pseudonym,
        editable=False,
        help_text=_("How exports and owners know this person."),
    )
    time_zone = models.CharField(
        max_length=64,
        validators=[check_zone],
        help_text=_("The person's days begin and end by this zone. A change counts from their next day."),
    )
    next_time_zone = models.CharField(max_length=64, blank=True, validators=[check_zone], editable=False)
    zone_changes_at = models.DateTimeField(null=True, blank=True, editable=False)
    # What the claim reads: always the skills in force, which triggers and a sweep see to.
    skills = ArrayField(
        models.SlugField(max_length=32),
        default=list,
        blank=True,
        editable=False,
        help_text=_("The skills in force; each is a row of its own."),
    )
    languages = ArrayField(
        models.CharField(max_length=8, validators=[RegexValidator(r"^[a-z]{2,3}$", LANGUAGE_HELP)]),
        default=list,
        db_default=[],
        blank=True,
        help_text=_("Two or three small letters (ISO 639), as in hi. Comma-separated, as in hi, te, en."),
    )
    starts_on = models.DateField(null=True, blank=True, help_text=_("The person's first day. Blank: has begun."))
    ends_on = models.DateField(
        null=True, blank=True, help_text=_("The person's last day; after it they can no longer work. Blank: no end.")
    )
    clearance = models.PositiveSmallIntegerField(
        choices=Clearance.choices, default=Clearance.ORDINARY, help_text=_("Which footage the person may be shown.")
    )
    exposure_minutes = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(24 * 60)],
        help_text=_("Minutes of sensitive or distressing footage a day, at most. Blank: as the team says."),
    )
    # The person's own, and nobody else's business: shown to them alone, and not kept as history.
    opted_out = ArrayField(models.SlugField(max_length=32), default=list, blank=True, editable=False)
    is_paused = models.BooleanField(default=False, help_text=_("On: the person is handed no work."))
    paused_by_lapses = models.BooleanField(
        default=False, editable=False, help_text=_("The pause came from leases that lapsed; the person may end it.")
    )
    lapses_in_row = models.PositiveSmallIntegerField(
        default=0, editable=False, help_text=_("Leases that lapsed since the last answer.")
    )
    is_active = models.BooleanField(default=True, help_text=_("Off: the person can no longer take or submit work."))

    class Meta:
        ordering = ["user__username"]
        constraints = [
            models.CheckConstraint(
                condition=Q(starts_on__isnull=True) | Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")),
                name="reviewer_ends_after_start",
                violation_error_message="The last day is before the first.",
            )
        ]

    def __str__(self) -> str:
        return self.user.get_full_name() or self.user.get_username()

    def zone_at(self, at: datetime) -> str:
        """The zone by which this person's days count at the instant; SQL's ``sightline_zone`` says the same."""
        return self.next_time_zone if self.zone_changes_at and at >= self.zone_changes_at else self.time_zone


class SignInTries(models.Model):
    """How often somebody tried to sign in of late: by name, by address, or by both; the key is a digest."""

    key = models.CharField(max_length=64, primary_key=True)
    since = models.DateTimeField()
    count = models.PositiveIntegerField()

    class Meta:
        verbose_name_plural = "sign-in tries"

    def __str__(self) -> str:
        return self.key[:12]


class ResidencyBasis(models.Model):
    """Why people in a country may be shown footage of a region. Without one in force, never."""

    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="bases")
    country = models.CharField(max_length=2, validators=[RegexValidator(r"^[A-Z]{2}$", COUNTRY_HELP)])
    basis = models.CharField(max_length=200, help_text=_("The law, contract or decision that allows it."))
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True, help_text=_("Blank while it is without end."))

    class Meta:
        ordering = ["region", "country", "-starts_at"]
        verbose_name_plural = "residency bases"
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")), name="residency_basis_ends_later"
            )
        ]

    def __str__(self) -> str:
        return f"{self.region} to {self.country}"


class LimitLevel(models.TextChoices):
    """What a daily limit is for; a later one in this list goes before an earlier."""

    GLOBAL = "global", _("Everybody")
    REGION = "region", _("A region")
    TEAM = "team", _("A team")
    REVIEWER = "reviewer", _("A reviewer")
    DAY = "day", _("A reviewer's one day")


class DailyLimit(models.Model):
    """How many clips a day, for whom, from which day on, by whom and why. Never edited: a new one is added."""

    level = models.CharField(max_length=16, choices=LimitLevel.choices)
    region = models.ForeignKey(Region, on_delete=models.PROTECT, null=True, blank=True, related_name="limits")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="limits")
    reviewer = models.ForeignKey(Reviewer, on_delete=models.PROTECT, null=True, blank=True, related_name="limits")
    value = models.PositiveIntegerField(help_text=_("Clips a day."))
    from_day = models.DateField(help_text=_("The local day from which it counts; for one day, that day."))
    reason = models.CharField(max_length=300)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="daily_limit_names_what_its_level_says",
                condition=Q(level="global", region=None, team=None, reviewer=None)
                | Q(level="region", region__isnull=False, team=None, reviewer=None)
                | Q(level="team", region=None, team__isnull=False, reviewer=None)
                | Q(level__in=["reviewer", "day"], region=None, team=None, reviewer__isnull=False),
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="daily_limit_has_reason"),
        ]
        indexes = [
            models.Index(fields=["reviewer", "from_day"], name="daily_limit_of_reviewer"),
            models.Index(fields=["level", "team", "region"], name="daily_limit_by_level"),
        ]

    def __str__(self) -> str:
        return f"{self.value} a day for {self.reviewer or self.team or self.region or 'everybody'}"


class QuotaDay(models.Model):
    """What one reviewer may do on one local day. ``used`` are answers and sensitive flags, ``held`` are live leases.

    ``day_limit`` is what the rules say; ``allowed`` is that, or what is used and held already when the limit was
    lowered below it. The promise that used + held never exceeds allowed is the CHECK below.
    """

    # No index of its own: the unique one begins with it.
    reviewer = models.ForeignKey(Reviewer, on_delete=models.PROTECT, related_name="quota_days", db_index=False)
    day = models.DateField(help_text=_("The reviewer's local date when the work was granted."))
    time_zone = models.CharField(max_length=64, help_text=_("The zone that made this the date."))
    day_limit = models.PositiveIntegerField(help_text=_("What the limits say for this day."))
    limit_source = models.CharField(max_length=16, choices=LimitLevel.choices, help_text=_("Which limit said so."))
    allowed = models.PositiveIntegerField()
    used = models.PositiveIntegerField(default=0)
    held = models.PositiveIntegerField(default=0)
    skips = models.PositiveIntegerField(default=0, help_text=_("Tasks skipped with a reason; capped."))
    exposed_ms = models.PositiveIntegerField(
        default=0, db_default=0, help_text=_("Sensitive or distressing footage that was handed out, in milliseconds.")
    )
    exposure_allowed_ms = models.PositiveIntegerField(
        default=0, db_default=0, help_text=_("What was allowed of it when some was last handed out.")
    )

    class Meta:
        ordering = ["-day", "reviewer_id"]
        constraints = [
            models.UniqueConstraint(fields=["reviewer", "day"], name="quota_day_once"),
            models.CheckConstraint(condition=Q(allowed__gte=F("used") + F("held")), name="quota_day_within_allowed"),
            models.CheckConstraint(condition=Q(allowed__gte=F("day_limit")), name="quota_day_allows_its_limit"),
            models.CheckConstraint(
                condition=Q(exposed_ms__lte=F("exposure_allowed_ms")), name="quota_day_within_exposure"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reviewer} on {self.day}"

    @property
    def left(self) -> int:
        """What may still be taken; nothing when the limit was lowered below what is used and held."""
        return max(0, self.day_limit - self.used - self.held)
