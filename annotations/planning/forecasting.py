"""The forecast of each project and each batch: reading what it follows from, and telling each who asks what is theirs.

A batch is what tables know already: a project's clips that came in on one day of their region, or what one plan by
hand chose. Foretold is what waits now; what comes later, and what waits for staff, is not. Nothing is written: who asks
again within :data:`KEPT_FOR` is told the same, unless people, limits, calendars or projects changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache as remembered
from math import ceil

import numpy as np
from django.contrib.auth.models import User
from django.core.cache import cache

from annotations.models import Plan, Project
from annotations.planning import past, queries, reading, telling
from annotations.planning.forecast import HALF, LIKELY, Draws, Outlook, Part
from annotations.planning.queries import Awaited
from annotations.planning.reading import Picture, Source
from annotations.planning.telling import Kept, Row
from annotations.planning.work import Needs, able
from annotations.queries import rank_of
from annotations.scopes import UNTOLD
from config import ahead
from config.scope import EVERYWHERE, all_or_seen, scope_of
from workforce.capacity import PersonCapacity, team_shifts

# How far shifts are read: the longer only for what does not fit into the shorter.
HORIZONS = timedelta(days=14), timedelta(days=56)
KEPT_FOR = timedelta(minutes=2)
# The beat reads it anew after so long, so that pages always find one that holds.
RENEWED_AFTER = timedelta(seconds=75)
KEY = "forecast"
# What settled tasks took of answers says how many more ties will ask for.
ASKED_TASKS = 500
PAUSED = "the project is paused"


@dataclass(frozen=True)
class Finish:
    """When work will be done with even odds, and with nine in ten. Neither: why, or later than was looked."""

    tasks: int
    seats: int
    due_at: datetime | None
    """When the first of it is due."""
    half_at: datetime | None
    likely_at: datetime | None
    never: str
    """Why some of it is never done, as it stands."""
    stuck: int
    """How many of the tasks that is said of."""


@dataclass(frozen=True)
class Batch:
    """A day's arrivals, or what a plan by hand chose; one of the two is None."""

    arrived_on: date | None
    plan_id: int | None
    finish: Finish


@dataclass(frozen=True)
class ProjectForecast:
    project_id: int
    name: str
    days_seen: int
    """Working days of its teams that the forecast learned from; with none it goes by a wide guess."""
    finish: Finish
    batches: list[Batch]


@dataclass(frozen=True)
class Forecasts:
    """All that was foretold, as somebody may see it."""

    at: datetime
    until: datetime
    """How far the forecast looked: what has no finish will be done later."""
    projects: list[ProjectForecast]


def forecasts(*, at: datetime, to: User | None = None) -> Forecasts:
    """What is foretold of each project with work that waits, by name; of the work that ``to`` may find."""
    kept = _kept(at=at)
    scope = EVERYWHERE if to is None else scope_of(to)
    mine: dict[int, list[Row]] = defaultdict(list)
    for row in kept.rows:
        # As in lists: tasks by their team, and clips that are nobody's yet by their region.
        found = row.work.team_id in scope.teams if row.work.team_id else scope.covers(row.work.region)
        if scope.everywhere or found:
            mine[row.work.project_id].append(row)
    chosen = {row.work.plan_id for rows in mine.values() for row in rows if row.work.plan_id}
    plans = set(all_or_seen(to, Plan.objects.filter(pk__in=chosen)).values_list("pk", flat=True)) if chosen else set()
    known = set(all_or_seen(to, Project.objects.filter(pk__in=mine)).values_list("pk", flat=True)) if mine else set()

    def told(row: Row) -> str:
        return row.why if scope.everywhere or scope.teams.issuperset(row.teams) else UNTOLD

    projects = []
    for project_id in sorted(known, key=lambda pk: (kept.names[pk], pk)):
        rows = mine[project_id]
        teams = {team for row in rows for team in row.teams if scope.everywhere or team in scope.teams}
        projects.append(
            ProjectForecast(
                project_id=project_id,
                name=kept.names[project_id],
                days_seen=max((kept.days_seen.get(team, 0) for team in teams), default=0),
                finish=_finish(rows, at=kept.at, told=told),
                batches=_batches(rows, plans, at=kept.at, told=told),
            )
        )
    return Forecasts(kept.at, kept.until, projects)


def of_teams(*, at: datetime, to: User | None = None) -> dict[int, Finish]:
    """When what lies with each team will be done, by team; of the teams that are ``to``'s."""
    kept = _kept(at=at)
    scope = EVERYWHERE if to is None else scope_of(to)
    mine: dict[int, list[Row]] = defaultdict(list)
    for row in kept.rows:
        if row.work.team_id and (scope.everywhere or row.work.team_id in scope.teams):
            mine[row.work.team_id].append(row)

    def told(row: Row) -> str:
        return row.why if scope.everywhere or scope.teams.issuperset(row.teams) else UNTOLD

    return {team: _finish(rows, at=kept.at, told=told) for team, rows in sorted(mine.items())}


