"""Viewing: a member of staff says why they must see a clip, and may for some minutes. Superusers no less."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.db.models import Q

from clips.errors import CaseNotOpen, NotYoursToSee, ViewingTooLong
from clips.models import LOOKING, Case, CaseState, Clip, ClipState, Viewing, ViewingPurpose
from clips.queries import permits
from config.errors import BadInput, NotFound
from config.history import checked
from config.scope import scope_of, seen


def may_view(user: User | AnonymousUser, clip: Clip) -> bool:
    """Whether this member of staff may open a viewing of the clip: ordinary ones with the right to, and with clearance
    those that are sensitive or quarantined; none whose owner did not agree that people look, or no more."""
    if not user.is_authenticated or not user.is_staff or not permits(*LOOKING).filter(clip=clip).exists():
        return False
    if not scope_of(user).covers(clip.region):
        return False
    if clip.state == ClipState.READY and not clip.is_sensitive:
        return user.has_perm("clips.watch_clip") or user.has_perm("clips.decide_sensitive")
    return clip.state in {ClipState.READY, ClipState.QUARANTINED} and user.has_perm("clips.decide_sensitive")


def begin(
    clip_ids: Sequence[int],
    *,
    purpose: str,
    reason: str,
    minutes: int,
    by: User,
    at: datetime,
    case_id: int | None = None,
) -> list[Viewing]:
    """Open viewings of these clips for a purpose and a reason, until some minutes from now.

    Raises :class:`NotFound`, :class:`NotYoursToSee`, :class:`ViewingTooLong`, :class:`CaseNotOpen`,
    :class:`config.history.ReasonMissing`.
    """
    why = checked(reason)
    if not 1 <= minutes <= settings.VIEWING_MINUTES:
        raise ViewingTooLong(f"From 1 to {settings.VIEWING_MINUTES} minutes.")
    if purpose not in ViewingPurpose.values:
        raise BadInput("There is no such purpose.")
    clips = list(seen(by, Clip.objects.filter(pk__in=clip_ids)).order_by("pk"))
    if not clips or len(clips) != len(set(clip_ids)):
        raise NotFound
    if not all(may_view(by, clip) for clip in clips):
        raise NotYoursToSee
    case = None
    if purpose == ViewingPurpose.CASE:
        case = Case.objects.filter(pk=case_id or 0, clip__in=clips, state=CaseState.OPEN).first()
        if case is None or len(clips) != 1:
            raise CaseNotOpen
    with transaction.atomic():
        return [
            Viewing.objects.create(
                clip=clip,
                user=by,
                purpose=purpose,
                case=case,
                reason=why,
                opened_at=at,
                ends_at=at + timedelta(minutes=minutes),
            )
            for clip in clips
        ]


def live(user: User, clip: Clip, *, at: datetime) -> Viewing | None:
    """This person's viewing of the clip that holds now. One for a case ends with the case."""
    rows = Viewing.objects.filter(user=user, clip=clip, closed_at=None, ends_at__gt=at)
    return rows.filter(Q(case=None) | Q(case__state=CaseState.OPEN)).order_by("-ends_at").first()


def close(clip_ids: Sequence[int], *, by: User, at: datetime) -> int:
    """Be done with these clips before the end; returns how many viewings ended."""
    return Viewing.objects.filter(user=by, clip__in=clip_ids, closed_at=None, ends_at__gt=at).update(closed_at=at)
