"""Planning by hand: what somebody chooses, what would come of it, doing it with a reason, and taking it back."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from django.contrib.auth.models import User
from django.db.models import Exists, F, OuterRef, QuerySet

from annotations.errors import (
    DueInPast,
    NothingToPlan,
    PlannerBusy,
    ProjectPaused,
    TeamWithoutPeople,
    TooMuchToPlan,
    UnknownProject,
    UnknownTeam,
)
from annotations.models import Plan, PlanLine, Project, Task, TaskState
from annotations.planning import applying, flow, queries, reading
from annotations.planning.reading import Picture, Source
from annotations.planning.running import LOCK
from annotations.planning.work import Answer
from clips.models import Clip
from clips.queries import to_label, with_proxy
from config.history import because, checked
from config.scope import seen
from config.ticks import alone
from workforce.models import Reviewer, Team

Row = TypeVar("Row", Clip, Task)
MOST = 20_000


@dataclass(frozen=True)
class Choice:
    """What somebody chooses of a project, and what is to become of it. What is left open is not asked."""

    project_id: int
    clip_ids: Sequence[int] | None = None
    """Only these clips, be they tasks already or not."""
    task_ids: Sequence[int] | None = None
    """Only these tasks."""
    region: str | None = None
    sensitive: bool | None = None
    arrived_from: datetime | None = None
    arrived_before: datetime | None = None
    from_teams: Sequence[int] = ()
    """Only tasks that lie with these teams."""
    teams: Sequence[int] = ()
    """Who is to do it; none: let the plan decide among the project's."""
    priority: int | None = None
    due_at: datetime | None = None


@dataclass(frozen=True)
class TeamOutlook:
    """A team before and after; seats of all that waits for it."""

    team_id: int
    name: str
    now: int
    after: int
    a_day: int
    """Seats that its people have room for in a day, on the average of those looked at."""
    late: int
    """Seats that will be answered after they are due."""

    @property
    def days(self) -> float | None:
        """Days of work that will wait for it; None when nobody is there to do any."""
        return round(self.after / self.a_day, 1) if self.a_day else None


@dataclass(frozen=True)
class Preview:
    """What would come of a choice."""

    chosen: int
    begun: int
    """Tasks that the choice names and that stay where they are, because somebody has begun them."""
    teams: list[TeamOutlook]
    lines: list[PlanLine]

    @property
    def placed(self) -> int:
        return sum(line.tasks for line in self.lines if line.to_team_id)


def preview(choice: Choice, *, by: User, at: datetime) -> Preview:
    """What would become of what is chosen; changes nothing. Raises what :func:`apply` does, but for the lock.

    Who asks finds the teams that are theirs; others' work is only room that is taken up.
    """
    picture, begun = _picture(choice, by=by, at=at)
    answer = flow.plan(picture.problem())
    lines, _steps = applying.lines_of(picture, answer)
    for number, line in enumerate(lines, start=1):
        line.number = number
    chosen = sum(one.tasks for one in picture.demands if not one.stays and not one.later)
    mine = set(seen(by, Team.objects.all()).values_list("pk", flat=True))
    return Preview(chosen, begun, [team for team in _outlook(picture, answer) if team.team_id in mine], lines)


def apply(choice: Choice, *, by: User, reason: str, at: datetime) -> Plan:
    """Do what :func:`preview` tells, as far as it still holds; the plan keeps who, why, and what moved.

    Where teams were named, no other plan takes it from them. Raises :class:`UnknownProject`, :class:`ProjectPaused`,
    :class:`UnknownTeam`, :class:`TeamWithoutPeople`, :class:`DueInPast`, :class:`NothingToPlan`,
    :class:`TooMuchToPlan`, :class:`PlannerBusy`, :class:`config.history.ReasonMissing`.
    """
    why = checked(reason)
    with alone_or_refused(), because(by, reason, verb="plan"):
        applying.end_broken()
        picture, _begun = _picture(choice, by=by, at=at)
        answer = flow.plan(picture.problem())
        return applying.apply(picture, answer, by=by, reason=why, keeps=bool(choice.teams)).plan