def _batches(rows: Sequence[Row], plans: set[int], *, at: datetime, told: Callable[[Row], str]) -> list[Batch]:
    by_day: dict[date, list[Row]] = defaultdict(list)
    by_plan: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        by_day[row.work.arrived_on].append(row)
        if row.work.plan_id in plans:
            by_plan[row.work.plan_id].append(row)
    return [
        *(Batch(day, None, _finish(found, at=at, told=told)) for day, found in sorted(by_day.items())),
        *(Batch(None, plan_id, _finish(found, at=at, told=told)) for plan_id, found in sorted(by_plan.items())),
    ]


def _finish(rows: Sequence[Row], *, at: datetime, told: Callable[[Row], str]) -> Finish:
    """When the last of these is done. What is never done has no finish, and so has what it is a part of."""
    last = np.maximum.reduce([row.ends for row in rows])
    stuck = [row for row in rows if row.why]

    def instant(odds: float) -> datetime | None:
        found = float(np.quantile(last, odds, method="higher"))
        return None if stuck or np.isinf(found) else at + timedelta(seconds=ceil(found))

    return Finish(
        tasks=sum(row.work.tasks for row in rows),
        seats=sum(row.seats for row in rows),
        due_at=min(row.due_at for row in rows),
        half_at=instant(HALF),
        likely_at=instant(LIKELY),
        never=told(stuck[0]) if stuck else "",
        stuck=sum(row.work.tasks for row in stuck),
    )


def _kept(*, at: datetime) -> Kept:
    """What was read a moment ago, here or by the beat, if nothing changed that one could see; else read anew."""
    found: Kept | None = cache.get(KEY)
    if not _holds(found, at=at):
        found = told_ahead()
        if not _holds(found, at=at):
            found = read(at=at)
        cache.set(KEY, found, timeout=KEPT_FOR.total_seconds())
    assert found is not None  # noqa: S101 -- it was read just now
    return found


def _holds(found: Kept | None, *, at: datetime, within: timedelta = KEPT_FOR) -> bool:
    return found is not None and timedelta(0) <= at - found.at < within and found.seen == queries.seen()


def told_ahead() -> Kept | None:
    """What the beat read last, if it lies there still."""
    said = ahead.get(KEY)
    return telling.understood(said) if said else None


def keep_ahead(*, at: datetime) -> bool:
    """Read for all processes what is older than :data:`RENEWED_AFTER` or does not hold any more; returns whether it was
    read."""
    if _holds(told_ahead(), at=at, within=RENEWED_AFTER):
        return False
    return ahead.put(KEY, telling.told(read(at=at)), seconds=int(KEPT_FOR.total_seconds()))


def read(*, at: datetime) -> Kept:
    """Foretell all work that waits, from how things stand at ``at``."""
    picture = reading.people_and_places(at=at, window=HORIZONS[0])
    active, teams = reading.active_projects()
    work = queries.awaited_tasks()
    work += queries.awaited_clips(list(active))
    names = dict(Project.objects.filter(pk__in={one.project_id for one in work}).values_list("pk", "name"))
    kept = Kept(at, picture.end, picture.seen, names, {})
    if not work:
        return kept
    more = queries.seats_of_settled(list(active), tasks=ASKED_TASKS)
    history = past.past_days(picture.zones, picture.paces, at=at)
    kept.days_seen = past.days_seen(history)
    live = [one for one in work if one.project_id in active]
    parts = _parts(picture, live, active, teams, more)
    draws = _draws(picture, [part for mine in parts for part in mine], history)
    kept.until = picture.end
    stuck = set(draws.nobody())
    said = reading.explain(picture, stuck)
    ends = {key: found.astype(np.float32) for key, found in draws.done.items()}
    kept.rows = [
        Row(
            one,
            tuple(sorted({team for part in mine for team in picture.demands[part.key].teams})),
            sum(part.seats for part in mine),
            picture.sources[mine[0].key].due_at,
            np.maximum.reduce([ends[part.key] for part in mine]),
            next((said[part.key] for part in mine if part.key in said), ""),
        )
        for one, mine in zip(live, parts, strict=True)
    ]
    kept.rows += [
        Row(one, (), one.seats, one.due_at or at, np.full(draws.draws, np.inf, dtype=np.float32), PAUSED)
        for one in work
        if one.project_id not in active
    ]
    return kept


