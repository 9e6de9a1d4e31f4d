"""What goes out when something cannot be done: problem+json (RFC 9457), whatever refused it."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy, override
from rest_framework import exceptions
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from config.errors import Refusal

log = logging.getLogger("sightline.http")

PROBLEM = "application/problem+json"


class AlwaysJSON(DefaultContentNegotiation):
    """The API answers JSON whatever a client says it prefers, so that an error is never hidden behind a 406."""

    def select_renderer(
        self, request: Request, renderers: Iterable[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        first = next(iter(renderers))
        return first, str(first.media_type)


def problem(status: int, code: str, title: str, detail: str = "", **extra: Any) -> dict[str, Any]:
    """A problem document (RFC 9457): ``code`` is stable and also ends the ``type`` reference."""
    return {
        "type": f"/problems/{code}",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail or title,
    } | extra


API_CODES = {
    exceptions.ParseError: "malformed-request",
    exceptions.AuthenticationFailed: "authentication-failed",
    exceptions.NotAuthenticated: "not-authenticated",
    exceptions.PermissionDenied: "permission-denied",
    exceptions.NotFound: "not-found",
    exceptions.MethodNotAllowed: "method-not-allowed",
    exceptions.UnsupportedMediaType: "unsupported-media-type",
    exceptions.Throttled: "too-many-requests",
}


def problem_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: every refusal becomes a problem document; a defect of ours stays a 500."""
    document, headers = describe(error)
    if document is None:
        return None
    return Response(document, status=document["status"], headers=headers, content_type=PROBLEM)


def describe(error: Exception) -> tuple[dict[str, Any] | None, dict[str, str]]:
    """The problem document of an exception, and its headers; ``(None, {})`` when it is nobody's refusal."""
    headers: dict[str, str] = {}
    if isinstance(error, Refusal):
        extra = dict(error.extra)
        if "retry_after" in extra:
            headers["Retry-After"] = str(max(1, math.ceil(extra["retry_after"])))
        return problem(error.status, error.code, error.title, error.detail, **extra), headers
    if isinstance(error, exceptions.ValidationError):
        return problem(400, "invalid", "Some fields cannot be used.", errors=_field_errors(error.detail)), headers
    if isinstance(error, exceptions.APIException):
        if getattr(error, "auth_header", None):
            headers["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]
        wait = getattr(error, "wait", None)
        if wait is not None:
            headers["Retry-After"] = str(math.ceil(wait))
        code = API_CODES.get(type(error), "refused")
        return problem(error.status_code, code, str(error.detail)), headers
    if isinstance(error, Http404):
        return problem(404, "not-found", "There is nothing here for you."), headers
    if isinstance(error, PermissionDenied):
        return problem(403, "permission-denied", "You may not do this."), headers
    if isinstance(error, RequestDataTooBig):
        return problem(413, "body-too-large", "The request is larger than this place accepts."), headers
    if isinstance(error, UnreadablePostError):
        return problem(400, "upload-broken-off", "The request ended before it was whole."), headers
    if isinstance(error, SuspiciousOperation | MultiPartParserError):
        return problem(400, "malformed-request", "The request cannot be read."), headers
    if isinstance(error, OperationalError | InterfaceError):
        # A lock waited for too long, a deadlock's victim, a database that restarts: all of them pass.
        log.warning("database: %s", type(error).__name__)
        headers["Retry-After"] = "2"
        # It may have left between a COMMIT and our reply, so nothing is said of what was done.
        detail = "Whether this was done is not known: repeat the call, with its Idempotency-Key if it had one."
        return problem(503, "try-again", "The database cannot answer right now.", detail), headers
    return None, headers


def _field_errors(detail: Any, at: str = "") -> list[dict[str, str]]:
    """DRF's nested error detail as a flat list of {field, code, detail}; ``field`` is a dotted path."""
    if isinstance(detail, dict):
        return [row for key, item in detail.items() for row in _field_errors(item, f"{at}.{key}" if at else str(key))]
    if isinstance(detail, list):
        return [row for item in detail for row in _field_errors(item, at)]
    return [{"field": at, "code": getattr(detail, "code", "invalid"), "detail": str(detail)}]


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """404 for paths no door answers: a problem document for machines, a page for people."""
    advice = gettext_lazy("It may be gone, or be another region's. Look for it by its number or name in the search.")
    return _plain(request, 404, "not-found", gettext_lazy("There is nothing here for you."), advice)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """400 for what Django refuses before a door is chosen."""
    advice = gettext_lazy("Nothing was changed. Go back and try it again from the page where it stood.")
    return _plain(request, 400, "malformed-request", gettext_lazy("The request cannot be read."), advice)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """403 outside the API."""
    advice = gettext_lazy(
        "Nothing was changed. It belongs to another role; whoever gives out roles can give it to you."
    )
    return _plain(request, 403, "permission-denied", gettext_lazy("You may not do this."), advice)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """500: a defect of ours, or a database that left in mid-request."""
    advice = gettext_lazy("Look whether what you did is done before you do it again. What was said to be done is done.")
    title = gettext_lazy("Something broke on our side; it is in the log.")
    return _plain(request, 500, "server-error", title, advice)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """A form came from elsewhere, or its page is older than the sign-in."""
    advice = gettext_lazy("Nothing was changed. The page is older than your sign-in, or the form came from elsewhere.")
    return _plain(request, 403, "csrf-failed", gettext_lazy("Reload the page and send the form again."), advice)


def _plain(request: HttpRequest, status: int, code: str, title: Promise, advice: Promise) -> HttpResponseBase:
    """A page for people in the staff's place, in their language; a problem document elsewhere, in English."""
    if not request.path.startswith("/admin"):
        with override("en"):
            return JsonResponse(problem(status, code, str(title)), status=status, content_type=PROBLEM)
    said = {"status": status, "title": title, "advice": advice, "home": reverse("admin:index")}
    return HttpResponse(render_to_string("refused.html", said), status=status)
