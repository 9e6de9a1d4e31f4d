"""Withdrawing: an owner takes a consent back, for one clip or for all, and nobody looks from then on.

Every gate asks the permits, which change with the event in one statement; that shuts them all. What was handed out is
then ended clip by clip, in the lock order: in the same transaction for one clip, after it for many, and by the sweep
if whoever did it died in between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Q

from annotations import retracting, stopping
from annotations.models import FINISHED, Export, ExportLine, RecallReason
from clips import cases, consenting
from clips.models import Channel, Clip, Closing, ConsentEvent, Purpose
from clips.queries import owned_by
from config.history import because
from config.scope import all_or_seen
from config.ticks import each

# So many clips of an owner are closed before the call answers; the sweep closes the rest.
AT_ONCE = 200


@dataclass(frozen=True)
class Withdrawn:
    """What a withdrawal did."""

    event: ConsentEvent
    is_new: bool
    leases_ended: int
    clips_closing: int
    """Clips whose leases and tasks the sweep still ends; every gate is shut for them, too."""


def withdraw(
    clip_id: int,
    *,
    by: User,
    reason: str,
    at: datetime,
    purposes: Sequence[str] = tuple(Purpose.values),
    channel: str = Channel.DESK,
    said_at: datetime | None = None,
    withdraws: ConsentEvent | None = None,
    key: str = "",
) -> Withdrawn:
    """The owner takes back what stands for this clip, in one transaction: gates, tasks, leases, and the clip itself if
    nothing is permitted of it any more. ``said_at`` is when the owner said so, if that was before.

    Raises :class:`config.errors.KeyReused`, :class:`config.history.ReasonMissing`.
    """
    clip = Clip.objects.get(pk=clip_id)
    with because(by, reason, verb="withdraw consent") as context, transaction.atomic():
        held = stopping.hold_clip(clip_id)
        event, is_new = consenting.withdraw(
            owner_key=clip.owner_key,
            clip=clip,
            by=by,
            purposes=purposes,
            channel=channel,
            at=said_at,
            reason=context.metadata["why"],
            withdraws=withdraws,
            key=key,
        )
        ended = _close(clip_id, held, by=by, at=at)
    return Withdrawn(event, is_new, ended, Closing.objects.filter(clip=clip_id).count())


def withdraw_all(
    owner_key: str,
    *,
    by: User,
    reason: str,
    at: datetime,
    purposes: Sequence[str] = tuple(Purpose.values),
    channel: str = Channel.DESK,
    said_at: datetime | None = None,
    withdraws: ConsentEvent | None = None,
    key: str = "",
) -> Withdrawn:
    """The owner takes back what stands for all of their clips. Every gate is shut when the first transaction commits;
    then leases and tasks are ended clip by clip.

    Raises :class:`config.errors.KeyReused`, :class:`config.history.ReasonMissing`.
    """
    with because(by, reason, verb="withdraw consent") as context, transaction.atomic():
        event, is_new = consenting.withdraw(
            owner_key=owner_key,
            clip=None,
            by=by,
            purposes=purposes,
            channel=channel,
            at=said_at,
            reason=context.metadata["why"],
            withdraws=withdraws,
            key=key,
        )
    waiting = Closing.objects.filter(event=event).order_by("clip").values_list("clip_id", flat=True)
    ended: list[int] = []
    each(list(waiting[:AT_ONCE]), lambda clip_id: ended.append(close(clip_id, at=at)))
    return Withdrawn(event, is_new, sum(ended), Closing.objects.filter(event=event).count())


def withdraw_named(given: ConsentEvent, *, by: User, reason: str, at: datetime, **more: Any) -> Withdrawn:
    """The owner takes back what this event gave, and with it all that stands for its clip, or for all of theirs."""
    if given.clip_id is None:
        return withdraw_all(given.owner_key, by=by, reason=reason, at=at, withdraws=given, **more)
    return withdraw(given.clip_id, by=by, reason=reason, at=at, withdraws=given, **more)


def close(clip_id: int, *, at: datetime) -> int:
    """End the leases and tasks of a clip whose owner withdrew; returns how many leases. Repeating it is dull."""
    event = ConsentEvent.objects.filter(closings__clip=clip_id).select_related("actor").first()
    if event is None:
        return 0
    with because(event.actor, event.reason or "the owner asked", verb="withdraw consent"), transaction.atomic():
        return _close(clip_id, stopping.hold_clip(clip_id), by=event.actor, at=at)


def _close(clip_id: int, held: list[Any], *, by: User, at: datetime) -> int:
    _tasks, ended = stopping.end_unseen(clip_id, held, why=RecallReason.WITHDRAWN, at=at)
    if consenting.carry_out(clip_id, at=at):
        cases.close_withdrawn(clip_id, by=by, at=at)
    retracting.retract_with(clip_id, at=at)
    return ended


def sweep(*, at: datetime) -> int:
    """Close what was withdrawn and not closed, and what expired; returns how many clips."""
    closed = each(consenting.left_to_close(at=at), lambda clip_id: close(clip_id, at=at) >= 0)
    return closed + each(consenting.ran_out(), lambda clip_id: _end_expired(clip_id, at=at))


def _end_expired(clip_id: int, *, at: datetime) -> bool:
    with transaction.atomic():
        held = stopping.hold_clip(clip_id)
        stopping.end_unseen(clip_id, held, why=RecallReason.EXPIRED, at=at)
        retracting.retract_with(clip_id, at=at)
        return consenting.drop_expired(clip_id) > 0


def exports_with(event: ConsentEvent, *, to: User | None = None) -> list[dict[str, Any]]:
    """The finished exports that hold clips which a withdrawal is about, with how many of them."""
    theirs = Clip.objects.filter(owned_by(event.owner_key))
    about = Q(clip=event.clip_id) if event.clip_id else Q(clip__in=theirs)
    return listed(about, to=to)


def listed(about: Q, *, to: User | None = None) -> list[dict[str, Any]]:
    """The finished exports with lines that ``about`` is true of, those that ``to`` may find."""
    lines = ExportLine.objects.filter(about, export__state__in=FINISHED)
    counts = dict(lines.order_by().values_list("export").annotate(count=Count("id")))
    return [
        {
            "id": export.pk,
            "project": export.project.slug,
            "created_at": export.created_at,
            "sha256": export.sha256,
            "state": export.state,
            "lines": counts[export.pk],
        }
        for export in all_or_seen(to, Export.objects.filter(pk__in=counts)).select_related("project").order_by("pk")
    ]
