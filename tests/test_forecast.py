"""When work will be done, over simulated pasts and futures (``past_worlds``), and what must hold of every forecast."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotations.planning import forecast
from annotations.planning.forecast import Draws, Outlook, Part, PastDay, Use, idle_weekdays, use_of
from annotations.planning.work import Needs
from tests.past_worlds import SHIFT, TODAY, World, begins, make_world, open_days
from workforce.capacity import PersonCapacity, TeamShift

WORLDS = 150
AT = begins(TODAY)


def judged(worlds: list[World]) -> tuple[float, float, float]:
    """How often work was done by the date of nine in ten, how often by that of even odds, and how much of the time
    that was foretold with nine in ten really passed, at the median."""
    likely, half, passed = [], [], []
    for world in worlds:
        draws = Draws(world.outlook, draws=300)
        for part in world.outlook.parts:
            told, end = draws.finish([part.key]), world.ends.get(part.key)
            if told.likely_at is None or told.half_at is None or end is None:
                likely.append(False)
                continue
            likely.append(end <= told.likely_at)
            half.append(end <= told.half_at)
            passed.append((end - world.outlook.at) / (told.likely_at - world.outlook.at))
    return float(np.mean(likely)), float(np.mean(half)), float(np.median(passed))


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    return [make_world(seed) for seed in range(WORLDS)]


def naive(days: list[tuple[date, int, int]], *, on: date) -> Use:
    """The control: what was done on the average, taken for certain."""
    room, done = sum(day[1] for day in days), sum(day[2] for day in days)
    return Use(done / room if room else forecast.PRIOR_USE, 1e9, 1e9, 1e-12)


def test_a_mean_that_is_taken_for_certain_is_too_early_too_often(worlds, monkeypatch) -> None:
    monkeypatch.setattr(forecast, "use_of", naive)
    likely, _half, _passed = judged(worlds)
    assert likely < 0.75


def test_nine_in_ten_holds_and_is_not_late_for_nothing(worlds) -> None:
    likely, half, passed = judged(worlds)
    assert likely >= 0.85
    assert 0.4 <= half <= 0.85
    # Half of all work takes more than this part of the time that was foretold for it.
    assert 0.7 <= passed <= 1.0


def team(people: int, *, room: int = 100, skills: tuple[str, ...] = (), number: int = 1) -> tuple[PersonCapacity, ...]:
    seconds = int(SHIFT.total_seconds())
    return tuple(
        PersonCapacity(10 * number + place, "IN", frozenset(skills), frozenset(), 0, seconds, room)
        for place in range(people)
    )


def outlook(
    *parts: Part,
    crews: dict[int, tuple[PersonCapacity, ...]],
    past: tuple[PastDay, ...] = (),
    always_open: bool = False,
) -> Outlook:
    days = open_days(TODAY, TODAY + timedelta(days=13))
    length = SHIFT
    if always_open:
        days, length = [TODAY + timedelta(days=ahead) for ahead in range(14)], timedelta(days=1)
    shifts = [
        TeamShift(pk, "in", begins(day), begins(day) + length, crew) for day in days for pk, crew in crews.items()
    ]
    return Outlook(AT, parts, tuple(shifts), dict.fromkeys(crews, "UTC"), {"in": frozenset({"IN"})}, past)


def part(key: int, seats: int, *teams: int, overlap: int = 1, skills: tuple[str, ...] = (), turn: int = 0) -> Part:
    return Part(key, Needs("in", skills), overlap, seats, turn or key, teams or (1,))


def steady(crew: tuple[PersonCapacity, ...], share: float, *, days: int = 20, team_id: int = 1) -> tuple[PastDay, ...]:
    back = open_days(TODAY - timedelta(days=28), TODAY - timedelta(days=1))[::-1][:days]
    return tuple(
        PastDay(one.reviewer_id, team_id, day, one.tasks, round(one.tasks * share)) for day in back for one in crew
    )


def test_work_of_later_turn_waits_for_what_goes_first() -> None:
    crews = {1: team(4)}
    alone = Draws(outlook(part(2, 400), crews=crews)).finish([2])
    behind = Draws(outlook(part(1, 800), part(2, 400), crews=crews)).finish([2])
    assert alone.likely_at
    assert behind.likely_at
    assert alone.half_at
    assert behind.half_at
    assert behind.half_at > alone.half_at + timedelta(days=1)
    assert behind.likely_at > alone.likely_at


def test_weekends_and_nights_pass_without_work() -> None:
    friday = TODAY + timedelta(days=4)
    told = Draws(outlook(part(1, 4 * 100 * 6), crews={1: team(4)}, past=steady(team(4), 1.0))).finish([1])
    # Six whole days of work from a Monday: not before the next Monday, and inside a shift.
    assert told.half_at
    assert told.half_at.date() > friday + timedelta(days=2)
    days = open_days(TODAY, TODAY + timedelta(days=13))
    for instant in (told.half_at, told.likely_at):
        assert instant
        assert any(begins(day) <= instant <= begins(day) + SHIFT for day in days)


def test_little_history_is_told_with_a_wide_guess_and_much_with_a_narrow_one() -> None:
    crew = team(5)

    def width(days: int) -> timedelta:
        past = steady(crew, 0.7, days=days)
        told = Draws(outlook(part(1, 1500), crews={1: crew}, past=past, always_open=True)).finish([1])
        assert told.likely_at
        assert told.half_at
        return told.likely_at - told.half_at

    assert width(0) > width(3) > width(20)


def test_what_people_really_use_of_their_time_counts() -> None:
    crew = team(5)
    slow = Draws(outlook(part(1, 1000), crews={1: crew}, past=steady(crew, 0.4))).finish([1])
    quick = Draws(outlook(part(1, 1000), crews={1: crew}, past=steady(crew, 0.95))).finish([1])
    assert slow.half_at
    assert quick.likely_at
    assert slow.half_at > quick.likely_at


def test_nobody_is_said_where_nobody_may() -> None:
    crews = {1: team(3), 2: team(2, skills=("hindi",), number=2)}
    draws = Draws(
        outlook(
            part(1, 10, 1, skills=("hindi",)),
            part(2, 10, 1, 2, skills=("hindi",)),
            # Three answers by different people, and there are two of them.
            part(3, 30, 2, overlap=3),
            part(4, 0, 1, skills=("hindi",)),
            crews=crews,
        )
    )
    assert draws.nobody() == [1, 3]
    assert draws.finish([1]).likely_at is None
    assert draws.finish([2]).likely_at is not None
    assert draws.finish([1, 2]).half_at is None
    assert draws.finish([4]).likely_at == AT


def test_tasks_for_two_people_go_no_faster_than_the_second_of_them() -> None:
    crew = (*team(1, room=150), *team(1, room=30, number=2))
    past = steady(crew, 1.0)
    one = Draws(outlook(part(1, 300, overlap=1), crews={1: crew}, past=past)).finish([1])
    two = Draws(outlook(part(1, 300, overlap=2), crews={1: crew}, past=past)).finish([1])
    assert one.half_at
    assert two.half_at
    assert two.half_at - AT > 2 * (one.half_at - AT)


def test_a_weekday_on_which_nobody_ever_works_is_none() -> None:
    crew = team(4)
    past = []
    for back in range(1, 22):
        day = TODAY - timedelta(days=back)
        past += [PastDay(one.reviewer_id, 1, day, 100, 0 if day.weekday() == 6 else 90) for one in crew]
    assert idle_weekdays(past) == {1: frozenset({6})}
    assert idle_weekdays([replace(one, done=0) for one in past]) == {}
    shifts = tuple(
        TeamShift(1, "in", begins(TODAY + timedelta(days=ahead)), begins(TODAY + timedelta(days=ahead)) + SHIFT, crew)
        for ahead in range(14)
    )
    known = Outlook(AT, (part(1, 360 * 6 + 10),), shifts, {1: "UTC"}, {"in": frozenset({"IN"})}, tuple(past))
    ends = Draws(known).done[1]
    sunday = (begins(TODAY + timedelta(days=6)) - AT).total_seconds()
    assert not ((ends > sunday) & (ends < sunday + 86400)).any()


def test_nothing_is_later_than_what_was_looked_at() -> None:
    told = Draws(outlook(part(1, 1_000_000), crews={1: team(2)})).finish([1])
    assert (told.half_at, told.likely_at) == (None, None)


def test_the_textbook_s_numbers() -> None:
    """Of no days the prior; of many equal days, nearly they alone."""
    on = datetime(2026, 11, 23, tzinfo=UTC).date()
    none = use_of([], on=on)
    assert (none.mean, none.days) == (forecast.PRIOR_USE, forecast.PRIOR_DAYS)
    many = use_of([(on - timedelta(days=1), 100, 90)] * 400, on=on)
    assert many.mean == pytest.approx(0.9, abs=0.01)
    assert many.variance < 0.002
    assert use_of([(on - timedelta(days=1), 100, 130)], on=on).top == pytest.approx(1.3)
    recent = use_of([(on - timedelta(days=25), 100, 20), (on - timedelta(days=1), 100, 80)], on=on)
    assert recent.mean > 0.5


amounts = st.integers(0, 900)
works = st.lists(st.tuples(amounts, st.sampled_from([(1,), (2,), (1, 2)]), st.integers(1, 3)), min_size=1, max_size=5)


@settings(deadline=None, max_examples=60)
@given(works, st.integers(1, 6), st.integers(1, 6), st.randoms(use_true_random=False))
def test_a_forecast_is_the_same_however_it_is_asked_and_in_order(asked, here, there, random) -> None:
    crews = {1: team(here), 2: team(there, number=2)}
    parts = [part(key, seats, *who, overlap=overlap) for key, (seats, who, overlap) in enumerate(asked, start=1)]
    known = outlook(*parts, crews=crews)
    draws = Draws(known, draws=40)
    shuffled = list(parts)
    random.shuffle(shuffled)
    shifts = list(known.shifts)
    random.shuffle(shifts)
    again = Draws(replace(known, parts=tuple(shuffled), shifts=tuple(shifts)), draws=40)
    for one in parts:
        assert np.array_equal(draws.done[one.key], again.done[one.key])
        told = draws.finish([one.key])
        if told.likely_at:
            assert told.half_at
            assert AT <= told.half_at <= told.likely_at
    for one in parts:
        # More of it is never done sooner.
        bigger = [replace(other, seats=other.seats + 50) if other is one else other for other in parts]
        assert (Draws(replace(known, parts=tuple(bigger)), draws=40).done[one.key] >= draws.done[one.key] - 1).all()
    everybody = sum(person.tasks for shift in known.shifts for person in shift.people)
    done = sum(one.seats for one in parts if np.isfinite(draws.done[one.key]).all())
    assert done <= everybody
