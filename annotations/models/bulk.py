"""Actions on many rows at once, as rows: what was asked of which, and what became of each."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from config.states import Moves, waits_with_due_time


class BulkState(models.TextChoices):
    QUEUED = "queued", _("Waits for a worker")
    RUNNING = "running", _("Under way")
    DONE = "done", _("Done")
    CANCELLED = "cancelled", _("Cancelled")


BULK_MOVES: Moves = {
    BulkState.QUEUED: frozenset({BulkState.RUNNING, BulkState.CANCELLED}),
    BulkState.RUNNING: frozenset({BulkState.DONE, BulkState.CANCELLED}),
    BulkState.DONE: frozenset(),
    BulkState.CANCELLED: frozenset(),
}


class BulkOutcome(models.TextChoices):
    """What became of one row."""

    WAITING = "", _("Waits")
    DONE = "done", _("Done")
    DULL = "dull", _("Was so already")
    REFUSED = "refused", _("Refused")


class BulkRun(models.Model):
    """An action of a list, on more rows than a request has time for; in whose name, with which reason and answers.

    Whose holder is a worker with the run's lock; a run whose worker died is found by its due time.
    """

    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    model = models.CharField(max_length=100, help_text=_("The table, as app.model."))
    action = models.CharField(max_length=100, help_text=_("The action's name on the table's list."))
    title = models.CharField(max_length=200, help_text=_("The action as people read it."))
    reason = models.CharField(max_length=300)
    answers = models.JSONField(default=dict, help_text=_("What else its form asked."))
    state = models.CharField(max_length=16, choices=BulkState.choices, default=BulkState.QUEUED)
    created_at = models.DateTimeField(db_default=Now())
    begun_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When a sweep looks at it, unless a worker says it lives.")
    )
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    dull = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(
                condition=waits_with_due_time(BulkState.DONE, BulkState.CANCELLED), name="bulk_waits_with_due_time"
            ),
            models.CheckConstraint(condition=Q(state__in=BulkState.values), name="bulk_state_known"),
            models.CheckConstraint(condition=~Q(reason=""), name="bulk_has_reason"),
            models.CheckConstraint(
                condition=Q(total__gte=F("done") + F("dull") + F("refused")), name="bulk_no_more_than_asked"
            ),
            models.CheckConstraint(
                condition=~Q(state=BulkState.DONE) | Q(total=F("done") + F("dull") + F("refused")),
                name="bulk_done_is_all",
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="bulk_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["by", "-id"], name="bulk_by_person"),
        ]

    def __str__(self) -> str:
        return f"bulk action {self.pk}"

    @property
    def looked_at(self) -> int:
        """Rows whose outcome is known."""
        return self.done + self.dull + self.refused


class BulkItem(models.Model):
    """One row that a bulk action is about. Which rows these are is settled when it is asked."""

    pk = models.CompositePrimaryKey("run_id", "place")
    run = models.ForeignKey(BulkRun, on_delete=models.CASCADE, related_name="items", db_index=False)
    place = models.PositiveIntegerField()
    object_id = models.BigIntegerField()
    outcome = models.CharField(
        max_length=8,
        choices=BulkOutcome.choices,
        blank=True,
        default="",
        db_default="",
        help_text=_("Empty: it waits."),
    )
    why = models.CharField(max_length=500, blank=True, default="", db_default="")

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=Q(outcome__in=BulkOutcome.values), name="bulk_item_outcome_known"),
            models.CheckConstraint(condition=Q(outcome="refused") ^ Q(why=""), name="bulk_item_refused_says_why"),
        ]
        indexes = [
            models.Index(fields=["run", "place"], name="bulk_item_waits", condition=Q(outcome="")),
            models.Index(fields=["run", "place"], name="bulk_item_refused", condition=Q(outcome="refused")),
        ]

    def __str__(self) -> str:
        return f"row {self.object_id} of {self.run_id}"
