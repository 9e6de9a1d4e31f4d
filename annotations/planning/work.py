"""What a plan is made of: work that waits, who could do it, and what was decided. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from workforce.capacity import PersonCapacity, TeamShift

# Region code to the countries whose people have a basis for seeing its footage.
Bases = Mapping[str, frozenset[str]]


@dataclass(frozen=True, order=True)
class Needs:
    """What work asks of whoever does it: what a lane distinguishes."""

    region: str
    skills: tuple[str, ...] = ()
    clearance: int = 0
    language: str = ""
    """What is spoken; empty: anybody."""


@dataclass(frozen=True)
class Demand:
    """Tasks that ask the same, are due on the same day and lie in the same place."""

    key: int
    needs: Needs
    overlap: int
    """Seats of each task, for as many different people."""
    tasks: int
    due_at: datetime
    teams: tuple[int, ...]
    """Those that may be asked, where people are able to: the project's, or those chosen by hand."""
    team_id: int | None = None
    """Where they lie now; None: nowhere yet."""
    stays: bool = False
    """Somebody has begun them, or they were put there by hand: they only take up room."""
    priority: int = 0
    """Hours by which they go before others."""
    apart: bool = False
    """Its seats are for different teams, one each."""
    later: bool = False
    """Seats that are opened when another team has answered: they take up room, and are nowhere yet."""

    @property
    def per_team(self) -> int:
        """Seats of each task that one team has."""
        return 1 if self.apart else self.overlap


@dataclass(frozen=True)
class TeamFacts:
    """What a plan knows of a team beside its shifts."""

    team_id: int
    name: str
    region: str
    weight: int = 1
    is_paused: bool = False


@dataclass(frozen=True)
class Problem:
    """All that a plan follows from."""

    at: datetime
    end: datetime
    demands: tuple[Demand, ...]
    shifts: tuple[TeamShift, ...]
    teams: Mapping[int, TeamFacts]
    bases: Bases


@dataclass(frozen=True)
class Placed:
    """So many of a demand's tasks for one team; where seats are for different teams, those that it begins."""

    key: int
    team_id: int
    tasks: int
    late: int
    """How many of them will be done after they are due, by the shifts they fall into."""
    done_at: datetime
    """When the last shift that they fall into ends."""
    seats: int
    """Seats of the demand that are for the team, of tasks that another begins, too."""


@dataclass(frozen=True)
class Answer:
    """A plan: who does what. What is not placed stays where it is."""

    placed: tuple[Placed, ...]
    unplaced: Mapping[int, int]
    """Tasks by demand."""
    cost: int


def able(person: PersonCapacity, needs: Needs, bases: Bases) -> bool:
    """Whether the person may be handed such work: by country, skills, clearance and language, as the claim
    asks it."""
    return (
        person.country in bases.get(needs.region, frozenset())
        and needs.clearance <= person.clearance
        and person.skills.issuperset(needs.skills)
        and (not needs.language or needs.language in person.languages)
    )


def most_tasks(room: Iterable[int], overlap: int) -> int:
    """How many tasks, each for ``overlap`` different people, can be done by people who have room for so many each.

    The largest n with sum(min(room, n)) >= overlap * n: seats dealt round and round never meet one person twice.
    """
    rooms = sorted(room)
    sums = [0, *accumulate(rooms)]

    def fits(tasks: int) -> bool:
        below = bisect_right(rooms, tasks)
        return sums[below] + tasks * (len(rooms) - below) >= overlap * tasks

    # What fits for n fits for less: people's part of it only flattens as n grows.
    low, high = 0, sums[-1] // overlap
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low
