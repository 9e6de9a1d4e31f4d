"""Receiving a clip: probed, consented, stored whole, or not at all."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from clips import consenting, storage
from clips.consenting import Agreement
from clips.errors import StorageAway, UnknownRegion
from clips.media import sniff
from clips.media.limits import Limits
from clips.media.probe import probe
from clips.models import CLIP_MOVES, Clip, ClipState
from config.states import move

# How long storing the bytes may take before the sweep counts the upload as dead and takes away what it left.
STORING = timedelta(minutes=10)
# How long a ring may stay unanswered before the sweep rings again.
RING_AGAIN = timedelta(seconds=30)
# Longer than any upload takes to arrive and be probed.
STALE_SECONDS = 3600


def check_region(code: str) -> None:
    """Raises :class:`UnknownRegion` unless this deployment has a storage and a queue for it."""
    if code not in settings.REGIONS:
        raise UnknownRegion(f"There is no region {code!r} here; there are {', '.join(settings.REGIONS)}.")


def receive(path: Path, *, name: str, region: str, source: str, given: Agreement, by: User, at: datetime) -> Clip:
    """Take the file at ``path`` in as a clip that waits to be prepared.

    ``name`` is the sender's file name, of which only the ending is used. The row comes first and waits, with a due
    time, for its bytes: whatever dies in between is found and cleared by ``sweeping.clear_half_received``. Raises the
    media refusals of ``clips/errors.py``.
    """
    check_region(region)
    clear_cut_uploads()
    limits = Limits(max_bytes=settings.UPLOAD_LIMIT_BYTES)
    facts = probe(path, extension=sniff.extension_of(name), limits=limits, kinds=sniff.EVERY_KIND)
    with transaction.atomic():
        clip = Clip.objects.create(
            region=region,
            kind=facts.kind,
            source=source,
            owner_key=given.owner_key,
            uploaded_by=by,
            state_since=at,
            due_at=at + STORING,
            original_key=f"{uuid4().hex}/original",
            sha256=storage.digest(path),
            size_bytes=facts.size_bytes,
            duration_ms=facts.duration_ms,
            width=facts.width,
            height=facts.height,
            facts=asdict(facts),
        )
        consenting.record(clip, given, by=by)
    try:
        storage.put(clip.storage_alias, clip.original_key, path)
    except BaseException:
        forget(clip)
        raise
    due_at = at + RING_AGAIN
    moved = move(
        # An upload that is being forgotten is at its first "attempt": whoever forgets it came first.
        Clip.objects.filter(pk=clip.pk, attempts=0),
        moves=CLIP_MOVES,
        old=ClipState.RECEIVING,
        new=ClipState.UPLOADED,
        state_since=at,
        due_at=due_at,
    )
    if moved != 1:
        # Storing took so long that the sweep gave the upload up.
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
        still = Clip.objects.select_for_update(skip_locked=True).filter(pk=clip.pk, state=ClipState.RECEIVING).first()
        if still is None:
            return False
        still.consents.all().delete()
        still.delete()
    return True


def clear_cut_uploads() -> int:
    """Remove what killed uploads left in this machine's temporary folder; returns how many files.

    Called at each upload, because only the machine where they arrive has the folder, and by the sweep for the case that
    it is this one.
    """
    oldest = time.time() - STALE_SECONDS
    count = 0
    for left in Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir():
        with suppress(FileNotFoundError):
            if left.stat().st_mtime < oldest:
                left.unlink()
                count += 1
    return count
