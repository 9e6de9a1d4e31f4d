"""Many figures in one statement: how many rows there are of each sort, or what the first of them says.

A page that shows thirty figures asks the database once. What is counted is counted up to a bound, so that a figure
costs the same when a table has grown; rows are chosen by whoever asks, scope included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

MOST = 10_000


@dataclass(frozen=True)
class Count:
    """How many rows, up to ``most``; one more than that means: more."""

    rows: QuerySet[Any]
    most: int = MOST
    nothing = 0

    def sql(self) -> tuple[str, tuple[Any, ...]]:
        found, values = self.rows.order_by().values("pk")[: self.most + 1].query.sql_with_params()
        return f"SELECT count(*) FROM ({found}) counted", values  # noqa: S608 -- the ORM's own statement


@dataclass(frozen=True)
class First:
    """A field of the first row, in the order of the rows; None when there is none."""

    rows: QuerySet[Any]
    field: str
    nothing = None

    def sql(self) -> tuple[str, tuple[Any, ...]]:
        return self.rows.values(self.field)[:1].query.sql_with_params()


def ask(asked: Mapping[str, Count | First]) -> dict[str, Any]:
    """All figures, by name, from one statement."""
    told: dict[str, Any] = {name: one.nothing for name, one in asked.items()}
    names, parts, values = [], [], list[Any]()
    for name, one in asked.items():
        try:
            found, given = one.sql()
        except EmptyResultSet:
            # Nobody may find any: there is nothing to ask.
            continue
        names.append(name)
        parts.append(f"({found})")
        values += given
    if parts:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(parts)}", values)
            row = cursor.fetchone()
        told |= zip(names, row or (), strict=True)
    return told


def said(count: int, most: int = MOST) -> str:
    """A count as people read it; what was not counted to its end says so."""
    return f"{most:,}+" if count > most else f"{count:,}"
