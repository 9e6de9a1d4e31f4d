"""Bulk actions: on all that a filter finds, row by row, killed and gone on with, refused, stopped, told apart."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect

from annotations import bulk, leasing
from annotations.errors import BulkOver
from annotations.models import BulkItem, BulkRun, BulkState, Lease
from annotations.tasks import run_bulk, sweep_bulk
from config.clock import database_now
from tests.conftest import make_project, make_ready_clips, make_region, make_reviewer, make_team, make_user, put_in_lane
from tests.console.axe import serious
from tests.two_regions import build
from workforce.models import Reviewer, Team

pytestmark = pytest.mark.django_db(transaction=True)
TASKS = "admin:annotations_task_changelist"


@pytest.fixture
def ops(roles: None) -> User:
    return make_user("ops", "ops manager", is_staff=True)


@pytest.fixture
def browsing(ops: User) -> Client:
    client = Client()
    client.force_login(ops)
    return client


@pytest.fixture
def many(gateway: User, hyderabad: Team, asha: Reviewer) -> list[Lease]:
    """More live leases than are recalled while one waits."""
    project = make_project(hyderabad, prefetch=100, overlap=1, most_seats=1)
    put_in_lane(project, hyderabad, make_ready_clips(gateway, 60), at=database_now())
    for _ in range(6):
        leasing.lease_next(asha.user_id, count=10)
    found = list(Lease.objects.order_by("pk"))
    assert len(found) == 60
    return found


def recalled(client: Client, rows: list[Any], **more: Any) -> Any:
    """Ask for the recall of all leases that the list finds."""
    asked = {"action": "recall", "_selected_action": [rows[0].pk], "select_across": "1"}
    return client.post(reverse("admin:annotations_lease_changelist"), asked | more)


def begun(client: Client, rows: list[Any]) -> BulkRun:
    reply = recalled(client, rows, confirmed="yes", reason="the network was down")
    assert reply.status_code == 302, reply.content
    return BulkRun.objects.get(pk=int(reply.url.rsplit("/", 1)[1]))


def test_many_rows_are_asked_for_first_and_done_in_the_background(many, browsing) -> None:
    looked = recalled(browsing, many)
    assert "They are done in the background" in looked.content.decode()
    assert "60 leases" in looked.content.decode()
    assert not BulkRun.objects.exists()
    assert recalled(browsing, many, confirmed="yes", reason="x").status_code == 200
    run = begun(browsing, many)
    assert (run.state, run.total, run.reason) == (BulkState.QUEUED, 60, "the network was down")
    assert run.due_at is not None
    assert Lease.objects.filter(state="live").count() == 60
    run_bulk(run.pk)
    run.refresh_from_db()
    assert (run.state, run.done, run.refused, run.due_at) == (BulkState.DONE, 60, 0, None)
    assert not Lease.objects.filter(state="live").exists()
    change = Lease.pgh_event_models["to"].objects.order_by("pgh_id").last()  # type: ignore[attr-defined]
    assert change.pgh_context.metadata["why"] == "the network was down"
    assert change.pgh_context.metadata["by"] == "ops"


def test_few_rows_are_done_while_one_waits(many, browsing) -> None:
    asked = {
        "action": "recall",
        "_selected_action": [row.pk for row in many[:3]],
        "confirmed": "yes",
        "reason": "because",
    }
    reply = browsing.post(reverse("admin:annotations_lease_changelist"), asked, follow=True)
    assert "3 leases recalled" in reply.content.decode()
    assert not BulkRun.objects.exists()


def test_a_killed_worker_is_gone_on_after_and_nothing_is_done_twice(many, browsing, monkeypatch) -> None:
    run = begun(browsing, many)
    done: list[int] = []
    page: Any = admin.site._registry[Lease]
    recall = page.recall.do

    def count(self: Any, request: Any, row: Any, answers: Any) -> object:
        if len(done) == 25:
            # As if it were killed: nothing is caught, nothing is tidied up.
            raise KeyboardInterrupt
        result = recall(self, request, row, answers)
        done.append(row.pk)
        return result

    monkeypatch.setattr(type(page).recall, "do", count)
    with pytest.raises(KeyboardInterrupt):
        bulk.work(run.pk, at=database_now())
    run.refresh_from_db()
    assert (run.state, run.done) == (BulkState.RUNNING, 25)
    assert Lease.objects.filter(state="live").count() == 35
    assert BulkItem.objects.filter(run=run, outcome="done").count() == 25
    monkeypatch.undo()
    assert bulk.unheard(at=database_now()) == []
    assert run.due_at is not None
    assert bulk.unheard(at=run.due_at) == [run.pk]
    assert not bulk.work(run.pk, at=database_now())
    run.refresh_from_db()
    assert (run.state, run.done, run.dull, run.refused) == (BulkState.DONE, 60, 0, 0)
    assert not bulk.work(run.pk, at=database_now())


def test_it_is_worked_at_in_turns(many, browsing) -> None:
    run = begun(browsing, many)
    assert bulk.work(run.pk, at=database_now(), most=20)
    run.refresh_from_db()
    assert (run.state, run.done) == (BulkState.RUNNING, 20)
    assert not bulk.work(run.pk, at=database_now(), seconds=30)
    assert bulk.work(run.pk, at=database_now()) is False


def test_a_lost_ring_is_made_up_for(many, browsing, monkeypatch) -> None:
    run = begun(browsing, many)
    BulkRun.objects.update(due_at=database_now())
    rung: list[int] = []
    monkeypatch.setattr("annotations.tasks.ring", lambda task, number, queue: rung.append(number))
    sweep_bulk()
    sweep_bulk()
    assert rung == [run.pk]


def test_what_a_verb_refuses_is_left_told_and_downloaded(many, browsing, asha) -> None:
    run = begun(browsing, many)
    for lease in many[:2]:
        leasing.give_back(asha, lease.pk, at=database_now())
    run_bulk(run.pk)
    run.refresh_from_db()
    assert (run.state, run.done, run.refused) == (BulkState.DONE, 58, 2)
    page = browsing.get(f"/admin/bulk/{run.pk}").content.decode()
    why = BulkItem.objects.filter(run=run, outcome="refused")[0].why
    assert why
    assert f"<strong>2</strong> · {why}".replace("'", "&#x27;") in page
    reply = browsing.get(f"/admin/bulk/{run.pk}/results.csv")
    lines = b"".join(reply.streaming_content).decode().splitlines()
    assert lines[0] == "number,outcome,why"
    assert len(lines) == 61
    assert sum(",refused," in line for line in lines) == 2


def test_a_broken_row_does_not_keep_the_others(many, browsing, monkeypatch) -> None:
    run = begun(browsing, many)
    page: Any = admin.site._registry[Lease]
    recall = page.recall.do

    def breaks(self: Any, request: Any, row: Any, answers: Any) -> object:
        result = recall(self, request, row, answers)
        if row.pk == many[7].pk:
            raise ZeroDivisionError
        return result

    monkeypatch.setattr(type(page).recall, "do", breaks)
    assert not bulk.work(run.pk, at=database_now())
    run.refresh_from_db()
    assert (run.done, run.refused) == (59, 1)
    assert BulkItem.objects.get(run=run, outcome="refused").why == bulk.BROKEN
    # What it had written before it broke is not there.
    assert Lease.objects.get(state="live").pk == many[7].pk


def test_it_can_be_stopped_and_what_is_done_stays(many, browsing) -> None:
    run = begun(browsing, many)
    bulk.work(run.pk, at=database_now(), most=10)
    reply = browsing.post(f"/admin/bulk/{run.pk}/cancel", follow=True)
    assert "Stopped: 50 were left as they are." in reply.content.decode()
    assert not bulk.work(run.pk, at=database_now())
    run.refresh_from_db()
    assert (run.state, run.done, run.due_at) == (BulkState.CANCELLED, 10, None)
    assert Lease.objects.filter(state="live").count() == 50
    assert bulk.cancel(run.pk, at=database_now()).state == BulkState.CANCELLED


def test_what_is_done_cannot_be_stopped(many, browsing) -> None:
    run = begun(browsing, many)
    run_bulk(run.pk)
    with pytest.raises(BulkOver):
        bulk.cancel(run.pk, at=database_now())


def test_rights_and_scope_are_asked_when_it_is_done(many, browsing, ops, hyderabad) -> None:
    run = begun(browsing, many)
    bulk.work(run.pk, at=database_now(), most=10)
    ops.groups.set([Group.objects.get(name="auditor")])
    bulk.work(run.pk, at=database_now(), most=10)
    assert set(BulkItem.objects.filter(run=run, outcome="refused").values_list("why", flat=True)) == {bulk.MAY_NOT}
    ops.groups.set([Group.objects.get(name="ops manager")])
    ops.staff_scopes.all().delete()
    assert not bulk.work(run.pk, at=database_now())
    run.refresh_from_db()
    assert (run.done, run.refused) == (10, 50)
    assert Lease.objects.filter(state="live").count() == 50


def test_another_regions_rows_are_not_in_it(gateway, hyderabad, asha, many, roles) -> None:
    romania = make_region("ro", "Romania", "Europe/Bucharest")
    bucharest = make_team("Bucharest", romania)
    ioana = make_reviewer("ioana", bucharest, country="RO")
    project = make_project(bucharest, slug="theirs", prefetch=100, overlap=1, most_seats=1)
    put_in_lane(project, bucharest, make_ready_clips(gateway, 2, region="ro"), at=database_now())
    leasing.lease_next(ioana.user_id, count=2)
    client = Client()
    client.force_login(make_user("ops-in", "ops manager", is_staff=True, places=[hyderabad.region]))
    run = begun(client, many)
    theirs = set(Lease.objects.filter(reviewer=ioana).values_list("pk", flat=True))
    assert run.total == 60
    assert not theirs & set(run.items.values_list("object_id", flat=True))
    # Nor when somebody put one in by hand.
    BulkItem.objects.filter(run=run, place=1).update(object_id=min(theirs))
    run_bulk(run.pk)
    assert BulkItem.objects.get(run=run, place=1).why == bulk.NOT_YOURS
    assert Lease.objects.filter(reviewer=ioana, state="live").count() == 2
    other = Client()
    other.force_login(make_user("ops-ro", "ops manager", is_staff=True, places=[romania]))
    assert f"/admin/bulk/{run.pk}" not in other.get("/admin/bulk").content.decode()
    for path in (f"/admin/bulk/{run.pk}", f"/admin/bulk/{run.pk}/results.csv"):
        assert other.get(path).status_code == 404
    assert other.post(f"/admin/bulk/{run.pk}/cancel").status_code == 404


def test_each_action_of_each_list_can_be_done_by_a_worker(roles, gateway, browsing, monkeypatch) -> None:
    """No action needs more of a request than who asks: a row may refuse, and none breaks."""
    world = build("in", name="India", zone="Asia/Kolkata", word="Ganga", gateway=gateway)
    boss = make_user("boss", is_staff=True, is_superuser=True)
    met = 0
    for model, page in admin.site._registry.items():
        for name in page.actions or ():
            found: Any = getattr(page, str(name), None)
            if not hasattr(found, "do") or model not in world.rows:
                continue
            answers: dict[str, Any] = {"reason": "to see that it can be done"}
            request = type("Asked", (), {"user": boss})()
            for asked, offered in found.choices.items():
                options = offered(request) if callable(offered) else offered
                answers[asked] = options[0][0] if options else ""
            answers |= dict.fromkeys(found.numbers, 1)
            rows = model._default_manager.filter(pk=world.rows[model].pk)
            run = bulk.begin(rows, action=str(name), title=str(name), answers=answers, by=boss, at=database_now())
            bulk.work(run.pk, at=database_now())
            run.refresh_from_db()
            assert run.state == BulkState.DONE, (model, name)
            assert not run.items.filter(why__in=[bulk.BROKEN, bulk.MAY_NOT]).exists(), (model, name)
            met += 1
    assert met > 20


def test_progress_in_a_browser(many, ops, desk, browsing, asha) -> None:
    leasing.give_back(asha, many[3].pk, at=database_now())
    sat = desk(ops)
    page = sat.open("/admin/bulk")
    expect(page.get_by_text("No bulk action yet.")).to_be_visible()
    sat.shoot("bulk-empty")
    page = sat.open("/admin/annotations/lease/")
    page.locator("#action-toggle").check()
    page.get_by_role("link", name="Select all 60 leases").click()
    page.locator("select[name=action]").select_option("recall")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("They are done in the background")).to_be_visible()
    page.get_by_label("Reason").fill("the network was down")
    sat.shoot("bulk-ask")
    page.get_by_role("button", name="Recall leases").click()
    live = page.locator("[data-live]")
    expect(live.get_by_text("0 of 60")).to_be_visible()
    run = BulkRun.objects.get()
    bulk.work(run.pk, at=database_now(), most=30)
    expect(live.get_by_text("30 of 60")).to_be_visible(timeout=15_000)
    assert serious(page) == []
    sat.shoot("bulk-running")
    bulk.work(run.pk, at=database_now())
    expect(live.get_by_text("60 of 60")).to_be_visible(timeout=15_000)
    expect(live.get_by_text("Refused, and why")).to_be_visible()
    assert serious(page) == []
    sat.shoot("bulk-done")
    dark = desk(ops, dark=True)
    page = dark.open(f"/admin/bulk/{run.pk}")
    assert serious(page) == []
    dark.shoot("bulk-done-dark")


def test_the_pages_ask_as_much_however_many_rows(many, browsing, django_assert_max_num_queries) -> None:
    run = begun(browsing, many)
    run_bulk(run.pk)
    with django_assert_max_num_queries(10):
        browsing.get(f"/admin/bulk/{run.pk}")
    with django_assert_max_num_queries(6):
        browsing.get("/admin/bulk")
