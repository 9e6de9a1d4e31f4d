"""Sight: which member of staff may watch which clip, and that it is written down each time."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.models import AnonymousUser, User

from clips.models import Clip, ClipState, Rendition, Sight
from clips.queries import consents_for_review
from config.errors import NotFound

# A player asks for a file in many pieces: that is one sight.
ONE_SIGHT = timedelta(minutes=1)


def may_watch(user: User | AnonymousUser, clip: Clip) -> bool:
    """Whether this member of staff may watch the clip: ordinary ones with the right to, and with clearance those that
    are sensitive or quarantined; none whose owner did not agree that people look, or no more."""
    if not user.is_authenticated or not user.is_staff or not consents_for_review().filter(clip=clip).exists():
        return False
    if clip.state == ClipState.READY and not clip.is_sensitive:
        return user.has_perm("clips.watch_clip") or user.has_perm("clips.decide_sensitive")
    return clip.state in {ClipState.READY, ClipState.QUARANTINED} and user.has_perm("clips.decide_sensitive")


def watch(user: User | AnonymousUser, clip_id: int, kind: str, *, place: str, at: datetime) -> Rendition:
    """The rendition for somebody who may watch it; the sight is on record before a byte leaves. Raises
    :class:`NotFound` alike for what is not there and what is not theirs."""
    found = Rendition.objects.select_related("clip").filter(clip=clip_id, kind=kind).first()
    if found is None or isinstance(user, AnonymousUser) or not may_watch(user, found.clip):
        raise NotFound
    mine = Sight.objects.filter(clip=clip_id, rendition_kind=kind, user=user, seen_at__gte=at - ONE_SIGHT)
    if not mine.exists():
        Sight.objects.create(clip=found.clip, rendition_kind=kind, user=user, place=place, seen_at=at)
    return found
