"""The console's home: the day at a glance. One live part that is asked for anew every few seconds, and two that take
longer and come when they are ready: what is foretold, and the last fortnight."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from annotations.console import alerts, charts, counts, queries
from annotations.console.keeping import kept
from annotations.console.queries import Answered, Waiting
from annotations.planning import forecasting
from annotations.planning.forecasting import ProjectForecast
from clips.models import queue_of
from config import ahead, pulse
from config.acting import staff
from config.clock import database_now
from config.scope import scope_of
from workforce import queries as people
from workforce.queries import TeamDay

# How long what is dear to count is shown again, in seconds.
WAITING_KEPT, FORTNIGHT_KEPT = 15, 600
DAYS = 14
NOTHING = Waiting(0, 0, 0, 0, 0, 0, None, None)


@dataclass(frozen=True)
class Row:
    """A team's day; or a region's, which is the sum of its teams'."""

    name: str
    link: str
    team_id: int
    """0: a region."""
    local_time: str
    is_paused: bool
    open: int
    held: int
    disputed: int
    late: int
    oldest: datetime | None
    people: int
    paused: int
    dry: int
    used: int
    allowed: int
    left: int
    an_hour: int


@dataclass(frozen=True)
class Place:
    """A region with its teams."""

    name: str
    whole: Row
    teams: list[Row]


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What the home page shows; called by the admin's site."""
    return context | {"title": _("Today")} | now(staff(request))


@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """The part of the home that is asked for anew."""
    return TemplateResponse(request, "console/today/now.html", now(staff(request)))


@require_safe
def foretold(request: HttpRequest) -> HttpResponse:
    """When what waits will be done, by project and by team."""
    user = staff(request)
    context = {"may": user.has_perm("annotations.view_project"), "projects": list[ProjectForecast](), "teams": {}}
    if context["may"]:
        at = database_now()
        told = forecasting.forecasts(at=at, to=user)
        context |= {"projects": told.projects, "told_at": told.at, "teams": forecasting.of_teams(at=at, to=user)}
    return TemplateResponse(request, "console/today/foretold.html", context)


@require_safe
def fortnight(request: HttpRequest) -> HttpResponse:
    """What was done in the last fortnight."""
    return TemplateResponse(request, "console/today/fortnight.html", fortnight_of(staff(request)))


def now(user: User) -> dict[str, Any]:
    """All that the live part shows to this person."""
    at = database_now()
    mine = teams_of(user)
    days = people.today_by_team(mine, at=at)
    waits = {one.team_id: one for one in kept("waiting", seconds=WAITING_KEPT, read=lambda: queries.waiting(at=at))}
    first = _first(at)
    answers = [one for one in answered(first=first, at=at) if mine is None or one.team_id in mine]
    told = counts.told(at=at, to=user)
    rows = [_row(day, waits.get(day.team_id, NOTHING), answers, at=at) for day in days]
    codes = {day.region for day in days} | set(scope_of(user).regions)
    regions = [code for code in settings.REGIONS if scope_of(user).everywhere or code in codes]
    heart = pulse.read(["general", *map(queue_of, regions)])
    return {
        "at": at,
        "places": places(days, rows),
        "cards": counts.cards(told, user),
        "heart": heart,
        "queues": _queues(heart, told, regions, at=at),
        "alerts": alerts.alerts(
            user, at=at, days=days, waits=waits, told=told, heart=heart, plan=counts.unplaced(user), audit=_audit(user)
        ),
        "hours": by_hour(answers, first=first),
        "kept_seconds": WAITING_KEPT,
    }


def answered(*, first: datetime, at: datetime) -> list[Answered]:
    """All teams' answers by hour. Hours that are long over do not change: they are read once an hour."""
    fresh = _fresh(at)
    found: list[Answered] = []

    def read() -> list[Answered]:
        found.extend(queries.answered(since=first, at=at))
        return [one for one in found if one.hour < fresh]

    over = kept(_hours_over(fresh), seconds=3600, read=read, told=lambda said: [_answered(*one) for one in said])
    return found or [*over, *queries.answered(since=fresh, at=at)]


def keep_ahead(*, at: datetime) -> None:
    """Count for all processes, once an hour, the answers of hours that are over."""
    fresh = _fresh(at)
    if ahead.get(_hours_over(fresh)) is None:
        found = queries.answered(since=_first(at), at=at)
        over = [(one.team_id, one.hour.isoformat(), one.answers, one.lately) for one in found if one.hour < fresh]
        ahead.put(_hours_over(fresh), over, seconds=3600)


def _first(at: datetime) -> datetime:
    """The first of the 24 hours that are shown."""
    return at.replace(minute=0, second=0, microsecond=0) - timedelta(hours=23)


def _fresh(at: datetime) -> datetime:
    """What came since then may still change."""
    return at.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)


def _hours_over(fresh: datetime) -> str:
    return f"answered-{fresh:%Y-%m-%dT%H}"


def _answered(team_id: int, hour: str, answers: int, lately: int) -> Answered:
    return Answered(team_id, datetime.fromisoformat(hour), answers, lately)


def teams_of(user: User) -> set[int] | None:
    """The teams whose figures are this person's; None: all. How much work a team has tells nothing about a clip, so
    figures of teams are counted once for all."""
    scope = scope_of(user)
    return None if scope.everywhere else set(scope.teams)


def _audit(user: User) -> list[str]:
    return counts.broken_promises() if alerts.hears_of_audits(user) else []


