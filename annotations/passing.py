"""Passing on: where each answer of a task is for another team, one seat at a time is open, and then the next team's.

The row waits: open, no seat free, none held, some for later. Whoever submits rings; a sweep finds what was not heard.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from annotations import queries
from annotations.models import Annotation, Lane, Lease, Task, TaskState
from config.clock import DatabaseNow
from workforce.models import ResidencyBasis, Team

LOOK_AGAIN = timedelta(minutes=1)
# Where so many wait, how many more no longer matters.
MOST_COUNTED = 1000


def pass_on(task_id: int, *, at: datetime) -> bool:
    """Open the next seat of a task for a team that has not answered it; False when it is nobody's turn, or when there
    is no such team. Doing it twice is dull."""
    task = _waiting().filter(pk=task_id).select_related("project", "clip", "lane").first()
    if task is None:
        return False
    team_id = next_team(task)
    if team_id is None:
        # A plan tells why; the sweep asks again.
        _waiting().filter(pk=task_id).update(looked_at=at)
        return False
    return open_seat(task, team_id)


def open_seat(task: Task, team_id: int) -> bool:
    """Open one of the seats that wait in this team's lane, before what was never taken there; False when the task moved
    meanwhile. As many answers as were read: so it is the same teams that have answered."""
    lane = queries.lane_for(team=team_id, project=task.project, clip=task.clip)
    with transaction.atomic():
        moved = (
            _waiting()
            .filter(pk=task.pk, answers=task.answers)
            .update(team_id=team_id, lane=lane, seats_later=F("seats_later") - 1, looked_at=None)
        )
        if moved:
            queries.return_seat(task.pk)
    return moved == 1


def waiting(*, at: datetime, most: int = 500) -> list[int]:
    """Tasks whose next team is to be found, but those that were just asked in vain."""
    lately = Q(looked_at__isnull=True) | Q(looked_at__lte=at - LOOK_AGAIN)
    return list(_waiting().filter(lately).order_by("pk").values_list("pk", flat=True)[:most])


def next_team(task: Task) -> int | None:
    """Of the project's teams that have not answered and have somebody who may: the one in which least waits for each of
    them, paused ones last."""
    free = Q(may("reviewers__", task.lane), ~Exists(held_by(task, OuterRef("reviewers__pk"))))
    rows = unanswered(task, Team.objects.filter(projects=task.project_id)).annotate(
        free=Count("reviewers", filter=free)
    )
    best = None
    for team_id, is_paused, people in rows.filter(free__gt=0).values_list("pk", "is_paused", "free"):
        waits = Task.objects.filter(team=team_id, state=TaskState.OPEN, seats_left__gt=0)[:MOST_COUNTED].count()
        found = is_paused, waits / people, team_id
        best = min(best, found) if best else found
    return best[2] if best else None


def unanswered(task: Task, teams: QuerySet[Team]) -> QuerySet[Team]:
    """Those of the teams that a seat of this task may be for."""
    if not task.seats_apart:
        return teams
    return teams.exclude(pk__in=Annotation.objects.filter(task=task, team__isnull=False).values("team"))


def may(way: str, lane: Lane) -> Q:
    """People, at the end of this way, who may be handed what lies in such a lane, as the claim asks it."""
    in_force = ResidencyBasis.objects.filter(
        Q(ends_at=None) | Q(ends_at__gt=DatabaseNow()), region__code=lane.region, starts_at__lte=DatabaseNow()
    )
    asked: dict[str, Any] = {
        "is_active": True,
        "skills__contains": lane.skills,
        "clearance__gte": lane.clearance,
        "country__in": in_force.values("country"),
    }
    if lane.language:
        asked["languages__contains"] = [lane.language]
    return Q(**{f"{way}{name}": value for name, value in asked.items()})


def held_by(task: Task, reviewer: Any) -> QuerySet[Lease]:
    """What this person ever held of a task: nobody is handed one twice."""
    return Lease.objects.filter(task=task, reviewer=reviewer)


def _waiting() -> QuerySet[Task]:
    """Open tasks of which no seat is free or held and some wait for their team."""
    rows = Task.objects.filter(state=TaskState.OPEN, seats_left=0, seats_later__gt=0)
    return rows.filter(overlap=F("answers") + F("seats_later"))
