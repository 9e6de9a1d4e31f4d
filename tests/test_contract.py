"""The owners' doors against their own description: whatever is sent, the answer is one that the document promises."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
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

from clips.models import ConsentEvent
from tests.conftest import make_ready_clips, make_user, permit

OWNER = "owner-of-contract"
DOORS = {
    ("POST", "/api/v1/consents"),
    ("POST", "/api/v1/consents/{id}/withdraw"),
    ("GET", "/api/v1/owners/{key}"),
    ("GET", "/api/v1/disclosures"),
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
    headers = {
        "Authorization": f"Token {get_token_model().objects.create(user)[1]}",
        "Host": "testserver",
    }
    answered: set[int] = set()
    events = ConsentEvent.objects.count()

    @settings(
        max_examples=40,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(case=operations[door].as_strategy())
    def ask(case: Any) -> None:
        # Now and then something that is there.
        if "id" in case.path_parameters and len(answered) % 2 == 0:
            case.path_parameters["id"] = mine.pk
        if "key" in case.path_parameters and len(answered) % 2 == 0:
            case.path_parameters["key"] = clip.owner_key
        with transaction.atomic():
            reply = case.call(headers=headers)
            answered.add(reply.status_code)
            case.validate_response(reply, checks=CHECKS)
            transaction.set_rollback(True)

    ask()
    assert ConsentEvent.objects.count() == events
    if role == "nobody":
        # 404: what is no owner's key at all has no door.
        assert answered <= {403, 404}, answered
    else:
        assert answered & {200, 201, 400}, answered
