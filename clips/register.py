"""Doors for what owners ask of us, and for everybody who asks how often authorities did."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from clips import legal, requesting
from clips.models import OWNER_KEY, Law, Outcome, OwnerRequest, RequestKind
from clips.receiving import check_region
from clips.serializers import ZonedTime
from config.clock import database_now
from config.errors import NotFound
from config.http.roles import needs
from config.http.strict import StrictSerializer, Text, WholeNumber
from config.scope import ReachesFurther, scope_of, seen


class RequestIn(StrictSerializer):
    """What an owner asks for, and under which law."""

    region = Text(max_length=16, help_text="Code of the region whose clips it is about.")
    kind = serializers.ChoiceField(choices=RequestKind.choices)
    law = serializers.ChoiceField(choices=Law.choices, help_text="What sets the time to answer.")
    own_days = WholeNumber(
        min_value=1, max_value=365, required=False, help_text="With `own` alone: within how many days."
    )
    received_at = ZonedTime(
        required=False, help_text="When it reached you (ISO 8601 with a zone), if that was before now."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if (attrs["law"] == Law.OWN) != ("own_days" in attrs):
            raise serializers.ValidationError({"own_days": "Say this with `own`, and with no other law."})
        now = database_now()
        received_at = attrs.setdefault("received_at", now)
        if received_at > now + timedelta(minutes=5):
            raise serializers.ValidationError({"received_at": "A request cannot come from the future."})
        if received_at < now - timedelta(days=366):
            raise serializers.ValidationError({"received_at": "That is more than a year ago."})
        return attrs


class RequestOut(serializers.ModelSerializer[OwnerRequest]):
    """An owner's request and how it is doing."""

    owner = serializers.CharField(source="owner_key")
    is_extended = serializers.SerializerMethodField()
    outcome = serializers.ChoiceField(choices=Outcome.choices, allow_blank=True, read_only=True)
    clips_left = serializers.SerializerMethodField(help_text="Of an erasure: how many clips are not purged yet.")

    class Meta:
        model = OwnerRequest
        fields = [
            "id",
            "owner",
            "region",
            "kind",
            "law",
            "received_at",
            "due_at",
            "state",
            "is_extended",
            "outcome",
            "closed_at",
            "clips_left",
        ]
        read_only_fields = fields

    def get_is_extended(self, request: OwnerRequest) -> bool:
        return bool(request.extension_reason)

    def get_clips_left(self, request: OwnerRequest) -> int | None:
        return requesting.remaining(request).count() if request.kind == RequestKind.ERASURE else None


class HalfYearOut(serializers.Serializer[Any]):
    half_year = serializers.CharField(help_text="Such as 2026-H2: when they were entered.")
    entered = serializers.IntegerField()
    waiting = serializers.IntegerField()
    approved = serializers.IntegerField()
    refused = serializers.IntegerField()


class TransparencyOut(serializers.Serializer[Any]):
    """How often authorities asked for footage, and what they were told."""

    legal_requests = HalfYearOut(many=True)


OWNER = OpenApiParameter("key", str, OpenApiParameter.PATH, description="Pseudonymous key of the owner.")


def _check_owner(key: str) -> None:
    """Raises :class:`NotFound` for what cannot be an owner's key."""
    try:
        OWNER_KEY(key)
    except ValidationError:
        raise NotFound from None


class OwnerRequestsView(APIView):
    """An owner asks something of us."""

    def get_permissions(self) -> list[BasePermission]:
        return [needs("clips.add_ownerrequest")()]

    @extend_schema(
        operation_id="file_owner_request",
        parameters=[OWNER],
        request=RequestIn,
        responses={
            201: RequestOut,
            200: OpenApiResponse(RequestOut, description="Filed before, and open"),
            400: OpenApiResponse(description="problem+json: invalid, unknown-region"),
            404: OpenApiResponse(description="problem+json: not-found; this cannot be an owner's key"),
        },
        summary="File an owner's request",
        description="It is due when its law says, counted from when it reached you. Filing it again while it is open "
        "is harmless. An erasure is carried out by a privacy officer and closes itself when every store has confirmed.",
    )
    def post(self, request: Request, key: str) -> Response:
        incoming = RequestIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        fields = incoming.validated_data
        _check_owner(key)
        check_region(fields["region"])
        if request.user.is_staff and not scope_of(request.user).covers(fields["region"]):
            raise ReachesFurther
        filed, is_new = requesting.file(owner_key=key, by=cast(User, request.user), **fields)
        return Response(RequestOut(filed).data, status=201 if is_new else 200)


class OwnerRequestView(APIView):
    """One request, for whoever filed it."""

    def get_permissions(self) -> list[BasePermission]:
        return [needs("clips.add_ownerrequest")()]

    @extend_schema(
        operation_id="get_owner_request",
        parameters=[OWNER],
        responses={200: RequestOut},
        summary="How a request is doing",
    )
    def get(self, request: Request, key: str, pk: int) -> Response:
        _check_owner(key)
        user = cast(User, request.user)
        rows = OwnerRequest.objects.all()
        rows = seen(user, rows) if user.has_perm("clips.view_ownerrequest") else rows.filter(filed_by=user)
        found = rows.filter(pk=pk, owner_key=key).first()
        if found is None:
            raise NotFound
        return Response(RequestOut(found).data)


class TransparencyView(APIView):
    """Numbers for everybody."""

    permission_classes: list[type[BasePermission]] = []
    authentication_classes: list[Any] = []

    @extend_schema(
        operation_id="transparency",
        responses={200: TransparencyOut},
        auth=[],
        summary="How often authorities asked for footage",
        description="Numbers only, by half-year of entry and decision, small ones as they are. Needs no sign-in.",
    )
    def get(self, request: Request) -> Response:
        return Response({"legal_requests": legal.counted()}, headers={"Cache-Control": "public, max-age=3600"})
