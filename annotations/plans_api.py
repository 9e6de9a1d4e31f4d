"""Ops' doors to planning: what would come of a choice, doing it with a reason, taking it back; when it is done."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import User
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotations.models import Plan
from annotations.plan_serializers import (
    ApplyIn,
    ChoiceIn,
    ForecastsOut,
    PlanOut,
    PlansOut,
    PlanWithLinesOut,
    PreviewOut,
)
from annotations.planning import by_hand, forecasting, undoing
from annotations.planning.by_hand import Choice
from config.clock import database_now
from config.http.roles import needs
from config.http.strict import ReasonIn
from config.scope import get_seen, seen

MOST_PLANS = 100
REFUSED = {
    400: OpenApiResponse(
        description="problem+json: unknown-project, unknown-team, team-without-people, due-in-past, too-much-to-plan"
    ),
    409: OpenApiResponse(description="problem+json: nothing-to-plan, project-paused, planner-busy"),
}


def choice_of(fields: dict[str, Any]) -> Choice:
    """What was chosen, without the reason."""
    return Choice(**{name: value for name, value in fields.items() if name != "reason"})


def whole(request: Request, plan: Plan) -> dict[str, Any]:
    """The plan with those of its lines that this person may find."""
    plan.seen_lines = seen(request.user, plan.lines.select_related("project"))  # type: ignore[attr-defined]
    return cast(dict[str, Any], PlanWithLinesOut(plan, context={"request": request}).data)


class PlansView(APIView):
    """What was planned, and planning by hand."""

    def get_permissions(self) -> list[Any]:
        return [needs("annotations.view_plan" if self.request.method == "GET" else "annotations.add_plan")()]

    @extend_schema(operation_id="list_plans", responses={200: PlansOut}, summary="The latest plans")
    def get(self, request: Request) -> Response:
        return Response({"plans": PlanOut(seen(request.user, Plan.objects.all())[:MOST_PLANS], many=True).data})

    @extend_schema(
        operation_id="apply_plan",
        request=ApplyIn,
        responses={201: PlanWithLinesOut, **REFUSED},
        summary="Plan by hand",
        description="Does what the preview tells, as far as it still holds: what somebody has begun meanwhile stays.",
    )
    def post(self, request: Request) -> Response:
        incoming = ApplyIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        fields = incoming.validated_data
        plan = by_hand.apply(choice_of(fields), by=cast(User, request.user), reason=fields["reason"], at=database_now())
        return Response(whole(request, plan), status=201)


class PreviewView(APIView):
    """What would come of a choice."""

    permission_classes = [needs("annotations.add_plan")]

    @extend_schema(
        operation_id="preview_plan",
        request=ChoiceIn,
        responses={200: PreviewOut, **REFUSED},
        summary="Preview a plan by hand",
        description="For each team what waits for it now and after, in seats and days, what will be late, and what "
        "moves. Changes nothing.",
    )
    def post(self, request: Request) -> Response:
        incoming = ChoiceIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        choice = choice_of(incoming.validated_data)
        found = by_hand.preview(choice, by=cast(User, request.user), at=database_now())
        return Response(PreviewOut(found, context={"request": request}).data)


class PlanView(APIView):
    """One plan."""

    permission_classes = [needs("annotations.view_plan")]

    @extend_schema(operation_id="show_plan", responses={200: PlanWithLinesOut}, summary="A plan with its lines")
    def get(self, request: Request, pk: int) -> Response:
        return Response(whole(request, get_seen(request.user, Plan.objects.all(), pk)))


class UndoView(APIView):
    """Take a plan by hand back."""

    permission_classes = [needs("annotations.change_plan")]

    @extend_schema(
        operation_id="undo_plan",
        request=ReasonIn,
        responses={
            200: PlanWithLinesOut,
            409: OpenApiResponse(description="problem+json: plan-begun, plan-over, planner-busy"),
        },
        summary="Undo a plan by hand",
        description="While nobody has begun what it moved: tasks return to where they lay, and those it made go.",
    )
    def post(self, request: Request, pk: int) -> Response:
        incoming = ReasonIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        get_seen(request.user, Plan.objects.all(), pk)
        plan = undoing.undo(pk, by=cast(User, request.user), **incoming.validated_data, at=database_now())
        return Response(whole(request, plan))


class ForecastsView(APIView):
    """When what waits will be done."""

    permission_classes = [needs("annotations.view_plan")]

    @extend_schema(
        operation_id="list_forecasts",
        responses={200: ForecastsOut},
        summary="When projects and batches will be finished",
        description="For each project with work that waits, and each batch of it (the clips of one day, or what a plan "
        "by hand chose), when it is done with even odds and with nine in ten. It follows from calendars, quotas, each "
        "person's pace, how much of their room people used on past days, and the work that goes first. Foretold is "
        "what waits now: clips that come later, and tasks that wait for staff, are not in it. Of others' work nothing "
        "is told.",
    )
    def get(self, request: Request) -> Response:
        found = forecasting.forecasts(at=database_now(), to=cast(User, request.user))
        return Response(ForecastsOut(found).data)
