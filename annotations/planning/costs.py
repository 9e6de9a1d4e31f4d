"""What a plan weighs against what, for each seat. Pure; one table, so that it can be argued about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil, lcm

from annotations.planning.work import Demand, Problem, TeamFacts
from workforce.capacity import TeamShift

DAY = timedelta(days=1)
# A seat that nobody is found for costs more than the latest that any could be.
UNPLACED = 1_000_000
LATE_DAY, MOST_LATE_DAYS = 10_000, 30
# Work that lies with a team moves only for what is worth it: a third of a fair share, or two days' earlier end.
HAND_OVER = 800
# A team of another region than the clips', where its people may see them.
AWAY = 400
WAIT_HOUR = 20
# The further a team is filled, for its weight, the more each further seat costs; all steps together less than a day.
STEP, STEPS = 100, 64
STEPS_TO_FAIR = 24


def days_late(demand: Demand, shift: TeamShift) -> int:
    """Begun days between when the work is due and when the shift ends."""
    return max(0, min(MOST_LATE_DAYS, ceil((shift.ends_at - demand.due_at) / DAY)))


def of_seat(demand: Demand, shift: TeamShift, team: TeamFacts, *, at: datetime) -> int:
    """A seat of this work in this shift: late, handed over, away from home, waiting."""
    waits = max(0, int((shift.starts_at - at) / timedelta(hours=1)))
    moved = demand.team_id is not None and demand.team_id != team.team_id
    return (
        LATE_DAY * days_late(demand, shift)
        + HAND_OVER * moved
        + AWAY * (team.region != demand.needs.region)
        + WAIT_HOUR * waits
    )


def of_unplaced(demand: Demand, *, at: datetime) -> int:
    """A seat that nobody is found for: the earlier it is due and the higher its priority, the worse."""
    days_left = max(0, min(MOST_LATE_DAYS, int((demand.due_at - at) / DAY)))
    return UNPLACED + 1000 * (MOST_LATE_DAYS - days_left) + 100 * min(demand.priority, 240)


def step_width(seats: int, weights: int, *, unit: int) -> int:
    """How many seats for each unit of weight fill a step: a share of the fair one, in whole tasks."""
    return max(unit, ceil(seats / max(1, weights) / STEPS_TO_FAIR / unit) * unit)


def of_plan(
    problem: Problem, demands: Sequence[Demand], shifts: Sequence[TeamShift], seats: Mapping[tuple[int, int], int]
) -> int:
    """What a whole plan costs: each seat, each that nobody was found for, and how unevenly teams are filled."""
    if not demands:
        return 0
    total, loads, left = 0, Counter[int](), [one.tasks * one.overlap for one in demands]
    for (place, number), count in seats.items():
        shift = shifts[number]
        left[place] -= count
        loads[shift.team_id] += count
        total += count * of_seat(demands[place], shift, problem.teams[shift.team_id], at=problem.at)
    total += sum(count * of_unplaced(one, at=problem.at) for count, one in zip(left, demands, strict=True))
    weights = sum(problem.teams[team_id].weight for team_id in {shift.team_id for shift in shifts})
    width = step_width(sum(one.tasks * one.overlap for one in demands), weights, unit=unit_of(demands))
    return total + sum(of_load(load, width * problem.teams[team_id].weight) for team_id, load in loads.items())


def of_load(seats: int, width: int) -> int:
    """What it costs to fill a team with so many seats, in steps of this width."""
    steps = min(STEPS, seats // width)
    return STEP * (width * steps * (steps - 1) // 2 + (seats - width * steps) * steps)


def unit_of(demands: Sequence[Demand]) -> int:
    """The least number of seats that is whole tasks of every overlap."""
    return lcm(*{one.overlap for one in demands})
