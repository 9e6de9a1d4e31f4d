"""The planner: the least cost by brute force, never above what people can do, never what they may not see."""

from __future__ import annotations

import dataclasses
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from annotations.planning import costs, flow
from annotations.planning.work import Answer, Demand, Needs, Problem, TeamFacts, able, most_tasks
from workforce.capacity import PersonCapacity, TeamShift

AT = datetime(2026, 11, 23, 6, tzinfo=UTC)
BASES = {"in": frozenset({"IN"}), "ro": frozenset({"RO", "IN"})}


def person(
    number: int, tasks: int, *, country: str = "IN", skills: str = "", clearance: int = 0, languages: str = ""
) -> PersonCapacity:
    known = frozenset(skills.split()), frozenset(languages.split())
    return PersonCapacity(number, country, *known, clearance, 28800, tasks)


def shift(team: int, *people: PersonCapacity, day: int = 0, region: str = "in") -> TeamShift:
    starts = AT + timedelta(days=day)
    return TeamShift(team, region, starts, starts + timedelta(hours=8), people)


def demand(key: int, tasks: int, *teams: int, **fields) -> Demand:
    given_: dict[str, Any] = {"needs": Needs("in"), "overlap": 1, "due_at": AT + timedelta(days=1)} | fields
    return Demand(key=key, tasks=tasks, teams=teams, **given_)


def problem(demands, shifts, weights=None) -> Problem:
    teams = {
        one.team_id: TeamFacts(one.team_id, f"team {one.team_id}", one.region, (weights or {}).get(one.team_id, 1))
        for one in shifts
    }
    return Problem(AT, AT + timedelta(days=3), tuple(demands), tuple(shifts), teams, BASES)


def by_team(answer: Answer) -> dict[tuple[int, int], int]:
    return {(one.key, one.team_id): one.tasks for one in answer.placed}


def test_work_goes_by_weight_and_load() -> None:
    shifts = [shift(1, person(1, 50), person(2, 50)), shift(2, person(3, 50), person(4, 50))]
    assert by_team(flow.plan(problem([demand(1, 9, 1, 2)], shifts, {2: 2}))) == {(1, 1): 3, (1, 2): 6}
    lies = demand(2, 4, 1, 2, team_id=1, overlap=2)
    assert by_team(flow.plan(problem([demand(1, 4, 1, 2, overlap=2), lies], shifts))) == {(1, 2): 4, (2, 1): 4}


def test_nobody_is_asked_for_what_they_may_not_do() -> None:
    hindi = demand(1, 5, 1, 2, needs=Needs("in", ("hindi",)))
    cleared = demand(2, 5, 1, 2, needs=Needs("in", (), 1))
    here = shift(1, person(1, 9, skills="hindi"), person(2, 9, country="RO", skills="hindi", clearance=1))
    there = shift(2, person(3, 3, clearance=1), person(4, 9))
    answer = flow.plan(problem([hindi, cleared], [here, there]))
    assert by_team(answer) == {(1, 1): 5, (2, 2): 3}
    assert answer.unplaced == {2: 2}


def test_nobody_is_asked_for_a_language_that_they_do_not_speak() -> None:
    spoken = demand(1, 5, 1, 2, needs=Needs("in", language="hi"))
    here, there = shift(1, person(1, 9, languages="te en")), shift(2, person(2, 3, languages="hi te"))
    assert by_team(flow.plan(problem([spoken], [here, there]))) == {(1, 2): 3}
    assert able(person(1, 1), Needs("in"), BASES)
    assert not able(person(1, 1, languages="te"), Needs("in", language="hi"), BASES)


def test_seats_of_a_task_are_for_different_people() -> None:
    assert most_tasks([10, 2], 2) == 2
    alone = flow.plan(problem([demand(1, 5, 1, overlap=2)], [shift(1, person(1, 10))]))
    assert alone.unplaced == {1: 5}
    pair = flow.plan(problem([demand(1, 5, 1, overlap=2)], [shift(1, person(1, 10), person(2, 2))]))
    assert by_team(pair) == {(1, 1): 2}
    apart = [shift(1, person(1, 4)), shift(1, person(2, 4), day=1)]
    assert by_team(flow.plan(problem([demand(1, 5, 1, overlap=2)], apart))) == {(1, 1): 4}


def test_seats_for_different_teams_are_one_each() -> None:
    three = [shift(team, person(team, room)) for team, room in ((1, 9), (2, 4), (3, 3))]
    apart = flow.plan(problem([demand(1, 9, 1, 2, 3, overlap=2, apart=True)], three))
    # Seven seats beside the first team's: each task has one of those.
    assert sum(by_team(apart).values()) == 7
    assert {one.team_id: one.seats for one in apart.placed} == {1: 7, 2: 4, 3: 3}
    assert apart.unplaced == {1: 2}
    alone = flow.plan(problem([demand(1, 9, 1, overlap=2, apart=True)], [shift(1, person(1, 9), person(2, 9))]))
    assert alone.unplaced == {1: 9}


