"""Active time in the admin: timesheets, the spans they add up from, and what people say against them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display

from annotations import timesheets
from annotations.models import ActiveSpan, TimeContest, Timesheet
from config.acting import staff, with_reason
from config.admin import Record, seconds
from config.clock import database_now
from workforce.models import Team

SHOWN_DAYS = 92


def hours(milliseconds: int) -> str:
    """A time as on a timesheet."""
    minutes, rest = divmod(milliseconds // 1000, 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


class OfPersonAdmin(Record):
    """Rows of one person's day."""

    list_filter: list[Any] = ["reviewer__team__region", "reviewer__team", "day"]
    list_select_related = ["reviewer__user", "reviewer__team"]
    search_fields = ["reviewer__user__username", "reviewer__user__last_name"]
    search_help_text = _("Reviewer's name or sign-in")

    @display(description=_("Team"))
    def team(self, row: Any) -> Team:
        team: Team = row.reviewer.team
        return team

    @display(description=_("Waits for the network"), ordering="lost_ms")
    def lost(self, row: Any) -> str:
        return hours(row.lost_ms) if row.lost_ms else "-"


@admin.register(Timesheet)
class TimesheetAdmin(OfPersonAdmin):
    """What people's days add up to, by their own date; the last three months."""

    list_display = ["day", "reviewer", "team", "total", "active", "lost", "granted", "leases", "spans"]
    actions = ["as_csv"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Timesheet]:
        # All that ever was would be added up for each page.
        return super().get_queryset(request).filter(day__gte=timezone.now().date() - timedelta(days=SHOWN_DAYS))

    @action(description=_("Download as CSV"), permissions=["view"])
    def as_csv(self, request: HttpRequest, queryset: QuerySet[Timesheet]) -> HttpResponseBase:
        """The chosen sheets as a table."""
        response = StreamingHttpResponse(timesheets.as_csv(queryset.order_by()), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="timesheets-{database_now():%Y-%m-%d}.csv"'
        return response

    @display(description=_("Worked"), ordering="total_ms")
    def total(self, sheet: Timesheet) -> str:
        return hours(sheet.total_ms)

    @display(description=_("Active"), ordering="active_ms")
    def active(self, sheet: Timesheet) -> str:
        return hours(sheet.active_ms)

    @display(description=_("Added"), ordering="granted_ms")
    def granted(self, sheet: Timesheet) -> str:
        return hours(sheet.granted_ms) if sheet.granted_ms else "-"


@admin.register(ActiveSpan)
class ActiveSpanAdmin(OfPersonAdmin):
    """The spans that timesheets add up from."""

    list_display = ["day", "reviewer", "team", "lease", "started_at", "ended_at", "length", "lost"]
    list_select_related = ["reviewer__user", "reviewer__team", "lease"]

    @display(description=_("Length"))
    def length(self, span: ActiveSpan) -> str:
        return seconds((span.ended_at - span.started_at) // timedelta(milliseconds=1))


@admin.register(TimeContest)
class TimeContestAdmin(OfPersonAdmin):
    """What people say is not right about a day, and what they were answered."""

    list_display = ["day", "reviewer", "team", "note", "made_at", "state", "added", "answer", "answered_by"]
    list_filter: list[Any] = [("answered_at", admin.EmptyFieldListFilter), *OfPersonAdmin.list_filter]
    list_select_related = ["reviewer__user", "reviewer__team", "answered_by"]
    actions = ["answer_it"]

    @display(description=_("State"), label={"open": "warning", "answered": "success"})
    def state(self, row: TimeContest) -> tuple[str, str]:
        return ("open", "Open") if row.answered_at is None else ("answered", "Answered")

    @display(description=_("Added"), ordering="granted_ms")
    def added(self, row: TimeContest) -> str:
        return hours(row.granted_ms) if row.granted_ms else "-"

    @with_reason(
        description=_("Answer"),
        effect=_("The person reads your reason. Minutes are added to the day; 0 leaves it as it is. That is final."),
        done=_("answered"),
        numbers={"minutes": _("Minutes to add")},
    )
    def answer_it(self, request: HttpRequest, row: TimeContest, answers: dict[str, Any]) -> object:
        """Answer these contests alike."""
        return timesheets.answer(
            row.pk,
            by=staff(request),
            reason=answers["reason"],
            granted_seconds=min(answers["minutes"], 24 * 60) * 60,
            at=database_now(),
        )
