"""Stopping: a clip leaves every queue and whoever holds it loses it, in one transaction; later it may come back.

A stopped task is out of the state ``open``, on its own row: a reviewer's claim that read the clip a moment before
finds the row changed when it comes to lock it, and passes it by.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from annotations import queries
from annotations.models import LEASE_MOVES, TASK_MOVES, Lease, LeaseState, Project, RecallReason, Task, TaskState
from clips import cases, likeness
from clips.models import Case, CaseKind, Clip, ClipState, ConsentEvent, Decision, EventKind, Faces, Likeness, Verdict
from clips.queries import reviewable, to_label, with_proxy
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
    shown = to_label(OuterRef(OuterRef("project__purpose"))).filter(pk=OuterRef("clip_id"))
    rows = Task.objects.filter(_has_its_proxy(), Exists(shown), state=TaskState.STOPPED)
    rows = rows.select_related("project", "clip")
    return each(rows.order_by("id")[:most], lambda task: _reopen(task, at=at))


def _reopen(task: Task, *, at: datetime) -> bool:
    # The clip may ask for more clearance than it did, and the task's team may be another: both are the lane's.
    lane = queries.lane_for(team=task.team_id, project=task.project, clip=task.clip)
    assert task.due_at is not None  # noqa: S101 -- a CHECK says so for every task that waits
    rank = queries.rank_of(task.due_at, priority=task.project.priority)
    with transaction.atomic():
        Task.objects.select_for_update(no_key=True).only("pk").get(pk=task.pk)
        if not to_label(task.project.purpose).filter(pk=task.clip_id, is_sensitive=task.clip.is_sensitive).exists():
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


def _has_its_proxy() -> Q:
    """Tasks whose clip has the proxy that their project shows."""
    either = Q()
    for faces in Faces:
        either |= Q(project__faces=faces) & with_proxy(faces, clip="clip_id")
    return either


def stop_unready(project: Project, *, at: datetime) -> int:
    """Stop the project's open tasks whose clips lack the proxy that it shows now, until they have it; leases on them
    are recalled, for there is nothing to watch. Returns how many stopped."""
    lacking = Task.objects.filter(~_has_its_proxy(), project=project, state=TaskState.OPEN)
    return each(lacking.order_by("pk").values_list("pk", "clip_id"), lambda row: _stop_unready(*row, at=at))


def _stop_unready(task_id: int, clip_id: int, *, at: datetime) -> int:
    with transaction.atomic():
        held = [lease for lease in hold_clip(clip_id) if lease.task_id == task_id]
        rows = Task.objects.filter(pk=task_id)
        stopped = move(rows, moves=TASK_MOVES, old=TaskState.OPEN, new=TaskState.STOPPED, state_since=at)
        recall_all(held, why=RecallReason.OPS, at=at)
        return stopped


def stop_unseen(*, at: datetime, most: int = 500) -> int:
    """Stop open tasks of clips that were taken away of late: those made while their clip was flagged or withdrawn."""
    taken = Clip.objects.filter(
        state__in=[ClipState.QUARANTINED, ClipState.WITHHELD, ClipState.PURGED], state_since__gte=at - LATELY
    ).values("pk")
    owners = ConsentEvent.objects.filter(kind=EventKind.WITHDRAWN, recorded_at__gte=at - LATELY)
    withdrawn = Clip.objects.filter(
        Q(pk__in=owners.values("clip")) | Q(owner_key__in=owners.filter(clip=None).values("owner_key"))
    ).values("pk")
    tasks = Task.objects.filter(Q(clip__in=taken) | Q(clip__in=withdrawn), unseen(), state=TaskState.OPEN)
    clips = tasks.order_by().values_list("clip_id", flat=True).distinct()[:most]
    return each(list(clips), lambda clip_id: _stop_unseen(clip_id, at=at))


def _stop_unseen(clip_id: int, *, at: datetime) -> int:
    with transaction.atomic():
        held = hold_clip(clip_id)
        return end_unseen(clip_id, held, why=RecallReason.QUARANTINED, at=at)[0]


def unseen() -> Q:
    """Tasks whose clip may not be put before people now, for what their project wants it."""
    shown = reviewable(OuterRef(OuterRef("project__purpose"))).filter(pk=OuterRef("clip_id"))
    return ~Q(Exists(shown))


def end_unseen(clip_id: int, held: Iterable[Lease], *, why: str, at: datetime) -> tuple[int, int]:
    """Stop the clip's open tasks that may not be seen now, and end the leases on them; the caller holds both.

    Returns how many tasks stopped and how many leases ended.
    """
    over = set(Task.objects.filter(unseen(), clip=clip_id).values_list("pk", flat=True))
    rows = Task.objects.filter(pk__in=over)
    stopped = move(rows, moves=TASK_MOVES, old=TaskState.OPEN, new=TaskState.STOPPED, state_since=at)
    return stopped, recall_all([lease for lease in held if lease.task_id in over], why=why, at=at)
