"""What a client is told when the database goes away: that the call's outcome is open, and how to learn it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connection

from tests.conftest import signed_in

GONE = OperationalError("server closed the connection unexpectedly")


@pytest.mark.parametrize("error", [GONE, InterfaceError("connection already closed")])
@pytest.mark.parametrize(
    ("method", "path"),
    [("get", "/api/v1/leases"), ("post", "/api/v1/leases"), ("get", "/api/v1/me"), ("post", "/api/v1/tokens")],
)
def test_a_database_that_is_away_is_a_503_that_says_when_to_come_back(tasks, asha, error, method, path) -> None:
    client = signed_in(asha.user)

    def away(*args: Any) -> None:
        raise error

    with connection.execute_wrapper(away):
        reply = getattr(client, method)(path, {"username": "asha", "password": "x"} if "tokens" in path else {})
    assert (reply.status_code, reply["Content-Type"]) == (503, "application/problem+json")
    assert reply.json()["code"] == "try-again"
    assert int(reply["Retry-After"]) > 0


def test_a_503_after_the_commit_does_not_say_that_nothing_was_done_and_repeating_tells(tasks, asha) -> None:
    client = signed_in(asha.user)
    (lease,) = client.post("/api/v1/leases").json()["leases"]
    answer = {"token": lease["token"], "answer": {"label": "threat"}}

    def leave_after_commit(execute: Any, sql: str, *args: Any) -> Any:
        result = execute(sql, *args)
        if "sightline_submit(" in sql:
            raise GONE
        return result

    with connection.execute_wrapper(leave_after_commit):
        reply = client.post(f"/api/v1/leases/{lease['id']}/annotation", answer)
    assert (reply.status_code, reply.json()["code"]) == (503, "try-again")
    assert "nothing was" not in reply.json()["detail"]
    assert "repeat" in reply.json()["detail"]

    again = client.post(f"/api/v1/leases/{lease['id']}/annotation", answer)
    assert (again.status_code, again.json()["answer"]) == (200, answer["answer"])