def test_what_is_due_first_is_done_first_and_what_is_late_is_said() -> None:
    later = demand(1, 5, 1, due_at=AT + timedelta(days=9))
    sooner = demand(2, 5, 1, due_at=AT + timedelta(hours=9))
    shifts = [shift(1, person(1, 5)), shift(1, person(1, 2), day=1)]
    answer = flow.plan(problem([later, sooner], shifts))
    assert by_team(answer) == {(2, 1): 5, (1, 1): 2}
    assert [one.late for one in answer.placed] == [0, 0]
    assert answer.unplaced == {1: 3}
    short = flow.plan(problem([sooner], [shift(1, person(1, 3)), shift(1, person(1, 9), day=1)]))
    assert [(one.tasks, one.late) for one in short.placed] == [(5, 2)]


def test_work_that_lies_somewhere_moves_for_a_reason_only() -> None:
    shifts = [shift(1, person(1, 50)), shift(2, person(2, 50))]
    lies = [demand(1, 12, 1, 2, team_id=1), demand(2, 10, 1, 2, team_id=2)]
    assert by_team(flow.plan(problem(lies, shifts))) == {(1, 1): 12, (2, 2): 10}
    late = [shift(1, person(1, 50), day=2), shift(2, person(2, 50))]
    assert by_team(flow.plan(problem(lies[:1], late))) == {(1, 2): 12}
    assert by_team(flow.plan(problem([dataclasses.replace(lies[0], stays=True)], late))) == {(1, 1): 12}


SKILLS = ("", "hindi")
ONE = st.just(1)
NO = st.just(False)
people = st.builds(
    lambda tasks, country, skills, clearance, languages: (tasks, country, skills, clearance, languages),
    st.integers(0, 3),
    st.sampled_from(["IN", "RO"]),
    st.sampled_from(SKILLS),
    st.integers(0, 1),
    st.sampled_from(["", "hi"]),
)


@st.composite
def problems(draw, overlaps=ONE, most_tasks_=3, shifts_=3, apart=NO) -> Problem:
    numbers = itertools.count(1)
    shifts = []
    for _ in range(draw(st.integers(1, shifts_))):
        crew = [
            person(next(numbers), tasks, country=country, skills=skills, clearance=clearance, languages=languages)
            for tasks, country, skills, clearance, languages in draw(st.lists(people, max_size=3))
        ]
        shifts.append(shift(draw(st.integers(1, 2)), *crew, day=draw(st.integers(0, 2))))
    known = sorted({one.team_id for one in shifts})
    demands = [
        demand(
            key,
            draw(st.integers(0, most_tasks_)),
            *known,
            needs=Needs(
                draw(st.sampled_from(["in", "ro"])),
                tuple(draw(st.sampled_from(SKILLS)).split()),
                clearance,
                draw(st.sampled_from(["", "hi"])),
            ),
            overlap=draw(overlaps),
            due_at=AT + timedelta(hours=draw(st.sampled_from([-5, 9, 30]))),
            team_id=draw(st.sampled_from([None, *known])),
            priority=draw(st.sampled_from([0, 12])),
            apart=draw(apart),
        )
        for key, clearance in enumerate(draw(st.lists(st.integers(0, 1), min_size=1, max_size=2)))
    ]
    return problem(demands, shifts, {1: draw(st.integers(1, 3))})


def best(found: Problem) -> int:
    """The least cost of all ways to give each task to a person of a shift or to nobody; for overlap 1."""
    demands = list(found.demands)
    tasks = [place for place, one in enumerate(demands) for _ in range(one.tasks)]
    rooms = [(number, one) for number, shift_ in enumerate(found.shifts) for one in shift_.people if one.tasks]
    seen: dict = {}

    def ways(index: int, used: tuple[int, ...], loads: tuple[int, ...]):
        if index == len(tasks):
            weights = sum(found.teams[team].weight for team in {one.team_id for one in found.shifts})
            width = costs.step_width(len(tasks), weights, unit=1)
            teams = sorted(found.teams)
            return sum(
                costs.of_load(load, width * found.teams[team].weight) for load, team in zip(loads, teams, strict=True)
            )
        if (index, used, loads) in seen:
            return seen[index, used, loads]
        one = demands[tasks[index]]
        least = costs.of_unplaced(one, at=AT) + ways(index + 1, used, loads)
        for place, (number, who) in enumerate(rooms):
            where = found.shifts[number]
            if used[place] < who.tasks and able(who, one.needs, BASES):
                price = costs.of_seat(one, where, found.teams[where.team_id], at=AT)
                more = tuple(count + (other == place) for other, count in enumerate(used))
                fuller = tuple(
                    count + (team == where.team_id) for team, count in zip(sorted(found.teams), loads, strict=True)
                )
                least = min(least, price + ways(index + 1, more, fuller))
        seen[index, used, loads] = least
        return least

    return ways(0, (0,) * len(rooms), (0,) * len(found.teams))


