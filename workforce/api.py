"""The people's doors: sign in, sign out, who am I."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from drf_spectacular.utils import OpenApiResponse, extend_schema
from knox.models import get_token_model
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from config.clock import database_now
from config.http import devices
from config.http.roles import IsReviewer
from config.http.second_factor import SecondFactorMissing, SecondFactorNeeded, is_asked_of
from config.http.tokens import Tokens
from workforce import people, quotas, second_factor, signing_in
from workforce.errors import NotASignIn, PausedByOps
from workforce.models import QuotaDay, Reviewer
from workforce.serializers import DaysOut, MeOut, SignIn, TokenOut

HISTORY_DAYS = 92
REFUSED = "problem+json: sign-in-failed, second-factor-needed, second-factor-wrong"


class TokensView(APIView):
    """Sign in with a name and a password."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="sign_in",
        request=SignIn,
        responses={
            201: TokenOut,
            401: OpenApiResponse(description=REFUSED),
        },
        auth=[],
        summary="Sign in",
    )
    def post(self, request: Request) -> Response:
        incoming = SignIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        name, address, at = incoming.validated_data["username"], BaseThrottle().get_ident(request), database_now()
        device = devices.device_of(request._request)
        signing_in.count_try(name, address, at=at, device=device)
        otp = incoming.validated_data.pop("otp")
        user = authenticate(request._request, **incoming.validated_data)
        if user is None:
            # One answer for a wrong name, a wrong password and a closed account.
            raise NotASignIn
        if is_asked_of(user):
            _check_second_factor(user, otp, address=str(address), at=at)
        devices.remember(request._request, signing_in.forget_tries(name, address, at=at, device=device))
        tokens = get_token_model().objects
        tokens.filter(user=user, expiry__lte=at).delete()
        row, token = tokens.create(user)
        return Response(TokenOut({"token": token, "expires_at": row.expiry}).data, status=201)


def _check_second_factor(user: User, otp: str, *, address: str, at: datetime) -> None:
    """Raises :class:`SecondFactorMissing`, :class:`SecondFactorNeeded` and what the check raises."""
    if not second_factor.has(user):
        raise SecondFactorMissing
    if not otp:
        raise SecondFactorNeeded
    second_factor.check(user, otp, address=address, at=at)


class CurrentTokenView(APIView):
    """The token this request carries."""

    authentication_classes = [Tokens]

    @extend_schema(operation_id="sign_out", responses={204: None}, summary="Sign out: end this token at once")
    def delete(self, request: Request) -> Response:
        request.auth.delete()
        return Response(status=204)


class MeView(APIView):
    """Who I am and my day."""

    @extend_schema(operation_id="me", responses={200: MeOut}, summary="Who I am and my day")
    def get(self, request: Request) -> Response:
        user = cast(User, request.user)
        reviewer = Reviewer.objects.select_related("team__region", "user").filter(user=user, is_active=True).first()
        roles = list(user.groups.order_by("name").values_list("name", flat=True)) + (["reviewer"] if reviewer else [])
        team = reviewer.team if reviewer else None
        return Response(
            {
                "username": user.get_username(),
                "name": user.get_full_name(),
                "roles": roles,
                "team": team.name if team else None,
                "region": team.region.code if team else None,
                "time_zone": team.time_zone if team else None,
                "pseudonym": reviewer.pseudonym if reviewer else None,
                "quota": quotas.describe(quotas.today(reviewer, at=database_now())) if reviewer else None,
            }
        )


class MyDaysView(APIView):
    """My days so far."""

    permission_classes = [IsReviewer]

    @extend_schema(operation_id="my_days", responses={200: DaysOut}, summary="My days, the latest first")
    def get(self, request: Request) -> Response:
        days = QuotaDay.objects.filter(reviewer__user=cast(User, request.user)).order_by("-day")[:HISTORY_DAYS]
        return Response({"days": [quotas.described(day) for day in days]})


class ResumeView(APIView):
    """I am back."""

    permission_classes = [IsReviewer]

    @extend_schema(
        operation_id="resume",
        request=None,
        responses={204: None, 409: OpenApiResponse(description="problem+json: paused-by-ops")},
        summary="Resume after leases that lapsed",
        description="Three leases that lapse in a row pause you, so that no work waits for somebody who has left.",
    )
    def post(self, request: Request) -> Response:
        if not people.resume(cast(User, request.user).reviewer):
            raise PausedByOps
        return Response(status=204)
