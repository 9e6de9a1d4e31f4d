"""Reading what a plan follows from: work, people, bases, time. A handful of statements, however much work there is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from django.db.models import Q

from annotations import pace
from annotations.models import Project
from annotations.planning import queries, reasons
from annotations.planning.work import Demand, Needs, Problem, TeamFacts
from config.speech import name_of
from workforce.capacity import PersonCapacity, TeamShift, team_shifts
from workforce.models import ResidencyBasis, Reviewer, Team

# How far a plan looks ahead, and how far it looks for a closed team's next shift.
WINDOW = timedelta(days=3)
LONG = timedelta(days=14)


@dataclass(frozen=True)
class Source:
    """Where the tasks of a demand are found when the plan is applied."""

    project: Project
    region: str
    skills: tuple[str, ...]
    clearance: int
    language: str
    due_at: datetime
    lane_id: int | None = None
    """None: clips that are no tasks yet."""
    due_on: date | None = None
    overlap: int = 1
    apart: bool = False
    """Each answer is for another team,"""
    answers: int = 0
    """so many of which are given, and"""
    later: int = 0
    """so many are opened after this one."""
    first_clip: int = 0
    team_id: int | None = None
    ids: Sequence[int] | None = None
    """Only these clips, or these tasks."""
    priority: int | None = None
    """By hand: hours by which they go before others; None: as the project says."""
    due_is_new: bool = False
    """By hand: they are due at ``due_at`` from now on, whatever was said before."""

    @property
    def hours(self) -> int:
        return self.project.priority if self.priority is None else self.priority


@dataclass
class Picture:
    """A problem to plan, and where its demands come from."""

    at: datetime
    end: datetime
    seen: str
    teams: dict[int, TeamFacts]
    zones: dict[int, str]
    shifts: list[TeamShift]
    bases: dict[str, frozenset[str]]
    paces: Mapping[int, float]
    """Active seconds that a task takes each person."""
    demands: list[Demand] = field(default_factory=list)
    sources: dict[int, Source] = field(default_factory=dict)

    def add(
        self,
        source: Source,
        *,
        tasks: int,
        teams: Sequence[int],
        seats: int | None = None,
        overlap: int | None = None,
        apart: bool = False,
    ) -> None:
        """A demand and its source; ``seats``: only room that is taken up, in seats. ``overlap``: only so many seats of
        each; ``apart``: for different teams."""
        key = len(self.demands)
        self.sources[key] = source
        self.demands.append(
            Demand(
                key=key,
                needs=Needs(source.region, source.skills, source.clearance, source.language),
                overlap=1 if seats is not None else source.overlap if overlap is None else overlap,
                tasks=tasks if seats is None else seats,
                due_at=source.due_at,
                teams=tuple(teams),
                team_id=source.team_id,
                stays=seats is not None,
                priority=source.hours,
                apart=apart,
            )
        )

    def add_later(self, source: Source, *, tasks: int, teams: Sequence[int], stays: bool = False) -> None:
        """Seats that are opened for these teams once another has answered; ``stays``: nobody asks where."""
        if not source.later:
            return
        self.add(source, tasks=tasks, teams=teams, overlap=source.later, apart=True)
        self.demands[-1] = replace(self.demands[-1], team_id=None, later=True, stays=stays)

    def problem(self) -> Problem:
        return Problem(self.at, self.end, tuple(self.demands), tuple(self.shifts), self.teams, self.bases)


def people_and_places(*, at: datetime, window: timedelta = WINDOW) -> Picture:
    """All teams, their shifts in the window, and whose people may see which region's footage; no work yet."""
    rows = Team.objects.select_related("region").order_by("pk")
    teams = {row.pk: TeamFacts(row.pk, row.name, row.region.code, row.weight, row.is_paused) for row in rows}
    in_force = ResidencyBasis.objects.filter(Q(ends_at=None) | Q(ends_at__gt=at), starts_at__lte=at)
    bases: dict[str, set[str]] = defaultdict(set)
    for code, country in in_force.order_by().values_list("region__code", "country"):
        bases[code].add(country)
    seen = queries.seen()
    paces = pace.paces(list(Reviewer.objects.filter(is_active=True).values_list("pk", flat=True)), at=at)
    shifts = team_shifts(list(teams), start=at, end=at + window, at=at, pace=paces)
    return Picture(
        at=at,
        end=at + window,
        seen=seen,
        teams=teams,
        zones={row.pk: row.time_zone for row in rows},
        shifts=shifts,
        bases={code: frozenset(found) for code, found in bases.items()},
        paces=paces,
    )


