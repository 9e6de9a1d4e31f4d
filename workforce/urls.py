from datetime import date

from django.urls import path, register_converter

from workforce import api, ops


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
    path("ops/limits", ops.LimitsView.as_view(), name="ops-limits"),
]
