"""Small worlds with a past and a future, for tests of the forecast: people are simulated one by one, hour by hour.

Nothing here follows the forecast's own model: people differ in speed, have good and bad days, are ill for days on end,
lose part of a shift to other things, and a team has better and worse weeks. The forecast is given what the tables would
hold at the end of the past, and nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from annotations.planning.forecast import Outlook, Part, PastDay
from annotations.planning.work import Needs
from workforce.capacity import PersonCapacity, TeamShift

QUOTA = 150
SHIFT = timedelta(hours=8)
TODAY = date(2026, 11, 23)
NEEDS = Needs("in")


@dataclass
class Person:
    number: int
    team_id: int
    pace: float
    """Seconds a task on an ordinary day."""
    keen: float
    """What part of a shift is spent on tasks."""
    often_ill: float
    ill_until: date = date.min


@dataclass
class World:
    """A past of some days, work that waits, and what then became of it."""

    outlook: Outlook
    ends: dict[int, datetime]
    """When each part was really finished."""
    a_day: float
    """Seats done on a past day on which anybody worked, on the average: what a naive forecast goes by."""
    seats: dict[int, int] = field(default_factory=dict)


def open_days(first: date, last: date) -> list[date]:
    """Mondays to Fridays."""
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return [day for day in days if day.weekday() < 5]


def begins(day: date) -> datetime:
    return datetime.combine(day, time(4, 0), UTC)


class Crew:
    """People who go through their days; what one did on a day is drawn from them and from their team's week."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.people: list[Person] = []
        for team_id in range(1, 1 + int(rng.integers(1, 4))):
            for _ in range(int(rng.integers(3, 13))):
                self.people.append(
                    Person(
                        number=len(self.people) + 1,
                        team_id=team_id,
                        pace=float(np.clip(rng.lognormal(np.log(110), 0.4), 40, 400)),
                        keen=float(rng.uniform(0.5, 0.95)),
                        often_ill=float(rng.uniform(0.01, 0.06)),
                    )
                )
        self.mood: dict[int, float] = defaultdict(float)

    def day(self, day: date) -> dict[int, tuple[int, float]]:
        """By person who came: how many tasks they did, and over how many seconds of the shift."""
        rng, found = self.rng, {}
        for team_id in sorted({person.team_id for person in self.people}):
            # Good and bad spells last.
            self.mood[team_id] = 0.7 * self.mood[team_id] + float(rng.normal(0, 0.07))
        for person in self.people:
            if day <= person.ill_until:
                continue
            if rng.random() < person.often_ill:
                person.ill_until = day + timedelta(days=int(rng.integers(0, 5)))
                continue
            luck = float(rng.normal(0, 0.2)) + self.mood[person.team_id]
            busy = SHIFT.total_seconds() * min(1.0, person.keen * float(rng.uniform(0.8, 1.15)))
            each = person.pace * float(np.exp(-luck))
            done = min(QUOTA, int(busy / each))
            found[person.number] = (done, SHIFT.total_seconds() * min(1.0, done * each / busy) if busy else 0.0)
        return found


def make_world(seed: int) -> World:
    """A world with 4 to 20 working days of past; one team may share its people with work that is due earlier."""
    rng = np.random.default_rng(seed)
    crew = Crew(rng)
    past_days = open_days(TODAY - timedelta(days=27), TODAY - timedelta(days=1))[-int(rng.integers(4, 21)) :]
    past: list[PastDay] = []
    answered: dict[int, list[float]] = defaultdict(list)
    done_by_day: list[int] = []
    diary: list[tuple[date, dict[int, tuple[int, float]]]] = [(day, crew.day(day)) for day in past_days]
    for _day, found in diary:
        done_by_day.append(sum(done for done, _ in found.values()))
        for number, (done, _seconds) in found.items():
            person = crew.people[number - 1]
            if done:
                # What heartbeats measured: about the person's own seconds a task.
                answered[number].append(person.pace * float(np.exp(rng.normal(0, 0.15))))
    paces = {one.number: float(np.median(answered[one.number] or [90.0])) for one in crew.people}
    for day, found in diary:
        for one in crew.people:
            room = min(QUOTA, int(SHIFT.total_seconds() / paces[one.number]))
            past.append(PastDay(one.number, one.team_id, day, room, found.get(one.number, (0, 0.0))[0]))
    teams = sorted({one.team_id for one in crew.people})
    parts = make_parts(rng, teams, a_day=float(np.mean(done_by_day)))
    future = open_days(TODAY, TODAY + timedelta(days=110))
    shifts = [shift_of(team_id, day, crew.people, paces) for day in future for team_id in teams]
    outlook = Outlook(
        at=begins(TODAY),
        parts=tuple(parts),
        shifts=tuple(shifts),
        zones=dict.fromkeys(teams, "Asia/Kolkata"),
        bases={"in": frozenset({"IN"})},
        past=tuple(past),
        paces=paces,
    )
    ends = lived(crew, parts, future)
    return World(outlook, ends, float(np.mean(done_by_day)), {part.key: part.seats for part in parts})


def make_parts(rng: np.random.Generator, teams: list[int], *, a_day: float) -> list[Part]:
    """Work that is due first and work that comes after it, for all teams or for one, of half a day to three weeks."""
    parts = []
    for turn in range(int(rng.integers(1, 4))):
        mine = tuple(teams) if rng.random() < 0.6 else (int(rng.choice(teams)),)
        share = len(mine) / len(teams)
        seats = max(1, int(a_day * share * rng.uniform(0.5, 15) / 2))
        parts.append(Part(turn + 1, NEEDS, 1, seats, turn, mine))
    return parts


def shift_of(team_id: int, day: date, people: list[Person], paces: dict[int, float]) -> TeamShift:
    seconds = int(SHIFT.total_seconds())
    crew = tuple(
        PersonCapacity(
            one.number, "IN", frozenset(), frozenset(), 0, seconds, min(QUOTA, int(seconds / paces[one.number]))
        )
        for one in people
        if one.team_id == team_id
    )
    return TeamShift(team_id, "in", begins(day), begins(day) + SHIFT, crew)


def lived(crew: Crew, parts: list[Part], days: list[date]) -> dict[int, datetime]:
    """The future: everybody's answers in the order in which they came, each to the work whose turn it is."""
    left = {part.key: part.seats for part in parts}
    ends: dict[int, datetime] = {}
    for day in days:
        if not any(left.values()):
            break
        answers: list[tuple[float, int]] = []
        for number, (done, seconds) in crew.day(day).items():
            answers += [(seconds * (place + 1) / done, number) for place in range(done)]
        for after, number in sorted(answers):
            team_id = crew.people[number - 1].team_id
            for part in parts:
                if left[part.key] and team_id in part.teams:
                    left[part.key] -= 1
                    if not left[part.key]:
                        ends[part.key] = begins(day) + timedelta(seconds=after)
                    break
    return ends