def _draws(picture: Picture, parts: Sequence[Part], history: Sequence[past.PastDay]) -> Draws:
    """The draws, over as many days as are needed of those that are looked at; the picture is left with those days."""
    for window in HORIZONS:
        if window != HORIZONS[0]:
            picture.end = picture.at + window
            picture.shifts = team_shifts(
                list(picture.teams), start=picture.at, end=picture.end, at=picture.at, pace=picture.paces
            )
        draws = Draws(
            Outlook(
                picture.at,
                tuple(parts),
                tuple(picture.shifts),
                picture.zones,
                picture.bases,
                tuple(history),
                picture.paces,
            )
        )
        if all(np.isfinite(found).mean() > LIKELY for found in draws.done.values()):
            break
    return draws


def _parts(
    picture: Picture,
    work: Iterable[Awaited],
    active: dict[int, Project],
    teams: dict[int, list[int]],
    more: dict[int, float],
) -> list[list[Part]]:
    """The work as parts, each with its demand in the picture, so that it can be explained like a plan's. What is for
    different teams is a part for each of them."""
    parts, hands = [], _hands(picture)
    for one in work:
        project = active[one.project_id]
        due_at = one.due_at or picture.at + timedelta(hours=project.due_hours)
        skills = tuple(one.skills) if one.lane_id else tuple(sorted(project.skills))
        needs = Needs(one.region, skills, one.clearance, one.language)
        asked = _by_whom(one, needs, tuple(teams[one.project_id]), hands)
        source = Source(
            project, one.region, skills, one.clearance, one.language, due_at,
            lane_id=one.lane_id, overlap=one.overlap, team_id=one.team_id,
        )  # fmt: skip
        # Ties ask for one more answer: as often as they did lately.
        ties = max(0.0, more.get(one.project_id, 0.0) - project.overlap) if one.overlap <= project.overlap else 0.0
        seats = (one.seats if one.lane_id else one.tasks * one.overlap) + ceil(one.tasks * ties)
        turn = one.turn if one.lane_id else rank_of(due_at, priority=project.priority)
        parts.append(
            _of_teams(picture, source, one, needs, seats, turn, asked)
            if one.apart
            else [_part(picture, source, needs, one.overlap, one.tasks, seats, turn, asked)]
        )
    return parts


def _part(
    picture: Picture,
    source: Source,
    needs: Needs,
    overlap: int,
    tasks: int,
    seats: int,
    turn: int,
    asked: tuple[int, ...],
    *,
    apart: bool = False,
) -> Part:
    picture.add(source, tasks=tasks, teams=asked, overlap=overlap, apart=apart)
    return Part(picture.demands[-1].key, needs, overlap, seats, turn, asked)


def _of_teams(
    picture: Picture, source: Source, one: Awaited, needs: Needs, seats: int, turn: int, asked: tuple[int, ...]
) -> list[Part]:
    """A part for each team that may give one of the answers, of which each is another's: shared out evenly. Too few
    teams are a part that nobody does."""
    may = sorted(
        {
            shift.team_id
            for shift in picture.shifts
            if shift.team_id in asked and any(able(person, needs, picture.bases) for person in shift.people)
        }
    )
    each = ceil((one.seats if one.lane_id else one.tasks * one.overlap) / one.tasks)
    if len(may) < each:
        short = _part(picture, source, needs, each, one.tasks, seats, turn, asked, apart=True)
        return [replace(short, teams=())]
    return [
        _part(picture, source, needs, 1, one.tasks, min(one.tasks, ceil(seats / len(may))), turn, (team_id,))
        for team_id in may
    ]


def _hands(picture: Picture) -> Callable[[int, Needs], int]:
    """How many people of a team are soon at work who can do what asks this; much work asks the same."""
    soon: dict[int, dict[int, PersonCapacity]] = defaultdict(dict)
    for shift in picture.shifts:
        if shift.starts_at < picture.at + reading.WINDOW:
            soon[shift.team_id] |= {person.reviewer_id: person for person in shift.people if person.tasks > 0}

    @remembered
    def hands(team_id: int, needs: Needs) -> int:
        return sum(able(person, needs, picture.bases) for person in soon[team_id].values())

    return hands


def _by_whom(one: Awaited, needs: Needs, teams: tuple[int, ...], hands: Callable[[int, Needs], int]) -> tuple[int, ...]:
    """The teams that will do it, as plans go: where it lies, while people there can soon; else any of the project's, if
    nobody has begun it."""
    if one.apart:
        return tuple(team_id for team_id in teams if team_id not in one.answered)
    if one.team_id is None:
        return teams
    return (one.team_id,) if not one.movable or hands(one.team_id, needs) >= one.overlap else teams
