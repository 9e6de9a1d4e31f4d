"""Purging: a clip's bytes are taken out of the world, and all that is known of it; its empty row stays.

A purge is a row that waits, like all work here, and may be killed anywhere and run again. Each attempt does the same
steps in the same order: write the ledger, empty the store, forget the rows, ask the store what it still lists. It is
done when that list is empty and nobody who began before can write any more.
"""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max, Q, QuerySet

from clips import cases, holding, ledger, queries, storage
from clips.errors import StorageAway
from clips.models import (
    CLIP_MOVES,
    PURGE_MOVES,
    Addition,
    Clip,
    ClipState,
    Closing,
    DeviceEvent,
    Likeness,
    Permit,
    Print,
    Purge,
    PurgedKey,
    PurgeReason,
    PurgeState,
    Rendition,
    RetentionRule,
)
from config.states import move
from config.ticks import each

log = logging.getLogger("sightline.purges")

# Longer than emptying one clip's folder takes; silence for this long means that the worker died.
SILENCE = timedelta(minutes=2)
RING_AGAIN = timedelta(seconds=30)
# What was begun before is over by then: a task is killed at its time limit, and a link to upload lives shorter.
LATEST_WRITER = timedelta(seconds=settings.CELERY_TASK_TIME_LIMIT) + timedelta(minutes=5)
AT_ONCE = 200

Clock = Callable[[], datetime]

# What other rooms forget of a clip, each by a verb of its own that takes its number, in the transaction that calls it.
FORGETTERS: dict[str, Callable[[int], object]] = {}


class LostClaim(Exception):
    """Another attempt has this purge now."""


@dataclass(frozen=True)
class Claim:
    """One attempt's right to purge one clip."""

    purge: Purge
    clip: Clip
    attempt: int


def schedule(clip_id: int, *, reason: str, at: datetime, rule: RetentionRule | None = None) -> Purge:
    """Have a clip purged that is withheld, in the same transaction; one that is scheduled stays as it is.

    A withdrawal counts from its own instant: no consent that was given before it brings the clip back.
    """
    cases.in_transaction()
    clip = Clip.objects.only("region", "state", "state_since", "percent").get(pk=clip_id)
    purge, made = Purge.objects.get_or_create(
        clip_id=clip_id,
        defaults={
            "region": clip.region,
            "reason": reason,
            "rule": rule,
            "asked_at": at,
            "state_since": at,
            "due_at": at,
            "quiet_at": quiet_from(clip, at=at),
        },
    )
    if not made and reason in {PurgeReason.WITHDRAWN, PurgeReason.ERASURE}:
        early = Q(state__in=[PurgeState.WAITING, PurgeState.HELD], asked_at__lt=at)
        Purge.objects.filter(early, pk=purge.pk).update(asked_at=at, reason=reason)
    return purge


def quiet_from(clip: Clip, *, at: datetime) -> datetime:
    """When nobody who began to store something of this clip can still be at it. Nobody begins any more once it is
    withheld; of a clip that was prepared every attempt had begun when its renditions were recorded."""
    at_it = Addition.objects.filter(clip=clip.pk, attempts__gt=0).exists()
    if clip.percent == 100 and not at_it:
        made_at = Rendition.objects.filter(clip=clip.pk).aggregate(last=Max("made_at"))["last"]
        if made_at is not None:
            return min(made_at, at) + LATEST_WRITER
    return (clip.state_since if clip.state == ClipState.WITHHELD else at) + LATEST_WRITER


def run(clip_id: int, *, now: Clock, at_once: bool = False) -> bool:
    """Purge the clip if it waits for that; returns whether this call finished it. Repeating it is dull.

    ``at_once`` is for what was purged before and came back with a backup: it waits for no hold and for no writer.
    """
    held = claim(clip_id, at=now(), despite_holds=at_once)
    if held is None:
        return False
    try:
        line = write_ledger(held)
        write_out(line)
        empty_store(held)
        forget_rows(held)
        left = listed(held)
    except LostClaim:
        log.warning("clip %s: purge attempt %s was overtaken", clip_id, held.attempt)
        return False
    except (StorageAway, OSError) as error:
        log.warning("clip %s: purge attempt %s: %s", clip_id, held.attempt, type(error).__name__)
        put_off(clip_id, held.attempt, "The storage did not answer; it is tried again by itself.", at=now())
        return False
    if left:
        log.warning("clip %s: %s things are still listed after its purge", clip_id, len(left))
        put_off(clip_id, held.attempt, f"The storage still lists {len(left)} things of it.", at=now())
        return False
    at = now()
    if at < held.purge.quiet_at and not at_once:
        settle(held, at=at)
        return False
    return finish(held, at=at)


