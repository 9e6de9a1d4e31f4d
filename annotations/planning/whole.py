"""Whole tasks out of seats, for people who are really different. Pure.

The flow deals in seats. Where tasks of several overlaps, or people of several kinds, meet, it may leave half a task
with a team: what is over is taken back here and placed again, task by task, where there is still room. At the end each
team's tasks are held against its people one by one (a flow of its own: nobody takes two seats of one task), and what
they cannot do goes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from ortools.graph.python import max_flow

from annotations.planning import costs
from annotations.planning.work import Demand, Needs, Problem, most_tasks
from workforce.capacity import TeamShift

# One kind of people: the numbers of the needs that they may serve.
Kind = frozenset[int]
Key = TypeVar("Key")


@dataclass(frozen=True)
class Crew:
    """A team's people in the window: how much each has room for in all, and each kind in each shift."""

    people: Mapping[int, tuple[Kind, int]]
    rooms: Mapping[tuple[int, Kind], int]
    """By the shift's place in the list and the kind."""


@dataclass
class Seats:
    """Seats by demand and shift (their places in the lists), and by shift, need and whose room they take."""

    by_demand: dict[tuple[int, int], int] = field(default_factory=dict)
    by_kind: dict[tuple[int, int, Kind], int] = field(default_factory=dict)


def doors(demand: Demand, need: int, crews: Mapping[int, Crew]) -> Iterator[tuple[int, int]]:
    """The teams that may have some of the work, with the most seats of it that their people could take."""
    asked = (demand.team_id,) if demand.stays and demand.team_id is not None else demand.teams
    for team_id in sorted(asked):
        if team_id in crews:
            room = [room for kind, room in crews[team_id].people.values() if need in kind]
            most = most_tasks(room, demand.per_team) if demand.per_team > 1 else sum(room)
            if demand.apart:
                most = min(most, demand.tasks)
            if most:
                yield team_id, most * demand.per_team


