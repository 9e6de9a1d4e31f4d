"""A stack of the rig's own: durable engines, the web server with its points, the worker and beat."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import redis

from config.stack import account, engines, environment, launcher, leftovers, lock, output, places
from config.stack.places import PROJECT, Places
from config.stack.supervising import Program, Supervisor
from tests.engines import make_folder

Row = tuple[Any, ...]


class Stack:
    """What runs, where it answers, and the ways to stop parts of it."""

    def __init__(self, there: Places) -> None:
        self.there = there
        self.points = there.var / "points"
        self.points.mkdir()
        self.port = free_port()
        names = ["postgres", "redis"]
        addresses = engines.urls(there, names)
        self.addresses = addresses
        values = environment.ours(there, {}, addresses) | {
            "CRASH_POINTS": str(self.points),
            "WEB_BIND": f"127.0.0.1:{self.port}",
            # A worker that a killed Redis left deaf should end itself while the test waits.
            "WORKER_DEAF_SECONDS": "5",
        }
        self.environment = environment.for_children(there, {}, values)
        self.log = there.var / "log"
        self._log = self.log.open("ab")
        self.engines = engines.kept(there, names, self._take, durable=True)
        python = [sys.executable, "-m"]
        celery = [*python, "celery", "-A", "config.celery"]
        quiet = ["--loglevel", "warning"]
        # Preloaded, so that the time goes into faults and not into what a killed process' successor imports.
        web = [*python, "gunicorn", "tests.crashes.wsgi:application", "--config", "config/server.py", "--preload"]
        worker = [*celery, "worker", "-Q", "general", "--concurrency", "1", "--without-gossip", "--without-mingle"]
        beat = [*celery, "beat", "--schedule", str(there.var / "beat-schedule"), "--pidfile="]
        programs = [Program("web", web), Program("worker", [*worker, *quiet]), Program("beat", [*beat, *quiet])]
        self.services = Supervisor("services", there, programs, self.environment, self._take)

    def start(self) -> dict[str, str]:
        """Bring everything up; returns the reviewers' tokens by their names."""
        self.engines.start()
        engines.wait(self.engines, self.addresses)
        self.manage("migrate", "--noinput", "--verbosity", "0")
        tokens: dict[str, str] = json.loads(self._python("-m", "tests.crashes.seed"))
        self.services.start()
        assert launcher.wait_for([self.services], lambda: launcher.healthy(self.port), 60), self.log.read_text()
        return tokens

    def stop(self) -> None:
        self.services.stop()
        self.engines.stop()
        self._log.close()

    def manage(self, *words: str) -> str:
        """The output of a management command that succeeds."""
        return self._python("manage.py", *words)

    def connect(self) -> psycopg.Connection[Row]:
        return psycopg.connect(self.addresses["DATABASE_URL"], autocommit=True)

    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.addresses["REDIS_URL"])

    def stop_postgres_immediately(self) -> float:
        """`pg_ctl stop -m immediate`, as if its power were cut; returns how long it was until it served again."""
        program = Path(self.engines.programs[0].command[0]).with_name("pg_ctl")
        since = time.monotonic()
        subprocess.run(
            [program, "stop", "-m", "immediate", "-W", "-D", self.there.data],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            **account.stepping_down(self.there.account),
        )
        while self._serves():
            time.sleep(0.02)
        engines.wait(self.engines, self.addresses)  # supervisord starts it again by itself
        return time.monotonic() - since

    def _serves(self) -> bool:
        try:
            with psycopg.connect(self.addresses["DATABASE_URL"], connect_timeout=1) as link:
                # A server that is new by now counts as one that went.
                row = link.execute("SELECT now() - pg_postmaster_start_time() > interval '1 second'").fetchone()
                return bool(row and row[0])
        except psycopg.OperationalError:
            return False

    def _python(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, *words], cwd=PROJECT, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _take(self, name: str, place: int) -> partial[None]:
        return partial(output.log, file=self._log)


def free_port() -> int:
    """A port that the system does not give to anybody else soon."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running() -> Iterator[tuple[Stack, dict[str, str]]]:
    """A stack that serves, and its reviewers' tokens; nothing of it stays."""
    there = places.lay_out(make_folder())
    with ExitStack() as held:
        held.callback(shutil.rmtree, there.var, ignore_errors=True)
        held.callback(places.wipe, there)
        held.callback(leftovers.end, there, patience=1.0)
        held.enter_context(lock.held(there))
        stack = Stack(there)
        held.callback(stack.stop)
        yield stack, stack.start()
