"""Likeness: clips that look or sound almost alike are found and shown to ops. Nothing is dropped by itself.

A clip's print is a row of hashes. Two clips that share one of the telling ones are compared whole; how, and how near is
near, stands in ``clips/media/nearness.py``.
"""

from __future__ import annotations

import time
from datetime import datetime
from itertools import takewhile

from django.db import transaction

from clips.errors import SameBytes
from clips.media import nearness
from clips.models import Clip, ClipState, Likeness, Print, Verdict
from config.errors import NotFound
from config.ticks import each

# A hash with fewer bits set or unset than this says nothing: a dark or an even picture, or silence.
LEAST_TELLING = 5
WORDS_KEPT = 64
COMPARED = 200
OVER = [ClipState.WITHHELD, ClipState.PURGED]
# How long one sweep may compare.
SECONDS = 2.0


def words_of(picture: bytes, sound: bytes) -> list[int]:
    """The telling hashes of a print, as signed numbers for PostgreSQL, spread over the clip; at most ``WORDS_KEPT``
    of each. Pure."""
    return _telling(picture, 8) + _telling(sound, 4)


def _telling(data: bytes, size: int) -> list[int]:
    bits = size * 8
    found: dict[int, None] = {}
    for at in range(0, len(data) - size + 1, size):
        word = int.from_bytes(data[at : at + size])
        if LEAST_TELLING <= word.bit_count() <= bits - LEAST_TELLING:
            # Sound and pictures must not meet: 32-bit words are moved beyond what 64-bit ones are likely to be.
            found[(word if size == 8 else word << 31 | 1) - (1 << 63)] = None
    words = list(found)
    step = max(1, -(-len(words) // WORDS_KEPT))
    return words[::step]


def record(clip: Clip, *, picture: bytes, sound: bytes) -> None:
    """Keep a clip's print, to be compared by the sweep."""
    fields = {"picture": picture, "sound": sound, "words": words_of(picture, sound), "compared_at": None}
    # One statement, where update_or_create takes six.
    Print.objects.bulk_create(
        [Print(clip=clip, **fields)], update_conflicts=True, unique_fields=["clip"], update_fields=list(fields)
    )


def compare_new(*, at: datetime, most: int = 50) -> int:
    """Compare the prints that were not compared yet with those before them; returns how many were.

    Stops between two when its time is over: the worker that does this has leases to end, too.
    """
    rows = Print.objects.filter(compared_at=None).select_related("clip").order_by("id")[:most]
    until = time.monotonic() + SECONDS
    return each(takewhile(lambda _: time.monotonic() < until, rows), lambda mine: _compare(mine, at=at))


def _compare(mine: Print, *, at: datetime) -> bool:
    found = []
    for other in candidates(mine):
        if (apart := distance(mine, other)) is not None:
            earlier, later = sorted((mine.clip_id, other.clip_id))
            found.append(Likeness(clip_id=later, other_id=earlier, distance=apart))
    with transaction.atomic():
        # One that is being purged meanwhile is alike to nothing; its row is locked, so it is seen here or waits.
        ids = {clip_id for pair in found for clip_id in (pair.clip_id, pair.other_id)}
        there = Clip.objects.select_for_update(no_key=True).filter(pk__in=ids).exclude(state__in=OVER).order_by("pk")
        kept = set(there.values_list("pk", flat=True))
        found = [pair for pair in found if {pair.clip_id, pair.other_id} <= kept]
        Likeness.objects.bulk_create(found, ignore_conflicts=True)
        Print.objects.filter(pk=mine.pk).update(compared_at=at)
    return True


def candidates(mine: Print) -> list[Print]:
    """Prints of clips of the same region and kind that share a telling hash, the latest first."""
    if not mine.words:
        return []
    rows = Print.objects.filter(words__overlap=mine.words, clip__region=mine.clip.region, clip__kind=mine.clip.kind)
    return list(rows.exclude(pk=mine.pk).exclude(clip__state__in=OVER).order_by("-id")[:COMPARED])


def distance(one: Print, other: Print) -> float | None:
    """How far two prints are apart if they are near, as a share of what is near: 0 is the same, 1 just near enough.

    Pictures decide where there are any: one room's sound is always alike.
    """
    if one.picture and other.picture:
        share = nearness.picture_distance(bytes(one.picture), bytes(other.picture)) / nearness.PICTURES_NEAR
    else:
        share = nearness.sound_distance(bytes(one.sound), bytes(other.sound)) / nearness.SOUND_NEAR
    return round(share, 4) if share <= 1 else None


def judge(likeness: Likeness, *, verdict: str) -> None:
    """Write down what ops say of two clips, and point the later at the one that is labelled in its stead, or no more.

    Must be called where the later clip's tasks are stopped, within a reason's context. Raises :class:`SameBytes`.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("clips are joined only in the transaction that stops the copy's tasks")
    Likeness.objects.filter(pk=likeness.pk).update(verdict=verdict)
    if verdict == Verdict.SAME:
        stands = likeness.other.same_as_id or likeness.other_id
        Clip.objects.filter(pk=likeness.clip_id).update(same_as=stands)
        # Who pointed at the copy points at what it is a copy of.
        Clip.objects.filter(same_as=likeness.clip_id).update(same_as=stands)
        return
    later, earlier = likeness.clip, likeness.other
    if (later.sha256, later.owner_key, later.region) == (earlier.sha256, earlier.owner_key, earlier.region):
        raise SameBytes
    Clip.objects.filter(pk=likeness.clip_id, same_as__isnull=False).update(same_as=None)


def get(likeness_id: int) -> Likeness:
    """The likeness with this number. Raises :class:`NotFound`."""
    found = Likeness.objects.select_related("clip", "other").filter(pk=likeness_id).first()
    if found is None:
        raise NotFound
    return found
