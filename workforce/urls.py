from datetime import date

from django.urls import path, register_converter

from workforce import api, calendar_ops, ops


class Day:
    """A day as in 2026-11-22."""

    regex = "[0-9]{4}-[0-9]{2}-[0-9]{2}"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(value)

    def to_url(self, value: date) -> str:
        return value.isoformat()


register_converter(Day, "day")

urlpatterns = [
    path("tokens", api.TokensView.as_view(), name="tokens"),
    path("tokens/current", api.CurrentTokenView.as_view(), name="current-token"),
    path("me", api.MeView.as_view(), name="me"),
    path("me/resume", api.ResumeView.as_view(), name="resume"),
    path("me/days", api.MyDaysView.as_view(), name="my-days"),
    path("ops/reviewers/<int:pk>/pause", ops.ReviewerPauseView.as_view(), name="ops-reviewer-pause"),
    path("ops/reviewers/<int:pk>/resume", ops.ReviewerResumeView.as_view(), name="ops-reviewer-resume"),
    path("ops/reviewers/<int:pk>/days/<day:day>", ops.ReviewerDayView.as_view(), name="ops-reviewer-day"),
    path("ops/teams/<int:pk>/pause", ops.TeamPauseView.as_view(), name="ops-team-pause"),
    path("ops/teams/<int:pk>/resume", ops.TeamResumeView.as_view(), name="ops-team-resume"),
    path("ops/reviewers/<int:pk>/capacity", calendar_ops.CapacityView.as_view(), name="ops-reviewer-capacity"),
    path("ops/shifts", calendar_ops.ShiftsView.as_view(), name="ops-shifts"),
    path("ops/shifts/<int:pk>/take-out", calendar_ops.TakeOutShiftView.as_view(), name="ops-shifts-take-out"),
    path("ops/own-hours", calendar_ops.OwnHoursListView.as_view(), name="ops-own-hours"),
    path("ops/own-hours/<int:pk>/take-out", calendar_ops.TakeOutOwnHoursView.as_view(), name="ops-own-hours-take-out"),
    path("ops/closures", calendar_ops.ClosuresView.as_view(), name="ops-closures"),
    path("ops/closures/<int:pk>/take-out", calendar_ops.TakeOutClosureView.as_view(), name="ops-closures-take-out"),
    path("ops/worked-holidays", calendar_ops.WorkedHolidaysView.as_view(), name="ops-worked-holidays"),
    path(
        "ops/worked-holidays/<int:pk>/take-out",
        calendar_ops.TakeOutWorkedHolidayView.as_view(),
        name="ops-worked-holidays-take-out",
    ),
    path("ops/absences", calendar_ops.AbsencesView.as_view(), name="ops-absences"),
    path("ops/absences/<int:pk>/take-out", calendar_ops.TakeOutAbsenceView.as_view(), name="ops-absences-take-out"),
    path("ops/skills", calendar_ops.SkillsView.as_view(), name="ops-skills"),
    path("ops/skills/<int:pk>/take-out", calendar_ops.TakeOutSkillView.as_view(), name="ops-skills-take-out"),
    path("ops/limits", ops.LimitsView.as_view(), name="ops-limits"),
]
