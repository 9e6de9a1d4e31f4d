"""A real web server over the product's WSGI application, in the ways one might run it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from importlib.util import find_spec
from pathlib import Path

from benchmarks.rig import engines
from config.stack.places import PROJECT


def ways() -> dict[str, list[str]]:
    """Command lines by name, ``{port}`` left open. The first is the product's own."""
    gunicorn = [sys.executable, "-m", "gunicorn", "config.wsgi:application", "--config", "config/server.py"]
    found = {
        "gunicorn gthread 2x8": gunicorn,
        "gunicorn gthread 2x4": [*gunicorn, "--threads", "4"],
        "gunicorn gthread 2x16": [*gunicorn, "--threads", "16"],
        "gunicorn gthread 4x4": [*gunicorn, "--workers", "4", "--threads", "4"],
        "gunicorn sync 4": [*gunicorn, "--workers", "4", "--threads", "1", "--worker-class", "sync"],
    }
    if find_spec("granian"):
        granian = [sys.executable, "-m", "granian", "--interface", "wsgi", "--access-log", "--port", "{port}"]
        for workers, threads in ((2, 2), (2, 8)):
            found[f"granian wsgi {workers}x{threads}"] = [
                *granian, "--workers", str(workers), "--blocking-threads", str(threads), "config.wsgi:application",
            ]  # fmt: skip
    if find_spec("uvicorn"):
        # Django's own ASGI handler: views that are not async run in one thread of each worker.
        found["uvicorn asgi 2"] = [
            sys.executable, "-m", "uvicorn", "--workers", "2", "--port", "{port}",
            "benchmarks.rig.served.asgi:application",
        ]  # fmt: skip
    return found


@contextlib.contextmanager
def serving(database: str, way: str, folder: Path) -> Iterator[int]:
    """Serve a database until the block ends; yields the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    environment = {
        **os.environ,
        "DATABASE_URL": engines.address(database),
        "WEB_BIND": f"127.0.0.1:{port}",
        "PYTHONPATH": os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
    }
    command = [word.format(port=port) for word in ways()[way]]
    with (folder / "web.log").open("ab") as log:
        server = subprocess.Popen(
            command, cwd=PROJECT, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            _wait(server, port, folder / "web.log")
            yield port
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + 40
    while time.monotonic() < until and server.poll() is None:
        link = HTTPConnection("127.0.0.1", port, timeout=5)
        with contextlib.suppress(OSError):
            link.request("GET", "/healthz")
            if link.getresponse().status == 200:
                return
        link.close()
        time.sleep(0.1)
    raise RuntimeError(f"the web server did not come up: {log.read_text(errors='replace')[-2000:]}")


def make_tokens(database: str, user_ids: list[int]) -> dict[int, str]:
    """A real token for each, as a sign-in makes it."""
    from django.contrib.auth.models import User
    from knox.models import get_token_model

    from benchmarks.rig import data

    data.use(database)
    made = {}
    for user in User.objects.filter(pk__in=user_ids):
        made[user.pk] = get_token_model().objects.create(user)[1]
    data.use("")
    return made
