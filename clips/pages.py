"""The admin's pages of footage: staff say why they must see a clip, see it for some minutes, and all is on record."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from clips import sight, viewing
from clips.models import Clip
from clips.pseudonyms import mark_of
from clips.serving import asking_of, rendition_response
from config.acting import staff
from config.clock import database_now
from config.errors import NotFound, Refusal
from config.http.problems import PROBLEM, describe


@require_safe
def footage(request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
    """A rendition of a clip, for a member of staff to whom a door is open."""
    user = staff(request)
    try:
        rendition = sight.watch(user, pk, kind, asking=asking_of(request, user), at=database_now())

        def may_still() -> bool:
            clip = Clip.objects.filter(pk=pk).first()
            return clip is not None and sight.door(user, clip, at=database_now()) is not None

        return rendition_response(request, rendition, mark=mark_of(user.pk), may_still=may_still)
    except NotFound:
        raise Http404 from None
    except Exception as error:
        document, headers = describe(error)
        if document is None:
            raise
        return JsonResponse(document, status=document["status"], content_type=PROBLEM, headers=headers)


@require_POST
def open_viewing(request: HttpRequest) -> HttpResponseBase:
    """Say why, and see the clips for some minutes."""
    try:
        viewing.begin(
            _numbers(request, "clip"),
            purpose=request.POST.get("purpose", ""),
            case_id=next(iter(_numbers(request, "case")), None),
            reason=request.POST.get("reason", ""),
            minutes=next(iter(_numbers(request, "minutes")), 0),
            by=staff(request),
            at=database_now(),
        )
    except Refusal as refusal:
        messages.error(request, refusal.detail)
    return redirect(_back(request))


@require_POST
def close_viewing(request: HttpRequest) -> HttpResponseBase:
    """Be done before the end."""
    if viewing.close(_numbers(request, "clip"), by=staff(request), at=database_now()):
        messages.success(request, "The viewing is over.")
    return redirect(_back(request))


def _numbers(request: HttpRequest, name: str) -> list[int]:
    texts = request.POST.getlist(name)
    return [int(text) for text in texts[:4] if text.isascii() and text.isdigit() and len(text) < 19]


def _back(request: HttpRequest) -> str:
    """The page that asked, if it is one of ours."""
    page = request.POST.get("page", "")
    ours = page.startswith("/") and url_has_allowed_host_and_scheme(page, allowed_hosts=None)
    return page if ours else reverse("admin:index")
