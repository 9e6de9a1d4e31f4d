"""Disclosing: the texts that owners are shown, published once, by a named person, after a checklist."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from django.contrib.auth.models import User

from clips.errors import DisclosureIncomplete
from clips.models import Disclosure, Point

# A shorter passage says nothing by itself, and would be found in any text.
SHORTEST_PASSAGE = 12


def missing(text: str, checklist: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with a checklist, by point: each is to be ticked with a passage of the text. Pure."""
    wrong = {}
    for point in Point:
        passage = checklist.get(point, "")
        if len(passage.strip()) < SHORTEST_PASSAGE:
            wrong[point.value] = f"Give the passage that says it, at least {SHORTEST_PASSAGE} characters."
        elif passage not in text:
            wrong[point.value] = "This passage is not in the text, letter for letter."
    return wrong


def digest(text: str) -> str:
    """The SHA-256 of the text's UTF-8 bytes."""
    return hashlib.sha256(text.encode()).hexdigest()


def draft(
    *, version: str, region: str, language: str, text: str, checklist: Mapping[str, str], by: User, at: datetime
) -> Disclosure:
    """A disclosure that could be published as it is. Raises :class:`DisclosureIncomplete` and ValidationError."""
    wrong = missing(text, checklist)
    if wrong:
        raise DisclosureIncomplete(missing=sorted(wrong))
    disclosure = Disclosure(
        version=version,
        region=region,
        language=language,
        text=text,
        sha256=digest(text),
        checklist={point.value: checklist[point] for point in Point},
        published_at=at,
        published_by=by,
    )
    disclosure.full_clean()
    return disclosure


def publish(
    *, version: str, region: str, language: str, text: str, checklist: Mapping[str, str], by: User, at: datetime
) -> Disclosure:
    """Publish a disclosure: from here on nothing of it changes, and its hash proves it.

    Raises :class:`DisclosureIncomplete`, and ValidationError for what is no version, or one that was used.
    """
    disclosure = draft(version=version, region=region, language=language, text=text, checklist=checklist, by=by, at=at)
    disclosure.save(force_insert=True)
    return disclosure
