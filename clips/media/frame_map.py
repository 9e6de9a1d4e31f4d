"""Which moment, and which picture of the original, each picture of the proxy shows.

A proxy has a constant rate and begins at zero, so picture ``n`` is shown from ``n / rate`` on, in a player, in a label
and in an export. The original need not be like that: pictures were repeated or left out to make the rate constant, and
its clock may begin anywhere. ffmpeg writes down, in the same run, which decoded picture each encoded one came from.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

# For ffmpeg's -stats_enc_pre_fmt: the picture's number, then number, time and clock of the decoded one.
STATS_FORMAT = "{n} {ni} {ptsi} {tbi}"
# Far more than two minutes of 30 a second.
_MOST = 100_000


@dataclass(frozen=True, kw_only=True)
class FrameMap:
    """``source[n]`` is the number, in order of showing, of the original's picture that picture ``n`` shows.

    ``source_times[n]`` is that picture's own time in the original, in ticks of ``source_clock`` seconds, counted from
    the original's beginning. ``rate`` is pictures a second.
    """

    rate: Fraction
    source: tuple[int, ...]
    source_times: tuple[int, ...]
    source_clock: Fraction

    @property
    def count(self) -> int:
        """How many pictures the proxy has."""
        return len(self.source)

    def time_of(self, frame: int) -> Fraction:
        """When picture ``frame`` begins to be shown, in seconds. Raises IndexError beyond the last."""
        if not 0 <= frame < self.count:
            raise IndexError(frame)
        return frame / self.rate

    def frame_at(self, seconds: float | Fraction) -> int:
        """The picture that is shown at a time; the first before the beginning and the last after the end.

        Players tell times in whole microseconds, so a time that is short of a picture by less than that is at it.
        """
        exact = Fraction(seconds) + Fraction(1, 1_000_000)
        return min(max(0, exact * self.rate // 1), self.count - 1)

    def source_time_of(self, frame: int) -> Fraction:
        """The original's own time for what picture ``frame`` shows, in seconds."""
        return self.source_times[frame] * self.source_clock

    def frame_showing(self, source_frame: int) -> int:
        """The first picture of the proxy that shows this picture of the original, or the one before it."""
        at = bisect_right(self.source, source_frame) - 1
        return max(0, self.source.index(self.source[max(0, at)]))

    def to_json(self) -> bytes:
        """A compact document: ``rate`` and ``clock`` as numerator and denominator, the rest as said above."""
        document = {
            "version": 1,
            "rate": [self.rate.numerator, self.rate.denominator],
            "clock": [self.source_clock.numerator, self.source_clock.denominator],
            "source": self.source,
            "times": self.source_times,
        }
        return json.dumps(document, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, document: bytes) -> FrameMap:
        """Raises ValueError for anything but what ``to_json`` made."""
        try:
            read: Any = json.loads(document)
            return cls(
                rate=Fraction(*read["rate"]),
                source=tuple(read["source"]),
                source_times=tuple(read["times"]),
                source_clock=Fraction(*read["clock"]),
            )
        except (KeyError, TypeError, ArithmeticError) as error:
            raise ValueError("not a frame map") from error


def read_stats(path: Path, *, rate: Fraction) -> FrameMap:
    """The map that ffmpeg wrote at ``path``. Raises ValueError when its lines are not in order, or OSError."""
    source, times, clock = [], [], Fraction(1)
    with path.open() as lines:
        for number, line in enumerate(lines):
            n, decoded, time, ticks = line.split()
            if int(n) != number or number >= _MOST:
                raise ValueError("the pictures are not in order")
            source.append(int(decoded))
            times.append(int(time))
            clock = Fraction(ticks)
    if not source or sorted(source) != source or source[0] < 0:
        raise ValueError("the pictures are not in order")
    return FrameMap(rate=rate, source=tuple(source), source_times=tuple(times), source_clock=clock)
