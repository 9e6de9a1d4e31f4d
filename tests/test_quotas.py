"""Quotas: levels, reasons, odd days, and numbers that cannot be overrun."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction

from annotations import leasing
from annotations.models import Lease
from config.clock import database_now
from tests.conftest import signed_in
from workforce import people, quotas
from workforce.days import local_day
from workforce.errors import QuotaExhausted
from workforce.models import QuotaDay

pytestmark = pytest.mark.django_db
LONG_AGO = date(2026, 1, 1)


def limit(value: int, by, **fields):
    return quotas.set_limit(value, reason="because", by=by, **({"from_day": LONG_AGO} | fields))


def test_the_most_particular_limit_counts_and_the_day_can_be_explained(asha, ravi) -> None:
    today = local_day(database_now(), "Asia/Kolkata")
    assert [(step.level, step.value, step.counts) for step in quotas.explain(asha, today)] == [("global", 150, True)]
    limit(140, asha.user)
    limit(130, asha.user, region=asha.team.region)
    limit(120, asha.user, team=asha.team)
    limit(110, asha.user, reviewer=asha)
    limit(200, asha.user, reviewer=asha, from_day=today, one_day=True)
    steps = quotas.explain(asha, today)
    assert [(step.level, step.value, step.counts) for step in steps] == [
        ("global", 140, False),
        ("region", 130, False),
        ("team", 120, False),
        ("reviewer", 110, False),
        ("day", 200, True),
    ]
    assert steps[-1].limit is not None
    assert (steps[-1].limit.reason, steps[-1].limit.author) == ("because", asha.user)
    assert quotas.explain(asha, today + timedelta(days=1))[-1].level == "reviewer"
    assert quotas.today(ravi, at=database_now()).day_limit == 120


def test_a_limit_counts_from_its_day(asha) -> None:
    today = local_day(database_now(), "Asia/Kolkata")
    limit(10, asha.user, reviewer=asha, from_day=today + timedelta(days=1))
    assert quotas.explain(asha, today)[-1].value == 150
    assert quotas.explain(asha, today + timedelta(days=1))[-1].value == 10


def test_a_limit_lowered_below_what_is_used_stops_new_leases_and_breaks_nothing(tasks, asha) -> None:
    leases = leasing.lease_next(asha.user_id, count=3).lease_ids
    limit(1, asha.user, reviewer=asha)
    day = QuotaDay.objects.get(reviewer=asha)
    assert (day.day_limit, day.allowed, day.held, day.left) == (1, 3, 3, 0)
    with pytest.raises(QuotaExhausted):
        leasing.lease_next(asha.user_id, count=1)
    leasing.give_back(asha, leases[0], at=database_now())
    day.refresh_from_db()
    assert (day.allowed, day.held) == (2, 2)
    with pytest.raises(QuotaExhausted):
        leasing.lease_next(asha.user_id, count=1)
    limit(5, asha.user, reviewer=asha)
    day.refresh_from_db()
    assert (day.day_limit, day.allowed, day.left) == (5, 5, 3)


def test_the_database_itself_refuses_more_than_is_allowed(tasks, asha) -> None:
    leasing.lease_next(asha.user_id, count=1)
    with pytest.raises(IntegrityError, match="quota_day_within_allowed"), transaction.atomic():
        QuotaDay.objects.update(used=150)


def test_a_limit_needs_a_reason(asha) -> None:
    with pytest.raises(ValidationError):
        quotas.set_limit(5, reason="", by=asha.user, from_day=LONG_AGO)


def test_a_moved_zone_counts_from_the_next_local_day(asha) -> None:
    at = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    begins = people.move_zone(asha, "America/Los_Angeles", at=at)
    assert begins == datetime(2026, 11, 22, 18, 30, tzinfo=UTC)
    assert asha.zone_at(at) == "Asia/Kolkata"
    assert asha.zone_at(begins) == "America/Los_Angeles"
    # West: the label of the day that just ended comes again, and with it its row and what is used of it.
    assert local_day(begins, asha.zone_at(begins)) == date(2026, 11, 22)
    with pytest.raises(ValidationError):
        people.move_zone(asha, "Mars/Olympus", at=at)


@pytest.mark.parametrize(
    "zone", ["Asia/Kolkata", "Europe/Bucharest", "America/Havana", "Pacific/Kiritimati", "Etc/GMT+12"]
)
def test_sql_and_python_agree_whose_day_it_is(asha, zone) -> None:
    asha.time_zone = zone
    asha.save(update_fields=["time_zone"])
    for hours in range(0, 24 * 400, 7):
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
        if hours % 91 == 0:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT (%s AT TIME ZONE sightline_zone(r, %s))::date FROM workforce_reviewer r WHERE id = %s",
                    [at, at, asha.pk],
                )
                assert cursor.fetchone() == (local_day(at, zone),)


def test_a_reviewer_sees_their_history(tasks, asha) -> None:
    leasing.lease_next(asha.user_id, count=2)
    QuotaDay.objects.create(
        reviewer=asha, day=date(2026, 1, 5), time_zone="Asia/Kolkata", day_limit=150, limit_source="global",
        allowed=150, used=149,
    )  # fmt: skip
    reply = signed_in(asha.user).get("/api/v1/me/days")
    assert reply.status_code == 200
    days = reply.json()["days"]
    assert [day["used"] for day in days] == [0, 149]
    assert days[0]["held"] == 2
    assert days[0]["limit_source"] == "global"


def test_counters_equal_rows_after_a_mixed_morning(tasks, asha) -> None:
    first, second, third = leasing.lease_next(asha.user_id, count=3).lease_ids
    leasing.give_back(asha, first, at=database_now())
    Lease.objects.filter(pk=second).update(
        granted_at=datetime(2026, 1, 1, tzinfo=UTC), expires_at=datetime(2026, 1, 2, tzinfo=UTC)
    )
    leasing.sweep_lapsed(at=database_now())
    day = QuotaDay.objects.get(reviewer=asha)
    assert (day.held, day.used) == (1, 0)
    assert Lease.objects.get(state="live").pk == third
