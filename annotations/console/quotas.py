"""The quota board: people by days, what each may do and why, who runs dry, and who never fills it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.core.paginator import Page, Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from annotations import pace
from annotations.console.keeping import kept
from annotations.console.pages import page, show
from config import ahead
from config.acting import staff
from config.clock import database_now
from config.scope import seen
from workforce import capacity, queries
from workforce.days import local_day
from workforce.models import LimitLevel, Reviewer, Team
from workforce.queries import QuotaCell, QuotaUse

A_PAGE = 40
AROUND = 7
FORTNIGHT = timedelta(days=14)
# Who uses less of the days that they begin never fills them; fewer days than these say nothing yet.
FILLED_PERCENT, LEAST_DAYS = 60, 3
# What is left lasts no longer than this, while the shift goes on.
SOON = timedelta(hours=1)

DRY, IDLE = "dry", "idle"
# Who runs dry and who is idle is read of everybody, and shown again for so many seconds.
DRY_KEPT, IDLE_KEPT = 60, 600
FILTERS = [
    ("", gettext_lazy("Everybody")),
    (DRY, gettext_lazy("About to run dry")),
    (IDLE, gettext_lazy("Never fill it")),
]
# The mark of the level that says how many, as a cell shows it.
MARKS = {
    LimitLevel.GLOBAL: "G",
    LimitLevel.REGION: "R",
    LimitLevel.TEAM: "T",
    LimitLevel.REVIEWER: "P",
    LimitLevel.DAY: "D",
}


@dataclass(frozen=True)
class Today:
    """How long what is left of a person's day lasts, against what is left of their shift; both in minutes."""

    left: int
    lasts: int
    shift: int

    @property
    def dry(self) -> bool:
        """Whether they will have nothing to do before their shift ends, and soon."""
        return self.lasts < self.shift and self.lasts <= SOON.total_seconds() / 60


@dataclass(frozen=True)
class Line:
    """One person's line."""

    person: Reviewer
    today: Today | None
    use: QuotaUse | None
    cells: list[SafeString]
    """As they stand in the table."""

    @property
    def idle(self) -> bool:
        return self.use is not None and fills_little(self.use)


@dataclass(frozen=True)
class Board:
    """The lines of one page, and which days they are of."""

    days: list[date]
    groups: list[tuple[Team, list[Line]]]
    pages: Page[Any]


@dataclass(frozen=True)
class Asked:
    """Whom somebody wants to see."""

    team: str = ""
    name: str = ""
    only: str = ""
    number: str = "1"
    as_query: str = field(default="", compare=False)


def fills_little(use: QuotaUse) -> bool:
    """Whether somebody leaves much of their days, over enough of them to say so."""
    return use.days >= LEAST_DAYS and use.percent < FILLED_PERCENT


def today_of(people: Sequence[Reviewer], *, at: datetime) -> dict[int, Today]:
    """What is left today of each of these people who still work today, in a handful of statements."""
    days = {one.pk: local_day(at, one.zone_at(at)) for one in people}
    spans = capacity.working_spans({one.team_id for one in people}, start=at, end=at + timedelta(hours=36))
    cells = queries.quota_cells(list(days), sorted(set(days.values())))
    each = pace.paces(list(days), at=at)
    found = {}
    for one in people:
        zone, day = one.zone_at(at), days[one.pk]
        mine = [span for span in spans.get(one.pk, []) if local_day(span[0], zone) == day]
        seconds = sum((ends - begins).total_seconds() for begins, ends in mine)
        left = cells[one.pk, day].left
        if seconds:
            found[one.pk] = Today(left, round(left * each[one.pk] / 60), round(seconds / 60))
    return found


def dry(*, at: datetime) -> list[int]:
    """Who is about to run dry, of everybody."""
    everybody = list(Reviewer.objects.filter(is_active=True))
    today = today_of(everybody, at=at)
    return [one.pk for one in everybody if one.pk in today and today[one.pk].dry]


def keep_ahead(*, at: datetime) -> None:
    """Count for all processes who is about to run dry: it asks everybody's calendar and pace."""
    ahead.put("dry", dry(at=at), seconds=DRY_KEPT)


def idle(*, since: date, at: datetime) -> list[int]:
    """Who never fills their days, of everybody."""
    every = list(Reviewer.objects.filter(is_active=True).values_list("pk", flat=True))
    return [pk for pk, use in queries.quota_use(every, since=since, at=at).items() if fills_little(use)]


def only(rows: QuerySet[Reviewer], chosen: Collection[int]) -> list[int]:
    """The numbers of those who are chosen, in the order of the rows."""
    wanted = set(chosen)
    return [pk for pk in rows.values_list("pk", flat=True) if pk in wanted] if wanted else []


