"""Footage for the admin's pages: for those who may, and on record."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.http import require_safe

from clips import sight
from clips.serving import rendition_response
from config.clock import database_now
from config.errors import NotFound
from config.http.problems import PROBLEM, describe


@require_safe
def footage(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
    """A rendition of a clip, for a member of staff who may watch it."""
    try:
        rendition = sight.watch(request.user, pk, kind, place="admin", at=database_now())
        return rendition_response(request, rendition)
    except NotFound:
        raise Http404 from None
    except Exception as error:
        document, headers = describe(error)
        if document is None:
            raise
        return JsonResponse(document, status=document["status"], content_type=PROBLEM, headers=headers)
