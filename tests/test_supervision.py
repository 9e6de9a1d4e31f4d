"""What ops do about the work and the people: each with a reason, each written down by the database."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError
from django.urls import reverse

from annotations import changes, leasing
from annotations.models import AuditRun, Lease, LeaseState, Project, Task, TaskState
from annotations.tasks import audit_queue
from config.clock import database_now
from config.history import ReasonMissing
from tests.conftest import make_reviewer, make_user, signed_in
from tests.test_flagging import answer, flag, promises_hold, take
from workforce import people, quotas
from workforce.models import DailyLimit, QuotaDay, Reviewer, Team

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(roles):
    return make_user("ops", "ops manager", is_staff=True)


@pytest.fixture
def ops(boss):
    return signed_in(boss)


@pytest.fixture
def desk(boss, client):
    client.force_login(boss)
    return client


def of_work() -> list[changes.Change]:
    """What was changed, but for the roles with which a test's people begin."""
    return [change for change in changes.latest() if change.kind != "role"]


def last(kind: str) -> changes.Change:
    return changes.latest(kind=kind)[0]


def test_a_recalled_lease_returns_seat_and_unit_and_says_so(tasks, asha, ravi, ops) -> None:
    lease = take(asha)[0]
    for _ in range(2):
        reply = ops.post(f"/api/v1/ops/leases/{lease['id']}/recall", {"reason": "left the desk"})
        assert (reply.status_code, reply.json()["state"]) == (200, "recalled")
    assert answer(asha, lease).json()["code"] == "lease-recalled"
    assert QuotaDay.objects.get().held == 0
    assert Task.objects.get(pk=lease["task"]["id"]).seats_left == 2
    # It goes before what was never taken.
    assert take(ravi)[0]["task"]["id"] == lease["task"]["id"]
    change = last("lease")
    assert (change.by, change.why, change.verb, change.number) == ("ops", "left the desk", "recall lease", lease["id"])
    assert change.fields["state"] == ("live", "recalled")
    assert len(changes.latest(kind="lease")) == 1
    promises_hold()


def test_a_lease_that_is_over_cannot_be_recalled(tasks, asha, ops) -> None:
    lease = take(asha)[0]
    answer(asha, lease)
    reply = ops.post(f"/api/v1/ops/leases/{lease['id']}/recall", {"reason": "left the desk"})
    assert (reply.status_code, reply.json()["code"]) == (409, "already-submitted")
    assert ops.post("/api/v1/ops/leases/987654/recall", {"reason": "left the desk"}).status_code == 404
    assert of_work() == []


def test_an_open_task_is_requeued_by_recalling_its_leases(tasks, asha, ravi, meera, ops) -> None:
    task = tasks[0]
    for person in (asha, ravi):
        assert take(person)[0]["task"]["id"] == task.pk
    reply = ops.post(f"/api/v1/ops/tasks/{task.pk}/requeue", {"reason": "both went home"})
    assert reply.json() == {"task": task.pk, "state": "open", "overlap": 2, "seats_left": 2}
    assert Lease.objects.filter(state=LeaseState.RECALLED).count() == 2
    assert ops.post(f"/api/v1/ops/tasks/{task.pk}/requeue", {"reason": "again"}).json()["code"] == "nothing-to-requeue"
    promises_hold()


def test_a_settled_task_is_requeued_with_one_more_seat(tasks, asha, ravi, meera, ops) -> None:
    from annotations import consensus

    task = tasks[0]
    for person in (asha, ravi):
        answer(person, take(person)[0])
    assert consensus.settle(task.pk, at=database_now()) == TaskState.SETTLED
    reply = ops.post(f"/api/v1/ops/tasks/{task.pk}/requeue", {"reason": "the model team doubts it"})
    assert reply.json() == {"task": task.pk, "state": "open", "overlap": 3, "seats_left": 1}
    assert take(meera)[0]["task"]["id"] == task.pk
    change = last("task")
    assert change.fields["state"] == ("settled", "open")
    assert change.fields["overlap"] == (2, 3)
    assert change.why == "the model team doubts it"
    promises_hold()


