"""Ops' doors to the people: pause, resume, and how much a day; each with a reason that is kept."""

from __future__ import annotations

from datetime import date
from typing import cast

from django.contrib.auth.models import User
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.errors import NotFound
from config.history import checked
from config.http.roles import needs
from config.http.strict import ReasonIn
from config.scope import ReachesFurther, get_seen, scope_of
from workforce import people, quotas
from workforce.models import Region, Reviewer, Team
from workforce.serializers import DayLimitIn, ExplainedOut, LimitIn, LimitOut, PausedStateOut


def person(request: Request, pk: int) -> Reviewer:
    """The reviewer with this number. Raises :class:`NotFound`, also for those of others' teams."""
    return get_seen(request.user, Reviewer.objects.select_related("team", "user"), pk)


def team(request: Request, pk: int) -> Team:
    """The team with this number. Raises :class:`NotFound`, also for others'."""
    return get_seen(request.user, Team.objects.all(), pk)


def paused(request: Request, who: Reviewer | Team) -> Response:
    """Pause them for the reason that was sent."""
    incoming = ReasonIn(data=request.data)
    incoming.is_valid(raise_exception=True)
    changed = people.pause(who, by=cast(User, request.user), **incoming.validated_data)
    return Response({"paused": True, "changed": changed})


def unpaused(request: Request, who: Reviewer | Team) -> Response:
    """Resume them for the reason that was sent."""
    incoming = ReasonIn(data=request.data)
    incoming.is_valid(raise_exception=True)
    changed = people.unpause(who, by=cast(User, request.user), **incoming.validated_data)
    return Response({"paused": False, "changed": changed})


class ReviewerPauseView(APIView):
    """Hand a person no more work."""

    permission_classes = [needs("workforce.change_reviewer")]

    @extend_schema(
        operation_id="pause_reviewer",
        request=ReasonIn,
        responses={200: PausedStateOut},
        summary="Pause a person",
        description="They are handed no more work; what they hold they may finish.",
    )
    def post(self, request: Request, pk: int) -> Response:
        return paused(request, person(request, pk))


class ReviewerResumeView(APIView):
    """Hand a person work again."""

    permission_classes = [needs("workforce.change_reviewer")]

    @extend_schema(
        operation_id="resume_reviewer", request=ReasonIn, responses={200: PausedStateOut}, summary="Resume a person"
    )
    def post(self, request: Request, pk: int) -> Response:
        return unpaused(request, person(request, pk))


class TeamPauseView(APIView):
    """Hand a team no more work."""

    permission_classes = [needs("workforce.change_team")]

    @extend_schema(operation_id="pause_team", request=ReasonIn, responses={200: PausedStateOut}, summary="Pause a team")
    def post(self, request: Request, pk: int) -> Response:
        return paused(request, team(request, pk))


class TeamResumeView(APIView):
    """Hand a team work again."""

    permission_classes = [needs("workforce.change_team")]

    @extend_schema(
        operation_id="resume_team", request=ReasonIn, responses={200: PausedStateOut}, summary="Resume a team"
    )
    def post(self, request: Request, pk: int) -> Response:
        return unpaused(request, team(request, pk))


class ReviewerDayView(APIView):
    """How many a person may do on one of their days, and why."""

    permission_classes = [needs("workforce.add_dailylimit")]

    @extend_schema(
        operation_id="explain_day", responses={200: ExplainedOut}, summary="A person's day: which limit counts and why"
    )
    def get(self, request: Request, pk: int, day: date) -> Response:
        return Response(explained(person(request, pk), day))

    @extend_schema(
        operation_id="set_day_limit",
        request=DayLimitIn,
        responses={200: ExplainedOut, 400: OpenApiResponse(description="problem+json: reason-required, invalid")},
        summary="Raise or lower a person's one day",
    )
    def put(self, request: Request, pk: int, day: date) -> Response:
        incoming = DayLimitIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        who = person(request, pk)
        quotas.set_limit(
            incoming.validated_data["value"],
            reason=checked(incoming.validated_data["reason"]),
            by=cast(User, request.user),
            from_day=day,
            reviewer=who,
            one_day=True,
        )
        return Response(explained(who, day))


def explained(who: Reviewer, day: date) -> dict[str, object]:
    """What :class:`ExplainedOut` describes."""
    steps = quotas.explain(who, day)
    counting = next(step for step in steps if step.counts)
    return {
        "reviewer": who.pk,
        "day": day.isoformat(),
        "value": counting.value,
        "level": counting.level,
        "limits": [
            {
                "level": step.level,
                "value": step.value,
                "counts": step.counts,
                "reason": step.limit.reason if step.limit else "the default",
                "author": step.limit.author.get_username() if step.limit else None,
                "from_day": step.limit.from_day.isoformat() if step.limit else None,
            }
            for step in steps
        ],
    }


class LimitsView(APIView):
    """How many a day, for everybody, a region, a team or a person."""

    permission_classes = [needs("workforce.add_dailylimit")]

    @extend_schema(
        operation_id="set_limit",
        request=LimitIn,
        responses={201: LimitOut},
        summary="Set how many clips a day",
        description="Name one of region (its code), team or reviewer (their numbers), or none of them for everybody. "
        "It counts from the local day `from_day` on; a limit below what is used stops new leases and breaks nothing.",
    )
    def post(self, request: Request) -> Response:
        incoming = LimitIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        fields = incoming.validated_data
        region = Region.objects.filter(code=fields["region"]).first() if fields.get("region") else None
        named = fields.get("region") or fields.get("team") or fields.get("reviewer")
        scope = scope_of(request.user)
        if fields.get("region") and (region is None or not scope.covers(region.code)):
            raise NotFound("There is no such region.")
        if not named and not scope.everywhere:
            raise ReachesFurther
        limit = quotas.set_limit(
            fields["value"],
            reason=checked(fields["reason"]),
            by=cast(User, request.user),
            from_day=fields["from_day"],
            region=region,
            team=team(request, fields["team"]) if fields.get("team") else None,
            reviewer=person(request, fields["reviewer"]) if fields.get("reviewer") else None,
        )
        return Response(LimitOut(limit).data, status=201)
