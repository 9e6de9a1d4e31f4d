"""Media links: signed, bound to one lease and one rendition, dead when the lease is over.

The signature only says that we made the link; whether it still opens anything is asked of the lease's row each time.
"""

from __future__ import annotations

import functools
import hashlib
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core import signing
from django.urls import get_script_prefix, reverse

from annotations.errors import MediaLinkOver
from annotations.models import Lease, LeaseState
from clips.models import Rendition
from clips.queries import reviewable
from config.errors import NotFound

# A plain signature and no packed document: a claim hands out several links, and packing costs ten times as much.
SIGNER = signing.Signer(salt="sightline.media")


def link(lease_id: int, token: UUID, rendition_id: int) -> str:
    """The path under which the lease's holder may fetch the rendition while the lease is live."""
    return _place(get_script_prefix()) + SIGNER.sign(f"{lease_id}-{_mark(token)}-{rendition_id}")


@functools.cache
def _place(prefix: str) -> str:
    """What comes before the sealed part, for what is put in at the front of every path."""
    return reverse("media", args=["x"]).removesuffix("x")


def open_link(sealed: str, *, user: AbstractBaseUser | AnonymousUser, at: datetime) -> Rendition:
    """The rendition a link opens now.

    A player's request carries no credentials, so the link alone is enough; a request that does carry somebody's must
    carry the holder's. Raises :class:`NotFound` for a forged link or another person, :class:`MediaLinkOver` when the
    lease is over or the clip may no longer be seen.
    """
    try:
        lease_id, mark, rendition_id = SIGNER.unsign(sealed).split("-")
    except (signing.BadSignature, ValueError):
        raise NotFound from None
    lease = Lease.objects.filter(pk=lease_id).select_related("reviewer__user", "task").first()
    if lease is None or _mark(lease.token) != mark:
        raise NotFound
    if user.is_authenticated and user.pk != lease.reviewer.user_id:
        raise NotFound
    if lease.state != LeaseState.LIVE or lease.expires_at <= at:
        raise MediaLinkOver
    if not (lease.reviewer.is_active and lease.reviewer.user.is_active):
        raise MediaLinkOver
    rendition = Rendition.objects.filter(pk=rendition_id, clip=lease.task.clip_id).select_related("clip").first()
    if rendition is None or not reviewable().filter(pk=rendition.clip_id).exists():
        raise MediaLinkOver
    return rendition


def _mark(token: UUID) -> str:
    """What binds a link to this very lease without saying its token: a signed text can be read by anybody."""
    return hashlib.sha256(token.bytes).hexdigest()[:24]