def begun_by(seats: Mapping[int, int], demand: Demand) -> dict[int, int]:
    """Whole tasks by team, out of seats by team; where they are for different teams, by which begins them."""
    found = {team_id: count // demand.overlap for team_id, count in seats.items()}
    if demand.apart:
        rest = sum(seats.values()) // demand.overlap - sum(found.values())
        for team_id in sorted(seats, key=lambda team_id: (-(seats[team_id] % demand.overlap), team_id))[:rest]:
            found[team_id] += 1
    return found


class Table:
    """A plan under way, from seats to whole tasks."""

    def __init__(
        self,
        problem: Problem,
        demands: list[Demand],
        shifts: list[TeamShift],
        needs: list[Needs],
        crews: dict[int, Crew],
        seats: Seats,
    ) -> None:
        self.problem, self.demands, self.shifts, self.crews, self.seats = problem, demands, shifts, crews, seats
        numbers = {one: number for number, one in enumerate(needs)}
        self.need = [numbers[one.needs] for one in demands]
        self.left = {(number, kind): room for crew in crews.values() for (number, kind), room in crew.rooms.items()}
        for (number, _need, kind), count in seats.by_kind.items():
            self.left[number, kind] -= count
        self.kinds: dict[tuple[int, int], list[Kind]] = defaultdict(list)
        for number, kind in self.left:
            for need in kind:
                self.kinds[number, need].append(kind)
        for found in self.kinds.values():
            # Those who may do least else come first.
            found.sort(key=lambda kind: (len(kind), sorted(kind)))
        self.of_team: dict[int, list[int]] = defaultdict(list)
        for number, shift in enumerate(shifts):
            self.of_team[shift.team_id].append(number)

    def make_whole(self) -> None:
        """Take back halves of tasks, place them again, and take away what is too much for the people."""
        for place, demand in enumerate(self.demands):
            if demand.apart:
                self._take_back_unmatched(place)
            elif demand.overlap > 1:
                for team_id, count in self._by_team(place).items():
                    self._take_back(place, team_id, count % demand.overlap)
        if any(demand.overlap > 1 for demand in self.demands):
            order = sorted(range(len(self.demands)), key=self._urgency)
            for place in order:
                self._place_rest(place)
            for team_id in sorted(self.crews):
                self._hold_against_people(team_id)
            for place, demand in enumerate(self.demands):
                if demand.apart:
                    self._take_back_unmatched(place)

    def _take_back_unmatched(self, place: int) -> None:
        """Of seats for different teams: free those that are not of whole tasks, the dearest teams' first."""
        demand, seats = self.demands[place], self._by_team(place)
        most = most_tasks(seats.values(), demand.overlap)
        over = sum(min(count, most) for count in seats.values()) - most * demand.overlap
        for team_id in sorted(seats, key=lambda team_id: self._price(demand, team_id), reverse=True):
            spare = min(over, min(seats[team_id], most))
            over -= spare
            self._take_back(place, team_id, max(0, seats[team_id] - most) + spare)

    def _urgency(self, place: int) -> tuple[int, int]:
        demand = self.demands[place]
        return -costs.of_unplaced(demand, at=self.problem.at), demand.key

    def _by_team(self, place: int) -> Counter[int]:
        found: Counter[int] = Counter()
        for team_id in self.of_team:
            if count := self._with(place, team_id):
                found[team_id] = count
        return found

    def _with(self, place: int, team_id: int) -> int:
        """Seats of the demand that lie with the team."""
        given = self.seats.by_demand
        return sum(given.get((place, number), 0) for number in self.of_team[team_id])

    def _take_back(self, place: int, team_id: int, count: int) -> None:
        """Free so many seats of the demand in the team, the latest first, of those who may do most else."""
        need = self.need[place]
        for number in reversed(self.of_team[team_id]):
            went = min(count, self.seats.by_demand.get((place, number), 0))
            if went:
                count -= went
                self._change(self.seats.by_demand, (place, number), -went)
            for kind in reversed(self.kinds[number, need]):
                gone = min(went, self.seats.by_kind.get((number, need, kind), 0))
                if gone:
                    went -= gone
                    self._change(self.seats.by_kind, (number, need, kind), -gone)
                    self.left[number, kind] += gone

    @staticmethod
    def _change(counts: dict[Key, int], key: Key, by: int) -> None:
        counts[key] = counts.get(key, 0) + by
        if not counts[key]:
            del counts[key]

    def _place_rest(self, place: int) -> None:
        """Place what is left of a demand task by task where there is room, the cheapest first."""
        demand, need = self.demands[place], self.need[place]
        if demand.apart:
            self._place_rest_apart(place)
            return
        here = self._by_team(place)
        rest = demand.tasks - here.total() // demand.overlap
        if not rest:
            return
        for team_id, most in sorted(doors(demand, need, self.crews), key=lambda door: self._price(demand, door[0])):
            numbers = [number for number in self.of_team[team_id] if self.kinds.get((number, need))]
            room = sum(self.left[number, kind] for number in numbers for kind in self.kinds[number, need])
            tasks = min(rest, room // demand.overlap, (most - here[team_id]) // demand.overlap)
            rest -= max(0, tasks)
            self._put(place, numbers, max(0, tasks) * demand.overlap)

    def _place_rest_apart(self, place: int) -> None:
        """As above, of seats for different teams: as many more whole tasks as all the teams' rooms make."""
        demand, need, here = self.demands[place], self.need[place], self._by_team(place)
        could: dict[int, int] = {}
        numbers: dict[int, list[int]] = {}
        for team_id, most in doors(demand, need, self.crews):
            numbers[team_id] = [number for number in self.of_team[team_id] if self.kinds.get((number, need))]
            room = sum(self.left[number, kind] for number in numbers[team_id] for kind in self.kinds[number, need])
            could[team_id] = max(here[team_id], min(most, here[team_id] + room))
        tasks = min(demand.tasks, most_tasks(could.values(), demand.overlap))
        wanted = tasks * demand.overlap - here.total()
        for team_id in sorted(could, key=lambda team_id: self._price(demand, team_id)):
            more = min(wanted, min(could[team_id], tasks) - here[team_id])
            if more > 0:
                wanted -= more
                self._put(place, numbers[team_id], more)

    def _put(self, place: int, numbers: Sequence[int], seats: int) -> None:
        """Give so many seats of the demand to these shifts, the first first."""
        need = self.need[place]
        for number in numbers:
            for kind in self.kinds[number, need]:
                took = min(seats, self.left[number, kind])
                if took:
                    seats -= took
                    self.left[number, kind] -= took
                    self._change(self.seats.by_demand, (place, number), took)
                    self._change(self.seats.by_kind, (number, need, kind), took)

    def _price(self, demand: Demand, team_id: int) -> tuple[int, int]:
        team = self.problem.teams[team_id]
        return (
            min(
                costs.of_seat(demand, self.shifts[number], team, at=self.problem.at) for number in self.of_team[team_id]
            ),
            team_id,
        )

    def _hold_against_people(self, team_id: int) -> None:
        """Take tasks away from a team until its people can do the rest, each of them no task twice."""
        people = Counter(self.crews[team_id].people.values())
        while True:
            places = [place for place in range(len(self.demands)) if self._with(place, team_id)]
            tasks: Counter[tuple[int, int]] = Counter()
            for place in places:
                demand = self.demands[place]
                tasks[self.need[place], demand.per_team] += self._with(place, team_id) // demand.per_team
            several = [count for (_need, overlap), count in tasks.items() if overlap > 1]
            if not several or max(room for _kind, room in people) <= min(several):
                # Nobody has room for more seats than there are tasks of a sort: nobody meets one twice.
                return
            done = _most_done(tasks, people)
            over = {
                sort: count - done[sort] // sort[1] for sort, count in tasks.items() if done[sort] < count * sort[1]
            }
            if not over:
                return
            for place in sorted(places, key=self._urgency, reverse=True):
                sort = (self.need[place], self.demands[place].per_team)
                gone = min(over.get(sort, 0), self._with(place, team_id) // sort[1])
                if gone:
                    over[sort] -= gone
                    self._take_back(place, team_id, gone * sort[1])


def _most_done(
    tasks: Mapping[tuple[int, int], int], people: Mapping[tuple[Kind, int], int]
) -> dict[tuple[int, int], int]:
    """Of tasks by (need, overlap): how many seats of each these people can take, nobody two of one task.

    People who may do the same and have the same room count together: dealt in turn, their seats are one each of a task.
    """
    sorts, crowds = sorted(tasks), sorted(people, key=lambda one: (sorted(one[0]), one[1]))
    end = 1 + len(sorts) + len(crowds)
    tails, heads, rooms = [], [], []
    for number, sort in enumerate(sorts):
        tails.append(0)
        heads.append(1 + number)
        rooms.append(tasks[sort] * sort[1])
        for other, crowd in enumerate(crowds):
            if sort[0] in crowd[0]:
                tails.append(1 + number)
                heads.append(1 + len(sorts) + other)
                rooms.append(tasks[sort] * people[crowd])
    for other, crowd in enumerate(crowds):
        tails.append(1 + len(sorts) + other)
        heads.append(end)
        rooms.append(crowd[1] * people[crowd])
    solver = max_flow.SimpleMaxFlow()
    numbers = solver.add_arcs_with_capacity(
        np.array(tails, dtype=np.int32), np.array(heads, dtype=np.int32), np.array(rooms, dtype=np.int64)
    )
    if solver.solve(0, end) != solver.OPTIMAL:
        raise RuntimeError("a flow over a team's people was not solved")
    flows = solver.flows(numbers)
    found = dict.fromkeys(sorts, 0)
    for arc, tail in enumerate(tails):
        if tail == 0:
            found[sorts[heads[arc] - 1]] = int(flows[arc])
    return found
