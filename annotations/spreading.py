"""Spreading: ready clips become tasks of teams that may see them, each team by its weight and its load.

Pulled by the beat: it asks the footage room what is ready and writes tasks. Running it twice is dull, because a project
has one task per clip at the most.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum

from annotations import faces, queries
from annotations.models import Lease, LeaseState, Project, Task, TaskState
from clips import adding
from clips.models import Addition, Clip, ClipKind, ClipState, Faces
from clips.preparing import NO_DETECTOR
from clips.queries import to_label, with_proxy
from config.scope import all_or_seen
from workforce.models import Team

AT_ONCE = 1000
LOOK_AGAIN = timedelta(minutes=10)


@dataclass(frozen=True)
class Share:
    """A team as the plan sees it: how much it should get, and how many seats wait there already."""

    team_id: int
    weight: int
    load: int


def plan(clips: Sequence[int], shares: Iterable[Share]) -> dict[int, int]:
    """Give each clip to the team that is least loaded for its weight; returns clip to team. Pure.

    The same input gives the same plan: clips in the order given, ties to the lowest team id. No teams, no plan.
    """
    loads = {share.team_id: share.load for share in shares}
    weights = {share.team_id: share.weight for share in shares}
    chosen: dict[int, int] = {}
    for clip in clips:
        if not loads:
            break
        team = min(loads, key=lambda team_id: ((loads[team_id] + 1) / weights[team_id], team_id))
        loads[team] += 1
        chosen[clip] = team
    return chosen


def spread(*, at: datetime) -> int:
    """Make tasks for ready clips, project by project; returns how many were made."""
    faces.say_needs()
    return sum(spread_project(project, at=at) for project in Project.objects.filter(is_active=True).order_by("pk"))


def spread_project(project: Project, *, at: datetime) -> int:
    """Make the project's tasks for the clips it does not have yet, over its teams of each clip's region."""
    by_region = able_teams(project)
    planned = Task.objects.filter(project=project, clip=OuterRef("pk"))
    wanted = to_label(project.purpose).filter(~Exists(planned), kind=project.clip_kind, region__in=list(by_region))
    ask_for_proxies(wanted, project, at=at)
    fresh = wanted.filter(with_proxy(project.faces)).order_by("id")[:AT_ONCE]
    clips: dict[str, list[Clip]] = defaultdict(list)
    for clip in fresh:
        clips[clip.region].append(clip)
    made = 0
    for region, found in sorted(clips.items()):
        chosen = plan([clip.pk for clip in found], by_region[region])
        lots: dict[tuple[int, bool], list[Clip]] = defaultdict(list)
        for clip in found:
            if clip.pk in chosen:
                lots[chosen[clip.pk], clip.is_sensitive].append(clip)
        for (team_id, _sensitive), lot in sorted(lots.items()):
            made += _put_in_lane(project, team_id, lot, at=at)
    return made


def ask_for_proxies(clips: QuerySet[Clip], project: Project, *, at: datetime) -> int:
    """Ask for the proxies that these clips lack for this project, some of each region at a time; returns how many.

    Clips that come now are made with what is needed; this is for those that were ready before the project was.
    """
    lacking = clips.filter(~with_proxy(project.faces), kind=ClipKind.VIDEO)
    asked = Addition.objects.filter(clip=OuterRef("pk"), faces=project.faces)
    found: dict[str, list[int]] = defaultdict(list)
    fresh = lacking.filter(~Exists(asked)).order_by("id").values_list("region", "pk")
    for region, clip_id in fresh[:AT_ONCE]:
        found[region].append(clip_id)
    return sum(adding.ask(ids, faces=project.faces, region=region, at=at) for region, ids in sorted(found.items()))


def _put_in_lane(project: Project, team_id: int, clips: list[Clip], *, at: datetime) -> int:
    """Make tasks for clips that ask the same of a reviewer, in their lane; returns how many."""
    lane = queries.lane_for(team=team_id, project=project, clip=clips[0])
    due_at = at + timedelta(hours=project.due_hours)
    rank = queries.rank_of(due_at, priority=project.priority)
    rows = [
        Task(
            project=project,
            clip=clip,
            team_id=team_id,
            lane=lane,
            # A millisecond apart: heads and bookmarks are ranks, and within one rank they could not tell places apart.
            rank=rank + place,
            overlap=project.overlap,
            seats_left=project.overlap,
            state_since=at,
            due_at=due_at,
        )
        for place, clip in enumerate(clips)
    ]
    with transaction.atomic():
        queries.enter(lane, [row.rank for row in rows])
        Task.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def able_teams(project: Project) -> dict[str, list[Share]]:
    """The project's teams by region code, with their load: only those with a person for each seat of a task."""
    teams = (
        Team.objects.filter(projects=project)
        .annotate(people=Count("reviewers", filter=Q(reviewers__is_active=True), distinct=True))
        .filter(people__gte=project.overlap)
        .select_related("region")
        .order_by("pk")
    )
    loads = dict(
        Task.objects.filter(team__in=teams, state=TaskState.OPEN)
        .order_by()
        .values_list("team_id")
        .annotate(seats=Sum("seats_left"))
    )
    found: dict[str, list[Share]] = defaultdict(list)
    for team in teams:
        # Load in tasks rather than seats, so that it is in the plan's own unit.
        found[team.region.code].append(Share(team.pk, team.weight, -(-loads.get(team.pk, 0) // project.overlap)))
    return dict(found)


def rehome_stuck(*, at: datetime, most: int = 200) -> int:
    """Hand tasks that nobody of their team may answer any more to a team of the same region where somebody may.

    Looked at are tasks that nobody holds and that are overdue or half answered, each at most every ten minutes. The
    due time stays, and with it the place in the queue. Returns how many moved.
    """
    live = Lease.objects.filter(task=OuterRef("pk"), state=LeaseState.LIVE)
    suspects = (
        Task.objects.filter(
            Q(looked_at__isnull=True) | Q(looked_at__lte=at - LOOK_AGAIN),
            Q(due_at__lte=at) | Q(answers__gt=0),
            ~Exists(live),
            state=TaskState.OPEN,
        )
        .select_related("team", "project", "clip")
        .order_by("due_at")[:most]
    )
    moved = 0
    for task in suspects:
        team_id = _able_team(task) or task.team_id
        rows = Task.objects.filter(pk=task.pk, state=TaskState.OPEN, seats_left=task.seats_left)
        if team_id == task.team_id:
            rows.update(looked_at=at)
        else:
            moved += _move_to_team(task, team_id, at=at)
    return moved


def _move_to_team(task: Task, team_id: int, *, at: datetime) -> bool:
    """Move a task that nobody holds into the other team's lane, before what was never taken there."""
    lane = queries.lane_for(team=team_id, project=task.project, clip=task.clip)
    with transaction.atomic():
        # Conditional on what was read: a reviewer who takes a seat meanwhile wins.
        left = Task.objects.filter(pk=task.pk, state=TaskState.OPEN, seats_left=task.seats_left).update(
            team_id=team_id, lane=lane, seats_left=F("seats_left") - 1, looked_at=at
        )
        if left:
            # The seat that was put aside enters the other lane as one that came back.
            queries.return_seat(task.pk)
    return bool(left)


def _able_team(task: Task) -> int | None:
    """The task's own team while somebody there may still answer it, else the region's team with most such people."""
    held = Lease.objects.filter(task=task, reviewer=OuterRef("reviewers__pk"))
    rows = (
        Team.objects.filter(projects=task.project_id, region=task.team.region_id)
        .annotate(free=Count("reviewers", filter=Q(~Exists(held), reviewers__is_active=True)))
        .filter(free__gt=0)
        .values_list("pk", "free")
    )
    best = sorted(rows, key=lambda row: (row[0] != task.team_id, -row[1], row[0]))
    return best[0][0] if best else None


def without_proxy(project: Project, *, to: User | None = None) -> tuple[int, str]:
    """How many clips this project would have if they had its proxy, and why the latest could not be made, if one; of
    those that ``to`` may find."""
    here = project.teams.values("region__code")
    wanted = all_or_seen(to, to_label(project.purpose)).filter(kind=project.clip_kind, region__in=here)
    lacking = wanted.filter(~with_proxy(project.faces))
    failed = Addition.objects.filter(clip__in=lacking, faces=project.faces).exclude(failure="").order_by("-id").first()
    waiting = all_or_seen(to, Clip.objects.all()).filter(
        state=ClipState.UPLOADED,
        kind=project.clip_kind,
        region__in=here,
        failure__startswith=NO_DETECTOR,
    )
    first = waiting.first() if project.faces == Faces.BLURRED else None
    count = lacking.count() + (waiting.count() if first else 0)
    return count, failed.failure if failed else first.failure if first else ""


def unplaced(project: Project, *, to: User | None = None) -> int:
    """Ready clips that no team of this project may take, because none of their region is able to; of those that ``to``
    may find."""
    planned = Task.objects.filter(project=project, clip=OuterRef("pk"))
    wanted = all_or_seen(to, to_label(project.purpose)).filter(~Exists(planned), kind=project.clip_kind)
    return wanted.exclude(region__in=list(able_teams(project))).count()
