"""Cases: somebody who looked at a clip says that something is wrong with it, and a member of staff decides, in time."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, QuerySet

from clips.errors import CaseDecided, DecisionDoesNotFit, NotForYou
from clips.models import (
    CASE_MOVES,
    CLIP_MOVES,
    Case,
    CaseKind,
    CaseState,
    Clip,
    ClipState,
    Decision,
)
from config.states import move

ATTEMPTS_A_ROUND = 3
# By when a case should be decided.
DUE = {
    CaseKind.EMERGENCY: timedelta(minutes=15),
    CaseKind.SENSITIVE: timedelta(hours=24),
    CaseKind.BROKEN: timedelta(hours=72),
}
DECISIONS = {
    CaseKind.SENSITIVE: {Decision.SHOW, Decision.SHOW_TO_CLEARED, Decision.WITHHOLD},
    CaseKind.BROKEN: {Decision.SHOW, Decision.PREPARE_AGAIN, Decision.WITHHOLD},
    CaseKind.EMERGENCY: {Decision.HANDLED},
}


def open_case(clip_id: int, *, kind: str, at: datetime) -> Case:
    """The clip's open case of this kind; made when there is none. Whoever prepares the clip waits for it."""
    in_transaction()
    Clip.objects.select_for_update(no_key=True).get(pk=clip_id)
    case, _made = Case.objects.get_or_create(
        clip_id=clip_id,
        kind=kind,
        state=CaseState.OPEN,
        defaults={"opened_at": at, "due_at": at + DUE[CaseKind(kind)]},
    )
    return case


def quarantine(case: Case, *, at: datetime) -> bool:
    """Take a ready clip away from everybody until its case is decided; False when it was not ready.

    Must be called where what was handed out of the clip is ended in the same transaction.
    """
    in_transaction()
    moved = move(
        Clip.objects.filter(pk=case.clip_id),
        moves=CLIP_MOVES,
        old=ClipState.READY,
        new=ClipState.QUARANTINED,
        state_since=at,
        due_at=case.due_at,
    )
    return moved == 1


def decide(case: Case, *, decision: str, by: User, reason: str, at: datetime) -> None:
    """Decide a case. Must be called where what was handed out of the clip is ended in the same transaction.

    Withholding decides the clip's other cases alike. Raises :class:`CaseDecided`, :class:`DecisionDoesNotFit`,
    :class:`NotForYou`.
    """
    in_transaction()
    # One decision about a clip at a time; whoever flags it meanwhile waits for this one.
    Clip.objects.select_for_update(no_key=True).get(pk=case.clip_id)
    if case.kind == CaseKind.SENSITIVE and not by.has_perm("clips.decide_sensitive"):
        raise NotForYou
    fitting = DECISIONS[CaseKind(case.kind)]
    if decision not in fitting:
        raise DecisionDoesNotFit(f"A case of this kind can end with: {', '.join(sorted(fitting))}.")
    about = Case.objects.filter(pk=case.pk)
    if decision == Decision.WITHHOLD:
        about |= Case.objects.filter(clip=case.clip_id, kind__in=[CaseKind.SENSITIVE, CaseKind.BROKEN])
    if decision == Decision.PREPARE_AGAIN and is_sensitive_case_open(case.clip_id):
        raise DecisionDoesNotFit("It is flagged as sensitive, too; decide that case first.")
    if not about.filter(pk=case.pk, state=CaseState.OPEN).exists():
        raise CaseDecided
    fields = {"decision": decision, "reason": reason, "decided_by": by, "decided_at": at, "due_at": None}
    move(about, moves=CASE_MOVES, old=CaseState.OPEN, new=CaseState.DECIDED, **fields)
    _move_clip(case.clip_id, decision, at=at)


def _move_clip(clip_id: int, decision: str, *, at: datetime) -> None:
    rows = Clip.objects.filter(pk=clip_id)
    if decision == Decision.SHOW_TO_CLEARED:
        rows.update(is_sensitive=True)
    if decision == Decision.WITHHOLD:
        withhold(clip_id, at=at)
    elif decision == Decision.PREPARE_AGAIN:
        for old in (ClipState.READY, ClipState.QUARANTINED):
            move(
                rows,
                moves=CLIP_MOVES,
                old=old,
                new=ClipState.UPLOADED,
                attempts_allowed=F("attempts") + ATTEMPTS_A_ROUND,
                percent=0,
                state_since=at,
                due_at=at,
            )
    elif decision != Decision.HANDLED and not is_sensitive_case_open(clip_id):
        move(rows, moves=CLIP_MOVES, old=ClipState.QUARANTINED, new=ClipState.READY, state_since=at, due_at=None)


def close_withdrawn(clip_id: int, *, by: User, at: datetime, reason: str = "Its owner withdrew the consent.") -> int:
    """Nothing is left to decide about a clip whose owner withdrew, or which is purged; an emergency still is one.
    Returns how many ended.

    Not as withheld by staff: the owner may send it again with a new consent.
    """
    in_transaction()
    return move(
        Case.objects.filter(clip=clip_id, kind__in=[CaseKind.SENSITIVE, CaseKind.BROKEN]),
        moves=CASE_MOVES,
        old=CaseState.OPEN,
        new=CaseState.DECIDED,
        decision=Decision.HANDLED,
        reason=reason,
        decided_by=by,
        decided_at=at,
        due_at=None,
    )


def withhold(clip_id: int, *, at: datetime) -> None:
    """Never show the clip again, whatever state it is in; a worker that still prepares it finds its claim lost."""
    in_transaction()
    for old, following in CLIP_MOVES.items():
        if ClipState.WITHHELD in following:
            move(
                Clip.objects.filter(pk=clip_id),
                moves=CLIP_MOVES,
                old=old,
                new=ClipState.WITHHELD,
                state_since=at,
                due_at=None,
            )


def is_sensitive_case_open(clip_id: int) -> bool:
    """Whether somebody still has to decide if the clip may be shown."""
    return Case.objects.filter(clip=clip_id, state=CaseState.OPEN, kind=CaseKind.SENSITIVE).exists()


def overdue(*, at: datetime) -> QuerySet[Case]:
    """Open cases that should have been decided by now, the longest first."""
    return Case.objects.filter(state=CaseState.OPEN, due_at__lte=at).order_by("due_at")


def in_transaction() -> None:
    """Refuse to run where a half of what must happen together could be kept."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("a clip is taken away only in the transaction that ends its leases")
