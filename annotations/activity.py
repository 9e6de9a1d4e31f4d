"""Active time: heartbeats run a person's clock, an idle gap stops it, and each run ends as a span.

A heartbeat is one UPDATE of the person's own clock, which names all that must be so; only where it finds none does the
slow way follow, which ends one clock and starts another. The span of a lease that its holder ended reaches to that end,
so a player need not beat at the very last. Everything is told in whole milliseconds of PostgreSQL's clock, so that sums
are exact. Locks: the person's row, then their clock.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from annotations import leasing, queries
from annotations.errors import StaleToken
from annotations.models import ActiveClock, ActiveSpan, Lease, LeaseState
from config.errors import NotFound
from config.ticks import each
from workforce import days
from workforce.models import Reviewer

IDLE = timedelta(seconds=60)
# The longest wait for the network that one heartbeat may report: a lease seldom lives longer.
MOST_LOST_MS = 600_000
MILLISECOND = timedelta(milliseconds=1)
# How a lease ends when its holder ends it; they were there until then.
BY_HOLDER = {LeaseState.SUBMITTED, LeaseState.SKIPPED, LeaseState.FLAGGED, LeaseState.RETURNED}


def beat(user_id: int, lease_id: int, *, token: UUID, lost_ms: int, at: datetime) -> None:
    """Say that a player is open on this lease; ``lost_ms`` of the time since its last word it waited for the network,
    in milliseconds.

    Silence of more than :data:`IDLE`, beside what was lost, is not counted. Raises :class:`NotFound`,
    :class:`StaleToken`, or how the lease ended; then no clock runs for it.
    """
    at = whole(at)
    lost_ms = max(0, min(lost_ms, MOST_LOST_MS))
    since = at - IDLE - lost_ms * MILLISECOND
    if not queries.beat(user_id, lease_id, token=token, lost_ms=lost_ms, since=since, at=at):
        _start(user_id, lease_id, token=token, lost=lost_ms * MILLISECOND, at=at)


def _start(user_id: int, lease_id: int, *, token: UUID, lost: timedelta, at: datetime) -> None:
    """The slow way: end the person's clock, if any, and start one for this lease."""
    lease = Lease.objects.filter(pk=lease_id, reviewer__user_id=user_id).select_related("reviewer").first()
    if lease is None:
        raise NotFound
    if lease.token != token:
        raise StaleToken
    if lease.state != LeaseState.LIVE or lease.expires_at <= at:
        raise leasing.why_over(lease)
    person = lease.reviewer
    with transaction.atomic():
        # The person's row stands for their clock while there is none to lock.
        Reviewer.objects.select_for_update(no_key=True).only("pk").get(pk=person.pk)
        clock = ActiveClock.objects.select_for_update().filter(pk=person.pk).first()
        if clock is not None:
            there = clock.lease_id != lease_id and at - clock.beat_at <= IDLE + lost
            last, before = _end(clock, until=at if there else clock.beat_at), clock.lease_id
        else:
            span = ActiveSpan.objects.filter(reviewer=person).order_by("-ended_at").first()
            last, before = (span.ended_at, span.lease_id) if span else (at - IDLE - lost - MILLISECOND, lease_id)
        at = max(at, last)
        begins = max(last, at - lost)
        if before == lease_id and at - last <= IDLE + lost:
            # The same player: after a midnight, or a wait that the sweep took for silence.
            begins = last
        _run(person, lease, begins=begins, at=at, lost=lost)


def _run(person: Reviewer, lease: Lease, *, begins: datetime, at: datetime, lost: timedelta) -> None:
    """Run a clock from ``begins`` to ``at``; whatever lies before the end of a local day becomes that day's span."""
    # What was lost lies at the end: the player spoke as soon as it could.
    lost_since = max(begins, at - lost)
    while True:
        zone = person.zone_at(begins)
        day = days.local_day(begins, zone)
        over = days.ends_at(day, zone)
        if over <= begins:
            # The clock went back over midnight and the date came again, after its end as it were: one hour at a time.
            over = begins + timedelta(hours=1)
        until = min(at, over)
        clock = ActiveClock(
            reviewer=person,
            lease=lease,
            day=day,
            time_zone=zone,
            day_ends_at=over,
            started_at=begins,
            beat_at=until,
            lost_ms=max(timedelta(), until - max(begins, lost_since)) // MILLISECOND,
        )
        if at < over:
            clock.save(force_insert=True)
            return
        _write(clock, ended_at=until)
        begins = over


def _end(clock: ActiveClock, *, until: datetime) -> datetime:
    """End a locked clock as a span that reaches to ``until``, or to its lease's end if its holder ended that."""
    lease = Lease.objects.only("state", "ended_at").get(pk=clock.lease_id)
    if lease.state != LeaseState.LIVE:
        until = clock.beat_at
        if lease.state in BY_HOLDER and lease.ended_at is not None:
            until = min(whole(lease.ended_at), clock.beat_at + IDLE)
    ended_at = max(clock.beat_at, min(until, clock.day_ends_at))
    _write(clock, ended_at=ended_at)
    ActiveClock.objects.filter(pk=clock.pk).delete()
    return ended_at


def _write(clock: ActiveClock, *, ended_at: datetime) -> None:
    if ended_at <= clock.started_at:
        return
    ActiveSpan.objects.create(
        reviewer_id=clock.pk,
        lease_id=clock.lease_id,
        day=clock.day,
        time_zone=clock.time_zone,
        started_at=clock.started_at,
        ended_at=ended_at,
        lost_ms=clock.lost_ms,
    )


def stop_quiet(*, at: datetime, most: int = 500) -> int:
    """End the clocks that have been quiet for longer than the gap; returns how many."""
    quiet = ActiveClock.objects.filter(beat_at__lt=whole(at) - IDLE).order_by("beat_at")
    return each(list(quiet.values_list("pk", flat=True)[:most]), lambda pk: _stop(pk, at=whole(at)))


def _stop(reviewer_id: int, *, at: datetime) -> bool:
    with transaction.atomic():
        quiet = ActiveClock.objects.filter(pk=reviewer_id, beat_at__lt=at - IDLE)
        clock = quiet.select_for_update(skip_locked=True).first()
        if clock is not None:
            _end(clock, until=clock.beat_at)
    return clock is not None


def whole(at: datetime) -> datetime:
    """The instant without what is less than a millisecond."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)
