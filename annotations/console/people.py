"""A person's page: their day, their fortnight, how they work, what they can, what was changed of them; and what ops do
about it, with a reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.formats import date_format
from django.views.decorators.http import require_http_methods

from annotations import changes, pace, timesheets
from annotations import queries as work
from annotations.console import person_acts
from annotations.console.pages import page, show
from annotations.models import Lease, LeaseState
from config.acting import staff
from config.clock import database_now
from config.scope import seen
from workforce import capacity, queries
from workforce.days import ends_at, local_day
from workforce.models import Absence, DailyLimit, LimitLevel, QuotaDay, Reviewer, Skill
from workforce.queries import QuotaCell

FORTNIGHT = 14
# A skill that ends this soon is red: there is time to train or test the person again.
SOON = timedelta(days=14)
LIMITS_SHOWN, CHANGES_SHOWN, LEASES_SHOWN = 20, 30, 50
# The chart's units: one day is so wide, the highest bar so tall.
WIDE, TALL, FOOT = 50, 100, 118


@dataclass(frozen=True)
class Day:
    """One day of the fortnight, with its bar in the chart's units."""

    day: date
    done: int | None
    limit: int
    skips: int
    lapses: int
    active_ms: int
    x: int
    height: int
    line: int

    @property
    def y(self) -> int:
        return FOOT - self.height

    @property
    def middle(self) -> int:
        return self.x + WIDE // 2 - 3

    @property
    def fits(self) -> bool:
        """Whether the number finds room within the bar."""
        return self.height >= 16

    @property
    def above(self) -> int:
        return FOOT - 5 if self.fits else self.y - 4

    @property
    def percent(self) -> int:
        return round(100 * (self.done or 0) / self.limit) if self.limit else 0


@dataclass(frozen=True)
class Now:
    """What a person's day is at this moment."""

    cell: QuotaCell
    level: str
    shift_minutes: int
    could: int
    ends_at: datetime
    away: bool

    @property
    def shift_ms(self) -> int:
        return self.shift_minutes * 60_000

    @property
    def dry(self) -> bool:
        """Whether the quota ends before the shift does."""
        return bool(self.shift_minutes) and self.could >= self.cell.left


@dataclass(frozen=True)
class Known:
    """A skill of theirs."""

    skill: Skill
    over: bool
    soon: bool


def now_of(who: Reviewer, *, each: float, at: datetime) -> Now:
    """Quota and shift that are left today, by the person's own clock."""
    zone = who.zone_at(at)
    day = local_day(at, zone)
    end = ends_at(day, zone)
    cell = queries.quota_cells([who.pk], [day])[who.pk, day]
    left = capacity.left(who, start=at, end=end, at=at, pace=each)
    away = Absence.objects.filter(reviewer=who, cancelled_at=None, first_day__lte=day, last_day__gte=day).exists()
    return Now(cell, str(LimitLevel(cell.source).label), left.seconds // 60, left.tasks, end, away)


def fortnight(who: Reviewer, user: User, *, at: datetime) -> list[Day]:
    """The last fortnight and today, oldest first: done against allowed, skips, lapses and active time."""
    today = local_day(at, who.zone_at(at))
    days = [today - timedelta(days=back) for back in range(FORTNIGHT, -1, -1)]
    begun = {row.day: row for row in QuotaDay.objects.filter(reviewer=who, day__gte=days[0], day__lte=today)}
    lapses: Counter[date] = Counter()
    if user.has_perm("annotations.view_lease"):
        # By the day whose quota they held: leases have no index of a person's past.
        ended = Lease.objects.filter(quota_day__in=[row.pk for row in begun.values()], state=LeaseState.LAPSED)
        lapses.update(dict(ended.order_by().values_list("quota_day__day").annotate(count=Count("pk"))))
    active: dict[date, int] = {}
    if user.has_perm("annotations.view_timesheet"):
        sheets = timesheets.sheets(first=days[0], last=today).filter(reviewer=who)
        active = dict(sheets.values_list("day", "total_ms"))
    top = max((max(row.used, row.day_limit) for row in begun.values()), default=1) or 1
    return [
        Day(
            day=day,
            done=row.used if row else None,
            limit=row.day_limit if row else 0,
            skips=row.skips if row else 0,
            lapses=lapses[day],
            active_ms=active.get(day, 0),
            x=number * WIDE + 3,
            height=round(TALL * row.used / top) if row else 0,
            line=FOOT - round(TALL * row.day_limit / top) if row else 0,
        )
        for number, day in enumerate(days)
        for row in [begun.get(day)]
    ]


def skills_of(who: Reviewer, *, at: datetime) -> list[Known]:
    """What they can and could, those that end first before the others."""
    rows = Skill.objects.filter(reviewer=who, cancelled_at=None).select_related("author")
    known = [
        Known(row, bool(row.expires_at and row.expires_at <= at), bool(row.expires_at and row.expires_at <= at + SOON))
        for row in rows
    ]
    return sorted(known, key=lambda one: (one.skill.expires_at is None, one.skill.expires_at or at, one.skill.name))


def shown_to(user: User, who: Reviewer, *, at: datetime) -> dict[str, Any]:
    """All that the page shows to this member of staff, by what they may read."""
    found: dict[str, Any] = {
        "zone": who.zone_at(at),
        "wall": date_format(at.astimezone(ZoneInfo(who.zone_at(at))), "D H:i"),
    }
    measured = work.median_paces(
        [who.pk], since=at - pace.LOOKED_BACK, spans=pace.LATEST_SPANS, least=pace.LEAST_TASKS
    ).get(who.pk)
    if user.has_perm("workforce.view_quotaday"):
        found["now"] = now_of(who, each=max(pace.QUICKEST, measured or pace.DEFAULT_PACE), at=at)
        found["fortnight"] = days = fortnight(who, user, at=at)
        begun = [day for day in days if day.done is not None]
        found["done"], found["allowed"] = sum(day.done or 0 for day in begun), sum(day.limit for day in begun)
        found["begun"], found["skips"] = len(begun), sum(day.skips for day in days)
        found["lapses"] = sum(day.lapses for day in days)
        found["active_ms"] = sum(day.active_ms for day in days)
    if user.has_perm("annotations.view_timesheet"):
        found["speed"] = measured
    if user.has_perm("annotations.view_lease"):
        live = seen(user, Lease.objects.filter(reviewer=who, state=LeaseState.LIVE))
        found["leases"] = list(live.select_related("task__project").order_by("expires_at")[:LEASES_SHOWN])
    if user.has_perm("workforce.view_skill"):
        found["skills"] = skills_of(who, at=at)
    if user.has_perm("workforce.view_dailylimit"):
        limits = DailyLimit.objects.filter(reviewer=who).select_related("author").order_by("-id")
        found["limits"] = list(limits[:LIMITS_SHOWN])
    found["changes"] = changes.of_person(who, most=CHANGES_SHOWN, to=user)
    return found


@page("workforce.view_reviewer")
@require_http_methods(["GET", "HEAD", "POST"])
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """One person; others' are not there (404)."""
    user, at = staff(request), database_now()
    rows = Reviewer.objects.select_related("user", "team__region")
    who = seen(user, rows.filter(pk=pk)).first()
    if who is None:
        raise Http404
    forms = person_acts.forms_for(request, who)
    if request.method == "POST" and person_acts.act(request, who, forms, at=at):
        return redirect("person", pk=who.pk)
    context = {"title": str(who), "person": who, "at": at, "forms": forms}
    return show(request, "console/person.html", context | shown_to(user, who, at=at))
