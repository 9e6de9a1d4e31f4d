"""Leasing: a reviewer takes seats, gives them back, or runs out of time.

One lock order in every verb of this room: quota day, then task, then lane, then lease. The quota row is the reviewer's
own, so holding it first makes one person's parallel calls line up before they reach rows that everybody shares. Taking
never waits for a lane, and whoever holds a lane waits for nobody.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Greatest

from annotations import queries
from annotations.errors import (
    AlreadySubmitted,
    ClipForgotten,
    ClipQuarantined,
    ConsentExpired,
    ConsentWithdrawn,
    LeaseFlagged,
    LeaseLapsed,
    LeaseRecalled,
    LeaseReturned,
    NotAReviewer,
    Paused,
    StaleToken,
)
from annotations.models import LEASE_MOVES, Lease, LeaseState, RecallReason, Task, TaskState
from annotations.pace import paces
from clips.models import Permit
from clips.queries import permits
from config.clock import DatabaseNow
from config.errors import KeyReused, NotFound, Refusal
from config.states import move
from config.ticks import each
from workforce import capacity, people, quotas
from workforce.errors import OffShift
from workforce.models import QuotaDay, Reviewer, WorkingHours

MOST_AT_ONCE = 10


@dataclass(frozen=True)
class Granted:
    """What one call for work brought: leases, the day's quota after it, and why there are none."""

    lease_ids: list[int]
    quota: quotas.Standing
    reason: str = ""


def lease_next(user_id: int, *, count: int, key: str | None = None, patience: int = 5) -> Granted:
    """Lease up to ``count`` tasks to the reviewer with this sign-in, the earliest virtual deadline first.

    One statement, which is one durable transaction: either the leases stand, their seats are taken and the day holds
    their units, or nothing happened. No work leaves an empty list and a reason: queue-empty, all-done-by-you,
    holding-enough or exposure-reached. With a ``key``, a repeat gets the same leases. Raises
    :class:`workforce.errors.QuotaExhausted`, :class:`workforce.errors.OffShift`, :class:`Paused`, :class:`KeyReused`,
    :class:`NotAReviewer`.
    """
    taken = queries.take(user_id, min(count, MOST_AT_ONCE), key)
    if taken.outcome == "not-a-reviewer":
        raise NotAReviewer
    if taken.outcome in {"hours-unknown", "off-shift", "not-begun"}:
        hours = _hours(user_id, at=taken.at)
        if taken.outcome == "hours-unknown" and patience > 0:
            return lease_next(user_id, count=count, key=key, patience=patience - 1)
        raise _off_shift(hours, at=taken.at)
    assert taken.day is not None  # noqa: S101 -- everybody but strangers has a day
    quota = quotas.Standing(taken.day, taken.time_zone, taken.day_limit, taken.used, taken.held)
    if taken.outcome == "quota-exhausted":
        raise quotas.exhausted(quota, at=taken.at)
    if taken.outcome == "key-reused":
        raise KeyReused
    if taken.outcome in {"you-are-paused", "team-is-paused"}:
        raise Paused(reason=taken.outcome)
    if taken.outcome == "holding-enough":
        return Granted([], quota, "holding-enough")
    if taken.outcome == "exposure-reached":
        return Granted([], quota, "exposure-reached")
    if taken.lease_ids:
        return Granted(taken.lease_ids, quota)
    reason = why_nothing(user_id)
    if reason == "busy" and patience > 0 and key is None:
        # Others held the rows for an instant; theirs is done in a moment.
        time.sleep(0.01)
        return lease_next(user_id, count=count, patience=patience - 1)
    return Granted([], quota, "all-done-by-you" if reason == "busy" else reason)


def _hours(user_id: int, *, at: datetime) -> WorkingHours:
    person = Reviewer.objects.get(user=user_id)
    return capacity.note_hours(person.pk, pace=paces([person.pk], at=at)[person.pk], at=at)


def _off_shift(hours: WorkingHours, *, at: datetime) -> OffShift:
    """The refusal for somebody who does not work now, with the time when they do; or not for long enough."""
    begins, ends = hours.begins_at, hours.ends_at
    if begins is None or ends is None:
        return OffShift("There are no working hours of yours in the next days; your team lead knows more.")
    if begins > at:
        return OffShift(
            f"Your working hours begin at {begins.isoformat()}.",
            retry_after=(begins - at).total_seconds(),
            begins_at=begins.isoformat(),
        )
    return OffShift(
        f"Your working hours end at {ends.isoformat()}, before you would have done one more.",
        retry_after=(ends - at).total_seconds(),
        ends_at=ends.isoformat(),
    )


def why_nothing(user_id: int) -> str:
    """A stable word for an empty answer: ``queue-empty``; ``all-done-by-you`` when only others may answer what is open;
    ``busy`` when there is something for this reviewer that others were just looking at."""
    work = Task.objects.filter(
        team__reviewers__user=user_id, state=TaskState.OPEN, seats_left__gt=0, project__is_active=True
    )
    if not work.exists():
        return "queue-empty"
    held = Lease.objects.filter(task=OuterRef("pk"), reviewer__user=user_id)
    return "busy" if work.filter(~Exists(held)).exists() else "all-done-by-you"


def live_leases(reviewer: Reviewer, *, at: datetime) -> QuerySet[Lease]:
    """The reviewer's leases that still hold, by the clock and not only by the sweep."""
    return Lease.objects.filter(reviewer=reviewer, state=LeaseState.LIVE, expires_at__gt=at).order_by("id")


