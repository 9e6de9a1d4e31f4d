"""A worker that hears nothing while messages wait ends itself; one that works, or has nothing to do, does not."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis
from django.conf import settings

from config import pulse
from config.listening import Hearing, listen


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


def test_a_worker_says_that_it_is_there_and_who_is_gone_is_silent_and_then_forgotten() -> None:
    queue, name = f"ears-{os.getpid()}", f"ears-{os.getpid()}@here"
    deaf: list[bool] = []
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.lpush(queue, "a message that nobody takes")
        listen([queue], name=name, patience_seconds=0.3, deaf=lambda: deaf.append(True))
        (told,) = pulse.read([queue]).queues
        assert (deaf, told.waiting, told.up, told.workers[0].name) == ([True], 1, 1, name)
        said = json.loads(client.hget(pulse.WORKERS, name) or "")
        client.hset(pulse.WORKERS, name, json.dumps(said | {"at": said["at"] - 60}))
        assert [worker.up for worker in pulse.read([queue]).queues[0].workers] == [False]
        client.hset(pulse.WORKERS, name, json.dumps(said | {"at": said["at"] - 2 * pulse.FORGOTTEN_AFTER}))
        assert pulse.read([queue]).queues[0].workers == ()
        pulse.Sign("another", [], every_seconds=5).forget_others(client)
        assert not client.hexists(pulse.WORKERS, name)
        client.delete(queue)


def test_a_real_beat_says_that_it_beats(tmp_path: Path) -> None:
    environment = os.environ | {"REDIS_URL": settings.REDIS_URL}
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "config.celery",
        "beat",
        "--pidfile=",
        "-s",
        str(tmp_path / "beat"),
    ]
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete(pulse.BEAT)
        assert not pulse.read(["general"]).beat_up
        beat = subprocess.Popen(command, env=environment, cwd=settings.BASE_DIR, stderr=subprocess.DEVNULL)
        try:
            until = time.monotonic() + 40
            while not pulse.read(["general"]).beat_up and time.monotonic() < until:
                time.sleep(0.2)
            assert pulse.read(["general"]).beat_up
        finally:
            beat.terminate()
            beat.wait(20)
            client.delete(pulse.BEAT, "general")
