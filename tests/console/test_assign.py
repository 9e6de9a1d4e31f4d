"""Assigning work by hand, as a manager does it: from a list or from its own page, looked at, done, watched, undone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from annotations import leasing
from annotations.admin.choosing import Chosen
from annotations.models import Plan, Project, Task
from annotations.planning.by_hand import MOST
from annotations.planning.running import LOCK
from config.clock import database_now
from config.ticks import alone
from tests.conftest import make_project, make_ready_clips, make_region, make_reviewer, make_team, make_user, spread_now
from tests.console.axe import serious
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


@contextmanager
def held_alone(name: str) -> Iterator[None]:
    """Somebody else holds this lock: it belongs to a session, so it must be another than the one that serves."""
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with alone(name):
            held.set()
            done.wait(30)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(30)
    try:
        yield
    finally:
        done.set()
        holder.join()


@pytest.fixture
def browsing(ops: User) -> Client:
    client = Client()
    client.force_login(ops)
    return client


def test_a_choice_is_carried_as_runs_of_numbers() -> None:
    chosen = Chosen("task", (7, 3, 4, 5, 90))
    assert chosen.packed() == "task:3-5.7.90"
    assert Chosen.unpacked("task:3-5.7.90") == Chosen("task", (3, 4, 5, 7, 90))
    assert Chosen.unpacked("") is None
    most = Chosen("clip", tuple(range(2, 2 * MOST + 2, 2)))
    assert Chosen.unpacked(most.packed()) == most
    for bad in ("task:", "task:0", "lease:1", "task:5-3", f"task:1-{MOST + 1}", "task:3.3", "task:a", "task:1-2-3"):
        with pytest.raises(ValueError, match=r"no choice|invalid literal"):
            Chosen.unpacked(bad)


def test_the_whole_story_in_a_browser(gateway, project, chennai, hyderabad, ops, desk) -> None:
    make_ready_clips(gateway, 6)
    assert spread_now() == 6
    sat = desk(ops)
    page = sat.open("/admin/annotations/task/?team__id__exact=" + str(hyderabad.pk))
    for box in page.locator("input.action-select").all():
        box.check()
    page.locator("select[name=action]").select_option("plan_these")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("3 tasks that you chose in their list")).to_be_visible()
    page.get_by_role("group", name="What becomes of it").get_by_label("Chennai (India)").check()
    page.get_by_role("button", name="See what would come of it").click()
    expect(page.get_by_role("heading", name="What would come of it")).to_be_visible()
    expect(page.get_by_text("Of 3 tasks and clips 3 would change")).to_be_visible()
    assert serious(page) == []
    sat.shoot("assign-preview")
    assert set(Task.objects.values_list("team__name", flat=True)) == {"Hyderabad", "Chennai"}
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_role("alert").get_by_text("Say why")).to_be_visible()
    page.get_by_label("Why").fill("Hyderabad celebrates Diwali")
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_role("heading", name="How far people came")).to_be_visible()
    assert set(Task.objects.values_list("team__name", flat=True)) == {"Chennai"}
    assert serious(page) == []
    sat.shoot("plan")
    page.get_by_label("Why").fill("they work after all")
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_text("Taken back: tasks lie where they lay")).to_be_visible()
    assert Task.objects.filter(team=hyderabad).count() == 3
    sat.shoot("plan-undone")


def test_the_plan_is_watched_without_reloading(gateway, project, chennai, ops, desk) -> None:
    make_ready_clips(gateway, 2)
    sat = desk(ops, dark=True)
    page = sat.open(f"/admin/assign?project={project.pk}")
    page.get_by_role("group", name="What becomes of it").get_by_label("Chennai (India)").check()
    page.get_by_role("button", name="See what would come of it").click()
    page.get_by_label("Why").fill("all of it to Chennai")
    sat.shoot("assign-preview-dark")
    page.get_by_role("button", name="Do it").click()
    live = page.locator("[data-live]")
    expect(live.get_by_text("0 / 4")).to_be_visible()
    leasing.lease_next(Reviewer.objects.get(user__username="kavya").user_id, count=1)
    live.get_by_role("row", name="Chennai 2 2 1 1").wait_for(timeout=15_000)
    assert serious(page) == []
    sat.shoot("plan-dark")
    page.reload()
    expect(page.get_by_text("so it cannot be taken back any more")).to_be_visible()
    assert page.get_by_role("button", name="Take it back").is_disabled()


def test_the_empty_page_says_what_it_is_for(ops, desk) -> None:
    sat = desk(ops)
    page = sat.open("/admin/assign")
    expect(page.get_by_text("Nobody has planned by hand yet.")).to_be_visible()
    page.get_by_role("button", name="See what would come of it").click()
    expect(page.get_by_text("This field is required.")).to_be_visible()
    assert serious(page) == []
    sat.shoot("assign-empty")


def test_all_of_a_filter_is_carried_across(gateway, project, browsing, hyderabad) -> None:
    make_ready_clips(gateway, 6)
    assert spread_now() == 6
    mine = list(Task.objects.filter(team=hyderabad).order_by("pk"))
    for url, kind, numbers in (
        (reverse("admin:annotations_task_changelist"), "task", [task.pk for task in mine]),
        (reverse("admin:clips_clip_changelist"), "clip", None),
    ):
        asked = {"action": "plan_these", "_selected_action": [mine[0].pk], "select_across": "1"}
        reply = browsing.post(f"{url}?team__id__exact={hyderabad.pk}" if kind == "task" else url, asked)
        assert reply.status_code == 200
        chosen = reply.context["chosen"]
        assert chosen.kind == kind
        assert reply.context["form"]["project"].value() == project.pk
        if numbers:
            assert list(chosen.ids) == numbers
        else:
            assert len(chosen.ids) == 6


def test_refusals_are_words_at_the_form_and_what_was_typed_stays(gateway, project, browsing, hyderabad) -> None:
    make_ready_clips(gateway, 1)
    empty, other = make_team("Nowhere"), make_team("Elsewhere")
    project.teams.add(empty)
    past = f"{database_now() - timedelta(hours=1):%Y-%m-%dT%H:%M}"
    for asked, field, said in (
        ({"teams": [other.pk]}, "teams", "Elsewhere does not work on"),
        ({"teams": [empty.pk]}, "teams", "Nobody works in"),
        ({"due_at": past}, "due_at", "is over"),
        ({"priority": 999}, "priority", "240"),
        ({"chosen": "task:987654321"}, "__all__", "Nothing that was chosen waits for somebody"),
        ({"chosen": "nonsense"}, "chosen", "choose it in its list again"),
        ({"arrived_from": "2026-11-02T00:00", "arrived_before": "2026-11-01T00:00"}, "arrived_before", "before"),
    ):
        reply = browsing.post("/admin/assign", {"do": "preview", "project": project.pk, "region": "in", **asked})
        assert reply.status_code == 200
        assert said in str(reply.context["form"].errors[field]), (asked, reply.context["form"].errors)
        assert reply.context["form"]["region"].value() == "in"
    assert not Plan.objects.filter(kind="hand").exists()


def test_what_is_done_is_what_was_looked_at(gateway, project, browsing, chennai) -> None:
    make_ready_clips(gateway, 2)
    asked = {"do": "preview", "project": project.pk, "reason": "to try it"}
    seen = browsing.post("/admin/assign", asked).context["form"]["looked_at"].value()
    changed = asked | {"do": "apply", "looked_at": seen, "teams": [chennai.pk]}
    reply = browsing.post("/admin/assign", changed)
    assert "The choice changed since you looked" in reply.content.decode()
    assert not Plan.objects.exists()
    again = changed | {"looked_at": reply.context["form"]["looked_at"].value()}
    with held_alone(LOCK):
        busy = browsing.post("/admin/assign", again)
    assert busy.status_code == 200
    assert busy.context["form"].non_field_errors()
    assert busy.context["found"].chosen == 2
    done = browsing.post("/admin/assign", again)
    assert done.status_code == 302
    assert Task.objects.filter(team=chennai).count() == 2


def test_another_regions_plan_is_not_there(gateway, project, roles, browsing) -> None:
    make_ready_clips(gateway, 1)
    seen = browsing.post("/admin/assign", {"do": "preview", "project": project.pk})
    asked = {
        "do": "apply",
        "project": project.pk,
        "reason": "because",
        "looked_at": seen.context["form"]["looked_at"].value(),
    }
    assert browsing.post("/admin/assign", asked).status_code == 302
    plan = Plan.objects.get(kind="hand")
    romania = make_region("ro", "Romania", "Europe/Bucharest")
    bucharest = make_team("Bucharest", romania)
    client = Client()
    client.force_login(make_user("ops-ro", "ops manager", is_staff=True, places=[romania]))
    page = client.get("/admin/assign")
    assert "Hyderabad" not in page.content.decode()
    assert "Bucharest" in page.content.decode()
    for path in (f"/admin/assign/plans/{plan.pk}", "/admin/assign/plans/987654321"):
        assert client.get(path).status_code == 404
        assert client.post(f"{path}/undo", {"reason": "to try"}).status_code == 404
    refused = client.post("/admin/assign", {"do": "preview", "project": project.pk, "teams": [bucharest.pk]})
    assert set(refused.context["form"].errors) == {"project"}
    assert browsing.get(f"/admin/assign/plans/{plan.pk}").status_code == 200


def test_only_who_may_plan_finds_the_page(roles, ops) -> None:
    for role, status in (("auditor", 404), ("team lead", 404), ("ops manager", 200)):
        client = Client()
        client.force_login(make_user(f"a-{role.replace(' ', '-')}", role, is_staff=True))
        assert client.get("/admin/assign").status_code == status
        assert client.post("/admin/assign/rebalance").status_code == (302 if status == 200 else 404)


def test_the_pages_ask_as_much_however_much_there_is(gateway, project, browsing, django_assert_max_num_queries) -> None:
    make_ready_clips(gateway, 5)
    seen = browsing.post("/admin/assign", {"do": "preview", "project": project.pk})
    asked = {
        "do": "apply",
        "project": project.pk,
        "reason": "because",
        "looked_at": seen.context["form"]["looked_at"].value(),
    }
    plan = browsing.post("/admin/assign", asked).url
    with django_assert_max_num_queries(12):
        browsing.get("/admin/assign")
    with django_assert_max_num_queries(12):
        browsing.get(plan)
    with django_assert_max_num_queries(9):
        browsing.get(plan, headers={"HX-Request": "true"})
