"""Questions about footage, each with a name."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, QuerySet

from clips.models import Clip, ClipState, Consent, Purpose


def consents_for_review() -> QuerySet[Consent]:
    """Consents under which people may look."""
    return Consent.objects.filter(purposes__contains=[Purpose.HUMAN_REVIEW], withdrawn_at=None)


def reviewable() -> QuerySet[Clip]:
    """Clips that may be put before people: prepared, and their owner agreed to human review."""
    agreed = consents_for_review().filter(clip=OuterRef("pk"))
    return Clip.objects.filter(Exists(agreed), state=ClipState.READY)


def to_label() -> QuerySet[Clip]:
    """Clips that people are asked about: those that may be put before them and are no copies of others."""
    return reviewable().filter(same_as=None)


def sent_by(user: User) -> QuerySet[Clip]:
    """Clips that this user sent, as the first or again."""
    again = Consent.objects.filter(clip=OuterRef("pk"), recorded_by=user)
    return Clip.objects.filter(Q(uploaded_by=user) | Exists(again))