def claim(clip_id: int, *, at: datetime, despite_holds: bool = False) -> Claim | None:
    """Take a purge that waits; None when another worker has it, a hold keeps the clip, or its bytes are arriving."""
    with transaction.atomic():
        holding.wait_at_gate()
        # A worker that was started for one region has no other's storage, whatever a message says.
        rows = Purge.objects.filter(clip=clip_id, region__in=settings.REGIONS)
        purge = rows.select_related("clip").filter(state__in=[PurgeState.WAITING, PurgeState.SETTLING]).first()
        if purge is None:
            return None
        clip = purge.clip
        if clip.state == ClipState.RECEIVING:
            rows.update(due_at=at + RING_AGAIN, failure="Its bytes are still arriving.")
            return None
        if clip.state not in {ClipState.WITHHELD, ClipState.PURGED}:
            # It was withdrawn while its bytes were arriving, and has gone on meanwhile.
            cases.withhold(clip_id, at=at)
            rows.update(quiet_at=at + LATEST_WRITER)
            clip.refresh_from_db()
        hold = holding.over(clip, at=at) if purge.state == PurgeState.WAITING and not despite_holds else None
        if hold is not None:
            move(
                rows,
                moves=PURGE_MOVES,
                old=PurgeState.WAITING,
                new=PurgeState.HELD,
                held_by=hold,
                failure=f"{hold} keeps it: {hold.reason}"[:200],
                state_since=at,
                due_at=hold.ends_at,
            )
            return None
        moved = move(
            rows,
            moves=PURGE_MOVES,
            old=purge.state,
            new=PurgeState.RUNNING,
            attempts=F("attempts") + 1,
            failure="",
            state_since=at,
            due_at=at + SILENCE,
        )
        if moved != 1:
            return None
    purge.refresh_from_db()
    return Claim(purge, clip, purge.attempts)


def write_ledger(held: Claim) -> PurgedKey:
    """First of all it is written down that this is never to come back; one whose row says nothing any more is."""
    return ledger.write(held.purge, held.clip)


def write_out(line: PurgedKey) -> None:
    """The line's file, which a restored database lacks."""
    ledger.write_out(line)


def empty_store(held: Claim) -> None:
    """Remove every file, version, mark of deletion and part of the clip, and what is left on this machine."""
    removed = storage.empty(held.clip.storage_alias, held.clip.folder)
    clear_work_folders()
    if _ours(held).update(removed=F("removed") + removed) != 1:
        raise LostClaim


def forget_rows(held: Claim) -> None:
    """Remove what is known of the clip: what was made of it, what it looks like, what its device said, notes on it."""
    with transaction.atomic():
        if not _ours(held).select_for_update().exists():
            raise LostClaim
        _forget(held.clip.pk)


def listed(held: Claim) -> list[str]:
    """What the store itself still lists."""
    return storage.remains(held.clip.storage_alias, held.clip.folder)


def settle(held: Claim, *, at: datetime) -> None:
    """Nothing is left, but somebody who began before may still be writing: all of it is done once again then."""
    move(
        _ours(held),
        moves=PURGE_MOVES,
        old=PurgeState.RUNNING,
        new=PurgeState.SETTLING,
        failures=0,
        failure="Removed. It is looked at once more when nobody can be writing any more.",
        state_since=at,
        due_at=held.purge.quiet_at,
    )


def finish(held: Claim, *, at: datetime) -> bool:
    """The store lists nothing and nobody writes: the row becomes a tombstone. False when another has the purge."""
    with transaction.atomic():
        # First in the lock order: whoever withdraws for this owner schedules purges, and what is permitted of the clip
        # is not to be written anew beside this.
        queries.lock_owner(held.clip.owner_key)
        done = move(
            _ours(held),
            moves=PURGE_MOVES,
            old=PurgeState.RUNNING,
            new=PurgeState.DONE,
            failures=0,
            failure="",
            state_since=at,
            due_at=None,
            done_at=at,
        )
        if done != 1:
            return False
        # Before the rows go: whoever compares prints locks the clip first.
        move(
            Clip.objects.filter(pk=held.clip.pk),
            moves=CLIP_MOVES,
            old=ClipState.WITHHELD,
            new=ClipState.PURGED,
            owner_key="",
            upload_key="",
            sha256="",
            same_as=None,
            failure="",
            facts={},
            sound={},
            language="",
            size_bytes=0,
            width=0,
            height=0,
            percent=0,
            state_since=at,
            due_at=None,
        )
        _forget(held.clip.pk)
    return True


def _forget(clip_id: int) -> None:
    Permit.objects.filter(clip=clip_id).delete()
    Closing.objects.filter(clip=clip_id).delete()
    Rendition.objects.filter(clip=clip_id).delete()
    Print.objects.filter(clip=clip_id).delete()
    Addition.objects.filter(clip=clip_id).delete()
    Likeness.objects.filter(Q(clip=clip_id) | Q(other=clip_id)).delete()
    DeviceEvent.objects.filter(clip=clip_id).delete()
    # What was labelled in this one's stead is labelled itself; of several copies the first stands for the others.
    copies = list(Clip.objects.filter(same_as=clip_id).order_by("pk").values_list("pk", flat=True))
    if copies:
        Clip.objects.filter(pk__in=copies[1:]).update(same_as=copies[0])
        Clip.objects.filter(pk=copies[0]).update(same_as=None)
    Clip.objects.filter(pk=clip_id).update(failure="", facts={}, sound={}, upload_key="", same_as=None)
    for forget in FORGETTERS.values():
        forget(clip_id)


