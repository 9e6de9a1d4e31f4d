"""Taking a plan by hand back, while nobody has begun what it moved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from annotations.errors import PlanBegun, PlanOver
from annotations.models import PLAN_MOVES, Lane, Lease, Plan, PlanItem, PlanKind, PlanState, Task, TaskState
from annotations.planning import queries
from annotations.planning.applying import AT_ONCE
from annotations.planning.by_hand import alone_or_refused
from annotations.queries import enter, rank_of
from annotations.scopes import is_whole_plan
from config.errors import NotFound
from config.history import because, checked
from config.scope import ReachesFurther
from config.states import move


def undo(plan_id: int, *, by: User, reason: str, at: datetime) -> Plan:
    """Put every task of a plan by hand back where it lay, and unmake those that it made.

    Raises :class:`NotFound`, :class:`PlanOver`, :class:`PlanBegun` when somebody holds, held or answered one of them,
    :class:`PlannerBusy`, :class:`config.history.ReasonMissing`, :class:`config.scope.ReachesFurther` where some of it
    is others' work. What somebody takes at this very moment stays theirs.
    """
    why = checked(reason)
    with alone_or_refused(), because(by, reason, verb="undo plan"):
        plan = Plan.objects.filter(pk=plan_id).first()
        if plan is None:
            raise NotFound
        if not is_whole_plan(by, plan):
            raise ReachesFurther
        if plan.kind != PlanKind.HAND or plan.state not in {PlanState.APPLIED, PlanState.BROKEN_OFF}:
            raise PlanOver
        items = PlanItem.objects.filter(line__plan=plan)
        count = items.filter(begun()).count()
        if count:
            raise PlanBegun(f"{count} of the {items.count()} tasks of this plan have been begun; it can't be undone.")
        _put_back(plan)
        _unmake(plan)
        changes = {"undone_at": at, "undone_by": by, "undone_reason": why}
        move(Plan.objects.filter(pk=plan.pk), moves=PLAN_MOVES, old=plan.state, new=PlanState.UNDONE, **changes)
    plan.refresh_from_db()
    return plan


def begun() -> Q:
    """Items whose tasks somebody holds, held once, or answered, or that are no longer open."""
    held = Exists(Lease.objects.filter(task=OuterRef("task")))
    touched = (
        ~Q(task__state=TaskState.OPEN)
        | Q(task__answers__gt=0)
        | Q(task__seats_left__lt=F("task__overlap") - F("task__seats_later"))
    )
    return Q(held) | touched


def _put_back(plan: Plan) -> None:
    groups: dict[tuple[int, int], list[PlanItem]] = defaultdict(list)
    for item in _items(plan).filter(lane_before__isnull=False):
        groups[item.task.lane_id, item.lane_before_id or 0].append(item)
    for (here, there), items in sorted(groups.items()):
        lane = Lane.objects.select_related("project").get(pk=there)
        for first in range(0, len(items), AT_ONCE):
            with transaction.atomic():
                _put_back_lot(items[first : first + AT_ONCE], here, lane)


def _put_back_lot(items: Sequence[PlanItem], here: int, lane: Lane) -> None:
    before = {item.task_id: item for item in items}
    picked = queries.pick(
        lane_id=here, team_id=lane.team_id, due_on=None, overlap=None, most=len(items), task_ids=list(before)
    )
    if not picked:
        return
    ranks, dues = [], []
    for task in picked:
        item = before[task.id]
        due = item.due_before or task.due_at
        rank = item.rank_before or 0
        dues.append(due)
        # It had come back to its lane, before all deadlines; that turn is over.
        ranks.append(rank_of(due, priority=lane.project.priority) if rank < queries.EXPRESS else rank)
    enter(lane, ranks)
    numbers = [task.id for task in picked]
    queries.put(numbers, ranks, dues, team_id=lane.team_id, lane_id=lane.pk)
    PlanItem.objects.filter(pk__in=[before[number].pk for number in numbers]).delete()


def _unmake(plan: Plan) -> None:
    """Delete the tasks that the plan made: their clips wait for the next plan."""
    numbers = list(_items(plan).filter(lane_before=None).values_list("task_id", flat=True))
    for first in range(0, len(numbers), AT_ONCE):
        with transaction.atomic():
            lot = Task.objects.filter(pk__in=numbers[first : first + AT_ONCE], state=TaskState.OPEN, answers=0)
            lot = lot.filter(
                ~Exists(Lease.objects.filter(task=OuterRef("pk"))), seats_left=F("overlap") - F("seats_later")
            )
            locked = lot.select_for_update(skip_locked=True).order_by("pk")
            # Judged again now that they are locked: who took one meanwhile left a lease.
            lot.filter(pk__in=list(locked.values_list("pk", flat=True))).delete()


def _items(plan: Plan) -> QuerySet[PlanItem]:
    return PlanItem.objects.filter(line__plan=plan).select_related("task").order_by("task_id")
