"""The outline of a JPEG file of ours: its size, and that nothing but a picture is in it."""

from __future__ import annotations

from pathlib import Path

from clips.errors import Unreadable

# Tables, frame, scan, and the JFIF header; no comments, no Exif, no other program's segments.
_PLAIN = frozenset({0xC0, 0xC4, 0xDB, 0xDD, 0xE0})
_SCAN = 0xDA


def size_of(path: Path) -> tuple[int, int]:
    """Width and height in pixels. Raises Unreadable unless it is a whole baseline JPEG without any metadata."""
    data = path.read_bytes()
    if not (data.startswith(b"\xff\xd8") and data.endswith(b"\xff\xd9")):
        raise Unreadable("It is no whole JPEG.")
    at, size = 2, (0, 0)
    while data[at : at + 1] == b"\xff" and at + 4 <= len(data):
        kind, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if kind == _SCAN and all(size):
            return size
        if kind not in _PLAIN or length < 2:
            raise Unreadable("It holds more than a picture.")
        if kind == 0xC0:
            size = int.from_bytes(data[at + 7 : at + 9]), int.from_bytes(data[at + 5 : at + 7])
        at += 2 + length
    raise Unreadable("There is no picture in it.")
