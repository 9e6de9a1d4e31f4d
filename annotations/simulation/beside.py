"""What another connection writes while the twin lives on through its own.

The days are the same as if it had been written then: nobody asks for it before the twin has waited for it.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from django.db import connection


class Beside:
    """One thread with a connection of its own, which leads where Django's others lead.

    ``hidden``: in a transaction that stays open, so that nobody sees what was written before it is shown.
    """

    def __init__(self, *, hidden: bool) -> None:
        self._hidden = hidden
        self._hand = ThreadPoolExecutor(max_workers=1, thread_name_prefix="beside")
        self._begun: list[Future[object]] = []
        self._hand.submit(self._connect).result()

    def write(self, work: Callable[[], object]) -> None:
        """Begin with it, after what was begun before."""
        self._begun.append(self._hand.submit(work))

    def show(self) -> None:
        """Wait until all that was begun is written and to be seen. Raises what it raised."""
        begun, self._begun = self._begun, []
        for one in begun:
            one.result()
        if self._hidden and begun:
            self._hand.submit(lambda: connection.commit()).result()

    def end(self) -> None:
        """Close the connection; what was hidden never was."""
        self._hand.submit(lambda: connection.close()).result()
        self._hand.shutdown()

    def _connect(self) -> None:
        with connection.cursor() as cursor:
            # However long the twin takes for what is now.
            cursor.execute("SET statement_timeout = 0")
            cursor.execute("SET idle_in_transaction_session_timeout = 0")
        if self._hidden:
            connection.set_autocommit(False)
