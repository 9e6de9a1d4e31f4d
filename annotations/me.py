"""A reviewer's own doors to what they are handed."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from annotations import wellbeing
from annotations.api import reviewer_of
from annotations.serializers import CategoriesOut, OptOutsIn
from config.http.roles import IsReviewer


class OptOutsView(APIView):
    """What I would rather not see."""

    permission_classes = [IsReviewer]

    @extend_schema(
        operation_id="my_opt_outs",
        responses={200: CategoriesOut},
        summary="What I opted out of",
        description="The categories that projects name, and which of them you opted out of. Nobody else is told.",
    )
    def get(self, request: Request) -> Response:
        return _told(wellbeing.categories(reviewer_of(request)))

    @extend_schema(
        operation_id="opt_out",
        request=OptOutsIn,
        responses={200: CategoriesOut, 400: OpenApiResponse(description="problem+json: unknown-category")},
        summary="Opt out of categories",
        description="Replaces all that you opted out of. It counts from your next claim, needs no reason, and costs "
        "you neither quota nor score. What you hold you may give back.",
    )
    def put(self, request: Request) -> Response:
        wanted = OptOutsIn(data=request.data)
        wanted.is_valid(raise_exception=True)
        return _told(wellbeing.opt_out(reviewer_of(request), wanted.validated_data["categories"]))


def _told(found: dict[str, bool]) -> Response:
    return Response({"categories": [{"category": name, "opted_out": out} for name, out in found.items()]})
