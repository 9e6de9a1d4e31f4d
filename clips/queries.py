"""Questions about footage, each with a name."""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from clips.models import SHOWN, Clip, ClipKind, ClipState, ConsentEvent, Faces, Permit, Rendition
from config.clock import DatabaseNow


def permits(*purposes: Any) -> QuerySet[Permit]:
    """What owners permit for one of these purposes now, by PostgreSQL's clock when the statement runs.

    A purpose may be an expression, such as an ``OuterRef`` to a project's.
    """
    any_of = functools.reduce(operator.or_, [Q(purpose=purpose) for purpose in purposes])
    return Permit.objects.filter(any_of, until__gt=DatabaseNow())


def permitted(*purposes: Any) -> QuerySet[Clip]:
    """Clips that their owners permit to use for one of these purposes now, in whatever state."""
    return Clip.objects.filter(Exists(permits(*purposes).filter(clip=OuterRef("pk"))))


def reviewable(purpose: Any) -> QuerySet[Clip]:
    """Clips that may be put before people for this purpose: prepared, and their owner agrees to it now."""
    return permitted(purpose).filter(state=ClipState.READY)


def to_label(purpose: Any) -> QuerySet[Clip]:
    """Clips that people are asked about: those that may be put before them and are no copies of others."""
    return reviewable(purpose).filter(same_as=None)


def is_cleared(user: User) -> bool:
    """Whether rows about what is quarantined or sensitive are listed to this person: they decide about it, or audit."""
    return user.has_perm("clips.decide_sensitive") or user.has_perm("clips.list_sensitive")


def listed_to(user: User, clip: str = "") -> Q:
    """Which rows this member of staff may find in lists, where ``clip`` is the way to a row's clip: what is quarantined
    is for those alone who are cleared for it."""
    if is_cleared(user):
        return Q()
    if not clip:
        return ~Q(state=ClipState.QUARANTINED)
    # Few are: to ask whether a row's clip is one of them is quicker than to read each row's clip.
    return ~Q(Exists(Clip.objects.filter(pk=OuterRef(f"{clip}_id"), state=ClipState.QUARANTINED)))


def with_proxy(faces: str, *, clip: str = "pk") -> Q:
    """Which clips have the proxy that work with these ``faces`` shows; ``clip`` is how a query names them. A voice has
    one for all."""
    kinds = [SHOWN[Faces(faces)][0]]
    made = Exists(Rendition.objects.filter(clip=OuterRef(clip), kind__in=kinds))
    voice = Exists(Rendition.objects.filter(clip=OuterRef(clip), kind=SHOWN[Faces.CLEAR][0], clip__kind=ClipKind.VOICE))
    return Q(made) | Q(voice)


def sent_by(user: User) -> QuerySet[Clip]:
    """Clips that this user sent, as the first or again."""
    again = ConsentEvent.objects.filter(clip=OuterRef("pk"), actor=user)
    return Clip.objects.filter(Q(uploaded_by=user) | Exists(again))


def owned_by(owner_key: str) -> Q:
    """Which clips are or were this owner's: a purged one says nothing, but what its owner said of it stays."""
    said = ConsentEvent.objects.filter(owner_key=owner_key, clip__isnull=False).values("clip")
    return Q(owner_key=owner_key) | Q(pk__in=said)


def events_about(clip: Clip) -> QuerySet[ConsentEvent]:
    """What the owner said of this clip or of all theirs, in the order in which it came to us."""
    here = Q(clip=clip) | Q(clip=None, owner_key=clip.owner_key)
    return ConsentEvent.objects.filter(here).select_related("disclosure").order_by("id")


def in_force(clips: Iterable[int]) -> QuerySet[Permit]:
    """All that owners permit for these clips now."""
    return Permit.objects.filter(clip__in=clips, until__gt=DatabaseNow())


def lock_owner(owner_key: str) -> None:
    """Stand in line behind whoever writes this owner's events or clips, until the transaction ends.

    In the lock order between tasks and clips: whoever locks a clip's row and writes an event takes this first.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT sightline_lock_owner(%s)", [owner_key])


def languages(*, regions: Sequence[str]) -> list[str]:
    """The languages that are spoken in these regions' clips, each found by one look into an index."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE found (region, language) AS (
                SELECT r.code, ''::varchar FROM unnest(%s::text[]) r (code)
                 UNION ALL
                SELECT f.region, (SELECT c.language FROM clips_clip c
                                   WHERE c.region = f.region AND c.language > '' AND c.language > f.language
                                   ORDER BY c.language LIMIT 1)
                  FROM found f WHERE f.language IS NOT NULL
            )
            SELECT DISTINCT language FROM found WHERE language > '' ORDER BY 1
            """,
            [list(regions)],
        )
        return [str(row[0]) for row in cursor.fetchall()]
