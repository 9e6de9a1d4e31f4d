"""The work's doors: leases and annotations for reviewers, exports for model teams, media for lease holders."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import APIException, AuthenticationFailed, MethodNotAllowed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotations import amending, exporting, flagging, leasing, links, queries, submitting
from annotations.errors import VersionMismatch, VersionMissing
from annotations.models import Annotation, Export, Lease
from annotations.scopes import regions_of
from annotations.serializers import (
    AmendIn,
    AnnotationIn,
    AnnotationOut,
    ExportIn,
    ExportOut,
    ExportWithdrawalsOut,
    FlagIn,
    FlagOut,
    LeaseOut,
    LeasesIn,
    LeasesOut,
    SkipIn,
    TokenIn,
    annotation_out,
    lease_out,
)
from annotations.tasks import settle_task, write_export
from clips import access, storage
from clips.access import About
from clips.models import Credentials, Purpose, Under
from clips.pseudonyms import mark_of
from clips.serving import Watched, asking_of, rendition_response
from config.bells import ring
from config.clock import database_now
from config.errors import NotFound, Refusal
from config.http.keys import KEY_HEADER, idempotency_key
from config.http.problems import PROBLEM, describe
from config.http.ranges import ranged
from config.http.roles import IsReviewer, needs
from config.http.tokens import Tokens
from config.scope import seen
from workforce import quotas
from workforce.models import QuotaDay, Reviewer


def reviewer_of(request: Request) -> Reviewer:
    """The reviewer who asks, with their team."""
    reviewer: Reviewer = Reviewer.objects.select_related("team", "user").get(user=cast(User, request.user))
    return reviewer


class LeasesView(APIView):
    """Take work; list what I hold."""

    permission_classes = [IsReviewer]

    @extend_schema(operation_id="list_leases", responses={200: LeasesOut}, summary="My live leases and my day")
    def get(self, request: Request) -> Response:
        reviewer, at = reviewer_of(request), database_now()
        held = list(leasing.live_leases(reviewer, at=at).values_list("pk", flat=True))
        return self._answer(request, held, quotas.today(reviewer, at=at))

    @extend_schema(
        operation_id="take_leases",
        request=LeasesIn,
        responses={
            201: LeasesOut,
            200: OpenApiResponse(LeasesOut, description="Nothing to do; reason says why"),
            429: OpenApiResponse(
                description="problem+json: quota-exhausted, with Retry-After until your local midnight"
            ),
        },
        summary="Take work",
        description="Grants up to `count` leases on the earliest due tasks that you may be handed, no more at a time "
        "than the project's prefetch. Each counts against your day until you submit it (used), give it back or let it "
        "lapse (returned). With an `Idempotency-Key`, repeating the call after a lost reply gets the same leases.",
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request) -> Response:
        wanted = LeasesIn(data=request.data)
        wanted.is_valid(raise_exception=True)
        granted = leasing.lease_next(
            cast(User, request.user).pk, count=wanted.validated_data["count"], key=idempotency_key(request)
        )
        response = self._answer(request, granted.lease_ids, granted.quota, granted.reason)
        response.status_code = 201 if granted.lease_ids else 200
        return response

    def _answer(
        self, request: Request, lease_ids: list[int], quota: QuotaDay | quotas.Standing, reason: str = ""
    ) -> Response:
        rows = queries.lease_rows(lease_ids) if lease_ids else []
        return Response(
            {
                "leases": [lease_out(row, request) for row in rows],
                "reason": reason,
                "quota": quotas.describe(quota),
            }
        )


class LeaseView(APIView):
    """One lease of mine."""

    permission_classes = [IsReviewer]

    @extend_schema(operation_id="get_lease", responses={200: LeaseOut}, summary="One of my leases")
    def get(self, request: Request, pk: int) -> Response:
        lease = leasing.own_lease(reviewer_of(request), pk)
        return Response(lease_out(queries.lease_rows([lease.pk])[0], request))

    @extend_schema(
        operation_id="give_lease_back",
        responses={
            204: None,
            409: OpenApiResponse(description="problem+json: already-submitted"),
            410: OpenApiResponse(description="problem+json: lease-lapsed"),
        },
        summary="Give a lease back",
        description="The seat returns to the queue and the unit to your day. Repeating it is harmless.",
    )
    def delete(self, request: Request, pk: int) -> Response:
        leasing.give_back(reviewer_of(request), pk, at=database_now())
        return Response(status=204)


class RenewalView(APIView):
    """More time for a lease, while the player is open."""

    permission_classes = [IsReviewer]

    @extend_schema(
        operation_id="renew_lease",
        request=TokenIn,
        responses={
            200: LeaseOut,
            409: OpenApiResponse(description="problem+json: stale-token"),
            410: OpenApiResponse(description="problem+json: lease-lapsed, lease-returned"),
        },
        summary="Renew a lease",
        description="Its full length again from now, up to the project's hard maximum from its grant: `expires_at` "
        "says until when. Call it every minute while the player is open.",
    )
    def post(self, request: Request, pk: int) -> Response:
        incoming = TokenIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        lease = leasing.renew(reviewer_of(request), pk, token=incoming.validated_data["token"], at=database_now())
        return Response(lease_out(queries.lease_rows([lease.pk])[0], request))


class SkipView(APIView):
    """A task I would rather not answer."""

    permission_classes = [IsReviewer]

    @extend_schema(
        operation_id="skip_lease",
        request=SkipIn,
        responses={
            204: None,
            409: OpenApiResponse(description="problem+json: stale-token, already-submitted"),
            410: OpenApiResponse(description="problem+json: lease-lapsed, lease-returned"),
            429: OpenApiResponse(description="problem+json: skips-exhausted"),
        },
        summary="Skip a task, with a reason",
        description="The seat returns to the queue and the unit to your day; you are never offered the task again.",
    )
    def post(self, request: Request, pk: int) -> Response:
        incoming = SkipIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        fields = incoming.validated_data
        leasing.skip(reviewer_of(request), pk, token=fields["token"], reason=fields["reason"], at=database_now())
        return Response(status=204)


class FlagView(APIView):
    """Something is wrong with the clip."""

    permission_classes = [IsReviewer]

    @extend_schema(
        operation_id="flag_lease",
        request=FlagIn,
        responses={
            201: FlagOut,
            200: OpenApiResponse(FlagOut, description="You had flagged it so before"),
            409: OpenApiResponse(description="problem+json: stale-token"),
            410: OpenApiResponse(description="problem+json: lease-lapsed and how else a lease ends; only for broken"),
        },
        summary="Flag what you were shown; it costs you nothing",
        description="`sensitive`: you stop, and the clip is taken from everybody until cleared staff have decided. "
        "`broken`: it does not play; you are handed something else. `emergency`: somebody may be in danger now; staff "
        "are told, and you go on.",
    )
    def post(self, request: Request, pk: int) -> Response:
        incoming = FlagIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        found, made = flagging.flag(reviewer_of(request), pk, **incoming.validated_data, at=database_now())
        found.lease_state = Lease.objects.values_list("state", flat=True).get(pk=pk)  # type: ignore[attr-defined]
        return Response(FlagOut(found).data, status=201 if made else 200)


class AnnotationView(APIView):
    """The answer under a lease."""

    permission_classes = [IsReviewer]

    @extend_schema(
        operation_id="submit_annotation",
        request=AnnotationIn,
        responses={
            201: AnnotationOut,
            200: OpenApiResponse(AnnotationOut, description="It was submitted before; this is that first answer"),
            409: OpenApiResponse(description="problem+json: stale-token"),
            410: OpenApiResponse(description="problem+json: lease-lapsed, lease-returned"),
        },
        summary="Submit an annotation",
    )
    def post(self, request: Request, pk: int) -> Response:
        incoming = AnnotationIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        annotation, written, task_is_full = submitting.submit(
            cast(User, request.user).pk,
            pk,
            token=incoming.validated_data["token"],
            answer=incoming.validated_data["answer"],
        )
        if task_is_full:
            ring(settle_task, annotation.task_id, queue="general")
        return _annotation_answer(annotation, status=201 if written else 200)

    @extend_schema(operation_id="get_annotation", responses={200: AnnotationOut}, summary="My annotation under a lease")
    def get(self, request: Request, pk: int) -> Response:
        return _annotation_answer(amending.own_annotation(cast(User, request.user).pk, pk))

    @extend_schema(
        operation_id="amend_annotation",
        request=AmendIn,
        responses={
            200: AnnotationOut,
            409: OpenApiResponse(description="problem+json: amend-window-over"),
            412: OpenApiResponse(description="problem+json: version-mismatch"),
            428: OpenApiResponse(description="problem+json: if-match-required"),
        },
        summary="Amend my annotation",
        description="Within the project's window, by its author, with `If-Match` and the ETag of the version that is "
        "amended. Every version is kept; a task that was settled is weighed again.",
        parameters=[OpenApiParameter("If-Match", str, OpenApiParameter.HEADER, required=True)],
    )
    def put(self, request: Request, pk: int) -> Response:
        incoming = AmendIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        annotation, weigh_again = amending.amend(
            cast(User, request.user).pk,
            pk,
            version=version_of(request),
            answer=incoming.validated_data["answer"],
            at=database_now(),
        )
        if weigh_again:
            ring(settle_task, annotation.task_id, queue="general")
        return _annotation_answer(annotation)


def version_of(request: Request) -> int:
    """The version that If-Match names. Raises :class:`VersionMissing`, :class:`VersionMismatch`."""
    tag = request.headers.get("If-Match", "").strip()
    if not tag:
        raise VersionMissing
    number = tag.strip('"')
    if not (number.isascii() and number.isdigit() and len(number) < 6):
        raise VersionMismatch
    return int(number)


def _annotation_answer(annotation: Annotation, status: int = 200) -> Response:
    return Response(annotation_out(annotation), status=status, headers={"ETag": f'"{annotation.version}"'})


class ExportsView(APIView):
    """Ask for an export."""

    def get_permissions(self) -> list[BasePermission]:
        return [needs("annotations.add_export")()]

    @extend_schema(
        operation_id="request_export", request=ExportIn, responses={202: ExportOut}, summary="Ask for an export"
    )
    def post(self, request: Request) -> Response:
        incoming = ExportIn(data=request.data, context={"request": request})
        incoming.is_valid(raise_exception=True)
        user, project = cast(User, request.user), incoming.validated_data["project"]
        export = exporting.request_export(project, by=user, regions=regions_of(user), at=database_now())
        ring(write_export, export.pk, queue="general")
        out = ExportOut(export, context={"request": request}).data
        location = request.build_absolute_uri(f"{request.path}/{export.pk}")
        return Response(out, status=202, headers={"Location": location})


class ExportView(APIView):
    """One export, for whoever asked for it and for ops."""

    def get_permissions(self) -> list[BasePermission]:
        return [needs("annotations.view_export")()]

    @extend_schema(operation_id="get_export", responses={200: ExportOut}, summary="How an export is doing")
    def get(self, request: Request, pk: int) -> Response:
        return Response(ExportOut(own_export(request, pk), context={"request": request}).data)


class ExportWithdrawalsView(APIView):
    """What of an export may be used no more, for whoever has a copy of its file."""

    def get_permissions(self) -> list[BasePermission]:
        return [needs("annotations.view_export")()]

    @extend_schema(
        operation_id="get_export_withdrawals",
        responses={200: ExportWithdrawalsOut},
        summary="Which lines of an export their owners took back",
        description="Whoever has a copy of the file takes these lines out of it. Also once the file is removed.",
    )
    def get(self, request: Request, pk: int) -> Response:
        export = own_export(request, pk)
        out = {"export": export.pk, "state": export.state, "lines": exporting.fallen_lines(export)}
        return Response(ExportWithdrawalsOut(out | {"tasks": exporting.fallen_tasks(export)}).data)


class ExportDownloadView(APIView):
    """The file of a finished export."""

    def get_permissions(self) -> list[BasePermission]:
        return [needs("annotations.view_export")()]

    @extend_schema(
        operation_id="download_export",
        responses={
            (200, "application/x-ndjson"): OpenApiTypes.BINARY,
            409: OpenApiResponse(description="problem+json: export-not-ready"),
            410: OpenApiResponse(
                description="problem+json: export-withdrawn; ask for a new one, and take out of copies what "
                "`withdrawals` names"
            ),
        },
        summary="The labels, one JSON object a line",
        description="Refused once an owner took back what a line of it stands on, or that expired; the file is then "
        "removed. Who took it, and who was refused, is in the access log.",
    )
    def get(self, request: Request, pk: int) -> HttpResponseBase:
        export = own_export(request, pk)
        kind = Credentials.TOKEN if request.auth else Credentials.SESSION
        asking = asking_of(request._request, cast(User, request.user), credentials=kind)
        about = About(under=Under.EXPORT, under_id=export.pk, purpose=Purpose.MODEL_TRAINING)
        try:
            exporting.check_download(export)
        except Refusal as refusal:
            access.refuse(asking, about, code=refusal.code)
            raise
        access.grant(asking, about)
        response = ranged(
            request._request,
            size=export.size_bytes,
            etag=export.sha256,
            content_type="application/x-ndjson",
            read=lambda start, length: Watched(
                storage.read_range(exporting.ALIAS, export.key, start, length),
                lambda: exporting.may_still_download(export.pk),
            ),
        )
        response["Content-Disposition"] = f'attachment; filename="{export.project.slug}-{export.pk}.jsonl"'
        response["Cache-Control"] = "private, no-store"
        return response


def own_export(request: Request, export_id: int) -> Export:
    """An export this user may see. Raises :class:`NotFound` alike for absent ones and other people's."""
    user = cast(User, request.user)
    rows = Export.objects.select_related("project").filter(pk=export_id)
    export = (seen(user, rows) if user.is_staff else rows.filter(requested_by=user)).first()
    if export is None:
        raise NotFound
    return export


