"""Consent at the door: what an owner agreed to, read strictly, and kept beside the clip it is for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User

from clips import cases
from clips.errors import ConsentLacksHumanReview, UnknownDisclosure
from clips.models import Clip, Consent, Disclosure, Purpose


@dataclass(frozen=True)
class Agreement:
    """What the uploader says the owner agreed to."""

    owner_key: str
    disclosure: Disclosure
    purposes: list[str]
    channel: str
    given_at: datetime


def agreement(
    *, owner_key: str, disclosure: str, purposes: list[str], channel: str, given_at: datetime, region: str
) -> Agreement:
    """Check an agreement against the disclosures that were published for the clip's region.

    Raises :class:`ConsentLacksHumanReview` or :class:`UnknownDisclosure`.
    """
    if Purpose.HUMAN_REVIEW not in purposes:
        raise ConsentLacksHumanReview
    shown = Disclosure.objects.filter(version=disclosure, region=region).first()
    if shown is None or shown.published_at > given_at:
        raise UnknownDisclosure(f"No disclosure {disclosure!r} was published for {region!r} when consent was given.")
    return Agreement(owner_key, shown, sorted(set(purposes)), channel, given_at)


def record(clip: Clip, given: Agreement, *, by: User) -> Consent:
    """Write the agreement down for this clip."""
    return Consent.objects.create(
        clip=clip,
        owner_key=given.owner_key,
        disclosure=given.disclosure,
        purposes=given.purposes,
        channel=given.channel,
        given_at=given.given_at,
        recorded_by=by,
    )


def is_recorded(clip: Clip, given: Agreement, *, by: User) -> bool:
    """Whether the same user told us of the same agreement for this clip before."""
    return Consent.objects.filter(
        clip=clip,
        disclosure=given.disclosure,
        purposes=given.purposes,
        channel=given.channel,
        given_at=given.given_at,
        recorded_by=by,
    ).exists()


def publish(*, version: str, region: str, language: str, text: str, by: User, at: datetime) -> Disclosure:
    """Publish a disclosure: its text is fixed from here on, and so is the hash that proves it."""
    disclosure = Disclosure(
        version=version,
        region=region,
        language=language,
        text=text,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        published_at=at,
        published_by=by,
    )
    disclosure.full_clean()
    disclosure.save(force_insert=True)
    return disclosure


def withdraw(clip_id: int, *, at: datetime) -> int:
    """Note that the owner took back what they agreed to for this clip, and never show it again; returns how many
    consents ended. Must be called where what was handed out of the clip is ended in the same transaction."""
    cases.withhold(clip_id, at=at)
    return Consent.objects.filter(clip=clip_id, withdrawn_at=None).update(withdrawn_at=at)
