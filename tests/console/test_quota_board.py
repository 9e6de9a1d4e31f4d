"""The quota board: who may do how many on which day, where that comes from, and changing it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.html import escape

from config.clock import database_now
from tests.conftest import make_region, make_reviewer, make_team, make_user
from tests.console.axe import serious
from workforce import queries, quotas
from workforce.days import local_day
from workforce.models import DailyLimit, QuotaDay, Reviewer

pytestmark = pytest.mark.django_db
BOARD, SET = "/admin/quotas", "/admin/quotas/set"


@pytest.fixture
def ops(roles, client):
    client.force_login(make_user("ops", "ops manager", is_staff=True))
    return client


def today_of(person: Reviewer):
    at = database_now()
    return local_day(at, person.zone_at(at))


def begun(person: Reviewer, *, back: int, used: int, held: int = 0, limit: int = 150) -> QuotaDay:
    return QuotaDay.objects.create(
        reviewer=person, day=today_of(person) - timedelta(days=back), time_zone=person.time_zone, day_limit=limit,
        limit_source="global", allowed=max(limit, used + held), used=used, held=held,
    )  # fmt: skip


def form(person: Reviewer, *, ahead: int = 1, length: int = 1, **changes: object) -> dict[str, object]:
    first = today_of(person) + timedelta(days=ahead)
    last = first + timedelta(days=length - 1)
    return {"value": 180, "first_day": str(first), "last_day": str(last), "span": "days", "reason": "exams"} | changes


def read(cell: str) -> tuple[int, str, int, int]:
    """What a cell says: how many, by the limit of which level, used and held."""
    ((limit, mark),) = re.findall(r"(\d+)<sup [^>]*>(.)</sup>", cell)
    used, held = re.search(r"<strong>(\d+)</strong>", cell), re.search(r">\+(\d+)</span>", cell)
    return int(limit), mark, int(used[1]) if used else 0, int(held[1]) if held else 0


def cells_of(reply, person: Reviewer):
    lines = [line for _team, lines in reply.context["board"].groups for line in lines]
    return next(line for line in lines if line.person == person)


def test_each_day_says_how_many_and_which_limit_says_so(ops, asha, ravi, hyderabad) -> None:
    by, day = make_user("boss"), today_of(asha)
    quotas.set_limit(120, reason="all", by=by, from_day=day - timedelta(days=3))
    quotas.set_limit(110, reason="india", by=by, from_day=day, region=hyderabad.region)
    quotas.set_limit(100, reason="team", by=by, from_day=day + timedelta(days=1), team=hyderabad)
    quotas.set_limit(90, reason="asha", by=by, from_day=day + timedelta(days=2), reviewer=asha)
    quotas.set_limit(80, reason="one day", by=by, from_day=day + timedelta(days=3), reviewer=asha, one_day=True)
    begun(asha, back=5, used=130, held=2)
    line = cells_of(ops.get(BOARD), asha)
    assert [read(cell)[:2] for cell in line.cells] == [
        (150, "G"), (150, "G"), (150, "G"), (150, "G"), (120, "G"), (120, "G"), (120, "G"),
        (110, "R"), (100, "T"), (90, "P"), (80, "D"), (90, "P"), (90, "P"), (90, "P"), (90, "P"),
    ]  # fmt: skip
    assert read(line.cells[2])[2:] == (130, 2)
    assert ["sl-today" in cell for cell in line.cells] == [number == 7 for number in range(15)]
    assert ["<a " in cell for cell in line.cells] == [number >= 7 for number in range(15)]
    assert read(cells_of(ops.get(BOARD), ravi).cells[10])[0] == 100


def test_a_persons_name_cannot_write_into_the_board(ops, asha) -> None:
    asha.user.first_name = '"><script>alert(1)</script>'
    asha.user.save()
    page = ops.get(BOARD).content.decode()
    assert "<script>alert(1)" not in page
    assert str(escape(asha.user.first_name)) in page


def test_one_persons_one_day_is_set_at_once_tomorrow_unless_said(ops, asha) -> None:
    page = ops.get(SET, {"reviewer": asha.pk})
    assert page.context["form"].initial["first_day"] == today_of(asha) + timedelta(days=1)
    assert ops.post(f"{SET}?reviewer={asha.pk}", form(asha)).status_code == 302
    limit = DailyLimit.objects.get()
    assert (limit.level, limit.value, limit.reason, limit.author.username) == ("day", 180, "exams", "ops")
    assert limit.from_day == today_of(asha) + timedelta(days=1)


def test_today_is_changed_on_purpose_only_and_lowering_it_stops_new_leases(ops, asha) -> None:
    day = begun(asha, back=0, used=40, held=1)
    refused = ops.post(f"{SET}?reviewer={asha.pk}", form(asha, ahead=0, value=30))
    assert "Tick this to change it at once" in refused.content.decode()
    assert not DailyLimit.objects.exists()
    ops.post(f"{SET}?reviewer={asha.pk}", form(asha, ahead=0, value=30, today="on"))
    day.refresh_from_db()
    assert (day.day_limit, day.allowed, day.left) == (30, 41, 0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ahead": -1, "today": "on"}, "That day is over"),
        ({"reason": " "}, "required"),
        ({"reason": "x"}, "Say why"),
        ({"value": -1}, "greater than or equal to 0"),
        ({"last_day": "2020-01-01"}, "The last day is before the first"),
        ({"length": 40}, "more than 31 days"),
        ({"first_day": "2026-02-30"}, "Enter a valid date"),
        ({"span": "for ever"}, "Select a valid choice"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(ops, asha, changes, said) -> None:
    reply = ops.post(f"{SET}?reviewer={asha.pk}", form(asha, **changes))
    assert (reply.status_code, said in reply.content.decode()) == (200, True)
    assert not DailyLimit.objects.exists()


def test_several_days_of_several_people_are_shown_before_they_are_set(ops, asha, ravi) -> None:
    address = f"{SET}?reviewer={asha.pk}&reviewer={ravi.pk}"
    preview = ops.post(address, form(asha, length=3))
    assert preview.context["changing"] == 6
    assert {(line.before.limit, line.after.limit) for line in preview.context["lines"]} == {(150, 180)}
    assert not DailyLimit.objects.exists()
    ops.post(address, form(asha, length=3, confirmed="yes"))
    assert DailyLimit.objects.filter(level="day", value=180).count() == 6


def test_a_team_is_set_from_a_day_on_and_the_preview_says_who_keeps_theirs(ops, asha, ravi, hyderabad) -> None:
    quotas.set_limit(90, reason="asha", by=make_user("boss"), from_day=today_of(asha), reviewer=asha)
    begun(ravi, back=0, used=60)
    body = form(asha, ahead=0, value=50, span="on", today="on")
    preview = ops.post(f"{SET}?team={hyderabad.pk}", body)
    told = {line.person: (line.changes, line.stops) for line in preview.context["lines"]}
    assert told == {asha: (False, False), ravi: (True, True)}
    assert QuotaDay.objects.get(reviewer=ravi).day_limit == 150
    ops.post(f"{SET}?team={hyderabad.pk}", body | {"confirmed": "yes"})
    assert DailyLimit.objects.filter(level="team", team=hyderabad, value=50).count() == 1
    assert QuotaDay.objects.get(reviewer=ravi).day_limit == 50


def test_who_runs_dry_and_who_never_fills_it_are_found(ops, asha, ravi, meera) -> None:
    # No shifts: they work around the clock, so whoever has little left runs dry.
    begun(asha, back=0, used=148)
    for back in (1, 2, 3):
        begun(ravi, back=back, used=30)
        begun(meera, back=back, used=140)
    everybody = ops.get(BOARD)
    assert cells_of(everybody, asha).today.dry
    assert cells_of(everybody, ravi).idle
    assert not cells_of(everybody, meera).idle
    for only, who in (("dry", asha), ("idle", ravi)):
        lines = [line.person for _t, lines in ops.get(BOARD, {"only": only}).context["board"].groups for line in lines]
        assert lines == [who], only


def test_a_day_counts_when_it_is_over_where_it_is_counted(asha, hyderabad) -> None:
    day = date(2026, 11, 28)
    QuotaDay.objects.create(
        reviewer=asha, day=day, time_zone="Asia/Kolkata", day_limit=150, limit_source="global", allowed=150, used=30,
        held=0,
    )  # fmt: skip

    def used(hour: int) -> int:
        at = datetime(2026, 11, 28, hour, tzinfo=UTC)
        found = queries.quota_use([asha.pk], since=day - timedelta(days=14), at=at)
        return found[asha.pk].used if found else 0

    # Midnight in Hyderabad is at half past six in the evening in UTC.
    assert (used(18), used(19)) == (0, 30)


def test_the_board_is_of_ones_own_teams_and_asks_no_more_for_more_people(roles, client, asha, hyderabad) -> None:
    far = make_reviewer("ion", make_team("Iasi", make_region("ro", "Romania", "Europe/Bucharest")), country="RO")
    client.force_login(make_user("boss", "ops manager", is_staff=True, places=[hyderabad.region]))
    assert client.get(BOARD, {"name": "ion"}).context["board"].groups == []
    assert client.get(BOARD, {"team": far.team_id}).context["board"].groups == []
    for address in (
        f"{SET}?reviewer={far.pk}",
        f"{SET}?team={far.team_id}",
        f"{SET}?reviewer={asha.pk}&reviewer={far.pk}",
    ):
        assert client.get(address).status_code == client.post(address, form(asha)).status_code == 404
    assert client.get(f"{SET}?reviewer=987654321").status_code == client.get(f"{SET}?reviewer=x").status_code == 404
    for only in ("", "dry", "idle"):
        asked = []
        for more in ((), range(30)):
            for number in more:
                begun(make_reviewer(f"person-{only}-{number}", hyderabad), back=0, used=number)
            cache.clear()
            with CaptureQueriesContext(connection) as seen:
                client.get(BOARD, {"only": only})
            asked.append(len(seen))
        assert asked[0] in {asked[1], asked[1] - 8, asked[1] - 4}, (only, asked)
        assert asked[1] <= 28, [one["sql"][:90] for one in seen.captured_queries]


def test_a_lead_looks_and_a_quality_lead_does_not(roles, client, asha, hyderabad) -> None:
    client.force_login(make_user("lead", "team lead", is_staff=True, places=[hyderabad]))
    assert "quotas/set" not in client.get(BOARD).content.decode()
    assert client.get(f"{SET}?reviewer={asha.pk}").status_code == 404
    client.force_login(make_user("quality", "quality lead", is_staff=True))
    assert client.get(BOARD).status_code == 404


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("dark", [False, True])
def test_somebody_raises_two_peoples_days_on_the_board(roles, desk, dark) -> None:
    team = make_team()
    people = [make_reviewer(name, team, first_name=name.title(), last_name="Rao") for name in ("asha", "meera", "ravi")]
    boss = make_user("boss", "ops manager", is_staff=True)
    quotas.set_limit(120, reason="training", by=boss, from_day=today_of(people[1]), reviewer=people[1])
    for back in range(8):
        begun(people[0], back=back, used=148 - back, held=2 if back == 0 else 0)
        begun(people[2], back=back, used=50 + back)
    sat = desk(boss, dark=dark)
    page = sat.open("/admin/")
    page.get_by_role("link", name="Quota board").click()
    page.get_by_text("dry", exact=True).wait_for()
    assert serious(page) == []
    sat.shoot(f"quota-board-{'dark' if dark else 'light'}")
    page.get_by_role("checkbox", name="Choose Asha Rao").check()
    page.get_by_role("checkbox", name="Choose Meera Rao").check()
    page.get_by_role("button", name="Set for the chosen people").click()
    page.get_by_label("Clips a day").fill("200")
    page.get_by_label("Reason").fill("The backlog of Friday")
    assert serious(page) == []
    sat.shoot(f"quota-set-{'dark' if dark else 'light'}")
    page.get_by_role("button", name="Look, then set").click()
    page.get_by_text("2 days change.").wait_for()
    assert serious(page) == []
    sat.shoot(f"quota-preview-{'dark' if dark else 'light'}")
    assert not DailyLimit.objects.filter(value=200).exists()
    page.get_by_role("button", name="Set it").click()
    page.get_by_text("200 for 2 people on").wait_for()
    assert DailyLimit.objects.filter(value=200, level="day").count() == 2
    page.goto(f"{BOARD}?only=idle&name=nobody")
    assert page.get_by_text("Nobody used less than 60 %").is_visible()
    sat.shoot(f"quota-empty-{'dark' if dark else 'light'}")
