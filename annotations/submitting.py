"""Submitting: the answer, under its lease, exactly once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from annotations import labels, leasing, queries
from annotations.errors import StaleToken
from annotations.models import Annotation, LeaseState
from config.errors import NotFound


def submit(user_id: int, lease_id: int, *, token: UUID, answer: Any) -> tuple[Annotation, bool, bool]:
    """Write the reviewer's answer under their lease; returns it, whether this call wrote it, and whether somebody
    should look at the task now: it is full, or it is another team's turn.

    A repeat gets the first answer, so after a lost reply repeating tells the outcome. Raises :class:`NotFound`,
    :class:`StaleToken`, :class:`AnswerNotInSchema`, :class:`LeaseReturned` or :class:`LeaseLapsed`; then nothing
    was changed, but that an answer which came too late is kept, uncounted. Late within the project's grace is taken
    while the seat is still free.
    """
    lease = queries.held(user_id, lease_id)
    if lease is None:
        raise NotFound
    if token != lease.token:
        raise StaleToken
    if lease.state == LeaseState.SUBMITTED:
        return queries.annotation_under(lease_id), False, False
    label = labels.label_of(answer, lease.label_schema)
    done = queries.submit(
        user_id, lease_id, token=token, label=label, answer=answer, schema_version=lease.schema_version
    )
    if done.outcome == "not-found":
        raise NotFound
    if done.outcome == "not-permitted":
        raise leasing.why_closed(leasing.ended(lease_id))
    if done.annotation_id is None:
        raise leasing.why_over(leasing.ended(lease_id))
    return queries.annotation_under(lease_id), done.outcome == "written", done.task_is_full
