"""Stopping: a clip leaves every queue and whoever holds it loses it, in one transaction; later it may come back.

A stopped task is out of the state ``open``, on its own row: a reviewer's claim that read the clip a moment before
finds the row changed when it comes to lock it, and passes it by.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, F, OuterRef

from annotations import queries
from annotations.models import LEASE_MOVES, TASK_MOVES, Lease, LeaseState, RecallReason, Task, TaskState
from clips import cases, consenting, likeness
from clips.models import Case, CaseKind, Clip, ClipState, Decision, Likeness, Verdict
from clips.queries import reviewable, to_label
from config.errors import NotFound
from config.history import because
from config.states import move
from config.ticks import each
from workforce import quotas
from workforce.models import QuotaDay

TRIES = 20
LATELY = timedelta(hours=1)


class _SomebodyTookASeat(Exception):
    """Between reading who holds the clip and locking its tasks; look again."""


def hold_clip(clip_id: int, *, also: Iterable[int] = ()) -> list[Lease]:
    """Lock all that ending a clip's leases moves, in the room's order; returns the clip's live leases.

    Quota days first (those of ``also`` too), each in the order of their numbers, then tasks. Until the caller's
    transaction ends nobody takes, submits or ends a lease on this clip.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("locks are held only inside the transaction that uses them")
    live = Lease.objects.filter(task__clip=clip_id, state=LeaseState.LIVE)
    for _ in range(TRIES):
        days = set(live.values_list("quota_day_id", flat=True)) | set(also)
        try:
            with transaction.atomic():
                list(QuotaDay.objects.select_for_update(no_key=True).filter(pk__in=days).order_by("pk").only("pk"))
                list(Task.objects.select_for_update(no_key=True).filter(clip=clip_id).order_by("pk").only("pk"))
                held = list(live.order_by("pk"))
                if not {lease.quota_day_id for lease in held} <= days:
                    # The day of who came in between would be locked after a task: give all back and begin again.
                    raise _SomebodyTookASeat
                return held
        except _SomebodyTookASeat:
            continue
    raise RuntimeError(f"clip {clip_id} was taken {TRIES} times while it was being stopped")


def recall_all(leases: Iterable[Lease], *, why: str, at: datetime) -> int:
    """End these leases, whose days and tasks the caller holds; unit and seat come back. Returns how many ended."""
    count = 0
    for lease in leases:
        rows = Lease.objects.filter(pk=lease.pk)
        if move(rows, moves=LEASE_MOVES, old=LeaseState.LIVE, new=LeaseState.RECALLED, recall_reason=why, ended_at=at):
            quotas.give_back(lease.quota_day_id)
            Task.objects.filter(pk=lease.task_id).update(seats_left=F("seats_left") + 1)
            count += 1
    return count


def stop_tasks(clip_id: int, *, at: datetime) -> int:
    """Take the clip's open tasks, which the caller holds, out of the queue; returns how many."""
    rows = Task.objects.filter(clip=clip_id)
    return move(rows, moves=TASK_MOVES, old=TaskState.OPEN, new=TaskState.STOPPED, state_since=at)


def withdraw(clip_id: int, *, by: User, reason: str, at: datetime) -> int:
    """The owner takes the consent back: nobody is shown the clip from here on. Returns how many leases ended."""
    with because(by, reason, verb="withdraw consent"), transaction.atomic():
        held = hold_clip(clip_id)
        stop_tasks(clip_id, at=at)
        ended = recall_all(held, why=RecallReason.WITHDRAWN, at=at)
        consenting.withdraw(clip_id, at=at)
        cases.close_withdrawn(clip_id, by=by, at=at)
    return ended


def decide(case_id: int, *, decision: str, by: User, reason: str, at: datetime) -> Case:
    """Decide a case; what takes the clip away ends the leases on it. The sweep puts back what may be shown again.

    Raises :class:`NotFound`, :class:`clips.errors.CaseDecided`, :class:`clips.errors.DecisionDoesNotFit`,
    :class:`clips.errors.NotForYou`, :class:`config.history.ReasonMissing`.
    """
    case = Case.objects.filter(pk=case_id).first()
    if case is None:
        raise NotFound
    with because(by, reason, verb="decide case") as context, transaction.atomic():
        held = hold_clip(case.clip_id)
        if decision in {Decision.WITHHOLD, Decision.PREPARE_AGAIN, Decision.SHOW_TO_CLEARED}:
            stop_tasks(case.clip_id, at=at)
            recall_all(held, why=RecallReason.QUARANTINED, at=at)
        cases.decide(case, decision=decision, by=by, reason=context.metadata["why"], at=at)
    case.refresh_from_db()
    return case


