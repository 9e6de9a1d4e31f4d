"""Who saw my clips: what an owner is told of the access log. Only what was shown; people by pseudonyms."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Max, Min, QuerySet

from clips.models import GRANTED, AccessEntry, Clip
from clips.pseudonyms import for_owner
from clips.queries import owned_by

COLUMNS = ("clip", "first_at", "last_at", "purpose", "person", "country", "shown")


@dataclass(frozen=True)
class Sight:
    """One person's look at one clip, under one lease or viewing."""

    clip: int
    first_at: datetime
    last_at: datetime
    purpose: str
    person: str
    country: str
    shown: list[str]


def of_owner(owner_key: str, clips: QuerySet[Clip]) -> list[Sight]:
    """Every sight of the owner's clips among these, those that are purged too, the latest first."""
    mine = clips.filter(owned_by(owner_key)).values("pk")
    rows = (
        AccessEntry.objects.filter(clip__in=mine, outcome=GRANTED)
        .exclude(user=None)
        .values("clip_id", "user_id", "under", "under_id", "purpose", "country")
        .annotate(first_at=Min("at"), last_at=Max("at"), shown=ArrayAgg("rendition", distinct=True))
        .order_by("-first_at", "clip_id")
    )
    return [
        Sight(
            row["clip_id"],
            row["first_at"],
            row["last_at"],
            row["purpose"],
            for_owner(row["user_id"], owner_key),
            row["country"],
            sorted(row["shown"]),
        )
        for row in rows
    ]


def as_csv(sights: Iterable[Sight]) -> str:
    """The report as a table that any spreadsheet opens."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(COLUMNS)
    for each in sights:
        times = [f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for at in (each.first_at, each.last_at)]
        table.writerow([each.clip, *times, each.purpose, each.person, each.country, " ".join(each.shown)])
    return out.getvalue()
