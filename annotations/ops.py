"""Ops' doors to the work: each verb takes a reason, and what it changed is kept with it."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.models import User
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotations import stopping, supervision
from annotations.models import Project
from annotations.serializers import (
    CaseOut,
    CasesOut,
    DecisionIn,
    PausedOut,
    RecalledOut,
    RequeuedOut,
)
from clips.models import Case, CaseKind, CaseState
from config.clock import database_now
from config.errors import NotFound
from config.http.roles import needs
from config.http.strict import ReasonIn

MOST_CASES = 200


def reason_of(request: Request) -> str:
    """The reason that was sent. Raises ValidationError."""
    incoming = ReasonIn(data=request.data)
    incoming.is_valid(raise_exception=True)
    reason: str = incoming.validated_data["reason"]
    return reason


def project(pk: int) -> Project:
    """The project with this number. Raises :class:`NotFound`."""
    found = Project.objects.filter(pk=pk).first()
    if found is None:
        raise NotFound
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
        lease = supervision.recall(pk, by=cast(User, request.user), reason=reason_of(request), at=database_now())
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
        task = supervision.requeue(pk, by=cast(User, request.user), reason=reason_of(request), at=database_now())
        return Response({"task": task.pk, "state": task.state, "overlap": task.overlap, "seats_left": task.seats_left})


class ProjectPauseView(APIView):
    """Hand out nothing of a project."""

    permission_classes = [needs("annotations.change_project")]

    @extend_schema(
        operation_id="pause_project", request=ReasonIn, responses={200: PausedOut}, summary="Pause a project"
    )
    def post(self, request: Request, pk: int) -> Response:
        changed = supervision.pause_project(project(pk), by=cast(User, request.user), reason=reason_of(request))
        return Response({"paused": True, "changed": changed})


class ProjectResumeView(APIView):
    """Hand out a project's tasks again."""

    permission_classes = [needs("annotations.change_project")]

    @extend_schema(
        operation_id="resume_project", request=ReasonIn, responses={200: PausedOut}, summary="Resume a project"
    )
    def post(self, request: Request, pk: int) -> Response:
        changed = supervision.resume_project(project(pk), by=cast(User, request.user), reason=reason_of(request))
        return Response({"paused": False, "changed": changed})


class CasesView(APIView):
    """What waits for a decision."""

    permission_classes = [needs("clips.view_case")]

    @extend_schema(operation_id="list_cases", responses={200: CasesOut}, summary="Open cases, the most urgent first")
    def get(self, request: Request) -> Response:
        rows = Case.objects.filter(state=CaseState.OPEN).prefetch_related("flags").order_by("due_at")
        if not request.user.has_perm("clips.decide_sensitive"):
            rows = rows.exclude(kind=CaseKind.SENSITIVE)
        return Response({"cases": CaseOut(rows[:MOST_CASES], many=True).data})


class DecisionView(APIView):
    """Decide a case."""

    permission_classes = [needs("clips.change_case")]

    @extend_schema(
        operation_id="decide_case",
        request=DecisionIn,
        responses={
            200: CaseOut,
            403: OpenApiResponse(description="problem+json: permission-denied; sensitive cases need clearance"),
            409: OpenApiResponse(description="problem+json: case-decided"),
            422: OpenApiResponse(description="problem+json: decision-does-not-fit"),
        },
        summary="Decide a case",
    )
    def post(self, request: Request, pk: int) -> Response:
        incoming = DecisionIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        case = stopping.decide(pk, by=cast(User, request.user), **incoming.validated_data, at=database_now())
        return Response(CaseOut(case).data)
