"""Adding to a clip that is ready the proxy it lacks, beside those it has: nobody who works on it notices.

A row is the wish and a message only a bell, as with preparing. The number of the attempt is the fence, and so is the
clip's own: if it was prepared anew, taken away or withdrawn meanwhile, nothing is recorded and what was stored goes.
"""

from __future__ import annotations

import logging
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from clips import storage
from clips.errors import PreparationFailed, StorageAway
from clips.media import facts as media
from clips.media.faces.finding import NoDetector
from clips.media.facts import Facts
from clips.media.limits import Limits
from clips.media.render import make
from clips.models import LOOKING, SHOWN, Addition, Clip, ClipState, Faces, Rendition, queue_of
from clips.preparing import (
    NO_DETECTOR,
    SILENCE,
    WITHOUT_DETECTOR,
    Clock,
    LostClaim,
    fetch_original,
    ffmpeg_binary,
    is_full,
    rendition_of,
    threads_for,
)
from clips.queries import permitted
from config.errors import BadInput

log = logging.getLogger("sightline.clips")

# So many wait or are worked on at a time in a region: new clips, which come by the same queue, are not kept waiting.
AT_ONCE = 20
ATTEMPTS = 3
RING_AGAIN = timedelta(seconds=30)


@dataclass(frozen=True)
class Hold:
    """One attempt's right to add one proxy to a clip as it was prepared at that attempt."""

    addition: Addition
    clip: Clip


def ask(clip_ids: Iterable[int], *, faces: str, region: str, at: datetime) -> int:
    """Ask for this proxy of ready clips, of at most so many of the region at a time; returns of how many more.

    Asking twice is dull. What failed is not asked for again by itself.
    """
    room = AT_ONCE - Addition.objects.filter(clip__region=region, due_at__isnull=False).count()
    wanted = list(clip_ids)[: max(0, room)]
    asked = set(Addition.objects.filter(clip__in=wanted, faces=faces).values_list("clip_id", flat=True))
    made = Addition.objects.bulk_create(
        [Addition(clip_id=pk, faces=faces, due_at=at) for pk in wanted if pk not in asked], ignore_conflicts=True
    )
    return len(made)


def unheard(*, at: datetime, most: int = 200) -> list[tuple[int, str]]:
    """Additions that wait or whose worker went silent, as (id, queue); each is due again a little later."""
    found = []
    for row in Addition.objects.filter(due_at__lte=at).select_related("clip").order_by("due_at")[:most]:
        if Addition.objects.filter(pk=row.pk, due_at=row.due_at).update(due_at=at + RING_AGAIN):
            found.append((row.pk, queue_of(row.clip.region)))
    return found


def claim(addition_id: int, *, at: datetime) -> Hold | None:
    """Take an addition; None when it is done, not this worker's, or its clip may not be worked on now."""
    row = Addition.objects.select_related("clip").filter(pk=addition_id, due_at__isnull=False).first()
    if row is None or row.clip.region not in settings.REGIONS:
        return None
    has = Rendition.objects.filter(clip=row.clip, kind=SHOWN[Faces(row.faces)][0]).exists()
    if has or not permitted(*LOOKING).filter(pk=row.clip_id, state=ClipState.READY).exists():
        # Prepared anew it has what is needed then; taken away it needs nothing.
        row.delete()
        return None
    rows = Addition.objects.filter(pk=row.pk, attempts=row.attempts)
    if row.attempts >= ATTEMPTS:
        rows.update(due_at=None, failure=row.failure or "The worker that made it died or was stopped.")
        return None
    if rows.update(attempts=F("attempts") + 1, due_at=at + SILENCE) != 1:
        return None
    row.attempts += 1
    return Hold(row, row.clip)


