"""Plans: what was decided about who does which work, and what became of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from annotations.models.lanes import Lane
from annotations.models.projects import Project
from annotations.models.tasks import Task
from config.speech import name_of
from config.states import Moves
from workforce.models import Team


class PlanKind(models.TextChoices):
    BEAT = "beat", _("By itself")
    HAND = "hand", _("By hand")


class PlanState(models.TextChoices):
    """Where a plan is. What is being applied belongs to whoever holds the planners' lock; if that one died, the next
    plan says so: what was done stays, and what was not is planned again."""

    APPLYING = "applying", _("Applying")
    APPLIED = "applied", _("Applied")
    BROKEN_OFF = "broken_off", _("Broken off")
    UNDONE = "undone", _("Undone")


PLAN_MOVES: Moves = {
    PlanState.APPLYING: frozenset({PlanState.APPLIED, PlanState.BROKEN_OFF}),
    PlanState.APPLIED: frozenset({PlanState.UNDONE}),
    PlanState.BROKEN_OFF: frozenset({PlanState.UNDONE}),
    PlanState.UNDONE: frozenset(),
}


class Plan(models.Model):
    """One look at all work and all people, and what followed from it."""

    kind = models.CharField(max_length=8, choices=PlanKind.choices)
    state = models.CharField(max_length=16, choices=PlanState.choices, default=PlanState.APPLYING)
    made_at = models.DateTimeField()
    due_at = models.DateTimeField(
        null=True, blank=True, help_text=_("While it is applied: when the next planner looks at it.")
    )
    looked_at = models.DateTimeField(help_text=_("When a planner last came to the same."))
    ends_at = models.DateTimeField(help_text=_("How far it looked ahead."))
    seen = models.CharField(max_length=200, blank=True, help_text=_("What of people and projects it followed from."))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=300, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    undone_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=PlanState.values), name="plan_state_known"),
            models.CheckConstraint(
                condition=Q(kind=PlanKind.BEAT) | Q(by__isnull=False) & ~Q(reason=""),
                name="plan_by_hand_has_author_and_reason",
            ),
            models.CheckConstraint(
                condition=~Q(state=PlanState.UNDONE)
                | Q(undone_at__isnull=False, undone_by__isnull=False) & ~Q(undone_reason=""),
                name="plan_undone_has_author_and_reason",
            ),
            models.CheckConstraint(
                condition=~Q(state=PlanState.APPLYING) | Q(due_at__isnull=False), name="plan_waits_with_due_time"
            ),
        ]
        indexes = [models.Index(fields=["kind", "-id"], name="plan_by_kind")]

    def __str__(self) -> str:
        return f"plan {self.pk}"


class PlanLine(models.Model):
    """Of a plan: so many tasks of a sort from here to there, or nowhere and why."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="lines", db_index=False)
    number = models.PositiveIntegerField()
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+", db_index=False)
    region = models.CharField(max_length=16, help_text=_("Where the clips live."))
    clearance = models.PositiveSmallIntegerField(default=0)
    language = models.CharField(max_length=8, blank=True, default="", db_default="", help_text=_("Blank: any."))
    due_at = models.DateTimeField()
    from_team = models.ForeignKey(
        Team, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False,
        help_text=_("Empty: clips that were no tasks yet."),
    )  # fmt: skip
    to_team = models.ForeignKey(
        Team, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False,
        help_text=_("Empty: nobody was found."),
    )  # fmt: skip
    tasks = models.PositiveIntegerField()
    late = models.PositiveIntegerField(default=0, help_text=_("How many of them will be done after they are due."))
    done = models.PositiveIntegerField(default=0, help_text=_("How many really went there; others changed meanwhile."))
    why = models.CharField(max_length=300, blank=True, help_text=_("Why nobody was found."))

    class Meta:
        ordering = ["plan_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "number"], name="plan_line_once"),
            models.CheckConstraint(
                condition=Q(to_team__isnull=False, why="") | Q(to_team__isnull=True, done=0) & ~Q(why=""),
                name="plan_line_goes_somewhere_or_says_why",
            ),
            models.CheckConstraint(
                condition=Q(done__lte=F("tasks"), late__lte=F("tasks")), name="plan_line_does_no_more_than_it_says"
            ),
        ]

    def __str__(self) -> str:
        return f"line {self.number} of plan {self.plan_id}"

    @property
    def spoken(self) -> str:
        """What is spoken, as it is called."""
        return name_of(self.language)


class PlanItem(models.Model):
    """Of a plan by hand: one task, and where it lay before, so that it can be put back."""

    line = models.ForeignKey(PlanLine, on_delete=models.CASCADE, related_name="items")
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="+", db_index=False)
    lane_before = models.ForeignKey(
        Lane, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False,
        help_text=_("Empty: the plan made the task."),
    )  # fmt: skip
    rank_before = models.BigIntegerField(null=True, blank=True)
    due_before = models.DateTimeField(null=True, blank=True)
    keeps = models.BooleanField(help_text=_("On: its team was chosen by somebody, and no other plan takes it away."))
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["task", "line"], name="plan_item_once")]

    def __str__(self) -> str:
        return f"task {self.task_id} in line {self.line_id}"
