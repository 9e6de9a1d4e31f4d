"""The admin's home: the day at a glance, in a handful of queries however many rows there are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Count, Min, Q, Sum
from django.db.models.functions import TruncHour
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from annotations.models import Annotation, Lease, LeaseState, Task, TaskState
from annotations.planning import forecasting
from annotations.planning.forecasting import Finish
from clips.models import (
    GRANTED,
    SHOWN,
    AccessEntry,
    Case,
    CaseState,
    Clip,
    ClipKind,
    ClipState,
    Faces,
    OwnerRequest,
    Purge,
    PurgeState,
    RequestState,
)
from config.acting import staff
from config.clock import database_now
from config.scope import all_or_seen
from workforce.days import local_day
from workforce.models import QuotaDay, Team
from workforce.queries import allowed_by_team


@dataclass(frozen=True)
class Card:
    """A number, what it counts, and the list behind it."""

    title: str
    value: int
    link: str
    alarming: bool = False


@dataclass(frozen=True)
class TeamRow:
    """One team's day."""

    name: str
    region: str
    local_time: str
    link: str
    open: int
    held: int
    full: int
    settled: int
    disputed: int
    oldest_due: datetime | None
    late: bool
    people: int
    used: int
    held_quota: int
    allowed: int

    @property
    def percent(self) -> int:
        return round(100 * self.used / self.allowed) if self.allowed else 0


@dataclass(frozen=True)
class FinishRow:
    """When one project's work will be done."""

    name: str
    link: str
    finish: Finish
    days_seen: int


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the home page shows; called by the admin's site."""
    at, user = database_now(), staff(request)
    return context | {
        "title": _("Today"),
        "at": at,
        "clips": clip_cards(at=at, to=user),
        "teams": team_rows(at=at, to=user),
        "hours": answers_by_hour(at=at, to=user),
        "foretold": finishes(at=at, to=user) if user.has_perm("annotations.view_project") else [],
    }


def clip_cards(*, at: datetime, to: User | None = None) -> list[Card]:
    """Clips by state; those that wait beyond their due time make the card stand out."""
    rows = all_or_seen(to, Clip.objects.all())
    counts = dict(rows.order_by().values_list("state").annotate(count=Count("pk")))
    late = set(rows.filter(due_at__lt=at - timedelta(minutes=2)).order_by().values_list("state", flat=True).distinct())
    url = reverse("admin:clips_clip_changelist")
    return [
        Card(
            state.label,
            counts.get(state.value, 0),
            f"{url}?{urlencode({'state__exact': state.value})}",
            alarming=state.value in late or (state == ClipState.FAILED and bool(counts.get(state.value))),
        )
        for state in ClipState
    ] + [
        *case_cards(at=at, to=to),
        *request_cards(at=at, to=to),
        *purge_cards(at=at, to=to),
        *sight_cards(at=at, to=to),
    ]


def case_cards(*, at: datetime, to: User | None = None) -> list[Card]:
    """What waits for a decision, and what has waited too long."""
    counts = (
        all_or_seen(to, Case.objects.all())
        .filter(state=CaseState.OPEN)
        .aggregate(open=Count("pk"), late=Count("pk", filter=Q(due_at__lt=at)))
    )
    url = f"{reverse('admin:clips_case_changelist')}?{urlencode({'state__exact': CaseState.OPEN.value})}"
    late = f", {counts['late']} late" if counts["late"] else ""
    return [Card(f"Open cases{late}", counts["open"], url, alarming=bool(counts["late"]))]


def request_cards(*, at: datetime, to: User | None = None) -> list[Card]:
    """What owners asked, and what must be answered before long; red before it is late."""
    lead = at + timedelta(days=settings.REQUEST_LEAD_DAYS)
    counts = (
        all_or_seen(to, OwnerRequest.objects.all())
        .filter(state=RequestState.OPEN)
        .aggregate(
            open=Count("pk"), red=Count("pk", filter=Q(due_at__lte=lead)), late=Count("pk", filter=Q(due_at__lt=at))
        )
    )
    said = f", {counts['late']} late" if counts["late"] else f", {counts['red']} due soon" if counts["red"] else ""
    query = {"due": "red"} if counts["red"] else {"state__exact": RequestState.OPEN.value}
    url = f"{reverse('admin:clips_ownerrequest_changelist')}?{urlencode(query)}"
    return [Card(f"Owners' requests{said}", counts["open"], url, alarming=bool(counts["red"]))]


def purge_cards(*, at: datetime, to: User | None = None) -> list[Card]:
    """Clips on their way out, and those that do not get there."""
    failing = Q(failures__gte=3, state__in=[PurgeState.WAITING, PurgeState.RUNNING])
    counts = (
        all_or_seen(to, Purge.objects.all())
        .exclude(state=PurgeState.DONE)
        .aggregate(
            open=Count("pk"), held=Count("pk", filter=Q(state=PurgeState.HELD)), failing=Count("pk", filter=failing)
        )
    )
    said = (
        f", {counts['failing']} failing" if counts["failing"] else f", {counts['held']} held" if counts["held"] else ""
    )
    query = urlencode({"needs": "failing"}) if counts["failing"] else ""
    url = f"{reverse('admin:clips_purge_changelist')}?{query}".rstrip("?")
    return [Card(f"Purges under way{said}", counts["open"], url, alarming=bool(counts["failing"]))]


