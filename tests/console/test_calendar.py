"""The calendar: four weeks of teams, and what a closure does before it is put in."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotations.models import Plan, Task
from config.clock import database_now
from tests.conftest import make_region, make_reviewer, make_team, make_user
from tests.console.axe import serious
from workforce import calendars
from workforce.models import Absence, Closure, Shift, WorkedHoliday

pytestmark = pytest.mark.django_db
PAGE = "/admin/calendar"


@pytest.fixture
def ops(roles, client):
    client.force_login(make_user("ops", "ops manager", is_staff=True))
    return client


def days_of(reply, team):
    return {one.day: one for one in next(days for found, days in reply.context["shown"] if found == team)}


def closed(first: date, **changes: object) -> dict[str, object]:
    return {"first_day": str(first), "reason": "a power cut"} | changes


def test_four_weeks_show_shifts_holidays_closures_absences_and_worked_holidays(ops, hyderabad, asha) -> None:
    calendars.put_in(Shift(team=hyderabad, weekday=0, begins=time(9), ends=time(17)))
    republic = date(2027, 1, 26)
    calendars.put_in(WorkedHoliday(region=hyderabad.region, day=republic, reason="a rush"))
    calendars.put_in(Closure(first_day=date(2027, 1, 12), last_day=date(2027, 1, 13), reason="everybody rests"))
    calendars.put_in(Absence(reviewer=asha, first_day=date(2027, 1, 14), last_day=date(2027, 1, 14)))
    days = days_of(ops.get(PAGE, {"from": "2027-01-06"}), hyderabad)
    assert (min(days), len(days)) == (date(2027, 1, 4), 28)
    assert days[date(2027, 1, 11)].shifts == ["09:00-17:00"]
    assert days[date(2027, 1, 12)].off
    assert [str(row.reviewer) for row in days[date(2027, 1, 14)].away] == ["asha"]
    assert days[republic].holidays == ["IN: Republic Day"]
    assert days[republic].worked
    assert ops.get(PAGE, {"from": "9999-99-99"}).status_code == ops.get(PAGE, {"from": "0001-01-01"}).status_code == 200


def test_one_sees_what_a_closure_does_before_it_is_put_in(ops, tasks, hyderabad) -> None:
    tomorrow = database_now().date() + timedelta(days=1)
    body = closed(tomorrow - timedelta(days=2), last_day=str(tomorrow + timedelta(days=20)), team=hyderabad.pk)
    Task.objects.update(due_at=database_now() + timedelta(hours=30))
    seen = ops.post(PAGE, body).context["foreseen"]
    effect = seen.effects[0]
    assert effect.name == "Hyderabad"
    assert effect.hours[0] > 0 == effect.hours[1]
    assert effect.tasks == (3, 0)
    assert seen.unplaced == (0, 3)
    assert not Closure.objects.exists()
    assert not Plan.objects.filter(kind="hand").exists()
    assert ops.post(PAGE, body | {"save": "yes"}).status_code == 302
    assert str(Closure.objects.get().author) == "ops"


def test_an_absence_is_put_in_and_taken_out_with_a_reason(ops, asha) -> None:
    day = database_now().date() + timedelta(days=3)
    body = {"reviewer": asha.pk, "first_day": str(day)}
    assert ops.post(PAGE, body).context["foreseen"].effects[0].hours[1] > 0
    assert ops.post(PAGE, body | {"save": "yes"}).status_code == 302
    assert "these overlap" in ops.post(PAGE, body).content.decode()
    row = Absence.objects.get()
    out = {"kind": "absence", "pk": row.pk}
    assert "Say why" in ops.post(PAGE, out | {"reason": ""}, follow=True).content.decode()
    ops.post(PAGE, out | {"reason": "came after all"})
    row.refresh_from_db()
    assert row.cancelled_at is not None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "one of them"),
        ({"reason": "", "team": "own"}, "Say why it is closed"),
        ({"team": "own", "last_day": "2020-01-01"}, "last day is before the first"),
        ({"team": "own", "last_day": "2090-01-01"}, "more than a year"),
        ({"team": "987654321"}, "Select a valid choice"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(ops, hyderabad, changes, said) -> None:
    if changes.get("team") == "own":
        changes = changes | {"team": hyderabad.pk}
    reply = ops.post(PAGE, closed(database_now().date(), **changes))
    assert said in reply.content.decode()
    assert not Closure.objects.exists()


def test_others_teams_people_and_plans_are_not_there(roles, client, asha, hyderabad) -> None:
    iasi = make_team("Iasi", make_region("ro", "Romania", "Europe/Bucharest"))
    far = make_reviewer("ion", iasi, country="RO")
    day = database_now().date()
    theirs = calendars.put_in(Closure(team=iasi, first_day=day, last_day=day, reason="Iasi rests"))
    away = calendars.put_in(Absence(reviewer=far, first_day=day, last_day=day))
    everybody = calendars.put_in(Closure(first_day=day, last_day=day, reason="all rest"))
    client.force_login(make_user("boss", "ops manager", is_staff=True, places=[hyderabad.region]))
    page = client.get(PAGE)
    assert "Iasi" not in page.content.decode()
    assert days_of(page, hyderabad)[day].off
    assert page.context["takeable"] == []
    for body in (closed(day, team=iasi.pk), closed(day, reviewer=far.pk)):
        assert "Select a valid choice" in client.post(PAGE, body).content.decode()
    told = client.post(PAGE, closed(day, team=hyderabad.pk)).context["foreseen"]
    assert [effect.name for effect in told.effects] == ["Hyderabad"]
    for kind, row in (("closure", theirs), ("absence", away)):
        assert client.post(PAGE, {"kind": kind, "pk": row.pk, "reason": "because"}).status_code == 404
    client.post(PAGE, {"kind": "closure", "pk": everybody.pk, "reason": "because of it"})
    assert client.post(PAGE, {"kind": "user", "pk": 1, "reason": "because"}).status_code == 404
    assert not Closure.objects.exclude(cancelled_at=None).exists()


def test_a_lead_keeps_absences_and_the_page_asks_no_more_for_more_rows(roles, client, hyderabad, asha) -> None:
    client.force_login(make_user("lead", "team lead", is_staff=True, places=[hyderabad.region]))
    assert set(client.get(PAGE).context["form"].fields) == {"reviewer", "first_day", "last_day", "reason"}
    asked = []
    for more in (1, 8):
        for number in range(more):
            team = make_team(f"Team {more} {number}", hyderabad.region)
            person = make_reviewer(f"person-{more}-{number}", team)
            day = database_now().date()
            calendars.put_in(Absence(reviewer=person, first_day=day, last_day=day))
            calendars.put_in(Shift(team=team, weekday=0, begins=time(9), ends=time(17)))
            calendars.put_in(Closure(team=team, first_day=day, last_day=day, reason="a rest"))
        with CaptureQueriesContext(connection) as seen:
            client.get(PAGE)
        asked.append(len(seen))
    assert asked[0] == asked[1] <= 20, asked
    client.force_login(make_user("quality", "quality lead", is_staff=True))
    assert client.get(PAGE).status_code == 404


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("dark", [False, True])
def test_somebody_closes_a_team_after_a_look(roles, desk, dark) -> None:
    team, mode = make_team(), "dark" if dark else "light"
    asha = make_reviewer("asha", team, first_name="Asha", last_name="Rao")
    for weekday in range(5):
        calendars.put_in(Shift(team=team, weekday=weekday, begins=time(9), ends=time(17)))
    today = database_now().date()
    calendars.put_in(Absence(reviewer=asha, first_day=today, last_day=today + timedelta(days=2)))
    sat = desk(make_user("ops", "ops manager", is_staff=True), dark=dark)
    shown = sat.open("/admin/")
    shown.locator(f'a[href="{PAGE}"]').first.click()
    shown.get_by_label("Close a team").select_option("Hyderabad")
    shown.get_by_label("First day").fill(str(today + timedelta(days=1)))
    shown.get_by_label("Why it is closed").fill("A power cut")
    shown.get_by_role("button", name="See what it does").click()
    shown.get_by_role("heading", name="What the plan makes of it").wait_for()
    assert serious(shown) == []
    sat.shoot(f"calendar-look-{mode}")
    shown.get_by_role("button", name="Put it in").click()
    shown.get_by_text("Put in: Hyderabad closed").wait_for()
    assert serious(shown) == []
    sat.shoot(f"calendar-{mode}")


def test_many_teams_and_people_are_paged_and_named(ops, asha, hyderabad, monkeypatch) -> None:
    monkeypatch.setattr("annotations.console.weeks.A_PAGE", 1)
    monkeypatch.setattr("annotations.console.weeks.MOST_OFFERED", 0)
    make_team("Pune", hyderabad.region)
    shown = [ops.get(PAGE, {"p": page}).context["shown"] for page in ("1", "2")]
    assert [[team.name for team, _days in one] for one in shown] == [["Hyderabad"], ["Pune"]]
    page = ops.get(PAGE)
    assert "Their sign-in." in page.content.decode()
    assert "page 1 of 2, 2 teams" in page.content.decode()
    asked = {"reviewer": "asha", "first_day": "2027-01-05", "save": "1"}
    assert "no such person among yours" in ops.post(PAGE, asked | {"reviewer": "nobody"}).content.decode()
    ops.post(PAGE, asked)
    assert Absence.objects.get().reviewer == asha
