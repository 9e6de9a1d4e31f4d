"""The process that finds faces: ``python -m clips.media.faces.finder NETWORK SOCKET``, which ``finding`` keeps warm
(``clips/media/warm.py``).

For each clip its child takes its bounds, looks at the pictures that come through a pipe from the ffmpeg that decodes
them, which is enclosed by itself, and writes down what is to be covered in each picture of the proxy: a bit for each
cell, row by row, picture by picture. So the one ffmpeg that makes the renditions can lay it over them. Then it tells
what it made, as JSON.

Before the first clip one empty picture is looked at: what the libraries open when they are first used cannot be opened
by a child. The server has no thread then, and keeps none: a child that may use more than one makes its own session.
"""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from clips.media import limited, warm
from clips.media.faces import cover, weights
from clips.media.faces.detector import Detector, Picture
from clips.media.faces.looking import Looker, spared
from clips.media.faces.rules import CELL, LARGE, RULES

_EMPTY: Picture = np.zeros((64, 64, 3), np.uint8)


def serve(fd: int, network: bytes) -> None:
    """Be a warm finder: load what looking takes, and fork for each clip."""
    alone = Detector(network)
    alone.look(_EMPTY, sure=RULES.sure)

    def find(request: Mapping[str, Any], files: Sequence[int]) -> bytes:
        limited.confine(**request["bounds"], sees=[limited.NOWHERE])
        threads = request["threads"]
        return json.dumps(_found(Detector(network, threads=threads) if threads > 1 else alone, request, files)).encode()

    warm.serve(fd, find)


def _found(detector: Detector, request: Mapping[str, Any], files: Sequence[int]) -> dict[str, int]:
    """What is to be covered, written down. The files: the pictures, where to write; a line for each picture of the
    proxy and the first of them in its size, both there once the pictures have ended."""
    pictures, covered, count, first = (
        os.fdopen(fd, mode) for fd, mode in zip(files, ("rb", "wb", "rb", "rb"), strict=True)
    )
    look = functools.partial(detector.look, sure=RULES.sure)
    looker = Looker(look)
    seen: dict[int, cover.Boxes] = {}
    size = (0, 0)
    # The faces of the last picture that was looked at, and the one after it while that is put off.
    before: cover.Boxes | None = None
    between: tuple[int, Picture] | None = None
    for number, picture in _numbered(pictures, every=request["every"], last=request["last"]):
        size = (picture.shape[1], picture.shape[0])
        if before is not None and between is None and looker.share > 0.5 and size[0] * size[1] >= LARGE:
            between = number, picture
            continue
        seen[number] = cover.kept(looker.faces(picture), width=size[0])
        if between is not None and not (before is not None and spared(look, before, between[1], seen[number])):
            seen[between[0]] = cover.kept(looker.faces(between[1]), width=size[0])
        before, between = seen[number], None
    if between is not None:
        seen[between[0]] = cover.kept(looker.faces(between[1]), width=size[0])
    return _write(covered, seen, count.read().count(b"\n"), size, rate=request["rate"]) | _first(first)


def _write(
    file: IO[bytes], seen: dict[int, cover.Boxes], count: int, size: tuple[int, int], *, rate: float
) -> dict[str, int]:
    columns, rows = (-(-side // CELL) for side in size)
    # Whole bytes in each row; what is beyond the picture is never seen.
    columns = -(-columns // 8) * 8
    with file:
        for boxes in cover.followed(seen, count, rate=rate):
            file.write(np.packbits(cover.cells(boxes, columns=columns, rows=rows, size=size), axis=1).tobytes())
    return {"pictures": count, "columns": columns, "rows": rows, "faces": sum(map(len, seen.values()))}


def _numbered(pipe: IO[bytes], *, every: int, last: int) -> Iterator[tuple[int, Picture]]:
    """The pictures that come to be looked at, with which of the proxy's each is."""
    place = 0
    while (picture := _picture(pipe)) is not None:
        yield _number(place, every=every, last=last), picture
        place += 1


def _number(place: int, *, every: int, last: int) -> int:
    """Which picture of the proxy the one at this place is, of those that come to be looked at."""
    before = last // every + 1
    if last % every == 0 or place < before:
        return place * every
    return last if place == before else (place - 1) * every


def _picture(pipe: IO[bytes]) -> Picture | None:
    """The next picture, a PPM with its head in three lines; None when there is no more. Raises ValueError."""
    kind = pipe.readline()
    if not kind:
        return None
    width, height = map(int, pipe.readline().split())
    pipe.readline()
    data = pipe.read(3 * width * height)
    if kind != b"P6\n" or len(data) != 3 * width * height:
        raise ValueError("not a whole picture")
    return np.frombuffer(data, np.uint8).reshape(height, width, 3)


def _first(file: IO[bytes]) -> dict[str, int]:
    file.readline()
    width, height = map(int, file.readline().split())
    return {"width": width, "height": height}


if __name__ == "__main__":
    serve(int(sys.argv[2]), weights.network(Path(sys.argv[1])))