def test_a_stopped_task_is_not_requeued(tasks, asha, ops) -> None:
    lease = take(asha)[0]
    flag(asha, lease, "sensitive")
    reply = ops.post(f"/api/v1/ops/tasks/{lease['task']['id']}/requeue", {"reason": "try again"})
    # Ops are not told that there is a task of what is quarantined; whoever is cleared is told why not.
    assert (reply.status_code, reply.json()["code"]) == (404, "not-found")
    root = signed_in(make_user("root", is_staff=True, is_superuser=True))
    reply = root.post(f"/api/v1/ops/tasks/{lease['task']['id']}/requeue", {"reason": "try again"})
    assert (reply.status_code, reply.json()["code"]) == (409, "clip-taken-away")


@pytest.mark.parametrize("which", ["reviewers", "teams", "projects"])
def test_pausing_stops_new_work_until_resumed(tasks, asha, ops, which) -> None:
    number = {"reviewers": asha.pk, "teams": asha.team_id, "projects": tasks[0].project_id}[which]
    held = take(asha)[0]
    said = ops.post(f"/api/v1/ops/{which}/{number}/pause", {"reason": "fire drill"})
    assert said.json() == {"paused": True, "changed": True}
    assert ops.post(f"/api/v1/ops/{which}/{number}/pause", {"reason": "fire drill"}).json()["changed"] is False
    reply = signed_in(asha.user).post("/api/v1/leases", {"count": 1})
    assert reply.json().get("code") == "paused" or reply.json()["leases"] == []
    # What is held may be finished.
    assert answer(asha, held).status_code == 201
    ops.post(f"/api/v1/ops/{which}/{number}/resume", {"reason": "drill is over"})
    assert len(take(asha)) == 1
    kind = which.removesuffix("s")
    assert [change.why for change in changes.latest(kind=kind, number=number)] == ["drill is over", "fire drill"]
    assert changes.latest(kind=kind)[0].by == "ops"


def test_a_pause_after_lapses_becomes_one_by_ops_that_only_ops_end(asha, boss) -> None:
    Reviewer.objects.filter(pk=asha.pk).update(is_paused=True, paused_by_lapses=True)
    assert people.pause(asha, by=boss, reason="talk first")
    assert not people.resume(asha)
    assert people.unpause(asha, by=boss, reason="talked")
    assert not people.unpause(asha, by=boss, reason="talked")


def test_a_persons_day_is_raised_and_explained(tasks, asha, ops, boss) -> None:
    day = quotas.today(asha, at=database_now()).day
    quotas.set_limit(0, reason="holiday", by=boss, from_day=day, reviewer=asha)
    assert signed_in(asha.user).post("/api/v1/leases", {}).json()["code"] == "quota-exhausted"
    url = f"/api/v1/ops/reviewers/{asha.pk}/days/{day}"
    reply = ops.put(url, {"value": 2, "reason": "came in after all"})
    assert (reply.status_code, reply.json()["value"], reply.json()["level"]) == (200, 2, "day")
    assert len(take(asha, 5)) == 2
    told = ops.get(url).json()
    assert [step["counts"] for step in told["limits"]] == [False, False, True]
    assert told["limits"][-1]["author"] == "ops"
    assert last("limit").why == "came in after all"


def test_limits_for_everybody_a_region_a_team_and_a_person(asha, ops, hyderabad) -> None:
    start = (database_now() + timedelta(days=1)).date().isoformat()
    common = {"value": 90, "reason": "short week", "from_day": start}
    for target in ({}, {"region": "in"}, {"team": hyderabad.pk}, {"reviewer": asha.pk}):
        assert ops.post("/api/v1/ops/limits", common | target).status_code == 201, target
    assert list(DailyLimit.objects.order_by("pk").values_list("level", flat=True)) == [
        "global",
        "region",
        "team",
        "reviewer",
    ]
    for wrong, status in (
        ({"region": "in", "team": hyderabad.pk}, 400),
        ({"region": "xx"}, 404),
        ({"team": 987654}, 404),
        ({"value": -1}, 400),
        ({"value": True}, 400),
        ({"from_day": "tomorrow"}, 400),
        ({"reason": " "}, 400),
    ):
        assert ops.post("/api/v1/ops/limits", common | wrong).status_code == status, wrong
    assert DailyLimit.objects.count() == 4


