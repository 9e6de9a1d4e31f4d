"""When people work: a team's shifts, what closes it, and what is a person's own. Times are those on a wall.

Nothing here is deleted or forgotten: a row is taken out (``cancelled_at``), with a reason that is kept. That two rows
of the same kind do not overlap is an exclusion constraint in the database; ``clean`` says it in words.
"""

from __future__ import annotations

from datetime import date, time

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from config.history import kept
from workforce.models.people import Region, Reviewer, Team
from workforce.shifts import Hours, overlap


class Weekday(models.IntegerChoices):
    """As Python counts them."""

    MONDAY = 0, _("Monday")
    TUESDAY = 1, _("Tuesday")
    WEDNESDAY = 2, _("Wednesday")
    THURSDAY = 3, _("Thursday")
    FRIDAY = 4, _("Friday")
    SATURDAY = 5, _("Saturday")
    SUNDAY = 6, _("Sunday")


class Standing(models.Model):
    """A row of a calendar that stands until it is taken out."""

    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    cancelled_at = models.DateTimeField(null=True, blank=True, editable=False, help_text=_("When it was taken out."))

    class Meta:
        abstract = True


def in_force(first: date | None, last: date | None, other_first: date | None, other_last: date | None) -> bool:
    """Whether two ranges of days, either end open, share a day."""
    return (first or date.min) <= (other_last or date.max) and (other_first or date.min) <= (last or date.max)


