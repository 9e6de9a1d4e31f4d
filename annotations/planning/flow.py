"""Spreading work over teams as a flow of least cost: seats from demands through shifts to people. Pure.

Work -> (shift, what it asks) -> (shift, people who may do the same) -> team -> done; what finds no way costs more than
all else. People are counted by what they may do, so nobody is room for work that they may not have. A team's last arc
has steps that cost more the fuller it is for its weight, so work levels out. All numbers are whole, inputs are sorted:
the same input gives the same plan. Tasks are made whole, and held against who is there, in ``whole.py``.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from ortools.graph.python import min_cost_flow

from annotations.planning import costs, whole
from annotations.planning.whole import Crew, Kind, doors
from annotations.planning.work import Answer, Demand, Needs, Placed, Problem, able, most_tasks
from workforce.capacity import PersonCapacity, TeamShift


@dataclass
class Arcs:
    """Arcs on their way to the solver."""

    tails: list[int] = field(default_factory=list)
    heads: list[int] = field(default_factory=list)
    rooms: list[int] = field(default_factory=list)
    prices: list[int] = field(default_factory=list)

    def add(self, tail: int, head: int, room: int, price: int = 0) -> int:
        self.tails.append(tail)
        self.heads.append(head)
        self.rooms.append(room)
        self.prices.append(price)
        return len(self.tails) - 1


def plan(problem: Problem) -> Answer:
    """Place as much as fits, at the least cost. The same work and people give the same plan, in whatever order."""
    demands = sorted((one for one in problem.demands if one.tasks > 0), key=lambda one: one.key)
    shifts = sorted(problem.shifts, key=lambda one: (one.team_id, one.starts_at, one.ends_at))
    needs = sorted({one.needs for one in demands})
    crews = _crews(problem, demands, shifts, needs)
    seats = _solve(problem, demands, shifts, needs, crews)
    whole.Table(problem, demands, shifts, needs, crews, seats).make_whole()
    return _answer(problem, demands, shifts, seats)


def _crews(problem: Problem, demands: list[Demand], shifts: list[TeamShift], needs: list[Needs]) -> dict[int, Crew]:
    """What the people of each team may do, and how much of it is of use: one person can take one seat of a task."""
    kinds: dict[object, Kind] = {}

    def kind_of(person: PersonCapacity) -> Kind:
        about = (person.country, person.skills, person.clearance, person.languages)
        if about not in kinds:
            kinds[about] = frozenset(number for number, one in enumerate(needs) if able(person, one, problem.bases))
        return kinds[about]

    overlap: dict[int, int] = {}
    for one in demands:
        for team_id in one.teams:
            overlap[team_id] = min(overlap.get(team_id, one.per_team), one.per_team)
    everybody: dict[int, dict[int, tuple[Kind, int]]] = defaultdict(dict)
    for shift in shifts:
        crew = everybody[shift.team_id]
        for person in shift.people:
            kind = kind_of(person)
            if kind and person.tasks > 0:
                crew[person.reviewer_id] = (kind, crew.get(person.reviewer_id, (kind, 0))[1] + person.tasks)
    left: dict[int, int] = {}
    for team_id, crew in everybody.items():
        most = most_tasks((room for _kind, room in crew.values()), overlap.get(team_id, 1))
        for reviewer_id, (kind, room) in crew.items():
            # With more seats than there can be tasks, a person would meet one of them twice.
            left[reviewer_id] = room if overlap.get(team_id, 1) == 1 else min(room, most)
            crew[reviewer_id] = (kind, left[reviewer_id])
    rooms: dict[int, dict[tuple[int, Kind], int]] = defaultdict(lambda: defaultdict(int))
    for number, shift in enumerate(shifts):
        for person in shift.people:
            if person.reviewer_id in left and (room := min(person.tasks, left[person.reviewer_id])) > 0:
                rooms[shift.team_id][number, kind_of(person)] += room
                left[person.reviewer_id] -= room
    return {team_id: Crew(people, dict(rooms[team_id])) for team_id, people in everybody.items()}


class Network:
    """The flow's nodes and arcs. Node 0 is where all that is done arrives."""

    def __init__(self, problem: Problem, shifts: list[TeamShift], crews: dict[int, Crew]) -> None:
        self.problem, self.shifts, self.crews = problem, shifts, crews
        self.arcs = Arcs()
        self.supplies = [0]
        # By (shift, need): where such work enters a shift.
        self.entries: dict[tuple[int, int], int] = {}
        # The arc, the shift, the need and the kind: whose room work takes.
        self.inside: list[tuple[int, int, int, Kind]] = []
        self.of_team: dict[int, list[int]] = defaultdict(list)
        for number, shift in enumerate(shifts):
            self.of_team[shift.team_id].append(number)

    def node(self, supply: int = 0) -> int:
        self.supplies.append(supply)
        return len(self.supplies) - 1

    def add_team(self, team_id: int, *, width: int, total: int) -> None:
        """A team's people by shift and kind, and the steps of its load."""
        full = self.node()
        rooms = self.crews[team_id].rooms
        for shift, kind in sorted(rooms, key=lambda one: (one[0], sorted(one[1]))):
            room = rooms[shift, kind]
            pool = self.node()
            self.arcs.add(pool, full, room)
            for need in sorted(kind):
                if (shift, need) not in self.entries:
                    self.entries[shift, need] = self.node()
                arc = self.arcs.add(self.entries[shift, need], pool, room)
                self.inside.append((arc, shift, need, kind))
        for step in range(costs.STEPS):
            self.arcs.add(full, 0, width * self.problem.teams[team_id].weight, costs.STEP * step)
        self.arcs.add(full, 0, total, costs.STEP * costs.STEPS)

    def add_demand(self, demand: Demand, need: int) -> list[tuple[int, int]]:
        """Work with its ways into shifts; returns each way's arc and shift."""
        seats, at = demand.tasks * demand.overlap, self.problem.at
        source = self.node(seats)
        self.arcs.add(source, 0, seats, costs.of_unplaced(demand, at=at))
        found = []
        for team_id, most in doors(demand, need, self.crews):
            team, door = self.problem.teams[team_id], source
            if demand.apart:
                # One seat of each task in all of the team's shifts together.
                door = self.node()
                self.arcs.add(source, door, most)
            for shift in self.of_team[team_id]:
                if entry := self.entries.get((shift, need)):
                    price = costs.of_seat(demand, self.shifts[shift], team, at=at)
                    found.append((self.arcs.add(door, entry, min(seats, most), price), shift))
        return found

    def solve(self) -> np.ndarray:
        """The flow on each arc, in the order in which they were added."""
        self.supplies[0] = -sum(self.supplies[1:])
        solver, arcs = min_cost_flow.SimpleMinCostFlow(), self.arcs
        numbers = solver.add_arcs_with_capacity_and_unit_cost(
            np.array(arcs.tails, dtype=np.int32),
            np.array(arcs.heads, dtype=np.int32),
            np.array(arcs.rooms, dtype=np.int64),
            np.array(arcs.prices, dtype=np.int64),
        )
        solver.set_nodes_supplies(
            np.arange(len(self.supplies), dtype=np.int32), np.array(self.supplies, dtype=np.int64)
        )
        status = solver.solve()
        if status != solver.OPTIMAL:
            # All work has a way out that costs much, so there is always a plan.
            raise RuntimeError(f"the flow was not solved: {status}")
        flows: np.ndarray = solver.flows(numbers)
        return flows


