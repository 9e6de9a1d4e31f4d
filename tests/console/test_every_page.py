"""Every page of the console, full and empty, light and dark: it fits 1366 pixels, is for everybody, breaks nothing."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page

from annotations import bulk, leasing
from annotations.models import BulkRun, Lease, Task
from annotations.planning import by_hand
from clips.models import Clip
from config.clock import database_now
from tests.browser import Desk
from tests.conftest import make_user, signed_in
from tests.console.axe import serious
from tests.console.floor import Floor, today
from workforce import calendars, people, skills
from workforce.models import Absence, Closure, Reviewer, Shift

pytestmark = pytest.mark.django_db(transaction=True)
# What stands on both, full and empty.
ALWAYS = {
    "home": "/admin/",
    "stuck": "/admin/stuck",
    "assign": "/admin/assign",
    "bulk": "/admin/bulk",
    "reports": "/admin/reports",
    "reports-quota": "/admin/reports?report=quota",
    "calendar": "/admin/calendar",
    "quotas": "/admin/quotas",
    "changes": "/admin/changes",
    "audit": "/admin/audit",
    "tasks": "/admin/annotations/task/",
    "import": "/admin/workforce/reviewer/import/",
    "export": "/admin/workforce/reviewer/export/",
}
WIDE = """() => {
  const shown = [...document.querySelectorAll('.sl-scroll')].filter((one) => one.checkVisibility());
  const wide = shown.filter((one) => one.scrollWidth > one.clientWidth + 1);
  const page = document.documentElement.scrollWidth > window.innerWidth ? ['the page'] : [];
  return [...page, ...wide.map((one) => one.innerText.slice(0, 60))];
}"""


def answered(name: str, count: int) -> None:
    """Somebody takes some tasks and answers all but one."""
    person = Reviewer.objects.get(user__username=name)
    client = signed_in(person.user)
    for lease in client.post("/api/v1/leases", {"count": count}).json()["leases"][1:]:
        body = {"token": lease["token"], "answer": {"label": "threat"}}
        assert client.post(f"/api/v1/leases/{lease['id']}/annotation", body).status_code == 201


@pytest.fixture
def full(floor: Floor) -> dict[str, str]:
    """A floor in the middle of its day, with something of everything; what is opened besides."""
    at, ops = database_now(), floor.ops
    day = today()
    batch = list(Task.objects.filter(team=floor.hyderabad).values_list("pk", flat=True)[:4])
    choice = by_hand.Choice(project_id=floor.threats.pk, task_ids=batch, teams=[floor.chennai.pk])
    plan = by_hand.apply(choice, by=ops, reason="Hyderabad has more than it can do", at=at)
    for name in ("asha", "ravi", "kavya"):
        answered(name, 3)
    asha, ravi = (Reviewer.objects.get(user__username=name) for name in ("asha", "ravi"))
    skills.give(asha, "hindi", by=ops, value=80, expires_at=at + timedelta(days=20))
    people.pause(ravi, by=ops, reason="on a course")
    for weekday in range(5):
        calendars.put_in(Shift(team=floor.hyderabad, weekday=weekday, begins=time(9), ends=time(17)), by=ops)
        calendars.put_in(Shift(team=floor.hyderabad, weekday=weekday, begins=time(18), ends=time(22)), by=ops)
    far = day + timedelta(days=8)
    calendars.put_in(Closure(team=floor.chennai, first_day=far, last_day=far, reason="Diwali"), by=ops)
    calendars.put_in(Absence(reviewer=asha, first_day=far, last_day=far + timedelta(days=2)), by=ops)
    leases = Lease.objects.filter(state="live", reviewer__team__name="Cluj")
    run = bulk.begin(leases, action="recall", title="Recall leases", answers={"reason": "a line"}, by=ops, at=at)
    ioana = Reviewer.objects.get(user__username="ioana")
    leasing.give_back(ioana, leases.order_by("pk").first().pk, at=at)  # type: ignore[union-attr]
    bulk.work(run.pk, at=at)
    assert BulkRun.objects.get().refused == 1
    clips = list(Clip.objects.filter(region="in").order_by("pk"))
    Clip.objects.filter(pk=clips[-1].pk).update(state="failed", failure="it does not play")
    Task.objects.filter(pk=Task.objects.filter(team=floor.hyderabad).latest("pk").pk).update(
        due_at=at - timedelta(hours=1)
    )
    return {
        "plan": f"/admin/assign/plans/{plan.pk}",
        "bulk-run": f"/admin/bulk/{run.pk}",
        "person": f"/admin/people/{asha.pk}",
        "quota-set": f"/admin/quotas/set?reviewer={asha.pk}",
    }


def faults_of(page: Page) -> list[str]:
    wide: list[str] = page.evaluate(WIDE)
    return [*(f"too wide: {one}" for one in wide), *serious(page)]


def walked(sat: Desk, pages: dict[str, str], *, picture: str) -> dict[str, list[str]]:
    """Open each of these pages, keep its ``picture`` where that is asked for, and tell what is wrong with which."""
    found = {}
    for name, path in pages.items():
        page = sat.open(path)
        page.wait_for_load_state("networkidle")
        sat.shoot(picture.format(name))
        if faults := faults_of(page):
            found[name] = faults
    return found


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("is_full", [True, False], ids=["full", "empty"])
def test_every_page_fits_and_is_for_everybody(roles, heart, desk, request, is_full, dark) -> None:
    more: dict[str, str] = request.getfixturevalue("full") if is_full else {}
    kind: Any = "full" if is_full else "empty"
    sat = desk(make_user("meera", "ops manager", is_staff=True, first_name="Meera", last_name="Iyer"), dark=dark)
    picture = f"page-{{}}-{kind}-{'dark' if dark else 'light'}"
    assert walked(sat, ALWAYS | more, picture=picture) == {}
