"""Amending: an author changes their answer within the project's window. Every version is kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from annotations import labels
from annotations.errors import AmendWindowOver, NoAnnotationYet, VersionMismatch
from annotations.models import TASK_MOVES, AmendedAnswer, Annotation, Task, TaskState
from config.states import move


def own_annotation(user_id: int, lease_id: int) -> Annotation:
    """The reviewer's annotation under their lease. Raises :class:`NoAnnotationYet`, for foreign ones too."""
    found = (
        Annotation.objects.filter(lease=lease_id, reviewer__user=user_id, reviewer__is_active=True)
        .select_related("task__project")
        .first()
    )
    if found is None:
        raise NoAnnotationYet
    return found


def amend(user_id: int, lease_id: int, *, version: int, answer: Any, at: datetime) -> tuple[Annotation, bool]:
    """Put ``answer`` in the place of version ``version``; returns the annotation and whether its task is weighed again.

    Repeating a call whose reply was lost is refused as a mismatch, and looking shows the outcome. Raises
    :class:`NoAnnotationYet`, :class:`AmendWindowOver`, :class:`VersionMismatch`, :class:`AnswerNotInSchema`.
    """
    found = own_annotation(user_id, lease_id)
    project = found.task.project
    label = labels.label_of(answer, project.label_schema)
    if at > found.submitted_at + timedelta(minutes=project.amend_minutes):
        raise AmendWindowOver(f"An answer can be amended for {project.amend_minutes} minutes after it was submitted.")
    with transaction.atomic():
        task = Task.objects.select_for_update(of=("self",)).get(pk=found.task_id)
        before = Annotation.objects.get(pk=found.pk)
        moved = Annotation.objects.filter(pk=found.pk, version=version).update(
            version=F("version") + 1, label=label, answer=answer, schema_version=project.schema_version
        )
        if moved != 1:
            raise VersionMismatch(f"It is at version {before.version} now.")
        AmendedAnswer.objects.create(
            annotation=found, version=version, label=before.label, answer=before.answer, amended_at=at
        )
        again = task.state in {TaskState.SETTLED, TaskState.DISPUTED} and move(
            Task.objects.filter(pk=task.pk),
            moves=TASK_MOVES,
            old=task.state,
            new=TaskState.FULL,
            label="",
            votes={},
            state_since=at,
            due_at=at,
        )
    found.refresh_from_db()
    return found, bool(again) or task.state == TaskState.FULL
