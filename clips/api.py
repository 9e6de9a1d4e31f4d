"""The footage's doors: a gateway brings a clip in and asks how it is doing."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from django.contrib.auth.models import User
from django.core.files.uploadedfile import TemporaryUploadedFile
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from clips import consenting, receiving
from clips.errors import ConsentMissing
from clips.models import Clip
from clips.serializers import ClipIn, ClipOut
from clips.tasks import ring_for
from config.clock import database_now
from config.errors import NotFound
from config.http.roles import needs


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
            400: OpenApiResponse(description="problem+json: the file, consent, region or source cannot be used"),
            413: OpenApiResponse(description="problem+json: clip-too-large, clip-too-long"),
            415: OpenApiResponse(description="problem+json: not-a-video, codec-not-allowed"),
        },
        summary="Send a clip with its consent",
        description="The file is probed before the answer: what is not a whole video of an allowed kind is refused and "
        "nothing of it is kept. What is accepted is prepared in its region; follow `url` until it is ready or failed.",
    )
    def post(self, request: Request) -> Response:
        incoming = ClipIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        fields = incoming.validated_data
        receiving.check_region(fields["region"])
        if "consent" not in fields:
            raise ConsentMissing
        consent = fields["consent"]
        given = consenting.agreement(
            owner_key=consent["owner"],
            disclosure=consent["disclosure"],
            purposes=consent["purposes"],
            channel=consent["channel"],
            given_at=consent["given_at"],
            region=fields["region"],
        )
        upload = cast(TemporaryUploadedFile, fields["file"])
        clip = receiving.receive(
            Path(upload.temporary_file_path()),
            name=upload.name or "",
            region=fields["region"],
            source=fields["source"],
            given=given,
            by=cast(User, request.user),
            at=database_now(),
        )
        ring_for(clip.pk, clip.region)
        out = ClipOut(clip, context={"request": request}).data
        return Response(out, status=202, headers={"Location": out["url"]})


class ClipView(APIView):
    """One clip, for whoever sent it."""

    def get_permissions(self) -> list[BasePermission]:
        return [needs("clips.view_clip")()]

    @extend_schema(operation_id="get_clip", responses={200: ClipOut}, summary="How a clip is doing")
    def get(self, request: Request, pk: int) -> Response:
        clip = Clip.objects.filter(pk=pk, uploaded_by=cast(User, request.user)).first()
        if clip is None:
            raise NotFound
        return Response(ClipOut(clip, context={"request": request}).data)
