"""The doorbell: tell a worker that a row waits. It may be lost, late or rung twice; the sweeps make up for it.

Rings leave by a thread of their own, so that nobody who serves a person ever waits for the broker: not when it is away,
and not when it hangs.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from typing import Any

from celery import Task
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger("sightline.bells")

# After a failed ring the broker is left alone for this long; what was not rung meanwhile is found by its sweep.
REST_SECONDS = 10.0
MOST_WAITING = 1000

_Ring = tuple[Task[Any, Any], tuple[int, ...], str]


class _Ringer:
    """One process's rings on their way out."""

    def __init__(self) -> None:
        self.waiting: queue.Queue[_Ring] = queue.Queue(MOST_WAITING)
        self.lock = threading.Lock()
        self.thread: threading.Thread | None = None

    def put(self, ring: _Ring) -> None:
        try:
            self.waiting.put_nowait(ring)
        except queue.Full:
            log.warning("%s rings wait already; sweeps carry on", MOST_WAITING)
            return
        with self.lock:
            if self.thread is None or not self.thread.is_alive():
                self.thread = threading.Thread(target=self._run, name="doorbell", daemon=True)
                self.thread.start()

    def _run(self) -> None:
        while True:
            task, args, queue_name = self.waiting.get()
            try:
                task.apply_async(args=args, queue=queue_name)
            except (OperationalError, OSError) as error:
                log.warning("the doorbell does not answer (%s); sweeps carry on", type(error).__name__)
                self._forget()
                time.sleep(REST_SECONDS)
                self._forget()
            finally:
                self.waiting.task_done()

    def _forget(self) -> None:
        while True:
            try:
                self.waiting.get_nowait()
            except queue.Empty:
                return
            self.waiting.task_done()


_ringer = _Ringer()


def _after_fork() -> None:
    global _ringer
    # A child has neither its parent's thread nor its parent's rings.
    _ringer = _Ringer()


os.register_at_fork(after_in_child=_after_fork)


def ring(task: Task[Any, Any], *args: int, queue: str) -> None:
    """Send ``task(*args)`` to ``queue`` soon after the current transaction has committed; never waits, never raises."""
    transaction.on_commit(lambda: _ringer.put((task, args, queue)))


def rung() -> bool:
    """Whether every ring so far has left or was given up."""
    return _ringer.waiting.unfinished_tasks == 0
