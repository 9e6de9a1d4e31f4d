"""Flagging: a reviewer says that something is wrong with a clip. It costs them nothing; a sensitive one is paid."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from annotations import leasing, queries, stopping
from annotations.errors import StaleToken
from annotations.models import LEASE_MOVES, Flag, Lease, LeaseState, RecallReason
from clips import cases
from clips.models import CaseKind
from config.history import made_by
from config.states import move
from workforce import quotas
from workforce.models import Reviewer

# When this many people say that a clip does not play, it is the clip and not their player.
BROKEN_FLAGS_THAT_STOP = 2


def flag(
    reviewer: Reviewer, lease_id: int, *, token: UUID, kind: str, note: str = "", at: datetime
) -> tuple[Flag, bool]:
    """Flag what the reviewer was shown under their lease; returns the flag and whether this call made it.

    ``sensitive`` takes the clip from everybody at once and opens a case for cleared staff; who had to see it has done
    that unit of the day's work. ``broken`` ends this lease, returns the unit, and stops the clip when a second person
    says so. Both return the seat. ``emergency`` opens a case that is due in minutes and leaves the lease as it is, for
    what was seen should still be labelled. What was shown may be flagged after the lease is over, too, but for
    ``broken``. Raises :class:`NotFound`, :class:`StaleToken` or how
    the lease ended.
    """
    lease = leasing.own_lease(reviewer, lease_id)
    if token != lease.token:
        raise StaleToken
    with made_by(reviewer.user, verb="flag"), transaction.atomic():
        held = stopping.hold_clip(lease.task.clip_id, also=[lease.quota_day_id])
        # Of two calls at once the second waits above, and finds the first's flag here.
        found = Flag.objects.filter(lease=lease, kind=kind).first()
        if found is not None:
            return found, False
        live = next((row for row in held if row.pk == lease.pk), None)
        if kind == CaseKind.BROKEN and live is None:
            lease.refresh_from_db()
            raise leasing.why_over(lease)
        ended = live is not None and kind != CaseKind.EMERGENCY
        if ended:
            _end_flagged(lease, kind=kind, at=at)
        case = cases.open_case(lease.task.clip_id, kind=kind, at=at)
        made = Flag.objects.create(lease=lease, kind=kind, note=note, flagged_at=at, case=case)
        stops = kind == CaseKind.SENSITIVE or (
            kind == CaseKind.BROKEN
            and case.flags.values("lease__reviewer").distinct().count() >= BROKEN_FLAGS_THAT_STOP
        )
        if stops:
            others = [row for row in held if row.pk != lease.pk]
            stopping.stop_tasks(lease.task.clip_id, at=at)
            stopping.recall_all(others, why=RecallReason.QUARANTINED, at=at)
            cases.quarantine(case, at=at)
        if ended:
            queries.return_seat(lease.task_id)
    return made, True


def _end_flagged(lease: Lease, *, kind: str, at: datetime) -> None:
    move(Lease.objects.filter(pk=lease.pk), moves=LEASE_MOVES, old=LeaseState.LIVE, new=LeaseState.FLAGGED, ended_at=at)
    if kind == CaseKind.SENSITIVE:
        quotas.spend(lease.quota_day_id)
    else:
        quotas.give_back(lease.quota_day_id)
