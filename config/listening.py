"""A worker that hears nothing while its queue fills is deaf, and makes room for one that hears.

When Redis dies and comes back within milliseconds, the library that listens can be left waiting, without a time limit,
for an answer of the connection that is gone. Nothing is lost, for the rows are the queue; but nothing is done either.
So a worker watches its own queues: messages wait, it is idle, and for half a minute it took none. Then it kills itself
as hard as a crash would, which everything here is built to survive, and whoever keeps the processes starts another.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import redis
from celery.signals import worker_ready
from celery.worker import state
from django.conf import settings

from config.pulse import Sign

log = logging.getLogger("sightline.worker")


class Hearing:
    """Whether this worker still takes what waits for it, judged from what it is told now and then."""

    def __init__(self, patience_seconds: float) -> None:
        self.patience = patience_seconds
        self._taken = -1
        self._since = 0.0

    def is_deaf(self, *, waiting: int, busy: bool, taken: int, at: float) -> bool:
        """``waiting`` messages, ``busy`` with a task, ``taken`` so far, ``at`` seconds of a clock that only goes on."""
        if waiting == 0 or busy or taken != self._taken:
            self._taken, self._since = taken, at
            return False
        return at - self._since >= self.patience


def listen(queues: Sequence[str], *, name: str, patience_seconds: float, deaf: Callable[[], None]) -> None:
    """Watch until deaf, asking Redis over a connection of its own, with time limits; and say that one is there."""
    hearing = Hearing(patience_seconds)
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
    sign = Sign(name, queues, every_seconds=patience_seconds / 6)
    with contextlib.suppress(redis.RedisError, OSError):
        sign.forget_others(client)
    while True:
        busy = bool(state.active_requests or state.reserved_requests)
        taken = sum(state.total_count.values())
        try:
            waiting = sum(int(client.llen(name)) for name in queues)
            sign.give(client, busy=busy, taken=taken)
        except (redis.RedisError, OSError):
            # Redis is away: that is nobody's deafness.
            waiting = 0
        if hearing.is_deaf(waiting=waiting, busy=busy, taken=taken, at=time.monotonic()):
            log.critical(
                "%s messages wait and this worker took none for %s s; it ends itself", waiting, patience_seconds
            )
            deaf()
            return
        time.sleep(patience_seconds / 6)


def die() -> None:
    """End this process as a crash would."""
    os.kill(os.getpid(), signal.SIGKILL)


@worker_ready.connect
def start(sender: Any, **_: Any) -> None:
    """Begin to watch, in a thread that the listening cannot block."""
    queues = list(sender.app.amqp.queues.consume_from)
    patience = float(settings.WORKER_DEAF_SECONDS)
    threading.Thread(
        target=listen,
        args=(queues,),
        kwargs={"name": sender.hostname, "patience_seconds": patience, "deaf": die},
        daemon=True,
        name="listening",
    ).start()
