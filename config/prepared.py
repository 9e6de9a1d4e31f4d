"""Statements that PostgreSQL plans once per connection and not at every call.

Planning a hot statement costs as much as running it. Django binds values into the text, so nothing of a plan could be
kept. With ``prepare_threshold`` unset (a pooler that knows no prepared statements) these run like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import connection


class _Prepared(psycopg.Cursor[tuple[Any, ...]]):
    def execute(self, query: Any, params: Any = None, **more: Any) -> _Prepared:
        return super().execute(query, params, **(more | {"prepare": True}))


def rows(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """What the statement answers, on Django's connection; counted, logged and failing as Django's own statements do."""
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    assert connection.connection is not None  # noqa: S101 -- it was just ensured
    raw = _Prepared(connection.connection)
    wrapped = connection.make_debug_cursor(raw) if connection.queries_logged else connection.make_cursor(raw)
    with wrapped as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()
