"""Doors to active time: heartbeats, my own days and what they add up from, contests, and timesheets for ops."""

from __future__ import annotations

from datetime import date, timedelta
from typing import cast

from django.contrib.auth.models import User
from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotations import activity, timesheets
from annotations.api import reviewer_of
from annotations.models import ActiveClock, TimeContest, Timesheet
from annotations.serializers import BeatIn
from annotations.time_serializers import AnswerIn, ContestIn, ContestOut, MyDayTimeOut, MyTimeOut, SheetsIn
from config.clock import database_now
from config.http.roles import IsReviewer, needs
from config.scope import get_seen, seen
from workforce.days import local_day

HISTORY_DAYS = 62


class HeartbeatView(APIView):
    """The player is open."""

    permission_classes = [IsReviewer]

    @extend_schema(
        operation_id="heartbeat",
        request=BeatIn,
        responses={
            204: None,
            409: OpenApiResponse(description="problem+json: stale-token"),
            410: OpenApiResponse(description="problem+json: lease-lapsed and how else a lease ends"),
        },
        summary="Say that I am at work on a lease",
        description="Runs your clock: call it when the player opens and every 15 to 30 seconds while you are there. "
        "More than a minute of silence is not counted, but for what `lost_ms` says the network took. Your time of a "
        "lease reaches to your answer. It does not renew the lease.",
    )
    def post(self, request: Request, pk: int) -> Response:
        incoming = BeatIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        activity.beat(cast(User, request.user).pk, pk, **incoming.validated_data, at=database_now())
        return Response(status=204)


class MyTimeView(APIView):
    """What is counted as my time."""

    permission_classes = [IsReviewer]

    @extend_schema(
        operation_id="my_time",
        responses={200: MyTimeOut},
        summary="My active time by local day, the latest first",
        description="All that staff see of it. Each day is the sum of its spans and of what was added when you "
        "contested it.",
    )
    def get(self, request: Request) -> Response:
        person, at = reviewer_of(request), database_now()
        since = local_day(at, person.zone_at(at)) - timedelta(days=HISTORY_DAYS)
        found = Timesheet.objects.filter(reviewer=person, day__gte=since).order_by("-day")
        clock = ActiveClock.objects.filter(pk=person.pk).first()
        running = clock and {"lease": clock.lease_id, "started_at": clock.started_at, "beat_at": clock.beat_at}
        return Response(MyTimeOut({"days": found, "running": running}).data)


class MyDayTimeView(APIView):
    """What one of my days adds up from."""

    permission_classes = [IsReviewer]

    @extend_schema(
        operation_id="my_day_time", responses={200: MyDayTimeOut}, summary="One of my days, span by span, with contests"
    )
    def get(self, request: Request, day: date) -> Response:
        person = reviewer_of(request)
        contests = TimeContest.objects.filter(reviewer=person, day=day).order_by("id")
        return Response(
            MyDayTimeOut({"day": day, "spans": timesheets.spans_of(person, day), "contests": contests}).data
        )


class ContestView(APIView):
    """This is not right."""

    permission_classes = [IsReviewer]

    @extend_schema(
        operation_id="contest_time",
        request=ContestIn,
        responses={
            201: ContestOut,
            400: OpenApiResponse(description="problem+json: day-not-contestable, reason-required"),
            409: OpenApiResponse(description="problem+json: contest-open"),
        },
        summary="Contest the time of one of my days",
        description="Staff answer with a reason, and add time if you are right. It costs you nothing.",
    )
    def post(self, request: Request, day: date) -> Response:
        incoming = ContestIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        note = incoming.validated_data["note"]
        made = timesheets.contest(reviewer_of(request), day, note=note, at=database_now())
        return Response(ContestOut(made).data, status=201)


class AnswerView(APIView):
    """Answer somebody who contests their time."""

    permission_classes = [needs("annotations.change_timecontest")]

    @extend_schema(
        operation_id="answer_time_contest",
        request=AnswerIn,
        responses={200: ContestOut, 409: OpenApiResponse(description="problem+json: contest-answered")},
        summary="Answer a contest of time, with a reason",
    )
    def post(self, request: Request, pk: int) -> Response:
        incoming = AnswerIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        by, at = cast(User, request.user), database_now()
        get_seen(by, TimeContest.objects.all(), pk)
        return Response(ContestOut(timesheets.answer(pk, by=by, **incoming.validated_data, at=at)).data)


class TimesheetsView(APIView):
    """Timesheets for whoever pays."""

    permission_classes = [needs("annotations.view_timesheet")]

    @extend_schema(
        operation_id="timesheets",
        parameters=[SheetsIn],
        responses={
            (200, "text/csv"): OpenApiTypes.STR,
            400: OpenApiResponse(description="problem+json: invalid"),
        },
        summary="Timesheets as CSV, one line for each person and local day",
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = SheetsIn(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        first, last = asked.validated_data["first"], asked.validated_data["last"]
        rows = seen(request.user, timesheets.sheets(first=first, last=last))
        if "region" in asked.validated_data:
            rows = rows.filter(reviewer__team__region__code=asked.validated_data["region"])
        response = StreamingHttpResponse(timesheets.as_csv(rows), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="timesheets-{first}-{last}.csv"'
        response["Cache-Control"] = "private, no-store"
        return response
