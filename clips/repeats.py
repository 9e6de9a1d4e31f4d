"""Whether what is sent is here already: the same key, or the same bytes of the same owner in the same region."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max

from clips import consenting, events
from clips.consenting import Agreement
from clips.errors import ConsentTakenBack
from clips.events import Event
from clips.models import Case, Clip, ClipState, Consent, Decision
from config.errors import KeyReused


def find(*, by: User, key: str, owner_key: str, sha256: str, region: str, given_at: datetime) -> Clip | None:
    """The clip that a request with these would repeat, None when it would be a new one.

    What staff withheld stays withheld however often it is sent. What its owner took back is a new clip only under a
    consent that was given later. Raises :class:`KeyReused` and :class:`ConsentTakenBack`.
    """
    if key:
        mine = Clip.objects.filter(uploaded_by=by, upload_key=key).first()
        if mine is not None:
            if (mine.owner_key, mine.sha256, mine.region) != (owner_key, sha256, region):
                raise KeyReused
            return mine
    same = Clip.objects.filter(owner_key=owner_key, sha256=sha256, region=region)
    here = same.exclude(state=ClipState.WITHHELD).order_by("pk").first()
    if here is not None:
        return here
    over = same.filter(state=ClipState.WITHHELD)
    by_staff = over.filter(pk__in=Case.objects.filter(decision=Decision.WITHHOLD).values("clip")).first()
    if by_staff is not None:
        return by_staff
    taken_back = Consent.objects.filter(clip__in=over).aggregate(last=Max("withdrawn_at"))["last"]
    if taken_back is not None and given_at <= taken_back:
        raise ConsentTakenBack
    return None


def note(clip: Clip, given: Agreement, event: Event | None, *, by: User) -> bool:
    """Write down what a repeat brings that is new: another consent, an event where there was none.

    Nothing is added to a clip that was withheld. False when the clip is gone meanwhile.
    """
    with transaction.atomic():
        held = Clip.objects.select_for_update(no_key=True).filter(pk=clip.pk).first()
        if held is None:
            return False
        if held.state != ClipState.WITHHELD:
            if not consenting.is_recorded(held, given, by=by):
                consenting.record(held, given, by=by)
            events.record(held, event)
    return True