def people_asked(user: User, asked: Asked) -> QuerySet[Reviewer]:
    """Active people whom this person may find, in the board's order."""
    rows = seen(user, Reviewer.objects.filter(is_active=True)).select_related("user", "team__region")
    if asked.team.isascii() and asked.team.isdigit() and len(asked.team) < 19:
        rows = rows.filter(team=int(asked.team))
    if asked.name:
        named = ("user__username", "user__first_name", "user__last_name", "pseudonym")
        rows = rows.filter(Q(*((f"{way}__icontains", asked.name) for way in named), _connector=Q.OR))
    return rows.order_by("team__region__name", "team__name", "user__username", "pk")


def board(user: User, asked: Asked, *, at: datetime) -> Board:
    """One page of the board; as many statements however many people there are."""
    rows = people_asked(user, asked)
    reference = at.date()
    since = reference - FORTNIGHT
    found: Any = rows
    if asked.only == DRY:
        found = only(rows, kept("dry", seconds=DRY_KEPT, read=lambda: dry(at=at), told=list))
    elif asked.only == IDLE:
        found = only(rows, kept(f"idle-{since}", seconds=IDLE_KEPT, read=lambda: idle(since=since, at=at)))
    pages = Paginator(found, A_PAGE).get_page(asked.number)
    people = list(pages) if found is rows else list(rows.filter(pk__in=list(pages)))
    today = today_of(people, at=at)
    use = queries.quota_use([one.pk for one in people], since=since, at=at)
    todays = {one.pk: local_day(at, one.zone_at(at)) for one in people}
    days = days_around(todays.values() or [reference])
    cells = queries.quota_cells(list(todays), days)
    setting = reverse("quota-set") if user.has_perm("workforce.add_dailylimit") else ""
    said = {day: date_format(day, "j M") for day in days}
    lines = [
        Line(
            person=one,
            today=today.get(one.pk),
            use=use.get(one.pk),
            cells=shown(one, (cells[one.pk, day] for day in days), said, today=todays[one.pk], setting=setting),
        )
        for one in people
    ]
    groups = [(team, list(mine)) for team, mine in groupby(lines, key=lambda line: line.person.team)]
    return Board(days, groups, pages)


def days_around(todays: Collection[date]) -> list[date]:
    """A week before and after everybody's today."""
    first, last = min(todays) - timedelta(days=AROUND), max(todays) + timedelta(days=AROUND)
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def shown(
    person: Reviewer, cells: Iterable[QuotaCell], days: Mapping[date, str], *, today: date, setting: str
) -> list[SafeString]:
    """The cells of a person's line with their words; ``days`` as they are said, and ``setting``, where a day's number
    is set: blank for who may not.

    Hundreds stand on a page, and a template takes many times as long for one.
    """
    name, found = str(person), []
    limits: dict[tuple[int, str], tuple[str, SafeString]] = {}
    for cell in cells:
        if (cell.limit, cell.source) not in limits:
            level = LimitLevel(cell.source)
            said = _("%(limit)d a day, by the limit for: %(level)s") % {
                "limit": cell.limit,
                "level": level.label.lower(),
            }
            mark = format_html('{}<sup class="sl-mark sl-mark-{}">{}</sup>', cell.limit, MARKS[level], MARKS[level])
            limits[cell.limit, cell.source] = said, mark
        said, number = limits[cell.limit, cell.source]
        if cell.begun:
            said += "; " + _("%(used)d used, %(held)d held") % {"used": cell.used, "held": cell.held}
            held = format_html('<span class="sl-quiet">+{}</span>', cell.held) if cell.held else ""
            number = format_html("<strong>{}</strong>{}<br>/{}", cell.used, held, number)
        if setting and cell.day >= today:
            asked = urlencode({"reviewer": cell.reviewer_id, "day": cell.day.isoformat()})
            named = f"{name}, {days[cell.day]}: {said}"
            number = format_html('<a href="{}?{}" aria-label="{}">{}</a>', setting, asked, named, number)
        framed = " sl-today" if cell.day == today else ""
        found.append(format_html('<td class="sl-day{}" title="{}">{}</td>', framed, said, number))
    return found


def asked_of(request: HttpRequest) -> Asked:
    """What the address asks for."""
    found = {name: request.GET.get(name, "").strip()[:80] for name in ("team", "name", "only")}
    return Asked(
        **found,
        number=request.GET.get("p", "1"),
        as_query=urlencode({name: value for name, value in found.items() if value}),
    )


@page("workforce.view_quotaday")
@require_safe
def quotas(request: HttpRequest) -> HttpResponse:
    """People by days."""
    user, at, asked = staff(request), database_now(), asked_of(request)
    context = {
        "title": _("Quota board"),
        "board": board(user, asked, at=at),
        "asked": asked,
        "teams": list(seen(user, Team.objects.select_related("region")).order_by("region__name", "name")),
        "filters": FILTERS,
        "marks": [(mark, LimitLevel(level).label) for level, mark in MARKS.items()],
        "may_set": user.has_perm("workforce.add_dailylimit"),
        "at": at,
        "filled": FILLED_PERCENT,
    }
    return show(request, "console/quotas.html", context)
