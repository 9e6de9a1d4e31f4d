"""The calendar: four weeks of teams, and what a closure or an absence does before it is put in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from annotations.console.pages import page, show
from annotations.console.what_if import Foreseen, foresee
from config.acting import staff
from config.clock import database_now
from config.history import LONGEST, ReasonMissing
from config.scope import scope_of, seen
from workforce import calendars
from workforce.days import holidays_of
from workforce.models import Absence, Closure, Reviewer, Shift, Team, WorkedHoliday
from workforce.scopes import reaches
from workforce.shifts import Hours

SHOWN = 28
# Teams of one page.
A_PAGE = 8
# People are chosen from a list up to here, and by their sign-in beyond.
MOST_OFFERED = 300
MOST_DAYS = 366
KINDS: dict[str, type[Closure | Absence | WorkedHoliday]] = {
    "closure": Closure,
    "absence": Absence,
    "worked": WorkedHoliday,
}


@dataclass(frozen=True)
class Day:
    """One team's one day."""

    day: date
    shifts: list[str]
    closed: list[Closure]
    holidays: list[str]
    worked: list[WorkedHoliday]
    away: list[Absence]

    @property
    def off(self) -> bool:
        """Whether all day nobody works."""
        return any(row.begins is None for row in self.closed)


class RowForm(forms.Form):
    """A closure of a team, or an absence of a person."""

    team = forms.ModelChoiceField(
        label=gettext_lazy("Close a team"),
        queryset=Team.objects.none(),
        required=False,
        empty_label=gettext_lazy("no team"),
    )
    reviewer = forms.ModelChoiceField(
        label=gettext_lazy("or: away is"),
        queryset=Reviewer.objects.none(),
        required=False,
        empty_label=gettext_lazy("nobody"),
    )
    first_day = forms.DateField(label=gettext_lazy("First day"), widget=forms.DateInput(attrs={"type": "date"}))
    last_day = forms.DateField(
        label=gettext_lazy("Last day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=gettext_lazy("Blank: one day."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Why it is closed"),
        max_length=200,
        required=False,
        help_text=gettext_lazy("Such as Diwali; people see it. Of an absence it is not asked."),
    )

    def __init__(self, *args: Any, user: User, **options: Any) -> None:
        super().__init__(*args, **options)
        for name, need, rows in (
            ("team", "workforce.add_closure", Team.objects.order_by("name")),
            (
                "reviewer",
                "workforce.add_absence",
                Reviewer.objects.filter(is_active=True).select_related("user").order_by("user__username"),
            ),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 -- as declared above
            if user.has_perm(need):
                field.queryset = seen(user, rows)
            else:
                del self.fields[name]
        people = self.fields.get("reviewer")
        found = people.queryset if isinstance(people, forms.ModelChoiceField) else None
        if people and found is not None and found[: MOST_OFFERED + 1].count() > MOST_OFFERED:
            assert isinstance(people, forms.ModelChoiceField)  # noqa: S101 -- as declared above
            # Nobody finds a person among thousands; and the page would wait for them.
            people.to_field_name, people.widget = "user__username", forms.TextInput(attrs={"autocomplete": "off"})
            people.help_text = _("Their sign-in.")
            people.error_messages["invalid_choice"] = _("There is no such person among yours.")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if bool(cleaned.get("team")) == bool(cleaned.get("reviewer")):
            self.add_error(None, _("Name a team that is closed or a person who is away: one of them."))
        if cleaned.get("team") and not cleaned.get("reason"):
            self.add_error("reason", _("Say why it is closed."))
        first = cleaned.get("first_day")
        last = cleaned["last_day"] = cleaned.get("last_day") or first
        if first and last and (last - first).days >= MOST_DAYS:
            self.add_error("last_day", _("That is more than a year."))
        return cleaned

    def row(self) -> Closure | Absence:
        """The row that was asked for."""
        said = self.cleaned_data
        days = {"first_day": said["first_day"], "last_day": said["last_day"]}
        if said.get("team"):
            return Closure(team=said["team"], reason=said["reason"], **days)
        return Absence(reviewer=said["reviewer"], **days)


def weeks(user: User, teams: Collection[Team], days: list[date]) -> list[tuple[Team, list[Day]]]:
    """What these teams' days are, in as many statements however many teams and people there are."""
    standing, near = {"cancelled_at": None}, {"first_day__lte": days[-1], "last_day__gte": days[0]}
    shifts: dict[int, list[Shift]] = defaultdict(list)
    for shift in seen(user, Shift.objects.filter(team__in=teams, **standing)).order_by("begins"):
        shifts[shift.team_id].append(shift)
    closures = list(seen(user, Closure.objects.filter(**standing, **near)).select_related("team", "region"))
    lifted = WorkedHoliday.objects.filter(**standing, day__gte=days[0], day__lte=days[-1])
    worked = list(seen(user, lifted).select_related("team", "region"))
    countries: dict[int, set[str]] = defaultdict(set)
    lands = Reviewer.objects.filter(team__in=teams, is_active=True).order_by()
    for team_id, country in lands.values_list("team", "country").distinct():
        countries[team_id].add(country)
    away: dict[int, list[Absence]] = defaultdict(list)
    if user.has_perm("workforce.view_absence"):
        rows = Absence.objects.filter(reviewer__team__in=teams, reviewer__is_active=True, **standing, **near)
        for absence in seen(user, rows).select_related("reviewer__user").order_by("first_day"):
            away[absence.reviewer.team_id].append(absence)

    def of(row: Closure | WorkedHoliday, team: Team) -> bool:
        return row.team_id == team.pk if row.team_id else row.region_id in {None, team.region_id}

    return [
        (
            team,
            [
                Day(
                    day=day,
                    shifts=[said(shift) for shift in shifts[team.pk] if hours(shift).on(day)],
                    closed=[row for row in closures if row.first_day <= day <= row.last_day and of(row, team)],
                    holidays=holidays_on(day, countries[team.pk]),
                    worked=[row for row in worked if row.day == day and of(row, team)],
                    away=[row for row in away[team.pk] if row.first_day <= day <= row.last_day],
                )
                for day in days
            ],
        )
        for team in teams
    ]


def hours(shift: Shift) -> Hours:
    return Hours(shift.weekday, shift.begins, shift.ends, shift.from_day, shift.until_day)


def said(shift: Shift) -> str:
    return f"{shift.begins:%H:%M}-{shift.ends:%H:%M}"


def holidays_on(day: date, countries: Collection[str]) -> list[str]:
    """The public holidays of the people's countries on this day."""
    return [f"{country}: {name}" for country in sorted(countries) if (name := holidays_of(country, day.year).get(day))]


def first_of(text: str, *, at: datetime) -> date:
    """The Monday that the address asks for; this week's, if it asks for none."""
    try:
        asked = date.fromisoformat(text)
    except ValueError:
        asked = at.date()
    asked = min(max(asked, at.date() - timedelta(days=3650)), at.date() + timedelta(days=3650))
    return asked - timedelta(days=asked.weekday())


def take_out(request: HttpRequest, at: datetime) -> None:
    """Take a row out with a reason. Others' rows are not there (404)."""
    user, kind, pk = staff(request), request.POST.get("kind", ""), request.POST.get("pk", "")
    model = KINDS.get(kind)
    if model is None or not (pk.isascii() and pk.isdigit() and len(pk) < 19):
        raise Http404
    rows: Any = model._default_manager.filter(pk=int(pk))
    row = seen(user, rows).first()
    if row is None or not user.has_perm(f"workforce.change_{model._meta.model_name}"):
        raise Http404
    if not isinstance(row, Absence) and not reaches(scope_of(user), region=row.region, team=row.team):
        messages.error(request, _("That is for others than yours, too; who has all of them takes it out."))
        return
    try:
        if calendars.take_out(row, by=user, reason=request.POST.get("reason", "")[: LONGEST + 1], at=at):
            messages.success(request, _("Taken out: %(row)s.") % {"row": row})
        else:
            messages.info(request, _("It was out already."))
    except ReasonMissing as refusal:
        messages.error(request, refusal.detail)


def takeable(user: User, shown: list[tuple[Team, list[Day]]]) -> list[tuple[str, Closure | Absence | WorkedHoliday]]:
    """The rows of these weeks that this person may take out, each once."""
    scope = scope_of(user)
    found: Mapping[tuple[str, int], Any] = {
        (kind, row.pk): row
        for _team, days in shown
        for day in days
        for kind, rows in (("closure", day.closed), ("worked", day.worked), ("absence", day.away))
        for row in rows
        if user.has_perm(f"workforce.change_{row._meta.model_name}")
    }
    return [
        (kind, row)
        for (kind, _pk), row in found.items()
        if isinstance(row, Absence) or reaches(scope, region=row.region, team=row.team)
    ]


@page("workforce.view_shift")
@require_http_methods(["GET", "HEAD", "POST"])
def calendar(request: HttpRequest) -> HttpResponse:
    """Four weeks; look at what a row does, put it in, take one out."""
    user, at = staff(request), database_now()
    first, team = first_of(request.GET.get("from", ""), at=at), request.GET.get("team", "")
    if request.method == "POST" and "pk" in request.POST:
        take_out(request, at)
        return redirect(request.get_full_path())
    may_put = user.has_perm("workforce.add_closure") or user.has_perm("workforce.add_absence")
    form = RowForm(request.POST or None, user=user)
    foreseen: Foreseen | None = None
    if may_put and form.is_valid():
        try:
            row: Any = form.row()
            if "save" in request.POST:
                calendars.put_in(row, by=user)
                messages.success(request, _("Put in: %(row)s.") % {"row": row})
                return redirect(request.get_full_path())
            foreseen = foresee(row, by=user, at=at)
        except ValidationError as error:
            form.add_error(None, ValidationError(error.messages))
    all_teams = list(seen(user, Team.objects.select_related("region")).order_by("region__name", "name"))
    days = [first + timedelta(days=number) for number in range(SHOWN)]
    pages = Paginator([one for one in all_teams if team in {"", str(one.pk)}], A_PAGE).get_page(request.GET.get("p"))
    shown = weeks(user, list(pages), days)
    context = {
        "title": _("Calendar"),
        "shown": shown,
        "days": days,
        "today": at.date(),
        "back": first - timedelta(days=SHOWN),
        "further": first + timedelta(days=SHOWN),
        "teams": all_teams,
        "team": team,
        "pages": pages,
        "form": form,
        "may_put": may_put,
        "foreseen": foreseen,
        "takeable": takeable(user, shown),
    }
    return show(request, "console/calendar.html", context)
