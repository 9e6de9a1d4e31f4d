"""When waiting work will be done, at even odds and at nine in ten: many seeded draws of the days to come. Pure.

What people could do (shifts, quotas, their own pace) is known from the calendar; how much of it they do is not, and
moves from day to day. So each draw gives every team a level and every day of it a luck, from what was seen of past days
(``Use``), lets the teams draw the work in its turn through their shifts, and notes when each part of it is finished.
Drawn and not reckoned in one formula, because quotas, closed days and queues that share people have none; the level
itself needs no chain: it is the textbook's normal with unknown mean and variance (Gelman and others, Bayesian Data
Analysis, 3.3), whose prior is what is believed of a team that nobody has seen at work yet.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from math import ceil
from zoneinfo import ZoneInfo

import numpy as np

from annotations.planning.work import Bases, Needs, able, most_tasks
from workforce.capacity import TeamShift

Array = np.ndarray
DRAWS, SEED = 500, 20260101
HALF, LIKELY = 0.5, 0.9
# Of a team that nobody has seen at work: it uses 70 % of what it could, give or take a fifth from day to day; worth
# one day of history, so a week outweighs it.
PRIOR_USE, PRIOR_SPREAD, PRIOR_DAYS, PRIOR_SURETY = 0.7, 0.2, 1.0, 4.0
# After so many days a day counts half: teams change.
HALF_LIFE = 14.0
# Neighbouring days are alike (a cold, a hard batch), so they tell less of the level than as many days apart would.
ALIKE = 2.0
# A weekday on which nobody did anything, so often at least, is no working day, whatever the calendar leaves open.
LEAST_IDLE = 2
# In stretches of so many seconds people work side by side.
SLICE = 4 * 3600
# What is longer is no shift but a day that is open from end to end.
LONGEST_SHIFT = 14 * 3600
# Less than this of a seat is nothing.
NOTHING = 1e-6


@dataclass(frozen=True)
class Part:
    """Seats that wait and are drawn alike: one sort of work, in one place, of one arrival."""

    key: int
    needs: Needs
    overlap: int
    seats: int
    turn: int
    """The lower, the earlier it is drawn."""
    teams: tuple[int, ...]
    """Those by whom it is done, as it stands."""


@dataclass(frozen=True)
class PastDay:
    """What one person had room for on one day on which there was work, and how much of it they did; in tasks."""

    reviewer_id: int
    team_id: int
    day: date
    room: int
    done: int


@dataclass(frozen=True)
class Outlook:
    """All that a forecast follows from."""

    at: datetime
    parts: tuple[Part, ...]
    shifts: tuple[TeamShift, ...]
    zones: Mapping[int, str]
    bases: Bases
    past: tuple[PastDay, ...]
    paces: Mapping[int, float] = field(default_factory=dict)
    """Active seconds that a task takes each person."""


@dataclass(frozen=True)
class Use:
    """What is believed of how much of their room people use on a day: a normal whose mean and variance are unsure."""

    mean: float
    days: float
    """How many days the mean is worth."""
    surety: float
    """How many the variance is worth."""
    variance: float
    top: float = 1.0
    """More was never seen."""


@dataclass(frozen=True)
class Finish:
    """When something is finished with even odds, and with nine in ten; None: later than the shifts that were read."""

    half_at: datetime | None
    likely_at: datetime | None


def use_of(days: Sequence[tuple[date, int, int]], *, on: date) -> Use:
    """What days of (date, room, done) before ``on`` tell, recent ones more, full ones more than short ones."""
    seen = [(day, room, done) for day, room, done in days if room > 0]
    variance = PRIOR_SPREAD**2
    if not seen:
        return Use(PRIOR_USE, PRIOR_DAYS, PRIOR_SURETY, variance)
    rooms = np.array([room for _day, room, _done in seen], dtype=float)
    shares = np.array([done for _day, _room, done in seen]) / rooms
    ages = np.array([(on - day).days for day, _room, _done in seen])
    weights = 0.5 ** (ages / HALF_LIFE) * np.minimum(1.0, rooms / np.median(rooms))
    count = float(weights.sum())
    mean = float((weights * shares).sum() / count)
    around = float((weights * (shares - mean) ** 2).sum())
    worth = count / ALIKE
    surety = PRIOR_SURETY + count
    spread = PRIOR_SURETY * variance + around + PRIOR_DAYS * worth / (PRIOR_DAYS + worth) * (mean - PRIOR_USE) ** 2
    return Use(
        mean=(PRIOR_DAYS * PRIOR_USE + worth * mean) / (PRIOR_DAYS + worth),
        days=PRIOR_DAYS + worth,
        surety=surety,
        variance=spread / surety,
        top=max(1.0, float(shares.max())),
    )


@dataclass(frozen=True, eq=False)
class Pool:
    """Those of a team who may do the same of what waits. There is one of each, and it is equal to none but itself."""

    team_id: int
    kind: frozenset[int]


class Draws:
    """When each part is finished in each draw, in seconds after ``at``; the same input gives the same numbers."""

    def __init__(self, outlook: Outlook, *, draws: int = DRAWS, seed: int = SEED) -> None:
        self.outlook, self.draws, self.seed = outlook, draws, seed
        self.parts = sorted(outlook.parts, key=lambda part: (part.turn, part.key))
        self.needs = sorted({part.needs for part in self.parts})
        self._number = {one: number for number, one in enumerate(self.needs)}
        self._zones = {team_id: ZoneInfo(zone) for team_id, zone in outlook.zones.items()}
        self._idle = idle_weekdays(outlook.past)
        self._shares: dict[tuple[int, int, int], float] = {}
        self._ables: dict[tuple[Needs, int, tuple[int, ...]], list[tuple[Pool, float]]] = {}
        self._read_pools()
        self.done: dict[int, Array] = self._run()

    def finish(self, keys: Iterable[int]) -> Finish:
        """When the last of these parts is finished."""
        last = np.zeros(self.draws)
        for key in keys:
            last = np.maximum(last, self.done[key])
        return Finish(self._instant(last, HALF), self._instant(last, LIKELY))

    def nobody(self) -> list[int]:
        """The parts that nobody there may do, in all the time that was looked at."""
        return [part.key for part in self.parts if part.seats and not any(self._share(part, t) for t in part.teams)]

    def _instant(self, seconds: Array, odds: float) -> datetime | None:
        # The draw at or above the odds: no mean of one that ends and one that does not.
        found = float(np.quantile(seconds, odds, method="higher"))
        return None if np.isinf(found) else self.outlook.at + timedelta(seconds=round(found))

    def _day(self, shift: TeamShift) -> date:
        return shift.starts_at.astimezone(self._zones[shift.team_id]).date()

    def _read_pools(self) -> None:
        kinds: dict[object, frozenset[int]] = {}
        pools: dict[object, Pool] = {}
        self.pool_of: dict[int, Pool] = {}
        self.rooms: list[dict[Pool, int]] = []
        self.shifts = sorted(self.outlook.shifts, key=lambda shift: (shift.starts_at, shift.team_id, shift.ends_at))
        self._by_person: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for shift in self.shifts:
            rooms: dict[Pool, int] = defaultdict(int)
            works = self._day(shift).weekday() not in self._idle[shift.team_id]
            by_person = self._by_person[shift.team_id]
            for person in shift.people:
                pool = self.pool_of.get(person.reviewer_id)
                if pool is None:
                    about = (person.country, person.skills, person.clearance, person.languages)
                    if about not in kinds:
                        kinds[about] = frozenset(
                            number for number, one in enumerate(self.needs) if able(person, one, self.outlook.bases)
                        )
                    # One and the same for all: looked up by what it is, it would be the dearest part of all this.
                    pool = pools.setdefault((shift.team_id, kinds[about]), Pool(shift.team_id, kinds[about]))
                    self.pool_of[person.reviewer_id] = pool
                if works and pool.kind and person.tasks:
                    rooms[pool] += person.tasks
                    by_person[person.reviewer_id] += person.tasks
            self.rooms.append(dict(rooms))

    def _share(self, part: Part, team_id: int) -> float:
        """How much of a team's room is of use for tasks that each need several different people."""
        need = self._number[part.needs]
        key = (team_id, need, part.overlap)
        if key not in self._shares:
            people = self._by_person[team_id].items()
            rooms = [room for person, room in people if room and need in self.pool_of[person].kind]
            total = sum(rooms)
            self._shares[key] = most_tasks(rooms, part.overlap) * part.overlap / total if total else 0.0
        return self._shares[key]

    def _use(self) -> dict[tuple[Pool, date], Array]:
        """How much of its room each pool uses on each day to come, by draw. Pools of a team share their luck."""
        on = self.outlook.at.date()
        past: dict[Pool, dict[date, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
        for one in self.outlook.past:
            pool = self.pool_of.get(one.reviewer_id)
            if pool and pool.team_id == one.team_id and one.day.weekday() not in self._idle[one.team_id]:
                sums = past[pool][one.day]
                sums[0] += one.room
                sums[1] += one.done
        days: dict[int, set[date]] = defaultdict(set)
        for shift in self.shifts:
            days[shift.team_id].add(self._day(shift))
        found: dict[tuple[Pool, date], Array] = {}
        for team_id in sorted(days):
            # A stream for each team, so that one more team changes nothing for the others.
            stream = np.random.default_rng([self.seed, team_id])
            level, luck = stream.standard_normal(self.draws), {}
            for day in sorted(days[team_id]):
                luck[day] = stream.standard_normal(self.draws)
            pools = {pool for rooms in self.rooms for pool in rooms if pool.team_id == team_id}
            for pool in sorted(pools, key=lambda one: sorted(one.kind)):
                use = use_of([(day, *sums) for day, sums in sorted(past[pool].items())], on=on)  # type: ignore[misc]
                spread = np.sqrt(use.variance * use.surety / stream.chisquare(use.surety, self.draws))
                mean = use.mean + spread / np.sqrt(use.days) * level
                for day, chance in luck.items():
                    found[pool, day] = np.clip(mean + spread * chance, 0.0, use.top)
        return found

    def _slices(self) -> list[tuple[float, float, dict[tuple[Pool, date], float]]]:
        """Stretches of time in which people work side by side: from, to (seconds after ``at``), and by pool and day how
        many tasks it has room for in it. A shift's room lies evenly in the time that it is worked."""
        rooms: dict[int, dict[tuple[Pool, date], float]] = defaultdict(lambda: defaultdict(float))
        edges: dict[int, tuple[float, float]] = {}
        for shift, here in zip(self.shifts, self.rooms, strict=True):
            begins = (shift.starts_at - self.outlook.at).total_seconds()
            ends = begins + self._busy(shift)
            if not here or ends <= begins:
                continue
            for number in range(int(begins // SLICE), ceil(ends / SLICE)):
                first, last = max(begins, number * SLICE), min(ends, (number + 1) * SLICE)
                low, high = edges.get(number, (first, last))
                edges[number] = min(low, first), max(high, last)
                for pool, room in here.items():
                    rooms[number][pool, self._day(shift)] += room * (last - first) / (ends - begins)
        return [(*edges[number], rooms[number]) for number in sorted(rooms)]

    def _busy(self, shift: TeamShift) -> float:
        """Seconds of a shift in which its people are at it: until their quotas are done, or all of it. Of a team that
        is open all day nobody knows when."""
        length = (shift.ends_at - shift.starts_at).total_seconds()
        seconds = sum(person.seconds for person in shift.people)
        if length > LONGEST_SHIFT or not seconds:
            return length
        work = sum(person.tasks * self.outlook.paces.get(person.reviewer_id, length) for person in shift.people)
        return length * min(1.0, work / PRIOR_USE / seconds)

    def _run(self) -> dict[int, Array]:
        use = self._use()
        left = {part.key: np.full(self.draws, float(part.seats)) for part in self.parts}
        done = {part.key: np.full(self.draws, np.inf if part.seats else 0.0) for part in self.parts}
        waiting = [part for part in self.parts if part.seats and any(self._share(part, team) for team in part.teams)]
        for begins, ends, rooms in self._slices():
            room: dict[Pool, Array] = {}
            for (pool, day), count in rooms.items():
                room[pool] = room.get(pool, 0.0) + count * use[pool, day]
            self._work((begins, ends), waiting, room, left, done)
            waiting = [part for part in waiting if left[part.key].any()]
            if not waiting:
                break
        return done

    def _able(self, part: Part, room: Mapping[Pool, Array]) -> list[tuple[Pool, float]]:
        """The pools that may do it and what part of their room is of use for it; who may do least else comes first."""
        key = (part.needs, part.overlap, part.teams)
        if key not in self._ables:
            need = self._number[part.needs]
            pools = {pool for rooms in self.rooms for pool in rooms if pool.team_id in part.teams and need in pool.kind}
            ordered = sorted(pools, key=lambda one: (len(one.kind), one.team_id, sorted(one.kind)))
            self._ables[key] = [(pool, self._share(part, pool.team_id)) for pool in ordered]
        return [one for one in self._ables[key] if one[0] in room]

    def _work(
        self,
        span: tuple[float, float],
        waiting: Sequence[Part],
        room: Mapping[Pool, Array],
        left: Mapping[int, Array],
        done: Mapping[int, Array],
    ) -> None:
        """One stretch of time: each part in its turn takes of all who may do it at once."""
        free = {pool: found.copy() for pool, found in room.items()}
        for part in waiting:
            pools = self._able(part, room)
            if not pools:
                continue
            rest, moved = left[part.key], False
            for _width, group in groupby(pools, key=lambda one: len(one[0].kind)):
                alike = list(group)
                whole = sum(free[pool] * share for pool, share in alike)
                if not np.any(whole):
                    continue
                took = np.minimum(rest, whole)
                # Evenly of those who may do the same.
                of_each = np.divide(took, whole, out=np.zeros(self.draws), where=whole > 0)
                for pool, share in alike:
                    free[pool] -= free[pool] * share * of_each
                rest -= took
                moved = True
            if not moved:
                continue
            rest[rest < NOTHING] = 0.0
            ended = (rest == 0.0) & np.isinf(done[part.key])
            if ended.any():
                whole = sum(room[pool] * share for pool, share in pools)
                gone = sum(room[pool] - free[pool] for pool, _share in pools)
                so_far = np.divide(gone, whole, out=np.ones(self.draws), where=whole > 0)
                done[part.key][ended] = (span[0] + (span[1] - span[0]) * np.minimum(1.0, so_far))[ended]


def idle_weekdays(past: Collection[PastDay]) -> dict[int, frozenset[int]]:
    """By team, the weekdays on which nobody of it ever did anything though there was work and the calendar was open."""
    sums: dict[int, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for one in past:
        if one.room:
            sums[one.team_id][one.day] += one.done
    found: dict[int, frozenset[int]] = defaultdict(frozenset)
    for team_id, days in sums.items():
        if not any(days.values()):
            # A team that did nothing at all is not idle on every weekday: it has not begun.
            continue
        seen = Counter(day.weekday() for day in days)
        worked = {day.weekday() for day, done in days.items() if done}
        found[team_id] = frozenset(day for day, times in seen.items() if times >= LEAST_IDLE and day not in worked)
    return found
