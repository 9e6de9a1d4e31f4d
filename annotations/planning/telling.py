"""A reading of the forecast as text and back, so that one process reads it for all."""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np

from annotations.planning.forecast import Array
from annotations.planning.queries import Awaited


@dataclass(frozen=True)
class Row:
    """A part of the work with what became of it in each draw (seconds; infinite: not in the time looked at)."""

    work: Awaited
    teams: tuple[int, ...]
    seats: int
    due_at: datetime
    ends: Array
    why: str = ""


@dataclass
class Kept:
    """One reading of everything."""

    at: datetime
    until: datetime
    seen: str
    names: dict[int, str]
    days_seen: dict[int, int]
    rows: list[Row] = field(default_factory=list)


def told(kept: Kept) -> dict[str, Any]:
    """A reading as JSON."""
    return {
        "at": kept.at.isoformat(),
        "until": kept.until.isoformat(),
        "seen": kept.seen,
        "names": list(kept.names.items()),
        "days_seen": list(kept.days_seen.items()),
        "rows": [
            {
                "work": asdict(row.work) | {"arrived_on": row.work.arrived_on.isoformat(), "due_at": _said(row.work)},
                "teams": row.teams,
                "seats": row.seats,
                "due_at": row.due_at.isoformat(),
                "why": row.why,
            }
            for row in kept.rows
        ],
        "ends": base64.b64encode(b"".join(row.ends.astype("<f4").tobytes() for row in kept.rows)).decode(),
    }


def understood(said: dict[str, Any]) -> Kept:
    """The reading that was told."""
    ends = np.frombuffer(base64.b64decode(said["ends"]), dtype="<f4").reshape(len(said["rows"]), -1)
    return Kept(
        at=datetime.fromisoformat(said["at"]),
        until=datetime.fromisoformat(said["until"]),
        seen=said["seen"],
        names=dict(said["names"]),
        days_seen=dict(said["days_seen"]),
        rows=[
            Row(
                _awaited(row["work"]),
                tuple(row["teams"]),
                row["seats"],
                datetime.fromisoformat(row["due_at"]),
                ends[number],
                row["why"],
            )
            for number, row in enumerate(said["rows"])
        ],
    )


def _said(work: Awaited) -> str | None:
    return work.due_at.isoformat() if work.due_at else None


def _awaited(said: dict[str, Any]) -> Awaited:
    return Awaited(
        **said
        | {
            "arrived_on": date.fromisoformat(said["arrived_on"]),
            "due_at": datetime.fromisoformat(said["due_at"]) if said["due_at"] else None,
            "skills": tuple(said["skills"]),
            "answered": tuple(said["answered"]),
        }
    )
