"""What the console's pages share: who may open one, how one is shown, and how the part that is live is shown alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse

from config.scope import reaches_all

View = Callable[..., HttpResponseBase]


def page(*needs: str, whole: bool = False) -> Callable[[View], View]:
    """A page for staff who have one of the permissions; it is not there (404) for all others, nor, where it is of the
    ``whole``, for those who have not all regions."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **options: Any) -> HttpResponseBase:
            if not any(request.user.has_perm(need) for need in needs) or (whole and not reaches_all(request.user)):
                raise Http404
            return view(request, *args, **options)

        return admin.site.admin_view(guarded)

    return decorate


def show(
    request: HttpRequest, template: str, context: dict[str, Any], *, live: str = "", status: int = 200
) -> HttpResponse:
    """The page; only its part ``live``, when that is what htmx asks for.

    A page that is live says so itself: an element with ``hx-get``, ``hx-trigger="every 10s"`` around the include of
    its part.
    """
    if live and request.headers.get("HX-Request") == "true":
        return TemplateResponse(request, live, context, status=status)
    return TemplateResponse(request, template, admin.site.each_context(request) | context, status=status)