def _solve(
    problem: Problem, demands: list[Demand], shifts: list[TeamShift], needs: list[Needs], crews: dict[int, Crew]
) -> whole.Seats:
    """Seats by demand and shift (their places in the lists), at the least cost, and whose room they take."""
    if not demands:
        return whole.Seats()
    total = sum(one.tasks * one.overlap for one in demands)
    weights = sum(problem.teams[team_id].weight for team_id in {shift.team_id for shift in shifts})
    width = costs.step_width(total, weights, unit=costs.unit_of(demands))
    numbers = {one: number for number, one in enumerate(needs)}
    network = Network(problem, shifts, crews)
    for team_id in sorted(crews):
        network.add_team(team_id, width=width, total=total)
    ways = [network.add_demand(one, numbers[one.needs]) for one in demands]
    flows = network.solve()
    found = whole.Seats()
    for place, arcs in enumerate(ways):
        for arc, shift in arcs:
            if flows[arc]:
                found.by_demand[place, shift] = int(flows[arc])
    for arc, shift, need, kind in network.inside:
        if flows[arc]:
            found.by_kind[shift, need, kind] = int(flows[arc])
    return found


def _answer(problem: Problem, demands: list[Demand], shifts: list[TeamShift], seats: whole.Seats) -> Answer:
    """The seats as tasks by demand and team, with what will be late."""
    falls: dict[tuple[int, int], list[tuple[TeamShift, int]]] = defaultdict(list)
    for (place, number), count in sorted(seats.by_demand.items()):
        falls[place, shifts[number].team_id].append((shifts[number], count))
    totals: dict[int, dict[int, int]] = defaultdict(dict)
    for (place, team_id), into in falls.items():
        totals[place][team_id] = sum(count for _shift, count in into)
    begun = {place: whole.begun_by(of_team, demands[place]) for place, of_team in totals.items()}
    placed = []
    unplaced = {one.key: one.tasks for one in demands}
    for (place, team_id), into in sorted(falls.items()):
        demand, tasks = demands[place], begun[place][team_id]
        late = sum(count for shift, count in into if shift.ends_at > demand.due_at)
        late = min(tasks, -(-late // demand.per_team))
        unplaced[demand.key] -= tasks
        done_at = max(shift.ends_at for shift, _count in into)
        placed.append(Placed(demand.key, team_id, tasks, late, done_at, totals[place][team_id]))
    left = {key: count for key, count in unplaced.items() if count}
    return Answer(tuple(placed), left, costs.of_plan(problem, demands, shifts, seats.by_demand))
