"""Beat's guard: a sweep runs in one place at a time, however many beats and workers there are."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from django.db import connection

T = TypeVar("T")
log = logging.getLogger("sightline.sweeps")


@contextmanager
def alone(name: str) -> Iterator[bool]:
    """Hold PostgreSQL's advisory lock of this name; yields False at once when another session has it.

    The lock belongs to the session, so a killed worker gives it back by dying.
    """
    key = zlib.crc32(name.encode())
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_FAMILY, key - 2**31])
        row = cursor.fetchone()
    held = bool(row and row[0])
    try:
        yield held
    finally:
        if held:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK_FAMILY, key - 2**31])


def stretch(last: int, *, size: int, every: int, at: datetime) -> tuple[int, int]:
    """The first and last number of the stretch of so many rows, up to the row ``last``, whose turn it is.

    Which it is follows from the clock, another each ``every`` seconds, so that whoever asks next goes on without
    anything being kept. Pure.
    """
    place = int(at.timestamp()) // every % (last // size + 1)
    return place * size, (place + 1) * size - 1


def each(rows: Iterable[T], do: Callable[[T], object]) -> int:
    """Do something to each row; returns for how many it answered truly. One bad row is logged and passed over, so that
    it does not keep the sweep from those behind it."""
    count = 0
    for row in rows:
        try:
            count += bool(do(row))
        except Exception:
            log.exception("a sweep passed over %r", row)
    return count


LOCK_FAMILY = 0x5167
