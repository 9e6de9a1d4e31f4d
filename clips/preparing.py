"""Preparing a clip: one worker claims it, makes its renditions outside any transaction, and records them.

The attempt's number is the fence: a worker that stalled, and whose clip another has taken meanwhile, moves zero rows
from then on and leaves without a trace.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import imageio_ffmpeg
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, QuerySet

from clips import cases, likeness, needing, purging, storage
from clips.errors import PreparationFailed, StorageAway, StorageDiffers
from clips.media.faces import finding
from clips.media.facts import Faces as MediaFaces
from clips.media.facts import Facts
from clips.media.graph import MOST_THREADS
from clips.media.limits import Limits
from clips.media.render import make
from clips.media.results import Made, Renditions
from clips.media.sniff import extension_of
from clips.models import CLIP_MOVES, Addition, Case, Clip, ClipState, Faces, Rendition
from clips.receiving import RING_AGAIN, described, look_into
from config.errors import BadInput
from config.history import because
from config.states import move

log = logging.getLogger("sightline.clips")

# A worker shows that it lives at least every second; silence for this long means that it died.
SILENCE = timedelta(seconds=20)
# A little less than the media tools let pass from tick to tick, so that none of those is passed over.
SIGN_OF_LIFE_SECONDS = 0.75
# Longer than looking into a file may take, which is silent.
LOOKING = timedelta(seconds=60)
# Where no faces can be looked for; another worker of the region may be able to.
NO_DETECTOR = "This worker has no face detector, and a project asks for blurred faces"
WITHOUT_DETECTOR = timedelta(minutes=10)
# With less room than this the work on a clip fails for want of it.
ROOM_BYTES = 16 * 1024 * 1024

Clock = Callable[[], datetime]


class LostClaim(Exception):
    """Another attempt has the clip now, or it was taken away; whatever this one made is not wanted."""


@dataclass(frozen=True)
class Claim:
    """One attempt's right to prepare one clip."""

    clip: Clip
    attempt: int


def claim(clip_id: int, *, at: datetime) -> Claim | None:
    """Take an uploaded clip; None when another worker has it, which is normal."""
    moved = move(
        # A worker that was started for one region has no other's storage, whatever a message says.
        Clip.objects.filter(pk=clip_id, region__in=settings.REGIONS, attempts__lt=F("attempts_allowed")),
        moves=CLIP_MOVES,
        old=ClipState.UPLOADED,
        new=ClipState.PREPARING,
        attempts=F("attempts") + 1,
        percent=0,
        state_since=at,
        due_at=at + SILENCE,
    )
    if moved != 1:
        return None
    clip = Clip.objects.get(pk=clip_id)
    return Claim(clip, clip.attempts)


def prepare(clip_id: int, *, now: Clock) -> bool:
    """Prepare the clip if it waits for that; returns whether this call made it ready.

    Running it twice, or in two workers at once, leaves the state of one run.
    """
    held = claim(clip_id, at=now())
    if held is None:
        return False
    work_dir = Path(settings.WORK_DIR)
    for left in work_dir.glob(f"clip-{clip_id}-[0-9]*"):
        # Of an earlier attempt: we hold the clip, so whoever made it is dead or overtaken.
        shutil.rmtree(left, ignore_errors=True)
    folder = work_dir / f"clip-{clip_id}-{held.attempt}-{secrets.token_hex(4)}"
    try:
        folder.mkdir(mode=0o700)
        everything, stored = _make(held, folder, now=now)
        finish(held, everything, stored, at=now())
    except LostClaim:
        log.warning("clip %s: attempt %s was overtaken", clip_id, held.attempt)
        with suppress(StorageAway):
            purging.take_back(clip_id)
        return False
    except BadInput as refusal:
        refuse(held, refusal.detail, at=now())
        return False
    except finding.NoDetector as error:
        put_off(held, at=now(), reason=f"{NO_DETECTOR}: {error}.", wait=WITHOUT_DETECTOR)
        return False
    except PreparationFailed as failure:
        if is_full(work_dir):
            # Whatever broke, it is no fault of the clip's.
            put_off(held, at=now())
        else:
            give_up(held, str(failure), at=now())
        return False
    except (StorageAway, OSError) as error:
        log.warning("clip %s: attempt %s: %s", clip_id, held.attempt, type(error).__name__)
        put_off(held, at=now())
        return False
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    with suppress(StorageAway):
        clear_unrecorded(held.clip, known=stored.values())
    return True


