"""Is the file whole, and does it keep to itself? Read from the container's own lengths, without decoding.

A clip cut off in transit usually still opens and plays to the cut, so a decoder cannot tell; the lengths written in
the container can. Only headers are read, a bounded number of them, so a large file costs no more than a small one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from clips.errors import Encrypted, NotAVideo, Truncated, Unreadable
from clips.media import sound_frames
from clips.media.sniff import HEAD_BYTES, ts_packet

# A fragmented two-minute clip with a fragment for every frame has some 15,000 boxes.
MAX_BOXES = 50_000
# What writers put in a RIFF length they could not go back to fill in.
_RIFF_OPEN = (0, 0xFFFFFFFF)
_EBML_SEGMENT = 0x18538067
# Boxes that hold boxes, on the way from the top to a track's data references.
_BOX_PATH = (b"trak", b"mdia", b"minf", b"dinf", b"dref")
# What may stand at the top of an ISO file. After the media are complete anything else is a tail, which we ignore: it
# is never decoded, and only what we render is ever shown.
_TOP_BOXES = frozenset(
    b"ftyp moov mdat free skip wide uuid moof mfra sidx ssix styp meta pnot udta prft emsg pdin".split()
)


# Sample entries of common encryption and of a shop's own.
_LOCKED = {b"encv", b"enca", b"enct", b"encs", b"drms", b"drmi"}


class Box(NamedTuple):
    """One box of an ISO file: its four-letter kind, where its content begins, and where it says it ends."""

    kind: bytes
    start: int
    end: int


def check(path: Path, *, demuxer: str) -> None:
    """Refuse a file that stops before its own end, or that names another file as the place of its media.

    Raises Truncated, Unreadable, or NotAVideo when the demuxer is not one we know.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        match demuxer:
            case "mov":
                _check_iso(file, size)
            case "avi":
                _check_riff(file, size)
            case "matroska":
                _check_matroska(file, size)
            case "mpegts":
                _check_ts(file, size)
            case _ if demuxer in sound_frames.CHECKS:
                sound_frames.check(file, demuxer=demuxer)
            case _:
                raise NotAVideo


def index_first(path: Path) -> bool:
    """Whether an MP4 has its index before its media, so that a player can start before all of it has arrived."""
    with path.open("rb") as file:
        kinds = [box.kind for box in boxes(file, 0, os.fstat(file.fileno()).st_size)]
    return b"moov" in kinds and b"mdat" in kinds and kinds.index(b"moov") < kinds.index(b"mdat")


def boxes(file: BinaryIO, start: int, end: int) -> Iterator[Box]:
    """The boxes between two places, in order. A box may claim to end beyond ``end``; it is then the last."""
    at = start
    for _ in range(MAX_BOXES):
        if at + 8 > end:
            return
        file.seek(at)
        head = file.read(16)
        length, content = int.from_bytes(head[:4]), at + 8
        if length == 1:
            length, content = int.from_bytes(head[8:16]), at + 16
        elif length == 0:  # to the end of what holds it
            length = end - at
        if at + length < content:
            raise Unreadable("A box is shorter than its own header.")
        yield Box(head[4:8], content, at + length)
        at += length
    raise Unreadable("There are too many boxes in this file.")


def _check_iso(file: BinaryIO, size: int) -> None:
    seen: set[bytes] = set()
    for box in boxes(file, 0, size):
        whole = b"moov" in seen and b"mdat" in seen
        if box.kind not in _TOP_BOXES and whole:
            return
        if box.end > size:
            raise Truncated
        if box.kind == b"moov":
            _check_self_contained(file, box)
            _check_unlocked(file, box)
        seen.add(box.kind)
    if b"moov" not in seen:
        raise Truncated("The index of this file is missing, as when a recording was cut off.")
    if b"mdat" not in seen:
        raise Truncated("The index is there and the media are not.")


