"""Forgetting: a clip whose time is over is taken from everybody, withheld and scheduled to be purged, in one
transaction; and of what people wrote about it only the labels stay."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Max, OuterRef, Subquery
from django.db.models.functions import Coalesce

from annotations import retracting, stopping, withdrawing
from annotations.models import Flag, Lease, RecallReason
from clips import cases, consenting, purging, queries, requesting, retention
from clips.models import (
    Clip,
    ClipState,
    OwnerRequest,
    Purge,
    PurgedKey,
    PurgeReason,
    PurgeState,
    RetentionRule,
)
from config.clock import database_now
from config.history import because, checked
from config.ticks import each


def forget(
    clip_id: int, *, reason: str, by: User, why: str, at: datetime, rule: RetentionRule | None = None
) -> Purge | None:
    """Take a clip from everybody and have it purged; None when it is still arriving, or is purged."""
    with because(by, why, verb="forget clip"), transaction.atomic():
        held = stopping.hold_clip(clip_id)
        stopping.stop_tasks(clip_id, at=at)
        stopping.recall_all(held, why=RecallReason.PURGED, at=at)
        cases.withhold(clip_id, at=at)
        if not Clip.objects.filter(pk=clip_id, state=ClipState.WITHHELD).exists():
            return None
        cases.close_withdrawn(clip_id, by=by, at=at, reason=why)
        retracting.retract_with(clip_id, at=at)
        return purging.schedule(clip_id, reason=reason, at=at, rule=rule)


def forget_due(*, at: datetime) -> int:
    """Have the clips purged that have been here long enough; returns how many."""

    def one(found: tuple[int, retention.Term]) -> bool:
        clip_id, term = found
        by = term.rule.author if term.rule else retention.clock_user()
        reason = retention.REASONS.get(term.since, PurgeReason.RETENTION)  # type: ignore[call-overload]
        why = retention.why(term)
        if reason == PurgeReason.UNDECIDED:
            why = f"Nobody decided by the disposal deadline: {why}"
        return forget(clip_id, reason=reason, by=by, why=why, at=at, rule=term.rule) is not None

    return each(retention.due(at=at), one)


def erase(request: OwnerRequest, *, by: User, reason: str, at: datetime) -> int:
    """Carry out an owner's request for erasure: what they agreed to ends, and all their clips in the region are purged.
    Returns how many; the request closes itself when nothing is left of them.

    Raises :class:`clips.errors.NotAnErasure`, :class:`clips.errors.RequestClosed`,
    :class:`config.history.ReasonMissing`.
    """
    checked(reason)
    with because(by, reason, verb="carry out erasure"):
        clips = requesting.begin_erasure(request)
    for clip_id in clips:
        if queries.in_force([clip_id]).exists():
            withdrawing.withdraw(clip_id, by=by, reason=reason, at=at)
        if not Purge.objects.filter(clip=clip_id).exists():
            forget(clip_id, reason=PurgeReason.ERASURE, by=by, why=reason, at=at)
    return len(clips)


def replay(line: PurgedKey) -> PurgeState | None:
    """Purge again what a ledger's line says, after a backup was restored: the row it brought back, if it did, is taken
    from everybody first. Returns how far the purge is; None when there is no row, and nothing in the store any more.

    Raises :class:`clips.errors.StorageAway`.
    """
    at = database_now()
    region = line.alias.removeprefix("clips-")
    clip = Clip.objects.filter(original_key__startswith=f"{line.folder}/", region=region).first()
    if clip is None or clip.state == ClipState.PURGED:
        purging.empty_again(line)
        return None if clip is None else PurgeState.DONE
    by, why = retention.clock_user(), "It was purged before, and a backup brought it back."
    if clip.state == ClipState.RECEIVING:
        purging.abandon(clip.pk, at=at)
    with transaction.atomic():
        held = stopping.hold_clip(clip.pk)
        if line.reason in {PurgeReason.WITHDRAWN, PurgeReason.ERASURE}:
            # The withdrawal was lost with the database that knew of it.
            consenting.withdraw(owner_key=clip.owner_key, clip=clip, by=by, at=line.asked_at, reason=why)
        with because(by, why, verb="replay purge"):
            stopping.stop_tasks(clip.pk, at=at)
            stopping.recall_all(held, why=RecallReason.PURGED, at=at)
            cases.withhold(clip.pk, at=at)
            cases.close_withdrawn(clip.pk, by=by, at=at, reason=why)
            retracting.retract_with(clip.pk, at=at)
            purging.schedule(clip.pk, reason=PurgeReason.REPLAYED, at=line.asked_at)
            purging.let_go(clip.pk, at=at)
    purging.run(clip.pk, now=database_now, at_once=True)
    return PurgeState(Purge.objects.get(clip=clip.pk).state)


def blank_notes(clip_id: int) -> int:
    """Remove what people wrote in words of their own about a clip: notes of answers, of earlier and late ones, and of
    flags. The labels stay, under which nobody can find the clip any more. Returns how many were blanked."""
    count = 0
    with connection.cursor() as cursor:
        for table, join in (
            ("annotations_annotation", "x.lease_id = l.id"),
            ("annotations_lateanswer", "x.lease_id = l.id"),
            (
                "annotations_amendedanswer",
                "x.annotation_id IN (SELECT a.id FROM annotations_annotation a WHERE a.lease_id = l.id)",
            ),
        ):
            cursor.execute(
                f"""
                UPDATE {table} x SET answer = x.answer - 'note'
                  FROM annotations_lease l JOIN annotations_task t ON t.id = l.task_id
                 WHERE {join} AND t.clip_id = %s AND jsonb_typeof(x.answer) = 'object' AND x.answer ? 'note'
                """,  # noqa: S608 -- the tables are named above
                [clip_id],
            )
            count += cursor.rowcount
    return count + Flag.objects.filter(lease__task__clip=clip_id).exclude(note="").update(note="")


def last_leased() -> Subquery:
    """When somebody last held a clip, for queries of clips."""
    rows = Lease.objects.filter(task__clip=OuterRef("pk")).order_by().values("task__clip")
    return Subquery(rows.annotate(last=Max(Coalesce("ended_at", "expires_at"))).values("last"))
