"""Named points in a web process. A file of a point's name is an order: who reaches the point first dies there.

The product's code knows nothing of them. They sit where Django lets a caller sit: around a statement, around COMMIT and
around the application.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.postgresql.base import DatabaseWrapper
from django.db.backends.signals import connection_created

# The statements that are a transaction of their own: what is killed before one did nothing, after one has committed.
STATEMENTS = {"sightline_take(": "take", "sightline_submit(": "submit"}
# Giving back and skipping are several statements and a COMMIT.
POINTS = [
    "take, before its statement",
    "take, committed but not answered",
    "submit, before its statement",
    "submit, committed but not answered",
    "give back or skip, before COMMIT",
    "give back or skip, committed but not answered",
    "any call, its reply made but not sent",
]
FIRED = ".fired"

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def order(folder: Path, point: str) -> None:
    """Have the next process that reaches this point die there."""
    (folder / point).touch()


def fired(folder: Path, point: str) -> int:
    """How many processes died at this point."""
    return len(list(folder.glob(f"{point}.*{FIRED}")))


def reach(point: str) -> None:
    """Die here, if that is ordered. Renaming is what decides which of many threads and processes was first."""
    folder = Path(os.environ["CRASH_POINTS"])
    try:
        (folder / point).rename(folder / f"{point}.{os.getpid()}{FIRED}")
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def install(product: Application) -> Application:
    """The product's application with the points in place. Call it before the server forks."""

    def around_statement(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        verb = next((verb for name, verb in STATEMENTS.items() if name in str(sql)), None)
        if verb is None:
            return execute(sql, params, many, context)
        reach(f"{verb}, before its statement")
        result = execute(sql, params, many, context)
        reach(f"{verb}, committed but not answered")
        return result

    def watch(connection: DatabaseWrapper, **kwargs: Any) -> None:
        if around_statement not in connection.execute_wrappers:
            connection.execute_wrappers.append(around_statement)

    commit = DatabaseWrapper.commit

    def around_commit(connection: BaseDatabaseWrapper) -> None:
        reach("give back or skip, before COMMIT")
        commit(connection)
        reach("give back or skip, committed but not answered")

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        reply = product(environ, start_response)
        if environ["REQUEST_METHOD"] != "GET":
            reach("any call, its reply made but not sent")
        return reply

    connection_created.connect(watch, weak=False)
    DatabaseWrapper.commit = around_commit  # type: ignore[assignment,method-assign]
    # PostgreSQL then shows which process a connection belongs to.
    os.register_at_fork(after_in_child=lambda: os.environ.update(PGAPPNAME=f"web-{os.getpid()}"))
    return application
