"""PostgreSQL's clock: the only clock for leases, days and consents.

Doors read it once and pass it down as ``at``, so that every process agrees on what has lapsed whatever its own clock
says, and a test can say what time it is.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from django.db.models import DateTimeField, Func


def database_now() -> datetime:
    """This instant by the database's wall clock (aware, UTC), not the start of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    assert row is not None  # noqa: S101 -- a SELECT of an expression always has its row
    now: datetime = row[0]
    return now


class DatabaseNow(Func):
    """The same instant inside a statement: what must be judged when it is asked, by no time that was passed in."""

    function = "clock_timestamp"
    arity = 0

    def __init__(self) -> None:
        super().__init__(output_field=DateTimeField())
