"""The footage's doors: a gateway brings a clip in and asks how it is doing."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from django.contrib.auth.models import User
from django.http import HttpResponse, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from clips import queries, receiving, sights, uploading
from clips.models import Clip, Disclosure
from clips.serializers import (
    ClipIn,
    ClipOut,
    DisclosuresIn,
    DisclosuresOut,
    OwnerSightsOut,
    UploadIn,
    UploadOut,
    agreement_of,
    event_of,
)
from clips.tasks import ring_for
from config.clock import database_now
from config.errors import BadInput, NotFound
from config.http.incoming import ArrivedFile
from config.http.keys import KEY_HEADER, idempotency_key
from config.http.roles import needs
from config.scope import seen

MOST_DISCLOSURES = 200


def _answer(request: Request, clip: Clip, status: int) -> Response:
    out = ClipOut(clip, context={"request": request}).data
    return Response(out, status=status, headers={"Location": out["url"]})


class ClipsView(APIView):
    """Clips come in here."""

    parser_classes = [MultiPartParser]

    def get_permissions(self) -> list[BasePermission]:
        return [needs("clips.add_clip")()]

    @extend_schema(
        operation_id="send_clip",
        request={"multipart/form-data": ClipIn},
        responses={
            202: ClipOut,
            200: OpenApiResponse(ClipOut, description="It is here already: the same key, or the same bytes and owner"),
            400: OpenApiResponse(description="problem+json: the file, consent, event, region or source cannot be used"),
            409: OpenApiResponse(description="problem+json: upload-in-progress, with Retry-After"),
            410: OpenApiResponse(description="problem+json: consent-withdrawn"),
            413: OpenApiResponse(description="problem+json: clip-too-large, clip-too-long"),
            415: OpenApiResponse(description="problem+json: not-a-video, codec-not-allowed"),
            422: OpenApiResponse(description="problem+json: idempotency-key-reused"),
            503: OpenApiResponse(description="problem+json: storage-unavailable, no-room; with Retry-After"),
        },
        summary="Send a clip with its consent",
        description="The file is probed before the answer: what is not a whole video of an allowed kind is refused and "
        "nothing of it is kept. What is accepted is prepared in its region; follow `url` until it is ready or failed. "
        "Sending it again is safe: the same bytes of the same owner in the same region are the same clip, and so is "
        "what comes with the same `Idempotency-Key`. A consent that differs is recorded beside the first.",
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request) -> Response:
        key = idempotency_key(request) or ""
        incoming = ClipIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        fields = incoming.validated_data
        receiving.check_region(fields["region"])
        upload = cast(ArrivedFile, fields["file"])
        received = receiving.receive(
            Path(upload.temporary_file_path()),
            name=upload.name or "",
            region=fields["region"],
            source=fields["source"],
            given=agreement_of(fields),
            by=cast(User, request.user),
            at=database_now(),
            sha256=upload.sha256,
            key=key,
            event=event_of(fields.get("event")),
            language=fields.get("language", ""),
        )
        if received.is_new:
            ring_for(received.clip.pk, received.clip.region)
        return _answer(request, received.clip, 202 if received.is_new else 200)


class ClipView(APIView):
    """One clip, for whoever sent it."""

    def get_permissions(self) -> list[BasePermission]:
        return [needs("clips.view_clip")()]

    @extend_schema(operation_id="get_clip", responses={200: ClipOut}, summary="How a clip is doing")
    def get(self, request: Request, pk: int) -> Response:
        user = cast(User, request.user)
        rows = queries.sent_by(user)
        clip = (seen(user, rows) if user.is_staff else rows).filter(pk=pk).first()
        if clip is None:
            raise NotFound
        return Response(ClipOut(clip, context={"request": request}).data)


class OwnerSightsView(APIView):
    """Who saw an owner's clips."""

    def get_permissions(self) -> list[BasePermission]:
        return [needs("clips.report_sights")()]

    @extend_schema(
        operation_id="get_owner_sights",
        parameters=[OpenApiParameter("format", str, enum=["json", "csv"], description="json unless asked otherwise")],
        responses={
            (200, "application/json"): OwnerSightsOut,
            (200, "text/csv"): OpenApiTypes.STR,
            404: OpenApiResponse(description="problem+json: not-found; also for owners of whom you sent nothing"),
        },
        summary="Who saw an owner's clips",
        description="Every time that somebody was shown one of them: when, for what purpose, who (a pseudonym that is "
        "the same each time for this owner) and where they sat. What was refused is left out.",
    )
    def get(self, request: Request, key: str) -> HttpResponseBase:
        user, form = cast(User, request.user), request.query_params.get("format", "")
        if form not in {"", "json", "csv"}:
            raise BadInput("The format is json or csv.")
        clips = seen(user, Clip.objects.all()) if user.is_staff else queries.sent_by(user)
        if not clips.filter(queries.owned_by(key)).exists():
            raise NotFound
        found = sights.of_owner(key, clips)
        headers = {"Cache-Control": "no-store"}
        if form == "csv" or (not form and "text/csv" in request.headers.get("Accept", "")):
            headers |= {"Content-Disposition": 'attachment; filename="sights.csv"'}
            return HttpResponse(sights.as_csv(found), content_type="text/csv; charset=utf-8", headers=headers)
        return Response(OwnerSightsOut({"owner": key, "sights": found}).data, headers=headers)


