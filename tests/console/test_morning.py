"""A morning of an ops manager, from the first look at the home to a bulk action that was refused in part: one story
through the pages, with people who work over the API meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from annotations import bulk
from annotations.models import BulkRun, Lease, Plan, Task
from annotations.tasks import plan_now
from config.clock import database_now
from tests.browser import Desk
from tests.conftest import PASSWORD
from tests.console.floor import A_DAY, Floor, today
from workforce.models import Closure, DailyLimit, Team

pytestmark = pytest.mark.django_db(transaction=True)


class Api:
    """A reviewer at the API of the server that serves the pages."""

    def __init__(self, base: str, username: str) -> None:
        self.base, self.headers = f"{base}/api/v1", dict[str, str]()
        token = self.ask("POST", "/tokens", {"username": username, "password": PASSWORD}).json()["token"]
        self.headers["Authorization"] = f"Token {token}"

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        reply = httpx.request(method, self.base + path, json=body, headers=self.headers, trust_env=False)
        assert reply.status_code < 300, reply.text
        return reply

    def take(self, count: int) -> list[Any]:
        found: list[Any] = self.ask("POST", "/leases", {"count": count}).json()["leases"]
        return found

    def answer(self, lease: Any) -> None:
        body = {"token": lease["token"], "answer": {"label": "threat"}}
        self.ask("POST", f"/leases/{lease['id']}/annotation", body)


def at_chennai(floor: Floor) -> int:
    return Task.objects.filter(team=floor.chennai).count()


def test_a_morning(floor: Floor, heart: Any, desk: Callable[..., Desk], live_server: Any) -> None:
    home_desk, sat = desk(floor.ops), desk(floor.ops)
    reports: list[str] = []
    for one in (home_desk, sat):
        one.page.on("request", lambda asked: reports.append(asked.url) if "csp-reports" in asked.url else None)
    home = looks_at_the_day(home_desk)
    assigns_a_batch(sat, floor)
    people_work(sat, home, live_server.url)
    home_desk.shoot("morning-home")
    closes_hyderabad(sat, floor)
    lets_the_planner_move_work(sat, floor)
    raises_one_day(sat, live_server.url)
    plans_and_takes_it_back(sat, floor)
    recalls_many(sat, live_server.url)
    # The home was open all morning and nobody loaded it again.
    expect(home.get_by_role("row", name="Chennai")).to_contain_text("1 / 8")
    assert home.evaluate("window.opened") == "once"
    assert reports == []


def looks_at_the_day(sat: Desk) -> Page:
    page = sat.open("/admin/")
    page.evaluate("() => { window.opened = 'once' }")
    expect(page.get_by_role("row", name="Hyderabad")).to_contain_text(f"0 / {2 * A_DAY}")
    expect(page.get_by_text("is counted every 15 seconds")).to_be_visible()
    expect(page.locator(".sl-charts")).to_be_visible(timeout=20_000)
    return page


def assigns_a_batch(sat: Desk, floor: Floor) -> None:
    page = sat.open("/admin/")
    page.get_by_role("row", name="Hyderabad").get_by_role("link", name="Hyderabad").click()
    boxes = page.locator("input.action-select")
    expect(boxes.first).to_be_visible()
    for box in boxes.all()[:4]:
        box.check()
    page.locator("select[name=action]").select_option("plan_these")
    page.get_by_role("button", name="Run").click()
    page.get_by_role("group", name="What becomes of it").get_by_label("Chennai (India)").check()
    page.get_by_role("button", name="See what would come of it").click()
    expect(page.get_by_text("Of 4 tasks and clips 4 would change")).to_be_visible()
    assert at_chennai(floor) == 0
    page.get_by_label("Why").fill("Hyderabad has more than it can do")
    sat.shoot("morning-assign")
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_role("heading", name="How far people came")).to_be_visible()
    assert at_chennai(floor) == 4


def people_work(sat: Desk, home: Page, base: str) -> None:
    """Kavya takes two and answers one; the plan's page and the home say so by themselves."""
    live = sat.page.locator("[data-live]")
    expect(live.get_by_text("0 / 4")).to_be_visible()
    kavya = Api(base, "kavya")
    first, _second = kavya.take(2)
    kavya.answer(first)
    expect(live.get_by_text("1 / 4")).to_be_visible(timeout=15_000)
    expect(sat.page.get_by_text("2 are begun, so it cannot be taken back any more")).to_be_visible()
    sat.shoot("morning-plan")
    expect(home.get_by_role("row", name="Chennai")).to_contain_text(f"1 / {2 * A_DAY}", timeout=15_000)


