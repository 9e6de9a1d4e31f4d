"""What an MP4 of ours says about itself, read from its index in plain Python.

Enough to hold a finished proxy to its promises without starting a decoder on it: which tracks it has and in what
coding, how large, how many pictures at what times, and which of them a player can begin at.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from clips.errors import Unreadable
from clips.media.structure import Box, boxes

# The index of a two-minute proxy is some 100 kB.
_MAX_INDEX = 16 * 1024 * 1024
# What a plain player's index is made of. Anything else (tags, places, covers) has no business in a proxy.
_PLAIN = frozenset(
    b"moov mvhd trak tkhd edts elst mdia mdhd hdlr minf vmhd smhd dinf dref stbl stsd stts stss ctts stsc stsz stco "
    b"co64 sgpd sbgp".split()
)
# ffmpeg's list of tags when there are none.
_NO_TAGS = bytes.fromhex("00000035 6d657461 00000000 00000021 68646c72 0000000000000000 6d646972 6170706c") + bytes(9)
_NO_TAGS += b"\0\0\0\x08ilst"
_HOLDERS = frozenset(b"moov trak edts mdia minf dinf stbl".split())


@dataclass(frozen=True, kw_only=True)
class Track:
    """One track. ``kind`` is ``vide`` or ``soun``, ``coding`` the four letters of its sample entry.

    ``steps`` are (how many, how long) in units of 1/``scale`` seconds, in decoding order; ``keys`` are the numbers,
    from 0, of the pictures that need no other. ``begins`` is when its first sample is shown, ``lasts`` for how long the
    track plays; both in seconds.
    """

    kind: str
    coding: str
    width: int
    height: int
    scale: int
    steps: tuple[tuple[int, int], ...]
    keys: tuple[int, ...]
    begins: Fraction
    lasts: Fraction

    @property
    def count(self) -> int:
        """How many samples (pictures) there are."""
        return sum(count for count, _ in self.steps)

    @property
    def step(self) -> Fraction | None:
        """Seconds from each picture to the next if that is always the same; the last may be cut short."""
        lengths = [length for _, length in self.steps]
        if len(lengths) == 2 and self.steps[1][0] == 1:
            lengths.pop()
        return Fraction(lengths[0], self.scale) if len(set(lengths)) == 1 and lengths[0] else None


@dataclass(frozen=True, kw_only=True)
class Index:
    """The tracks, whether the index precedes the media, and what boxes it holds beyond those a player needs."""

    tracks: tuple[Track, ...]
    first: bool
    surplus: frozenset[str]

    @property
    def seconds(self) -> Fraction:
        """How long it plays."""
        return max((track.begins + track.lasts for track in self.tracks), default=Fraction(0))


def read(path: Path) -> Index:
    """The index of the MP4 at ``path``. Raises Unreadable, or another refusal of the outline, when it has none."""
    with path.open("rb") as file:
        top = list(boxes(file, 0, os.fstat(file.fileno()).st_size))
        kinds = [box.kind for box in top]
        if b"moov" not in kinds or b"mdat" not in kinds:
            raise Unreadable("There is no index in it, or nothing else.")
        moov = top[kinds.index(b"moov")]
        if moov.end - moov.start > _MAX_INDEX:
            raise Unreadable("Its index is too large.")
        tree = dict[str, list[bytes]]()
        surplus = {kind.decode("latin-1") for kind in kinds} - {"ftyp", "free", "mdat", "moov"}
        tracks = []
        try:
            movie_scale = 0
            for box in boxes(file, moov.start, moov.end):
                if box.kind == b"mvhd":
                    movie_scale = _header(_content(file, box))[0]
                elif box.kind == b"trak":
                    tree = {}
                    surplus |= set(_gather(file, box, tree))
                    tracks.append(_track(tree, movie_scale))
                elif box.kind not in _PLAIN and not (box.kind == b"udta" and _content(file, box) == _NO_TAGS):
                    surplus.add(box.kind.decode("latin-1"))
        except (struct.error, KeyError, IndexError, ZeroDivisionError) as error:
            raise Unreadable("Its index is broken.") from error
    return Index(tracks=tuple(tracks), first=kinds.index(b"moov") < kinds.index(b"mdat"), surplus=frozenset(surplus))


def _gather(file: BinaryIO, parent: Box, tree: dict[str, list[bytes]]) -> Iterator[str]:
    for box in boxes(file, parent.start, parent.end):
        kind = box.kind.decode("latin-1")
        if box.kind in _HOLDERS:
            yield from _gather(file, box, tree)
        elif box.kind in _PLAIN:
            tree.setdefault(kind, []).append(_content(file, box))
        else:
            yield kind


def _content(file: BinaryIO, box: Box) -> bytes:
    file.seek(box.start)
    return file.read(min(box.end - box.start, _MAX_INDEX))


def _header(content: bytes) -> tuple[int, int]:
    """Time scale and duration out of mvhd or mdhd, in either of their versions."""
    return struct.unpack_from(">IQ", content, 20) if content[0] else struct.unpack_from(">II", content, 12)


def _track(tree: dict[str, list[bytes]], movie_scale: int) -> Track:
    entry = tree["stsd"][0][8:]
    kind = tree["hdlr"][0][8:12].decode("latin-1")
    width, height = struct.unpack_from(">HH", entry, 32) if kind == "vide" else (0, 0)
    scale, duration = _header(tree["mdhd"][0])
    stts = tree["stts"][0]
    steps = tuple(struct.unpack_from(">II", stts, 8 + 8 * n) for n in range(struct.unpack_from(">I", stts, 4)[0]))
    keys = [number - 1 for number in _numbers(tree["stss"][0])] if "stss" in tree else range(sum(n for n, _ in steps))
    begins, lasts = Fraction(0), Fraction(duration, scale)
    if "elst" in tree:
        begins, lasts = _edits(tree["elst"][0], movie_scale)
    return Track(
        kind=kind,
        coding=entry[4:8].decode("latin-1"),
        width=width,
        height=height,
        scale=scale,
        steps=steps,
        keys=tuple(keys),
        begins=begins,
        lasts=lasts,
    )


def _numbers(content: bytes) -> tuple[int, ...]:
    return struct.unpack_from(f">{struct.unpack_from('>I', content, 4)[0]}I", content, 8)


def _edits(content: bytes, movie_scale: int) -> tuple[Fraction, Fraction]:
    """When the track begins (an edit may be empty, which is a wait) and how long it plays."""
    form, size = (">Qq", 20) if content[0] else (">Ii", 12)
    begins = lasts = Fraction(0)
    for number in range(struct.unpack_from(">I", content, 4)[0]):
        length, media_time = struct.unpack_from(form, content, 8 + size * number)
        if media_time == -1:
            begins += Fraction(length, movie_scale)
        else:
            lasts += Fraction(length, movie_scale)
    return begins, lasts
