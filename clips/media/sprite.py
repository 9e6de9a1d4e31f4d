"""The sprite: small pictures of a clip on one sheet, and the WebVTT that says which of them shows which seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

# The longer side of a small picture, in pixels.
SIDE = 160
_COLUMNS = 10
# A sheet of 10 by 10 is 1600 pixels wide, which every browser decodes at once.
_MOST = 100


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """How the sheet is laid out: a small picture every ``every`` pictures of the proxy, row by row."""

    every: int
    columns: int
    rows: int


def plan(duration_ms: int, rate: Fraction) -> Sheet:
    """One small picture a second, or fewer of a clip that lasts longer than a sheet has room."""
    seconds = duration_ms / 1000
    every = max(1, round(rate * max(1, math.ceil(seconds / _MOST))))
    wanted = min(_MOST, max(1, math.ceil(seconds * float(rate) / every - 0.01)))
    columns = min(_COLUMNS, wanted)
    return Sheet(every=every, columns=columns, rows=math.ceil(wanted / columns))


def index(sheet: Sheet, *, name: str, size: tuple[int, int], frames: int, rate: Fraction, duration_ms: int) -> str:
    """WebVTT with a cue for each small picture, pointing into the sheet ``name`` by a media fragment.

    ``size`` is the sheet's, in pixels; ``frames`` the number of pictures in the proxy. The last cue lasts to the end.
    """
    width, height = size[0] // sheet.columns, size[1] // sheet.rows
    count = min(math.ceil(frames / sheet.every), sheet.columns * sheet.rows)
    cues = ["WEBVTT"]
    for number in range(count):
        start = round(number * sheet.every / rate * 1000)
        end = round((number + 1) * sheet.every / rate * 1000) if number + 1 < count else max(duration_ms, start + 1)
        row, column = divmod(number, sheet.columns)
        place = f"{column * width},{row * height},{width},{height}"
        cues.append(f"{_stamp(start)} --> {_stamp(end)}\n{name}#xywh={place}")
    return "\n\n".join(cues) + "\n"


def _stamp(ms: int) -> str:
    minutes, rest = divmod(ms, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"
