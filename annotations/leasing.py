"""Leasing: a reviewer takes seats, gives them back, or runs out of time.

One lock order in every verb of this room: quota day, then task, then lease. The quota row is the reviewer's own, so
holding it first makes one person's parallel calls line up before they reach rows that everybody shares.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from annotations.errors import AlreadySubmitted, LeaseLapsed, LeaseReturned, StaleToken
from annotations.models import LEASE_MOVES, Lease, LeaseState, Task, TaskState
from clips.queries import reviewable
from config.errors import NotFound, Refusal
from config.states import move
from workforce import quotas
from workforce.models import QuotaDay, Reviewer

MOST_AT_ONCE = 10


@dataclass(frozen=True)
class Granted:
    """What one call for work brought: leases, the day's quota after it, and why there are none."""

    leases: list[Lease]
    quota: QuotaDay
    reason: str = ""


class _NothingToDo(Exception):
    """Ends the transaction so that the quota moves back with it."""


def lease_next(reviewer: Reviewer, *, count: int, at: datetime) -> Granted:
    """Lease up to ``count`` tasks to the reviewer, the earliest due first.

    One durable transaction: either the leases stand, their seats are taken and the day holds their units, or nothing
    happened. No work leaves an empty list and a reason. Raises :class:`workforce.errors.QuotaExhausted`.
    """
    try:
        with transaction.atomic(durable=True):
            quota, held = quotas.hold(reviewer, wanted=min(count, MOST_AT_ONCE), at=at)
            tasks = list(
                takeable(reviewer)
                .select_related("project", "clip")
                .select_for_update(skip_locked=True, of=("self",))
                .order_by("due_at", "id")[:held]
            )
            if not tasks:
                raise _NothingToDo
            _take_seats(tasks)
            leases = Lease.objects.bulk_create(
                Lease(
                    task=task,
                    reviewer=reviewer,
                    quota_day=quota,
                    granted_at=at,
                    expires_at=at + timedelta(seconds=task.project.lease_seconds),
                )
                for task in tasks
            )
            quotas.give_back(quota.pk, units=held - len(leases))
            quota.held -= held - len(leases)
    except _NothingToDo:
        return Granted([], quotas.today(reviewer, at=at), why_nothing(reviewer))
    return Granted(leases, quota)


def takeable(reviewer: Reviewer) -> QuerySet[Task]:
    """Open tasks of the reviewer's team with a free seat that this reviewer never held, on clips that may be seen."""
    mine = Lease.objects.filter(task=OuterRef("pk"), reviewer=reviewer)
    return Task.objects.filter(
        Exists(reviewable().filter(pk=OuterRef("clip_id"))),
        ~Exists(mine),
        team=reviewer.team,
        state=TaskState.OPEN,
        seats_left__gt=0,
        project__is_active=True,
    )


def why_nothing(reviewer: Reviewer) -> str:
    """A stable word for an empty answer: ``all-done-by-you`` when only others may answer, else ``queue-empty``."""
    others = Task.objects.filter(team=reviewer.team, state=TaskState.OPEN, seats_left__gt=0, project__is_active=True)
    return "all-done-by-you" if others.exists() else "queue-empty"


def live_leases(reviewer: Reviewer, *, at: datetime) -> QuerySet[Lease]:
    """The reviewer's leases that still hold, by the clock and not only by the sweep."""
    return Lease.objects.filter(reviewer=reviewer, state=LeaseState.LIVE, expires_at__gt=at).order_by("id")


def own_lease(reviewer: Reviewer, lease_id: int) -> Lease:
    """The reviewer's lease. Raises :class:`NotFound` alike for absent ones and other people's."""
    lease = Lease.objects.filter(pk=lease_id, reviewer=reviewer).select_related("task__project").first()
    if lease is None:
        raise NotFound
    return lease


def give_back(reviewer: Reviewer, lease_id: int, *, at: datetime) -> None:
    """Give a lease back: its seat is free again and the day has its unit back. Giving back twice is dull.

    Raises :class:`NotFound`, :class:`AlreadySubmitted`, :class:`LeaseLapsed`.
    """
    lease = own_lease(reviewer, lease_id)
    if end_unanswered(lease, new=LeaseState.RETURNED, at=at):
        return
    lease.refresh_from_db()
    if lease.state != LeaseState.RETURNED:
        raise why_over(lease)


def end_unanswered(lease: Lease, *, new: str, at: datetime) -> bool:
    """End a live lease without an answer and return its seat and its quota unit; False when it was over already."""
    with transaction.atomic():
        lock_in_order(lease)
        moved = move(Lease.objects.filter(pk=lease.pk), moves=LEASE_MOVES, old=LeaseState.LIVE, new=new, ended_at=at)
        if moved != 1:
            return False
        quotas.give_back(lease.quota_day_id)
        Task.objects.filter(pk=lease.task_id).update(seats_left=F("seats_left") + 1)
    return True


def sweep_lapsed(*, at: datetime, most: int = 500) -> int:
    """End the leases whose time is over; returns how many. Each in a transaction of its own, so none waits for all."""
    over = Lease.objects.filter(state=LeaseState.LIVE, expires_at__lte=at).order_by("expires_at")[:most]
    return sum(end_unanswered(lease, new=LeaseState.LAPSED, at=at) for lease in over)


def lock_in_order(lease: Lease) -> None:
    """Lock what a lease's end moves, in the room's order: the reviewer's quota day, then the task."""
    QuotaDay.objects.select_for_update().only("pk").get(pk=lease.quota_day_id)
    Task.objects.select_for_update().only("pk").get(pk=lease.task_id)


def check_token(lease: Lease, token: object) -> None:
    """Raises :class:`StaleToken` unless the token is the one this lease was granted with."""
    if token != lease.token:
        raise StaleToken


def why_over(lease: Lease) -> Refusal:
    """The refusal that says how this lease ended."""
    if lease.state == LeaseState.RETURNED:
        return LeaseReturned()
    if lease.state == LeaseState.SUBMITTED:
        return AlreadySubmitted()
    return LeaseLapsed()


def _take_seats(tasks: list[Task]) -> None:
    """Spend one seat of each locked task. The condition and the CHECK say so again, whatever the lock did."""
    taken = Task.objects.filter(pk__in=[task.pk for task in tasks], seats_left__gt=0).update(
        seats_left=F("seats_left") - 1
    )
    if taken != len(tasks):
        raise RuntimeError("a locked task had no free seat")
