"""Consenting: what owners agree to and take back, as events; what stands follows from them.

The database writes down what an event permits or ends in the same transaction (``clips/sql/permits.sql``), so
every gate turns with the commit of the event and none waits for a sweep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from clips import cases, purging, queries
from clips.errors import ClipWithheld, ConsentExpired, ConsentLacksHumanReview, ConsentTakenBack, UnknownDisclosure
from clips.models import (
    LOOKING,
    Channel,
    Clip,
    ClipState,
    Closing,
    ConsentEvent,
    Disclosure,
    EventKind,
    Permit,
    PurgeReason,
    Purpose,
)
from clips.queries import lock_owner, owned_by
from config.clock import DatabaseNow, database_now
from config.errors import KeyReused, NotFound
from config.scope import scope_of, seen

# Whatever is agreed to, such a clip is never shown again.
OVER = (ClipState.WITHHELD, ClipState.PURGED)
# How often a withdrawn clip whose bytes are on their way is asked for.
LOOK_AGAIN = timedelta(seconds=10)


@dataclass(frozen=True)
class Agreement:
    """What the sender says the owner agreed to."""

    owner_key: str
    disclosure: Disclosure
    purposes: list[str]
    channel: str
    given_at: datetime
    expires_at: datetime | None = None


def agreement(
    *,
    owner_key: str,
    disclosure: str,
    purposes: list[str],
    channel: str,
    given_at: datetime,
    region: str,
    expires_at: datetime | None = None,
) -> Agreement:
    """Check an agreement that comes with a clip against the disclosures that were published for the clip's region.

    A clip is wanted only if somebody may look at it: for human review, or for troubleshooting. Raises
    :class:`ConsentLacksHumanReview`, :class:`UnknownDisclosure`, :class:`ConsentExpired`, :class:`ConsentTakenBack`.
    """
    looking = {purpose for purpose in LOOKING if purpose in purposes}
    if not looking:
        raise ConsentLacksHumanReview
    given = agreed(
        owner_key=owner_key,
        disclosure=disclosure,
        purposes=purposes,
        channel=channel,
        given_at=given_at,
        region=region,
        expires_at=expires_at,
    )
    # What the owner took back of all their clips since then is not brought in again by a clip that comes late.
    over = ConsentEvent.objects.filter(owner_key=owner_key, clip=None, kind=EventKind.WITHDRAWN, at__gte=given_at)
    if looking <= {purpose for purposes in over.values_list("purposes", flat=True) for purpose in purposes}:
        raise ConsentTakenBack
    return given


def agreed(
    *,
    owner_key: str,
    disclosure: str,
    purposes: list[str],
    channel: str,
    given_at: datetime,
    region: str | None = None,
    expires_at: datetime | None = None,
) -> Agreement:
    """An agreement under a disclosure that had been published then, for this region if one is said.

    Raises :class:`UnknownDisclosure`, :class:`ConsentExpired`.
    """
    shown = Disclosure.objects.filter(version=disclosure).first()
    if shown is None or shown.published_at > given_at or (region is not None and shown.region != region):
        where = f" for {region!r}" if region else ""
        raise UnknownDisclosure(f"No disclosure {disclosure!r} was published{where} when consent was given.")
    if expires_at is not None and expires_at <= max(given_at, database_now()):
        raise ConsentExpired
    return Agreement(owner_key, shown, sorted(set(purposes)), channel, given_at, expires_at)


def record(clip: Clip | None, given: Agreement, *, by: User, key: str = "", reason: str = "") -> ConsentEvent:
    """Write the agreement down, for this clip or for all that the owner has and will have."""
    return ConsentEvent.objects.create(
        kind=EventKind.GIVEN,
        clip=clip,
        owner_key=given.owner_key,
        disclosure=given.disclosure,
        purposes=given.purposes,
        channel=given.channel,
        at=given.given_at,
        expires_at=given.expires_at,
        actor=by,
        key=key,
        reason=reason,
    )


def recorded(clip: Clip | None, given: Agreement, *, by: User) -> ConsentEvent | None:
    """The event by which the same user told us of the same agreement before."""
    return ConsentEvent.objects.filter(
        kind=EventKind.GIVEN,
        owner_key=given.owner_key,
        clip=clip,
        disclosure=given.disclosure,
        purposes=given.purposes,
        channel=given.channel,
        at=given.given_at,
        expires_at=given.expires_at,
        actor=by,
    ).first()


def give(
    clip: Clip | None, given: Agreement, *, by: User, key: str = "", reason: str = ""
) -> tuple[ConsentEvent, bool]:
    """The owner agrees, for one clip or for all; returns the event and whether this call wrote it.

    A repeat, by key or by being the same, gets the first. Raises :class:`KeyReused` and :class:`ClipWithheld`.
    """
    with transaction.atomic():
        lock_owner(given.owner_key)
        if clip is not None and Clip.objects.filter(pk=clip.pk, state__in=OVER).exists():
            raise ClipWithheld
        same = recorded(clip, given, by=by)
        first = under_key(key, by=by)
        if first is not None and first != same:
            raise KeyReused
        if same is not None:
            return same, False
        return record(clip, given, by=by, key=key, reason=reason), True


def withdraw(
    *,
    owner_key: str,
    clip: Clip | None,
    by: User,
    purposes: Sequence[str] = tuple(Purpose.values),
    channel: str = Channel.DESK,
    at: datetime | None = None,
    reason: str = "",
    withdraws: ConsentEvent | None = None,
    key: str = "",
) -> tuple[ConsentEvent, bool]:
    """The owner takes back what stands for a clip, or for all of theirs; every gate is shut when this commits.

    ``at`` is when the owner said so, if that was not now. Returns the event and whether this call wrote it: saying
    again what nothing was agreed to since gets the first. Leases and tasks are ended by whoever calls this; each clip
    it is about waits for that (``Closing``). Raises :class:`KeyReused`.
    """
    cases.in_transaction()
    lock_owner(owner_key)
    purposes = sorted(set(purposes))
    first = under_key(key, by=by)
    if first is not None:
        about = (first.kind, first.owner_key, first.clip_id, first.purposes)
        if about != (EventKind.WITHDRAWN, owner_key, clip and clip.pk, purposes):
            raise KeyReused
        return first, False
    said = _said_before(owner_key, clip, purposes)
    if said is not None and (at is None or at <= said.at):
        return said, False
    event = ConsentEvent.objects.create(
        kind=EventKind.WITHDRAWN,
        owner_key=owner_key,
        clip=clip,
        purposes=purposes,
        channel=channel,
        at=at or database_now(),
        withdraws=withdraws,
        reason=reason,
        actor=by,
        key=key,
    )
    event.refresh_from_db()
    return event, True


def _said_before(owner_key: str, clip: Clip | None, purposes: list[str]) -> ConsentEvent | None:
    """The last withdrawal that says this much already, if nothing that it ends was agreed to since."""
    theirs = ConsentEvent.objects.filter(owner_key=owner_key)
    reach = Q(clip=None) if clip is None else Q(clip=None) | Q(clip=clip)
    last = theirs.filter(reach, kind=EventKind.WITHDRAWN, purposes__contains=purposes).first()
    if last is None:
        return None
    since = theirs.filter(kind=EventKind.GIVEN, pk__gt=last.pk, purposes__overlap=purposes)
    return None if (since if clip is None else since.filter(reach)).exists() else last


def carry_out(clip_id: int, *, at: datetime) -> bool:
    """End what is left of a clip after its owner withdrew: when they permit nothing any more it is never shown again.

    Must be called where its leases and tasks are ended in the same transaction. Returns whether the clip is withheld
    with it; one whose bytes are still on their way waits until they are here or forgotten.
    """
    cases.in_transaction()
    clip = Clip.objects.get(pk=clip_id)
    lock_owner(clip.owner_key)
    clip.refresh_from_db()
    waiting = Closing.objects.filter(clip=clip_id)
    if queries.in_force([clip_id]).exists() or clip.state in OVER:
        waiting.delete()
        return False
    if clip.state == ClipState.RECEIVING:
        # Its bytes may be here in a moment, long before it would be given up.
        waiting.update(due_at=min(clip.due_at or at, at + LOOK_AGAIN))
        return False
    cases.withhold(clip_id, at=at)
    waiting.delete()
    withdrawn(clip_id, at=at)
    return True


def withdrawn(clip_id: int, *, at: datetime) -> None:
    """What follows when an owner permits nothing of a clip any more, in the transaction that withholds it."""
    purging.schedule(clip_id, reason=PurgeReason.WITHDRAWN, at=at)


def left_to_close(*, at: datetime, most: int = 500) -> list[int]:
    """Clips that were withdrawn and whose leases and tasks wait to be ended."""
    due = Closing.objects.filter(due_at__lte=at).order_by("due_at")
    return list(due.values_list("clip_id", flat=True)[:most])


def ran_out(*, most: int = 500) -> list[int]:
    """Clips of which a permit expired and whose leases and tasks under it wait to be ended."""
    over = Permit.objects.filter(until__lte=DatabaseNow()).order_by("until").values_list("clip_id", flat=True)
    return list(dict.fromkeys(over[:most]))


def drop_expired(clip_id: int) -> int:
    """Forget the permits of a clip that expired; what was handed out under them is ended by whoever calls this."""
    cases.in_transaction()
    return Permit.objects.filter(clip=clip_id, until__lte=DatabaseNow()).delete()[0]


def under_key(key: str, *, by: User) -> ConsentEvent | None:
    """The event that this user's Idempotency-Key made."""
    return ConsentEvent.objects.filter(actor=by, key=key).first() if key else None


