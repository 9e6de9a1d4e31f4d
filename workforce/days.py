"""Local days: which day it is for somebody, and when it ends. Pure; the instant comes from PostgreSQL's clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays
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


@lru_cache(maxsize=1024)
def holidays_of(country: str, year: int) -> dict[date, str]:
    """The public holidays of a whole country in a year, with their names; none for a country that is not known.

    They are computed by the package ``holidays`` and never stored: what a state or a firm adds is a closure.
    """
    try:
        found = holidays.country_holidays(country, years=year, language="en_US")
    except NotImplementedError:
        return {}
    return {day: name for day, name in sorted(found.items()) if day.year == year}


def holidays_between(country: str, first: date, last: date) -> frozenset[date]:
    """The public holidays of a country from one day to another, both inclusive."""
    return frozenset(
        day for year in range(first.year, last.year + 1) for day in holidays_of(country, year) if first <= day <= last
    )
