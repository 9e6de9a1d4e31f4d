"""Holds on seats, and the keys under which they were taken."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from annotations.models.tasks import Task
from config.history import kept
from config.states import Moves
from workforce.models import QuotaDay, Reviewer


class LeaseState(models.TextChoices):
    LIVE = "live", _("Live")
    SUBMITTED = "submitted", _("Submitted")
    RETURNED = "returned", _("Given back")
    LAPSED = "lapsed", _("Lapsed")
    SKIPPED = "skipped", _("Skipped")
    FLAGGED = "flagged", _("Flagged")
    RECALLED = "recalled", _("Recalled")


LEASE_MOVES: Moves = {
    LeaseState.LIVE: frozenset(
        {
            LeaseState.SUBMITTED,
            LeaseState.RETURNED,
            LeaseState.LAPSED,
            LeaseState.SKIPPED,
            LeaseState.FLAGGED,
            LeaseState.RECALLED,
        }
    ),
    LeaseState.SUBMITTED: frozenset(),
    LeaseState.RETURNED: frozenset(),
    # A late answer, within the grace, while the seat is free.
    LeaseState.LAPSED: frozenset({LeaseState.SUBMITTED}),
    LeaseState.SKIPPED: frozenset(),
    LeaseState.FLAGGED: frozenset(),
    LeaseState.RECALLED: frozenset(),
}


class SkipReason(models.TextChoices):
    """Why a reviewer would rather not answer a task."""

    CANNOT_PLAY = "cannot_play", _("It does not play")
    CANNOT_SEE = "cannot_see", _("Too dark, too blurred or hidden")
    LANGUAGE = "language", _("A language I do not speak")
    KNOWN_PERSON = "known_person", _("I know somebody in it")
    DISTRESSING = "distressing", _("It distresses me")
    OTHER = "other", _("Something else")


class RecallReason(models.TextChoices):
    """Why a lease was ended from outside."""

    OPS = "ops", _("Ops took it back")
    QUARANTINED = "quarantined", _("Its clip was quarantined")
    WITHDRAWN = "withdrawn", _("Its owner withdrew the consent")
    PURGED = "purged", _("Its clip's time here was over")
    EXPIRED = "expired", _("Its owner's consent expired")


@kept("task", "reviewer", "state", "recall_reason", when="NEW.state = 'recalled' AND OLD.state <> 'recalled'")
class Lease(models.Model):
    """A reviewer's time-limited hold on one seat. Nobody is ever given the same task twice."""

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="leases", db_index=False)
    # A reviewer's live leases have an index; "did they hold this task" must never be answered from all they ever held.
    reviewer = models.ForeignKey(Reviewer, on_delete=models.PROTECT, related_name="leases", db_index=False)
    quota_day = models.ForeignKey(QuotaDay, on_delete=models.PROTECT, related_name="leases")
    token = models.UUIDField(default=uuid.uuid4, help_text=_("Shown to the holder only; a write must carry it."))
    state = models.CharField(max_length=16, choices=LeaseState.choices, default=LeaseState.LIVE)
    granted_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    skip_reason = models.CharField(max_length=16, choices=SkipReason.choices, blank=True)
    recall_reason = models.CharField(max_length=16, choices=RecallReason.choices, blank=True, db_default="")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state=LeaseState.SKIPPED, skip_reason__gt="")
                | Q(~Q(state=LeaseState.SKIPPED), skip_reason=""),
                name="lease_skipped_has_reason",
            ),
            models.CheckConstraint(
                condition=Q(state=LeaseState.RECALLED, recall_reason__gt="")
                | Q(~Q(state=LeaseState.RECALLED), recall_reason=""),
                name="lease_recalled_has_reason",
            ),
            models.UniqueConstraint(fields=["task", "reviewer"], name="lease_never_twice_for_one_reviewer"),
            models.CheckConstraint(
                condition=Q(state=LeaseState.LIVE) | Q(ended_at__isnull=False), name="lease_ended_has_time"
            ),
            models.CheckConstraint(condition=Q(state__in=LeaseState.values), name="lease_state_known"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("granted_at")), name="lease_expires_later"),
        ]
        indexes = [
            # Said in another way than the next one's, though it means the same: after a quiet night both look empty to
            # PostgreSQL, and it would read everybody's live leases to find one person's.
            models.Index(fields=["expires_at"], name="lease_live_by_expiry", condition=Q(ended_at=None)),
            models.Index(fields=["reviewer"], name="lease_live_by_reviewer", condition=Q(state="live")),
            # Staff's lists: what ended otherwise than by an answer is little, and is what is looked for.
            models.Index(
                fields=["state", "id"], name="lease_ended_early", condition=~Q(state__in=["live", "submitted"])
            ),
            BrinIndex(fields=["granted_at"], name="lease_by_grant", autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"lease {self.pk}"


class TakeKey(models.Model):
    """An Idempotency-Key under which work was taken: the same call with it gets the same leases."""

    reviewer = models.ForeignKey(Reviewer, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=255)
    count = models.PositiveSmallIntegerField()
    lease_ids = ArrayField(models.BigIntegerField())
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reviewer", "key"], name="take_key_once")]
        indexes = [models.Index(fields=["created_at"], name="take_key_by_age")]

    def __str__(self) -> str:
        return f"key of {self.reviewer_id}"
