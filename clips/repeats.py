"""Whether what is sent is here already: the same key, or the same bytes of the same owner in the same region."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max, Q

from clips import consenting, events, ledger
from clips.consenting import Agreement
from clips.errors import ClipPurged, ConsentTakenBack
from clips.events import Event
from clips.models import Case, Clip, ClipState, ConsentEvent, Decision, EventKind, Purge, PurgeReason
from config.errors import KeyReused


def find(*, by: User, key: str, owner_key: str, sha256: str, region: str, given_at: datetime) -> Clip | None:
    """The clip that a request with these would repeat, None when it would be a new one.

    What staff withheld stays withheld however often it is sent. What its owner took back is a new clip only under a
    consent that was given later; so is what was purged. Raises :class:`KeyReused`, :class:`ConsentTakenBack` and
    :class:`ClipPurged`.
    """
    if key:
        mine = Clip.objects.filter(uploaded_by=by, upload_key=key).first()
        if mine is not None:
            if (mine.owner_key, mine.sha256, mine.region) != (owner_key, sha256, region):
                raise KeyReused
            return mine
    same = list(Clip.objects.filter(owner_key=owner_key, sha256=sha256, region=region).order_by("pk"))
    here = next((clip for clip in same if clip.state != ClipState.WITHHELD), None)
    if here is not None:
        return here
    if same:
        by_staff = Case.objects.filter(clip__in=same, decision=Decision.WITHHOLD).values_list("clip", flat=True)
        withheld = set(by_staff)
        for clip in same:
            if clip.pk in withheld:
                return clip
        _check_taken_back(same, owner_key=owner_key, given_at=given_at)
    # Of what is purged only the ledger knows whose it was and what.
    for line in ledger.find(owner_key=owner_key, region=region, sha256=sha256):
        if line.is_barred:
            tombstone = Clip.objects.filter(pk=line.clip).first()
            if tombstone is None:
                raise ClipPurged
            return tombstone
        if given_at <= line.asked_at:
            raise ConsentTakenBack if line.reason in {PurgeReason.WITHDRAWN, PurgeReason.ERASURE} else ClipPurged
    return None


def _check_taken_back(over: Sequence[Clip], *, owner_key: str, given_at: datetime) -> None:
    """Raises :class:`ConsentTakenBack` and :class:`ClipPurged` for a consent no later than what ended these."""
    ended = ConsentEvent.objects.filter(
        Q(clip__in=over) | Q(clip=None), owner_key=owner_key, kind=EventKind.WITHDRAWN
    ).aggregate(last=Max("at"))["last"]
    if ended is not None and given_at <= ended:
        raise ConsentTakenBack
    asked = Purge.objects.filter(clip__in=over).aggregate(last=Max("asked_at"))["last"]
    if asked is not None and given_at <= asked:
        raise ClipPurged


def note(clip: Clip, given: Agreement, event: Event | None, *, language: str = "", by: User) -> bool:
    """Write down what a repeat brings that is new: another consent, an event or a language where there was none.

    Nothing is added to a clip that was withheld. False when the clip is gone meanwhile.
    """
    with transaction.atomic():
        consenting.lock_owner(clip.owner_key)
        held = Clip.objects.select_for_update(no_key=True).filter(pk=clip.pk).first()
        if held is None:
            return False
        if held.state not in {ClipState.WITHHELD, ClipState.PURGED}:
            if consenting.recorded(held, given, by=by) is None:
                consenting.record(held, given, by=by)
            events.record(held, event)
            if language and not held.language:
                Clip.objects.filter(pk=held.pk).update(language=language)
                clip.language = language
    return True
