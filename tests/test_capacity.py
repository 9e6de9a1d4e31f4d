"""How many more tasks: shifts, quota and pace together, once each, in few queries."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from tests.conftest import make_region, make_reviewer, make_team, make_user
from workforce import calendars, capacity, people, queries, quotas
from workforce.models import Absence, Closure, OwnHours, QuotaDay, Reviewer, Shift, Team, WorkedHoliday

pytestmark = pytest.mark.django_db
# A Monday; Hyderabad is five and a half hours ahead.
MONDAY = date(2027, 5, 10)


def local(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC) - timedelta(hours=5, minutes=30)


@pytest.fixture
def by_day(hyderabad) -> Team:
    for weekday in range(5):
        calendars.put_in(Shift(team=hyderabad, weekday=weekday, begins=time(9), ends=time(17)))
    return hyderabad


def tasks_of(person: Reviewer, start: datetime, end: datetime, *, pace: float = 100.0, at: datetime | None = None):
    found = capacity.left(person, start=start, end=end, at=at or start, pace=pace)
    told = capacity.team_shifts([person.team_id], start=start, end=end, at=at or start, pace={person.pk: pace})
    mine = [one for shift in told for one in shift.people if one.reviewer_id == person.pk]
    # There is one answer, whoever asks.
    assert (sum(one.tasks for one in mine), sum(one.seconds for one in mine)) == (found.tasks, found.seconds)
    return found.tasks, found.seconds


def test_the_lesser_of_quota_and_time(by_day, asha) -> None:
    start, end = local(MONDAY, 0), local(MONDAY, 0) + timedelta(days=1)
    assert tasks_of(asha, start, end, pace=100) == (150, 8 * 3600)
    assert tasks_of(asha, start, end, pace=300) == (96, 8 * 3600)
    assert tasks_of(asha, start, end, at=local(MONDAY, 16, 55), pace=100) == (3, 300)
    assert tasks_of(asha, start, end, at=local(MONDAY, 17), pace=100) == (0, 0)
    assert tasks_of(asha, start, end, pace=0) == (0, 8 * 3600)


def test_what_is_used_and_held_is_gone(by_day, asha) -> None:
    QuotaDay.objects.create(
        reviewer=asha, day=MONDAY, time_zone="Asia/Kolkata", day_limit=150, limit_source="global",
        allowed=150, used=100, held=10,
    )  # fmt: skip
    start = local(MONDAY, 0)
    assert tasks_of(asha, start, start + timedelta(days=1))[0] == 40
    assert tasks_of(asha, start, start + timedelta(days=2))[0] == 190
    QuotaDay.objects.update(day_limit=105)
    assert tasks_of(asha, start, start + timedelta(days=1))[0] == 0


def test_a_days_quota_is_not_counted_twice_over_two_shifts(hyderabad, asha) -> None:
    for begins, ends in ((time(6), time(10)), (time(14), time(18)), (time(20), time(2))):
        calendars.put_in(Shift(team=hyderabad, weekday=0, begins=begins, ends=ends))
    start, end = local(MONDAY, 0), local(MONDAY, 0) + timedelta(days=2)
    told = capacity.team_shifts([hyderabad.pk], start=start, end=end, at=start, pace={asha.pk: 150.0})
    assert [shift.people[0].seconds for shift in told] == [4 * 3600, 4 * 3600, 6 * 3600]
    # 96 and 54 are Monday's 150; the third is Tuesday's in its hours after midnight: 48.
    assert [shift.people[0].tasks for shift in told] == [96, 54, 48]


def test_a_team_without_shifts_is_open_all_the_time(hyderabad, asha) -> None:
    start = local(MONDAY, 12)
    told = capacity.team_shifts([hyderabad.pk], start=start, end=start + timedelta(days=2), at=start, pace={})
    assert [(shift.starts_at, shift.ends_at) for shift in told] == [
        (start, local(MONDAY + timedelta(days=1), 0)),
        (local(MONDAY + timedelta(days=1), 0), local(MONDAY + timedelta(days=2), 0)),
        (local(MONDAY + timedelta(days=2), 0), start + timedelta(days=2)),
    ]
    assert tasks_of(asha, start, start + timedelta(days=2))[0] == 450


def test_paused_people_and_teams_have_none(by_day, asha, ravi) -> None:
    ops, start = make_user("ops"), local(MONDAY, 0)
    people.pause(asha, by=ops, reason="a talk")
    assert tasks_of(asha, start, start + timedelta(days=1)) == (0, 0)
    assert tasks_of(ravi, start, start + timedelta(days=1)) == (150, 8 * 3600)
    people.pause(by_day, by=ops, reason="a talk")
    assert tasks_of(ravi, start, start + timedelta(days=1)) == (0, 0)
    assert capacity.team_shifts([by_day.pk], start=start, end=start + timedelta(days=1), at=start, pace={}) == []


def test_closures_holidays_absences_and_own_hours_take_time_away(by_day, asha, ravi) -> None:
    week = (local(MONDAY, 0), local(MONDAY, 0) + timedelta(days=5))
    full = 5 * 8 * 3600
    assert tasks_of(asha, *week)[1] == full
    calendars.put_in(Closure(team=by_day, first_day=MONDAY, last_day=MONDAY, reason="Moving house"))
    assert tasks_of(asha, *week)[1] == full - 8 * 3600
    friday = MONDAY + timedelta(days=4)
    row = Closure(
        region=by_day.region, first_day=friday, last_day=friday, begins=time(15), ends=time(0), reason="Party"
    )
    calendars.put_in(row)
    assert tasks_of(asha, *week)[1] == full - 10 * 3600
    tuesday = MONDAY + timedelta(days=1)
    calendars.put_in(Absence(reviewer=asha, first_day=tuesday, last_day=tuesday, until_time=time(13)))
    assert tasks_of(asha, *week)[1] == full - 14 * 3600
    assert tasks_of(ravi, *week)[1] == full - 10 * 3600
    calendars.put_in(OwnHours(reviewer=ravi, weekday=2, begins=time(10), ends=time(12)))
    calendars.put_in(OwnHours(reviewer=ravi, weekday=3))
    assert tasks_of(ravi, *week)[1] == 10 * 3600
    Reviewer.objects.filter(pk=asha.pk).update(starts_on=friday)
    assert tasks_of(asha, *week)[1] == 6 * 3600


def test_a_closure_of_another_team_closes_nothing_here(by_day, asha) -> None:
    other = make_team("Warangal")
    calendars.put_in(Closure(team=other, first_day=MONDAY, last_day=MONDAY, reason="Elections"))
    iasi = make_team("Iasi", make_region("ro", "Romania", "Europe/Bucharest"))
    calendars.put_in(Closure(region=iasi.region, first_day=MONDAY, last_day=MONDAY, reason="Elections"))
    assert tasks_of(asha, local(MONDAY, 0), local(MONDAY, 0) + timedelta(days=1))[1] == 8 * 3600


def test_public_holidays_are_by_each_persons_country_and_may_be_worked(by_day, asha) -> None:
    abroad = make_reviewer("ion", by_day, country="RO")
    republic_day = date(2027, 1, 26)  # a Tuesday
    start, end = local(republic_day, 0), local(republic_day, 0) + timedelta(days=1)
    assert tasks_of(asha, start, end) == (0, 0)
    assert tasks_of(abroad, start, end) == (150, 8 * 3600)
    worked = calendars.put_in(WorkedHoliday(region=by_day.region, day=republic_day, reason="A batch is due"))
    assert tasks_of(asha, start, end) == (150, 8 * 3600)
    calendars.take_out(worked, by=make_user("ops"), reason="it is not", at=start)
    assert tasks_of(asha, start, end) == (0, 0)


def test_a_person_who_moves_is_counted_by_their_days_on_both_sides(hyderabad, asha) -> None:
    people.move_zone(asha, "Europe/Bucharest", at=local(MONDAY, 12))
    start = local(MONDAY, 20)
    # Till midnight in Hyderabad Monday; by Bucharest's clock Monday again, till ten at night; then Tuesday.
    found = capacity.left(asha, start=start, end=start + timedelta(hours=12), at=start, pace=600)
    assert found.seconds == 12 * 3600
    quotas.set_limit(10, reason="first week", by=make_user("ops"), from_day=MONDAY, reviewer=asha, one_day=True)
    found = capacity.left(asha, start=start, end=start + timedelta(hours=12), at=start, pace=600)
    after = datetime(2027, 5, 10, 21, tzinfo=UTC)  # midnight in Bucharest
    assert found.tasks == 10 + (start + timedelta(hours=12) - after).total_seconds() // 600


def test_what_they_can_do_is_told_with_it(by_day) -> None:
    person = make_reviewer("lata", by_day, skills=["glass"], languages=["hi", "te"], clearance=1)
    start = local(MONDAY, 0)
    (shift,) = capacity.team_shifts(
        [by_day.pk], start=start, end=start + timedelta(days=1), at=start, pace={person.pk: 100}
    )
    assert (shift.team_id, shift.region) == (by_day.pk, "in")
    assert shift.people == (
        capacity.PersonCapacity(
            person.pk, "IN", frozenset({"glass"}), frozenset({"hi", "te"}), 1, seconds=8 * 3600, tasks=150
        ),
    )


def test_limits_of_every_level_are_those_that_the_claim_would_ask(by_day, asha, ravi, meera) -> None:
    ops = make_user("ops")
    tuesday = MONDAY + timedelta(days=1)
    quotas.set_limit(120, reason="everybody", by=ops, from_day=MONDAY)
    quotas.set_limit(90, reason="the team", by=ops, from_day=tuesday, team=by_day)
    quotas.set_limit(30, reason="is new", by=ops, from_day=MONDAY, reviewer=ravi)
    quotas.set_limit(7, reason="half a day", by=ops, from_day=tuesday, reviewer=meera, one_day=True)
    asked = [(person.pk, day) for person in (asha, ravi, meera) for day in (MONDAY, tuesday)]
    told = queries.days_left([asha.pk, ravi.pk, meera.pk], [MONDAY, tuesday])
    assert {one: told.of(*one) for one in asked} == {one: queries.limit_on(*one)[0] for one in asked}
    assert told.of(asha.pk, tuesday + timedelta(days=1)) == told.of(0, MONDAY) == 0


@pytest.mark.parametrize("count", [2, 30])
def test_the_number_of_queries_does_not_grow_with_people(by_day, count, django_assert_num_queries) -> None:
    crew = [make_reviewer(f"person-{number}", by_day) for number in range(count)]
    calendars.put_in(Absence(reviewer=crew[0], first_day=MONDAY, last_day=MONDAY))
    other = make_team("Warangal")
    start = local(MONDAY, 0)
    pace = {person.pk: 100.0 for person in crew}
    with django_assert_num_queries(8):
        told = capacity.team_shifts(
            [by_day.pk, other.pk], start=start, end=start + timedelta(days=7), at=start, pace=pace
        )
    assert sum(one.tasks for shift in told for one in shift.people) == 150 * (5 * count - 1)


def test_an_empty_window_and_no_teams_are_nothing(by_day, asha) -> None:
    start = local(MONDAY, 9)
    assert capacity.team_shifts([by_day.pk], start=start, end=start, at=start, pace={}) == []
    assert capacity.team_shifts([], start=start, end=start + timedelta(days=1), at=start, pace={}) == []
    assert tasks_of(asha, start, start) == (0, 0)