def test_verbs_want_a_reason_and_a_day_that_exists(tasks, asha, ops, boss) -> None:
    for reason in ("", "  ", "ab", "x" * 301, "a\u202eb"):
        reply = ops.post(f"/api/v1/ops/reviewers/{asha.pk}/pause", {"reason": reason})
        assert (reply.status_code, reply.json()["code"]) == (400, "reason-required"), reason
    assert ops.post(f"/api/v1/ops/reviewers/{asha.pk}/pause", {}).json()["code"] == "invalid"
    assert not Reviewer.objects.get(pk=asha.pk).is_paused
    assert ops.get(f"/api/v1/ops/reviewers/{asha.pk}/days/2026-02-30").status_code == 404
    with pytest.raises(ReasonMissing):
        people.pause(asha, by=boss, reason="")


def test_reviewers_cannot_reach_ops_verbs(tasks, asha, ravi) -> None:
    lease = take(asha)[0]
    assert signed_in(ravi.user).post(f"/api/v1/ops/leases/{lease['id']}/recall", {"reason": "mine"}).status_code == 403


# --- what the database writes down ---


def test_a_change_by_hand_is_written_down_without_a_name(asha) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE workforce_reviewer SET clearance = 1 WHERE id = %s", [asha.pk])
    change = last("reviewer")
    assert (change.by, change.why, change.fields) == ("", "", {"clearance": (0, 1)})


def test_what_was_written_down_cannot_be_changed_or_removed(asha, boss) -> None:
    people.pause(asha, by=boss, reason="to be kept")
    events = Reviewer.pgh_event_model.objects  # type: ignore[attr-defined]
    for attempt in (lambda: events.update(is_paused=False), lambda: events.all().delete()):
        with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
            attempt()


def test_the_hot_path_writes_no_history(tasks, asha, ravi) -> None:
    answer(asha, take(asha)[0])
    leasing.give_back(ravi, take(ravi)[0]["id"], at=database_now())
    assert of_work() == []


# --- the admin ---


def list_of(model) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def test_an_action_shows_its_effect_asks_why_and_then_acts(desk, tasks, asha) -> None:
    lease = take(asha)[0]
    body = {"action": "recall", "_selected_action": [lease["id"]]}
    page = desk.post(list_of(Lease), body).content.decode()
    assert "Seat and unit return at once" in page
    assert f"lease {lease['id']}" in page
    assert Lease.objects.get().state == LeaseState.LIVE
    page = desk.post(list_of(Lease), body | {"confirmed": "yes", "reason": "x"}).content.decode()
    assert "Say why" in page
    assert Lease.objects.get().state == LeaseState.LIVE
    page = desk.post(list_of(Lease), body | {"confirmed": "yes", "reason": "left the desk"}, follow=True)
    assert "1 lease recalled" in page.content.decode()
    assert last("lease").by == "ops"
    page = desk.post(list_of(Lease), body | {"confirmed": "yes", "reason": "left the desk"}, follow=True)
    assert Lease.objects.get().state == LeaseState.RECALLED


def test_an_action_on_the_whole_filter_says_what_it_left_alone(desk, tasks, asha, ravi) -> None:
    answer(asha, take(asha)[0])
    take(ravi, 2)
    ids = list(Lease.objects.values_list("pk", flat=True))
    body = {"action": "recall", "_selected_action": ids[:1], "select_across": "1"}
    page = desk.post(list_of(Lease), body | {"confirmed": "yes", "reason": "end of shift"}, follow=True)
    text = page.content.decode()
    assert "2 leases recalled" in text
    assert "1 left as they were" in text


@pytest.mark.parametrize(("model", "pick"), [(Reviewer, "asha"), (Team, "hyderabad"), (Project, "project")])
def test_pause_and_resume_from_the_admin(desk, tasks, asha, hyderabad, model, pick) -> None:
    number = {"asha": asha.pk, "hyderabad": hyderabad.pk, "project": tasks[0].project_id}[pick]
    for action, word in (("pause", "paused"), ("resume", "resumed")):
        body = {"action": action, "_selected_action": [number], "confirmed": "yes", "reason": "fire drill"}
        assert word in desk.post(list_of(model), body, follow=True).content.decode()
    assert len(changes.latest(kind=model._meta.model_name)) == 2


