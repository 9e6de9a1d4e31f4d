"""Planning by hand, through ops' doors: looked at, done with a reason, taken back while nobody has begun."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient

from annotations import auditing, leasing
from annotations.models import Plan, PlanItem, Project, Task
from annotations.scopes import UNTOLD
from clips.models import Clip
from config.clock import database_now
from config.ticks import alone
from tests.conftest import (
    PASSWORD,
    make_project,
    make_ready_clips,
    make_region,
    make_reviewer,
    make_team,
    make_user,
    signed_in,
    spread_now,
)
from workforce import people
from workforce.models import Reviewer, Team

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def chennai(hyderabad: Team) -> Team:
    team = make_team("Chennai")
    for name in ("kavya", "arun"):
        make_reviewer(name, team)
    return team


@pytest.fixture
def project(hyderabad: Team, chennai: Team, asha: Reviewer, ravi: Reviewer) -> Project:
    return make_project(hyderabad, chennai)


@pytest.fixture
def ops(roles: None) -> User:
    return make_user("ops", "ops manager", is_staff=True)


@pytest.fixture
def door(ops: User) -> APIClient:
    return signed_in(ops)


def post(door: APIClient, path: str, **body):
    return door.post(f"/api/v1/ops/plans{path}", body, format="json")


def where() -> dict[int, tuple]:
    return {task.pk: (task.team_id, task.lane_id, task.rank, task.due_at) for task in Task.objects.all()}


def test_staff_find_of_a_plan_what_is_their_regions_and_no_more(gateway, project, hyderabad, chennai, roles) -> None:
    romania = make_region("ro", "Romania", "Europe/Bucharest")
    bucharest = make_team("Bucharest", romania)
    project.teams.add(bucharest)
    make_reviewer("ioana", bucharest, country="RO")
    make_ready_clips(gateway, 2)
    make_ready_clips(gateway, 2, region="ro")
    assert spread_now() == 2
    all_ops = signed_in(make_user("all-ops", "ops manager", is_staff=True))
    plan = all_ops.get("/api/v1/ops/plans").json()["plans"][0]["id"]
    lines = all_ops.get(f"/api/v1/ops/plans/{plan}").json()["lines"]
    assert {line["region"] for line in lines} == {"in", "ro"}
    assert any("Bucharest" in line["why"] for line in lines)
    of_india = signed_in(make_user("ops-in", "ops manager", is_staff=True, places=[hyderabad.region]))
    lines = of_india.get(f"/api/v1/ops/plans/{plan}").json()["lines"]
    assert {line["region"] for line in lines} == {"in"}
    assert "Bucharest" not in str(lines)
    of_romania = signed_in(make_user("ops-ro", "ops manager", is_staff=True, places=[romania]))
    lines = of_romania.get(f"/api/v1/ops/plans/{plan}").json()["lines"]
    assert {line["region"] for line in lines} == {"ro"}
    assert [line["why"] for line in lines] == [UNTOLD]
    for named in (hyderabad.pk, 10**6):
        refused = post(of_romania, "/preview", project=project.pk, teams=[named])
        assert (refused.status_code, refused.json()["code"]) == (400, "unknown-team")
        assert "Hyderabad" not in refused.content.decode()
    told = post(of_india, "/preview", project=project.pk).json()
    assert {team["name"] for team in told["teams"]} == {"Hyderabad", "Chennai"}


def test_tasks_go_to_the_team_that_was_named_and_back(gateway, project, hyderabad, chennai, door) -> None:
    make_ready_clips(gateway, 6)
    assert spread_now() == 6
    before = where()
    asked = {"project": project.pk, "teams": [chennai.pk], "region": "in"}
    seen = post(door, "/preview", **asked)
    assert seen.status_code == 200, seen.content
    told = seen.json()
    assert (told["chosen"], told["placed"], told["begun"]) == (6, 3, 0)
    assert [(team["name"], team["now"], team["after"]) for team in told["teams"]] == [
        ("Hyderabad", 6, 0),
        ("Chennai", 6, 12),
    ]
    assert all(team["days"] is not None and team["late"] == 0 for team in told["teams"])
    assert where() == before
    done = post(door, "", **asked, reason="Hyderabad celebrates Diwali")
    assert done.status_code == 201, done.content
    plan = Plan.objects.get(kind="hand")
    assert [(line["from_team"], line["to_team"], line["done"]) for line in done.json()["lines"]] == [
        (hyderabad.pk, chennai.pk, 3)
    ]
    assert set(Task.objects.values_list("team", flat=True)) == {chennai.pk}
    # What a hand put there stays, though the other team has nothing to do.
    assert spread_now() == 0
    assert set(Task.objects.values_list("team", flat=True)) == {chennai.pk}
    undone = post(door, f"/{plan.pk}/undo", reason="they work after all")
    assert (undone.status_code, undone.json()["state"]) == (200, "undone")
    assert where() == before
    assert not PlanItem.objects.exists()
    again = post(door, f"/{plan.pk}/undo", reason="they work after all")
    assert (again.status_code, again.json()["code"]) == (409, "plan-over")
    assert auditing.audit() == []


def test_clips_become_tasks_when_they_are_due_and_are_unmade(gateway, project, hyderabad, door) -> None:
    clips = make_ready_clips(gateway, 4)
    due = database_now() + timedelta(hours=5)
    asked = {"project": project.pk, "clips": [clips[0].pk, clips[2].pk], "due_at": due.isoformat(), "priority": 7}
    done = post(door, "", **asked, teams=[hyderabad.pk], reason="the customer called")
    assert done.status_code == 201, done.content
    assert set(Task.objects.values_list("clip", flat=True)) == {clips[0].pk, clips[2].pk}
    first = int((due - timedelta(hours=7)).timestamp() * 1000)
    assert sorted(Task.objects.values_list("rank", flat=True)) == [first, first + 1]
    assert set(Task.objects.values_list("due_at", flat=True)) == {due}
    assert post(door, f"/{done.json()['id']}/undo", reason="the customer is calm").status_code == 200
    assert Task.objects.count() == 0
    assert spread_now() == 4


def test_undo_is_refused_once_somebody_has_begun(gateway, project, chennai, door) -> None:
    make_ready_clips(gateway, 2)
    done = post(door, "", project=project.pk, teams=[chennai.pk], reason="all of it to Chennai")
    kavya = Reviewer.objects.get(user__username="kavya")
    lease_id = leasing.lease_next(kavya.user_id, count=1).lease_ids[0]
    for _ in range(2):
        refused = post(door, f"/{done.json()['id']}/undo", reason="a mistake")
        assert (refused.status_code, refused.json()["code"]) == (409, "plan-begun")
        assert "1 of the 2 tasks" in refused.json()["detail"]
        # Given back, it is still one that somebody was shown.
        leasing.give_back(kavya, lease_id, at=database_now())
    assert Task.objects.count() == 2


def test_what_is_begun_stays_and_is_counted(gateway, project, hyderabad, chennai, asha, door) -> None:
    make_ready_clips(gateway, 4)
    assert spread_now() == 4
    leasing.lease_next(asha.user_id, count=1)
    told = post(door, "/preview", project=project.pk, from_teams=[hyderabad.pk], teams=[chennai.pk]).json()
    assert (told["chosen"], told["begun"], told["placed"]) == (1, 1, 1)


def test_bad_choices_are_refused_in_words(gateway, project, hyderabad, chennai, door, ops) -> None:
    make_ready_clips(gateway, 1)
    empty = make_team("Nowhere")
    other = make_team("Elsewhere")
    project.teams.add(empty)
    past = (database_now() - timedelta(minutes=1)).isoformat()
    for body, code in (
        ({"project": 987654}, "unknown-project"),
        ({"project": project.pk, "teams": [other.pk]}, "unknown-team"),
        ({"project": project.pk, "teams": [987654]}, "unknown-team"),
        ({"project": project.pk, "teams": [empty.pk]}, "team-without-people"),
        ({"project": project.pk, "due_at": past}, "due-in-past"),
        ({"project": project.pk, "clips": [987654]}, "nothing-to-plan"),
        ({"project": project.pk, "team": [1]}, "invalid"),
        ({"project": str(project.pk)}, "invalid"),
        ({}, "invalid"),
    ):
        for path, more in (("/preview", {}), ("", {"reason": "to try it"})):
            refused = post(door, path, **body, **more)
            assert refused.status_code in {400, 409}, body
            assert refused.json()["code"] == code, (body, refused.json())
    assert post(door, "", project=project.pk, reason="x").json()["code"] == "reason-required"
    Project.objects.update(is_active=False)
    assert post(door, "/preview", project=project.pk).json()["code"] == "project-paused"
    assert not Plan.objects.exists()
    assert Clip.objects.count() == 1


def test_who_may_not_plan_finds_closed_doors(project, gateway, asha) -> None:
    for user in (gateway, asha.user):
        door = signed_in(user)
        assert post(door, "", project=project.pk, reason="to try it").status_code == 403
        assert post(door, "/preview", project=project.pk).status_code == 403
        assert post(door, "/1/undo", reason="to try it").status_code == 403
        assert door.get("/api/v1/ops/plans").status_code == 403
        assert door.get("/api/v1/ops/plans/1").status_code == 403


def test_a_second_planner_by_hand_is_told_to_wait(gateway, project, door) -> None:
    make_ready_clips(gateway, 1)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        # The lock belongs to a session: who holds it must be another than who serves.
        with alone("plan"):
            held.set()
            done.wait(30)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(30)
    try:
        assert post(door, "", project=project.pk, reason="to try it").json()["code"] == "planner-busy"
    finally:
        done.set()
        holder.join()
    assert post(door, "", project=project.pk, reason="to try it").status_code == 201


def test_the_admin_lists_plans_and_says_why(gateway, project, ops) -> None:
    make_ready_clips(gateway, 2)
    Project.objects.update(skills=["hindi"])
    assert spread_now() == 0
    client = Client()
    assert client.login(username="ops", password=PASSWORD)
    listed = client.get("/admin/annotations/plan/")
    assert listed.status_code == 200
    page = client.get(f"/admin/annotations/plan/{Plan.objects.get().pk}/change/")
    assert "needs hindi; nobody in Hyderabad or Chennai has it" in page.content.decode()
    people.pause(Team.objects.get(name="Chennai"), by=ops, reason="to look")
    assert client.get("/admin/annotations/plan/?kind=beat").status_code == 200
