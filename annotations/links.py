"""Media links: bound to one lease, its fencing token, its reviewer and one rendition, good for some minutes.

The signature only says that we made the link and until when; whether it still opens anything is asked of the lease's
row each time. Each opening and each refusal stands in the access log before it is answered.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

from django.core import signing
from django.db.models import QuerySet
from django.urls import get_script_prefix, reverse

from annotations import faces
from annotations.errors import MediaLinkExpired, MediaLinkOver
from annotations.models import Lease, LeaseState
from clips import access
from clips.access import About, Asking
from clips.models import Rendition, Under
from clips.queries import reviewable
from config.errors import NotFound, Refusal

# A plain signature and no packed document: a claim hands out several links, and packing costs ten times as much.
SIGNER = signing.Signer(salt="sightline.media")
PURPOSE = "review"


@dataclass(frozen=True)
class Opened:
    """What a link opened: the rendition, and whose lease it stands on."""

    rendition: Rendition
    lease_id: int
    user_id: int


def link(lease_id: int, token: UUID, rendition_id: int, *, user_id: int, until: datetime) -> str:
    """The path under which the lease's holder may fetch the rendition until then, while the lease is live."""
    sealed = SIGNER.sign(f"{lease_id}-{_mark(token, user_id)}-{rendition_id}-{int(until.timestamp())}")
    return _place(get_script_prefix()) + sealed


@functools.cache
def _place(prefix: str) -> str:
    """What comes before the sealed part, for what is put in at the front of every path."""
    return reverse("media", args=["x"]).removesuffix("x")


def open_link(sealed: str, *, asking: Asking, at: datetime) -> Opened:
    """What a link opens now, written down; ``asking.user_id`` is whose credentials came along, None without any.

    A player's request carries no credentials, so the link alone is enough; a request that does carry somebody's must
    carry the holder's. Raises :class:`NotFound` for a forged link or another person, :class:`MediaLinkExpired` when the
    link's minutes are over, :class:`MediaLinkOver` when the lease is over or the clip may no longer be seen.
    """
    about = About()
    try:
        lease, rendition_id, until = _read(sealed)
        about = About(under=Under.LEASE, under_id=lease.pk, clip_id=lease.task.clip_id, purpose=PURPOSE)
        rows = Rendition.objects.filter(pk=rendition_id, clip=lease.task.clip_id)
        rendition = rows.select_related("clip").first()
        if asking.user_id is not None and asking.user_id != lease.reviewer.user_id:
            raise NotFound
        # From here on the link says who: whoever opens it, it was given to its holder.
        asking = replace(asking, user_id=lease.reviewer.user_id)
        about = replace(about, country=lease.reviewer.country, rendition=rendition.kind if rendition else "")
        if until <= at:
            raise MediaLinkExpired(lease=reverse("lease", args=[lease.pk]))
        if rendition is None or not gives_sight(lease, rendition, at=at):
            raise MediaLinkOver
    except Refusal as refusal:
        access.refuse(asking, about, code=refusal.code)
        raise
    access.grant(asking, about)
    return Opened(rendition, lease.pk, lease.reviewer.user_id)


def still_opens(opened: Opened, *, at: datetime) -> bool:
    """Whether what was opened may still be seen: asked again and again while a slow reader is served."""
    lease = _leases().filter(pk=opened.lease_id).first()
    return lease is not None and gives_sight(lease, opened.rendition, at=at)


def gives_sight(lease: Lease, rendition: Rendition, *, at: datetime) -> bool:
    """Whether this lease gives sight of this rendition now: it lives, its project shows such renditions, and the clip's
    owner permits the project's purpose."""
    project = lease.task.project
    shown = is_live(lease, at=at) and faces.allows(project, rendition)
    return shown and reviewable(project.purpose).filter(pk=rendition.clip_id).exists()


def is_live(lease: Lease, *, at: datetime) -> bool:
    """Whether a lease gives sight now, by the clock and not only by the sweep, to somebody who still works here."""
    works = lease.reviewer.is_active and lease.reviewer.user.is_active
    return lease.state == LeaseState.LIVE and lease.expires_at > at and works


def _read(sealed: str) -> tuple[Lease, int, datetime]:
    """The lease, the rendition's number and the end that a link names. Raises :class:`NotFound` for a forged one."""
    try:
        lease_id, mark, rendition_id, until = SIGNER.unsign(sealed).split("-")
    except (signing.BadSignature, ValueError):
        raise NotFound from None
    lease = _leases().filter(pk=lease_id).first()
    if lease is None or _mark(lease.token, lease.reviewer.user_id) != mark:
        raise NotFound
    return lease, int(rendition_id), datetime.fromtimestamp(int(until), UTC)


def _leases() -> QuerySet[Lease]:
    return Lease.objects.select_related("reviewer__user", "task__project")


def _mark(token: UUID, user_id: int) -> str:
    """What binds a link to this very lease and person without saying its token: anybody can read what is signed."""
    return hashlib.sha256(token.bytes + user_id.to_bytes(8)).hexdigest()[:24]
