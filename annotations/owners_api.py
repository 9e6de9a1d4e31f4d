"""The owners' doors, for the machines and the staff that act for them: agree, take back, ask what is held."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import User
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotations import owners, withdrawing
from annotations.owner_serializers import (
    THE_OWNER_ASKED,
    ConsentEventIn,
    ConsentWithdrawalIn,
    OwnerFile,
    RecordedOut,
    WithdrawnOut,
)
from annotations.tasks import sweep_consents
from annotations.withdrawing import Withdrawn
from clips import consenting, queries
from clips.models import Clip, ConsentEvent, EventKind
from config.bells import ring
from config.clock import database_now
from config.errors import NotFound
from config.http.keys import KEY_HEADER, idempotency_key
from config.http.roles import needs
from config.scope import scope_of, seen

NOT_YOURS = OpenApiResponse(description="problem+json: permission-denied")


def clip_of(user: User, owner_key: str, clip_id: int | None) -> Clip | None:
    """The owner's clip that this user may speak of. Raises :class:`NotFound` alike for absent ones and others'."""
    if clip_id is None:
        return None
    rows = seen(user, Clip.objects.all()) if user.is_staff else queries.sent_by(user)
    clip = rows.filter(pk=clip_id, owner_key=owner_key).first()
    if clip is None:
        raise NotFound
    return clip


def ended_out(done: Withdrawn, *, to: User) -> dict[str, Any]:
    """What a withdrawal ended; rings for what is left to end.

    Of all of an owner's clips staff are told the figures only if they have all regions: it reaches them all.
    """
    told = done.event.clip_id is not None or not to.is_staff or scope_of(to).everywhere
    if done.clips_closing:
        ring(sweep_consents, queue="general")
    return {
        "leases_ended": done.leases_ended if told else None,
        "clips_closing": done.clips_closing if told else None,
        "exports": withdrawing.exports_with(done.event, to=to if to.is_staff else None),
    }


class ConsentsView(APIView):
    """Consent is given and taken back here, by the same call."""

    permission_classes = [needs("clips.add_consentevent")]

    @extend_schema(
        operation_id="record_consent",
        request=ConsentEventIn,
        responses={
            201: RecordedOut,
            200: OpenApiResponse(RecordedOut, description="Recorded before: the same key, or the same event"),
            400: OpenApiResponse(description="problem+json: invalid, unknown-disclosure, consent-expired"),
            403: NOT_YOURS,
            404: OpenApiResponse(description="problem+json: not-found; a clip or an owner that is not yours"),
            410: OpenApiResponse(description="problem+json: clip-withheld; send the clip anew with this consent"),
            422: OpenApiResponse(description="problem+json: idempotency-key-reused"),
        },
        summary="Record that an owner agreed, or took it back",
        description="For one clip, or for all that the owner has and will have. A withdrawal needs less: "
        '`{"kind": "withdrawn", "owner": ..., "channel": ...}` ends all. From the answer on nobody is shown what is no '
        "longer permitted: no task, no lease, no rendition, no line in an export. Repeating it is harmless.",
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request) -> Response:
        key = idempotency_key(request) or ""
        incoming = ConsentEventIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        fields, user = incoming.validated_data, cast(User, request.user)
        consenting.check_speaks_for(user, fields["owner"])
        clip = clip_of(user, fields["owner"], fields.get("clip"))
        if fields["kind"] == EventKind.GIVEN:
            event, is_new = self._give(fields, clip, by=user, key=key)
            ended = None
        else:
            done = self._withdraw(fields, clip, by=user, key=key)
            event, is_new, ended = done.event, done.is_new, ended_out(done, to=user)
        event = ConsentEvent.objects.select_related("disclosure").get(pk=event.pk)
        out = RecordedOut(owners.event_out(event) | {"ended": ended}).data
        return Response(out, status=201 if is_new else 200)

    def _give(self, fields: dict[str, Any], clip: Clip | None, *, by: User, key: str) -> tuple[ConsentEvent, bool]:
        given = consenting.agreed(
            owner_key=fields["owner"],
            disclosure=fields["disclosure"],
            purposes=fields["purposes"],
            channel=fields["channel"],
            given_at=fields["at"],
            region=clip.region if clip else None,
            expires_at=fields.get("expires_at"),
        )
        return consenting.give(clip, given, by=by, key=key)

    def _withdraw(self, fields: dict[str, Any], clip: Clip | None, *, by: User, key: str) -> Withdrawn:
        how: dict[str, Any] = {
            "by": by,
            "reason": fields.get("reason", THE_OWNER_ASKED),
            "at": database_now(),
            "channel": fields["channel"],
            "said_at": fields.get("at"),
            "key": key,
        }
        if "purposes" in fields:
            how["purposes"] = fields["purposes"]
        if clip is None:
            return withdrawing.withdraw_all(fields["owner"], **how)
        return withdrawing.withdraw(clip.pk, **how)


class WithdrawalView(APIView):
    """An owner takes back what they agreed to."""

    permission_classes = [needs("clips.add_consentevent")]

    @extend_schema(
        operation_id="withdraw_consent",
        request=ConsentWithdrawalIn,
        responses={
            200: WithdrawnOut,
            400: OpenApiResponse(description="problem+json: invalid"),
            403: NOT_YOURS,
            404: OpenApiResponse(description="problem+json: not-found; also for others'"),
            422: OpenApiResponse(description="problem+json: idempotency-key-reused"),
        },
        summary="Withdraw a consent",
        description="For whoever recorded it, and for privacy officers. What stands for its clip ends, or for all "
        "clips of the owner if it was given for all. From the answer on nobody is shown them: no task, no lease (the "
        "next call answers 410 `consent-withdrawn`), no rendition, no line in an export. Repeating it is harmless; it "
        "cannot be undone, but a new consent may come with the clip.",
        parameters=[KEY_HEADER],
    )
    def post(self, request: Request, pk: int) -> Response:
        key = idempotency_key(request) or ""
        incoming = ConsentWithdrawalIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        fields, user = dict(incoming.validated_data), cast(User, request.user)
        rows = ConsentEvent.objects.filter(kind=EventKind.GIVEN)
        given = (seen(user, rows) if user.is_staff else rows.filter(actor=user)).filter(pk=pk).first()
        if given is None or (given.clip_id and not Clip.objects.filter(pk=given.clip_id).exists()):
            raise NotFound
        done = withdrawing.withdraw_named(
            given, by=user, at=database_now(), said_at=fields.pop("at", None), key=key, **fields
        )
        return Response(
            ended_out(done, to=user)
            | {
                "consent": given.pk,
                "event": done.event.pk,
                "clip": given.clip_id,
                "purposes": done.event.purposes,
                "withdrawn_at": done.event.at,
            }
        )


class OwnerView(APIView):
    """Everything that is held of an owner."""

    permission_classes = [needs("clips.view_owner")]

    @extend_schema(
        operation_id="get_owner",
        responses={
            200: OwnerFile,
            403: NOT_YOURS,
            404: OpenApiResponse(description="problem+json: not-found; also for others'"),
        },
        summary="Everything that is held of an owner, as a file",
        description="Consents and the texts they were given under, clips with what is known of them, device events, "
        "annotations without who gave them, cases, and exports that hold the clips. It links to no footage. For "
        "whoever brought the owner's clips or consents, and for privacy officers.",
    )
    def get(self, request: Request, key: str) -> Response:
        user = cast(User, request.user)
        consenting.check_speaks_for(user, key)
        out = OwnerFile(owners.file_of(key, at=database_now(), to=user if user.is_staff else None)).data
        headers = {"Content-Disposition": f'attachment; filename="{key}.json"', "Cache-Control": "private, no-store"}
        return Response(out, headers=headers)
