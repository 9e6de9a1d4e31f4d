"""Whether this container's process is alive, for the health checks of docker-compose.yml; exit 0 when it is.

    python deploy/alive.py web http://127.0.0.1:8000/healthz
    python deploy/alive.py worker clips-in
    python deploy/alive.py beat

The image has no curl, and a check of its own can tell a dead process from one that waits for another.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

PATIENCE = 5.0
# Beat writes its schedule down every three minutes, between two ticks.
BEAT_SILENCE = 400.0


def web(url: str) -> str | None:
    """What is wrong with the web server, by asking it in the name of a host it answers to."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
    try:
        connection.request("GET", parts.path, headers={"Host": os.environ["ALLOWED_HOSTS"].split(",")[0].strip()})
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        return f"does not answer: {error}"
    finally:
        connection.close()
    return None if status == 200 else f"answers {status}"


def worker(name: str, proc: Path = Path("/proc")) -> str | None:
    """What is wrong with a worker: no process that would do the work, or deaf although Redis is well.

    ``celery inspect ping`` alone calls every worker dead while Redis is down, and sees nothing of the processes.
    """
    import redis
    from django.conf import settings
    from redis.exceptions import RedisError

    from config.celery import app

    if not _works(name, proc):
        return "no process waits for work"
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE
        ) as client:
            client.ping()
    except (RedisError, OSError) as error:
        # Redis' own check complains; the worker waits for it, as it should.
        print(f"Redis does not answer: {type(error).__name__}")
        return None
    node = f"{name}@{socket.gethostname()}"
    return None if app.control.ping(destination=[node], timeout=PATIENCE) else "Redis answers, the worker does not"


def beat(folder: Path | None = None) -> str | None:
    """What is wrong with beat: it wrote no schedule for longer than it ever takes."""
    folder = folder or Path(os.environ["VAR_DIR"])
    # What follows the name depends on the database that this Python keeps shelves in.
    written = [path.stat().st_mtime for path in folder.glob("beat-schedule*")]
    if not written:
        return "has written no schedule"
    silence = time.time() - max(written)
    return None if silence <= BEAT_SILENCE else f"wrote its schedule {silence:.0f} s ago"


def _works(name: str, proc: Path) -> bool:
    """Whether the kernel knows of a worker of this name with a child that has not died."""
    mains, parents = set(), set()
    for entry in proc.glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_text(errors="replace").split("\0")
            # What stands behind the program's name, which may hold anything: state, parent, ...
            state, parent = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        if f"{name}@%h" in words and state not in "ZX":
            mains.add(int(entry.name))
            parents.add(int(parent))
    return bool(mains & parents)


def main() -> int:
    checks = {"web": web, "worker": worker, "beat": beat}
    wrong = checks[sys.argv[1]](*sys.argv[2:])  # type: ignore[operator]
    if wrong:
        print(f"{sys.argv[1]}: {wrong}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
