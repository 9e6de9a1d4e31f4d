"""Tasks, lanes and the leases on them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from annotations import supervision
from annotations.admin.choosing import Plannable
from annotations.admin.narrowing import Granted, IsDue, OfLabel
from annotations.models import Head, Lane, Lease, LeaseState, Task, TaskState
from config.acting import staff, with_reason
from config.admin import Record, SeenBeyond, ago
from config.clock import database_now
from config.lists import Came, Large
from config.speech import name_of


@admin.register(Task)
class TaskAdmin(Plannable, Large):
    list_display = [
        "id",
        "state_label",
        "project",
        "team",
        "clip",
        "region",
        "seats",
        "label",
        "votes_said",
        "due",
        "since",
    ]
    list_filter = ["state", IsDue, "project", ("team__region", SeenBeyond), "team", OfLabel, Came]
    list_select_related = ["project", "team", "clip"]
    search_fields = ["=id", "=clip__id"]
    search_help_text = _("Task or clip number")
    actions = ["plan_these", "requeue"]

    def get_ordering(self, request: HttpRequest) -> list[str]:
        """The newest first; the first due, where it is asked what is due."""
        return ["due_at", "-id"] if request.GET.get("due") else ["-id"]

    def preview(self, task: Task) -> str:
        return f"{task} of {task.project}, {task.team}: {task.get_state_display().lower()}, {self.seats(task)}"

    @display(
        description=_("State"),
        ordering="state",
        label={
            TaskState.OPEN: "info",
            TaskState.FULL: "warning",
            TaskState.SETTLED: "success",
            TaskState.DISPUTED: "danger",
            TaskState.STOPPED: "danger",
        },
    )
    def state_label(self, task: Task) -> tuple[str, str]:
        return task.state, task.get_state_display()

    @display(description=_("Region"), ordering="clip__region")
    def region(self, task: Task) -> str:
        return task.clip.region

    @display(description=_("Seats"))
    def seats(self, task: Task) -> str:
        held = task.overlap - task.answers - task.seats_left - task.seats_later
        said = _("%(answers)s of %(overlap)s answered") % {"answers": task.answers, "overlap": task.overlap}
        said += _(", %(count)s held") % {"count": held} if held else ""
        later = _(", %(count)s later, for other teams") % {"count": task.seats_later}
        return said + (later if task.seats_later else "")

    @display(description=_("Votes"))
    def votes_said(self, task: Task) -> str:
        return ", ".join(f"{count} {label}" for label, count in task.votes.items()) or "-"

    @display(description=_("Due"), ordering="due_at")
    def due(self, task: Task) -> SafeString | str:
        if task.state == TaskState.OPEN and task.due_at is not None and task.due_at < timezone.now():
            return format_html('<strong class="text-red-600 dark:text-red-400">{}</strong>', ago(task.due_at))
        return ago(task.due_at)

    @display(description=_("In this state"), ordering="state_since")
    def since(self, task: Task) -> SafeString | str:
        return ago(task.state_since)

    @with_reason(
        description=_("Re-queue tasks"),
        effect=_(
            "Leases on open ones are recalled; settled and disputed ones are opened with one more seat and weighed "
            "anew. They go before what was never taken."
        ),
        done=_("re-queued"),
    )
    def requeue(self, request: HttpRequest, task: Task, answers: dict[str, Any]) -> object:
        """Put tasks back into the queue."""
        return supervision.requeue(task.pk, by=staff(request), reason=answers["reason"], at=database_now())


@admin.register(Lease)
class LeaseAdmin(Large):
    list_display = ["id", "state_label", "reviewer", "team", "project", "task", "granted", "ends", "ended"]
    list_filter = ["state", "task__project", ("reviewer__team__region", SeenBeyond), "reviewer__team", Granted]
    list_select_related = ["reviewer__user", "reviewer__team", "task__project"]
    # Who takes work writes each index of this table, so it has none for teams and projects.
    reach = 100_000
    few = {"state__exact": frozenset(LeaseState.values) - {LeaseState.SUBMITTED}}
    # By the days on which they worked, for those have an index on people, and leases one on days.
    search_fields = ["=id", "=task__id", "quota_day__reviewer__user__username"]
    search_help_text = _("Lease or task number, or the reviewer's sign-in")
    # A token is for the holder's eyes only.
    exclude = ["token"]
    actions = ["recall"]
    acts_by = ("state", {"recall": {LeaseState.LIVE}})

    def preview(self, lease: Lease) -> str:
        return f"{lease} of {lease.reviewer} on {lease.task}: {lease.get_state_display().lower()}"

    @with_reason(
        description=_("Recall leases"),
        effect=_(
            "Seat and unit return at once; whoever holds one is told when they next call. An answer that they are "
            "just giving is kept, uncounted."
        ),
        done=_("recalled"),
    )
    def recall(self, request: HttpRequest, lease: Lease, answers: dict[str, Any]) -> object:
        """Take leases back."""
        return supervision.recall(lease.pk, by=staff(request), reason=answers["reason"], at=database_now())

    @display(
        description=_("State"),
        ordering="state",
        label={
            LeaseState.LIVE: "info",
            LeaseState.SUBMITTED: "success",
            LeaseState.RETURNED: "warning",
            LeaseState.LAPSED: "danger",
            LeaseState.SKIPPED: "warning",
            LeaseState.FLAGGED: "danger",
            LeaseState.RECALLED: "danger",
        },
    )
    def state_label(self, lease: Lease) -> tuple[str, str]:
        return lease.state, lease.get_state_display()

    @display(description=_("Team"))
    def team(self, lease: Lease) -> str:
        return lease.reviewer.team.name

    @display(description=_("Project"))
    def project(self, lease: Lease) -> str:
        return lease.task.project.name

    @display(description=_("Granted"))
    def granted(self, lease: Lease) -> SafeString | str:
        return ago(lease.granted_at)

    @display(description=_("Ended"))
    def ended(self, lease: Lease) -> SafeString | str:
        return ago(lease.ended_at)

    @display(description=_("Expires"), ordering="expires_at")
    def ends(self, lease: Lease) -> SafeString | str:
        return ago(lease.expires_at) if lease.state == LeaseState.LIVE else "-"


@admin.register(Lane)
class LaneAdmin(Record):
    list_display = ["id", "team", "project", "region", "needs", "head_rank", "tail_rank", "came_back"]
    list_filter = ["team", "project", "clearance"]
    list_select_related = ["team", "project"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Lane]:
        newest = Head.objects.filter(lane=OuterRef("pk")).order_by("-number")
        return (
            super()
            .get_queryset(request)
            .annotate(
                head_rank=Subquery(newest.values("head_rank")[:1]),
                tail_rank=Subquery(newest.values("tail_rank")[:1]),
                came_back=Subquery(newest.values("express_next")[:1]) - 1,
            )
        )

    @display(description=_("Needs"))
    def needs(self, lane: Lane) -> str:
        """What it asks of whoever takes of it."""
        asks = [*([name_of(lane.language)] if lane.language else []), *lane.skills]
        return ", ".join([*asks, *([str(_("clearance"))] if lane.clearance else [])]) or "-"

    @display(description=_("Head"), ordering="head_rank")
    def head_rank(self, lane: Any) -> int | str:
        return "-" if lane.head_rank is None else lane.head_rank

    @display(description=_("Tail"), ordering="tail_rank")
    def tail_rank(self, lane: Any) -> int | str:
        return "-" if lane.tail_rank is None else lane.tail_rank

    @display(description=_("Seats that came back"), ordering="came_back")
    def came_back(self, lane: Any) -> int | str:
        return "-" if lane.came_back is None else lane.came_back