def own_lease(reviewer: Reviewer, lease_id: int) -> Lease:
    """The reviewer's lease. Raises :class:`NotFound` alike for absent ones and other people's."""
    lease = Lease.objects.filter(pk=lease_id, reviewer=reviewer).select_related("task__project", "task__clip").first()
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


def skip(reviewer: Reviewer, lease_id: int, *, token: UUID, reason: str, at: datetime) -> None:
    """Skip a task for good, with a reason; its seat and the day's unit return. Skipping twice is dull.

    Raises :class:`NotFound`, :class:`StaleToken`, :class:`workforce.errors.SkipsExhausted`, or how the lease ended.
    """
    lease = own_lease(reviewer, lease_id)
    if token != lease.token:
        raise StaleToken
    with transaction.atomic():
        lock_in_order(lease)
        moved = move(
            Lease.objects.filter(pk=lease.pk, expires_at__gt=at),
            moves=LEASE_MOVES,
            old=LeaseState.LIVE,
            new=LeaseState.SKIPPED,
            ended_at=at,
            skip_reason=reason,
        )
        if moved == 1:
            quotas.spend_skip(lease.quota_day_id)
            quotas.give_back(lease.quota_day_id)
            queries.return_seat(lease.task_id)
            return
    lease.refresh_from_db()
    if lease.state != LeaseState.SKIPPED:
        raise why_over(lease)


def renew(reviewer: Reviewer, lease_id: int, *, token: UUID, at: datetime) -> Lease:
    """Give a live lease its full length again, counted from now, up to the project's hard maximum from its grant.

    Raises :class:`NotFound`, :class:`StaleToken`, or how the lease ended; a lease that is over is never revived.
    """
    lease = own_lease(reviewer, lease_id)
    if token != lease.token:
        raise StaleToken
    project = lease.task.project
    length = timedelta(seconds=project.lease_seconds or max(300, 3 * lease.task.clip.duration_ms // 1000 + 120))
    last = lease.granted_at + timedelta(seconds=project.lease_most_seconds)
    agreed = permits(project.purpose).filter(clip=lease.task.clip_id)
    moved = Lease.objects.filter(Exists(agreed), pk=lease.pk, state=LeaseState.LIVE, expires_at__gt=at).update(
        expires_at=Greatest(F("expires_at"), min(at + length, last))
    )
    lease.refresh_from_db()
    if moved != 1:
        raise why_over(lease) if lease.state != LeaseState.LIVE else why_closed(lease)
    return lease


def end_unanswered(lease: Lease, *, new: str, at: datetime, **changes: Any) -> bool:
    """End a live lease without an answer and return its seat and its quota unit; False when it was over already."""
    with transaction.atomic():
        lock_in_order(lease)
        rows = Lease.objects.filter(pk=lease.pk)
        moved = move(rows, moves=LEASE_MOVES, old=LeaseState.LIVE, new=new, ended_at=at, **changes)
        if moved != 1:
            return False
        quotas.give_back(lease.quota_day_id)
        if new == LeaseState.LAPSED:
            people.count_lapse(lease.reviewer_id)
        queries.return_seat(lease.task_id)
    return True


def sweep_lapsed(*, at: datetime, most: int = 500) -> int:
    """End the leases whose time is over; returns how many. Each in a transaction of its own, so none waits for all."""
    over = Lease.objects.filter(state=LeaseState.LIVE, ended_at=None, expires_at__lte=at).order_by("expires_at")[:most]
    return each(over, lambda lease: end_unanswered(lease, new=LeaseState.LAPSED, at=at))


def sweep_departed(*, at: datetime, most: int = 500) -> int:
    """End the live leases of people who may no longer work here, as if given back; returns how many."""
    gone = Lease.objects.filter(
        Q(reviewer__is_active=False) | Q(reviewer__user__is_active=False), state=LeaseState.LIVE, ended_at=None
    ).order_by("expires_at")[:most]
    return each(gone, lambda lease: end_unanswered(lease, new=LeaseState.RETURNED, at=at))


def lock_in_order(lease: Lease) -> None:
    """Lock what a lease's end moves, in the room's order: the reviewer's quota day, then the task."""
    QuotaDay.objects.select_for_update().only("pk").get(pk=lease.quota_day_id)
    Task.objects.select_for_update().only("pk").get(pk=lease.task_id)


def ended(lease_id: int) -> Lease:
    """A lease with what says how it ended."""
    return Lease.objects.select_related("task__project").get(pk=lease_id)


def why_over(lease: Lease) -> Refusal:
    """The refusal that says how a lease ended."""
    if lease.state == LeaseState.RECALLED:
        return RECALLED.get(lease.recall_reason, LeaseRecalled)()
    if lease.state == LeaseState.FLAGGED:
        return LeaseFlagged()
    if lease.state in {LeaseState.RETURNED, LeaseState.SKIPPED}:
        return LeaseReturned()
    if lease.state == LeaseState.SUBMITTED:
        return AlreadySubmitted()
    return LeaseLapsed()


def why_closed(lease: Lease) -> Refusal:
    """The refusal for a live lease under which nothing may be done: its time is over, or its owner's consent is."""
    theirs = Permit.objects.filter(clip=lease.task.clip_id, purpose=lease.task.project.purpose)
    if theirs.filter(until__gt=DatabaseNow()).exists():
        return LeaseLapsed()
    return ConsentExpired() if theirs.exists() else ConsentWithdrawn()


RECALLED: dict[str, type[Refusal]] = {
    RecallReason.QUARANTINED: ClipQuarantined,
    RecallReason.WITHDRAWN: ConsentWithdrawn,
    RecallReason.PURGED: ClipForgotten,
    RecallReason.EXPIRED: ConsentExpired,
}