@contextmanager
def alone_or_refused() -> Iterator[None]:
    """Be the only planner. Raises :class:`PlannerBusy`."""
    with alone(LOCK) as mine:
        if not mine:
            raise PlannerBusy
        yield


def _picture(choice: Choice, *, by: User, at: datetime) -> tuple[Picture, int]:
    """What is chosen as demands, all else as room that is taken up; and how many that are begun were named."""
    project = _checked_project(choice, by=by, at=at)
    teams = _checked_teams(choice, project, by=by)
    tasks, begun = _chosen_tasks(choice, project, by=by)
    clips = _chosen_clips(choice, project, by=by)
    if len(tasks) + len(clips) > MOST:
        raise TooMuchToPlan(f"More than {MOST:,} tasks and clips are too much for one plan by hand; choose less.")
    if not tasks and not clips:
        said = f" {begun} are begun, and stay where they are." if begun else ""
        raise NothingToPlan(f"Nothing that was chosen waits for somebody.{said}")
    picture = reading.people_and_places(at=at)
    others = list(project.teams.order_by("pk").values_list("pk", flat=True)) if project.seats_apart else []
    _add_tasks(picture, project, choice, tasks, teams)
    if clips:
        for found in queries.fresh_of(project.pk, clip_ids=clips):
            source = Source(
                project=project,
                region=found.region,
                skills=tuple(sorted(project.skills)),
                clearance=found.clearance,
                language=found.language,
                due_at=choice.due_at or at + timedelta(hours=project.due_hours),
                overlap=project.overlap,
                first_clip=found.first,
                ids=clips,
                priority=choice.priority,
                due_is_new=choice.due_at is not None,
                later=project.overlap - 1 if project.seats_apart and choice.teams else 0,
            )
            if source.later:
                # Who was named begins them; the other answers are the project's other teams'.
                picture.add(source, tasks=found.clips, teams=teams, overlap=1)
                rest = others if len(teams) > 1 else [team_id for team_id in others if team_id not in teams]
                picture.add_later(source, tasks=found.clips, teams=rest)
            else:
                picture.add(source, tasks=found.clips, teams=teams, apart=project.seats_apart)
    active, of_projects = reading.active_projects()
    for row in queries.lying(but=[task.pk for task in tasks]):
        if row.project_id in active:
            reading.add_lying(picture, active[row.project_id], row, teams=of_projects[row.project_id], stays=True)
    return picture, begun


def _checked_project(choice: Choice, *, by: User, at: datetime) -> Project:
    project = seen(by, Project.objects.all()).filter(pk=choice.project_id).first()
    if project is None:
        raise UnknownProject
    if not project.is_active:
        raise ProjectPaused
    if choice.due_at is not None and choice.due_at <= at:
        raise DueInPast(f"{choice.due_at.isoformat()} is over; it is {at.isoformat(timespec='seconds')}.")
    return project


def _checked_teams(choice: Choice, project: Project, *, by: User) -> list[int]:
    """Those who may be asked. A team that is named must be the project's, and have somebody."""
    known = {team.pk: team for team in seen(by, project.teams.order_by("pk"))}
    for team_id in choice.teams:
        if team_id not in known:
            named = seen(by, Team.objects.all()).filter(pk=team_id).first()
            raise UnknownTeam(f"{named} does not work on {project}." if named else f"There is no team {team_id}.")
        if not Reviewer.objects.filter(team=team_id, is_active=True).exists():
            raise TeamWithoutPeople(f"Nobody works in {known[team_id]}.")
    return sorted(set(choice.teams)) if choice.teams else list(known)


def _chosen_tasks(choice: Choice, project: Project, *, by: User) -> tuple[list[Task], int]:
    """The chosen tasks that nobody has begun, in their order; and how many others are begun."""
    rows: QuerySet[Task] = seen(by, Task.objects.filter(project=project, state=TaskState.OPEN))
    if choice.task_ids is not None:
        rows = rows.filter(pk__in=choice.task_ids)
    if choice.clip_ids is not None:
        rows = rows.filter(clip__in=choice.clip_ids)
    if choice.from_teams:
        rows = rows.filter(team__in=choice.from_teams)
    rows = _narrowed(rows, choice, "clip__")
    untouched = rows.filter(answers=0, seats_left=F("overlap") - F("seats_later"))
    found = (
        untouched.select_related("lane")
        .order_by("rank", "pk")
        .only("pk", "due_at", "overlap", "lane", "rank", "seats_apart", "seats_later")
    )
    # A clip that may not be shown now becomes nobody's work by hand either: its task is stopped by its own sweep.
    return list(found[: MOST + 1]), rows.count() - untouched.count()


