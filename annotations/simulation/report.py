"""What came of it: as a document, as tables, as a plot. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from config import plot

HOUR_MS = 3_600_000


def team_days(
    teams: Mapping[tuple[str, int], Counter[str]], quota: Sequence[Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """By team and day (UTC, from the beginning), and by team in all: answers; hours of shift; shares of them.

    ``quota_use`` is of the local days on which people asked for work.
    """
    allowed: Counter[str] = Counter()
    used: Counter[str] = Counter()
    for row in quota:
        allowed[row["team"]] += row["allowed"]
        used[row["team"]] += row["used"]
    days = [{"team": team, "day": day} | _shares(counts) for (team, day), counts in sorted(teams.items())]
    whole: dict[str, Counter[str]] = defaultdict(Counter)
    for (team, _day), counts in sorted(teams.items()):
        whole[team].update(counts)
    total = [
        {"team": team} | _shares(counts) | {"quota_use": round(used[team] / allowed[team], 4) if allowed[team] else 0.0}
        for team, counts in sorted(whole.items())
    ]
    return days, total


def _shares(counts: Mapping[str, int]) -> dict[str, Any]:
    shift = counts.get("shift_ms", 0)
    shares = {
        name: round(counts.get(f"{name}_ms", 0) / shift, 4) if shift else 0.0 for name in ("active", "waiting", "done")
    }
    return {"answers": counts.get("answers", 0), "shift_hours": round(shift / HOUR_MS, 2)} | shares


def lines(document: Mapping[str, Any]) -> Iterator[str]:
    """The tables that a person reads."""
    name = document["name"] or "Simulated"
    yield f"{name}: {document['days']} days from {document['starts']}, seed {document['seed']}"
    yield ""
    yield from _table(
        ("team", "answers", "shift h", "at work", "no work", "quota done", "quota used"),
        [
            (
                row["team"],
                f"{row['answers']:,}",
                f"{row['shift_hours']:,.0f}",
                *(f"{row[name]:.0%}" for name in ("active", "waiting", "done", "quota_use")),
            )
            for row in document["teams"]
        ],
    )
    yield ""
    yield from _table(
        ("project", "tasks", "settled", "disputed", "waiting", "late", "hours p50", "hours p90"),
        [
            (
                row["project"],
                *(f"{row[name]:,}" for name in ("tasks", "settled", "disputed", "waiting", "late")),
                f"{row['hours_p50']:.1f}",
                f"{row['hours_p90']:.1f}",
            )
            for row in document["projects"]
        ],
    )
    yield ""
    yield (
        f"{document['arrived']:,} clips came, {document['unplaced']:,} are no tasks yet; {document['plans']:,} plans,"
        f" {document['lapsed']:,} leases lapsed; broken promises: {len(document['broken'])}"
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[place]) for row in [head, *rows]) for place in range(len(head))]
    for row in [head, *rows]:
        first, *rest = (
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join([first, *rest])


def draw(path: Path, document: Mapping[str, Any]) -> None:
    """Answers an hour by team, as SVG."""
    hours = range(document["days"] * 24)
    series = {
        team: [(hour / 24, float(counts.get(str(hour), 0))) for hour in hours]
        for team, counts in sorted(document["answers_by_hour"].items())
    }
    plot.lines(path, document["name"] or "Simulated", series, across="day", up="answers an hour")