@settings(max_examples=150, deadline=None)
@given(problems())
def test_the_plan_costs_what_the_best_of_all_plans_costs(found: Problem) -> None:
    assert flow.plan(found).cost == best(found)


def can_be_done(found: Problem, answer: Answer) -> bool:
    """Whether people can be found, seat by seat, who do all of each team's tasks; by search, not by a flow."""
    demands = {one.key: one for one in found.demands}
    for team in found.teams:
        rooms: dict[int, list] = {}
        for shift_ in found.shifts:
            for one in shift_.people if shift_.team_id == team else ():
                rooms.setdefault(one.reviewer_id, [one, 0])[1] += one.tasks
        wanted = [
            demands[one.key]
            for one in answer.placed
            if one.team_id == team
            for _ in range(one.seats // demands[one.key].per_team)
        ]
        if not _dealt(wanted, {who: room for who, (_one, room) in rooms.items()}, rooms):
            return False
    return True


def _dealt(wanted: list[Demand], left: dict[int, int], people_: dict[int, list]) -> bool:
    if not wanted:
        return True
    first = wanted[0]
    free = [who for who, room in left.items() if room and able(people_[who][0], first.needs, BASES)]
    return any(
        _dealt(wanted[1:], {who: room - (who in chosen) for who, room in left.items()}, people_)
        for chosen in itertools.combinations(free, first.per_team)
    )


@settings(max_examples=300, deadline=None)
@given(problems(overlaps=st.integers(1, 3), most_tasks_=3, shifts_=2, apart=st.booleans()))
def test_a_plan_is_never_more_than_these_people_can_do(found: Problem) -> None:
    answer = flow.plan(found)
    assert can_be_done(found, answer)
    for one in found.demands:
        given_ = sum(placed.tasks for placed in answer.placed if placed.key == one.key)
        assert given_ + answer.unplaced.get(one.key, 0) == one.tasks
        mine = [placed for placed in answer.placed if placed.key == one.key]
        assert all(type(placed.tasks) is int and placed.tasks > 0 for placed in mine if not one.apart)
        # Whole tasks; and where seats are for different teams, no team has two of one.
        assert sum(placed.seats for placed in mine) == given_ * one.overlap
        assert all(placed.tasks <= placed.seats <= given_ for placed in mine if one.apart)


@settings(max_examples=100, deadline=None)
@given(problems(overlaps=st.integers(1, 3), apart=st.booleans()), st.randoms(use_true_random=False))
def test_the_same_input_gives_the_same_plan_in_whatever_order(found: Problem, chance) -> None:
    demands, shifts = list(found.demands), list(found.shifts)
    first = flow.plan(found)
    chance.shuffle(demands)
    assert flow.plan(dataclasses.replace(found, demands=tuple(demands))) == first
    # Shifts of one team at one time are told apart by nothing but their people.
    if len({(one.team_id, one.starts_at) for one in shifts}) == len(shifts):
        chance.shuffle(shifts)
        assert flow.plan(dataclasses.replace(found, shifts=tuple(shifts))) == first


@settings(max_examples=100, deadline=None)
@given(problems(overlaps=st.integers(1, 2)))
def test_what_stays_never_moves_and_a_plan_that_was_followed_changes_nothing(found: Problem) -> None:
    held = dataclasses.replace(
        found, demands=tuple(dataclasses.replace(one, stays=one.team_id is not None) for one in found.demands)
    )
    for placed in flow.plan(held).placed:
        one = next(each for each in held.demands if each.key == placed.key)
        assert not one.stays or placed.team_id == one.team_id
    numbers = itertools.count()
    answer = flow.plan(found)
    by_key = {one.key: one for one in found.demands}
    followed = [
        dataclasses.replace(by_key[one.key], key=next(numbers), team_id=one.team_id, tasks=one.tasks)
        for one in answer.placed
    ]
    if any(one.overlap > 1 for one in found.demands):
        return
    again = flow.plan(dataclasses.replace(found, demands=tuple(followed)))
    for placed in again.placed:
        assert followed[placed.key].team_id == placed.team_id
