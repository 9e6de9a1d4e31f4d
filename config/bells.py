"""The doorbell: tell a worker that a row waits. It may be lost, late or rung twice; the sweeps make up for it."""

from __future__ import annotations

import logging
import time
from typing import Any

from celery import Task
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger("sightline.bells")

# After a failed ring the broker is left alone for this long, so that a hung Redis costs one request its patience and
# not every request. What was not rung is found by its sweep.
REST_SECONDS = 10.0
_quiet_until = 0.0


def ring(task: Task[Any, Any], *args: int, queue: str) -> None:
    """Send ``task(*args)`` to ``queue`` once the current transaction has committed; never raises."""
    transaction.on_commit(lambda: _send(task, args, queue))


def _send(task: Task[Any, Any], args: tuple[int, ...], queue: str) -> None:
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return
    try:
        task.apply_async(args=args, queue=queue)
    except (OperationalError, OSError) as error:
        _quiet_until = time.monotonic() + REST_SECONDS
        log.warning("the doorbell does not answer (%s); sweeps carry on", type(error).__name__)