def _make(held: Claim, folder: Path, *, now: Clock) -> tuple[Renditions, Mapping[str, str]]:
    """Run the media tools on a private copy and store what they made; returns it, and the key of each kind."""
    clip = held.clip
    source = folder / "original"
    tick = Tick(held, now, claimed=True)

    def progress(percent: int) -> None:
        if percent < 99:
            tick(percent)
        else:
            # Surely still ours: what was made is stored from here on.
            show_life(held, percent, at=now())

    fetch_original(clip, source, on_chunk=tick)
    find_out(held, source, now=now)
    out = folder / "out"
    out.mkdir(mode=0o700)
    everything = make(
        source,
        out,
        Facts.from_document(clip.facts),
        ffmpeg=ffmpeg_binary(),
        limits=Limits(),
        threads=threads_for(Path(settings.WORK_DIR)),
        faces=cast("list[MediaFaces]", makeable(clip)),
        on_tick=progress,
    )
    # Named by content, so that a repeat of this attempt stores the same file under the same name.
    stored: Mapping[str, str] = {
        item.kind: f"{clip.folder}/{item.kind}-{item.sha256}{item.path.suffix}" for item in everything.made
    }
    files = [storage.ToStore(stored[item.kind], item.path, item.sha256) for item in everything.made]
    storage.put_all(clip.storage_alias, files, on_chunk=tick)
    return everything, stored


def makeable(clip: Clip) -> list[str]:
    """Which proxies are made of the clip here: those that are needed, less those without faces where none can be looked
    for. If nothing else is needed the clip waits; nobody is shown faces instead. Raises NoDetector."""
    needed = needing.needed_of(clip)
    if Faces.BLURRED in needed and finding.missing():
        needed -= {Faces.BLURRED}
        if not needed:
            raise finding.NoDetector(finding.missing())
    return sorted(needed)


