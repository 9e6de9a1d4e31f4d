"""Spending a day's quota. Lock order everywhere: quota day, then task, then lease.

The quota row comes first because it is the reviewer's own: people never wait for each other on it, and holding it makes
one reviewer's parallel calls line up before they reach the rows that everybody shares.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F

from workforce import days
from workforce.errors import QuotaExhausted
from workforce.models import QuotaDay, Reviewer


def today(reviewer: Reviewer, *, at: datetime) -> QuotaDay:
    """The reviewer's quota day at this instant; unsaved, all left, when they have not begun it."""
    day = days.local_day(at, reviewer.team.time_zone)
    found = QuotaDay.objects.filter(reviewer=reviewer, day=day).first()
    return found or QuotaDay(
        reviewer=reviewer, day=day, time_zone=reviewer.team.time_zone, allowed=reviewer.daily_quota
    )


def hold(reviewer: Reviewer, *, wanted: int, at: datetime) -> tuple[QuotaDay, int]:
    """Hold up to ``wanted`` units of the reviewer's day and lock it; returns the day and how many were held.

    Must run inside the transaction that grants the leases. Raises :class:`QuotaExhausted` when none is left.
    """
    _require_transaction()
    zone = reviewer.team.time_zone
    day = days.local_day(at, zone)
    QuotaDay.objects.bulk_create(
        [QuotaDay(reviewer=reviewer, day=day, time_zone=zone, allowed=reviewer.daily_quota)], ignore_conflicts=True
    )
    quota = QuotaDay.objects.select_for_update().get(reviewer=reviewer, day=day)
    granted = min(wanted, quota.left)
    if granted <= 0:
        raise exhausted(quota, at=at)
    _move(quota.pk, held=granted)
    quota.held += granted
    return quota, granted


def exhausted(quota: QuotaDay, *, at: datetime) -> QuotaExhausted:
    """The refusal for a day with nothing left, with the time when the next begins."""
    resets_at = days.ends_at(quota.day, quota.time_zone)
    held = f" {quota.held} of them are leases you hold." if quota.held else ""
    return QuotaExhausted(
        f"All {quota.allowed} of {quota.day} are used or held.{held} The next day begins at {resets_at.isoformat()}.",
        retry_after=(resets_at - at).total_seconds(),
        quota=describe(quota),
    )


def give_back(quota_day_id: int, *, units: int = 1) -> None:
    """Return held units to the day they were held from."""
    _require_transaction()
    if units:
        _move(quota_day_id, held=-units)


def spend(quota_day_id: int) -> None:
    """Turn one held unit into a used one."""
    _require_transaction()
    _move(quota_day_id, held=-1, used=1)


def describe(quota: QuotaDay) -> dict[str, object]:
    """The day as clients see it."""
    return {
        "day": quota.day.isoformat(),
        "allowed": quota.allowed,
        "used": quota.used,
        "held": quota.held,
        "left": quota.left,
        "resets_at": days.ends_at(quota.day, quota.time_zone).isoformat(),
    }


def _move(quota_day_id: int, *, held: int, used: int = 0) -> None:
    moved = QuotaDay.objects.filter(pk=quota_day_id).update(held=F("held") + held, used=F("used") + used)
    if moved != 1:
        raise RuntimeError(f"quota day {quota_day_id} is gone")


def _require_transaction() -> None:
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("quota moves only inside the transaction that uses it")