def check_speaks_for(user: User, owner_key: str) -> None:
    """A machine speaks for owners whose clips or consents it brought, or whom nobody knows yet; staff for everybody.

    Raises :class:`NotFound`, as for what is not there.
    """
    if user.is_staff:
        # Of whom nobody knows they speak only if nobody's scope ends before theirs: else an answer would tell.
        if not is_found(owner_key, by=user) and not (scope_of(user).everywhere and not is_known(owner_key)):
            raise NotFound
    elif is_known(owner_key) and not is_known(owner_key, to=user):
        raise NotFound


def is_found(owner_key: str, *, by: User) -> bool:
    """Whether anything is held of this owner that this member of staff may find."""
    held = (Clip.objects.filter(owned_by(owner_key)), ConsentEvent.objects.filter(owner_key=owner_key))
    return any(seen(by, rows).exists() for rows in held)


def is_known(owner_key: str, *, to: User | None = None) -> bool:
    """Whether anything is held of this owner; brought by ``to``, if that is said."""
    clips: QuerySet[Clip] = Clip.objects.filter(owner_key=owner_key)
    events = ConsentEvent.objects.filter(owner_key=owner_key)
    if to is not None:
        clips, events = clips.filter(uploaded_by=to), events.filter(actor=to)
    return clips.exists() or events.exists()


def with_standing(events: QuerySet[ConsentEvent]) -> QuerySet[ConsentEvent]:
    """Events, each with whether a clip may be used under it now (``stands``)."""
    now = Permit.objects.filter(event=OuterRef("pk"), until__gt=DatabaseNow())
    return events.annotate(stands=Exists(now))
