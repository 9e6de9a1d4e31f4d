"""Active time: what ran while a player was open, one row a span, and what people say against it."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from annotations.models.leases import Lease
from workforce.models import Reviewer


class ActiveClock(models.Model):
    """A person's running clock; they have one at most. It ends as an :class:`ActiveSpan`.

    A heartbeat moves ``beat_at`` and nothing else, so the row is light to write again and again.
    """

    reviewer = models.OneToOneField(Reviewer, on_delete=models.PROTECT, primary_key=True, related_name="active_clock")
    lease = models.ForeignKey(Lease, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField(help_text=_("The person's local date."))
    time_zone = models.CharField(max_length=64)
    day_ends_at = models.DateTimeField(help_text=_("Where the clock is cut: the end of that local day."))
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()
    lost_ms = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(beat_at__gte=F("started_at"), beat_at__lte=F("day_ends_at")), name="clock_runs_forward"
            )
        ]

    def __str__(self) -> str:
        return f"clock of {self.reviewer_id}"


class ActiveSpan(models.Model):
    """One stretch of one person's time on one lease, within one of their local days. Written once, never changed.

    A person's spans never overlap: an exclusion constraint of the database. A day's active time is the sum of its
    spans and nothing else, so there is nothing that could drift.
    """

    reviewer = models.ForeignKey(Reviewer, on_delete=models.PROTECT, related_name="active_spans", db_index=False)
    lease = models.ForeignKey(Lease, on_delete=models.PROTECT, related_name="active_spans")
    day = models.DateField(help_text=_("The person's local date."))
    time_zone = models.CharField(max_length=64)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    lost_ms = models.PositiveIntegerField(
        default=0, help_text=_("Waiting for the network, as the player says: paid, and not counted against the person.")
    )

    class Meta:
        ordering = ["-started_at"]
        indexes = [
            models.Index(fields=["reviewer", "day"], name="active_span_of_day"),
            models.Index(fields=["reviewer", "ended_at"], name="active_span_latest"),
            # Rows come in the order of their days, so this is small, and finds everybody's of a week.
            BrinIndex(fields=["day"], name="active_span_by_day"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(ended_at__gt=F("started_at")), name="active_span_has_length"),
            models.CheckConstraint(
                condition=Q(ended_at__gte=F("started_at") + F("lost_ms") * timedelta(milliseconds=1)),
                name="active_span_lost_within_it",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reviewer} on {self.lease}, {self.started_at:%Y-%m-%d %H:%M:%S}"


class TimeContest(models.Model):
    """A person says that a day's time is not right; staff answer with a reason, and may add time to the day."""

    reviewer = models.ForeignKey(Reviewer, on_delete=models.PROTECT, related_name="time_contests", db_index=False)
    day = models.DateField(help_text=_("The person's local date."))
    note = models.CharField(max_length=1000, help_text=_("What they say."))
    made_at = models.DateTimeField(db_default=Now())
    granted_ms = models.PositiveIntegerField(default=0, help_text=_("Time added to the day, in milliseconds."))
    answer = models.CharField(max_length=300, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["reviewer", "day"], name="time_contest_of_day")]
        constraints = [
            models.UniqueConstraint(
                fields=["reviewer", "day"], condition=Q(answered_at=None), name="time_contest_one_open_a_day"
            ),
            models.CheckConstraint(condition=~Q(note=""), name="time_contest_has_note"),
            models.CheckConstraint(
                condition=Q(answered_at__isnull=True, answered_by__isnull=True, answer="", granted_ms=0)
                | (Q(answered_at__isnull=False, answered_by__isnull=False) & ~Q(answer="")),
                name="time_contest_answered_whole",
            ),
            models.CheckConstraint(condition=Q(granted_ms__lte=24 * 3600 * 1000), name="time_contest_at_most_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.reviewer} about {self.day}"


class Timesheet(models.Model):
    """One person's one local day: a view over spans and answered contests, so it is never anything else than they."""

    id = models.BigIntegerField(primary_key=True)
    reviewer = models.ForeignKey(Reviewer, on_delete=models.DO_NOTHING, related_name="timesheets")
    day = models.DateField()
    active_ms = models.BigIntegerField(help_text=_("At work, without waits for the network."))
    lost_ms = models.BigIntegerField(help_text=_("Waiting for the network."))
    granted_ms = models.BigIntegerField(help_text=_("Added by staff."))
    total_ms = models.BigIntegerField(help_text=_("All three: what counts as worked."))
    spans = models.IntegerField()
    leases = models.IntegerField(help_text=_("Leases that were worked on."))

    class Meta:
        managed = False
        db_table = "annotations_timesheet"
        ordering = ["-day", "reviewer"]

    def __str__(self) -> str:
        return f"{self.reviewer} on {self.day}"