def threads_for(work_dir: Path) -> int:
    """How many threads one clip may have: this machine's cores, shared by the clips that are being prepared on it."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    at_it = sum(1 for _ in work_dir.glob("clip-*"))
    return max(1, min(MOST_THREADS, cores // max(1, at_it)))


def fetch_original(clip: Clip, path: Path, *, on_chunk: Callable[[], None]) -> None:
    """A private copy of the original, byte for byte what was received. Raises :class:`StorageAway`, and
    :class:`PreparationFailed` for other bytes under a clip that nobody has read yet: they may never have been there."""
    try:
        storage.fetch(clip.storage_alias, clip.original_key, path, sha256=clip.sha256, on_chunk=on_chunk)
    except StorageDiffers:
        if clip.facts:
            raise
        raise PreparationFailed("The storage gives other bytes than those that were registered.") from None


def find_out(held: Claim, path: Path, *, now: Clock) -> None:
    """Look into a file that was sent straight to the storage, so that nobody has read it yet. Raises the media
    refusals of ``clips/errors.py``, :class:`StorageAway` and :class:`LostClaim`."""
    clip = held.clip
    if clip.facts:
        return
    if _ours(held).update(due_at=now() + LOOKING) != 1:
        raise LostClaim
    facts = look_into(path, extension=extension_of(clip.original_key))
    changes = described(facts)
    if _ours(held).update(**changes, due_at=now() + SILENCE) != 1:
        raise LostClaim
    for name, value in changes.items():
        setattr(clip, name, value)


def is_full(folder: Path) -> bool:
    """Whether there is too little room on this disk for the work on one clip."""
    return shutil.disk_usage(folder).free < ROOM_BYTES


class Tick:
    """A sign of life while work goes on: at most one in ``SIGN_OF_LIFE_SECONDS``, with the percentage if that is told.
    It raises :class:`LostClaim`. ``claimed`` says that the clip was claimed just now, which is a sign of life, too."""

    def __init__(self, held: Claim, now: Clock, *, claimed: bool = False) -> None:
        self._held, self._now = held, now
        self._last = time.monotonic() if claimed else 0.0

    def __call__(self, percent: int | None = None) -> None:
        if time.monotonic() - self._last >= SIGN_OF_LIFE_SECONDS:
            self._last = time.monotonic()
            show_life(self._held, percent, at=self._now())


def ffmpeg_binary() -> Path:
    """The ffmpeg that the setting names, else the one that came with the locked packages."""
    return Path(settings.FFMPEG_BINARY or imageio_ffmpeg.get_ffmpeg_exe())


def show_life(held: Claim, percent: int | None, *, at: datetime) -> None:
    """Say that this attempt lives, and how far it is. Raises :class:`LostClaim` when the clip is no longer ours."""
    progress = {} if percent is None else {"percent": min(percent, 99)}
    if _ours(held).update(due_at=at + SILENCE, **progress) != 1:
        raise LostClaim


def finish(held: Claim, everything: Renditions, stored: Mapping[str, str], *, at: datetime) -> None:
    """Record what was made and call the clip ready, for this attempt only. Raises :class:`LostClaim`."""
    with transaction.atomic():
        moved = move(
            Clip.objects.filter(pk=held.clip.pk, attempts=held.attempt),
            moves=CLIP_MOVES,
            old=ClipState.PREPARING,
            new=ClipState.READY,
            percent=100,
            failure="",
            sound=everything.sound.summary() if everything.sound else {},
            state_since=at,
            due_at=None,
        )
        if moved != 1:
            raise LostClaim
        if cases.is_sensitive_case_open(held.clip.pk):
            # Flagged by somebody who saw it before it was prepared again.
            cases.quarantine(Case.objects.get(clip=held.clip, state="open", kind="sensitive"), at=at)
        if held.attempt > 1:
            # Of an earlier preparation; their files go with what nobody recorded. So does what was being added to it.
            Addition.objects.filter(clip=held.clip).delete()
            Rendition.objects.filter(clip=held.clip).delete()
        Rendition.objects.bulk_create(
            rendition_of(held.clip, item, key=stored[item.kind], attempt=held.attempt) for item in everything.made
        )
        likeness.record(held.clip, picture=everything.picture_print, sound=everything.sound_print)


def rendition_of(clip: Clip, item: Made, *, key: str, attempt: int) -> Rendition:
    """The row of what was made of a clip."""
    return Rendition(
        clip=clip,
        kind=item.kind,
        attempt=attempt,
        key=key,
        content_type=item.content_type,
        size_bytes=item.size_bytes,
        sha256=item.sha256,
        width=item.width,
        height=item.height,
        duration_ms=item.duration_ms or 0,
    )


def refuse(held: Claim, reason: str, *, at: datetime) -> None:
    """The clip's file is none that is taken: it fails at once, another attempt would find the same."""
    move(
        Clip.objects.filter(pk=held.clip.pk, attempts=held.attempt),
        moves=CLIP_MOVES,
        old=ClipState.PREPARING,
        new=ClipState.FAILED,
        failure=reason,
        percent=0,
        state_since=at,
        due_at=None,
    )


def give_up(held: Claim, reason: str, *, at: datetime) -> None:
    """End this attempt: the clip waits for another while any are left, else it fails with the reason."""
    end_attempt(held.clip.pk, held.attempt, reason, at=at)


