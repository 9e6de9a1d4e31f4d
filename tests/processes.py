"""Real processes for tests that need them: a web server, a region's worker, and a wire that can be cut."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
from django.conf import settings
from django.db import connection
from psycopg.conninfo import make_conninfo


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def eventually(true: Callable[[], Any], seconds: float = 30, every: float = 0.1) -> Any:
    """Look again and again until it is true; the last answer either way."""
    deadline = time.monotonic() + seconds
    while True:
        found = true()
        if found or time.monotonic() > deadline:
            return found
        time.sleep(every)


def environment(var: Path, **changes: str) -> dict[str, str]:
    """The environment of a process that works on this test's database and on folders under ``var``."""
    place = connection.settings_dict
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    given = {ours: str(place[theirs]) for theirs, ours in names.items() if place[theirs]}
    return dict(os.environ) | {"DATABASE_URL": make_conninfo(**given), "VAR_DIR": str(var)} | changes


@contextlib.contextmanager
def running(*command: str, env: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours; it and its children are killed at the end."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=settings.BASE_DIR, env=env, stdout=out, stderr=out, start_new_session=True
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def web(var: Path, **changes: str) -> Iterator[tuple[str, int]]:
    """gunicorn with one worker process; its address and the worker's number."""
    port = free_port()
    env = environment(var, PORT=str(port), WEB_WORKERS="1", **changes)
    command = ("-m", "gunicorn", "config.wsgi:application", "--config", "config/server.py")
    log = var / "web.log"
    with running(*command, env=env, log=log) as process:
        url = f"http://127.0.0.1:{port}"
        assert eventually(lambda: answers(f"{url}/healthz")), log.read_text()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        workers = children.read_text().split() if children.exists() else [str(process.pid)]
        yield url, int(workers[0])


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, trust_env=False).status_code < 500
    except httpx.TransportError:
        return False


@contextlib.contextmanager
def worker(region: str, var: Path, **changes: str) -> Iterator[Path]:
    """A Celery worker of one region, up; its log."""
    log = var / f"worker-{region}.log"
    log.touch()
    command = (
        "-m",
        "celery",
        "-A",
        "config.celery",
        "worker",
        "-Q",
        f"clips.{region}",
        "-n",
        f"{region}@test-{os.getpid()}",
    )
    options = (
        "--concurrency",
        "1",
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
        "--loglevel",
        "info",
    )
    with running(*command, *options, env=environment(var, **changes), log=log):
        assert eventually(lambda: " ready." in log.read_text(), 60), log.read_text()
        yield log


class Wire:
    """A TCP proxy before a server. ``fault`` takes (to the server?, how many bytes so far, the bytes) and answers what
    goes on; None cuts the connection. ``taken`` counts the connections."""

    def __init__(self, port: int) -> None:
        self.heal()
        self.taken = 0
        wire = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                wire.taken += 1
                with socket.create_connection(("127.0.0.1", port)) as server:
                    back = threading.Thread(target=wire.carry, args=(server, self.request, False), daemon=True)
                    back.start()
                    wire.carry(self.request, server, True)
                    back.join()

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def heal(self) -> None:
        self.fault: Callable[[bool, int, bytes], bytes | None] = lambda up, so_far, data: data

    def carry(self, source: socket.socket, target: socket.socket, up: bool) -> None:
        so_far = 0
        try:
            while data := source.recv(65536):
                sent = self.fault(up, so_far, data)
                so_far += len(data)
                if sent is None:
                    break
                target.sendall(sent)
        except OSError:
            pass
        finally:
            for end in (source, target):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
