"""The reviewer's cycle, through the doors they use."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest

from annotations import consensus, leasing, queries, spreading, supervision
from annotations.errors import NothingToRequeue
from annotations.models import Annotation, Lease, LeaseState, Task, TaskState
from config.clock import database_now
from tests.conftest import make_ready_clips, make_reviewer, make_team, signed_in
from workforce import quotas
from workforce.models import QuotaDay, Reviewer

pytestmark = pytest.mark.django_db


def take(reviewer: Reviewer, count: int = 1):
    return signed_in(reviewer.user).post("/api/v1/leases", {"count": count})


def answer(reviewer: Reviewer, lease: dict, label: str = "threat", **body):
    url = f"/api/v1/leases/{lease['id']}/annotation"
    return signed_in(reviewer.user).post(url, {"token": lease["token"], "answer": {"label": label}} | body)


def test_taking_work_answers_all_a_client_needs(tasks: list[Task], asha: Reviewer) -> None:
    reply = take(asha, 2)
    assert reply.status_code == 201
    body = reply.json()
    assert len(body["leases"]) == 2
    lease = body["leases"][0]
    assert uuid.UUID(lease["token"])
    assert lease["task"]["project"]["label_schema"]["labels"][0]["value"] == "threat"
    assert lease["clip"]["kind"] == "video"
    assert 8500 < lease["clip"]["duration_ms"] < 9500
    assert lease["clip"]["size_bytes"] > 1000
    assert set(lease["media"]) == {"proxy", "poster", "sprite", "sprite_index", "frame_map"}
    quota = body["quota"]
    assert (quota["allowed"], quota["used"], quota["held"], quota["left"]) == (150, 0, 2, 148)
    # Midnight in Hyderabad, said in UTC.
    assert quota["resets_at"].endswith("18:30:00+00:00")


def test_the_earliest_due_comes_first(tasks: list[Task], asha: Reviewer) -> None:
    queries.enter(tasks[2].lane, [tasks[2].rank - 3_600_000])
    Task.objects.filter(pk=tasks[2].pk).update(rank=tasks[2].rank - 3_600_000)
    assert take(asha).json()["leases"][0]["task"]["id"] == tasks[2].pk


def test_nobody_gets_the_same_task_twice_and_seats_run_out(tasks, asha, ravi, meera) -> None:
    assert len(take(asha, 10).json()["leases"]) == 3
    again = take(asha, 10)
    assert again.status_code == 200
    assert again.json()["leases"] == []
    assert again.json()["reason"] == "all-done-by-you"
    assert len(take(ravi, 10).json()["leases"]) == 3
    empty = take(meera, 10)
    assert (empty.status_code, empty.json()["reason"]) == (200, "queue-empty")
    assert empty.json()["quota"]["held"] == 0
    assert set(Task.objects.values_list("seats_left", flat=True)) == {0}


def test_another_teams_work_is_not_offered(tasks, asha) -> None:
    stranger = make_reviewer("arjun", make_team("Chennai"))
    assert take(stranger).json()["reason"] == "queue-empty"


def test_the_quota_ends_the_day(tasks, asha) -> None:
    quotas.set_limit(2, reason="a short day", by=asha.user, from_day=date(2026, 1, 1), reviewer=asha)
    first = take(asha, 10).json()
    assert len(first["leases"]) == 2
    refused = take(asha)
    assert refused.status_code == 429
    problem = refused.json()
    assert problem["code"] == "quota-exhausted"
    assert refused["Content-Type"] == "application/problem+json"
    assert 0 < int(refused["Retry-After"]) <= 24 * 3600
    assert problem["quota"]["left"] == 0
    # Used units stay gone; returned ones come back.
    assert answer(asha, first["leases"][0]).status_code == 201
    assert take(asha).status_code == 429
    assert signed_in(asha.user).delete(f"/api/v1/leases/{first['leases'][1]['id']}").status_code == 204
    assert take(asha).status_code == 201


def test_submitting_counts_once_however_often_it_is_repeated(tasks, asha) -> None:
    lease = take(asha).json()["leases"][0]
    first = answer(asha, lease, "threat")
    assert first.status_code == 201
    repeat = answer(asha, lease, "false_alarm")
    assert repeat.status_code == 200
    assert repeat.json() == first.json()
    assert Annotation.objects.count() == 1
    day = QuotaDay.objects.get(reviewer=asha)
    assert (day.used, day.held) == (1, 0)
    me = signed_in(asha.user).get("/api/v1/me").json()
    assert me["quota"]["used"] == 1
    assert (me["team"], me["region"], me["roles"]) == ("Hyderabad", "in", ["reviewer"])


def test_a_wrong_token_changes_nothing(tasks, asha) -> None:
    lease = take(asha).json()["leases"][0]
    stale = answer(asha, lease | {"token": str(uuid.uuid4())})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale-token")
    assert Lease.objects.get(pk=lease["id"]).state == LeaseState.LIVE
    assert not Annotation.objects.exists()


def test_someone_elses_lease_is_not_there(tasks, asha, ravi) -> None:
    lease = take(asha).json()["leases"][0]
    client = signed_in(ravi.user)
    absent = client.get("/api/v1/leases/999999").json()
    for reply in (
        client.get(f"/api/v1/leases/{lease['id']}"),
        client.delete(f"/api/v1/leases/{lease['id']}"),
        answer(ravi, lease),
    ):
        assert reply.status_code == 404
        assert reply.json() == absent
    assert client.get("/api/v1/leases").json()["leases"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"label": "burglar"},
        {"label": "threat", "colour": "red"},
        {"label": ["threat"]},
        {},
        "threat",
        None,
        3,
        {"label": "threat", "note": "x" * 501},
        {"label": "threat", "note": 1},
    ],
)
def test_an_answer_outside_the_schema_is_refused(tasks, asha, wrong) -> None:
    lease = take(asha).json()["leases"][0]
    reply = answer(asha, lease, answer=wrong)
    assert reply.status_code == 400
    assert reply.json()["code"] in {"answer-not-in-schema", "invalid"}
    assert Lease.objects.get(pk=lease["id"]).state == LeaseState.LIVE


def test_a_lease_given_back_returns_seat_and_unit_and_is_never_offered_again(tasks, asha) -> None:
    lease = take(asha, 3).json()["leases"][0]
    client = signed_in(asha.user)
    for _ in range(2):
        assert client.delete(f"/api/v1/leases/{lease['id']}").status_code == 204
    task = Task.objects.get(pk=lease["task"]["id"])
    assert task.seats_left == 2
    assert QuotaDay.objects.get(reviewer=asha).held == 2
    assert take(asha).json()["reason"] == "all-done-by-you"
    late = answer(asha, lease)
    assert (late.status_code, late.json()["code"]) == (410, "lease-returned")


def test_a_lapsed_lease_is_over_by_the_clock_and_its_seat_returns_by_the_sweep(tasks, asha) -> None:
    lease = take(asha).json()["leases"][0]
    past = database_now() - timedelta(seconds=1)
    Lease.objects.filter(pk=lease["id"]).update(granted_at=past - timedelta(minutes=5), expires_at=past)
    late = answer(asha, lease)
    assert (late.status_code, late.json()["code"]) == (410, "lease-lapsed")
    assert signed_in(asha.user).get("/api/v1/leases").json()["leases"] == []
    assert leasing.sweep_lapsed(at=database_now()) == 1
    assert leasing.sweep_lapsed(at=database_now()) == 0
    assert Task.objects.get(pk=lease["task"]["id"]).seats_left == 2
    day = QuotaDay.objects.get(reviewer=asha)
    assert (day.used, day.held) == (0, 0)
    assert answer(asha, lease).status_code == 410
    assert signed_in(asha.user).delete(f"/api/v1/leases/{lease['id']}").json()["code"] == "lease-lapsed"


def test_a_submitted_lease_cannot_be_given_back(tasks, asha) -> None:
    lease = take(asha).json()["leases"][0]
    answer(asha, lease)
    reply = signed_in(asha.user).delete(f"/api/v1/leases/{lease['id']}")
    assert (reply.status_code, reply.json()["code"]) == (409, "already-submitted")


def settle_all() -> None:
    for task_id in consensus.waiting(at=database_now()):
        consensus.settle(task_id, at=database_now())


def test_two_who_agree_settle_a_task(tasks, asha, ravi) -> None:
    for person in (asha, ravi):
        answer(person, take(person).json()["leases"][0], "false_alarm")
    assert Task.objects.filter(state=TaskState.FULL).count() == 1
    settle_all()
    task = Task.objects.get(pk=tasks[0].pk)
    assert (task.state, task.label, task.votes) == (TaskState.SETTLED, "false_alarm", {"false_alarm": 2})


def test_a_tie_opens_one_more_seat_and_the_third_decides(tasks, asha, ravi, meera) -> None:
    answer(asha, take(asha).json()["leases"][0], "threat")
    answer(ravi, take(ravi).json()["leases"][0], "unsure")
    settle_all()
    task = Task.objects.get(pk=tasks[0].pk)
    assert (task.state, task.overlap, task.seats_left) == (TaskState.OPEN, 3, 1)
    lease = take(meera).json()["leases"][0]
    assert lease["task"]["id"] == task.pk
    answer(meera, lease, "threat")
    settle_all()
    task.refresh_from_db()
    assert (task.state, task.label, task.votes) == (TaskState.SETTLED, "threat", {"threat": 2, "unsure": 1})


def test_a_tie_at_the_most_seats_is_disputed_until_ops_ask_again(tasks, asha, ravi, meera) -> None:
    task = tasks[0]
    task.project.most_seats = 2
    task.project.save(update_fields=["most_seats"])
    answer(asha, take(asha).json()["leases"][0], "threat")
    answer(ravi, take(ravi).json()["leases"][0], "unsure")
    settle_all()
    task.refresh_from_db()
    assert task.state == TaskState.DISPUTED
    supervision.requeue(task.pk, by=asha.user, reason="one more look", at=database_now())
    with pytest.raises(NothingToRequeue):
        supervision.requeue(task.pk, by=asha.user, reason="one more look", at=database_now())
    task.refresh_from_db()
    assert (task.state, task.seats_left) == (TaskState.OPEN, 1)


def test_leading_is_the_label_with_most_answers() -> None:
    assert consensus.leading(["a", "a", "b"]) == "a"
    assert consensus.leading(["a", "b"]) is None
    assert consensus.leading(["a", "b", "c", "a"]) == "a"
    assert consensus.leading([]) is None


def test_a_task_its_team_cannot_finish_finds_a_team_that_can(tasks, asha, ravi, meera) -> None:
    chennai = make_team("Chennai")
    arjun = make_reviewer("arjun", chennai)
    tasks[0].project.teams.add(chennai)
    Reviewer.objects.filter(pk__in=[meera.pk]).update(is_active=False)
    answer(asha, take(asha).json()["leases"][0], "threat")
    answer(ravi, take(ravi).json()["leases"][0], "unsure")
    settle_all()
    assert spreading.rehome_stuck(at=database_now()) == 1
    assert spreading.rehome_stuck(at=database_now()) == 0
    assert take(arjun).json()["leases"][0]["task"]["id"] == tasks[0].pk


def test_a_paused_project_hands_nothing_out(tasks, asha) -> None:
    tasks[0].project.is_active = False
    tasks[0].project.save(update_fields=["is_active"])
    assert take(asha).json()["reason"] == "queue-empty"


def test_a_reviewer_who_left_can_do_nothing(tasks, asha) -> None:
    lease = take(asha).json()["leases"][0]
    Reviewer.objects.filter(pk=asha.pk).update(is_active=False)
    assert take(asha).status_code == 403
    assert answer(asha, lease).status_code == 403


def test_the_queue_asks_for_few_statements(tasks, gateway, asha, django_assert_max_num_queries) -> None:
    make_ready_clips(gateway, 2)
    for count in (1, 5):
        with django_assert_max_num_queries(12):
            leasing.lease_next(asha.user_id, count=count)