def put_off(
    held: Claim,
    *,
    at: datetime,
    reason: str = "The storage or the disk did not answer; it is tried again by itself.",
    wait: timedelta | None = None,
) -> None:
    """Something is away, which is not the clip's fault: it waits longer each time and is charged none."""
    wait = wait or timedelta(seconds=min(15 * 2 ** min(held.attempt, 6), 600))
    move(
        Clip.objects.filter(pk=held.clip.pk, attempts=held.attempt),
        moves=CLIP_MOVES,
        old=ClipState.PREPARING,
        new=ClipState.UPLOADED,
        attempts_allowed=F("attempts_allowed") + 1,
        failure=reason,
        percent=0,
        state_since=at,
        due_at=at + wait,
    )


def end_attempt(clip_id: int, attempt: int, reason: str, *, at: datetime) -> str | None:
    """Move a clip whose attempt is over; returns its new state, None when that attempt no longer holds it."""
    rows = Clip.objects.filter(pk=clip_id, attempts=attempt)
    common: dict[str, Any] = {"moves": CLIP_MOVES, "old": ClipState.PREPARING, "percent": 0, "state_since": at}
    if move(
        rows.filter(attempts_allowed__lte=attempt),
        new=ClipState.FAILED,
        failure=f"{reason} Tried {attempt} times.",
        due_at=None,
        **common,
    ):
        return ClipState.FAILED
    # A little longer each time, so that what is passing may pass.
    wait = timedelta(seconds=2 * min(attempt, 10))
    if move(rows, new=ClipState.UPLOADED, failure=reason, due_at=at + wait, **common):
        return ClipState.UPLOADED
    return None


def retry(clip_id: int, *, at: datetime) -> bool:
    """Give a failed clip a fresh round of attempts; False when it has not failed."""
    moved = move(
        Clip.objects.filter(pk=clip_id),
        moves=CLIP_MOVES,
        old=ClipState.FAILED,
        new=ClipState.UPLOADED,
        attempts_allowed=F("attempts") + cases.ATTEMPTS_A_ROUND,
        percent=0,
        failure="",
        state_since=at,
        due_at=at + RING_AGAIN,
    )
    return moved == 1


def cancel(clip_id: int, *, by: User, reason: str, at: datetime) -> bool:
    """Stop preparing a clip, or waiting to; a retry begins anew. False when there was nothing to stop.

    A worker that is at it finds its claim lost within a second, kills what it runs and leaves no file. Raises
    :class:`config.history.ReasonMissing`.
    """
    with because(by, reason, verb="cancel preparation") as context:
        changes = {"failure": f"Cancelled: {context.metadata['why']}", "percent": 0, "state_since": at, "due_at": None}
        rows = Clip.objects.filter(pk=clip_id)
        return any(
            move(rows, moves=CLIP_MOVES, old=old, new=ClipState.FAILED, **changes)
            for old in (ClipState.UPLOADED, ClipState.PREPARING)
        )


def clear_unrecorded(clip: Clip, *, known: Collection[str]) -> None:
    """Remove what overtaken attempts stored for a ready clip and nobody recorded. ``known`` are keys that were recorded
    just now: where there is nothing else, which is usual, nobody is asked."""
    others = [key for key in storage.keys_under(clip.storage_alias, clip.folder) if key != clip.original_key]
    others = [key for key in others if key not in known]
    if not others or Addition.objects.filter(clip=clip, attempts__gt=0).exists():
        return  # somebody may be about to record what they stored
    recorded = set(Rendition.objects.filter(clip=clip).values_list("key", flat=True))
    for key in others:
        if key not in recorded:
            storage.delete(clip.storage_alias, key)


def _ours(held: Claim) -> QuerySet[Clip]:
    return Clip.objects.filter(pk=held.clip.pk, state=ClipState.PREPARING, attempts=held.attempt)
