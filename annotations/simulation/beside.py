"""What comes next, written by a second connection while the twin lives through what is now.

Nobody sees it before it is shown, so the days are the same as if it had been written then; only sooner.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from django.db import connection


class Beside:
    """One thread with a connection of its own; Django makes it lead where that of who makes this leads."""

    def __init__(self) -> None:
        self._hand = ThreadPoolExecutor(max_workers=1, thread_name_prefix="beside")
        self._written: Future[object] | None = None
        self._hand.submit(_begin).result()

    def write(self, work: Callable[[], object]) -> None:
        """Begin with it, in a transaction that stays open."""
        self._written = self._hand.submit(work)

    def show(self) -> None:
        """Let what was begun be seen, once it is written. Raises what it raised."""
        if self._written is not None:
            self._written.result()
            self._written = None
            self._hand.submit(lambda: connection.commit()).result()

    def end(self) -> None:
        """Take back what was not shown."""
        self._hand.submit(lambda: connection.close()).result()
        self._hand.shutdown()


def _begin() -> None:
    with connection.cursor() as cursor:
        # However long the twin takes for what is now.
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SET idle_in_transaction_session_timeout = 0")
    connection.set_autocommit(False)
