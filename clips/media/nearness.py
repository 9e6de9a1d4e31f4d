"""Is this footage, or this speech, one we have already? Short prints of a clip, and how far two of them are apart.

Pictures: a difference hash (dHash, 64 bits: is each cell of a tiny grey picture darker than its neighbour?) of four
pictures a second. Sound: Chromaprint, as ffmpeg makes it: 32 bits each eighth of a second. Both outlive re-encoding,
scaling and a change of volume; sliding one print along the other finds trimmed copies.

A fixed camera shows nearly the same picture every day, so what tells two of its clips apart is what moves, and little
of the distance is left for that. On the other hand a copy whose pictures were taken at slightly other moments differs
by as much as the scene moves in between. So half of a clip's own change from print to print is taken off the distance.

An empty room filmed twice by one camera is alike by any measure and counts as near.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

# The tiny grey picture, and how many a second.
GREY_WIDTH = 9
GREY_HEIGHT = 8
PRINTS_PER_SECOND = 4
# Of silence before and after the sound, so that a word of one second has a print too; Chromaprint needs 2.6 s.
MARGIN_SECONDS = 1.5

# Distances are shares of differing bits, after that allowance. Measured on camera and voice clips, each re-encoded,
# halved and trimmed. Pictures of copies: up to 0.011 (0.051 where a hand-held clip was also made brighter); of other
# moments of one fixed camera: from 0.031 in windows of 4 s, 0.043 of 9 s, 0.061 of 15 s; of other places: from 0.38.
# Sound of copies: mostly below 0.06, up to 0.17 for a trimmed word of one second; other speech: from 0.27.
PICTURES_NEAR = 0.025
SOUND_NEAR = 0.2
# What overlaps must be at least this share of the shorter print, and some prints long.
_OVERLAP = 0.5
_LEAST = 4


def picture_print(path: Path) -> bytes:
    """Eight bytes for each tiny picture in the raw file that ffmpeg left. Raises OSError."""
    data, size = path.read_bytes(), GREY_WIDTH * GREY_HEIGHT
    return b"".join(_dhash(data[at : at + size]) for at in range(0, len(data) - size + 1, size))


def _dhash(grey: bytes) -> bytes:
    bits = 0
    for row in range(0, len(grey), GREY_WIDTH):
        for left in range(row, row + GREY_WIDTH - 1):
            bits = bits << 1 | (grey[left] < grey[left + 1])
    return bits.to_bytes(8)


def sound_print(path: Path) -> bytes:
    """Four bytes for each item of the raw Chromaprint that ffmpeg left, highest first. Raises OSError."""
    data = path.read_bytes()
    return b"".join(data[at : at + 4][::-1] for at in range(0, len(data) - 3, 4))


def picture_distance(a: bytes, b: bytes) -> float:
    """How far two picture prints are apart: 0 for copies, up to 1; near up to ``PICTURES_NEAR``. 1 if one is empty."""
    one, other = _words(a, 8), _words(b, 8)
    return max(0.0, _apart(one, other, 64) - min(_unrest(one), _unrest(other)) / 2)


def sound_distance(a: bytes, b: bytes) -> float:
    """How far two sound prints are apart: 0 for copies, up to 1; near up to ``SOUND_NEAR``. 1 if one is empty."""
    return _apart(_words(a, 4), _words(b, 4), 32)


def _words(data: bytes, size: int) -> list[int]:
    return [int.from_bytes(data[at : at + size]) for at in range(0, len(data) - size + 1, size)]


def _unrest(words: Sequence[int]) -> float:
    """How much a print changes from one word to the next, as a share of its bits."""
    if len(words) < 2:
        return 0.0
    return sum((a ^ b).bit_count() for a, b in pairwise(words)) / 64 / (len(words) - 1)


def _apart(a: Sequence[int], b: Sequence[int], bits: int) -> float:
    """The share of differing bits where the two fit best, sliding one along the other."""
    if not a or not b:
        return 1.0
    least = min(len(a), len(b), max(_LEAST, round(min(len(a), len(b)) * _OVERLAP)))
    best = 1.0
    for shift in range(least - len(b), len(a) - least + 1):
        start, end = max(0, shift), min(len(a), shift + len(b))
        differing = sum((x ^ y).bit_count() for x, y in zip(a[start:end], b[start - shift : end - shift], strict=True))
        best = min(best, differing / bits / (end - start))
    return best
