"""A throwaway PostgreSQL 18 and Redis with the product's own settings, as durable as on a server.

An engine given by DATABASE_URL or REDIS_URL is used as it is. Databases are made beside the one that the URL names, and
dropped at the end.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from config.stack import account, engines, leftovers, lock, output, places
from config.stack.failure import Failed

PREFIX = "sightline-bench-"
OURS = "sightline_bench_"


@contextlib.contextmanager
def running() -> Iterator[Path]:
    """Start what the environment does not give, tell the environment about it, and yield the run's own folder."""
    signal.signal(signal.SIGTERM, _leave)
    given = dict(os.environ)
    clear_abandoned()
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    if account.unprivileged() is not None:
        folder.chmod(0o711)
    there = places.lay_out(folder)
    with contextlib.ExitStack() as stack:
        stack.callback(_remove, there)
        stack.enter_context(lock.held(there))
        names = engines.wanted(given)
        made = engines.urls(there, names)
        log = stack.enter_context((folder / "engines.log").open("ab"))
        if names:
            kept = engines.kept(there, names, lambda name, place: partial(output.log, file=log), durable=True)
            stack.callback(kept.stop)
            kept.start()
            engines.wait(kept, made)
        values = {
            "SECRET_KEY": secrets.token_urlsafe(64),
            "ACCESS_LOG_KEY": secrets.token_urlsafe(64),
            "ALLOWED_HOSTS": "localhost,127.0.0.1",
            "SIGHTLINE_EMBEDDED": "1",
            "VAR_DIR": str(there.var),
            **made,
        }
        os.environ.update({name: value for name, value in values.items() if not given.get(name)})
        os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.rig.served.settings"
        stack.callback(_drop_databases)
        yield folder


def name_in_url() -> str:
    """The database that the run's URL names."""
    return str(conninfo_to_dict(os.environ["DATABASE_URL"]).get("dbname") or "sightline")


def address(database: str) -> str:
    """The address of a database on the run's server."""
    return make_conninfo(os.environ["DATABASE_URL"], dbname=database)


def connect(database: str = "", **options: Any) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection of our own, without the application's time limits; to the database the URL names, or another."""
    url = address(database) if database else os.environ["DATABASE_URL"]
    return psycopg.connect(url, autocommit=True, **options)


def create_database(name: str, *, like: str = "") -> str:
    """Make a database of the run, empty or as a copy; returns its whole name."""
    whole = OURS + name
    with connect() as link:
        link.execute(f'DROP DATABASE IF EXISTS "{whole}"')
        template = f' TEMPLATE "{like}" STRATEGY FILE_COPY' if like else ""
        link.execute(f'CREATE DATABASE "{whole}"{template}')
    return whole


def drop_database(name: str) -> None:
    with connect() as link:
        link.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def clear_abandoned() -> None:
    """End and remove what a killed run left: a folder of ours that no living run holds."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(Failed, OSError):
            there = places.describe(folder)
            if places.is_private(folder) and places.is_ours(folder) and (there.run / "lock").exists():
                with lock.held(there):
                    _remove(there)


def _drop_databases() -> None:
    with contextlib.suppress(psycopg.Error), connect() as link:
        rows = link.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [OURS]).fetchall()
        for (name,) in rows:
            link.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _remove(there: places.Places) -> None:
    leftovers.end(there, patience=1.0)
    places.wipe(there)
    shutil.rmtree(there.var, ignore_errors=True)


def _leave(number: int, frame: object) -> None:
    raise SystemExit(128 + number)
