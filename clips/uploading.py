"""Uploading straight to a region's bucket: registered here, sent there, confirmed here.

The row waits in ``receiving`` with a due time, as for any upload; one that is never confirmed is forgotten by
``sweeping.clear_half_received``, with whatever was sent. Nobody has looked into the file when it is confirmed: its
facts are empty until its region's worker has found them out, and what is no clip fails there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.models import User

from clips import queries, repeats, storage
from clips.consenting import Agreement
from clips.errors import (
    ClipTooLarge,
    EmptyFile,
    NoDirectUpload,
    UnsupportedExtension,
    UploadDiffers,
    UploadInProgress,
    UploadNotThere,
)
from clips.events import Event
from clips.media import sniff
from clips.models import CLIP_MOVES, Clip, ClipState
from clips.receiving import RING_AGAIN, TRIES, begin, check_region, forget, is_dead
from clips.storage import UploadLink
from config.errors import NotFound
from config.states import move

# How long a link takes the file, and how long after that the confirmation is waited for: a file that was begun in time
# may still be on its way then.
LINK_LIVES = timedelta(minutes=15)
CONFIRMING = timedelta(minutes=45)


@dataclass(frozen=True)
class Registered:
    """A clip whose file may be sent to ``link``, until ``expires_at``; no link when the file is here already."""

    clip: Clip
    is_new: bool
    link: UploadLink | None
    expires_at: datetime | None


def register(
    *,
    name: str,
    size_bytes: int,
    sha256: str,
    region: str,
    source: str,
    given: Agreement,
    event: Event | None,
    by: User,
    at: datetime,
    key: str = "",
    language: str = "",
) -> Registered:
    """Expect a file of this size and digest in its region's bucket. A repeat gets the same clip, and a new link while
    its file is still waited for.

    Raises :class:`NoDirectUpload` for a region whose storage is a folder, the refusals of the file that its name and
    size allow, :class:`UploadInProgress`, :class:`ConsentTakenBack`, :class:`config.errors.KeyReused`.
    """
    check_region(region)
    if not storage.takes_direct_uploads(f"clips-{region}"):
        raise NoDirectUpload
    extension = sniff.extension_of(name)
    taken = sniff.DEMUXERS | sniff.VOICE_DEMUXERS
    if extension not in taken:
        raise UnsupportedExtension(f"Send one of: {', '.join(sorted(taken))}.")
    if size_bytes == 0:
        raise EmptyFile
    if size_bytes > settings.UPLOAD_LIMIT_BYTES:
        raise ClipTooLarge(f"At most {settings.UPLOAD_LIMIT_BYTES} bytes.")
    for _ in range(TRIES):
        here = repeats.find(
            by=by, key=key, owner_key=given.owner_key, sha256=sha256, region=region, given_at=given.given_at
        )
        if here is None:
            clip = begin(
                region=region,
                source=source,
                given=given,
                event=event,
                by=by,
                state_since=at,
                due_at=at + LINK_LIVES + CONFIRMING,
                upload_key=key,
                language=language,
                original_key=f"{uuid4().hex}/original.{extension}",
                sha256=sha256,
                size_bytes=size_bytes,
                duration_ms=0,
                width=0,
                height=0,
                facts={},
            )
            if clip is not None:
                return _linked(clip, is_new=True, at=at)
        elif here.state != ClipState.RECEIVING:
            if repeats.note(here, given, event, language=language, by=by):
                return Registered(here, is_new=False, link=None, expires_at=None)
        elif is_dead(here, at=at):
            if not forget(here):
                break
        elif is_registered(here):
            waits = Clip.objects.filter(pk=here.pk, state=ClipState.RECEIVING, attempts=0)
            if waits.update(due_at=at + LINK_LIVES + CONFIRMING) and repeats.note(
                here, given, event, language=language, by=by
            ):
                return _linked(here, is_new=False, at=at)
        else:
            break
    raise UploadInProgress(retry_after=3)


def confirm(clip_id: int, *, by: User, at: datetime) -> tuple[Clip, bool]:
    """The file was sent: see whether it is the one that was registered, and let it be prepared. Repeating it is dull;
    the answer says whether this call did it.

    Raises :class:`NotFound`, :class:`UploadInProgress`, :class:`UploadNotThere`, :class:`UploadDiffers`,
    :class:`StorageAway`.
    """
    clip = queries.sent_by(by).filter(pk=clip_id).first()
    if clip is None:
        raise NotFound
    if clip.state != ClipState.RECEIVING:
        return clip, False
    if not is_registered(clip):
        raise UploadInProgress(retry_after=3)
    sent = storage.is_sent(clip.storage_alias, clip.original_key, size=clip.size_bytes, sha256=clip.sha256)
    if sent is None:
        raise UploadNotThere
    if not sent:
        # Its link writes nothing while something is there.
        storage.delete(clip.storage_alias, clip.original_key)
        raise UploadDiffers
    moved = move(
        # One that is being forgotten is at its first "attempt": whoever forgets it came first.
        Clip.objects.filter(pk=clip.pk, attempts=0),
        moves=CLIP_MOVES,
        old=ClipState.RECEIVING,
        new=ClipState.UPLOADED,
        state_since=at,
        due_at=at + RING_AGAIN,
    )
    now = Clip.objects.filter(pk=clip.pk).exclude(state=ClipState.RECEIVING).first()
    if now is None:
        raise NotFound
    return now, moved == 1


def is_registered(clip: Clip) -> bool:
    """Whether this clip's file is sent straight to the bucket; one that comes through us is looked into first."""
    return not clip.facts


def _linked(clip: Clip, *, is_new: bool, at: datetime) -> Registered:
    link = storage.upload_link(
        clip.storage_alias,
        clip.original_key,
        size=clip.size_bytes,
        sha256=clip.sha256,
        seconds=int(LINK_LIVES.total_seconds()),
    )
    return Registered(clip, is_new, link, at + LINK_LIVES)