def quarantine(clip_id: int, *, by: User, reason: str, at: datetime) -> bool:
    """Staff take a clip from everybody until cleared staff have decided; False when it was not being shown.

    Raises :class:`NotFound`, :class:`config.history.ReasonMissing`.
    """
    if not Clip.objects.filter(pk=clip_id).exists():
        raise NotFound
    with because(by, reason, verb="quarantine"), transaction.atomic():
        held = hold_clip(clip_id)
        case = cases.open_case(clip_id, kind=CaseKind.SENSITIVE, at=at)
        stop_tasks(clip_id, at=at)
        recall_all(held, why=RecallReason.QUARANTINED, at=at)
        return cases.quarantine(case, at=at)


def judge(likeness_id: int, *, verdict: str, by: User, reason: str, at: datetime) -> Likeness:
    """Say whether two clips are the same; of the same only the earlier is labelled, and the later's tasks stop.

    Can be taken back: the sweep then opens them again. Raises :class:`NotFound`,
    :class:`config.history.ReasonMissing`.
    """
    found = likeness.get(likeness_id)
    with because(by, reason, verb="judge likeness"), transaction.atomic():
        held = hold_clip(found.clip_id)
        if verdict == Verdict.SAME:
            stop_tasks(found.clip_id, at=at)
            recall_all(held, why=RecallReason.OPS, at=at)
        likeness.judge(found, verdict=verdict)
    found.refresh_from_db()
    return found


def put_back(*, at: datetime, most: int = 500) -> int:
    """Open the stopped tasks whose clips may be shown again, at their old place in the queue; returns how many."""
    shown = to_label().filter(pk=OuterRef("clip_id"))
    rows = Task.objects.filter(Exists(shown), state=TaskState.STOPPED).select_related("project", "clip")
    return each(rows.order_by("id")[:most], lambda task: _reopen(task, at=at))


def _reopen(task: Task, *, at: datetime) -> bool:
    # The clip may ask for more clearance than it did, and the task's team may be another: both are the lane's.
    lane = queries.lane_for(team=task.team_id, project=task.project, clip=task.clip)
    assert task.due_at is not None  # noqa: S101 -- a CHECK says so for every task that waits
    rank = queries.rank_of(task.due_at, priority=task.project.priority)
    with transaction.atomic():
        Task.objects.select_for_update(no_key=True).only("pk").get(pk=task.pk)
        if not to_label().filter(pk=task.clip_id, is_sensitive=task.clip.is_sensitive).exists():
            return False
        queries.enter(lane, [rank])
        moved = move(
            Task.objects.filter(pk=task.pk),
            moves=TASK_MOVES,
            old=TaskState.STOPPED,
            new=TaskState.OPEN,
            lane=lane,
            rank=rank,
            state_since=at,
            looked_at=None,
        )
    return moved == 1


def stop_unseen(*, at: datetime, most: int = 500) -> int:
    """Stop open tasks of clips that were taken away of late: those made while their clip was being flagged."""
    clips = Clip.objects.filter(
        Exists(Task.objects.filter(clip=OuterRef("pk"), state=TaskState.OPEN)),
        state__in=[ClipState.QUARANTINED, ClipState.WITHHELD],
        state_since__gte=at - LATELY,
    )
    return each(clips.values_list("pk", flat=True)[:most], lambda clip_id: _stop_unseen(clip_id, at=at))


def _stop_unseen(clip_id: int, *, at: datetime) -> int:
    with transaction.atomic():
        held = hold_clip(clip_id)
        if reviewable().filter(pk=clip_id).exists():
            return 0
        stopped = stop_tasks(clip_id, at=at)
        recall_all(held, why=RecallReason.QUARANTINED, at=at)
        return stopped
