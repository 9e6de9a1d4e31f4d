"""Setting quotas from the board: for a person, several or a team, for days or from one on; seen before it is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods

from annotations.console.pages import page, show
from config.acting import ReasonField, staff
from config.clock import database_now
from config.scope import seen
from workforce import queries, quotas
from workforce.days import local_day
from workforce.models import LimitLevel, Reviewer, Team
from workforce.queries import QuotaCell

# One page's worth of people, a month of days: more at once is nothing that somebody has looked at.
MOST_CELLS, MOST_DAYS, LINES_SHOWN = 1000, 31, 60
MOST_PEOPLE = 200
DAYS, ON = "days", "on"


@dataclass(frozen=True)
class Target:
    """Whose quotas: these people's; or a team's, with its people."""

    people: Sequence[Reviewer]
    team: Team | None = None

    @property
    def name(self) -> str:
        if self.team is not None:
            return str(self.team)
        if len(self.people) == 1:
            return str(self.people[0])
        return ngettext("%(count)d person", "%(count)d people", len(self.people)) % {"count": len(self.people)}


@dataclass(frozen=True)
class Setting:
    """How many a day, for whom, from which day to which; without a last day from then on."""

    target: Target
    value: int
    first: date
    last: date | None

    @property
    def days(self) -> list[date]:
        """The days that a look at it is about."""
        last = self.last or self.first
        return [self.first + timedelta(days=number) for number in range((last - self.first).days + 1)]


@dataclass(frozen=True)
class Line:
    """What one person's day is, and would be."""

    person: Reviewer
    before: QuotaCell
    after: QuotaCell

    @property
    def changes(self) -> bool:
        return (self.before.limit, self.before.source) != (self.after.limit, self.after.source)

    @property
    def stops(self) -> bool:
        """Whether they get no new work on that day any more."""
        return self.after.begun and self.after.left == 0 < self.before.left

    @property
    def level(self) -> str:
        return str(LimitLevel(self.after.source).label)