@kept("team", "weekday", "begins", "ends", "from_day", "until_day", "cancelled_at")
class Shift(Standing):
    """A team's working hours on one day of the week, by the team's zone. A team without any is open all the time."""

    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="shifts")
    weekday = models.PositiveSmallIntegerField(choices=Weekday.choices, help_text=_("The day on which it begins."))
    begins = models.TimeField(help_text=_("On the wall where the team is."))
    ends = models.TimeField(help_text=_("At or before the beginning: on the next day. 00:00 is midnight."))
    from_day = models.DateField(null=True, blank=True, help_text=_("Its first day. Blank: always was."))
    until_day = models.DateField(null=True, blank=True, help_text=_("Its last day. Blank: without end."))

    class Meta:
        ordering = ["team", "weekday", "begins"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(begins=F("ends")),
                name="shift_has_length",
                violation_error_message="A shift that ends when it begins has no length. For a whole day write two: "
                "00:00 to 12:00 and 12:00 to 00:00.",
            ),
            models.CheckConstraint(condition=Q(weekday__lte=6), name="shift_weekday_known"),
            models.CheckConstraint(
                condition=Q(from_day__isnull=True) | Q(until_day__isnull=True) | Q(until_day__gte=F("from_day")),
                name="shift_until_after_from",
                violation_error_message="The last day is before the first.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.team}, {Weekday(self.weekday).label} {self.begins:%H:%M} to {self.ends:%H:%M}"

    def clean(self) -> None:
        """Refuse, in words, hours that the team has already."""
        if self.team_id is None or None in (self.weekday, self.begins, self.ends) or self.begins == self.ends:
            return
        mine = Hours(self.weekday, self.begins, self.ends)
        for other in Shift.objects.filter(team=self.team_id, cancelled_at=None).exclude(pk=self.pk):
            both = in_force(self.from_day, self.until_day, other.from_day, other.until_day)
            if both and overlap(mine, Hours(other.weekday, other.begins, other.ends)):
                raise ValidationError(
                    {"begins": f"This overlaps {other}. Change that one, or take it out first."}, code="overlap"
                )


@kept("reviewer", "weekday", "begins", "ends", "from_day", "until_day", "cancelled_at")
class OwnHours(Standing):
    """When a part-time person works, by their own zone. A person with any works the team's shifts within these only."""

    reviewer = models.ForeignKey(Reviewer, on_delete=models.PROTECT, related_name="own_hours")
    weekday = models.PositiveSmallIntegerField(choices=Weekday.choices, help_text=_("The day on which they begin."))
    begins = models.TimeField(null=True, blank=True, help_text=_("Blank, like the end: the whole of that day."))
    ends = models.TimeField(null=True, blank=True, help_text=_("At or before the beginning: on the next day."))
    from_day = models.DateField(null=True, blank=True, help_text=_("Their first day. Blank: always were."))
    until_day = models.DateField(null=True, blank=True, help_text=_("Their last day. Blank: without end."))

    class Meta:
        ordering = ["reviewer", "weekday", "begins"]
        verbose_name = "own hours"
        verbose_name_plural = "own hours"
        constraints = [
            models.CheckConstraint(
                condition=Q(begins__isnull=True, ends__isnull=True)
                | (Q(begins__isnull=False, ends__isnull=False) & ~Q(begins=F("ends"))),
                name="own_hours_have_length",
                violation_error_message="Give both a beginning and an end that differ, or neither for the whole day.",
            ),
            models.CheckConstraint(condition=Q(weekday__lte=6), name="own_hours_weekday_known"),
            models.CheckConstraint(
                condition=Q(from_day__isnull=True) | Q(until_day__isnull=True) | Q(until_day__gte=F("from_day")),
                name="own_hours_until_after_from",
                violation_error_message="The last day is before the first.",
            ),
        ]

    def __str__(self) -> str:
        hours = f" {self.begins:%H:%M} to {self.ends:%H:%M}" if self.begins and self.ends else ""
        return f"{self.reviewer}, {Weekday(self.weekday).label}{hours}"


@kept("region", "team", "first_day", "last_day", "begins", "ends", "reason", "cancelled_at")
class Closure(Standing):
    """Days, or hours of days, on which a team, a region's teams or all teams do not work; by each team's zone."""

    region = models.ForeignKey(Region, on_delete=models.PROTECT, null=True, blank=True, related_name="closures")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="closures")
    first_day = models.DateField()
    last_day = models.DateField(help_text=_("The same as the first for one day."))
    begins = models.TimeField(null=True, blank=True, help_text=_("Of each of the days. Blank, like the end: all day."))
    ends = models.TimeField(
        null=True, blank=True, help_text=_("Of each of the days. 00:00 is the midnight at its end.")
    )
    reason = models.CharField(max_length=200, help_text=_("Such as Diwali. People see it."))

    class Meta:
        ordering = ["-first_day", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(region__isnull=True) | Q(team__isnull=True),
                name="closure_of_one",
                violation_error_message="Name a region or a team, or neither for everybody.",
            ),
            models.CheckConstraint(
                condition=Q(last_day__gte=F("first_day")),
                name="closure_ends_after_it_begins",
                violation_error_message="The last day is before the first.",
            ),
            models.CheckConstraint(
                condition=Q(begins__isnull=True, ends__isnull=True)
                # Of what is not known SQL says neither yes nor no, and a CHECK takes that for yes: so both are named.
                | Q(begins__isnull=False, ends__isnull=False, ends=time(0))
                | Q(begins__isnull=False, ends__isnull=False, ends__gt=F("begins")),
                name="closure_hours_in_order",
                violation_error_message="Give a beginning and a later end on the same day, or neither for whole days.",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="closure_has_reason"),
        ]

    def __str__(self) -> str:
        days = f"{self.first_day}" + (f" to {self.last_day}" if self.last_day != self.first_day else "")
        return f"{self.team or self.region or 'Everybody'} closed {days}: {self.reason}"