def _chosen_clips(choice: Choice, project: Project, *, by: User) -> list[int]:
    """The chosen clips that are no tasks yet; none where tasks, or tasks of some team, were named."""
    if choice.task_ids is not None or choice.from_teams:
        return []
    rows = seen(by, to_label(project.purpose)).filter(
        ~Exists(Task.objects.filter(project=project, clip=OuterRef("pk"))),
        with_proxy(project.faces),
        kind=project.clip_kind,
        region__in=project.teams.values("region__code"),
    )
    if choice.clip_ids is not None:
        rows = rows.filter(pk__in=choice.clip_ids)
    return list(_narrowed(rows, choice, "").order_by("pk").values_list("pk", flat=True)[: MOST + 1])


def _narrowed(rows: QuerySet[Row], choice: Choice, clip: str) -> QuerySet[Row]:
    asked = {
        "region": choice.region,
        "is_sensitive": choice.sensitive,
        "created_at__gte": choice.arrived_from,
        "created_at__lt": choice.arrived_before,
    }
    return rows.filter(**{f"{clip}{name}": value for name, value in asked.items() if value is not None})


def _add_tasks(picture: Picture, project: Project, choice: Choice, tasks: Sequence[Task], teams: Sequence[int]) -> None:
    groups: dict[tuple[int, object, int, int], list[Task]] = defaultdict(list)
    for task in tasks:
        assert task.due_at is not None  # noqa: S101 -- a CHECK says so for every task that waits
        groups[task.lane_id, task.due_at.date(), task.overlap, task.seats_later].append(task)
    for (_lane, _day, overlap, later), found in groups.items():
        lane = found[0].lane
        source = Source(
            project=project,
            region=lane.region,
            skills=tuple(lane.skills),
            clearance=lane.clearance,
            language=lane.language,
            due_at=choice.due_at or min(task.due_at for task in found if task.due_at),
            lane_id=lane.pk,
            overlap=overlap,
            apart=found[0].seats_apart,
            later=later,
            team_id=lane.team_id,
            ids=[task.pk for task in found],
            priority=choice.priority,
            due_is_new=choice.due_at is not None,
        )
        picture.add(source, tasks=len(found), teams=teams, overlap=overlap - later)
        rest = [team.pk for team in project.teams.all() if [team.pk] != teams] if later else []
        picture.add_later(source, tasks=len(found), teams=rest)


def _outlook(picture: Picture, answer: Answer) -> list[TeamOutlook]:
    """Each team that is at work, has work or is given some."""
    now: Counter[int] = Counter()
    after: Counter[int] = Counter()
    late: Counter[int] = Counter()
    room: Counter[int] = Counter()
    for demand in picture.demands:
        if demand.team_id is not None:
            now[demand.team_id] += demand.tasks * demand.overlap
    after.update(now)
    for placed in answer.placed:
        demand = picture.demands[placed.key]
        late[placed.team_id] += placed.late * demand.per_team
        after[placed.team_id] += placed.seats
        if demand.team_id is not None:
            after[demand.team_id] -= placed.seats
        elif demand.later and picture.sources[placed.key].lane_id is not None:
            # Of tasks that are there already: whoever it will be, it is no more than before.
            now[placed.team_id] += placed.seats
    for shift in picture.shifts:
        room[shift.team_id] += sum(person.tasks for person in shift.people)
    days = (picture.end - picture.at) / timedelta(days=1)
    return [
        TeamOutlook(team_id, team.name, now[team_id], after[team_id], round(room[team_id] / days), late[team_id])
        for team_id, team in sorted(picture.teams.items())
        if now[team_id] or after[team_id] or room[team_id]
    ]
