"""The owners' doors against their own description: whatever is sent, the answer is one that the document promises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from knox.models import get_token_model
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from annotations import leasing
from annotations.models import Export, Lease
from clips import cases, requesting
from clips.models import Clip, ConsentEvent
from config.clock import database_now
from tests.conftest import make_project, make_ready_clips, make_reviewer, make_team, make_user, permit, put_in_lane
from workforce.models import Team

OWNER = "owner-of-contract"
DOORS = {
    ("POST", "/api/v1/consents"),
    ("POST", "/api/v1/consents/{id}/withdraw"),
    ("GET", "/api/v1/owners/{key}"),
    ("GET", "/api/v1/disclosures"),
}
# The rest of what consent and sight have brought, each with somebody who may go through it.
OTHER_DOORS = {
    ("GET", "/api/v1/owners/{key}/sights"): "privacy officer",
    ("POST", "/api/v1/owners/{key}/requests"): "privacy officer",
    ("GET", "/api/v1/owners/{key}/requests/{id}"): "privacy officer",
    ("GET", "/api/v1/transparency"): "nobody",
    ("GET", "/api/v1/ops/cases"): "privacy officer",
    ("POST", "/api/v1/ops/cases/{id}/decision"): "privacy officer",
    ("GET", "/api/v1/exports/{id}/withdrawals"): "model team",
    ("POST", "/api/v1/leases/{id}/flag"): "reviewer",
    ("POST", "/api/v1/leases/{id}/renew"): "reviewer",
    ("GET", "/api/v1/me/opt-outs"): "reviewer",
    ("PUT", "/api/v1/me/opt-outs"): "reviewer",
}
CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """A request that ends here hangs up no database, as in Django's own test client."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def operations(gateway) -> dict[tuple[str, str], Any]:
    """The doors as the served document describes them, on this process's own application."""
    loaded = schemathesis.openapi.from_wsgi(
        "/api/v1/schema", WSGIHandler(), headers={"Accept": "application/vnd.oai.openapi+json", "Host": "testserver"}
    )
    found = {}
    for result in loaded.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]
        found[operation.method.upper(), operation.path] = operation
    return found


@pytest.mark.django_db
@pytest.mark.parametrize("door", sorted(DOORS), ids=" ".join)
@pytest.mark.parametrize("role", ["camera gateway", "privacy officer", "nobody"])
def test_answers_are_as_described_whatever_is_sent(operations, gateway, door, role) -> None:
    user = make_user("asker", None if role == "nobody" else role, is_staff=role == "privacy officer")
    clip = make_ready_clips(gateway, 1)[0]
    mine = permit(clip, "human_review", by=user)
    events = ConsentEvent.objects.count()
    answered = asked_of(operations[door], user, {"id": mine.pk, "key": clip.owner_key})
    assert ConsentEvent.objects.count() == events
    if role == "nobody":
        # 404: what is no owner's key at all has no door.
        assert answered <= {403, 404}, answered
    else:
        assert answered & {200, 201, 400}, answered


@pytest.mark.django_db
@pytest.mark.parametrize("door", sorted(OTHER_DOORS), ids=" ".join)
def test_the_other_doors_answer_as_described_too(operations, gateway, door) -> None:
    role = OTHER_DOORS[door]
    team = make_team()
    clip = make_ready_clips(gateway, 1)[0]
    lease, asker = lease_of(clip, team)
    if role != "reviewer":
        asker = make_user("asker", None if role == "nobody" else role, is_staff=role == "privacy officer")
    filed, _ = requesting.file(
        owner_key=clip.owner_key, kind="access", region="in", law="gdpr", received_at=database_now(), by=asker
    )
    with transaction.atomic():
        case = cases.open_case(clip.pk, kind="emergency", at=database_now())
    export = Export.objects.create(project=lease.task.project, requested_by=asker, due_at=database_now())
    there = {"/leases/": lease.pk, "/cases/": case.pk, "/requests/": filed.pk, "/exports/": export.pk}
    number = next((number for part, number in there.items() if part in door[1]), 0)
    answered = asked_of(operations[door], asker, {"id": number, "key": clip.owner_key}, most=25)
    assert answered & {200, 201, 400, 409, 422}, answered
    assert not answered & {401, 403}, answered


def lease_of(clip: Clip, team: Team) -> tuple[Lease, User]:
    """A lease of the clip, and its reviewer's sign-in."""
    reviewer = make_reviewer("looks", team)
    project = make_project(team)
    put_in_lane(project, team, [clip], at=database_now())
    granted = leasing.lease_next(reviewer.user_id, count=1)
    return Lease.objects.select_related("task__project").get(pk=granted.lease_ids[0]), reviewer.user


def asked_of(operation: Any, user: User, there: dict[str, Any], *, most: int = 40) -> set[int]:
    """Ask whatever the document permits, now and then of something that is there; returns what was answered. Each
    answer is held against the document, and taken back."""
    headers = {"Authorization": f"Token {get_token_model().objects.create(user)[1]}", "Host": "testserver"}
    answered: set[int] = set()

    @settings(
        max_examples=most,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        for name, value in there.items():
            if name in case.path_parameters and len(answered) % 2 == 0:
                case.path_parameters[name] = value
        with transaction.atomic():
            reply = case.call(headers=headers)
            answered.add(reply.status_code)
            case.validate_response(reply, checks=CHECKS)
            transaction.set_rollback(True)

    ask()
    return answered
