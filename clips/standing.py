"""Which consents still stand, told from the events alone, for people to read. Pure.

The gates do not ask this; they ask the permits, which the database makes of the same events.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from clips.models import ConsentEvent, EventKind


def ended_at(given: ConsentEvent, events: Iterable[ConsentEvent]) -> datetime | None:
    """When the last purpose of a given consent was taken back; None while one stands. Expiry is not looked at.

    ``events`` are those about one clip, or those about all of an owner's.
    """
    left = set(given.purposes)
    for event in sorted(events, key=lambda event: event.pk):
        if event.kind == EventKind.WITHDRAWN and (event.at >= given.at or event.pk > given.pk):
            left -= set(event.purposes)
            if not left:
                return event.at
    return None
