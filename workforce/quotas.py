"""A day's quota: what the limits say, what is left of it, and how it moves.

Taking units is part of the one statement that grants leases (``annotations/queries.py``); here is the rest. Lock order
everywhere: quota day, then task, then lane, then lease.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from workforce import days, queries
from workforce.errors import QuotaExhausted, SkipsExhausted
from workforce.models import DailyLimit, LimitLevel, QuotaDay, Region, Reviewer, Team

SKIPS_A_DAY = 20


@dataclass(frozen=True)
class Standing:
    """A day as a claim left it: what clients are told of it, without a row to save."""

    day: date
    time_zone: str
    day_limit: int
    used: int
    held: int

    @property
    def left(self) -> int:
        """What may still be taken; nothing when the limit was lowered below what is used and held."""
        return max(0, self.day_limit - self.used - self.held)


def today(reviewer: Reviewer, *, at: datetime) -> QuotaDay:
    """The reviewer's quota day at this instant; unsaved, all left, when they have not begun it."""
    zone = reviewer.zone_at(at)
    day = days.local_day(at, zone)
    found = QuotaDay.objects.filter(reviewer=reviewer, day=day).first()
    if found is not None:
        return found
    value, source = queries.limit_on(reviewer.pk, day)
    return QuotaDay(reviewer=reviewer, day=day, time_zone=zone, allowed=value, day_limit=value, limit_source=source)


def exhausted(quota: Standing, *, at: datetime) -> QuotaExhausted:
    """The refusal for a day with nothing left, with the time when the next begins."""
    resets_at = days.ends_at(quota.day, quota.time_zone)
    held = f" {quota.held} of them are leases you hold." if quota.held else ""
    return QuotaExhausted(
        f"All {quota.day_limit} of {quota.day} are used or held.{held} The next day begins at {resets_at.isoformat()}.",
        retry_after=(resets_at - at).total_seconds(),
        quota=describe(quota),
    )


def give_back(quota_day_id: int) -> None:
    """Return one held unit to the day it was held from. A lowered limit takes the unit that came back."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("quota moves only inside the transaction that uses it")
    moved = QuotaDay.objects.filter(pk=quota_day_id).update(
        held=F("held") - 1, allowed=Greatest(F("day_limit"), F("used") + F("held") - 1)
    )
    if moved != 1:
        raise RuntimeError(f"quota day {quota_day_id} is gone")


def spend(quota_day_id: int) -> None:
    """Count one held unit as used, where work was done that ends without an answer."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("quota moves only inside the transaction that uses it")
    if QuotaDay.objects.filter(pk=quota_day_id).update(held=F("held") - 1, used=F("used") + 1) != 1:
        raise RuntimeError(f"quota day {quota_day_id} is gone")


def spend_skip(quota_day_id: int) -> None:
    """Count one skip of the day, while the day has any left. Raises :class:`SkipsExhausted`."""
    if QuotaDay.objects.filter(pk=quota_day_id, skips__lt=SKIPS_A_DAY).update(skips=F("skips") + 1) != 1:
        raise SkipsExhausted(f"{SKIPS_A_DAY} skips a day are allowed. Give the task back, or answer it.")


def describe(quota: QuotaDay | Standing) -> dict[str, object]:
    """The day as clients see it."""
    return {
        "day": quota.day.isoformat(),
        "allowed": quota.day_limit,
        "used": quota.used,
        "held": quota.held,
        "left": quota.left,
        "resets_at": days.ends_at(quota.day, quota.time_zone).isoformat(),
    }


def described(day: QuotaDay) -> dict[str, object]:
    """A day of the reviewer's history as they see it."""
    return describe(day) | {"limit_source": day.limit_source, "exposed_seconds": day.exposed_ms // 1000}


@dataclass(frozen=True)
class Step:
    """One limit that speaks of a reviewer's day, and whether it is the one that counts."""

    level: str
    value: int
    counts: bool
    limit: DailyLimit | None


@transaction.atomic
def set_limit(
    value: int,
    *,
    reason: str,
    by: User,
    from_day: date,
    region: Region | None = None,
    team: Team | None = None,
    reviewer: Reviewer | None = None,
    one_day: bool = False,
) -> DailyLimit:
    """Set how many clips a day for everybody, a region, a team or a reviewer, from a day on or for just that day.

    Days that have begun are brought up to date; a limit below what is used and held stops new leases and breaks
    nothing. Raises ValidationError.
    """
    level = LimitLevel.GLOBAL
    if region is not None:
        level = LimitLevel.REGION
    if team is not None:
        level = LimitLevel.TEAM
    if reviewer is not None:
        level = LimitLevel.DAY if one_day else LimitLevel.REVIEWER
    limit = DailyLimit(
        level=level,
        region=region,
        team=team,
        reviewer=reviewer,
        value=value,
        from_day=from_day,
        reason=reason,
        author=by,
    )
    limit.full_clean()
    limit.save(force_insert=True)
    queries.refresh_begun_days(limit)
    return limit


def explain(reviewer: Reviewer, day: date) -> list[Step]:
    """Every limit that speaks of this reviewer's day, the one that counts marked; the most particular last."""
    value, source = queries.limit_on(reviewer.pk, day)
    found: list[Step] = []
    for level in LimitLevel:
        rows = DailyLimit.objects.filter(level=level)
        if level == LimitLevel.REGION:
            rows = rows.filter(region=reviewer.team.region_id)
        elif level == LimitLevel.TEAM:
            rows = rows.filter(team=reviewer.team_id)
        elif level in {LimitLevel.REVIEWER, LimitLevel.DAY}:
            rows = rows.filter(reviewer=reviewer)
        rows = rows.filter(from_day=day) if level == LimitLevel.DAY else rows.filter(from_day__lte=day)
        limit = rows.select_related("author").order_by("-from_day", "-id").first()
        if limit is not None:
            found.append(Step(level, limit.value, level == source, limit))
        elif level == LimitLevel.GLOBAL:
            found.append(Step(level, value if source == level else queries.DEFAULT_LIMIT, level == source, None))
    return found
