"""Writing the access log: one round trip, committed before a byte leaves.

The function ``sightline_access`` (``clips/sql/access.sql``) locks the row of the stream, reads its newest entry,
and adds the next with its hash. What makes an entry, and why streams are people, stands in docs/decisions.md, "Sight".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db import connection

from clips.models import GRANTED, Credentials
from config import prepared

# A player asks for a file in many pieces: alike within this time is one entry.
ALIKE = timedelta(minutes=1)
# How many refusals of one stream are kept within that time: a person's, and those of all strangers together.
MOST_REFUSALS, MOST_OF_STRANGERS = 120, 20


@dataclass(frozen=True, kw_only=True)
class Asking:
    """Who asks for footage, from where, and how."""

    user_id: int | None
    credentials: str
    address: str
    method: str
    span: str = ""

    @property
    def asked(self) -> str:
        """Method and range, in letters that can be read."""
        said = f"{self.method} {self.span}".strip()
        return "".join(char if " " <= char <= "~" else "?" for char in said[:120])


@dataclass(frozen=True, kw_only=True)
class About:
    """Which footage it is about, under what, and for what purpose; as far as it is known."""

    clip_id: int | None = None
    rendition: str = ""
    under: str = ""
    under_id: int | None = None
    purpose: str = ""
    country: str = ""


def grant(asking: Asking, about: About) -> int:
    """Write down that somebody is shown footage; returns the entry's number in their stream. Must be called where
    nothing can take the entry back, before the first byte."""
    entry = _write(asking, about, GRANTED)
    if entry is None:
        raise RuntimeError("a grant was not written down")
    return entry


def refuse(asking: Asking, about: About, *, code: str) -> int | None:
    """Write down that somebody was refused footage. None when there are too many to keep."""
    return _write(asking, about, code)


def _write(asking: Asking, about: About, outcome: str) -> int | None:
    # As Django's own `durable` asks it, which would cost two more round trips.
    if connection.in_atomic_block and not connection.atomic_blocks[-1]._from_testcase:  # type: ignore[attr-defined]
        raise RuntimeError("an entry of the access log stands before footage is shown, whatever comes after")
    found = prepared.rows(
        "SELECT entry FROM sightline_access(%s::bigint, %s::text, %s::bigint, %s::text, %s::text, %s::bigint, %s::text,"
        " %s::text, %s::text, %s::text, %s::text, %s::interval, %s::integer)",
        [
            asking.user_id,
            asking.credentials or Credentials.NONE,
            about.clip_id,
            about.rendition[:16],
            about.under,
            about.under_id,
            about.purpose[:40],
            about.country[:2],
            asking.address,
            asking.asked,
            outcome[:40],
            ALIKE,
            MOST_OF_STRANGERS if asking.user_id is None else MOST_REFUSALS,
        ],
    )
    entry: int | None = found[0][0]
    return entry