def put_off(clip_id: int, attempt: int, reason: str, *, at: datetime) -> bool:
    """End an attempt that could not be finished; it waits longer each time, an hour at the most."""
    rows = Purge.objects.filter(clip=clip_id, attempts=attempt)
    failures = rows.values_list("failures", flat=True).first() or 0
    moved = move(
        rows,
        moves=PURGE_MOVES,
        old=PurgeState.RUNNING,
        new=PurgeState.WAITING,
        failures=F("failures") + 1,
        failure=reason,
        state_since=at,
        due_at=at + timedelta(seconds=min(15 * 2 ** min(failures, 8), 3600)),
    )
    return moved == 1


def unheard(*, at: datetime) -> list[tuple[int, str]]:
    """Purges that are due, as (clip, queue); each is due again a little later."""
    due = Purge.objects.filter(state__in=[PurgeState.WAITING, PurgeState.SETTLING], due_at__lte=at)
    found = []
    for purge in due.select_related("clip").order_by("due_at")[:AT_ONCE]:
        rows = Purge.objects.filter(pk=purge.pk, state=purge.state, due_at=purge.due_at)
        if rows.update(due_at=at + RING_AGAIN):
            found.append((purge.clip_id, purge.clip.queue))
    return found


def rescue_silent(*, at: datetime) -> int:
    """End the attempts of workers that went silent; returns how many."""
    silent = Purge.objects.filter(state=PurgeState.RUNNING, due_at__lte=at).order_by("due_at")[:AT_ONCE]
    reason = "The worker that purged it died or was stopped."
    return each(silent, lambda purge: put_off(purge.clip_id, purge.attempts, reason, at=at))


def hurry(purge: Purge, *, at: datetime) -> bool:
    """Try a purge that waits for its next attempt now; False when it does not wait."""
    return Purge.objects.filter(pk=purge.pk, state=PurgeState.WAITING, due_at__gt=at).update(due_at=at) == 1


def let_go(clip_id: int, *, at: datetime) -> None:
    """Have a purge begin at once whatever it waits for, also one that was done: for what a backup brought back."""
    Purge.objects.filter(clip=clip_id).update(
        state=PurgeState.WAITING, held_by=None, done_at=None, state_since=at, due_at=at, quiet_at=at
    )


def abandon(clip_id: int, *, at: datetime) -> None:
    """Withhold a clip that was still arriving when the backup was made: nobody sends the rest of it any more."""
    Clip.objects.filter(pk=clip_id, state=ClipState.RECEIVING).update(
        state=ClipState.WITHHELD, state_since=at, due_at=None
    )


def empty_again(line: PurgedKey) -> int:
    """Empty the folder of a line: a store may have come back without its row. Raises
    :class:`clips.errors.StorageAway`."""
    return storage.empty(line.alias, line.folder)


def late(*, at: datetime) -> QuerySet[Purge]:
    """Purges that could not be finished again and again, the longest first."""
    rows = Purge.objects.filter(state__in=[PurgeState.WAITING, PurgeState.RUNNING], failures__gte=3)
    return rows.order_by("asked_at")


def clear_work_folders() -> int:
    """Remove private copies of clips that are being purged from this machine; whoever works on one lost it already."""
    found: dict[int, list[Path]] = {}
    for path in Path(settings.WORK_DIR).glob("clip-*"):
        number = re.match(r"clip-(\d{1,18})-", path.name)
        if number:
            found.setdefault(int(number[1]), []).append(path)
    if not found:
        return 0
    over = Clip.objects.filter(pk__in=found, state__in=[ClipState.WITHHELD, ClipState.PURGED])
    gone = [path for clip_id in over.values_list("pk", flat=True) for path in found[clip_id]]
    for path in gone:
        shutil.rmtree(path, ignore_errors=True)
    return len(gone)


def take_back(clip_id: int) -> bool:
    """Remove what an overtaken worker stored of a clip that is purged already. False when it is not."""
    clip = Clip.objects.filter(pk=clip_id, state=ClipState.PURGED).first()
    if clip is None:
        return False
    storage.empty(clip.storage_alias, clip.folder)
    return True


def _ours(held: Claim) -> QuerySet[Purge]:
    fields: dict[str, Any] = {"pk": held.purge.pk, "state": PurgeState.RUNNING, "attempts": held.attempt}
    return Purge.objects.filter(**fields)
