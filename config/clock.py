"""PostgreSQL's clock: the only clock for leases and days.

Doors read it once and pass it down as ``at``, so that every process agrees on what has lapsed whatever its own clock
says, and a test can say what time it is.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """This instant by the database's wall clock (aware, UTC), not the start of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    assert row is not None  # noqa: S101 -- a SELECT of an expression always has its row
    now: datetime = row[0]
    return now
