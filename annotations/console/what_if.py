"""What a plan would make of a calendar with one row more: planned twice in memory, nothing of it kept."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.contrib.auth.models import User
from django.db import transaction

from annotations.planning import flow, reading
from annotations.planning.reading import Picture
from annotations.planning.work import Answer
from config.scope import scope_of
from workforce import calendars
from workforce.models import Absence, Closure

Row = TypeVar("Row", Closure, Absence)


@dataclass(frozen=True)
class Effect:
    """One team before and after, in the days that were looked at."""

    name: str
    hours: tuple[int, int]
    """Hours of people at work."""
    tasks: tuple[int, int]
    """Tasks that a plan gives them."""
    late: tuple[int, int]
    """How many of those would be done after they are due."""

    @property
    def changes(self) -> bool:
        return any(before != after for before, after in (self.hours, self.tasks, self.late))


@dataclass(frozen=True)
class Foreseen:
    """What a row would do, until when it was looked at, and for how many tasks nobody would be found."""

    effects: list[Effect]
    until: datetime
    unplaced: tuple[int, int]

    @property
    def changes(self) -> bool:
        return self.unplaced[0] != self.unplaced[1] or any(effect.changes for effect in self.effects)


@dataclass(frozen=True)
class _Plan:
    picture: Picture
    answer: Answer
    hours: Counter[int]
    tasks: Counter[int]
    late: Counter[int]


def foresee(row: Row, *, by: User, at: datetime) -> Foreseen:
    """Plan without the row and with it; the row is put in and rolled back. Raises ValidationError as
    :func:`workforce.calendars.put_in`.

    A plan looks three days ahead; here it looks to three days after the row's last day, two weeks at the most.
    """
    until = datetime.combine(row.last_day, at.timetz()) + reading.WINDOW
    window = min(max(until - at, reading.WINDOW), reading.LONG)
    before = _planned(at=at, window=window)
    with transaction.atomic():
        calendars.put_in(row, by=by)
        after = _planned(at=at, window=window)
        transaction.set_rollback(True)
    row.pk = None
    scope = scope_of(by)
    mine = [team for team in before.picture.teams.values() if scope.everywhere or team.team_id in scope.teams]
    effects = [
        Effect(
            name=team.name,
            hours=(round(before.hours[team.team_id] / 3600), round(after.hours[team.team_id] / 3600)),
            tasks=(before.tasks[team.team_id], after.tasks[team.team_id]),
            late=(before.late[team.team_id], after.late[team.team_id]),
        )
        for team in sorted(mine, key=lambda team: team.name)
    ]
    theirs = {team.team_id for team in mine}
    return Foreseen(effects, at + window, (_unplaced(before, theirs), _unplaced(after, theirs)))


def _planned(*, at: datetime, window: timedelta) -> _Plan:
    picture = reading.whole_picture(at=at, window=window)
    answer = flow.plan(picture.problem())
    hours, tasks, late = Counter[int](), Counter[int](), Counter[int]()
    for shift in picture.shifts:
        hours[shift.team_id] += sum(person.seconds for person in shift.people)
    for placed in answer.placed:
        tasks[placed.team_id] += placed.tasks
        late[placed.team_id] += placed.late
    return _Plan(picture, answer, hours, tasks, late)


def _unplaced(plan: _Plan, theirs: set[int]) -> int:
    """Tasks that found nobody, of work for these teams alone: what is others', too, is not told."""
    demands = {one.key: one for one in plan.picture.demands}
    return sum(count for key, count in plan.answer.unplaced.items() if set(demands[key].teams) <= theirs)
