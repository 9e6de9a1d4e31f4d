"""State machines: a table of allowed moves, and one way to move.

A move is a conditional update: it names the state it leaves, so of two workers that try, one moves the row and the
other is told that zero rows moved. That is normal, and never an error here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q, QuerySet

Moves = Mapping[str, frozenset[str]]


def move(rows: QuerySet[Any], *, moves: Moves, old: str, new: str, **changes: Any) -> int:
    """Move the rows that are in ``old`` to ``new``, with other columns in the same statement; returns how many moved.

    Raises ValueError for a move that is not in the table: that is a defect, not a race.
    """
    if new not in moves.get(old, frozenset()):
        raise ValueError(f"{old} to {new} is not an allowed move")
    return rows.filter(state=old).update(state=new, **changes)


def waits_with_due_time(*final: str) -> Q:
    """A CHECK: every state but the final ones waits for somebody, so it has a time by when a sweep looks at it."""
    return Q(state__in=final) | Q(due_at__isnull=False)