def _check_self_contained(file: BinaryIO, moov: Box) -> None:
    """QuickTime may keep an index in one file and the media in another, named by path; we only open what was sent."""
    level = [moov]
    for kind in _BOX_PATH:
        inside = [box for parent in level for box in boxes(file, parent.start, parent.end)]
        if any(box.kind in (b"cmov", b"rmra") for box in inside):
            raise Unreadable("A compressed or referring movie header is not taken.")
        level = [box for box in inside if box.kind == kind]
    for dref in level:
        # Content: version and flags, a count, then one box per reference.
        for reference in boxes(file, dref.start + 8, dref.end):
            file.seek(reference.start)
            flags = file.read(4)
            if len(flags) < 4 or not flags[3] & 1:
                raise Unreadable("The media of this file are in another file.")


def _check_unlocked(file: BinaryIO, moov: Box) -> None:
    """What is encrypted looks like any other stream to a decoder, which then shows noise, or by chance a picture."""
    level = [moov]
    for kind in (b"trak", b"mdia", b"minf", b"stbl", b"stsd"):
        level = [box for parent in level for box in boxes(file, parent.start, parent.end) if box.kind == kind]
    for stsd in level:
        # Content: version and flags, a count, then one box per way in which the samples are coded.
        for coding in boxes(file, stsd.start + 8, stsd.end):
            if coding.kind in _LOCKED:
                raise Encrypted


def _check_riff(file: BinaryIO, size: int) -> None:
    """A RIFF file is one or (OpenDML, beyond 1 GB) several RIFF chunks, each holding chunks with their own lengths."""
    at, chunks = 0, 0
    while at + 12 <= size:
        file.seek(at)
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:12] not in (b"AVI ", b"AVIX"):
            return  # a tail after the last chunk
        length = int.from_bytes(head[4:8], "little")
        if length in _RIFF_OPEN:
            return
        end = at + 8 + length
        if end > size:
            raise Truncated
        inner = at + 12
        while inner + 8 <= end:
            file.seek(inner)
            chunk = file.read(8)
            chunk_length = int.from_bytes(chunk[4:8], "little")
            if chunk[:4] == b"LIST" and chunk_length in _RIFF_OPEN:
                return
            if inner + 8 + chunk_length > size:
                raise Truncated
            inner += 8 + chunk_length + (chunk_length & 1)
            chunks += 1
            if chunks > MAX_BOXES:
                raise Unreadable("There are too many chunks in this file.")
        at = end + (length & 1)


def _ebml_number(file: BinaryIO, *, keep_marker: bool) -> int | None:
    """One variable-length number: an element's id (kept with its marker bit) or length (None when left open)."""
    first = file.read(1)
    if not first or not first[0]:
        raise Unreadable("The file's outline is broken.")
    length = 9 - first[0].bit_length()
    rest = file.read(length - 1)
    if len(rest) != length - 1:
        raise Truncated
    value = int.from_bytes(first + rest)
    if keep_marker:
        return value
    value &= (1 << 7 * length) - 1
    return None if value == (1 << 7 * length) - 1 else value


def _check_matroska(file: BinaryIO, size: int) -> None:
    """A header, then a Segment with everything; a Segment written live has no length and cannot be judged here."""
    at = 0
    for _ in range(16):
        if at >= size:
            break
        file.seek(at)
        kind = _ebml_number(file, keep_marker=True)
        length = _ebml_number(file, keep_marker=False)
        if kind == _EBML_SEGMENT and length is None:
            return
        if length is None:
            raise Unreadable("The file's outline is broken.")
        at = file.tell() + length
        if at > size:
            raise Truncated
        if kind == _EBML_SEGMENT:
            return
    raise Truncated("The media part of this file is missing.")


def _check_ts(file: BinaryIO, size: int) -> None:
    """A transport stream has no length of its own, but is made of whole packets."""
    packet = ts_packet(file.read(HEAD_BYTES))
    if packet is None:
        raise Unreadable
    if size % packet[0]:
        raise Truncated
