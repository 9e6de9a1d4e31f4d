"""Requests of owners: filed, answered in time, and red before they are late.

The law counts from when a request reached us. A month ends on the same day of the next month, or on its last day if
there is no such day; no weekend or holiday makes it longer here, so we are never later than the law.
"""

from __future__ import annotations

import calendar
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet

from clips.errors import NotAnErasure, RequestClosed, RequestExtended, StillHeld
from clips.models import REQUEST_MOVES, Clip, ClipState, Law, Outcome, OwnerRequest, RequestKind, RequestState
from config.history import because, checked
from config.states import move

MONTHS = {Law.GDPR: 1}
MONTHS_MORE = {Law.GDPR: 2}
DAYS = {Law.CCPA: 45}


def months_later(at: datetime, months: int) -> datetime:
    """The same day and time so many months later; the month's last day where there is no such day. Pure."""
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return at.replace(year=year, month=month + 1, day=min(at.day, last))


def due_at(*, law: str, received_at: datetime, own_days: int | None = None, extended: bool = False) -> datetime:
    """By when the law wants an answer, extended or not. Always counted from when the request reached us. Pure."""
    if law in MONTHS:
        return months_later(received_at, MONTHS[Law(law)] + (MONTHS_MORE[Law(law)] if extended else 0))
    days = DAYS.get(Law(law)) or own_days
    if not days:
        raise ValueError("our own word says within how many days")
    return received_at + timedelta(days=days * (2 if extended else 1))


def file(
    *,
    owner_key: str,
    region: str,
    kind: str,
    law: str,
    received_at: datetime,
    by: User,
    own_days: int | None = None,
) -> tuple[OwnerRequest, bool]:
    """Write an owner's request down; a repeat of one that is open is that one. Returns it, and whether it is new."""
    open_now = OwnerRequest.objects.filter(
        owner_key=owner_key, region=region, kind=kind, filed_by=by, state=RequestState.OPEN
    )
    for _ in range(3):
        here = open_now.first()
        if here is not None:
            return here, False
        try:
            with transaction.atomic():
                return OwnerRequest.objects.create(
                    owner_key=owner_key,
                    region=region,
                    kind=kind,
                    law=law,
                    own_days=own_days,
                    received_at=received_at,
                    filed_by=by,
                    due_at=due_at(law=law, received_at=received_at, own_days=own_days),
                ), True
        except IntegrityError:
            continue
    raise RuntimeError("a request was filed and closed again and again while it was being filed")


def extend(request: OwnerRequest, *, by: User, reason: str, at: datetime) -> OwnerRequest:
    """Take the longer time that the law allows, once and before the request is due. Raises :class:`RequestExtended`."""
    later = due_at(law=request.law, received_at=request.received_at, own_days=request.own_days, extended=True)
    with because(by, reason, verb="extend request"):
        rows = OwnerRequest.objects.filter(
            pk=request.pk, state=RequestState.OPEN, extension_reason="", due_at__gte=at, due_at__lt=later
        )
        if rows.update(due_at=later, extension_reason=checked(reason)) != 1:
            raise RequestExtended
    request.refresh_from_db()
    return request


def close(request: OwnerRequest, *, outcome: str, by: User, reason: str, at: datetime) -> OwnerRequest:
    """End a request with a reason. Raises :class:`RequestClosed`, and :class:`StillHeld` for an erasure that is under
    way: nobody says that it is done but the stores."""
    if outcome == Outcome.DONE and request.kind == RequestKind.ERASURE and remaining(request).exists():
        raise StillHeld
    with because(by, reason, verb="close request"):
        moved = move(
            OwnerRequest.objects.filter(pk=request.pk),
            moves=REQUEST_MOVES,
            old=RequestState.OPEN,
            new=RequestState.CLOSED,
            outcome=outcome,
            closing_reason=checked(reason),
            closed_by=by,
            closed_at=at,
        )
    if moved != 1:
        raise RequestClosed
    request.refresh_from_db()
    return request


def begin_erasure(request: OwnerRequest) -> list[int]:
    """Note that an erasure is carried out; returns the clips that are to be purged. Raises :class:`NotAnErasure`,
    :class:`RequestClosed`."""
    if request.kind != RequestKind.ERASURE:
        raise NotAnErasure
    if not OwnerRequest.objects.filter(pk=request.pk, state=RequestState.OPEN).update(is_carried_out=True):
        raise RequestClosed
    return list(remaining(request).order_by("pk").values_list("pk", flat=True))


def remaining(request: OwnerRequest) -> QuerySet[Clip]:
    """The owner's clips in the region that are not purged yet."""
    return Clip.objects.filter(owner_key=request.owner_key, region=request.region).exclude(state=ClipState.PURGED)


def close_done(*, at: datetime) -> int:
    """Close the erasures of which nothing is left; returns how many."""
    left = Clip.objects.filter(owner_key=OuterRef("owner_key"), region=OuterRef("region"))
    rows = OwnerRequest.objects.filter(
        ~Exists(left.exclude(state=ClipState.PURGED)), kind=RequestKind.ERASURE, is_carried_out=True
    )
    return move(
        rows,
        moves=REQUEST_MOVES,
        old=RequestState.OPEN,
        new=RequestState.CLOSED,
        outcome=Outcome.DONE,
        closing_reason="Every store confirmed that nothing is left.",
        closed_at=at,
    )


def red(*, at: datetime) -> QuerySet[OwnerRequest]:
    """Open requests that are due within the lead, or late; the first due first."""
    lead = at + timedelta(days=settings.REQUEST_LEAD_DAYS)
    return OwnerRequest.objects.filter(state=RequestState.OPEN, due_at__lte=lead).order_by("due_at")
