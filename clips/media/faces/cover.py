"""What is to be covered in each picture, of what was seen in a few of them.

A face is looked for in one picture of several, so between two of them it is followed: boxes that may be of one face are
joined, and the face lies on the line between. A box that begins or ends such a line is held for a while before and
after it, moving on as it did and growing, because a face that turns away or is passed by is not gone. What is covered
is an ellipse around the box, so much larger that the box's corners lie in it, and no cell is covered by halves.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from clips.media.faces.rules import RULES, Rules

# A row each: left, top, right, bottom in pixels, and how sure the network is, from 0 to 1.
Boxes = NDArray[np.float32]
Cells = NDArray[np.bool_]


def kept(boxes: Boxes, *, width: int, rules: Rules = RULES) -> Boxes:
    """Of what the detector said of a picture so wide, what is believed."""
    large = boxes[:, 2] - boxes[:, 0] > rules.large * width
    return boxes[boxes[:, 4] >= np.where(large, rules.sure_if_large, rules.sure)]


def followed(seen: Mapping[int, Boxes], count: int, *, rate: float, rules: Rules = RULES) -> list[list[Boxes]]:
    """For each of ``count`` pictures the boxes to cover, margins included; ``seen`` is by picture, where one looked."""
    pictures = sorted(seen)
    after, before = _lines(seen, pictures, rules)
    out: list[list[Boxes]] = [[] for _ in range(count)]

    def put(picture: int, box: Boxes, away: float, speed: Boxes) -> None:
        if 0 <= picture < count:
            more = (box[2:4] - box[:2]) * (rules.margin + rules.growth * away / rate)
            more += np.abs(speed[:2]) * (rules.drift * away)
            out[picture].append(np.concatenate([box[:2] - more, box[2:4] + more]))

    held = round(rules.held * rate)
    for at in pictures:
        for which, box in enumerate(seen[at]):
            put(at, box, 0, _STILL)
            following, leading = after.get((at, which)), before.get((at, which))
            speed = _speed(seen, (at, which), leading or following)
            if following is not None:
                then, other = following[0], seen[following[0]][following[1]]
                for n in range(at + 1, then):
                    part = (n - at) / (then - at)
                    put(n, box * (1 - part) + other * part, min(n - at, then - n), speed)
            else:
                for n in range(at + 1, at + held + 1):
                    put(n, box + speed * (n - at), n - at, speed)
            if leading is None:
                for n in range(at - held, at):
                    put(n, box + speed * (n - at), at - n, speed)
    return out


def cells(boxes: list[Boxes], *, columns: int, rows: int, size: tuple[int, int]) -> Cells:
    """Which cells of a grid the ellipses around these boxes touch; it lies over a picture of this width and height."""
    grid = np.zeros((rows, columns), np.bool_)
    scale = np.array([columns / size[0], rows / size[1]] * 2)
    for left, top, right, bottom in (box * scale for box in boxes):
        # Half a cell more all around: what is touched is covered.
        half = np.array([(bottom - top) / 2 + 0.71, (right - left) / 2 + 0.71])
        middle = np.array([(top + bottom) / 2, (left + right) / 2])
        first = np.clip(np.floor(middle - half).astype(int), 0, [rows, columns])
        last = np.clip(np.ceil(middle + half).astype(int), 0, [rows, columns])
        y, x = np.ogrid[first[0] : last[0], first[1] : last[1]]
        grid[first[0] : last[0], first[1] : last[1]] |= (
            ((y + 0.5 - middle[0]) / half[0]) ** 2 + ((x + 0.5 - middle[1]) / half[1]) ** 2
        ) <= 1
    return grid


_Sight = tuple[int, int]
_STILL: Boxes = np.zeros(5, np.float32)


def _lines(
    seen: Mapping[int, Boxes], pictures: list[int], rules: Rules
) -> tuple[dict[_Sight, _Sight], dict[_Sight, _Sight]]:
    """Which sight follows which, as (picture, place): the nearest first, each once, a few looks missed at most."""
    after: dict[_Sight, _Sight] = {}
    before: dict[_Sight, _Sight] = {}
    for at, first in enumerate(pictures):
        for step, second in enumerate(pictures[at + 1 : at + 2 + rules.missed], start=1):
            pairs = [
                (distance, (first, a), (second, b))
                for a, one in enumerate(seen[first])
                if (first, a) not in after
                for b, other in enumerate(seen[second])
                if (second, b) not in before
                if (distance := apart(one, other)) < rules.reach * step
            ]
            for _, one_sight, other_sight in sorted(pairs):
                if one_sight not in after and other_sight not in before:
                    after[one_sight], before[other_sight] = other_sight, one_sight
    return after, before


def apart(one: Boxes, other: Boxes) -> float:
    """How far apart two boxes are, in their own size; beyond all reach when one is twice as large."""
    sizes = one[2:4] - one[:2], other[2:4] - other[:2]
    if not 0.5 < sizes[0][0] / max(sizes[1][0], 1e-6) < 2:
        return float("inf")
    moved = (one[:2] + one[2:4] - other[:2] - other[2:4]) / 2
    return float(np.hypot(*moved) / max(sizes[0].max(), sizes[1].max(), 1e-6))


def _speed(seen: Mapping[int, Boxes], sight: _Sight, other: _Sight | None) -> Boxes:
    """How a box moves from picture to picture, without growing; still, when it was seen once only."""
    if other is None:
        return _STILL
    step = (seen[other[0]][other[1]] - seen[sight[0]][sight[1]]) / (other[0] - sight[0])
    x, y = (step[0] + step[2]) / 2, (step[1] + step[3]) / 2
    return np.array([x, y, x, y, 0], np.float32)
