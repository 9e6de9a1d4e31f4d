"""The console's home: the day, live, in a dozen queries however many rows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.cache import cache
from django.test import Client

from annotations import leasing
from annotations.models import AuditRun, Plan, PlanKind, PlanLine, Task
from clips.models import Clip
from config import figures, pulse
from config.clock import database_now
from config.figures import Count, First
from tests.conftest import (
    make_project,
    make_ready_clips,
    make_region,
    make_reviewer,
    make_team,
    make_user,
    put_in_lane,
    signed_in,
    spread_now,
)
from workforce import people
from workforce.models import QuotaDay, Reviewer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ops(roles, gateway):
    return make_user("ops", "ops manager", is_staff=True)


def opened(user, path="/admin/"):
    client = Client()
    client.force_login(user)
    reply = client.get(path)
    assert reply.status_code == 200
    return reply


def answer(person: Reviewer, count: int = 1) -> None:
    client = signed_in(person.user)
    for lease in client.post("/api/v1/leases", {"count": count}).json()["leases"]:
        body = {"token": lease["token"], "answer": {"label": "threat"}}
        assert client.post(f"/api/v1/leases/{lease['id']}/annotation", body).status_code == 201


def texts(page) -> list[str]:
    return [alert.text for alert in page.context["alerts"]]


def test_a_quiet_morning_is_calm_and_says_so(ops, hyderabad, heart) -> None:
    page = opened(ops)
    assert page.context["alerts"] == []
    assert "All is calm" in page.content.decode()


def test_a_team_s_row_says_what_waits_and_what_was_done(ops, tasks, asha, ravi, heart) -> None:
    answer(asha)
    leasing.lease_next(ravi.user_id, count=2)
    place = opened(ops).context["places"][0]
    row = place.teams[0]
    assert (row.name, row.open, row.held, row.used, row.allowed, row.left) == ("Hyderabad", 3, 2, 1, 450, 447)
    assert (row.an_hour, row.late, row.people, row.dry) == (1, 0, 3, 0)
    assert row.oldest == min(Task.objects.values_list("created_at", flat=True))
    assert (place.whole.name, place.whole.open, place.whole.used) == ("India", 3, 1)


def test_what_is_first_in_turn_is_found_where_seats_come_back_too(ops, tasks, asha, heart) -> None:
    at = database_now()
    Task.objects.filter(pk=tasks[0].pk).update(created_at=at - timedelta(hours=5))
    lease = leasing.lease_next(asha.user_id, count=1).lease_ids[0]
    client = signed_in(asha.user)
    assert client.delete(f"/api/v1/leases/{lease}").status_code == 204
    assert opened(ops).context["places"][0].teams[0].oldest <= at - timedelta(hours=5)


def test_alerts_say_what_is_wrong_and_lead_to_where_it_is_put_right(
    ops, gateway, tasks, asha, ravi, hyderabad, heart
) -> None:
    at = database_now()
    Task.objects.filter(pk=tasks[0].pk).update(due_at=at - timedelta(hours=1))
    stuck = make_ready_clips(gateway, 2)
    Clip.objects.filter(pk=stuck[0].pk).update(state="failed", failure="it does not play")
    Clip.objects.filter(pk=stuck[1].pk).update(state="uploaded", due_at=at - timedelta(minutes=9))
    for _lapse in range(3):
        people.count_lapse(asha.pk)
    people.pause(ravi, by=ops, reason="on a course")
    finding = {"name": "seats", "promise": "Seats add up.", "count": 2, "first": {"task": 4}}
    AuditRun.objects.create(asked_at=at, seconds=1, checks=1, findings=[finding])
    plan = Plan.objects.create(kind=PlanKind.BEAT, made_at=at, looked_at=at, ends_at=at, due_at=at)
    project = tasks[0].project
    why = "Hyderabad is full"
    PlanLine.objects.create(plan=plan, number=1, project=project, region="in", due_at=at, tasks=7, why=why)
    heart.delete(pulse.BEAT)
    heart.hdel(pulse.WORKERS, "clips.in@here")
    page = opened(ops)
    said = " ".join(texts(page))
    for words in (
        "The beat is silent",
        "No worker listens to clips.in",
        "1 task is late",
        "1 clip failed",
        "1 clip is late in its state",
        "1 person is paused after leases lapsed",
        "1 person is paused by ops",
        "7 clips or tasks of Threats find nobody: Hyderabad is full",
        "A promise is broken: Seats add up.",
    ):
        assert words in said, words
    client = Client()
    client.force_login(ops)
    for link in {alert.link for alert in page.context["alerts"] if alert.link.startswith("/")}:
        assert client.get(link).status_code == 200, link
    people.pause(hyderabad, by=ops, reason="a fire drill")
    assert "Hyderabad is paused" in texts(opened(ops))


def test_redis_away_is_said_and_keeps_nobody_waiting(ops, hyderabad, settings, heart) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    began = database_now()
    page = opened(ops)
    assert database_now() - began < timedelta(seconds=4)
    assert "Redis cannot be reached" in page.content.decode()


def test_a_region_is_told_nothing_of_another(roles, gateway, heart) -> None:
    india, romania = make_region(), make_region("ro", "Romania", "Europe/Bucharest")
    make_team("Hyderabad", india)
    there = make_team("Cluj", romania)
    make_reviewer("ioana", there, country="RO")
    project = make_project(there)
    clips = make_ready_clips(gateway, 2, region="ro")
    put_in_lane(project, there, clips, at=database_now() - timedelta(days=9))
    heart.hdel(pulse.WORKERS, "clips.ro@here")
    page = opened(make_user("of-india", "ops manager", is_staff=True, places=[india]))
    text = page.content.decode()
    assert "Cluj" not in text
    assert "clips.ro" not in text
    assert [place.name for place in page.context["places"]] == ["India"]
    assert page.context["alerts"] == []
    everywhere = texts(opened(make_user("of-all", "ops manager", is_staff=True)))
    assert "2 tasks are late" in everywhere


@pytest.mark.parametrize("teams", [1, 10])
@pytest.mark.parametrize("whole", [True, False])
def test_a_dozen_queries_with_one_team_and_with_ten(
    roles, gateway, heart, teams, whole, django_assert_max_num_queries
) -> None:
    region = make_region()
    made = [make_team(f"Team {number}", region) for number in range(teams)]
    for team in made:
        for number in range(3):
            make_reviewer(f"{team.name}-{number}".replace(" ", "-"), team)
    make_project(*made)
    make_ready_clips(gateway, 2 * teams)
    spread_now()
    for person in Reviewer.objects.filter(user__username__endswith="-0"):
        answer(person)
    user = make_user("ops", "ops manager", is_staff=True, places=None if whole else [region])
    client = Client()
    client.force_login(user)
    for path in ("/admin/", "/admin/today/now", "/admin/today/fortnight"):
        cache.clear()
        with django_assert_max_num_queries(12):
            assert client.get(path).status_code == 200, path


def test_figures_are_counted_up_to_a_bound(tasks) -> None:
    rows = Task.objects.all()
    told = figures.ask(
        {"all": Count(rows), "two": Count(rows, most=2), "none": Count(rows.none()), "first": First(rows, "pk")}
    )
    assert told == {"all": 3, "two": 3, "none": 0, "first": tasks[-1].pk}
    assert figures.said(told["two"], 2) == "2+"
    assert figures.said(told["all"]) == "3"


def test_the_fortnight_tells_what_was_done_by_team(ops, tasks, asha, ravi, heart) -> None:
    answer(asha, 2)
    page = opened(ops, "/admin/today/fortnight")
    done, waited, lapsed = page.context["charts"]
    assert done.series == ("Hyderabad",)
    assert sum(float(value) for value in done.figures[0][1]) == 2
    assert waited.figures[0][1][-1] != "-"
    assert lapsed.series == ("Lapses", "Skips")


def test_the_fortnight_ends_with_a_day_that_has_begun_further_east(ops, tasks, asha, heart) -> None:
    """Whatever the hour of the test: somebody began the day after UTC's."""
    tomorrow = database_now().date() + timedelta(days=1)
    QuotaDay.objects.create(
        reviewer=asha, day=tomorrow, time_zone="Asia/Kolkata", day_limit=150, limit_source="global", allowed=150,
        used=2, held=0,
    )  # fmt: skip
    done = opened(ops, "/admin/today/fortnight").context["charts"][0]
    assert (len(done.figures[0][1]), float(done.figures[0][1][-1])) == (14, 2)