@csrf_exempt
def media(request: HttpRequest, sealed: str) -> HttpResponseBase:
    """A rendition's bytes, for the holder of the lease that the link was made for."""
    try:
        if request.method not in {"GET", "HEAD"}:
            raise _refused(request, MethodNotAllowed(str(request.method)))
        try:
            found = Tokens().authenticate(Request(request))
        except AuthenticationFailed as error:
            raise _refused(request, error) from None
        user = found[0] if found else request.user
        kind = Credentials.TOKEN if found else Credentials.SESSION if user.is_authenticated else Credentials.LINK
        opened = links.open_link(sealed, asking=asking_of(request, user, credentials=kind), at=database_now())
        return rendition_response(
            request,
            opened.rendition,
            mark=mark_of(opened.user_id),
            may_still=lambda: links.still_opens(opened, at=database_now()),
        )
    except Exception as error:
        document, headers = describe(error)
        if document is None:
            raise
        headers |= {"Allow": "GET, HEAD"} if document["status"] == 405 else {}
        headers |= {"Cache-Control": "no-store"}
        return JsonResponse(document, status=document["status"], content_type=PROBLEM, headers=headers)


def _refused(request: HttpRequest, error: APIException) -> APIException:
    """The refusal of a request whose link was not looked at, written down."""
    document, _headers = describe(error)
    access.refuse(asking_of(request, AnonymousUser()), About(), code=document["code"] if document else "refused")
    return error
