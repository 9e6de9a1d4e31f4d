"""Submitting: the answer, under its lease, exactly once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from annotations import labels, leasing
from annotations.models import LEASE_MOVES, TASK_MOVES, Annotation, Lease, LeaseState, Task, TaskState
from config.states import move
from workforce import quotas
from workforce.models import Reviewer


def submit(reviewer: Reviewer, lease_id: int, *, token: object, answer: Any, at: datetime) -> tuple[Annotation, bool]:
    """Write the reviewer's answer under their lease; returns the annotation and whether this call wrote it.

    A repeat gets the first answer, so after a lost reply repeating tells the outcome. Raises :class:`NotFound`,
    :class:`StaleToken`, :class:`AnswerNotInSchema`, :class:`LeaseReturned` or :class:`LeaseLapsed`; then nothing
    was changed.
    """
    lease = leasing.own_lease(reviewer, lease_id)
    leasing.check_token(lease, token)
    first = Annotation.objects.filter(lease=lease).first()
    if first is not None:
        return first, False
    label = labels.label_of(answer, lease.task.project.label_schema)
    with transaction.atomic():
        leasing.lock_in_order(lease)
        moved = move(
            Lease.objects.filter(pk=lease.pk, expires_at__gt=at),
            moves=LEASE_MOVES,
            old=LeaseState.LIVE,
            new=LeaseState.SUBMITTED,
            ended_at=at,
        )
        if moved == 1:
            return _write(lease, label=label, answer=answer, at=at), True
    # Somebody was first: this very call's twin, the sweep, or the clock.
    twin = Annotation.objects.filter(lease=lease).first()
    if twin is not None:
        return twin, False
    lease.refresh_from_db()
    raise leasing.why_over(lease)


def _write(lease: Lease, *, label: str, answer: Any, at: datetime) -> Annotation:
    """The annotation, and what it moves: the quota unit is used, the seat answered, a full task waits to be settled."""
    annotation = Annotation.objects.create(
        lease=lease,
        task_id=lease.task_id,
        reviewer_id=lease.reviewer_id,
        schema_version=lease.task.project.schema_version,
        label=label,
        answer=answer,
        submitted_at=at,
    )
    quotas.spend(lease.quota_day_id)
    Task.objects.filter(pk=lease.task_id).update(answers=F("answers") + 1)
    move(
        Task.objects.filter(pk=lease.task_id, answers=F("overlap")),
        moves=TASK_MOVES,
        old=TaskState.OPEN,
        new=TaskState.FULL,
        state_since=at,
    )
    return annotation
