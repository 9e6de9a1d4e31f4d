"""Sight: through which door a member of staff sees a clip now, and that it is written down, shown or refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AnonymousUser, User

from clips import access, legal, viewing
from clips.access import About, Asking
from clips.models import GRANTED, SHOWN, AccessEntry, Clip, Faces, Rendition, Under
from config.errors import NotFound
from config.roles import ALONE
from config.scope import scope_of


@dataclass(frozen=True)
class Door:
    """What gives somebody sight of a clip now."""

    under: str
    number: int
    purpose: str


def by_viewing(user: User, clip: Clip, at: datetime) -> Door | None:
    """The door of a viewing, for those who may still look: clearance and consent are asked again each time."""
    found = viewing.live(user, clip, at=at)
    if found is None or not viewing.may_view(user, clip):
        return None
    return Door(Under.VIEWING, found.pk, found.purpose)


def by_legal_request(user: User, clip: Clip, at: datetime) -> Door | None:
    """The door of a legal request that two people approved, for those it names, until it ends."""
    found = legal.door(user, clip, at=at)
    if found is not None and user.groups.filter(name__in=ALONE).exists():
        return None
    return Door(Under.LEGAL, found.pk, "legal request") if found is not None else None


# Every way in which staff may see footage.
DOORS: tuple[Callable[[User, Clip, datetime], Door | None], ...] = (by_viewing, by_legal_request)


def door(user: User | AnonymousUser, clip: Clip, *, at: datetime) -> Door | None:
    """The first door that is open to this person, None when there is none. Being a superuser is no door."""
    if isinstance(user, AnonymousUser) or not user.is_staff or not user.is_active:
        return None
    if not scope_of(user).covers(clip.region):
        return None
    return next((found for each in DOORS if (found := each(user, clip, at)) is not None), None)


def watch(user: User | AnonymousUser, clip_id: int, kind: str, *, asking: Asking, at: datetime) -> Rendition:
    """The rendition for a member of staff to whom a door is open; the entry stands before a byte leaves. Raises
    :class:`NotFound` alike for what is not there and what is not theirs; the log says which it was."""
    clip = Clip.objects.filter(pk=clip_id).first()
    found = Rendition.objects.select_related("clip").filter(clip=clip_id, kind=kind).first()
    opened = door(user, clip, at=at) if clip is not None else None
    about = {"clip_id": clip_id if clip_id < 2**63 else None, "rendition": kind, "country": country_of(user)}
    if found is None or opened is None:
        access.refuse(asking, About(**about), code="not-there" if found is None else "no-viewing")  # type: ignore[arg-type]
        raise NotFound
    access.grant(
        asking,
        About(**about, under=opened.under, under_id=opened.number, purpose=opened.purpose),  # type: ignore[arg-type]
    )
    return found


def country_of(user: User | AnonymousUser) -> str:
    """Where somebody sits, as far as it is known: reviewers' countries are."""
    return getattr(getattr(user, "reviewer", None), "country", "")


def kinds_to_show(clip: Clip, *, clear: bool = False) -> dict[str, str]:
    """Which renditions a page shows, by plain name: those without faces where there are any, unless it asks for the
    clear ones. Empty when there is nothing to be watched."""
    made = set(clip.renditions.values_list("kind", flat=True))
    for faces in (Faces.CLEAR, Faces.BLURRED) if clear else (Faces.BLURRED, Faces.CLEAR):
        if SHOWN[faces][0] in made:
            names = zip(SHOWN[Faces.CLEAR], SHOWN[faces], strict=True)
            return {plain.value: kind.value for plain, kind in names if kind in made}
    return {}


def has_both(clip: Clip) -> bool:
    """Whether the clip may be watched with faces and without."""
    return clip.renditions.filter(kind__in=[kinds[0] for kinds in SHOWN.values()]).count() == len(SHOWN)


def sights_by_faces(clip: Clip) -> dict[str, int]:
    """How often somebody was shown the clip, with faces and without: the two are counted apart."""
    seen = AccessEntry.objects.filter(clip=clip, outcome=GRANTED)
    return {faces.value: seen.filter(rendition=SHOWN[faces][0]).count() for faces in Faces}
