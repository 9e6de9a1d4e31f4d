"""Where to look in a picture, when the one before it was looked at: at what has changed, and a little around it.

Most of what a home camera sees stands still, and a look costs by the pixels that are looked at. What stands still since
it was looked at shows the faces that were found there, so only the rest is looked at: one upright part of the picture
around all that changed, on the network's own raster, so that it sees there what it would see in the whole.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from clips.media.faces.cover import Boxes
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

    def faces(self, picture: Picture) -> Boxes:
        """All faces in the picture, those that were found before and have not changed included."""
        tiles = _tiles(picture)
        if self._seen is None or self._seen.shape != tiles.shape:
            self._seen, self._boxes = tiles, self._look(picture)
            return self._boxes
        changed = (np.abs(tiles - self._seen) > self._rules.changed).any(axis=2)
        if changed.any():
            part = _around(changed, self._boxes, picture.shape[:2], self._rules)
            rows, columns = part
            # A copy, for the part's lines do not lie one behind the other.
            found = self._look(np.ascontiguousarray(picture[part]))
            found = found + np.array([columns.start, rows.start, columns.start, rows.start, 0], np.float32)
            self._boxes = np.concatenate([found, self._boxes[~_centred(self._boxes, part)]])
            tiled = tuple(slice(side.start // TILE, -(-side.stop // TILE)) for side in part)
            self._seen[tiled] = tiles[tiled]
        return self._boxes


def _tiles(picture: Picture) -> NDArray[np.float32]:
    """The mean of each tile, in each colour; the last row and column are drawn out to whole tiles."""
    height, width = picture.shape[:2]
    filled = np.pad(picture, ((0, -height % TILE), (0, -width % TILE), (0, 0)), mode="edge")
    few = filled[::2, ::2].reshape(filled.shape[0] // TILE, TILE // 2, filled.shape[1] // TILE, TILE // 2, 3)
    return np.asarray(few.mean(axis=(1, 3), dtype=np.float32))


def _around(changed: NDArray[np.bool_], boxes: Boxes, size: tuple[int, ...], rules: Rules) -> Part:
    """The part of a picture of this height and width that holds all tiles that changed, room around them, and whole
    every face of before that it touches."""
    edges = []
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