def test_the_page_lives_without_a_reload_and_says_when_it_is_stale(ops, tasks, asha, heart, desk) -> None:
    sat = desk(ops)
    page = sat.open("/admin/")
    row = page.get_by_role("row", name="Hyderabad")
    assert "0 / 450" in row.inner_text()
    page.locator("#finish-" + str(asha.team_id) + " time").wait_for()
    sat.shoot("today")
    answer(asha)
    page.get_by_text("1 / 450").first.wait_for(timeout=14_000)
    # The foretold finish stayed where it was put.
    assert page.locator("#finish-" + str(asha.team_id) + " time").is_visible()
    stale = page.get_by_text("The server does not answer.").first
    assert not stale.is_visible()
    page.route("**/admin/today/now", lambda route: route.abort())
    page.evaluate("htmx.trigger('#now', 'look')")
    stale.wait_for(state="visible", timeout=5000)
    page.unroute("**/admin/today/now")
    page.evaluate("htmx.trigger('#now', 'look')")
    stale.wait_for(state="hidden", timeout=5000)
    sat.faults[:] = [fault for fault in sat.faults if "ERR_FAILED" not in fault and "htmx:" not in fault]


def test_a_hidden_page_asks_for_nothing(ops, hyderabad, heart, desk) -> None:
    page = desk(ops).open("/admin/")
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    hide = "Object.defineProperty(document, 'hidden', {get: () => window.away, configurable: true}); window.away = %s"
    page.evaluate(hide % "true")
    page.evaluate("htmx.trigger('#now', 'look')")
    page.wait_for_timeout(300)
    assert asked == []
    page.evaluate(hide % "false")
    with page.expect_request("**/admin/today/now"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("full", [False, True])
def test_nothing_on_it_keeps_anybody_out(ops, request, desk, full, dark) -> None:
    if full:
        request.getfixturevalue("heart")
        region = make_region()
        for name in ("Hyderabad", "Pune"):
            team = make_team(name, region)
            folk = [make_reviewer(f"{name}-{number}".lower(), team) for number in range(3)]
            make_project(team, slug=f"{name.lower()}-threats")
        clips = make_ready_clips(make_user("sender"), 12)
        spread_now()
        for person in Reviewer.objects.all():
            answer(person, 2)
        people.pause(folk[0], by=ops, reason="on a course")
        Clip.objects.filter(pk=clips[0].pk).update(state="failed", failure="it does not play")
    sat = desk(ops, dark=dark)
    page = sat.open("/admin/")
    page.wait_for_load_state("networkidle")
    sat.shoot(f"today-{'full' if full else 'empty'}-{'dark' if dark else 'light'}")
    assert serious(page) == []


def serious(page) -> list[str]:
    """What axe finds serious or critical on the page itself; the shell around it is unfold's."""
    found = Axe().run(page, context="main, #content, #main")
    return [f"{item['id']}: {item['nodes'][0]['html'][:200]}" for item in found.response["violations"]
            if item["impact"] in {"serious", "critical"}]  # fmt: skip
