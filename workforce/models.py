"""The people: regions, teams, reviewers, and what each may do on one local day."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q

from workforce.days import check_zone

DEFAULT_DAILY_QUOTA = 150


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
        help_text="Short name of the region, as in the setting REGIONS; it names its storage and queue.",
    )
    name = models.CharField(max_length=80)
    time_zone = models.CharField(max_length=64, validators=[check_zone], help_text="IANA name, such as Asia/Kolkata.")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Team(models.Model):
    """Reviewers who work together in one region, at one time zone."""

    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="teams")
    name = models.CharField(max_length=80, unique=True)
    time_zone = models.CharField(
        max_length=64, validators=[check_zone], help_text="The team's days begin and end by this zone."
    )
    weight = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1)],
        help_text="Share of the region's work: a team of weight 2 is given twice as much as one of weight 1.",
    )

    class Meta:
        ordering = ["name"]
        constraints = [models.CheckConstraint(condition=Q(weight__gte=1), name="team_weight_positive")]

    def __str__(self) -> str:
        return self.name


class Reviewer(models.Model):
    """One person who looks at clips and labels them."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviewer")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="reviewers")
    country = models.CharField(
        max_length=2,
        validators=[RegexValidator(r"^[A-Z]{2}$", "Two capital letters, as in IN.")],
        help_text="Where this person sits (ISO 3166, two letters).",
    )
    pseudonym = models.CharField(
        max_length=16,
        unique=True,
        default=new_pseudonym,
        editable=False,
        help_text="How exports and owners know this person.",
    )
    daily_quota = models.PositiveSmallIntegerField(
        default=DEFAULT_DAILY_QUOTA, help_text="Clips per local day, at the most. Counts from the next day on."
    )
    is_active = models.BooleanField(default=True, help_text="Off: the person can no longer take or submit work.")

    class Meta:
        ordering = ["user__username"]

    def __str__(self) -> str:
        return self.user.get_full_name() or self.user.get_username()


class QuotaDay(models.Model):
    """What one reviewer may do on one local day. ``used`` are submitted, ``held`` are live leases.

    The promise that used + held never exceeds allowed is the CHECK below; verbs only move the numbers.
    """

    reviewer = models.ForeignKey(Reviewer, on_delete=models.PROTECT, related_name="quota_days")
    day = models.DateField(help_text="The reviewer's local date when the work was granted.")
    time_zone = models.CharField(max_length=64, help_text="The zone that made this the date.")
    allowed = models.PositiveIntegerField()
    used = models.PositiveIntegerField(default=0)
    held = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-day", "reviewer_id"]
        constraints = [
            models.UniqueConstraint(fields=["reviewer", "day"], name="quota_day_once"),
            models.CheckConstraint(condition=Q(allowed__gte=F("used") + F("held")), name="quota_day_within_allowed"),
        ]

    def __str__(self) -> str:
        return f"{self.reviewer} on {self.day}"

    @property
    def left(self) -> int:
        return self.allowed - self.used - self.held
