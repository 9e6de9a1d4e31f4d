"""Holding: what must not be purged yet. A hold keeps bytes; it shows them to nobody."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from clips.errors import HoldOver, HoldTooLate
from clips.models import PURGE_MOVES, Clip, LegalHold, Purge, PurgeState
from config.history import because, checked
from config.states import move

# A hold and the beginning of a purge stand in line for this: a hold either comes first, or is told that it came late.
GATE = 0x5168


def place(
    *,
    by: User,
    reason: str,
    ends_at: datetime,
    at: datetime,
    clip: Clip | None = None,
    owner_key: str = "",
    region: str = "",
    arrived_from: datetime | None = None,
    arrived_until: datetime | None = None,
) -> tuple[LegalHold, list[int]]:
    """Keep a clip, an owner's clips, or those that a region received in a time, from being purged until ``ends_at``.

    Returns the hold and the clips of its scope that it came too late for: their purge had begun. Raises
    :class:`HoldOver` for an end that is past, :class:`config.history.ReasonMissing`.
    """
    if ends_at <= at:
        raise HoldOver
    with transaction.atomic():
        wait_at_gate()
        hold = LegalHold.objects.create(
            clip=clip,
            owner_key=owner_key,
            region=region,
            arrived_from=arrived_from,
            arrived_until=arrived_until,
            reason=checked(reason),
            author=by,
            starts_at=at,
            ends_at=ends_at,
        )
        begun = Purge.objects.filter(
            clip__in=kept_by(hold), state__in=[PurgeState.RUNNING, PurgeState.SETTLING, PurgeState.DONE]
        )
        return hold, list(begun.order_by("clip_id").values_list("clip_id", flat=True))


def extend(hold: LegalHold, *, until: datetime, by: User, reason: str, at: datetime) -> LegalHold:
    """Keep what a hold keeps for longer. Raises :class:`HoldOver` for one that has ended, and :class:`HoldTooLate` for
    an end before the one it has."""
    with because(by, reason, verb="extend hold"), transaction.atomic():
        wait_at_gate()
        hold.refresh_from_db()
        if hold.ends_at <= at:
            raise HoldOver
        if until <= hold.ends_at:
            raise HoldTooLate
        LegalHold.objects.filter(pk=hold.pk).update(ends_at=until)
        Purge.objects.filter(held_by=hold, state=PurgeState.HELD).update(due_at=until)
    hold.refresh_from_db()
    return hold


def lift(hold: LegalHold, *, by: User, reason: str, at: datetime) -> bool:
    """End a hold now; what waited for it goes on by itself. False when it had ended."""
    with because(by, reason, verb="lift hold"), transaction.atomic():
        wait_at_gate()
        # One that begins and is lifted in the same instant still ends no earlier than it began.
        if not LegalHold.objects.filter(pk=hold.pk, ends_at__gt=at, starts_at__lte=at).update(ends_at=at):
            return False
        Purge.objects.filter(held_by=hold, state=PurgeState.HELD).update(due_at=at)
    return True


def over(clip: Clip, *, at: datetime) -> LegalHold | None:
    """The hold that keeps this clip now; of several the one that ends last."""
    return (
        LegalHold.objects.filter(starts_at__lte=at, ends_at__gt=at)
        .filter(
            Q(clip=clip)
            | Q(owner_key=clip.owner_key or "nobody")
            | Q(region=clip.region, arrived_from__lte=clip.created_at, arrived_until__gt=clip.created_at)
        )
        .order_by("-ends_at", "-id")
        .first()
    )


def over_any(clips: QuerySet[Clip], *, at: datetime) -> LegalHold | None:
    """The hold that keeps any of these clips now; of several the one that ends last."""
    in_force = LegalHold.objects.filter(starts_at__lte=at, ends_at__gt=at).order_by("-ends_at", "-id")
    return next((hold for hold in in_force if kept_by(hold).filter(pk__in=clips.values("pk")).exists()), None)


def kept_by(hold: LegalHold) -> QuerySet[Clip]:
    """The clips that a hold names."""
    if hold.clip_id:
        return Clip.objects.filter(pk=hold.clip_id)
    if hold.owner_key:
        return Clip.objects.filter(owner_key=hold.owner_key)
    return Clip.objects.filter(region=hold.region, created_at__gte=hold.arrived_from, created_at__lt=hold.arrived_until)


def release(*, at: datetime) -> int:
    """Purges whose hold has ended wait again; returns how many."""
    held = Exists(LegalHold.objects.filter(pk=OuterRef("held_by"), ends_at__gt=at))
    rows = Purge.objects.filter(~held, due_at__lte=at)
    return move(
        rows,
        moves=PURGE_MOVES,
        old=PurgeState.HELD,
        new=PurgeState.WAITING,
        held_by=None,
        failure="",
        state_since=at,
        due_at=at,
    )


def wait_at_gate() -> None:
    """Wait for whoever places a hold or begins a purge, until the caller's transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [GATE])
