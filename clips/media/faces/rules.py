"""How faces are looked for and covered."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How generously to cover. Chosen by measurement: see ``benchmarks/faces.py`` and docs/decisions.md."""

    # So many pictures of each second are looked at, at most.
    per_second: float = 4.0
    # A small box needs no more certainty than this; covering a few pixels too many costs nobody anything.
    sure: float = 0.1
    # One that is wider than this share of the picture does: it would hide what is to be labelled.
    large: float = 0.05
    sure_if_large: float = 0.2
    # How far a box is held before its first sight and after its last, in seconds.
    held: float = 0.5
    # Beyond each side, as a share of the box's; and how much more for each second since it was seen.
    margin: float = 0.35
    growth: float = 1.0
    # Who moves may move otherwise: so much of the way it would have made since is covered beyond that, too.
    drift: float = 0.5
    # How far a face may have moved between two looks, in its own sizes, and how many looks it may be missed.
    reach: float = 5.0
    missed: int = 1
    # What differs by no more than so many of 255 levels from what it was when it was looked at shows the same faces; so
    # many pixels around what differs are looked at with it.
    changed: float = 6.0
    around: int = 64
    # Faces that have moved by less than this share of their size hardly have.
    still: float = 0.5

    def every(self, rate: float) -> int:
        """One of how many pictures is looked at, at this rate."""
        return max(1, math.ceil(rate / self.per_second - 0.01))


RULES = Rules()

# The most pixels that are looked at: a picture that has more is made smaller. A face that is 12 pixels wide in a
# picture of 1280 by 720 is 9 wide then, and the detector finds none that is smaller.
MOST_PIXELS = 960 * 544
# The network halves its picture five times, so each side is filled up to a multiple of this, which costs as much as if
# there were something to see. A picture that is made smaller is made to fit.
WHOLE = 32
# Of pictures with so many pixels every second one may be looked at in half its width and height.
LARGE = MOST_PIXELS * 3 // 4
# A cell of what is covered is so many of the pixels that were looked at wide and high.
CELL = 4
