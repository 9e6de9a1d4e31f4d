"""A region's worker with named points around each step of a purge. A file of a point's name is an order: the process
that reaches it first dies there. Given to Celery in the place of ``config.celery``; the product knows nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import django

from config.celery import app
from tests.crashes.points import reach

django.setup()

from clips import buckets, purging, storage  # noqa: E402 -- models are not loaded before

__all__ = ["POINTS", "app"]

STEPS = ["claim", "write_ledger", "write_out", "empty_store", "forget_rows", "listed", "settle", "finish"]
WITHIN = "within empty_store, something removed and something not"
POINTS = [f"{when} {step}" for step in STEPS for when in ("before", "after")] + [WITHIN]


def around(step: str, do: Callable[..., Any]) -> Callable[..., Any]:
    def stepped(*args: Any, **kwargs: Any) -> Any:
        reach(f"before {step}")
        answer = do(*args, **kwargs)
        reach(f"after {step}")
        return answer

    return stepped


def install() -> None:
    for step in STEPS:
        setattr(purging, step, around(step, getattr(purging, step)))
    unlink = storage.Path.unlink
    client = buckets._client

    class DyingPath(type(storage.Path())):  # type: ignore[misc]
        def unlink(self, missing_ok: bool = False) -> None:
            unlink(self, missing_ok)
            reach(WITHIN)

    def dying(which: Any) -> Any:
        found = client(which)
        delete = found.delete_object

        class Client:
            def __getattr__(self, name: str) -> Any:
                return getattr(found, name)

            def delete_object(self, **place: Any) -> Any:
                answer = delete(**place)
                reach(WITHIN)
                return answer

        return Client()

    storage.Path = DyingPath  # type: ignore[misc]
    buckets._client = dying  # type: ignore[assignment]


install()
