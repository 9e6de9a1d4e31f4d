"""The process that finds faces: ``python -m clips.media.faces.finder REQUEST``, started by ``finding`` for one clip.

It takes its bounds, starts the ffmpeg that the JSON request names, looks at the pictures that comes with, and writes
down what is to be covered in each picture of the proxy: a bit for each cell, row by row, picture by picture. So the one
ffmpeg that makes the renditions can lay it over them. Then it tells what it made, as JSON. Lines of a number before
that say how many pictures were looked at.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

import numpy as np

from clips.media import limited
from clips.media.faces import cover
from clips.media.faces.detector import Detector, Picture
from clips.media.faces.rules import CELL, RULES

COVER = "cover.raw"
# For each picture of the proxy a line.
COUNT = "count.txt"
# The first picture, in the proxy's own size.
FIRST = "first.pgm"


def main() -> None:
    """Answer the one request. Anything that goes wrong ends the process, which is answer enough."""
    request = json.loads(sys.argv[1])
    if request["bounds"]:
        limited.confine(**request["bounds"])
    out = Path(request["out"])
    detector = Detector(Path(request["weights"]), threads=request["threads"])
    seen: dict[int, cover.Boxes] = {}
    size = (0, 0)
    with subprocess.Popen(request["argv"], cwd=out, stdout=subprocess.PIPE) as ffmpeg:
        assert ffmpeg.stdout is not None  # noqa: S101 -- asked for just above
        while (picture := _picture(ffmpeg.stdout)) is not None:
            size = (picture.shape[1], picture.shape[0])
            boxes = detector.look(picture, sure=RULES.sure)
            number = _number(len(seen), every=request["every"], last=request["last"])
            seen[number] = cover.kept(boxes, width=size[0])
            sys.stdout.write(f"{len(seen)}\n")
            sys.stdout.flush()
    if ffmpeg.returncode:
        sys.exit(ffmpeg.returncode)
    count = (out / COUNT).read_bytes().count(b"\n")
    sys.stdout.write(json.dumps(_write(out / COVER, seen, count, size, rate=request["rate"]) | _first(out / FIRST)))


def _write(
    path: Path, seen: dict[int, cover.Boxes], count: int, size: tuple[int, int], *, rate: float
) -> dict[str, Any]:
    columns, rows = (-(-side // CELL) for side in size)
    # Whole bytes in each row; what is beyond the picture is never seen.
    columns = -(-columns // 8) * 8
    with path.open("wb") as file:
        for boxes in cover.followed(seen, count, rate=rate):
            file.write(np.packbits(cover.cells(boxes, columns=columns, rows=rows, size=size), axis=1).tobytes())
    return {"pictures": count, "columns": columns, "rows": rows, "faces": sum(map(len, seen.values()))}


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


def _first(path: Path) -> dict[str, int]:
    with path.open("rb") as file:
        file.readline()
        width, height = map(int, file.readline().split())
    return {"width": width, "height": height}


if __name__ == "__main__":
    main()