class QuotaForm(forms.Form):
    """How many, on which days, and why. Tomorrow unless somebody says today on purpose."""

    value = forms.IntegerField(label=gettext_lazy("Clips a day"), min_value=0, max_value=10_000)
    first_day = forms.DateField(label=gettext_lazy("First day"), widget=forms.DateInput(attrs={"type": "date"}))
    last_day = forms.DateField(
        label=gettext_lazy("Last day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=gettext_lazy("The same as the first for one day."),
    )
    span = forms.ChoiceField(
        label=gettext_lazy("For how long"),
        choices=[(DAYS, gettext_lazy("these days only")), (ON, gettext_lazy("from the first day on, until changed"))],
        widget=forms.RadioSelect,
    )
    today = forms.BooleanField(
        label=gettext_lazy("Today, too, at once"),
        required=False,
        help_text=gettext_lazy(
            "A higher number can be used right away. A lower one counts right away: who has used as many is handed "
            "nothing more today, and what they hold they may finish."
        ),
    )
    reason = ReasonField(help_text=gettext_lazy("Kept with your name beside the limit."))

    def __init__(self, *args: Any, target: Target, at: datetime, **options: Any) -> None:
        super().__init__(*args, **options)
        self.target = target
        todays = [local_day(at, one.zone_at(at)) for one in target.people]
        if not todays and target.team is not None:
            todays = [local_day(at, target.team.time_zone)]
        self.earliest, self.latest = min(todays), max(todays)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        first, last, days = cleaned.get("first_day"), cleaned.get("last_day"), cleaned.get("span") == DAYS
        if first is None or cleaned.get("span") is None:
            return cleaned
        if first < self.latest and first < self.earliest:
            self.add_error("first_day", _("That day is over; the past stays as it was. Choose today or a later day."))
        elif first <= self.latest and not cleaned.get("today"):
            self.add_error("today", _("The first day is today for somebody of them. Tick this to change it at once."))
        if days and last is None:
            cleaned["last_day"] = last = first
        if days and last is not None and last < first:
            self.add_error("last_day", _("The last day is before the first."))
        elif days and last is not None and (last - first).days >= MOST_DAYS:
            self.add_error(
                "last_day",
                _("That is more than %(most)d days. Set it from the first day on instead.") % {"most": MOST_DAYS},
            )
        elif days and last is not None and len(self.target.people) * ((last - first).days + 1) > MOST_CELLS:
            self.add_error(
                None,
                _("That is more than %(most)d days of people at once. Choose fewer.") % {"most": MOST_CELLS},
            )
        return cleaned

    def setting(self) -> Setting:
        """What was asked for, once it is clean."""
        fields = self.cleaned_data
        last = fields["last_day"] if fields["span"] == DAYS else None
        return Setting(self.target, fields["value"], fields["first_day"], last)


def put(setting: Setting, *, by: User, reason: str) -> int:
    """Set it, limit by limit, all or none; returns how many. Raises ValidationError."""
    target, made = setting.target, 0
    with transaction.atomic():
        if setting.last is None:
            for whose in [{"team": target.team}] if target.team else [{"reviewer": one} for one in target.people]:
                quotas.set_limit(setting.value, reason=reason, by=by, from_day=setting.first, **whose)
                made += 1
            return made
        # Days in order and people in order of number: who sets the same at once waits, and nobody for each other.
        for day in setting.days:
            for one in sorted(target.people, key=lambda person: person.pk):
                quotas.set_limit(setting.value, reason=reason, by=by, from_day=day, reviewer=one, one_day=True)
                made += 1
    return made


def foreseen(setting: Setting, *, by: User, reason: str) -> list[Line]:
    """Each person's days as they are and as they would be: it is done, looked at and rolled back."""
    people, days = {one.pk: one for one in setting.target.people}, setting.days
    before = queries.quota_cells(list(people), days)
    with transaction.atomic():
        put(setting, by=by, reason=reason)
        after = queries.quota_cells(list(people), days)
        transaction.set_rollback(True)
    return [Line(people[pk], before[pk, day], after[pk, day]) for pk in people for day in days]


def target_of(request: HttpRequest) -> Target | None:
    """Whom the address names; None: nobody. Whom this person may not find is not there (404)."""
    user = staff(request)
    numbers, team = request.GET.getlist("reviewer"), request.GET.get("team", "")
    if not all(one.isascii() and one.isdigit() and len(one) < 19 for one in [*numbers, team or "0"]):
        raise Http404
    people = seen(user, Reviewer.objects.filter(is_active=True)).select_related("user", "team").order_by("pk")
    if team:
        found = seen(user, Team.objects.filter(pk=int(team))).first()
        if found is None:
            raise Http404
        return Target(list(people.filter(team=found)), found)
    wanted = {int(one) for one in numbers}
    if not wanted or len(wanted) > MOST_PEOPLE:
        return None
    chosen = list(people.filter(pk__in=wanted))
    if len(chosen) != len(wanted):
        raise Http404
    return Target(chosen)


@page("workforce.add_dailylimit")
@require_http_methods(["GET", "HEAD", "POST"])
def set_quota(request: HttpRequest) -> HttpResponse:
    """Set how many; with a look at what it does before it is done, unless it is one person's one day."""
    target, at, by = target_of(request), database_now(), staff(request)
    if target is None:
        messages.info(request, _("Choose people on the board first, %(most)d at the most.") % {"most": MOST_PEOPLE})
        return redirect("quota-board")
    form = QuotaForm(request.POST or None, target=target, at=at)
    form.initial = initial(request.GET.get("day", ""), form)
    lines: list[Line] = []
    if form.is_valid():
        setting, reason = form.setting(), form.cleaned_data["reason"]
        try:
            if "confirmed" in request.POST or (len(target.people) * len(setting.days) == 1 and not target.team):
                put(setting, by=by, reason=reason)
                messages.success(request, said(setting))
                return redirect(f"{reverse('quota-board')}?team={target.people[0].team_id if target.people else ''}")
            lines = foreseen(setting, by=by, reason=reason)
        except ValidationError as error:
            form.add_error(None, error)
    day = form.initial["first_day"]
    context = {
        "title": _("Quota of %(whom)s") % {"whom": target.name},
        "target": target,
        "form": form,
        "previewed": form.is_valid(),
        "lines": lines[:LINES_SHOWN],
        "more": max(0, len(lines) - LINES_SHOWN),
        "changing": sum(line.changes for line in lines),
        "stopping": len({line.person.pk for line in lines if line.stops}),
        "keeping": len({line.person.pk for line in lines if not line.changes}),
        "day": day,
        "steps": quotas.explain(target.people[0], day) if len(target.people) == 1 else [],
        "at": at,
    }
    return show(request, "console/set_quota.html", context)


def initial(day: str, form: QuotaForm) -> dict[str, Any]:
    """The day that was clicked, or tomorrow."""
    try:
        first = date.fromisoformat(day)
    except ValueError:
        first = form.latest + timedelta(days=1)
    return {"first_day": first, "last_day": first, "span": DAYS}


def said(setting: Setting) -> str:
    """What was done, in a sentence."""
    words = {"value": setting.value, "whom": setting.target.name, "first": setting.first, "last": setting.last}
    if setting.last is None:
        return _("%(value)d a day for %(whom)s from %(first)s on.") % words
    if setting.last == setting.first:
        return _("%(value)d for %(whom)s on %(first)s.") % words
    return _("%(value)d a day for %(whom)s from %(first)s to %(last)s.") % words
