"""The product's doors and one more: behind the same authentication, permission and renderer it does nothing."""

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.http.roles import IsReviewer
from config.urls import handler400, handler403, handler404, handler500
from config.urls import urlpatterns as doors

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


class Constant(APIView):
    """What an authenticated answer costs before any work is done for it."""

    permission_classes = [IsReviewer]

    def post(self, request: Request) -> Response:
        return Response({"constant": 1})


urlpatterns = [path("benchmark/constant", Constant.as_view()), *doors]
