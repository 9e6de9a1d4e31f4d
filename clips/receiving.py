"""Receiving a clip: probed, consented, stored whole, or not at all."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Max

from clips import consenting, events, ledger, purging, repeats, storage
from clips.consenting import Agreement
from clips.errors import StorageAway, UnknownRegion, UploadInProgress
from clips.events import Event
from clips.media import sniff
from clips.media.facts import Facts
from clips.media.limits import Limits
from clips.media.probe import probe
from clips.models import (
    CLIP_MOVES,
    Clip,
    ClipState,
    ConsentEvent,
    DeviceEvent,
    EventKind,
    Purge,
    PurgedKey,
    PurgeReason,
)
from config.states import move

log = logging.getLogger("sightline.clips")

# How long an upload may show no sign of life before it counts as dead and what it left is taken away.
STORING = timedelta(minutes=2)
SIGN_OF_LIFE_SECONDS = 5
# How often an upload looks again after it met one of the same bytes.
TRIES = 3
# How long a ring may stay unanswered before the sweep rings again.
RING_AGAIN = timedelta(seconds=30)
# Longer than any upload takes to arrive and be probed.
STALE_SECONDS = 3600


def check_region(code: str) -> None:
    """Raises :class:`UnknownRegion` unless this deployment has a storage and a queue for it."""
    if code not in settings.REGIONS:
        raise UnknownRegion(f"There is no region {code!r} here; there are {', '.join(settings.REGIONS)}.")


@dataclass(frozen=True)
class Received:
    """A clip that was taken in, and whether it was new."""

    clip: Clip
    is_new: bool


def receive(
    path: Path,
    *,
    name: str,
    region: str,
    source: str,
    given: Agreement,
    by: User,
    at: datetime,
    sha256: str = "",
    key: str = "",
    event: Event | None = None,
    language: str = "",
    adopt: bool = False,
) -> Received:
    """Take the file at ``path`` in as a clip that waits to be prepared; a repeat gets the clip that is there.

    ``name`` is the sender's file name, of which only the ending is used; ``sha256`` its digest, if that is known;
    ``key`` what the sender calls this request, ``language`` what is spoken in it, if that is known. The row comes first
    and waits, with a due time, for its bytes: whatever dies in between is found and cleared by
    ``sweeping.clear_half_received``. A registered upload whose file comes this way instead is carried on, and with
    ``adopt`` so is one of the same bytes that may have died: two that store them at once store the same, and one of
    them moves the row.

    Raises the media refusals of ``clips/errors.py``, :class:`UploadInProgress`, :class:`ConsentTakenBack`,
    :class:`config.errors.KeyReused`, :class:`StorageAway`.
    """
    check_region(region)
    clear_cut_uploads()
    sha256 = sha256 or storage.digest(path)
    facts = None
    for _ in range(TRIES):
        here = repeats.find(
            by=by, key=key, owner_key=given.owner_key, sha256=sha256, region=region, given_at=given.given_at
        )
        if here is None:
            # Once: whoever was first with the same bytes may be gone again when we look.
            facts = facts or look_into(path, extension=sniff.extension_of(name))
            clip = begin(
                region=region,
                source=source,
                given=given,
                event=event,
                by=by,
                state_since=at,
                due_at=at + STORING,
                upload_key=key,
                language=language,
                original_key=f"{uuid4().hex}/original",
                sha256=sha256,
                **described(facts),
            )
            if clip is not None:
                return Received(_store(clip, path, at=at), is_new=True)
        elif here.state != ClipState.RECEIVING:
            if repeats.note(here, given, event, language=language, by=by):
                return Received(here, is_new=False)
        elif here.attempts == 0 and (adopt or not here.facts):
            facts = facts or look_into(path, extension=sniff.extension_of(name))
            if repeats.note(here, given, event, language=language, by=by) and _carry_on(here, facts):
                return Received(_store(here, path, at=at), is_new=True)
        elif not (is_dead(here, at=at) and forget(here)):
            break
    raise UploadInProgress(retry_after=3)


def look_into(path: Path, *, extension: str) -> Facts:
    """What the file is. Raises the media refusals of ``clips/errors.py``, and :class:`StorageAway` when there is no
    room to look into it."""
    try:
        limits = Limits(max_bytes=settings.UPLOAD_LIMIT_BYTES)
        return probe(path, extension=extension, limits=limits, kinds=sniff.EVERY_KIND)
    except OSError as error:
        log.warning("looking into a file: %s", error.strerror)
        raise StorageAway("There is no room to look into the file right now; nothing was kept.", retry_after=30) from (
            error
        )


def described(facts: Facts) -> dict[str, Any]:
    """The columns of a clip that say what its file is."""
    return {
        "kind": facts.kind,
        "size_bytes": facts.size_bytes,
        "duration_ms": facts.duration_ms,
        "width": facts.width,
        "height": facts.height,
        "facts": asdict(facts),
    }


def begin(*, given: Agreement, event: Event | None, by: User, **columns: Any) -> Clip | None:
    """Write the row of a clip whose bytes are on their way, with its consent and event; None when there is one now
    with the same key or the same bytes."""
    try:
        with transaction.atomic():
            clip = Clip.objects.create(owner_key=given.owner_key, uploaded_by=by, **columns)
            consenting.record(clip, given, by=by)
            events.record(clip, event)
    except IntegrityError as error:
        if constraint_of(error) not in {"clip_once_per_upload_key", "clip_once_per_owner_and_bytes"}:
            raise
        return None
    return clip


def constraint_of(error: IntegrityError) -> str:
    """The name of the constraint that said no."""
    return str(getattr(getattr(error.__cause__, "diag", None), "constraint_name", ""))


def is_dead(clip: Clip, *, at: datetime) -> bool:
    """Whether an upload showed no sign of life for too long, or is being forgotten already."""
    return clip.attempts > 0 or (clip.due_at is not None and clip.due_at <= at)


def _carry_on(clip: Clip, facts: Facts) -> bool:
    """Write down what the file of a clip that is being received is; False when it is no longer."""
    waits = Clip.objects.filter(pk=clip.pk, state=ClipState.RECEIVING, attempts=0)
    return waits.update(**described(facts)) == 1


def _store(clip: Clip, path: Path, *, at: datetime) -> Clip:
    """Store the bytes of a clip that is being received, and call it uploaded. Raises :class:`StorageAway`."""
    began = last = time.monotonic()
    # An upload that is being forgotten is at its first "attempt": whoever forgets it came first.
    ours = Clip.objects.filter(pk=clip.pk, attempts=0)

    def show_life() -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= SIGN_OF_LIFE_SECONDS:
            last = now
            due_at = at + timedelta(seconds=now - began) + STORING
            if not ours.filter(state=ClipState.RECEIVING).update(due_at=due_at):
                raise StorageAway(retry_after=3)

    try:
        storage.put(clip.storage_alias, clip.original_key, path, sha256=clip.sha256, on_chunk=show_life)
    except BaseException:
        forget(clip)
        raise
    due_at = at + RING_AGAIN
    moved = move(ours, moves=CLIP_MOVES, old=ClipState.RECEIVING, new=ClipState.UPLOADED, state_since=at, due_at=due_at)
    if moved != 1:
        # Somebody who stored the same bytes under the same name was first, and that is as good;
        there = Clip.objects.filter(pk=clip.pk).exclude(state=ClipState.RECEIVING).first()
        if there is not None:
            # or it was withdrawn and purged meanwhile, and these bytes came after.
            purging.take_back(there.pk)
            return there
        # or storing took so long that the sweep gave the upload up.
        storage.delete(clip.storage_alias, clip.original_key)
        raise StorageAway(retry_after=10)
    clip.state, clip.due_at = ClipState.UPLOADED, due_at
    return clip


def forget(clip: Clip) -> bool:
    """Undo a clip that was never whole: its bytes, then its rows. Only while it is still being received.

    It is marked first, by a conditional update that an upload which finishes at this instant either precedes (then
    nothing is taken away) or runs into. While the storage is away the rows stay, because only they say where bytes may
    lie; the sweep comes back to them.
    """
    if Clip.objects.filter(pk=clip.pk, state=ClipState.RECEIVING).update(attempts=1) != 1:
        return False
    try:
        for key in storage.keys_under(clip.storage_alias, clip.folder):
            storage.delete(clip.storage_alias, key)
    except StorageAway:
        return False
    with transaction.atomic():
        consenting.lock_owner(clip.owner_key)
        still = Clip.objects.select_for_update(skip_locked=True).filter(pk=clip.pk, state=ClipState.RECEIVING).first()
        if still is None:
            return False
        # What its owner said stays; only what it permits goes with the clip.
        DeviceEvent.objects.filter(clip=still).delete()
        # Withdrawn while its bytes were on their way: they are gone, and so is the row. The ledger knows them again.
        line = _ledger_line(still)
        Purge.objects.filter(clip=still).delete()
        still.delete()
    if line is not None:
        # A store that is away now gets it when purges are replayed.
        with suppress(StorageAway):
            ledger.write_out(line)
    return True


def _ledger_line(clip: Clip) -> PurgedKey | None:
    """Write down what its owner took back before it was whole: a repeat under the old consent would be a new clip."""
    taken_back = ConsentEvent.objects.filter(clip=clip, kind=EventKind.WITHDRAWN).aggregate(last=Max("at"))["last"]
    if taken_back is None or not clip.sha256:
        return None
    return ledger.write(Purge(clip=clip, reason=PurgeReason.WITHDRAWN, asked_at=taken_back), clip)


def clear_cut_uploads() -> int:
    """Remove what killed uploads left in this machine's temporary folder; returns how many files.

    Called at each upload, because only the machine where they arrive has the folder, and by the sweep for the case that
    it is this one.
    """
    oldest = time.time() - STALE_SECONDS
    count = 0
    for left in Path(settings.FILE_UPLOAD_TEMP_DIR).glob("*"):
        with suppress(FileNotFoundError):
            if left.stat().st_mtime < oldest:
                left.unlink()
                count += 1
    return count