def test_a_day_is_raised_from_the_admin(desk, asha) -> None:
    body = {"action": "set_day", "_selected_action": [asha.pk], "confirmed": "yes", "reason": "short of people"}
    assert "required" in desk.post(list_of(Reviewer), body).content.decode()
    desk.post(list_of(Reviewer), body | {"value": "200"}, follow=True)
    limit = DailyLimit.objects.get()
    assert (limit.level, limit.value, limit.author.username) == ("day", 200, "ops")
    page = desk.get(reverse("admin:workforce_reviewer_change", args=[asha.pk])).content.decode()
    assert "200 for day (short of people, by ops) - this counts" in page


def test_limits_are_added_in_the_admin_and_never_edited(desk, asha, hyderabad) -> None:
    url = reverse("admin:workforce_dailylimit_add")
    assert desk.get(url).status_code == 200
    body = {"value": "120", "team": hyderabad.pk, "from_day": "2026-12-01", "reason": "training week"}
    assert desk.post(url, body | {"reviewer": asha.pk}).status_code == 200
    assert desk.post(url, body | {"one_day": "on"}).status_code == 200
    assert desk.post(url, body | {"reason": "x"}).status_code == 200
    assert not DailyLimit.objects.exists()
    assert desk.post(url, body).status_code == 302
    limit = DailyLimit.objects.get()
    assert (limit.level, limit.value, limit.reason) == ("team", 120, "training week")
    change = reverse("admin:workforce_dailylimit_change", args=[limit.pk])
    assert desk.post(change, body | {"value": "1"}).status_code == 403


def test_what_is_edited_in_a_form_is_written_down(desk, hyderabad) -> None:
    url = reverse("admin:workforce_team_change", args=[hyderabad.pk])
    desk.post(url, {"name": "Hyderabad", "weight": "3", "exposure_minutes": "60"})
    change = last("team")
    assert (change.by, change.verb, change.fields) == ("ops", "edit", {"weight": (1, 3)})


def test_cases_are_decided_in_the_admin_by_those_who_may(desk, roles, client, tasks, asha, boss) -> None:
    from clips.models import Case

    flag(asha, take(asha)[0], "sensitive", note="a bathroom")
    case = Case.objects.get()
    assert "a bathroom" not in desk.get(list_of(Case)).content.decode()
    body = {"action": "decide", "_selected_action": [case.pk], "confirmed": "yes", "reason": "seen it"}
    desk.post(list_of(Case), body | {"decision": "withhold"}, follow=True)
    case.refresh_from_db()
    assert case.state == "open"
    client.force_login(make_user("privacy", "privacy officer", is_staff=True))
    text = client.post(list_of(Case), body | {"decision": "withhold"}, follow=True).content.decode()
    assert "1 case decided" in text


def test_the_changes_page_tells_who_what_and_why(desk, client, asha, boss) -> None:
    empty = desk.get(reverse("changes"), {"kind": "reviewer"}).content.decode()
    assert "Nothing here" in empty
    people.pause(asha, by=boss, reason="talk first")
    page = desk.get(reverse("changes"), {"kind": "reviewer", "number": asha.pk, "by": "ops"}).content.decode()
    assert "talk first" in page
    assert "is_paused" in page
    for odd in ({"kind": "nonsense"}, {"number": "x"}, {"number": "9" * 30}, {"by": "nobody"}):
        reply = desk.get(reverse("changes"), odd)
        assert reply.status_code == 200
        assert "talk first" not in reply.content.decode()
    client.force_login(make_user("clerk", is_staff=True))
    assert client.get(reverse("changes")).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_the_audit_page_shows_what_the_beat_found(desk, tasks, asha) -> None:
    assert "Not asked yet" in desk.get(reverse("audit")).content.decode()
    audit_queue()
    assert "All promises hold" in desk.get(reverse("audit")).content.decode()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE annotations_task SET answers = 1, seats_left = 1 WHERE id = %s", [tasks[1].pk])
    audit_queue()
    page = desk.get(reverse("audit")).content.decode()
    assert "no: 1 rows" in page
    assert f"task {tasks[1].pk}" in page
    assert AuditRun.objects.count() == 2
    assert desk.post(reverse("audit")).status_code == 302


def test_nobody_without_the_right_sees_actions(client, roles, hyderabad) -> None:
    client.force_login(make_user("clerk", is_staff=True))
    assert client.post(list_of(Team), {"action": "pause", "_selected_action": [hyderabad.pk]}).status_code == 403
    assert make_reviewer("anu", hyderabad).is_paused is False
