"""Shapes of the planning doors."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from annotations.models import Plan, PlanLine
from annotations.planning.by_hand import MOST, Preview, TeamOutlook
from annotations.planning.forecasting import Batch, Finish, Forecasts, ProjectForecast
from annotations.scopes import told
from config.http.strict import ReasonIn, StrictSerializer, Text, WholeNumber


class ChoiceIn(StrictSerializer):
    project = WholeNumber(min_value=1, source="project_id", help_text="Its number.")
    clips = serializers.ListField(
        child=WholeNumber(min_value=1), source="clip_ids", required=False, min_length=1, max_length=MOST,
        help_text="Only these clips, be they tasks already or not.",
    )  # fmt: skip
    tasks = serializers.ListField(
        child=WholeNumber(min_value=1), source="task_ids", required=False, min_length=1, max_length=MOST,
        help_text="Only these tasks.",
    )  # fmt: skip
    region = Text(max_length=16, required=False, help_text="Only clips that live there.")
    sensitive = serializers.BooleanField(required=False, help_text="Only clips that are, or are not.")
    arrived_from = serializers.DateTimeField(required=False, help_text="Only clips that came in then or later.")
    arrived_before = serializers.DateTimeField(required=False, help_text="Only clips that came in before.")
    from_teams = serializers.ListField(
        child=WholeNumber(min_value=1),
        required=False,
        max_length=200,
        help_text="Only tasks that lie with these teams.",
    )
    teams = serializers.ListField(
        child=WholeNumber(min_value=1), required=False, max_length=200,
        help_text="Who is to do it: no other plan takes it from them. Empty: the plan decides among the project's.",
    )  # fmt: skip
    priority = WholeNumber(
        min_value=0,
        max_value=240,
        required=False,
        help_text="Hours by which they go before others; else the project's.",
    )
    due_at = serializers.DateTimeField(required=False, help_text="When they are due from now on.")


class ApplyIn(ChoiceIn, ReasonIn):
    """A choice, and why."""


class PlanLineOut(serializers.ModelSerializer[PlanLine]):
    why = serializers.SerializerMethodField(help_text="Why nobody was found.")

    def get_why(self, line: PlanLine) -> str:
        return told(self.context["request"].user, line)

    class Meta:
        model = PlanLine
        fields = [
            "number", "project", "region", "clearance", "language", "due_at", "from_team", "to_team", "tasks", "late",
            "done", "why",
        ]  # fmt: skip


class PlanOut(serializers.ModelSerializer[Plan]):
    class Meta:
        model = Plan
        fields = [
            "id",
            "kind",
            "state",
            "made_at",
            "looked_at",
            "ends_at",
            "by",
            "reason",
            "undone_at",
            "undone_reason",
        ]


class PlanWithLinesOut(PlanOut):
    lines = PlanLineOut(many=True, source="seen_lines")

    class Meta(PlanOut.Meta):
        fields = [*PlanOut.Meta.fields, "lines"]


class PlansOut(serializers.Serializer[Any]):
    plans = PlanOut(many=True)


class TeamOutlookOut(serializers.Serializer[TeamOutlook]):
    team = serializers.IntegerField(source="team_id")
    name = serializers.CharField()
    now = serializers.IntegerField(help_text="Seats that wait for it now.")
    after = serializers.IntegerField(help_text="Seats that will wait for it.")
    a_day = serializers.IntegerField(help_text="Seats that its people have room for in a day.")
    days = serializers.FloatField(allow_null=True, help_text="Days of work that will wait; null when nobody is there.")
    late = serializers.IntegerField(help_text="Seats that will be answered after they are due.")


class PreviewOut(serializers.Serializer[Preview]):
    chosen = serializers.IntegerField(help_text="Tasks and clips that the choice is about.")
    placed = serializers.IntegerField(help_text="Of them those that would change.")
    begun = serializers.IntegerField(help_text="Tasks that the choice names and that stay: somebody has begun them.")
    teams = TeamOutlookOut(many=True)
    lines = PlanLineOut(many=True)


class FinishOut(serializers.Serializer[Finish]):
    """When work that waits now will be done."""

    tasks = serializers.IntegerField(help_text="Tasks, and clips that are none yet, that wait for answers now.")
    seats = serializers.IntegerField(help_text="Answers that they still need, with those that ties will ask for.")
    due_at = serializers.DateTimeField(help_text="When the first of them is due.")
    finish_50 = serializers.DateTimeField(
        source="half_at", allow_null=True, help_text="Done by then with even odds. Null: later than `until`, or never."
    )
    finish_90 = serializers.DateTimeField(
        source="likely_at",
        allow_null=True,
        help_text="Done by then with nine in ten. Null: later than `until`, or never.",
    )
    never = serializers.CharField(help_text="Why some of them are never done, as it stands; empty: all will be.")
    stuck = serializers.IntegerField(help_text="How many tasks that is said of.")


class BatchOut(serializers.Serializer[Batch]):
    arrived_on = serializers.DateField(
        allow_null=True, help_text="The day, in their region, on which its clips came in; null: it is a plan's."
    )
    plan = serializers.IntegerField(
        source="plan_id", allow_null=True, help_text="The plan by hand that chose them; null: it is a day's."
    )
    finish = FinishOut()


class ProjectForecastOut(serializers.Serializer[ProjectForecast]):
    project = serializers.IntegerField(source="project_id", help_text="Its number.")
    name = serializers.CharField()
    days_seen = serializers.IntegerField(
        help_text="Days of its teams that the forecast learned from; with few it goes by a wide guess."
    )
    finish = FinishOut()
    batches = BatchOut(many=True, help_text="By day of arrival, then by plan by hand; a clip may be in one of each.")


class ForecastsOut(serializers.Serializer[Forecasts]):
    at = serializers.DateTimeField(help_text="As of when; a forecast is told for some minutes.")
    until = serializers.DateTimeField(help_text="How far was looked: what has no finish, and can be done, is later.")
    projects = ProjectForecastOut(many=True)