class UploadsView(APIView):
    """Clips that will be sent straight to their region's storage are registered here."""

    def get_permissions(self) -> list[BasePermission]:
        return [needs("clips.add_clip")()]

    @extend_schema(
        operation_id="register_upload",
        request=UploadIn,
        responses={
            201: UploadOut,
            200: OpenApiResponse(UploadOut, description="Registered before; `upload` is null when the file is here"),
            400: OpenApiResponse(description="problem+json: the name, consent, event, region or source cannot be used"),
            409: OpenApiResponse(description="problem+json: no-direct-upload, upload-in-progress"),
            410: OpenApiResponse(description="problem+json: consent-withdrawn"),
            413: OpenApiResponse(description="problem+json: clip-too-large"),
            415: OpenApiResponse(description="problem+json: unsupported-extension"),
            422: OpenApiResponse(description="problem+json: idempotency-key-reused"),
        },
        summary="Register a clip and get a link to send it to",
        description="Send the file to `upload.url` with `upload.method` and exactly `upload.headers`; the link takes a "
        "file of this size and SHA-256, once, until `upload.expires_at`. Then confirm. What is not confirmed is "
        "forgotten an hour later. Registering it again is safe and gives a new link while the file is waited for.",
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request) -> Response:
        key = idempotency_key(request) or ""
        incoming = UploadIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        fields = incoming.validated_data
        receiving.check_region(fields["region"])
        found = uploading.register(
            name=fields["name"],
            size_bytes=fields["size_bytes"],
            sha256=fields["sha256"],
            region=fields["region"],
            source=fields["source"],
            given=agreement_of(fields),
            event=event_of(fields.get("event")),
            by=cast(User, request.user),
            at=database_now(),
            key=key,
            language=fields.get("language", ""),
        )
        out = ClipOut(found.clip, context={"request": request}).data
        link = found.link and {
            "method": "PUT",
            "url": found.link.url,
            "headers": found.link.headers,
            "expires_at": found.expires_at,
        }
        headers = {"Location": out["url"], "Cache-Control": "no-store"}
        return Response(out | {"upload": link}, status=201 if found.is_new else 200, headers=headers)


class ConfirmationView(APIView):
    """The file was sent."""

    def get_permissions(self) -> list[BasePermission]:
        return [needs("clips.add_clip")()]

    @extend_schema(
        operation_id="confirm_upload",
        request=None,
        responses={
            202: ClipOut,
            200: OpenApiResponse(ClipOut, description="Confirmed before"),
            404: OpenApiResponse(description="problem+json: not-found; what waits for too long is forgotten"),
            409: OpenApiResponse(description="problem+json: upload-not-there, upload-in-progress"),
            422: OpenApiResponse(description="problem+json: upload-differs; send the registered file, then confirm"),
            503: OpenApiResponse(description="problem+json: storage-unavailable, with Retry-After"),
        },
        summary="Say that the file was sent",
        description="Size and SHA-256 are compared with what was registered. The file is looked into when it is "
        "prepared; what is not a whole video of an allowed kind fails then, and says why.",
    )
    def post(self, request: Request, pk: int) -> Response:
        clip, is_first = uploading.confirm(pk, by=cast(User, request.user), at=database_now())
        if is_first:
            ring_for(clip.pk, clip.region)
        return _answer(request, clip, 202 if is_first else 200)


class DisclosuresView(APIView):
    """The texts that owners are shown."""

    def get_permissions(self) -> list[BasePermission]:
        return [needs("clips.view_disclosure")()]

    @extend_schema(
        operation_id="list_disclosures",
        parameters=[DisclosuresIn],
        responses={
            200: DisclosuresOut,
            400: OpenApiResponse(description="problem+json: invalid"),
            403: OpenApiResponse(description="problem+json: permission-denied"),
        },
        summary="Disclosures, by region and language, the newest first",
        description=f"At most {MOST_DISCLOSURES}. What is published never changes: show `text` as it is, "
        "byte for byte, and say its `version` with the consent.",
    )
    def get(self, request: Request) -> Response:
        asked = DisclosuresIn(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        rows = Disclosure.objects.filter(**asked.validated_data)
        rows = (seen(request.user, rows) if request.user.is_staff else rows)[:MOST_DISCLOSURES]
        return Response(DisclosuresOut({"disclosures": rows}).data)
