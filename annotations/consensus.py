"""Consensus: what the answers of a full task agree on.

For now the label that most answers chose. When two labels lead together one more seat is opened, until the project's
most seats are answered; then the task is disputed, and waits visibly for a person.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from annotations import passing, queries
from annotations.models import TASK_MOVES, Annotation, Task, TaskState
from clips.queries import reviewable
from config.states import move


def leading(answers: Iterable[str]) -> str | None:
    """The label chosen by more answers than any other; None on a tie or without answers. Pure."""
    top = Counter(answers).most_common(2)
    if not top or (len(top) == 2 and top[0][1] == top[1][1]):
        return None
    return top[0][0]


def settle(task_id: int, *, at: datetime) -> str | None:
    """Settle a full task, or open one more seat, or dispute it; returns its new state, None when it was not full."""
    with transaction.atomic():
        task = (
            Task.objects.select_for_update(of=("self",))
            .select_related("project")
            .filter(pk=task_id, state=TaskState.FULL)
            .first()
        )
        if task is None:
            return None
        answers = list(Annotation.objects.filter(task=task).values_list("label", flat=True))
        label = leading(answers)
        rows = Task.objects.filter(pk=task_id)
        if label is not None:
            new, changes = TaskState.SETTLED, {"label": label, "due_at": None}
        elif task.overlap < task.project.most_seats and _has_team_left(task):
            return TaskState.OPEN if one_more_seat(task, at=at) else None
        else:
            new, changes = TaskState.DISPUTED, {"due_at": None}
        move(
            rows,
            moves=TASK_MOVES,
            old=TaskState.FULL,
            new=new,
            votes=dict(sorted(Counter(answers).items())),
            state_since=at,
            **changes,
        )
        return new


def settle_agreed(task_ids: Collection[int], *, at: datetime) -> tuple[int, list[int]]:
    """Settle those of these full tasks whose answers agree, in a few statements however many they are; returns how many
    they were, and the ties, which are left as they are."""
    with transaction.atomic():
        # In the order of their numbers, so that two who settle the same cannot wait for each other.
        full = Task.objects.select_for_update().filter(pk__in=task_ids, state=TaskState.FULL).order_by("pk")
        answers: dict[int, list[str]] = {pk: [] for pk in full.values_list("pk", flat=True)}
        for pk, label in Annotation.objects.filter(task__in=answers).values_list("task", "label"):
            answers[pk].append(label)
        alike: dict[tuple[str, tuple[tuple[str, int], ...]], list[int]] = defaultdict(list)
        ties = []
        for pk, labels in answers.items():
            most = leading(labels)
            if most is None:
                ties.append(pk)
            else:
                alike[most, tuple(sorted(Counter(labels).items()))].append(pk)
        for (most, votes), found in sorted(alike.items()):
            move(
                Task.objects.filter(pk__in=found),
                moves=TASK_MOVES,
                old=TaskState.FULL,
                new=TaskState.SETTLED,
                label=most,
                votes=dict(votes),
                state_since=at,
                due_at=None,
            )
    return len(answers) - len(ties), ties


def _has_team_left(task: Task) -> bool:
    """Whether one more answer could be given: where each is of another team, it takes a team that has not answered."""
    return not task.seats_apart or passing.next_team(task) is not None


def waiting(*, at: datetime, most: int = 500) -> list[int]:
    """Full tasks that nobody settled yet, longest first. Their due time stays, for the case of one more seat."""
    full = Task.objects.filter(state=TaskState.FULL, state_since__lte=at).order_by("state_since")
    return list(full.values_list("pk", flat=True)[:most])


def one_more_seat(task: Task, *, at: datetime) -> bool:
    """Open a task, whose row the caller holds and of which no seat is free, with one more; it is weighed anew. False
    when it moved meanwhile, or when each answer is of another team and every team has answered."""
    team_id = passing.next_team(task) if task.seats_apart else None
    if task.seats_apart and team_id is None:
        return False
    moved = move(
        Task.objects.filter(pk=task.pk),
        moves=TASK_MOVES,
        old=task.state,
        new=TaskState.OPEN,
        overlap=F("overlap") + 1,
        seats_later=F("seats_later") + int(task.seats_apart),
        label="",
        votes={},
        state_since=at,
        due_at=task.due_at or at + timedelta(hours=task.project.due_hours),
        looked_at=None,
    )
    if moved == 1:
        if team_id is None:
            queries.return_seat(task.pk)
        else:
            passing.open_seat(task, team_id)
        if not reviewable(task.project.purpose).filter(pk=task.clip_id).exists():
            # Put aside until it may be shown again.
            rows = Task.objects.filter(pk=task.pk)
            move(rows, moves=TASK_MOVES, old=TaskState.OPEN, new=TaskState.STOPPED, state_since=at)
    return moved == 1
