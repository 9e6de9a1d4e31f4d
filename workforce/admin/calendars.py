"""Calendars in the admin: put in with words for what does not fit, taken out by an action with a reason."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from config.acting import staff, with_reason
from config.admin import Register
from config.clock import database_now
from config.scope import scope_of
from workforce import calendars, skills
from workforce.admin.files import WithFiles
from workforce.models import Absence, Closure, OwnHours, Shift, Skill, Team, WorkedHoliday
from workforce.resources import Absences, Skills
from workforce.scopes import check_reach, reaches


class InForceFilter(admin.SimpleListFilter):
    """What stands, which is what one mostly wants to see, or what was taken out."""

    title = _("standing")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("no", _("Taken out")), ("all", _("All"))]

    def choices(self, changelist: Any) -> Any:
        for choice in super().choices(changelist):
            if choice["display"] == "All" and choice["query_string"] == changelist.get_query_string(
                remove=[self.parameter_name]
            ):
                choice["display"] = "Standing"
            yield choice

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "all":
            return queryset
        return queryset.filter(cancelled_at__isnull=self.value() != "no")


class StandingAdmin(Register):
    """Rows that stand until they are taken out; what was taken out is only looked at."""

    faster = calendars.OVERLAPS

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.cancelled_at is None)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The form; what somebody else put in since it was looked at is told in words, as the doors do."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except IntegrityError:
            messages.error(request, self.faster)
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.author = staff(request)
        super().save_model(request, obj, form, change)


class CalendarAdmin(StandingAdmin):
    """Rows of a calendar: put in here, taken out by an action."""

    actions = ["take_out"]

    @with_reason(
        description=_("Take out"),
        effect=_(
            "They count no more from this moment on, and stay in sight with your reason. That cannot be undone; "
            "put in new ones instead."
        ),
        done=_("taken out"),
    )
    def take_out(self, request: HttpRequest, row: Any, answers: dict[str, Any]) -> object:
        """Take these rows out of their calendar."""
        if isinstance(row, Closure | WorkedHoliday):
            check_reach(scope_of(request.user), region=row.region, team=row.team)
        return calendars.take_out(row, by=staff(request), reason=answers["reason"], at=database_now())


def warn_of_empty_team(request: HttpRequest, team: Team) -> None:
    """Say that a team has nobody, where somebody plans its hours."""
    if not team.reviewers.filter(is_active=True).exists():
        messages.warning(request, f"{team} has no people yet, so nobody works these hours.")


@admin.register(Shift)
class ShiftAdmin(CalendarAdmin):
    """A team's hours. A team without any is open all the time."""

    list_display = ["team", "weekday", "hours", "from_day", "until_day", "people", "cancelled_at"]
    list_filter = [InForceFilter, "team__region", "team", "weekday"]
    list_select_related = ["team__region"]
    search_fields = ["team__name"]
    search_help_text = _("Team")
    autocomplete_fields = ["team"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Shift]:
        active = Count("team__reviewers", filter=Q(team__reviewers__is_active=True))
        return super().get_queryset(request).annotate(people=active)

    def save_model(self, request: HttpRequest, obj: Shift, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        warn_of_empty_team(request, obj.team)

    @display(description=_("Hours, on the team's wall"), ordering="begins")
    def hours(self, shift: Shift) -> str:
        over = " next day" if shift.ends <= shift.begins else ""
        return f"{shift.begins:%H:%M} to {shift.ends:%H:%M}{over} ({shift.team.time_zone})"

    @display(description=_("Active reviewers"), ordering="people")
    def people(self, shift: Any) -> int:
        count: int = shift.people
        return count


@admin.register(OwnHours)
class OwnHoursAdmin(CalendarAdmin):
    """When part-time people work; whoever has none works all of the team's shifts."""

    list_display = ["reviewer", "team", "weekday", "hours", "from_day", "until_day", "cancelled_at"]
    list_filter = [InForceFilter, "reviewer__team__region", "reviewer__team", "weekday"]
    list_select_related = ["reviewer__user", "reviewer__team"]
    search_fields = ["reviewer__user__username", "reviewer__user__last_name"]
    search_help_text = _("Reviewer's name or sign-in")
    autocomplete_fields = ["reviewer"]

    @display(description=_("Hours, on the person's wall"), ordering="begins")
    def hours(self, row: OwnHours) -> str:
        if row.begins is None or row.ends is None:
            return "the whole day"
        over = " next day" if row.ends <= row.begins else ""
        return f"{row.begins:%H:%M} to {row.ends:%H:%M}{over}"

    @display(description=_("Team"), ordering="reviewer__team__name")
    def team(self, row: OwnHours) -> Team:
        return row.reviewer.team


class ForWhomForm(forms.ModelForm):
    """Refuses, where it is typed, what is for others, too."""

    asked_by: Any = None

    def clean(self) -> dict[str, Any] | None:
        found = super().clean()
        told = found if found is not None else self.cleaned_data
        if not reaches(scope_of(self.asked_by), region=told.get("region"), team=told.get("team")):
            raise ValidationError(_("That is for others than yours, too. Name a team or a region of yours."))
        return found


class ForWhomAdmin(CalendarAdmin):
    """Of a team, a region, or everybody."""

    list_select_related = ["region", "team"]
    autocomplete_fields = ["region", "team"]
    search_fields = ["reason", "team__name", "region__name"]
    search_help_text = _("Reason, team or region")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change=change, form=ForWhomForm, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What is for more than this person's own teams is only looked at."""
        mine = obj is None or reaches(scope_of(request.user), region=obj.region, team=obj.team)
        return super().has_change_permission(request, obj) and mine

    @display(description=_("For"))
    def for_whom(self, row: Closure | WorkedHoliday) -> str:
        return str(row.team or row.region or "everybody")


@admin.register(Closure)
class ClosureAdmin(ForWhomAdmin):
    """Own days off; public holidays are known by each person's country and need no row."""

    list_display = ["first_day", "last_day", "hours", "for_whom", "reason", "author", "cancelled_at"]
    list_filter = [InForceFilter, "region", "team", "first_day"]
    date_hierarchy = "first_day"
    fields = ["region", "team", "first_day", "last_day", "begins", "ends", "reason"]

    @display(description=_("Hours"))
    def hours(self, row: Closure) -> str:
        return f"{row.begins:%H:%M} to {row.ends:%H:%M}" if row.begins and row.ends is not None else "all day"


@admin.register(WorkedHoliday)
class WorkedHolidayAdmin(ForWhomAdmin):
    """Public holidays on which there is work all the same."""

    list_display = ["day", "for_whom", "reason", "author", "cancelled_at"]
    list_filter = [InForceFilter, "region", "team", "day"]
    fields = ["region", "team", "day", "reason"]


@admin.register(Absence)
class AbsenceAdmin(WithFiles, CalendarAdmin):
    """Who is away when. Why is not asked."""

    resource_classes = [Absences]
    list_display = ["reviewer", "team", "begins", "ends", "author", "cancelled_at"]
    list_filter = [InForceFilter, "reviewer__team__region", "reviewer__team", "first_day"]
    list_select_related = ["reviewer__user", "reviewer__team", "author"]
    date_hierarchy = "first_day"
    search_fields = ["reviewer__user__username", "reviewer__user__last_name"]
    search_help_text = _("Reviewer's name or sign-in")
    autocomplete_fields = ["reviewer"]
    fields = ["reviewer", "first_day", "from_time", "last_day", "until_time"]

    @display(description=_("Team"), ordering="reviewer__team__name")
    def team(self, row: Absence) -> Team:
        return row.reviewer.team

    @display(description=_("From"), ordering="first_day")
    def begins(self, row: Absence) -> str:
        return f"{row.first_day}" + (f" {row.from_time:%H:%M}" if row.from_time else "")

    @display(description=_("To the end of"), ordering="last_day")
    def ends(self, row: Absence) -> str:
        return f"{row.last_day}" + (f" {row.until_time:%H:%M}" if row.until_time else "")


@admin.register(Skill)
class SkillAdmin(WithFiles, StandingAdmin):
    """What people can do, who says so, and until when."""

    resource_classes = [Skills]
    faster = skills.GIVEN
    list_display = ["reviewer", "name", "source", "value", "expires_at", "author", "cancelled_at"]
    list_filter = [InForceFilter, "name", "source", "reviewer__team__region", "reviewer__team", "expires_at"]
    list_select_related = ["reviewer__user", "author"]
    search_fields = ["name", "reviewer__user__username", "reviewer__user__last_name"]
    search_help_text = _("Skill, or reviewer's name or sign-in")
    autocomplete_fields = ["reviewer"]
    actions = ["take_away"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return ["reviewer", "name", "source"] if obj else []

    @with_reason(
        description=_("Take skills away"),
        effect=_("These people are handed no more tasks that ask for them; what they hold they may finish."),
        done=_("taken away"),
    )
    def take_away(self, request: HttpRequest, skill: Skill, answers: dict[str, Any]) -> object:
        """Take these skills away."""
        return skills.take_away(skill, by=staff(request), reason=answers["reason"], at=database_now())
