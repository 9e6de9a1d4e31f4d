"""Lists, searches and saved views: what people need is found, by an index, and nobody finds another region's."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from playwright.sync_api import expect

from annotations import leasing, saved_views
from annotations.errors import NameTaken, ViewTooLong
from annotations.models import Annotation, Lease, SavedView, Task
from clips.models import Clip
from config import lists
from tests.conftest import make_region, make_reviewer, make_team, make_user
from tests.console.axe import serious
from workforce.models import Reviewer, Team

pytestmark = pytest.mark.django_db(transaction=True)

TASKS, LEASES = reverse("admin:annotations_task_changelist"), reverse("admin:annotations_lease_changelist")
CLIPS, ANSWERS = reverse("admin:clips_clip_changelist"), reverse("admin:annotations_annotation_changelist")


@pytest.fixture
def ops(roles: None) -> User:
    return make_user("ops", "ops manager", is_staff=True)


@pytest.fixture
def browsing(ops: User) -> Client:
    client = Client()
    client.force_login(ops)
    return client


@pytest.fixture
def romania(roles: None, hyderabad: Team) -> Client:
    """Somebody of Romania, where one person works in one team."""
    region = make_region("ro", "Romania", "Europe/Bucharest")
    make_reviewer("ioana", make_team("Bucharest", region), country="RO", last_name="Ionescu")
    client = Client()
    client.force_login(make_user("ops-ro", "ops manager", is_staff=True, places=[region]))
    return client


def found(client: Client, url: str, **asked: Any) -> list[int]:
    reply = client.get(url, asked)
    assert reply.status_code == 200, reply.content
    return [row.pk for row in reply.context["cl"].result_list]


def searched(client: Client, term: str) -> list[str]:
    reply = client.get("/admin/search/", {"s": term, "extended": "1"})
    assert reply.status_code == 200
    return re.findall(r'data-title="([^"]*)"', reply.content.decode())


def test_everything_is_found_by_number_and_name(tasks, asha, browsing) -> None:
    lease = Lease.objects.get(pk=leasing.lease_next(asha.user_id, count=1).lease_ids[0])
    task = tasks[0]
    assert searched(browsing, f"task {task.pk}") == [f"Task {task.pk}"]
    assert searched(browsing, f"clip {task.clip_id}") == [f"Clip {task.clip_id}"]
    assert searched(browsing, f"lease {lease.pk}") == [f"Lease {lease.pk}"]
    assert f"Task {task.pk}" in searched(browsing, f"#{task.pk}")
    assert searched(browsing, "asha") == [f"Person {asha.pk}"]
    assert searched(browsing, asha.pseudonym) == [f"Person {asha.pk}"]
    assert f"Team {asha.team_id}" in searched(browsing, "hydera")
    assert searched(browsing, Clip.objects.get(pk=task.clip_id).owner_key) == [f"Clip {task.clip_id}"]
    assert "Leases" in searched(browsing, "leases")
    assert searched(browsing, "nothing of the kind") == []
    assert browsing.get("/admin/search/", {"s": "9" * 40, "extended": "1"}).status_code == 200
    assert browsing.get("/admin/search/", {"s": "task"}).status_code == 200


def test_the_search_finds_nothing_of_another_region(tasks, asha, romania) -> None:
    for term in ("asha", "Hyderabad", f"task {tasks[0].pk}", f"clip {tasks[0].clip_id}", asha.pseudonym, "threats"):
        assert searched(romania, term) == [], term
    assert len(searched(romania, "ionescu")) == 1


def test_the_search_keeps_nothing_of_what_one_could_find(tasks, ops, browsing) -> None:
    assert searched(browsing, "Hyderabad")
    ops.staff_scopes.all().delete()
    assert searched(browsing, "Hyderabad") == []


def test_a_search_asks_each_table_once(tasks, browsing, django_assert_max_num_queries) -> None:
    for term in (str(tasks[0].pk), "asha", "hyd"):
        with django_assert_max_num_queries(11):
            browsing.get("/admin/search/", {"s": term, "extended": "1"})


def test_a_number_in_a_list_is_looked_up_by_its_index(tasks, asha, browsing) -> None:
    task = tasks[1]
    assert found(browsing, TASKS, q=str(task.pk)) == [one.pk for one in tasks[::-1] if task.pk in {one.pk, one.clip_id}]
    assert task.pk in found(browsing, TASKS, q=f"task {task.pk}")
    assert found(browsing, TASKS, q="nonsense") == []
    assert found(browsing, TASKS, q="9" * 18) == []
    clip = task.clip
    assert found(browsing, CLIPS, q=clip.owner_key) == [clip.pk]
    assert clip.pk in found(browsing, CLIPS, q=clip.sha256)
    assert found(browsing, CLIPS, q=clip.owner_key[:-1]) == []
    lease = leasing.lease_next(asha.user_id, count=1).lease_ids[0]
    assert found(browsing, LEASES, q="ASHA") == [lease]
    with CaptureQueriesContext(connection) as said:
        browsing.get(TASKS, {"q": str(task.pk)})
    assert not any("UPPER(" in one["sql"] or "LIKE" in one["sql"] for one in said.captured_queries)


def test_filters_that_people_need_first(tasks, asha, hyderabad, browsing) -> None:
    Task.objects.filter(pk=tasks[0].pk).update(due_at="2026-01-01T00:00Z")
    assert found(browsing, TASKS, due="late") == [tasks[0].pk]
    assert found(browsing, TASKS, due="day")[0] == tasks[0].pk
    assert len(found(browsing, TASKS, came="hour")) == 3
    Task.objects.filter(pk=tasks[1].pk).update(created_at="2026-01-01T00:00Z")
    assert len(found(browsing, TASKS, came="week")) == 2
    assert len(found(browsing, TASKS, state__exact="open", team__id__exact=hyderabad.pk)) == 3
    assert found(browsing, TASKS, label="threat") == []
    leasing.lease_next(asha.user_id, count=2)
    assert len(found(browsing, LEASES, came="hour", state__exact="live")) == 2
    assert len(found(browsing, LEASES, task__project__id__exact=tasks[0].project_id)) == 2
    assert len(found(browsing, CLIPS, region="in", is_sensitive__exact=0)) == 3
    assert found(browsing, ANSWERS, label="threat", came="day") == []
    assert Annotation.objects.count() == 0


def test_a_list_offers_no_region_of_others_and_finds_none(tasks, romania) -> None:
    page = romania.get(CLIPS).content.decode()
    assert "?region=ro" in page
    assert "?region=in" not in page
    for url, asked in ((TASKS, {"due": "day"}), (CLIPS, {"region": "in"}), (TASKS, {"q": str(tasks[0].pk)})):
        assert found(romania, url, **asked) == []


def test_no_list_counts_beyond_what_it_shows(tasks, asha, browsing, monkeypatch) -> None:
    monkeypatch.setattr(lists, "MOST_COUNTED", 2)
    reply = browsing.get(TASKS)
    text = reply.content.decode()
    assert "more than 2 tasks" in text
    assert reply.context["cl"].paginator.is_capped
    monkeypatch.setattr("annotations.admin.tasks.TaskAdmin.list_per_page", 1)
    text = browsing.get(TASKS).content.decode()
    assert "Select all tasks that the filter finds" in text
    leasing.lease_next(asha.user_id, count=1)
    for url in (TASKS, LEASES, CLIPS, ANSWERS):
        with CaptureQueriesContext(connection) as said:
            reply = browsing.get(url, {"_facets": "True"})
        counts = [one["sql"] for one in said.captured_queries if "COUNT(" in one["sql"]]
        assert all("LIMIT 3" in sql for sql in counts), counts
        assert reply.status_code == 302 or any("LIMIT 3" in one["sql"] for one in said.captured_queries), url


def test_what_no_index_knows_is_looked_for_among_the_newest(tasks, asha, browsing, monkeypatch) -> None:
    leasing.lease_next(asha.user_id, count=3)
    held = list(Lease.objects.order_by("-pk").values_list("pk", flat=True))
    monkeypatch.setattr("annotations.admin.tasks.LeaseAdmin.reach", 2)
    team = asha.team_id
    reply = browsing.get(LEASES, {"reviewer__team__id__exact": team})
    assert [row.pk for row in reply.context["cl"].result_list] == held[:2]
    assert "looked among the newest 2" in reply.content.decode()
    assert found(browsing, LEASES) == held
    # What few are is found however old it is.
    assert found(browsing, LEASES, state__exact="live") == held
    assert held[2] in found(browsing, LEASES, q=f"lease {held[2]}")


def test_first_pages_ask_twelve_times_at_the_most(tasks, asha, browsing, django_assert_max_num_queries) -> None:
    leasing.lease_next(asha.user_id, count=2)
    for url in (TASKS, LEASES, CLIPS, ANSWERS, reverse("admin:workforce_reviewer_changelist")):
        browsing.get(url)
        with django_assert_max_num_queries(12):
            browsing.get(url)


def test_a_view_is_saved_shared_renamed_and_deleted(tasks, ops, browsing, romania, hyderabad) -> None:
    of = "annotations.task"
    query = "state__exact=open&p=3&_facets=True"
    reply = browsing.post("/admin/views/save", {"list": of, "name": "  Open  ones ", "query": query, "shared": "yes"})
    assert (reply.status_code, reply.url) == (302, f"{TASKS}?state__exact=open")
    view = SavedView.objects.get()
    assert (view.name, view.query, view.is_shared) == ("Open ones", "state__exact=open", True)
    assert "Open ones" in romania.get(TASKS).content.decode()
    for path in (f"/admin/views/{view.pk}/rename", f"/admin/views/{view.pk}/delete", "/admin/views/987654321/delete"):
        assert romania.post(path, {"name": "mine"}).status_code == 404
    # Of a team of India nothing is told in Romania, whoever shares it.
    named = {"list": of, "name": "Hyderabad's", "query": f"team__id__exact={hyderabad.pk}", "shared": "yes"}
    browsing.post("/admin/views/save", named)
    assert "Hyderabad" not in romania.get(TASKS).content.decode()
    of_india = Client()
    of_india.force_login(make_user("ops-in", "ops manager", is_staff=True, places=[hyderabad.region]))
    of_india.post("/admin/views/save", {"list": of, "name": "India only", "query": "due=late", "shared": "yes"})
    assert "India only" not in romania.get(TASKS).content.decode()
    assert "India only" in browsing.get(TASKS).content.decode()
    assert browsing.post(f"/admin/views/{view.pk}/rename", {"name": "All open"}).status_code == 302
    view.refresh_from_db()
    assert view.name == "All open"
    refused = browsing.post(f"/admin/views/{view.pk}/rename", {"name": "Hyderabad's"}, follow=True)
    assert NameTaken.__doc__ in refused.content.decode()
    assert browsing.post(f"/admin/views/{view.pk}/delete").status_code == 302
    assert not SavedView.objects.filter(name="All open").exists()


def test_views_that_cannot_be_kept_are_refused_in_words(ops, browsing) -> None:
    for fields in ({"name": " "}, {"name": "x" * 61}, {"name": "y", "query": "q=" + "z" * 3000}):
        reply = browsing.post("/admin/views/save", {"list": "annotations.task", **fields}, follow=True)
        assert "A view needs a name" in reply.content.decode()
    for of in ("nonsense", "auth.user", "annotations.savedview", ""):
        assert browsing.post("/admin/views/save", {"list": of, "name": "x"}).status_code == 404
    for number in range(saved_views.MOST):
        saved_views.save(ops, of="annotations.task", name=str(number), query="", shared=False)
    with pytest.raises(ViewTooLong):
        saved_views.save(ops, of="annotations.task", name="one more", query="", shared=False)
    saved_views.save(ops, of="annotations.task", name="7", query="due=late", shared=False)


def test_a_saved_view_and_the_search_in_a_browser(gateway, tasks, ops, desk) -> None:
    Task.objects.filter(pk=tasks[0].pk).update(due_at="2026-01-01T00:00Z")
    sat = desk(ops)
    page = sat.open(f"{TASKS}?due=late")
    page.get_by_text("Save this view").click()
    page.get_by_label("Name").fill("What is late")
    sat.shoot("view-save")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("navigation", name="Saved views").get_by_role("link", name="What is late")).to_be_visible()
    assert serious(page, within=".sl-views") == []
    sat.shoot("tasks-list")
    page.goto(TASKS)
    page.get_by_role("link", name="What is late").click()
    expect(page.get_by_text("1 task")).to_be_visible()
    page.keyboard.press("Control+k")
    page.locator("#search-input-command").press_sequentially(f"task {tasks[1].pk}")
    expect(page.locator("#command-results").get_by_text(f"Task {tasks[1].pk}")).to_be_visible(timeout=15_000)
    sat.shoot("search")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/annotations/task/{tasks[1].pk}/change/")
    dark = desk(ops, dark=True)
    dark.open(TASKS)
    dark.shoot("tasks-list-dark")


def test_an_empty_list_opens(ops, desk) -> None:
    sat = desk(ops)
    sat.open(LEASES)
    sat.shoot("leases-empty")
    assert Reviewer.objects.count() == 0
