"""A client of our own HTTP doors, as a gateway, a reviewer's app or a model team would write it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

from annotations.demonstration.logins import Login

T = TypeVar("T")


class StepFailed(Exception):
    """A step of the demonstration did not come to its end; the text says which and why."""


class Client:
    """One signed-in user of the API."""

    def __init__(self, base_url: str, login: Login) -> None:
        self.login = login
        self._http = httpx.Client(base_url=base_url, timeout=30, trust_env=False)
        answer = self.call("POST", "/api/v1/tokens", json={"username": login.username, "password": login.password})
        self._http.headers["Authorization"] = f"Token {answer['token']}"

    def call(self, method: str, url: str, *, expect: tuple[int, ...] = (200, 201, 202), **options: Any) -> Any:
        """The JSON of an answer whose status is expected. Raises :class:`StepFailed` for any other."""
        answer = self.send(method, url, **options)
        if answer.status_code not in expect:
            raise StepFailed(f"{method} {url} answered {answer.status_code}: {answer.text[:300]}")
        return answer.json() if answer.content else None

    def send(self, method: str, url: str, **options: Any) -> httpx.Response:
        """The answer as it came; a server that is just restarting is asked again, every call here may be repeated."""
        for patience in (0.3, 1.0, 3.0, 5.0, None):
            try:
                answer = self._http.request(method, url, **options)
                if answer.status_code != 503 or patience is None:
                    return answer
            except httpx.TransportError as error:
                if patience is None:
                    raise StepFailed(f"{method} {url} got no answer: {error}") from None
            time.sleep(patience)
        raise StepFailed(f"{method} {url} got no answer")

    def close(self) -> None:
        self._http.close()


def wait_for(what: str, look: Callable[[], T | None], *, seconds: float, every: float = 0.5) -> T:
    """Look again and again until there is something; raises :class:`StepFailed` when time is over."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found is not None:
            return found
        if time.monotonic() > deadline:
            raise StepFailed(f"{what}: not after {seconds:.0f} seconds")
        time.sleep(every)
