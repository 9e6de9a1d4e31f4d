"""Amending: by the author, within the window, with the version in hand; nothing of what was said before is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from annotations import consensus
from annotations.models import AmendedAnswer, Annotation, Project, Task, TaskState
from config.clock import database_now
from tests.conftest import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(asha):
    return signed_in(asha.user)


def answer_next(client, label: str):
    lease = client.post("/api/v1/leases", {}).json()["leases"][0]
    body = {"token": lease["token"], "answer": {"label": label}}
    return lease, client.post(f"/api/v1/leases/{lease['id']}/annotation", body)


def amend(client, lease, label: str, tag: str | None = '"1"'):
    headers = {} if tag is None else {"If-Match": tag}
    url = f"/api/v1/leases/{lease['id']}/annotation"
    return client.put(url, {"answer": {"label": label, "note": "on second thought"}}, headers=headers)


def settle() -> None:
    for task_id in consensus.waiting(at=database_now()):
        consensus.settle(task_id, at=database_now())


def test_an_author_amends_and_every_version_is_kept(tasks, client) -> None:
    lease, first = answer_next(client, "threat")
    assert first["ETag"] == '"1"'
    second = amend(client, lease, "unsure")
    assert (second.status_code, second["ETag"], second.json()["version"]) == (200, '"2"', 2)
    third = amend(client, lease, "false_alarm", second["ETag"])
    assert third.json()["label"] == "false_alarm"
    kept = list(AmendedAnswer.objects.values_list("version", "label"))
    assert kept == [(1, "threat"), (2, "unsure")]
    looked = client.get(f"/api/v1/leases/{lease['id']}/annotation")
    assert (looked.json()["label"], looked["ETag"]) == ("false_alarm", '"3"')


def test_a_version_must_be_named_and_be_the_last(tasks, client) -> None:
    lease, _ = answer_next(client, "threat")
    none = amend(client, lease, "unsure", None)
    assert (none.status_code, none.json()["code"]) == (428, "if-match-required")
    assert amend(client, lease, "unsure").status_code == 200
    for stale in ('"1"', '"x"', "*", '"999999"'):
        reply = amend(client, lease, "threat", stale)
        assert (reply.status_code, reply.json()["code"]) == (412, "version-mismatch")
    assert Annotation.objects.get().label == "unsure"


def test_nobody_else_amends_and_nothing_outside_the_schema(tasks, client, ravi) -> None:
    lease, _ = answer_next(client, "threat")
    assert amend(signed_in(ravi.user), lease, "unsure").status_code == 404
    assert amend(client, lease, "burglar").json()["code"] == "answer-not-in-schema"
    other = client.post("/api/v1/leases", {}).json()["leases"][0]
    assert amend(client, other, "threat").status_code == 404


def test_the_window_closes(tasks, client) -> None:
    lease, _ = answer_next(client, "threat")
    Annotation.objects.update(submitted_at=database_now() - timedelta(minutes=16))
    late = amend(client, lease, "unsure")
    assert (late.status_code, late.json()["code"]) == (409, "amend-window-over")
    Project.objects.update(amend_minutes=20)
    assert amend(client, lease, "unsure").status_code == 200


def test_a_settled_task_is_weighed_again(tasks, client, ravi, meera) -> None:
    lease, _ = answer_next(client, "threat")
    answer_next(signed_in(ravi.user), "threat")
    settle()
    task = Task.objects.get(pk=tasks[0].pk)
    assert (task.state, task.label) == (TaskState.SETTLED, "threat")
    assert amend(client, lease, "false_alarm").status_code == 200
    task.refresh_from_db()
    assert (task.state, task.label) == (TaskState.FULL, "")
    settle()
    task.refresh_from_db()
    assert (task.state, task.overlap, task.seats_left) == (TaskState.OPEN, 3, 1)
    answer_next(signed_in(meera.user), "false_alarm")
    settle()
    task.refresh_from_db()
    assert (task.state, task.label) == (TaskState.SETTLED, "false_alarm")