@kept("region", "team", "day", "reason", "cancelled_at")
class WorkedHoliday(Standing):
    """A public holiday on which a team, a region's teams or all teams work all the same. It lifts no closure."""

    region = models.ForeignKey(Region, on_delete=models.PROTECT, null=True, blank=True, related_name="worked_holidays")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="worked_holidays")
    day = models.DateField()
    reason = models.CharField(max_length=200)

    class Meta:
        ordering = ["-day", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(region__isnull=True) | Q(team__isnull=True),
                name="worked_holiday_of_one",
                violation_error_message="Name a region or a team, or neither for everybody.",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="worked_holiday_has_reason"),
            models.UniqueConstraint(
                fields=["region", "team", "day"],
                condition=Q(cancelled_at=None),
                nulls_distinct=False,
                name="worked_holiday_once",
                violation_error_message="That day is worked already.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.team or self.region or 'Everybody'} works on {self.day}: {self.reason}"


@kept("reviewer", "first_day", "from_time", "last_day", "until_time", "cancelled_at")
class Absence(Standing):
    """Days on which a person does not work, by their own zone. Why is nobody's business here and not asked."""

    reviewer = models.ForeignKey(Reviewer, on_delete=models.PROTECT, related_name="absences")
    first_day = models.DateField()
    from_time = models.TimeField(null=True, blank=True, help_text=_("On the first day. Blank: from its beginning."))
    last_day = models.DateField(help_text=_("The same as the first for one day or a part of it."))
    until_time = models.TimeField(null=True, blank=True, help_text=_("On the last day. Blank: to its end."))

    class Meta:
        ordering = ["-first_day", "reviewer"]
        indexes = [models.Index(fields=["reviewer", "last_day"], name="absence_of_reviewer")]
        constraints = [
            models.CheckConstraint(
                condition=Q(last_day__gt=F("first_day"))
                | Q(last_day=F("first_day"), from_time__isnull=True)
                & (Q(until_time__isnull=True) | Q(until_time__gt=time(0)))
                | Q(last_day=F("first_day"), from_time__isnull=False, until_time__isnull=True)
                | Q(
                    last_day=F("first_day"),
                    from_time__isnull=False,
                    until_time__isnull=False,
                    until_time__gt=F("from_time"),
                ),
                name="absence_ends_after_it_begins",
                violation_error_message="The absence ends before it begins, or when it begins.",
            )
        ]

    def __str__(self) -> str:
        begins = f"{self.first_day}" + (f" {self.from_time:%H:%M}" if self.from_time else "")
        ends = f"{self.last_day}" + (f" {self.until_time:%H:%M}" if self.until_time else "")
        return f"{self.reviewer} away {begins} to {ends}"

    def clean(self) -> None:
        """Refuse, in words, days on which the person is away already."""
        if self.reviewer_id is None or self.first_day is None or self.last_day is None:
            return
        near = Absence.objects.filter(
            reviewer=self.reviewer_id, cancelled_at=None, first_day__lte=self.last_day, last_day__gte=self.first_day
        ).exclude(pk=self.pk)
        for other in near.order_by("first_day"):
            if self.begins_at < other.ends_at and other.begins_at < self.ends_at:
                raise ValidationError(
                    {"first_day": f"{other}: these overlap. Change that one, or take it out first."}, code="overlap"
                )

    @property
    def begins_at(self) -> tuple[date, time]:
        """When it begins, on the wall."""
        return self.first_day, self.from_time or time(0)

    @property
    def ends_at(self) -> tuple[date, time]:
        """When it ends, on the wall; the end of a day is later than its every time."""
        return self.last_day, self.until_time or time.max


class CalendarVersion(models.Model):
    """How often any calendar changed: triggers count it up, in the transaction of what changes. One row."""

    version = models.BigIntegerField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.version)


class WorkingHours(models.Model):
    """When one person works now or next, worked out of all calendars, for claims to read; good until it is not."""

    reviewer = models.OneToOneField(Reviewer, on_delete=models.CASCADE, primary_key=True, related_name="+")
    begins_at = models.DateTimeField(null=True, help_text=_("Empty: they do not work in the days to come."))
    ends_at = models.DateTimeField(null=True)
    pace_ms = models.PositiveIntegerField(help_text=_("Active time a task, in milliseconds."))
    version = models.BigIntegerField(help_text=_("Of the calendars that it was worked out of."))
    known_until = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(begins_at__isnull=True, ends_at__isnull=True)
                | Q(begins_at__isnull=False, ends_at__isnull=False, ends_at__gt=F("begins_at")),
                name="working_hours_in_order",
            ),
            models.CheckConstraint(condition=Q(pace_ms__gt=0), name="working_hours_have_a_pace"),
        ]

    def __str__(self) -> str:
        return f"{self.reviewer_id}: {self.begins_at} to {self.ends_at}"
