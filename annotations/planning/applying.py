"""Doing what a plan says, set-based and in small transactions, so that people go on taking work meanwhile.

Each transaction is about one lane that is entered: it locks tasks, then that lane (docs/decisions.md, "The queue").
Every statement judges anew what it touches: a task that somebody began since the plan was made stays where it is, and a
clip that may no longer be shown becomes no task. A plan that dies in the middle has done what its lines say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import F

from annotations.models import PLAN_MOVES, Lane, Plan, PlanItem, PlanKind, PlanLine, PlanState
from annotations.planning import queries, reading
from annotations.planning.reading import Picture, Source
from annotations.planning.work import Answer
from annotations.queries import enter, rank_of
from config.states import move

# Tasks of one transaction: a lane that is entered is locked for some tens of milliseconds.
AT_ONCE = 1000
# While a plan is applied; whoever plans next, under the planners' lock, looks at it sooner.
PATIENCE = timedelta(minutes=10)


@dataclass
class Step:
    """A line of the plan that is to be done."""

    key: int
    source: Source
    team_id: int
    tasks: int
    line: PlanLine


@dataclass(frozen=True)
class Outcome:
    """What became of a plan. ``plan`` is the one that said the same before, where nothing changed."""

    plan: Plan
    made: int
    moved: int


def apply(
    picture: Picture, answer: Answer, *, by: User | None = None, reason: str = "", keeps: bool = False
) -> Outcome:
    """Write the plan down and do it, line by line. The caller holds the planners' lock.

    A plan of its own that would say what the last one said is not written again. ``keeps``: no other plan takes away
    what this one places.
    """
    kind = PlanKind.HAND if by else PlanKind.BEAT
    lines, steps = lines_of(picture, answer)
    last = Plan.objects.filter(kind=PlanKind.BEAT).first()
    if by is None and last and not steps and _same(last, lines):
        Plan.objects.filter(pk=last.pk).update(looked_at=picture.at, ends_at=picture.end, seen=picture.seen)
        return Outcome(last, 0, 0)
    plan = Plan.objects.create(
        kind=kind,
        made_at=picture.at,
        looked_at=picture.at,
        due_at=picture.at + PATIENCE,
        ends_at=picture.end,
        seen=picture.seen,
        by=by,
        reason=reason,
    )
    for number, line in enumerate(lines, start=1):
        line.plan, line.number = plan, number
    PlanLine.objects.bulk_create(lines)
    made = moved = 0
    for found in _by_source(steps):
        if found[0].source.lane_id is None:
            made += _make(found, at=picture.at, by_hand=by is not None, keeps=keeps)
        else:
            moved += _move(found, by_hand=by is not None, keeps=keeps)
    move(Plan.objects.filter(pk=plan.pk), moves=PLAN_MOVES, old=PlanState.APPLYING, new=PlanState.APPLIED, due_at=None)
    plan.refresh_from_db()
    return Outcome(plan, made, moved)


def end_broken() -> int:
    """Say of plans whose planner died that they were broken off. The caller holds the planners' lock."""
    return move(Plan.objects.all(), moves=PLAN_MOVES, old=PlanState.APPLYING, new=PlanState.BROKEN_OFF, due_at=None)


def lines_of(picture: Picture, answer: Answer) -> tuple[list[PlanLine], list[Step]]:
    """What a plan changes and what nobody was found for, as lines that are not saved yet."""
    steps, lines = [], []
    for placed in answer.placed:
        source, demand = picture.sources[placed.key], picture.demands[placed.key]
        changes = placed.team_id != source.team_id or source.due_is_new or source.priority is not None
        if not demand.stays and not demand.later and changes and placed.tasks:
            line = _line(source, tasks=placed.tasks, to_team_id=placed.team_id, late=placed.late)
            lines.append(line)
            steps.append(Step(placed.key, source, placed.team_id, placed.tasks, line))
    left = {key: count for key, count in answer.unplaced.items() if not picture.demands[key].stays}
    said = reading.explain(picture, left)
    lines += [_line(picture.sources[key], tasks=count, why=said[key]) for key, count in sorted(left.items())]
    return lines, steps


def _line(source: Source, **fields: object) -> PlanLine:
    return PlanLine(
        project=source.project,
        region=source.region,
        clearance=source.clearance,
        language=source.language,
        due_at=source.due_at,
        from_team_id=source.team_id,
        **fields,
    )


def _same(last: Plan, lines: Sequence[PlanLine]) -> bool:
    """Whether the last plan found nobody for the same work, for the same reasons. When fresh clips are due moves on."""

    def said(line: PlanLine) -> tuple[object, ...]:
        sort = line.project_id, line.region, line.clearance, line.language
        return *sort, line.from_team_id or 0, line.tasks, line.why

    before = [said(line) for line in last.lines.all() if line.to_team_id is None]
    return last.state == PlanState.APPLIED and sorted(before, key=str) == sorted(map(said, lines), key=str)


