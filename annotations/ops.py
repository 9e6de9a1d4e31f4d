"""Ops' doors to the work: each verb takes a reason, and what it changed is kept with it."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.models import User
from django.db.models import Prefetch
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotations import stopping, supervision
from annotations.models import Flag, Lease, Project, Task
from annotations.scopes import check_whole
from annotations.serializers import (
    CaseOut,
    CasesOut,
    DecisionIn,
    PausedOut,
    RecalledOut,
    RequeuedOut,
)
from clips.models import Case, CaseState
from config.clock import database_now
from config.http.roles import needs
from config.http.strict import ReasonIn
from config.scope import get_seen, seen

MOST_CASES = 200


def reason_of(request: Request) -> str:
    """The reason that was sent. Raises ValidationError."""
    incoming = ReasonIn(data=request.data)
    incoming.is_valid(raise_exception=True)
    reason: str = incoming.validated_data["reason"]
    return reason


def project(request: Request, pk: int) -> Project:
    """The project with this number, to be changed by who asks.

    Raises :class:`config.errors.NotFound`, also for others', and :class:`config.scope.ReachesFurther` for one on which
    others' teams work, too.
    """
    found = get_seen(request.user, Project.objects.all(), pk)
    check_whole(cast(User, request.user), found)
    return found


class RecallView(APIView):
    """Take a lease back."""

    permission_classes = [needs("annotations.change_lease")]

    @extend_schema(
        operation_id="recall_lease",
        request=ReasonIn,
        responses={
            200: RecalledOut,
            409: OpenApiResponse(description="problem+json: already-submitted"),
            410: OpenApiResponse(description="problem+json: lease-lapsed and how else a lease ends"),
        },
        summary="Recall a lease",
        description="Its seat and its unit return at once; the holder's next call answers 410 `lease-recalled`. "
        "Repeating it is harmless.",
    )
    def post(self, request: Request, pk: int) -> Response:
        user, reason = cast(User, request.user), reason_of(request)
        get_seen(user, Lease.objects.all(), pk)
        lease = supervision.recall(pk, by=user, reason=reason, at=database_now())
        return Response({"lease": lease.pk, "state": lease.state})


class RequeueView(APIView):
    """Put a task back into the queue."""

    permission_classes = [needs("annotations.change_task")]

    @extend_schema(
        operation_id="requeue_task",
        request=ReasonIn,
        responses={
            200: RequeuedOut,
            409: OpenApiResponse(description="problem+json: nothing-to-requeue, clip-taken-away"),
        },
        summary="Re-queue a task",
        description="An open task's leases are recalled; a settled or disputed one is opened with one more seat and "
        "weighed anew. It goes before what was never taken.",
    )
    def post(self, request: Request, pk: int) -> Response:
        user, reason = cast(User, request.user), reason_of(request)
        get_seen(user, Task.objects.all(), pk)
        task = supervision.requeue(pk, by=user, reason=reason, at=database_now())
        return Response({"task": task.pk, "state": task.state, "overlap": task.overlap, "seats_left": task.seats_left})


class ProjectPauseView(APIView):
    """Hand out nothing of a project."""

    permission_classes = [needs("annotations.change_project")]

    @extend_schema(
        operation_id="pause_project", request=ReasonIn, responses={200: PausedOut}, summary="Pause a project"
    )
    def post(self, request: Request, pk: int) -> Response:
        changed = supervision.pause_project(
            project(request, pk), by=cast(User, request.user), reason=reason_of(request)
        )
        return Response({"paused": True, "changed": changed})


class ProjectResumeView(APIView):
    """Hand out a project's tasks again."""

    permission_classes = [needs("annotations.change_project")]

    @extend_schema(
        operation_id="resume_project", request=ReasonIn, responses={200: PausedOut}, summary="Resume a project"
    )
    def post(self, request: Request, pk: int) -> Response:
        changed = supervision.resume_project(
            project(request, pk), by=cast(User, request.user), reason=reason_of(request)
        )
        return Response({"paused": False, "changed": changed})


class CasesView(APIView):
    """What waits for a decision."""

    permission_classes = [needs("clips.view_case")]

    @extend_schema(operation_id="list_cases", responses={200: CasesOut}, summary="Open cases, the most urgent first")
    def get(self, request: Request) -> Response:
        flags = Prefetch("flags", seen(request.user, Flag.objects.all()))
        open_cases = Case.objects.filter(state=CaseState.OPEN).prefetch_related(flags)
        rows = seen(request.user, open_cases).order_by("due_at")
        return Response({"cases": CaseOut(rows[:MOST_CASES], many=True).data})


class DecisionView(APIView):
    """Decide a case."""

    permission_classes = [needs("clips.change_case")]

    @extend_schema(
        operation_id="decide_case",
        request=DecisionIn,
        responses={
            200: CaseOut,
            404: OpenApiResponse(description="problem+json: not-found; also sensitive ones, to who is not cleared"),
            409: OpenApiResponse(description="problem+json: case-decided"),
            422: OpenApiResponse(description="problem+json: decision-does-not-fit"),
        },
        summary="Decide a case",
    )
    def post(self, request: Request, pk: int) -> Response:
        incoming = DecisionIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        user = cast(User, request.user)
        get_seen(user, Case.objects.all(), pk)
        case = stopping.decide(pk, by=user, **incoming.validated_data, at=database_now())
        return Response(CaseOut(case).data)