def active_projects() -> tuple[dict[int, Project], dict[int, list[int]]]:
    """The projects that work is handed out of, and the teams of each."""
    rows = {row.pk: row for row in Project.objects.filter(is_active=True).prefetch_related("teams").order_by("pk")}
    return rows, {pk: sorted(team.pk for team in row.teams.all()) for pk, row in rows.items()}


def whole_picture(*, at: datetime, window: timedelta = WINDOW) -> Picture:
    """Everything that waits, and everybody who could do it."""
    picture = people_and_places(at=at, window=window)
    active, teams = active_projects()
    for found in queries.fresh(list(active)):
        add_fresh(picture, active[found.project_id], found, teams=teams[found.project_id])
    for row in queries.lying():
        if row.project_id in active:
            add_lying(picture, active[row.project_id], row, teams=teams[row.project_id])
    return picture


def add_fresh(picture: Picture, project: Project, found: queries.Fresh, *, teams: Sequence[int]) -> None:
    """Clips that are no tasks yet, due as the project says from now on."""
    source = Source(
        project=project,
        region=found.region,
        skills=tuple(sorted(project.skills)),
        clearance=found.clearance,
        language=found.language,
        due_at=picture.at + timedelta(hours=project.due_hours),
        overlap=project.overlap,
        first_clip=found.first,
    )
    picture.add(source, tasks=found.clips, teams=teams, apart=project.seats_apart)


def add_lying(
    picture: Picture, project: Project, row: queries.Lying, *, teams: Sequence[int], stays: bool = False
) -> None:
    """What lies in a lane: what may move, and what only takes up room there."""
    source = Source(
        project=project,
        region=row.region,
        skills=tuple(row.skills),
        clearance=row.clearance,
        language=row.language,
        due_at=row.due_at,
        lane_id=row.lane_id,
        due_on=row.due_on,
        overlap=row.overlap,
        apart=row.apart,
        answers=len(row.answered),
        later=row.later,
        team_id=row.team_id,
    )
    # Where each answer is for another team, one seat of a task is open at a time.
    open_seats = 1 if row.apart else row.overlap
    teams = [team_id for team_id in teams if team_id not in row.answered]
    if row.movable and not stays:
        picture.add(source, tasks=row.movable, teams=teams, overlap=open_seats)
    seats = row.seats + (row.movable * open_seats if stays else 0)
    if seats:
        picture.add(source, tasks=0, teams=teams, seats=seats)
    others = [team_id for team_id in teams if team_id != row.team_id]
    picture.add_later(source, tasks=row.tasks, teams=others, stays=stays)


def explain(picture: Picture, keys: Iterable[int]) -> dict[int, str]:
    """Why these demands could not be placed, in words."""
    asked = sorted(keys)
    if not asked:
        return {}
    people: dict[int, list[PersonCapacity]] = defaultdict(list)
    for row in Reviewer.objects.filter(is_active=True).order_by("pk"):
        known = frozenset(row.skills), frozenset(row.languages)
        one = PersonCapacity(row.pk, row.country, *known, row.clearance, 0, 0)
        people[row.team_id].append(one)
    at_work = {shift.team_id for shift in picture.shifts if shift.people}
    closed = sorted(set(picture.teams) - at_work)
    later = (
        team_shifts(closed, start=picture.end, end=picture.end + LONG, at=picture.at, pace=picture.paces)
        if closed
        else []
    )
    opens: dict[int, datetime] = {}
    for shift in later:
        if shift.people:
            opens[shift.team_id] = min(shift.starts_at, opens.get(shift.team_id, shift.starts_at))
    return {
        key: reasons.why(
            picture.demands[key],
            language=name_of(picture.demands[key].needs.language),
            teams=picture.teams,
            people=people,
            shifts=picture.shifts,
            opens=opens,
            zones=picture.zones,
            bases=picture.bases,
        )
        for key in asked
    }
