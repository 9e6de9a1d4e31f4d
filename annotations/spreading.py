"""Spreading: ready clips become tasks of teams that may see them, as ``planning`` decides.

Pulled by the beat: it asks the footage room what is ready and writes tasks. Running it twice is dull, because a project
has one task per clip at the most. Here is also what is done about tasks that nobody of their team may answer any more.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Exists, F, Max, OuterRef, Q

from annotations import faces, passing
from annotations.models import Lease, LeaseState, PlanKind, PlanLine, Project, Task, TaskState
from annotations.planning import queries, running
from annotations.queries import lane_for, return_seat
from annotations.scopes import told
from clips import adding
from clips.models import Addition, Clip, ClipKind, ClipState, Faces
from clips.preparing import NO_DETECTOR
from clips.queries import permits, to_label, with_proxy
from config.scope import EVERYWHERE, all_or_seen, scope_of
from config.ticks import stretch
from workforce.models import Team

AT_ONCE = 1000
LOOK_AGAIN = timedelta(minutes=10)
# Clips that are asked at a time whether they lack a proxy, and how often, in seconds, as in the beat's table.
STRETCH = 20_000
ASKED_EVERY = 30


def spread(*, at: datetime, when_due: bool = False) -> int:
    """Say which proxies are needed, and plan who does what; returns how many tasks were made.

    ``when_due``: plan only if it is time to, as the beat does.
    """
    faces.say_needs()
    if when_due and not running.is_due(at=at):
        return 0
    outcome = running.run(at=at)
    return outcome.made if outcome else 0


def ask_for_proxies(*, at: datetime) -> int:
    """Ask for the proxies that ready clips lack for projects that want them, some of each region at a time; returns how
    many. Looked at is the stretch of clips whose turn it is.

    Clips that come now are made with what is needed; this is for those that were ready before the project was.
    """
    first, last = stretch(Clip.objects.aggregate(last=Max("pk"))["last"] or 0, size=STRETCH, every=ASKED_EVERY, at=at)
    some = Clip.objects.filter(pk__range=(first, last), state=ClipState.READY, same_as=None, kind=ClipKind.VIDEO)
    made = 0
    for shown in Faces.values:
        agreed = permits(OuterRef("purpose")).filter(clip=OuterRef(OuterRef("pk")))
        wants = Project.objects.filter(
            Exists(agreed),
            ~Exists(Task.objects.filter(project=OuterRef("pk"), clip=OuterRef(OuterRef("pk")))),
            is_active=True,
            clip_kind=ClipKind.VIDEO,
            faces=shown,
            teams__region__code=OuterRef("region"),
        )
        asked = Addition.objects.filter(clip=OuterRef("pk"), faces=shown)
        lacking = some.filter(~with_proxy(shown), ~Exists(asked), Exists(wants)).order_by("pk")
        found: dict[str, list[int]] = defaultdict(list)
        for region, clip_id in lacking.values_list("region", "pk")[:AT_ONCE]:
            found[region].append(clip_id)
        made += sum(adding.ask(ids, faces=shown, region=region, at=at) for region, ids in sorted(found.items()))
    return made


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
            # What waits for its next team has its own sweep.
            seats_left__gt=0,
        )
        .select_related("team", "project", "clip", "lane")
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
    lane = lane_for(team=team_id, project=task.project, clip=task.clip)
    with transaction.atomic():
        # Conditional on what was read: a reviewer who takes a seat meanwhile wins.
        left = Task.objects.filter(pk=task.pk, state=TaskState.OPEN, seats_left=task.seats_left).update(
            team_id=team_id, lane=lane, seats_left=F("seats_left") - 1, looked_at=at
        )
        if left:
            # The seat that was put aside enters the other lane as one that came back.
            return_seat(task.pk)
    return bool(left)


def _able_team(task: Task) -> int | None:
    """The task's own team while somebody there may still answer it, else the region's team with most such people."""
    free = Q(passing.may("reviewers__", task.lane), ~Exists(passing.held_by(task, OuterRef("reviewers__pk"))))
    teams = Team.objects.filter(projects=task.project_id, region=task.team.region_id)
    rows = (
        passing.unanswered(task, teams)
        .annotate(free=Count("reviewers", filter=free))
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


def unplaced(project: Project, *, to: User | None = None) -> tuple[int, str]:
    """Ready clips of this project that are no tasks yet, and why the latest plan found nobody for them, if it did; of
    those that ``to`` may find."""
    scope = EVERYWHERE if to is None else scope_of(to)
    found = queries.fresh([project.pk])
    count = sum(each.clips for each in found if scope.covers(each.region))
    last = PlanLine.objects.filter(plan__kind=PlanKind.BEAT, project=project, to_team=None, from_team=None)
    line = last.order_by("-plan_id", "number").select_related("project").first() if count else None
    return count, (line.why if to is None else told(to, line)) if line else ""