def _row(day: TeamDay, waits: Waiting, answers: Iterable[Answered], *, at: datetime) -> Row:
    return Row(
        name=day.name,
        link=f"{reverse('admin:annotations_task_changelist')}?team__id__exact={day.team_id}",
        team_id=day.team_id,
        local_time=date_format(at.astimezone(ZoneInfo(day.time_zone)), "D H:i"),
        is_paused=day.is_paused,
        open=waits.open,
        held=day.held,
        disputed=waits.disputed,
        late=waits.late,
        oldest=waits.oldest,
        people=day.people,
        paused=day.paused,
        dry=day.dry,
        used=day.used,
        allowed=day.allowed,
        left=0 if day.is_paused else day.left,
        an_hour=sum(one.lately for one in answers if one.team_id == day.team_id),
    )


def places(days: Sequence[TeamDay], rows: Sequence[Row]) -> list[Place]:
    """Teams under their regions, each region with what they add up to."""
    found: dict[str, list[Row]] = defaultdict(list)
    for day, row in zip(days, rows, strict=True):
        found[day.region_name].append(row)
    return [Place(name, _whole(name, teams), teams) for name, teams in found.items()]


def _whole(name: str, teams: Sequence[Row]) -> Row:
    fields = ("open", "held", "disputed", "late", "people", "paused", "dry", "used", "allowed", "left", "an_hour")
    return Row(
        name=name,
        link="",
        team_id=0,
        local_time="",
        is_paused=False,
        oldest=min((one.oldest for one in teams if one.oldest), default=None),
        **{field: sum(getattr(one, field) for one in teams) for field in fields},
    )


def _queues(heart: pulse.Pulse, told: dict[str, Any], regions: Sequence[str], *, at: datetime) -> list[dict[str, Any]]:
    """Each queue with how far behind it is: a region's by its rows, which are the truth; the general one by when a
    message was last taken."""
    since: dict[str, datetime | None] = {queue_of(code): told[f"oldest in {code}"] for code in regions}
    found = []
    for one in heart.queues:
        taken = max((worker.taken_at for worker in one.workers if worker.taken_at), default=None)
        behind = since.get(one.name) if one.name in since else taken if one.waiting else None
        found.append({"queue": one, "since": behind, "taken": taken, "slow": behind and at - behind > counts.SLOW})
    return found


def by_hour(answers: Iterable[Answered], *, first: datetime) -> charts.Chart:
    """Answers of the last 24 hours, in the hours of who looks."""
    totals = [0.0] * 24
    for one in answers:
        totals[min(23, int((one.hour - first).total_seconds() // 3600))] += one.answers
    columns = [f"{timezone.localtime(first + timedelta(hours=place)):%H:%M}" for place in range(24)]
    return charts.bars(_("Answers in the last 24 hours"), columns, [(_("Answers"), totals)], every=3)


def fortnight_of(user: User) -> dict[str, Any]:
    """Charts of the last fortnight, of this person's teams; read for all teams now and then."""
    at = database_now()
    first = at.date() - timedelta(days=DAYS - 1)
    past, lapsed, waits, counted_at = kept(
        f"fortnight-{first}",
        seconds=FORTNIGHT_KEPT,
        read=lambda: (
            people.past_days(since=first),
            queries.lapses(since=first),
            queries.waits(since=at - timedelta(days=DAYS - 1), at=at),
            at,
        ),
    )
    mine = teams_of(user)
    names = {one.team_id: one.name for one in people.today_by_team(mine, at=at)}
    # East of here the next day may have begun.
    last = max([at.date(), *(one.day for one in past if one.team_id in names)])
    days = [last - timedelta(days=DAYS - 1 - place) for place in range(DAYS)]
    columns = [date_format(day, "d M") for day in days]

    def sums(found: Iterable[tuple[int, Any, int]], teams: set[int]) -> list[float]:
        totals = dict.fromkeys(days, 0.0)
        for team, day, count in found:
            if team in teams and day in totals:
                totals[day] += count
        return list(totals.values())

    done = [(one.team_id, one.day, one.used) for one in past]
    most = sorted(names, key=lambda team: -sum(count for of, _day, count in done if of == team))
    shown, others = most[: charts.COLOURS - 1], set(most[charts.COLOURS - 1 :])
    series = [(names[team], sums(done, {team})) for team in shown]
    if others:
        series.append((_("Other teams"), sums(done, others)))
    skips = sums(((one.team_id, one.day, one.skips) for one in past), set(names))
    hours: dict[Any, list[float]] = defaultdict(list)
    for team, day, seconds in waits:
        if team in names:
            hours[day].append(seconds / 3600)
    return {
        "counted_at": counted_at,
        "charts": [
            charts.bars(_("Done, by team"), columns, series, every=3, width=charts.HALF),
            charts.lines(
                _("Hours from task to answer"),
                columns,
                [(_("Half within"), _share(hours, days, 50)), (_("Nine in ten within"), _share(hours, days, 90))],
                every=3,
                width=charts.HALF,
            ),
            charts.bars(
                _("Lapses and skips"),
                columns,
                [(_("Lapses"), sums(lapsed, set(names))), (_("Skips"), skips)],
                every=3,
                width=charts.HALF,
            ),
        ],
    }


def _share(found: dict[Any, list[float]], days: Sequence[Any], percent: int) -> list[float | None]:
    return [round(float(np.percentile(found[day], percent)), 2) if found.get(day) else None for day in days]
