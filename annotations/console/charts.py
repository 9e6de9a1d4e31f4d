"""Small charts as shapes that a template draws as SVG: bars, stacked or not, and lines. Units are the chart's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HALF, TALL, FOOT, LEFT = 720, 420, 110, 128, 44
# As many colours as today.css names; more series than that share the last.
COLOURS = 6


@dataclass(frozen=True)
class Shape:
    """One piece of a bar."""

    x: float
    y: float
    width: float
    height: float
    colour: int
    title: str


@dataclass(frozen=True)
class Mark:
    """A word at a place."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Chart:
    """What a template draws, and the same in figures for those who cannot see it."""

    title: str
    width: int
    series: tuple[str, ...]
    shapes: tuple[Shape, ...]
    lines: tuple[tuple[int, str], ...]
    """A colour and the points of a line."""
    labels: tuple[Mark, ...]
    grid: tuple[Mark, ...]
    """Heights that are drawn through, each with what it means."""
    columns: tuple[str, ...]
    figures: tuple[tuple[str, tuple[str, ...]], ...]
    """Each series with what it says of each column."""

    @property
    def empty(self) -> bool:
        return not self.shapes and not self.lines


def bars(
    title: str,
    columns: Sequence[str],
    series: Sequence[tuple[str, Sequence[float]]],
    *,
    every: int = 1,
    width: int = WIDTH,
) -> Chart:
    """Bars of each column, one series upon the other; every so many columns have their name below."""
    totals = [sum(values[place] for _, values in series) for place in range(len(columns))]
    top = _round_up(max(totals, default=0))
    step = (width - LEFT) / max(1, len(columns))
    shapes = []
    for place, column in enumerate(columns):
        foot = float(FOOT)
        for number, (name, values) in enumerate(series):
            height = TALL * values[place] / top
            if height:
                foot -= height
                said = f"{column}, {name}: {values[place]:g}" if len(series) > 1 else f"{column}: {values[place]:g}"
                shapes.append(
                    Shape(_r(LEFT + place * step + 2), _r(foot), _r(step - 4), _r(height), number % COLOURS, said)
                )
    return _chart(title, columns, series, shapes, [], top=top, every=every, width=width)


def lines(
    title: str,
    columns: Sequence[str],
    series: Sequence[tuple[str, Sequence[float | None]]],
    *,
    every: int = 1,
    width: int = WIDTH,
) -> Chart:
    """A line for each series; a column without a value is passed over."""
    known = [value for _, values in series for value in values if value is not None]
    top = _round_up(max(known, default=0.0))
    step = (width - LEFT) / max(1, len(columns))
    drawn, dots = [], []
    for number, (name, values) in enumerate(series):
        points = [
            (LEFT + (place + 0.5) * step, FOOT - TALL * value / top, place, value)
            for place, value in enumerate(values)
            if value is not None
        ]
        if points:
            drawn.append((number % COLOURS, " ".join(f"{_r(x)},{_r(y)}" for x, y, _, _ in points)))
            dots += [
                Shape(_r(x - 3), _r(y - 3), 6, 6, number % COLOURS, f"{columns[place]}, {name}: {value:g}")
                for x, y, place, value in points
            ]
    return _chart(title, columns, series, dots, drawn, top=top, every=every, width=width)


def _chart(
    title: str,
    columns: Sequence[str],
    series: Sequence[tuple[str, Sequence[float | None]]],
    shapes: Sequence[Shape],
    drawn: Sequence[tuple[int, str]],
    *,
    top: float,
    every: int,
    width: int,
) -> Chart:
    step = (width - LEFT) / max(1, len(columns))
    return Chart(
        title=title,
        width=width,
        series=tuple(name for name, _ in series),
        shapes=tuple(shapes),
        lines=tuple(drawn),
        labels=tuple(
            Mark(_r(LEFT + (place + 0.5) * step), FOOT + 15, column)
            for place, column in enumerate(columns)
            if (len(columns) - 1 - place) % every == 0
        ),
        grid=tuple(Mark(LEFT - 6, _r(FOOT - TALL * part), f"{top * part:g}") for part in (0.5, 1.0)),
        columns=tuple(columns),
        figures=tuple(
            (name, tuple("-" if value is None else f"{value:g}" for value in values)) for name, values in series
        ),
    )


def _round_up(value: float) -> float:
    if value <= 0:
        return 1.0
    step = 1.0
    while step > value:
        step /= 10
    while step * 10 < value:
        step *= 10
    return next(step * n for n in (1, 2, 4, 6, 8, 10) if step * n >= value)


def _r(value: float) -> float:
    return round(value, 1)
