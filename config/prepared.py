"""Statements that PostgreSQL plans once per connection and not at every call.

Planning a hot statement costs as much as running it, and Django binds values into the text, so nothing of a plan could
be kept. With ``DATABASE_POOLER`` set (a pooler that knows no prepared statements) these run like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections

Rows = list[tuple[Any, ...]]
KEPT = "_prepared_cursor"


class _Prepared(psycopg.Cursor[tuple[Any, ...]]):
    """For whoever listens: Django's layers know nothing of ``prepare``."""

    def execute(self, query: Any, params: Any = None, **more: Any) -> _Prepared:
        return super().execute(query, params, prepare=True)


def rows(statement: str, values: Sequence[Any]) -> Rows:
    """What the statement answers, on Django's connection; counted, logged and failing as Django's own statements do."""
    link = connections[DEFAULT_DB_ALIAS]
    link.close_if_health_check_failed()
    link.ensure_connection()
    if link.queries_logged or link.execute_wrappers:
        raw: Any = _Prepared(link.connection)
        wrapped = link.make_debug_cursor(raw) if link.queries_logged else link.make_cursor(raw)
        with wrapped as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall()
    # The same without the layers that nobody listens to, and on a cursor that stays with its connection: to make one
    # costs as much again as to send the statement and to read what it answers.
    if link.in_atomic_block:
        link.validate_no_broken_transaction()
    kept: psycopg.Cursor[tuple[Any, ...]] | None = getattr(link, KEPT, None)
    if kept is None or kept.connection is not link.connection:
        kept = psycopg.Cursor(link.connection)
        setattr(link, KEPT, kept)
    with link.wrap_database_errors:
        return kept.execute(statement, values, prepare=True).fetchall()
