"""The work: one clip to be labelled in one project."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from annotations.models.lanes import Lane
from annotations.models.projects import Project
from clips.models import Clip
from config.history import kept
from config.states import Moves, waits_with_due_time
from workforce.models import Team


class TaskState(models.TextChoices):
    """Where a task is on its way to a label. The picture with every arrow is in the README."""

    OPEN = "open", _("Open")
    FULL = "full", _("Full")
    SETTLED = "settled", _("Settled")
    DISPUTED = "disputed", _("Disputed")
    STOPPED = "stopped", _("Stopped")


TASK_MOVES: Moves = {
    # To stopped: its clip may not be shown.
    TaskState.OPEN: frozenset({TaskState.FULL, TaskState.STOPPED}),
    # Back to open: a tie, and one more seat.
    TaskState.FULL: frozenset({TaskState.SETTLED, TaskState.OPEN, TaskState.DISPUTED}),
    # Back to full: an author amended an answer, so it is weighed again. To open: ops asked for one more answer.
    TaskState.SETTLED: frozenset({TaskState.FULL, TaskState.OPEN}),
    # To open: ops asked for one more answer.
    TaskState.DISPUTED: frozenset({TaskState.OPEN, TaskState.FULL}),
    # Its clip may be shown again.
    TaskState.STOPPED: frozenset({TaskState.OPEN}),
}


@kept(
    "state",
    "team",
    "overlap",
    "answers",
    "label",
    when="OLD.team_id <> NEW.team_id OR OLD.state <> NEW.state"
    " AND (NEW.state = 'stopped' OR OLD.state IN ('stopped', 'disputed', 'settled') AND NEW.state = 'open')",
)
class Task(models.Model):
    """One clip to be labelled in one project. A seat is one of the answers it needs.

    ``overlap`` seats in all, of which ``seats_left`` are free and ``answers`` are answered; the rest are held. Where
    each is for another team (``seats_apart``), one at a time is free or held, and ``seats_later`` wait for their team.
    """

    # No index of their own where another begins with the column: each seat taken writes every index of this table.
    # Project and team are the lane's: one key over all three (``annotations/sql/lanes.sql``) holds them together.
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, related_name="tasks", db_index=False, db_constraint=False
    )
    clip = models.ForeignKey(Clip, on_delete=models.PROTECT, related_name="tasks", db_index=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="tasks", db_index=False, db_constraint=False)
    lane = models.ForeignKey(Lane, on_delete=models.PROTECT, related_name="tasks", db_index=False, db_constraint=False)
    rank = models.BigIntegerField(
        help_text=_("Its place in the lane: the virtual deadline, or its turn among returned seats.")
    )
    state = models.CharField(max_length=16, choices=TaskState.choices, default=TaskState.OPEN)
    state_since = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(null=True, blank=True, help_text=_("The earliest due is handed out first."))
    looked_at = models.DateTimeField(null=True, blank=True, help_text=_("When the sweep last asked who may answer it."))
    overlap = models.PositiveSmallIntegerField()
    seats_left = models.PositiveSmallIntegerField()
    seats_apart = models.BooleanField(default=False, db_default=False, help_text=_("Each answer is of another team."))
    seats_later = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text=_("Seats that are opened for another team once this one has answered.")
    )
    answers = models.PositiveSmallIntegerField(default=0)
    label = models.CharField(max_length=32, blank=True, help_text=_("What the answers agreed on."))
    votes = models.JSONField(default=dict, help_text=_("How many answers each label got when it was settled."))
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["clip", "project"], name="task_once_per_clip"),
            models.CheckConstraint(
                condition=Q(overlap__gte=F("seats_left") + F("answers") + F("seats_later")),
                name="task_seats_within_overlap",
            ),
            # One team's turn at a time: never two seats free or held.
            models.CheckConstraint(
                condition=Q(seats_apart=False, seats_later=0)
                | Q(seats_apart=True, overlap__lte=F("answers") + F("seats_later") + 1),
                name="task_seats_apart_one_by_one",
            ),
            models.CheckConstraint(
                condition=waits_with_due_time(TaskState.SETTLED, TaskState.DISPUTED), name="task_waits_with_due_time"
            ),
            models.CheckConstraint(condition=Q(state__in=TaskState.values), name="task_state_known"),
            models.CheckConstraint(condition=~Q(state=TaskState.SETTLED) | ~Q(label=""), name="task_settled_has_label"),
            models.CheckConstraint(
                condition=Q(state__in=[TaskState.OPEN, TaskState.STOPPED]) | Q(answers=F("overlap")),
                name="task_seats_answered_unless_open",
            ),
        ]
        indexes = [
            # The queue: what may be handed out, the earliest virtual deadline first.
            models.Index(fields=["lane", "rank", "id"], name="task_queue", condition=Q(state="open", seats_left__gt=0)),
            models.Index(fields=["team", "state"], name="task_by_team"),
            models.Index(fields=["due_at"], name="task_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["state_since"], name="task_full", condition=Q(state="full")),
            models.Index(fields=["id"], name="task_stopped", condition=Q(state="stopped")),
            models.Index(
                fields=["id"], name="task_with_seats_later", condition=Q(state="open", seats_left=0, seats_later__gt=0)
            ),
            models.Index(fields=["project", "state", "id"], name="task_by_state"),
            # Staff's lists. None is written when a seat is taken: these rows are few, or over, or told apart by block.
            models.Index(fields=["id"], name="task_disputed", condition=Q(state="disputed")),
            models.Index(fields=["label", "id"], name="task_by_label", condition=~Q(label="")),
            BrinIndex(fields=["created_at"], name="task_by_arrival", autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"task {self.pk}"