def sight_cards(*, at: datetime, to: User | None = None) -> list[Card]:
    """How often footage was shown in the last day, to anybody: with faces and without, counted apart."""
    recent = all_or_seen(to, AccessEntry.objects.all()).filter(
        at__gte=at - timedelta(days=1), outcome=GRANTED, clip__kind=ClipKind.VIDEO
    )
    seen = recent.aggregate(**{faces.value: Count("pk", filter=Q(rendition=SHOWN[faces][0])) for faces in Faces})
    url = reverse("admin:clips_accessentry_changelist")
    return [Card(f"Shown {faces.label.lower()}, 24 h", seen[faces.value], url) for faces in Faces]


def team_rows(*, at: datetime, to: User | None = None) -> list[TeamRow]:
    """Each team: its tasks now, and today's annotations against its people's quota, by the team's own date."""
    teams = list(
        all_or_seen(to, Team.objects.select_related("region"))
        .annotate(
            people=Count("reviewers", filter=Q(reviewers__is_active=True), distinct=True),
        )
        .order_by("region__name", "name")
    )
    tasks: dict[int, Any] = {
        row["team"]: row
        for row in all_or_seen(to, Task.objects.all())
        .order_by()
        .values("team")
        .annotate(
            open=Count("pk", filter=Q(state=TaskState.OPEN)),
            full=Count("pk", filter=Q(state=TaskState.FULL)),
            settled=Count("pk", filter=Q(state=TaskState.SETTLED)),
            disputed=Count("pk", filter=Q(state=TaskState.DISPUTED)),
            oldest_due=Min("due_at", filter=Q(state=TaskState.OPEN)),
        )
    }
    held = dict(
        all_or_seen(to, Lease.objects.filter(state=LeaseState.LIVE))
        .order_by()
        .values_list("task__team")
        .annotate(count=Count("pk"))
    )
    allowed = allowed_by_team(at=at)
    days = {local_day(at, team.time_zone) for team in teams}
    begun: dict[tuple[int, date], Any] = {
        (row["reviewer__team"], row["day"]): row
        for row in all_or_seen(to, QuotaDay.objects.filter(day__in=days))
        .order_by()
        .values("reviewer__team", "day")
        .annotate(
            used_sum=Sum("used"),
            held_sum=Sum("held"),
        )
    }
    url = reverse("admin:annotations_task_changelist")
    rows = []
    for team in teams:
        day = begun.get((team.pk, local_day(at, team.time_zone)), {})
        task = tasks.get(team.pk, {})
        rows.append(
            TeamRow(
                name=team.name,
                region=team.region.name,
                local_time=f"{at.astimezone(ZoneInfo(team.time_zone)):%a %H:%M}",
                link=f"{url}?{urlencode({'team__id__exact': team.pk})}",
                open=task.get("open", 0),
                held=held.get(team.pk, 0),
                full=task.get("full", 0),
                settled=task.get("settled", 0),
                disputed=task.get("disputed", 0),
                oldest_due=task.get("oldest_due"),
                late=bool(task.get("oldest_due") and task["oldest_due"] < at),
                people=team.people,
                used=day.get("used_sum", 0),
                held_quota=day.get("held_sum", 0),
                allowed=allowed.get(team.pk, 0),
            )
        )
    return rows


def finishes(*, at: datetime, to: User | None = None) -> list[FinishRow]:
    """Each project with work that waits, and when that will be done."""
    url = reverse("admin:annotations_task_changelist")
    return [
        FinishRow(
            name=one.name,
            link=f"{url}?{urlencode({'project__id__exact': one.project_id})}",
            finish=one.finish,
            days_seen=one.days_seen,
        )
        for one in forecasting.forecasts(at=at, to=to).projects
    ]


def answers_by_hour(*, at: datetime, to: User | None = None) -> list[dict[str, Any]]:
    """Annotations in each of the last 24 hours, oldest first, with its bar in the chart's units."""
    first = at.replace(minute=0, second=0, microsecond=0) - timedelta(hours=23)
    rows = (
        all_or_seen(to, Annotation.objects.filter(submitted_at__gte=first))
        .order_by()
        .values_list(TruncHour("submitted_at", tzinfo=UTC))
        .annotate(count=Count("pk"))
    )
    counts = [0] * 24
    for hour, count in rows:
        counts[min(23, int((hour - first).total_seconds() // 3600))] += count
    top = max(counts) or 1
    tall, foot = 90, 111
    bars = []
    for place, count in enumerate(counts):
        height = round(tall * count / top)
        bars.append(
            {
                "hour": first + timedelta(hours=place),
                "count": count,
                "labelled": place % 3 == 2,
                "x": place * 30 + 3,
                "middle": place * 30 + 15,
                "y": foot - height,
                "above": foot - height - 4,
                "height": height,
            }
        )
    return bars
