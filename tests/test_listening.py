"""A worker that hears nothing while messages wait ends itself; one that works, or has nothing to do, does not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis
from django.conf import settings

from config.listening import Hearing


def told(hearing: Hearing, *looks: tuple[int, bool, int, float]) -> list[bool]:
    return [hearing.is_deaf(waiting=w, busy=b, taken=t, at=at) for w, b, t, at in looks]


def test_idle_while_messages_wait_for_long_is_deaf() -> None:
    assert told(Hearing(30), (0, False, 5, 0), (3, False, 5, 10), (9, False, 5, 29), (9, False, 5, 31)) == [
        False,
        False,
        False,
        True,
    ]


@pytest.mark.parametrize(
    "looks",
    [
        # Nothing waits.
        [(0, False, 5, 0.0), (0, False, 5, 100.0), (1, False, 5, 101.0)],
        # Busy all the while, then it takes the next.
        [(4, True, 5, 0.0), (4, True, 5, 100.0), (4, True, 5, 200.0), (3, False, 6, 201.0)],
        # It takes one now and then, and more come.
        [(4, False, 5, 0.0), (4, False, 6, 29.0), (4, False, 7, 58.0)],
    ],
)
def test_who_works_or_has_nothing_to_do_is_not(looks) -> None:
    assert not any(told(Hearing(30), *looks))


def test_a_worker_whose_ears_are_stopped_dies(tmp_path: Path) -> None:
    """A real worker on a queue of its own, whose listening we stop by keeping its main thread from running."""
    queue = f"deaf-{os.getpid()}"
    code = (
        "import time\n"
        "from celery.signals import worker_ready\n"
        "from config.celery import app\n"
        "import config.listening\n"
        # After ours has begun to watch.
        "@worker_ready.connect\n"
        "def block(**_): time.sleep(600)\n"
        f"app.worker_main(['worker', '-Q', '{queue}', '-c', '1', '-l', 'WARNING', '--without-mingle'])\n"
    )
    environment = os.environ | {
        "WORKER_DEAF_SECONDS": "3",
        "SECRET_KEY": settings.SECRET_KEY,
        "REDIS_URL": settings.REDIS_URL,
        "VAR_DIR": str(tmp_path),
        "C_FORCE_ROOT": "1",
    }
    client = redis.Redis.from_url(settings.REDIS_URL)
    with (tmp_path / "log").open("wb") as log:
        worker = subprocess.Popen([sys.executable, "-W", "ignore", "-c", code], env=environment, stdout=log, stderr=log)
    try:
        time.sleep(1)
        client.rpush(queue, "{}")
        assert worker.wait(timeout=45) == -signal.SIGKILL, (tmp_path / "log").read_text()
        assert "took none" in (tmp_path / "log").read_text()
    finally:
        worker.kill()
        worker.wait()
        client.delete(queue)
        client.close()
