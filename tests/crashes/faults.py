"""What goes wrong, one thing after another, while the reviewers work. Every fault is counted when it has happened."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

from tests.crashes import points
from tests.crashes.stack import Stack

KILLED = "web process killed: "
ENDED = "PostgreSQL's backend ended while it runs: "
IMMEDIATE = "PostgreSQL stopped with -m immediate"
FLUSHED = "Redis flushed"
REDIS_KILLED = "Redis killed"
BREATH = 0.2  # between faults, so that there is work under way for the next


class Storm:
    """Faults for a stack."""

    def __init__(self, stack: Stack, *, seed: int = 1) -> None:
        self.stack = stack
        self.happened: Counter[str] = Counter()
        self.longest_outage = 0.0
        self._chance = random.Random(seed)

    def turn(self) -> None:
        """Every fault once, in an order of chance."""
        faults: list[Callable[[], None]] = [
            *(partial(self.kill_at, point) for point in points.POINTS),
            *(partial(self.kill_while_running, verb) for verb in ("take", "submit")),
            *(partial(self.end_backend, verb) for verb in ("take", "submit")),
            self.flush_redis,
            self.kill_redis,
            self.stop_postgres,
        ]
        self._chance.shuffle(faults)
        for fault in faults:
            fault()
            time.sleep(BREATH)

    def kill_at(self, point: str) -> None:
        """Have a web process die at a named point, and wait until one has."""
        before = points.fired(self.stack.points, point)
        points.order(self.stack.points, point)
        self._until(lambda: points.fired(self.stack.points, point) > before, point)
        self.happened[KILLED + point] += 1

    def kill_while_running(self, verb: str) -> None:
        """Kill a web process while PostgreSQL is in the middle of its statement."""
        self._in_the_middle(verb, lambda backend, process: os.kill(process, signal.SIGKILL))
        self.happened[f"{KILLED}{verb}, while its statement runs"] += 1

    def end_backend(self, verb: str) -> None:
        """Roll a statement back from outside, as a failover or an administrator would."""

        def end(backend: int, process: int) -> None:
            with self.stack.connect() as link:
                link.execute("SELECT pg_terminate_backend(%s, 2000)", [backend])

        self._in_the_middle(verb, end)
        self.happened[ENDED + verb] += 1

    def flush_redis(self) -> None:
        with self.stack.redis() as client:
            client.flushall()
        self.happened[FLUSHED] += 1

    def kill_redis(self) -> None:
        """Redis alone: it is back within milliseconds, and a worker that this leaves deaf must notice it itself."""
        first = 0

        def is_another() -> bool:
            self.stack.engines.tend(patient=True)
            return self.stack.engines.pids["redis"] not in (0, first)

        self._until(is_another, "Redis is up")
        first = self.stack.engines.pids["redis"]
        os.kill(first, signal.SIGKILL)
        self._until(is_another, REDIS_KILLED)
        self.happened[REDIS_KILLED] += 1

    def stop_postgres(self) -> None:
        self.longest_outage = max(self.longest_outage, self.stack.stop_postgres_immediately())
        self.happened[IMMEDIATE] += 1

    def _in_the_middle(self, verb: str, act: Callable[[int, int], None]) -> None:
        """Hold the quota days, so that the next such statement waits in its middle, and act upon the one that does."""
        found: list[tuple[int, int]] = []

        def look() -> bool:
            row = looking.execute(
                "SELECT pid, application_name FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                " AND application_name LIKE 'web-%%' AND position(%s in query) > 0 LIMIT 1",
                [f"sightline_{verb}("],
            ).fetchone()
            if row is not None:
                found.append((row[0], int(row[1].removeprefix("web-"))))
            return row is not None

        with self.stack.connect() as holding, self.stack.connect() as looking:
            for _ in range(20):
                with holding.transaction():
                    holding.execute("SELECT FROM workforce_quotaday FOR UPDATE")
                    # Not for long: all may be waiting with the other verb, and then none comes.
                    if self._soon(look, 0.3):
                        act(*found[0])
                        time.sleep(0.05)
                        return
                time.sleep(0.05)
        raise AssertionError(f"no {verb} was ever in its middle")

    def _until(self, true: Callable[[], bool], what: str) -> None:
        assert self._soon(true, 20), f"this never happened: {what}"

    def _soon(self, true: Callable[[], bool], seconds: float) -> bool:
        until = time.monotonic() + seconds
        while not true():
            if time.monotonic() > until:
                return False
            time.sleep(0.01)
        return True
