"""gunicorn's configuration, for the embedded stack and the image alike (``gunicorn --config config/server.py``)."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from gunicorn.glogging import Logger

from config.discretion import discreet


class DiscreetLogger(Logger):
    """The access log without what is secret in a path."""

    def atoms(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> dict[str, Any]:
        atoms: dict[str, Any] = super().atoms(resp, req, environ, request_time)
        return {name: discreet(str(value)) for name, value in atoms.items()}


bind = os.environ.get("WEB_BIND") or f"127.0.0.1:{os.environ.get('PORT', '8000')}"
# Threads, so that a slow player does not hold a whole process.
worker_class = "gthread"
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
timeout = 60
graceful_timeout = 5
keepalive = 5
max_requests = 20000
max_requests_jitter = 2000
logger_class = DiscreetLogger
accesslog = "-"
access_log_format = "%(m)s %(U)s %(s)s %(b)s bytes %(M)s ms"
errorlog = "-"
loglevel = "warning"
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108, PTH112 -- gunicorn's heartbeat files


def post_worker_init(worker: Any) -> None:
    """The first worker writes down what holds the media tools on this machine."""
    if worker.age == 1:
        from config.health import say_reports

        say_reports()