def closes_hyderabad(sat: Desk, floor: Floor) -> None:
    page = sat.open("/admin/calendar")
    page.get_by_label("Close a team").select_option("Hyderabad")
    page.get_by_label("First day").fill(str(today() + timedelta(days=1)))
    page.get_by_label("Why it is closed").fill("A power cut")
    page.get_by_role("button", name="See what it does").click()
    expect(page.get_by_role("heading", name="What the plan makes of it")).to_be_visible()
    expect(page.get_by_text("It changes nothing that is planned.")).not_to_be_visible()
    assert not Closure.objects.exists()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    board = page.get_by_role("region", name="Four weeks of teams")
    assert board.evaluate("one => one.scrollWidth <= one.clientWidth"), "the four weeks do not fit"
    sat.shoot("morning-closure")
    page.get_by_role("button", name="Put it in").click()
    expect(page.get_by_text("Put in: Hyderabad closed")).to_be_visible()
    sat.shoot("morning-calendar")


def lets_the_planner_move_work(sat: Desk, floor: Floor) -> None:
    """Hyderabad has more than it can do in time, and is closed tomorrow; Chennai has room."""
    page = sat.open("/admin/assign")
    page.get_by_role("button", name="Rebalance now").click()
    expect(page.get_by_text("The planner looks at all work now.")).to_be_visible()
    # What a worker does that was rung.
    plan_now()
    assert at_chennai(floor) > 4
    assert Plan.objects.filter(kind="beat", lines__to_team=floor.chennai, lines__from_team=floor.hyderabad).exists()


def raises_one_day(sat: Desk, base: str) -> None:
    asha = Api(base, "asha")
    assert len(asha.take(A_DAY)) == A_DAY
    page = sat.open("/admin/quotas")
    sat.shoot("morning-quotas")
    page.get_by_role("row", name="Asha Rao").locator("td.sl-today a").click()
    page.get_by_label("Clips a day").fill("9")
    page.get_by_label("Reason").fill("She offered to stay")
    page.get_by_role("button", name="Look, then set").click()
    expect(page.get_by_role("alert")).to_contain_text("Tick this to change it at once")
    assert not DailyLimit.objects.filter(level="day").exists()
    page.get_by_label("Today, too, at once").check()
    page.get_by_role("button", name="Look, then set").click()
    expect(page.get_by_text("9 for Asha Rao on")).to_be_visible()
    assert DailyLimit.objects.get(level="day").value == 9
    assert Lease.objects.filter(reviewer__user__username="asha", state="live").count() == A_DAY
    assert asha.take(1)


def plans_and_takes_it_back(sat: Desk, floor: Floor) -> None:
    before = dict(Task.objects.values_list("pk", "rank"))
    page = sat.open("/admin/assign")
    page.get_by_label("Project").select_option("Threats")
    page.get_by_role("group", name="Which work").get_by_label("Hyderabad (India)").check()
    page.get_by_label("Priority").fill("48")
    page.get_by_role("button", name="See what would come of it").click()
    expect(page.get_by_role("heading", name="What would come of it")).to_be_visible()
    page.get_by_label("Why").fill("the client asks for them")
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_role("heading", name="How far people came")).to_be_visible()
    assert dict(Task.objects.values_list("pk", "rank")) != before
    page.get_by_label("Why").fill("the client meant another project")
    page.get_by_role("button", name="Take it back").click()
    expect(page.get_by_text("Taken back: tasks lie where they lay")).to_be_visible()
    assert dict(Task.objects.values_list("pk", "rank")) == before


def recalls_many(sat: Desk, base: str) -> None:
    """Sixty leases are recalled; two of them went back by themselves before their turn came."""
    ioana = Api(base, "ioana")
    page = sat.open("/admin/annotations/lease/?reviewer__team__id__exact=" + str(Team.objects.get(name="Cluj").pk))
    page.locator("#action-toggle").check()
    page.get_by_role("link", name="Select all 60 leases").click()
    page.locator("select[name=action]").select_option("recall")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("They are done in the background")).to_be_visible()
    page.get_by_label("Reason").fill("Cluj lost its line")
    page.get_by_role("button", name="Recall leases").click()
    live = page.locator("[data-live]")
    expect(live.get_by_text("0 of 60")).to_be_visible()
    for lease in Lease.objects.filter(reviewer__user__username="ioana").order_by("pk")[:2]:
        ioana.ask("DELETE", f"/leases/{lease.pk}")
    bulk.work(BulkRun.objects.get().pk, at=database_now())
    expect(live.get_by_text("60 of 60")).to_be_visible(timeout=15_000)
    expect(live.get_by_text("Refused, and why")).to_be_visible()
    run = BulkRun.objects.get()
    assert (run.done, run.refused) == (58, 2)
    with page.expect_download() as got:
        live.get_by_role("link", name="Download what became of each row").click()
    assert got.value.path().read_text().count(",refused,") == 2
    sat.shoot("morning-bulk")
