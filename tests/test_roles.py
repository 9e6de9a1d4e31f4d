"""Who may: every door of the API tried by every role, without exception."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.core.files.storage import storages
from django.core.management import call_command
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.test import APIClient

from config.roles import ROLES, STAFF_ROLES
from tests.conftest import make_user, signed_in
from workforce.models import Reviewer

pytestmark = pytest.mark.django_db

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ANYONE = {
    "reviewer",
    "camera gateway",
    "model team",
    "ops manager",
    "team lead",
    "quality lead",
    "privacy officer",
    "auditor",
    "nobody in particular",
}
LOOK_AT_CLIPS = {"camera gateway", "ops manager", "quality lead", "privacy officer", "auditor"}
TAKE_EXPORTS = {"model team", "ops manager"}
SEE_EXPORTS = TAKE_EXPORTS | {"quality lead", "auditor"}

# What each role is answered, by door and method, when the object does not exist or the body is empty. 403: not for
# this role. 404: there is nothing here for you. 405: nobody may. Missing lines fail the test, so a new door must say.
POLICY: dict[tuple[str, str], dict[str, int]] = {
    ("tokens", "POST"): dict.fromkeys(ANYONE, 400),
    ("current-token", "DELETE"): dict.fromkeys(ANYONE, 204),
    ("me", "GET"): dict.fromkeys(ANYONE, 200),
    ("my-days", "GET"): {"reviewer": 200} | dict.fromkeys(ANYONE - {"reviewer"}, 403),
    ("my-opt-outs", "GET"): {"reviewer": 200} | dict.fromkeys(ANYONE - {"reviewer"}, 403),
    ("my-opt-outs", "PUT"): {"reviewer": 400} | dict.fromkeys(ANYONE - {"reviewer"}, 403),
    ("clips", "POST"): {"camera gateway": 415} | dict.fromkeys(ANYONE - {"camera gateway"}, 403),
    ("uploads", "POST"): {"camera gateway": 400} | dict.fromkeys(ANYONE - {"camera gateway"}, 403),
    ("confirmation", "POST"): {"camera gateway": 404} | dict.fromkeys(ANYONE - {"camera gateway"}, 403),
    ("clip", "GET"): dict.fromkeys(LOOK_AT_CLIPS, 404) | dict.fromkeys(ANYONE - LOOK_AT_CLIPS, 403),
    ("leases", "GET"): {"reviewer": 200} | dict.fromkeys(ANYONE - {"reviewer"}, 403),
    ("leases", "POST"): {"reviewer": 200} | dict.fromkeys(ANYONE - {"reviewer"}, 403),
    ("lease", "GET"): {"reviewer": 404} | dict.fromkeys(ANYONE - {"reviewer"}, 403),
    ("lease", "DELETE"): {"reviewer": 404} | dict.fromkeys(ANYONE - {"reviewer"}, 403),
    ("renewal", "POST"): {"reviewer": 400} | dict.fromkeys(ANYONE - {"reviewer"}, 403),
    ("heartbeat", "POST"): {"reviewer": 400} | dict.fromkeys(ANYONE - {"reviewer"}, 403),
    ("my-time", "GET"): {"reviewer": 200} | dict.fromkeys(ANYONE - {"reviewer"}, 403),
    ("my-day-time", "GET"): {"reviewer": 200} | dict.fromkeys(ANYONE - {"reviewer"}, 403),
    ("time-contest", "POST"): {"reviewer": 400} | dict.fromkeys(ANYONE - {"reviewer"}, 403),
    ("skip", "POST"): {"reviewer": 400} | dict.fromkeys(ANYONE - {"reviewer"}, 403),
    ("resume", "POST"): {"reviewer": 204} | dict.fromkeys(ANYONE - {"reviewer"}, 403),
    ("annotation", "POST"): {"reviewer": 400} | dict.fromkeys(ANYONE - {"reviewer"}, 403),
    ("annotation", "PUT"): {"reviewer": 400} | dict.fromkeys(ANYONE - {"reviewer"}, 403),
    ("annotation", "GET"): {"reviewer": 404} | dict.fromkeys(ANYONE - {"reviewer"}, 403),
    ("exports", "POST"): dict.fromkeys(TAKE_EXPORTS, 400) | dict.fromkeys(ANYONE - TAKE_EXPORTS, 403),
    ("export", "GET"): dict.fromkeys(SEE_EXPORTS, 404) | dict.fromkeys(ANYONE - SEE_EXPORTS, 403),
    ("export-withdrawals", "GET"): dict.fromkeys(SEE_EXPORTS, 404) | dict.fromkeys(ANYONE - SEE_EXPORTS, 403),
    ("export-download", "GET"): dict.fromkeys(SEE_EXPORTS, 404) | dict.fromkeys(ANYONE - SEE_EXPORTS, 403),
}
OPS_ONLY = {
    "ops-recall": 400,
    "ops-requeue": 400,
    "ops-plans": 400,
    "ops-plan-preview": 400,
    "ops-plan-undo": 400,
    "ops-project-pause": 404,
    "ops-project-resume": 404,
    "ops-reviewer-pause": 404,
    "ops-reviewer-resume": 404,
    "ops-team-pause": 404,
    "ops-team-resume": 404,
    "ops-limits": 400,
    "ops-time-contest-answer": 400,
    "ops-shifts": 400,
    "ops-shifts-take-out": 400,
    "ops-own-hours": 400,
    "ops-own-hours-take-out": 400,
    "ops-closures": 400,
    "ops-closures-take-out": 400,
    "ops-worked-holidays": 400,
    "ops-worked-holidays-take-out": 400,
    "ops-absences": 400,
    "ops-absences-take-out": 400,
    "ops-skills": 400,
    "ops-skills-take-out": 400,
}
# Some of it is others', too.
ALSO = {
    "ops-recall": {"team lead"},
    "ops-requeue": {"team lead", "quality lead"},
    "ops-reviewer-pause": {"team lead"},
    "ops-reviewer-resume": {"team lead"},
    "ops-time-contest-answer": {"team lead"},
    "ops-own-hours": {"team lead"},
    "ops-own-hours-take-out": {"team lead"},
    "ops-absences": {"team lead"},
    "ops-absences-take-out": {"team lead"},
}
for door, status in OPS_ONLY.items():
    may = {"ops manager"} | ALSO.get(door, set())
    POLICY[door, "POST"] = dict.fromkeys(may, status) | dict.fromkeys(ANYONE - may, 403)
STAFF = {"ops manager", "privacy officer"}
SEE_CASES = STAFF | {"quality lead", "auditor"}
FOR_OWNERS = {"camera gateway", "privacy officer"}
READ_OF_OWNERS = FOR_OWNERS | {"auditor"}
SEE_PLANS = {"ops manager", "team lead", "auditor"}
SEE_PEOPLE = SEE_PLANS | {"quality lead"}
READ_TEXTS = READ_OF_OWNERS | {"ops manager"}
POLICY |= {
    ("flag", "POST"): {"reviewer": 400} | dict.fromkeys(ANYONE - {"reviewer"}, 403),
    ("ops-reviewer-capacity", "GET"): dict.fromkeys(SEE_PEOPLE, 400) | dict.fromkeys(ANYONE - SEE_PEOPLE, 403),
    ("ops-timesheets", "GET"): dict.fromkeys(SEE_PLANS, 400) | dict.fromkeys(ANYONE - SEE_PLANS, 403),
    ("ops-plans", "GET"): dict.fromkeys(SEE_PLANS, 200) | dict.fromkeys(ANYONE - SEE_PLANS, 403),
    ("ops-forecasts", "GET"): dict.fromkeys(SEE_PLANS, 200) | dict.fromkeys(ANYONE - SEE_PLANS, 403),
    ("ops-plan", "GET"): dict.fromkeys(SEE_PLANS, 404) | dict.fromkeys(ANYONE - SEE_PLANS, 403),
    ("ops-reviewer-day", "GET"): {"ops manager": 404} | dict.fromkeys(ANYONE - {"ops manager"}, 403),
    ("ops-reviewer-day", "PUT"): {"ops manager": 400} | dict.fromkeys(ANYONE - {"ops manager"}, 403),
    ("consents", "POST"): dict.fromkeys(FOR_OWNERS, 400) | dict.fromkeys(ANYONE - FOR_OWNERS, 403),
    ("withdrawal", "POST"): dict.fromkeys(FOR_OWNERS, 404) | dict.fromkeys(ANYONE - FOR_OWNERS, 403),
    ("owner-sights", "GET"): dict.fromkeys(READ_OF_OWNERS, 404) | dict.fromkeys(ANYONE - READ_OF_OWNERS, 403),
    ("owner", "GET"): dict.fromkeys(READ_OF_OWNERS, 404) | dict.fromkeys(ANYONE - READ_OF_OWNERS, 403),
    ("disclosures", "GET"): dict.fromkeys(READ_TEXTS, 200) | dict.fromkeys(ANYONE - READ_TEXTS, 403),
    ("ops-cases", "GET"): dict.fromkeys(SEE_CASES, 200) | dict.fromkeys(ANYONE - SEE_CASES, 403),
    ("ops-decision", "POST"): dict.fromkeys(STAFF, 400) | dict.fromkeys(ANYONE - STAFF, 403),
}
POLICY |= {
    ("owner-requests", "POST"): dict.fromkeys(["camera gateway", "privacy officer"], 400)
    | dict.fromkeys(ANYONE - {"camera gateway", "privacy officer"}, 403),
    ("owner-request", "GET"): dict.fromkeys(["camera gateway", "privacy officer"], 404)
    | dict.fromkeys(ANYONE - {"camera gateway", "privacy officer"}, 403),
}
OPEN = {"schema", "docs", "transparency"}


STANDS_FOR = {
    "<int:pk>": "987654",
    "<day:day>": "2026-11-22",
    "<str:key>": "owner-0001-abcd",
    "<slug:key>": "owner-0001-abcd",
}


def doors(patterns=None, prefix: str = "") -> list[tuple[str, str]]:
    """(name, path) of every API route, with 987654 for each number."""
    found = []
    for pattern in patterns if patterns is not None else get_resolver().url_patterns:
        route = str(pattern.pattern)
        path = prefix + route
        for name, value in STANDS_FOR.items():
            path = path.replace(name, value)
        if isinstance(pattern, URLResolver):
            found += doors(pattern.url_patterns, path)
        elif isinstance(pattern, URLPattern) and path.startswith("api/"):
            found.append((str(pattern.name), "/" + path))
    return found


@pytest.fixture
def people(roles, asha: Reviewer) -> dict[str, APIClient]:
    return {
        "reviewer": signed_in(asha.user),
        "camera gateway": signed_in(make_user("camera", "camera gateway")),
        "model team": signed_in(make_user("model", "model team")),
        **{role: signed_in(make_user(role.replace(" ", "-"), role, is_staff=True)) for role in STAFF_ROLES},
        "nobody in particular": signed_in(make_user("nobody")),
    }


def test_every_role_has_a_walker(people) -> None:
    assert set(ROLES) < set(people)


def test_every_role_has_all_its_permissions(roles) -> None:
    for name, wanted in ROLES.items():
        held = Group.objects.get(name=name).permissions.values_list("content_type__app_label", "codename")
        assert {".".join(pair) for pair in held} == set(wanted)


def test_every_door_answers_every_role_as_the_table_says(people) -> None:
    wrong = []
    for name, path in doors():
        for method in METHODS:
            for role, client in people.items():
                if name in OPEN:
                    expected = 200 if method == "GET" else 405
                else:
                    allowed = {verb for door, verb in POLICY if door == name}
                    assert allowed, f"{name} is not in the table"
                    expected = POLICY.get((name, method), {}).get(role, 405)
                if name == "current-token" and method == "DELETE":
                    client = signed_in(make_user(f"leaver-{role}"))
                status = client.generic(method, path, "{}", content_type="application/json").status_code
                # A role that may do nothing at all at a door is told so before it is told which verbs exist.
                if expected == 405 and status == 403 and name not in OPEN:
                    continue
                if status != expected:
                    wrong.append(f"{role}: {method} {path} answered {status}, not {expected}")
    assert not wrong, "\n".join(wrong)


def test_without_a_token_no_door_opens() -> None:
    for name, path in doors():
        if name in OPEN or name == "tokens":
            continue
        for method in METHODS:
            reply = APIClient().generic(method, path, "{}", content_type="application/json")
            assert reply.status_code == 401, f"{method} {path} answered {reply.status_code}"
            assert reply.json()["code"] == "not-authenticated"
            assert reply["Content-Type"] == "application/problem+json"


def test_health_is_open_and_says_what_it_reached(client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert set(ready.json()["checks"]) == {
        "postgres",
        "redis",
        "storage:exports",
        "storage:clips-in",
        "storage:clips-ro",
    }
    tools = ready.json()["machine"]["media tools"]
    assert tools["private_folder"] is tools["rlimits"] is True
    assert {"bubblewrap", "own_files", "no_network", "parent_death"} <= set(tools)


def test_readiness_names_what_is_away(client, settings) -> None:
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    reply = client.get("/readyz")
    assert reply.status_code == 503
    assert reply.json()["failed"] == ["redis"]


def test_readiness_does_not_make_up_a_storage_that_is_gone(client, settings) -> None:
    place = Path(storages["clips-in"].location)  # type: ignore[attr-defined]
    place.rename(place.with_name("unmounted"))
    reply = client.get("/readyz")
    assert (reply.status_code, reply.json()["failed"]) == (503, ["storage:clips-in"])
    assert not place.exists()


def test_no_method_of_an_open_door_breaks(client) -> None:
    for name, path in doors():
        if name in OPEN:
            for method in (*METHODS, "HEAD", "OPTIONS"):
                assert client.generic(method, path).status_code in {200, 405}


def test_a_closed_account_is_signed_out(asha) -> None:
    client = signed_in(asha.user)
    asha.user.is_active = False
    asha.user.save(update_fields=["is_active"])
    assert client.get("/api/v1/me").status_code == 401


def test_the_schema_describes_every_door(client) -> None:
    schema = client.get("/api/v1/schema", headers={"Accept": "application/vnd.oai.openapi+json"}).json()
    described = {(path, method.upper()) for path, item in schema["paths"].items() for method in item}
    for name, path in doors():
        if name not in OPEN:
            for door, method in POLICY:
                if door == name:
                    assert (
                        path.replace("987654", "{id}")
                        .replace("2026-11-22", "{day}")
                        .replace("owner-0001-abcd", "{key}"),
                        method,
                    ) in described


def test_the_schema_is_valid_openapi_without_a_warning(tmp_path) -> None:
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema.yml"))
