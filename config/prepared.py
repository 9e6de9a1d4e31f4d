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


class _Prepared(psycopg.Cursor[tuple[Any, ...]]):
    def execute(self, query: Any, params: Any = None, **more: Any) -> _Prepared:
        return super().execute(query, params, prepare=True)


def rows(statement: str, values: Sequence[Any]) -> Rows:
    """What the statement answers, on Django's connection; counted, logged and failing as Django's own statements do."""
    link = connections[DEFAULT_DB_ALIAS]
    link.close_if_health_check_failed()
    link.ensure_connection()
    raw: Any = _Prepared(link.connection)
    if link.queries_logged or link.execute_wrappers:
        wrapped = link.make_debug_cursor(raw) if link.queries_logged else link.make_cursor(raw)
        with wrapped as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall()
    # The same without the layers that nobody listens to: they cost a fifth of the client's share of a claim.
    if link.in_atomic_block:
        link.validate_no_broken_transaction()
    with link.wrap_database_errors, raw:
        raw.execute(statement, values)
        return raw.fetchall()
