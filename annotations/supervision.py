"""Supervision: what ops do about the work, each with a reason that is kept beside what it changed."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from annotations import consensus, faces, leasing, stopping
from annotations.errors import ClipTakenAway, NothingToRequeue
from annotations.models import Lease, LeaseState, Project, RecallReason, Task, TaskState
from config.errors import NotFound
from config.history import because


def recall(lease_id: int, *, by: User, reason: str, at: datetime) -> Lease:
    """Take a live lease back: seat and unit return, the holder's next call is told so. Recalling twice is dull.

    Raises :class:`NotFound`, :class:`config.history.ReasonMissing`, or how else the lease ended.
    """
    lease = Lease.objects.filter(pk=lease_id).first()
    if lease is None:
        raise NotFound
    with because(by, reason, verb="recall lease"):
        ended = leasing.end_unanswered(lease, new=LeaseState.RECALLED, at=at, recall_reason=RecallReason.OPS)
    lease.refresh_from_db()
    if not ended and lease.state != LeaseState.RECALLED:
        raise leasing.why_over(lease)
    return lease


def requeue(task_id: int, *, by: User, reason: str, at: datetime) -> Task:
    """Put a task back into the queue, before what was never taken.

    Of an open task every live lease is recalled; a settled or disputed one gets a seat more and is weighed again.
    Raises :class:`NotFound`, :class:`ClipTakenAway` for a stopped one, :class:`NothingToRequeue`.
    """
    task = Task.objects.select_related("project").filter(pk=task_id).first()
    if task is None:
        raise NotFound
    with because(by, reason, verb="re-queue task"), transaction.atomic():
        held = [lease for lease in stopping.hold_clip(task.clip_id) if lease.task_id == task.pk]
        task.refresh_from_db()
        if task.state == TaskState.STOPPED:
            raise ClipTakenAway
        if task.state in {TaskState.SETTLED, TaskState.DISPUTED}:
            if not consensus.one_more_seat(task, at=at):
                raise NothingToRequeue("Each answer is of another team, and no team is left that could give one more.")
        elif task.state != TaskState.OPEN or not held:
            raise NothingToRequeue
        for lease in held:
            leasing.end_unanswered(lease, new=LeaseState.RECALLED, at=at, recall_reason=RecallReason.OPS)
    task.refresh_from_db()
    return task


def pause_project(project: Project, *, by: User, reason: str) -> bool:
    """Make no more tasks of a project and hand none out, until it is resumed; False when it was paused already."""
    with because(by, reason, verb="pause"):
        paused = Project.objects.filter(pk=project.pk, is_active=True).update(is_active=False) == 1
        # What nobody else needs is not made any more.
        faces.say_needs()
        return paused


def resume_project(project: Project, *, by: User, reason: str) -> bool:
    """Make and hand out a project's tasks again; False when it was not paused."""
    with because(by, reason, verb="resume"):
        resumed = Project.objects.filter(pk=project.pk, is_active=False).update(is_active=True) == 1
        faces.say_needs()
        return resumed