def add(addition_id: int, *, now: Clock) -> bool:
    """Make the proxy that a clip lacks, with its poster and sprite; returns whether this call recorded it."""
    held = claim(addition_id, at=now())
    if held is None:
        return False
    work_dir, stem = Path(settings.WORK_DIR), f"clip-{held.clip.pk}-{held.addition.faces}"
    for left in work_dir.glob(f"{stem}-*"):
        # Of an earlier attempt: we hold the addition, so whoever made it is dead or overtaken.
        shutil.rmtree(left, ignore_errors=True)
    folder = work_dir / f"{stem}-{held.addition.attempts}-{secrets.token_hex(4)}"
    stored: list[str] = []
    try:
        folder.mkdir(mode=0o700)
        finish(held, list(_make(held, folder, stored, now=now)))
        return True
    except LostClaim:
        log.warning("%s: attempt %s was overtaken", held.addition, held.addition.attempts)
    except NoDetector as error:
        _wait(held, f"{NO_DETECTOR}: {error}.", until=now() + WITHOUT_DETECTOR, charged=False)
    except (PreparationFailed, BadInput) as error:
        _wait(held, str(error), until=now() + RING_AGAIN, charged=not is_full(work_dir))
    except (StorageAway, OSError) as error:
        log.warning("%s: %s", held.addition, type(error).__name__)
        _wait(held, "The storage or the disk did not answer.", until=now() + RING_AGAIN, charged=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    with suppress(StorageAway):
        forget(held.clip, stored)
    return False


def _make(held: Hold, folder: Path, stored: list[str], *, now: Clock) -> Iterator[Rendition]:
    """Render and store what is lacking, and tell it; the keys are in ``stored`` before anything lies there."""
    clip, source, out = held.clip, folder / "original", folder / "out"
    last = time.monotonic()

    def alive(_: int = 0) -> None:
        nonlocal last
        if time.monotonic() - last >= 1:
            last = time.monotonic()
            if _ours(held).update(due_at=now() + SILENCE) != 1:
                raise LostClaim

    fetch_original(clip, source, on_chunk=alive)
    out.mkdir(mode=0o700)
    everything = make(
        source,
        out,
        Facts.from_document(clip.facts),
        ffmpeg=ffmpeg_binary(),
        limits=Limits(),
        threads=threads_for(Path(settings.WORK_DIR)),
        faces=[cast("media.Faces", held.addition.faces)],
        on_tick=alive,
    )
    for item in everything.made:
        if item.kind in SHOWN[Faces(held.addition.faces)]:
            key = f"{clip.folder}/{item.kind}-{item.sha256}{item.path.suffix}"
            stored.append(key)
            storage.put(clip.storage_alias, key, item.path, sha256=item.sha256, on_chunk=alive)
            yield rendition_of(clip, item, key=key, attempt=clip.attempts)


def finish(held: Hold, renditions: list[Rendition]) -> None:
    """Record what was added, if the clip is still as it was when this began. Raises :class:`LostClaim`."""
    with transaction.atomic():
        same = Clip.objects.select_for_update(no_key=True).filter(
            pk=held.clip.pk, state=ClipState.READY, attempts=held.clip.attempts
        )
        if not same.exists() or _ours(held).delete()[0] != 1:
            raise LostClaim
        Rendition.objects.bulk_create(renditions)


def forget(clip: Clip, keys: Iterable[str]) -> None:
    """Remove what was stored of a clip and recorded by nobody."""
    recorded = set(Rendition.objects.filter(clip=clip).values_list("key", flat=True))
    for key in keys:
        if key not in recorded:
            storage.delete(clip.storage_alias, key)


def retry(clip_id: int, *, at: datetime) -> int:
    """Try a clip's failed additions again; returns how many."""
    return Addition.objects.filter(clip=clip_id, due_at=None).update(due_at=at, attempts=0, failure="")


def _wait(held: Hold, reason: str, *, until: datetime, charged: bool) -> None:
    _ours(held).update(failure=reason, due_at=until, attempts=F("attempts") if charged else F("attempts") - 1)


def _ours(held: Hold) -> QuerySet[Addition]:
    return Addition.objects.filter(pk=held.addition.pk, attempts=held.addition.attempts, due_at__isnull=False)
