"""Local days: which day it is for somebody, and when it ends. Pure; the instant comes from PostgreSQL's clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ValidationError


def check_zone(name: str) -> None:
    """A field validator: the name stands in the IANA time zone database."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValidationError(
            "%(name)s is not a time zone; write it like Asia/Kolkata.", params={"name": name}
        ) from None


def local_day(at: datetime, zone: str) -> date:
    """The date on the wall in ``zone`` at the instant ``at`` (aware)."""
    return at.astimezone(ZoneInfo(zone)).date()


def ends_at(day: date, zone: str) -> datetime:
    """The first instant (UTC) after ``day`` in ``zone``.

    Where the clock jumps over midnight, zoneinfo reads 00:00 with the old offset, which is the instant of the jump:
    the next day's true beginning. Where midnight comes twice on one date, the first counts.
    """
    midnight = datetime.combine(day + timedelta(days=1), time.min, ZoneInfo(zone))
    return midnight.astimezone(UTC)
