"""A line chart as SVG, in a few lines of our own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 720, 320, 64, 36, 190, 44
COLOURS = ("#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#57606a")


def lines(path: Path, title: str, series: Mapping[str, Sequence[tuple[float, float]]], *, across: str, up: str) -> None:
    """Draw each series as a line; the vertical axis begins at zero."""
    points = [point for line in series.values() for point in line]
    if not points:
        return
    most_x = max(x for x, _ in points) or 1.0
    most_y = _round_up(max(y for _, y in points) or 1.0)

    def place(x: float, y: float) -> str:
        right = LEFT + x / most_x * (WIDTH - LEFT - RIGHT)
        down = HEIGHT - BOTTOM - y / most_y * (HEIGHT - TOP - BOTTOM)
        return f"{right:.1f},{down:.1f}"

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif"'
        ' font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="20" font-size="14">{escape(title)}</text>',
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(across)}</text>',
        f'<text transform="translate(14 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">{escape(up)}</text>',
    ]
    for step in range(5):
        x, y = place(0, most_y * step / 4).split(",")
        out.append(f'<line x1="{x}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}" stroke="#d0d7de"/>')
        out.append(f'<text x="{LEFT - 6}" y="{float(y) + 4}" text-anchor="end">{most_y * step / 4:g}</text>')
        x, y = place(most_x * step / 4, 0).split(",")
        out.append(f'<text x="{x}" y="{float(y) + 16}" text-anchor="middle">{most_x * step / 4:g}</text>')
    for number, (name, line) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        way = " ".join(place(*point) for point in line)
        out.append(f'<polyline points="{way}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        height, left = TOP + 12 + 18 * number, WIDTH - RIGHT + 8
        key = f'x1="{left}" y1="{height}" x2="{left + 20}" y2="{height}"'
        out.append(f'<line {key} stroke="{colour}" stroke-width="3"/>')
        out.append(f'<text x="{left + 25}" y="{height + 4}">{escape(name)}</text>')
    path.write_text("\n".join([*out, "</svg>", ""]), encoding="utf-8")


def _round_up(value: float) -> float:
    step = 10.0 ** (len(f"{int(value)}") - 1)
    return next(step * n for n in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * n >= value)
