"""The page of reports: what was done in a period, as a table and a chart, as CSV, and by mail."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from annotations.console import charts
from annotations.console.pages import page, show
from annotations.models import Every, Project, Report
from annotations.reporting import mailing, queries, reading
from annotations.reporting.queries import Asked
from annotations.reporting.reading import KINDS, Told
from config.acting import staff
from config.clock import database_now
from config.errors import NotFound, Refusal
from config.scope import seen
from workforce.days import local_day
from workforce.models import Region, Team

NEEDS = sorted({kind.need for kind in KINDS.values()})
DAYS, MOST_DAYS, MOST_ROWS = 14, 92, 200


class AskForm(forms.Form):
    """Which days, and of what; nothing that is not theirs is offered or taken."""

    first = forms.DateField(label=gettext_lazy("From"), widget=forms.DateInput(attrs={"type": "date"}))
    last = forms.DateField(label=gettext_lazy("To"), widget=forms.DateInput(attrs={"type": "date"}))
    region = forms.ModelChoiceField(Region.objects.none(), required=False, label=gettext_lazy("Region"))
    team = forms.ModelChoiceField(Team.objects.none(), required=False, label=gettext_lazy("Team"))
    project = forms.ModelChoiceField(Project.objects.none(), required=False, label=gettext_lazy("Project"))

    def __init__(self, data: Any, *, user: User, by_project: bool) -> None:
        super().__init__(data)
        for name, model in (("region", Region), ("team", Team), ("project", Project)):
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 -- as they are declared above
            field.queryset = seen(user, model._default_manager.all())
            field.empty_label = _("All")
        if not by_project:
            self.fields["project"].disabled = True

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        first, last = given.get("first"), given.get("last")
        if first and last and first > last:
            raise ValidationError(_("The first day is after the last: turn them round."))
        if first and last and (last - first).days >= MOST_DAYS:
            raise ValidationError(_("Choose %(count)s days at the most.") % {"count": MOST_DAYS})
        return given


def _asked(request: HttpRequest, sent: QueryDict, at: datetime) -> tuple[str, AskForm]:
    """Which report, and the form as it was sent; what was left out is the last fortnight. Raises Http404 for a report
    that is not theirs."""
    user = staff(request)
    mine = [name for name in KINDS if reading.may_read(user, name)]
    report = sent.get("report", mine[0])
    if report not in mine:
        raise Http404
    data = sent.copy()
    if not {"first", "last"} <= data.keys():
        last = _newest_day(user, at)
        data.setdefault("first", str(last - timedelta(days=DAYS - 1)))
        data.setdefault("last", str(last))
    return report, AskForm(data, user=user, by_project=KINDS[report].by_project)


def _newest_day(user: User, at: datetime) -> date:
    """The newest day that has begun for a team of theirs: in Hyderabad it begins while another goes on in UTC."""
    zones = seen(user, Team.objects.order_by()).values_list("time_zone", flat=True).distinct()
    return max((local_day(at, zone) for zone in zones), default=at.date())


def _narrowed(user: User, report: str, form: AskForm) -> Asked:
    given = form.cleaned_data
    project = given["project"] if KINDS[report].by_project else None
    return reading.asked_by(
        user, first=given["first"], last=given["last"], region=given["region"], team=given["team"], project=project
    )


def _told(user: User, report: str, form: AskForm) -> Told:
    return reading.read(report, _narrowed(user, report, form))


def told_soon(user: User, report: str, form: AskForm) -> Told | None:
    """The report, if it can be read at once; one of many answers takes seconds, and its page does not wait for it."""
    asked = _narrowed(user, report, form)
    return None if queries.is_much(asked) else reading.read(report, asked)


def _shown(told: Told) -> dict[str, Any]:
    return {
        "told": told,
        "kind": told.kind,
        "rows": told.rows[:MOST_ROWS],
        "places": len(told.kind.places),
        "more": max(0, len(told.rows) - MOST_ROWS),
        "chart": chart_of(told),
    }


@page(*NEEDS)
@require_safe
def figures(request: HttpRequest) -> HttpResponse:
    """The figures of a report that its page did not wait for."""
    user = staff(request)
    report, form = _asked(request, request.GET, database_now())
    if not form.is_valid():
        raise Http404
    return TemplateResponse(request, "console/report_figures.html", _shown(_told(user, report, form)))


@page(*NEEDS)
@require_safe
def reports(request: HttpRequest) -> HttpResponse:
    """One report of a period; the others are a link away."""
    at, user = database_now(), staff(request)
    report, form = _asked(request, request.GET, at)
    valid = form.is_valid()
    told = told_soon(user, report, form) if valid else None
    asked = request.GET.copy()
    asked.pop("report", None)
    context: dict[str, Any] = {
        "title": _("Reports"),
        "report": report,
        "kind": KINDS[report],
        "tabs": [(name, kind.title) for name, kind in KINDS.items() if reading.may_read(user, name)],
        "query": asked.urlencode(),
        "form": form,
        "every": Every.choices,
        "mailed": mailing.of(user),
        "valid": valid,
        "told": told,
    }
    if told is not None:
        context |= _shown(told)
    return show(request, "console/reports.html", context, status=200 if valid else 400)


def chart_of(told: Told) -> charts.Chart:
    """The report by day."""
    count = (told.asked.last - told.asked.first).days + 1
    days = [told.asked.first + timedelta(days=place) for place in range(count)]
    columns, kind = [date_format(day, "d M") for day in days], told.kind
    series = [(str(kind.figures[place]), [_figure(told, day, place) for day in days]) for place in kind.charted]
    title, every = _("%(report)s by day") % {"report": kind.title}, max(1, -(-count // 12))
    if kind.lines:
        return charts.lines(title, columns, series, every=every)
    return charts.bars(title, columns, [(name, [one or 0.0 for one in found]) for name, found in series], every=every)


def _figure(told: Told, day: date, place: int) -> float | None:
    found = told.by_day.get(day)
    return float(found[place]) if found and found[place] is not None else None


@page(*NEEDS)
@require_safe
def report_csv(request: HttpRequest) -> HttpResponse:
    """The same report as a file, all rows of it."""
    report, form = _asked(request, request.GET, database_now())
    if not form.is_valid():
        return redirect(f"{reverse('reports')}?{request.GET.urlencode()}")
    told = _told(staff(request), report, form)
    name = f"{report}-{told.asked.first}-{told.asked.last}.csv"
    return HttpResponse(
        "".join(reading.as_csv(told)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@page(*NEEDS)
@require_POST
def subscribe(request: HttpRequest) -> HttpResponse:
    """Have the report that is shown mailed to oneself."""
    at, user = database_now(), staff(request)
    report, form = _asked(request, request.POST, at)
    every = request.POST.get("every", "")
    if not form.is_valid() or every not in Every.values:
        raise Http404
    given = form.cleaned_data
    project = given["project"] if KINDS[report].by_project else None
    try:
        mailing.subscribe(
            user, report=report, every=every, region=given["region"], team=given["team"], project=project, at=at
        )
    except NotFound:
        raise Http404 from None
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    else:
        said = _("%(report)s comes to %(address)s from its next period on.")
        messages.success(request, said % {"report": Report(report).label, "address": user.email})
    return redirect(f"{reverse('reports')}?report={report}#mail")


@page(*NEEDS)
@require_POST
def unsubscribe(request: HttpRequest) -> HttpResponse:
    """End one of one's own subscriptions."""
    number = request.POST.get("number", "")
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise Http404
    try:
        mailing.unsubscribe(staff(request), int(number), at=database_now())
    except NotFound:
        raise Http404 from None
    messages.success(request, _("It is mailed no more."))
    return redirect(f"{reverse('reports')}#mail")
