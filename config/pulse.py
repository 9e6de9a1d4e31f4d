"""Signs of life: workers and the beat say in Redis that they are there, and pages read it without waiting for anybody.

Nothing is decided by it. Redis may be emptied or away: then nobody is known to be alive for a few seconds, or it is
said that it cannot be reached. Its clock is used for all, so that machines need not agree on the time.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import redis
from celery.signals import after_task_publish
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger("sightline.pulse")

WORKERS, BEAT = "sightline:workers", "sightline:beat"
# What was not heard of for so long is forgotten: its machine is gone, or has another name.
FORGOTTEN_AFTER = 3600.0
# The beat's quickest line is due every five seconds.
BEAT_SILENT_AFTER = 30.0
PATIENCE_SECONDS = 0.5


@dataclass(frozen=True)
class Worker:
    """One worker, as it last said of itself."""

    name: str
    queues: tuple[str, ...]
    busy: bool
    heard_at: datetime
    taken_at: datetime | None
    """When it last took a message, as far as it noticed."""
    up: bool


@dataclass(frozen=True)
class Queue:
    """One queue: messages that wait, and who consumes it."""

    name: str
    waiting: int
    workers: tuple[Worker, ...]

    @property
    def up(self) -> int:
        return sum(worker.up for worker in self.workers)


@dataclass(frozen=True)
class Pulse:
    """What Redis knows; ``reached`` is whether it answered."""

    reached: bool
    queues: tuple[Queue, ...] = field(default=())
    beat_at: datetime | None = None
    beat_up: bool = False


def client(*, patience_seconds: float = PATIENCE_SECONDS) -> redis.Redis:
    """A connection for a page: it gives up soon, and does not try twice."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=patience_seconds,
        socket_connect_timeout=patience_seconds,
        retry=Retry(NoBackoff(), 0),
    )


def read(queues: Sequence[str]) -> Pulse:
    """The signs of life of these queues; never raises, and waits a second at the most."""
    try:
        with client() as asked, asked.pipeline(transaction=False) as line:
            line.time()
            line.hgetall(WORKERS)
            line.get(BEAT)
            for name in queues:
                line.llen(name)
            (seconds, micro), told, beat, *waiting = line.execute()
    except (redis.RedisError, OSError):
        return Pulse(reached=False)
    now = float(seconds) + float(micro) / 1_000_000
    workers = [_worker(name.decode(), json.loads(said), now) for name, said in sorted(told.items())]
    known = [one for one in workers if now - one.heard_at.timestamp() < FORGOTTEN_AFTER]
    return Pulse(
        reached=True,
        queues=tuple(
            Queue(name, int(count), tuple(one for one in known if name in one.queues))
            for name, count in zip(queues, waiting, strict=True)
        ),
        beat_at=_instant(beat),
        beat_up=bool(beat) and now - float(beat) < BEAT_SILENT_AFTER,
    )


def _worker(name: str, said: dict[str, Any], now: float) -> Worker:
    heard = float(said["at"])
    return Worker(
        name=name,
        queues=tuple(said["queues"]),
        busy=bool(said["busy"]),
        heard_at=datetime.fromtimestamp(heard, UTC),
        taken_at=_instant(said["taken_at"]),
        up=now - heard < 3 * float(said["every"]) + 5,
    )


def _instant(seconds: Any) -> datetime | None:
    return datetime.fromtimestamp(float(seconds), UTC) if seconds else None


class Sign:
    """What one worker says of itself again and again."""

    def __init__(self, name: str, queues: Sequence[str], *, every_seconds: float) -> None:
        self.name, self.queues, self.every = name, list(queues), every_seconds
        self._taken, self._taken_at = 0, 0.0

    def give(self, asked: redis.Redis, *, busy: bool, taken: int) -> None:
        """Say it. Raises what Redis does."""
        seconds, micro = asked.time()
        now = seconds + micro / 1_000_000
        if taken != self._taken:
            self._taken, self._taken_at = taken, now
        said = {"at": now, "queues": self.queues, "busy": busy, "taken_at": self._taken_at, "every": self.every}
        asked.hset(WORKERS, self.name, json.dumps(said))

    def forget_others(self, asked: redis.Redis) -> None:
        """Remove signs of workers that are long gone. Raises what Redis does."""
        seconds, _ = asked.time()
        for name, said in asked.hgetall(WORKERS).items():
            if seconds - json.loads(said)["at"] > FORGOTTEN_AFTER:
                asked.hdel(WORKERS, name)


def watch_beat(**_: Any) -> None:
    """In the beat's process: each message it sends is a sign of its life."""
    after_task_publish.connect(beat, weak=False)


def beat(**_: Any) -> None:
    """Say that the beat sent something; a Redis that is away is passed over."""
    try:
        with client(patience_seconds=2) as asked:
            seconds, micro = asked.time()
            asked.set(BEAT, f"{seconds}.{micro:06d}")
    except (redis.RedisError, OSError) as error:
        log.warning("the beat's sign of life was not written: %s", type(error).__name__)
