"""A throwaway PostgreSQL and Redis for one test run, up before pytest-django reads the settings.

Loaded by `-p tests.engines` (pyproject.toml), so that `pytest` alone does what `make test` does. An engine given by
DATABASE_URL or REDIS_URL is used as it is. xdist's workers inherit the environment made here and start nothing. Each
has a database of PostgreSQL, which is pytest-django's doing, and one of Redis: else one's Celery workers would take
what the other rings for.
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from config.stack import account, engines, leftovers, lock, output, places
from config.stack.failure import Failed
from config.stack.supervising import Program
from tests import template

PREFIX = "sightline-tests-"
_running = ExitStack()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None]:
    # A wrapper, because it runs before every plain hook: pytest-django reads the settings in one.
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is not None:
        os.environ["REDIS_URL"] = redis_of(os.environ["REDIS_URL"], int(worker.removeprefix("gw")))
    else:
        atexit.register(_running.close)
        try:
            start()
        except Failed as failed:
            raise pytest.UsageError(f"throwaway engines: {failed}") from failed
    return (yield)


def pytest_unconfigure() -> None:
    # Closing twice is harmless, and after this the exit handler has nothing left to do.
    _running.close()


def start() -> None:
    """Start what the environment does not give, and tell the environment about it."""
    given = dict(os.environ)
    clear_abandoned()
    var = make_folder()
    there = places.lay_out(var)
    _running.callback(_remove, there)
    _running.enter_context(lock.held(there))
    names = engines.wanted(given)
    made = engines.urls(there, names)
    log = _running.enter_context((var / "engines.log").open("ab"))
    if names:
        kept = engines.kept(there, names, lambda name, place: partial(output.log, file=log), durable=False)
        kept.programs = [roomy(program) for program in kept.programs]
        _running.callback(kept.stop)
        kept.start()
        engines.wait(kept, made)
    if "postgres" in names:
        made[template.MAY_BE_MADE] = "1"
    values = {
        "SECRET_KEY": secrets.token_urlsafe(64),
        "ACCESS_LOG_KEY": secrets.token_urlsafe(64),
        "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1],testserver",
        "SIGHTLINE_EMBEDDED": "1",
        "VAR_DIR": str(there.var),
        **made,
    }
    os.environ.update({name: value for name, value in values.items() if not given.get(name)})


def redis_of(address: str, worker: int) -> str:
    """Where the worker of that number keeps its rings: as many databases after the given one, of Redis' usual 16."""
    url = urlsplit(address)
    if url.scheme == "unix":
        first = int(parse_qs(url.query).get("db", ["0"])[0])
        return f"{address.partition('?')[0]}?db={(first + worker) % 16}"
    first = int(url.path.strip("/") or 0)
    return url._replace(path=f"/{(first + worker) % 16}").geturl()


def roomy(program: Program) -> Program:
    """PostgreSQL with room for three races of 200 people with a connection each, one for each worker of a run."""
    if program.name != "postgres":
        return program
    return program._replace(command=[*program.command, "-c", "max_connections=650"])


def make_folder() -> Path:
    """A folder of this run alone. Root opens it far enough for PostgreSQL's account to reach its own data."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    if account.unprivileged() is not None:
        folder.chmod(0o711)
    return folder


def clear_abandoned() -> None:
    """End and remove what a killed test run left: a folder of ours that no living run holds."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(Failed, OSError):
            there = places.describe(folder)
            # Without a lock file it is a run that is just starting.
            if places.is_private(folder) and places.is_ours(folder) and (there.run / "lock").exists():
                with lock.held(there):
                    _remove(there)


def _remove(there: places.Places) -> None:
    leftovers.end(there, patience=1.0)
    places.wipe(there)
    shutil.rmtree(there.var, ignore_errors=True)