def _by_source(steps: Sequence[Step]) -> Iterator[list[Step]]:
    found: dict[int, list[Step]] = defaultdict(list)
    for step in steps:
        found[step.key].append(step)
    yield from found.values()


def lanes_of(steps: Sequence[Step]) -> dict[int, Lane]:
    """By team: its lane for the work of these steps, which asks the same; made where it is the first."""
    source, teams = steps[0].source, sorted({step.team_id for step in steps})
    asked: dict[str, Any] = {
        "project": source.project,
        "region": source.region,
        "skills": list(source.skills),
        "clearance": source.clearance,
        "language": source.language,
    }
    found = {lane.team_id: lane for lane in Lane.objects.filter(team__in=teams, **asked)}
    for team_id in teams:
        if team_id not in found:
            found[team_id] = Lane.objects.get_or_create(team_id=team_id, **asked)[0]
    return found


def _make(steps: Sequence[Step], *, at: datetime, by_hand: bool, keeps: bool) -> int:
    """Make tasks of fresh clips, the oldest first, team by team; returns how many."""
    source, lanes = steps[0].source, lanes_of(steps)
    rank, after, made = rank_of(source.due_at, priority=source.hours), source.first_clip - 1, 0
    for step in steps:
        lane, left = lanes[step.team_id], step.tasks
        while left > 0:
            most = min(left, AT_ONCE)
            with transaction.atomic():
                _loosely()
                # A millisecond apart: heads and bookmarks are ranks, and within one rank they could not tell places
                # apart.
                enter(lane, [rank, rank + most - 1])
                numbers, last = queries.make_tasks(
                    project_id=source.project.pk,
                    region=source.region,
                    clearance=source.clearance,
                    language=source.language,
                    after=after,
                    most=most,
                    team_id=step.team_id,
                    lane_id=lane.pk,
                    rank=rank,
                    due_at=source.due_at,
                    at=at,
                    clip_ids=source.ids,
                )
                _note(step.line, len(numbers))
                if by_hand:
                    PlanItem.objects.bulk_create(
                        PlanItem(line=step.line, task_id=number, keeps=keeps) for number in numbers
                    )
            if not last:
                # Others were withdrawn or are tasks already: nothing is left of this sort.
                return made
            made, left, rank, after = made + len(numbers), left - most, rank + most, last
    return made


def _move(steps: Sequence[Step], *, by_hand: bool, keeps: bool) -> int:
    """Move tasks that nobody has begun, the last in turn first; returns how many."""
    moved, ids, lanes = 0, steps[0].source.ids, lanes_of(steps)
    for step in steps:
        lane = lanes[step.team_id]
        mine = None if ids is None else ids[max(0, len(ids) - step.tasks) :]
        ids = None if ids is None else ids[: max(0, len(ids) - step.tasks)]
        for first in range(0, step.tasks, AT_ONCE):
            most = min(AT_ONCE, step.tasks - first)
            lot = None if mine is None else mine[first : first + most]
            with transaction.atomic():
                _loosely()
                count = _move_lot(step, lane, lot, most, by_hand=by_hand, keeps=keeps)
            moved += count
            if not count and lot is None:
                break
    return moved


def _move_lot(step: Step, lane: Lane, ids: Sequence[int] | None, most: int, *, by_hand: bool, keeps: bool) -> int:
    source = step.source
    assert source.lane_id is not None  # noqa: S101 -- what lies somewhere lies in a lane
    by_number = ids is not None
    picked = queries.pick(
        lane_id=source.lane_id,
        team_id=step.team_id,
        apart=source.apart,
        answers=source.answers,
        later=source.later,
        due_on=None if by_number else source.due_on,
        overlap=None if by_number else source.overlap,
        most=most,
        task_ids=ids,
    )
    if not picked:
        return 0
    picked.sort(key=lambda task: (task.rank, task.id))
    dues = [source.due_at if source.due_is_new else task.due_at for task in picked]
    anew = source.due_is_new or source.priority is not None
    ranks = [
        # A turn among seats that came back means nothing in another lane.
        rank_of(due, priority=source.hours) + place if anew or task.rank < queries.EXPRESS else task.rank
        for place, (task, due) in enumerate(zip(picked, dues, strict=True))
    ]
    enter(lane, ranks)
    queries.put([task.id for task in picked], ranks, dues, team_id=step.team_id, lane_id=lane.pk)
    _note(step.line, len(picked))
    if by_hand:
        PlanItem.objects.filter(task__in=[task.id for task in picked]).update(keeps=False)
        PlanItem.objects.bulk_create(
            PlanItem(
                line=step.line,
                task_id=task.id,
                lane_before_id=source.lane_id,
                rank_before=task.rank,
                due_before=task.due_at,
                keeps=keeps,
            )
            for task in picked
        )
    return len(picked)


def _loosely() -> None:
    """Do not wait for the disk at the end of this transaction: what a crash takes of a plan is planned again, and
    whoever takes such a task waits for all that was written before it."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")


def _note(line: PlanLine, count: int) -> None:
    PlanLine.objects.filter(pk=line.pk).update(done=F("done") + count)
