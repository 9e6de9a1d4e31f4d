"""Local days: odd midnights of 2026 and 2027, and lengths of 22 to 26 hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError

from workforce.days import check_zone, ends_at, local_day


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Asia/Kolkata", date(2026, 11, 22), 24),
        ("Europe/Bucharest", date(2027, 3, 28), 23),
        ("Europe/Bucharest", date(2027, 10, 31), 25),
        ("Africa/Cairo", date(2026, 4, 24), 23),  # no 00:00
        ("America/Havana", date(2026, 3, 8), 23),  # no 00:00
        ("America/Havana", date(2026, 11, 1), 25),  # 00:00 twice
        ("Asia/Beirut", date(2026, 3, 29), 23),  # no 00:00
        ("Atlantic/Azores", date(2026, 10, 25), 25),  # 00:00 twice
        ("America/Santiago", date(2026, 9, 6), 23),  # no 00:00
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
    ],
)
def test_a_day_begins_where_the_one_before_ends(zone, day, hours) -> None:
    begins, ends = ends_at(day - timedelta(days=1), zone), ends_at(day, zone)
    assert (ends - begins) == timedelta(hours=hours)
    assert local_day(begins, zone) == day
    assert local_day(begins - timedelta(microseconds=1), zone) == day - timedelta(days=1)
    assert local_day(ends - timedelta(microseconds=1), zone) == day
    assert local_day(ends, zone) == day + timedelta(days=1)


def test_the_same_instant_is_another_day_elsewhere() -> None:
    at = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)
    assert local_day(at, "Asia/Kolkata") == date(2026, 11, 23)
    assert local_day(at, "Europe/Bucharest") == date(2026, 11, 22)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "Asia/Kolkata\0", "/usr/share", "x" * 300])
def test_a_zone_that_does_not_exist_is_refused(name) -> None:
    with pytest.raises(ValidationError):
        check_zone(name)
