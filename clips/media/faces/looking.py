"""Where to look in a picture, when the one before it was looked at: at what has changed, and a little around it.

Most of what a home camera sees stands still, and a look costs by the pixels that are looked at. What stands still since
it was looked at shows the faces that were found there, so only the rest is looked at: one upright part of the picture
around all that changed, on the network's own raster, so that it sees there what it would see in the whole.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from clips.media.faces.cover import Boxes, apart, kept
from clips.media.faces.rules import RULES, WHOLE, Rules

Picture = NDArray[np.uint8]
Part = tuple[slice, slice]

# What changed is told by tiles of so many pixels, no larger than the smallest face that is found. Of those every second
# pixel in every second line is taken.
TILE = 8


class Looker:
    """One clip's pictures, in order: the faces of each, looked for where something changed. Not to be shared."""

    def __init__(self, look: Callable[[Picture], Boxes], *, rules: Rules = RULES) -> None:
        self._look, self._rules = look, rules
        # The tiles as they were when they were looked at last, and the faces that were found so far.
        self._seen: NDArray[np.float32] | None = None
        self._boxes: Boxes = np.zeros((0, 5), np.float32)
        # How much of the last picture was looked at, from 0 to 1.
        self.share = 0.0

    def faces(self, picture: Picture) -> Boxes:
        """All faces in the picture, those that were found before and have not changed included."""
        tiles = _tiles(picture)
        if self._seen is None or self._seen.shape != tiles.shape:
            self._seen, self._boxes, self.share = tiles, self._look(picture), 1.0
            return self._boxes
        changed = (np.abs(tiles - self._seen) > self._rules.changed).any(axis=2)
        self.share = 0.0
        if changed.any():
            part = _around(changed, self._boxes, picture.shape[:2], self._rules)
            rows, columns = part
            self.share = (rows.stop - rows.start) * (columns.stop - columns.start) / picture[:, :, 0].size
            # A copy, for the part's lines do not lie one behind the other.
            found = self._look(np.ascontiguousarray(picture[part]))
            found = found + np.array([columns.start, rows.start, columns.start, rows.start, 0], np.float32)
            self._boxes = np.concatenate([found, self._boxes[~_centred(self._boxes, part)]])
            tiled = tuple(slice(side.start // TILE, -(-side.stop // TILE)) for side in part)
            self._seen[tiled] = tiles[tiled]
        return self._boxes


def spared(
    look: Callable[[Picture], Boxes], before: Boxes, picture: Picture, after: Boxes, *, rules: Rules = RULES
) -> bool:
    """Whether a picture between two that were looked at needs no whole look: these show the same faces, hardly moved,
    and a look at it made half as wide and high, for a quarter of the cost, shows no others."""
    if not _same(before, after, rules):
        return False
    height, width = (side // 2 * 2 for side in picture.shape[:2])
    few = [picture[y:height:2, x:width:2].astype(np.uint16) for y in (0, 1) for x in (0, 1)]
    small = (functools.reduce(np.add, few) // 4).astype(np.uint8)
    found = kept(look(small) * np.array([2, 2, 2, 2, 1], np.float32), width=picture.shape[1], rules=rules)
    known = [*before, *after]
    return all(any(apart(box, other) < rules.still for other in known) for box in found)


def _same(one: Boxes, other: Boxes, rules: Rules) -> bool:
    """Whether these are the same faces, each hardly moved."""
    if len(one) != len(other):
        return False
    nearest = [min(range(len(other)), key=lambda n: apart(box, other[n])) for box in one]
    return len(set(nearest)) == len(one) and all(
        apart(box, other[n]) < rules.still for box, n in zip(one, nearest, strict=True)
    )


def _tiles(picture: Picture) -> NDArray[np.float32]:
    """The mean of each tile, in each colour; the last row and column are drawn out to whole tiles."""
    height, width = picture.shape[:2]
    if height % TILE or width % TILE:
        picture = np.pad(picture, ((0, -height % TILE), (0, -width % TILE), (0, 0)), mode="edge")
    few = range(0, TILE, 2)
    # Whole lines are added first, which lie one behind the other: a tenth of the time of a mean over both sides.
    lines = functools.reduce(np.add, [picture[at::TILE].astype(np.uint16) for at in few])
    return np.asarray(functools.reduce(np.add, [lines[:, at::TILE] for at in few]) / len(few) ** 2, np.float32)


def _around(changed: NDArray[np.bool_], boxes: Boxes, size: tuple[int, ...], rules: Rules) -> Part:
    """The part of a picture of this height and width that holds all tiles that changed, room around them, and whole
    every face of before that it touches."""
    edges: list[tuple[float, float]] = []
    for axis in (1, 0):
        at = np.flatnonzero(changed.any(axis=axis))
        edges.append((int(at[0]) * TILE - rules.around, int(at[-1] + 1) * TILE + rules.around))
    (top, bottom), (left, right) = edges
    # A face that is only half in it is taken in, and may bring the next.
    for _ in range(len(boxes)):
        touched = boxes[(boxes[:, 0] < right) & (boxes[:, 2] > left) & (boxes[:, 1] < bottom) & (boxes[:, 3] > top)]
        if not len(touched):
            break
        room = (touched[:, 2:4] - touched[:, :2]).max() / 2
        grown = (
            min(top, float(touched[:, 1].min() - room)),
            max(bottom, float(touched[:, 3].max() + room)),
            min(left, float(touched[:, 0].min() - room)),
            max(right, float(touched[:, 2].max() + room)),
        )
        if grown == (top, bottom, left, right):
            break
        top, bottom, left, right = grown
    return _on_raster(top, bottom, size[0]), _on_raster(left, right, size[1])


def _on_raster(first: float, last: float, most: int) -> slice:
    return slice(int(max(0, first) // WHOLE) * WHOLE, int(min(most, -(-last // WHOLE) * WHOLE)))


def _centred(boxes: Boxes, part: Part) -> NDArray[np.bool_]:
    """Which boxes have their middle in the part."""
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    rows, columns = part
    return (x >= columns.start) & (x < columns.stop) & (y >= rows.start) & (y < rows.stop)
