"""Beat's guard: a sweep runs in one place at a time, however many beats and workers there are."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


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


LOCK_FAMILY = 0x5167
