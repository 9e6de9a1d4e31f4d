"""What a page may load and run, said to the browser with each answer, and where the browser says what it refused."""

from __future__ import annotations

import json
import logging
import time
from typing import Any
from urllib.parse import urlsplit

from csp.constants import UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware, PolicyParts
from django.core.cache import cache
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import resolve
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

log = logging.getLogger("sightline.policy")

# Reasons in docs/decisions.md. Everything else has the settings' policy, without an exception.
OF_THE_ADMIN = {"script-src": [UNSAFE_EVAL], "style-src": [UNSAFE_INLINE]}
OF_THE_DOCS = {"style-src": [UNSAFE_INLINE]}

REPORT_BYTES, REPORTS_A_MINUTE = 16 * 1024, 60


class PagePolicy(CSPMiddleware):
    """The settings' policy; with what unfold needs on pages of the admin, and Swagger's page on its own.

    An answer that brings a policy of its own, as footage does, keeps it.
    """

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if request.path_info.startswith("/admin/"):
            parts.update = OF_THE_ADMIN
        elif request.path_info == "/api/v1/docs":
            parts.update = OF_THE_DOCS
        return parts


@csrf_exempt
@require_POST
def csp_reports(request: HttpRequest) -> HttpResponse:
    """Takes what browsers report, says the first 60 of each minute in the log, and answers the same to all.

    Only the rule, the kind of page (its route, without numbers, keys and queries) and the origin of what was refused
    are written down; so who looked at what is not.
    """
    if int(request.headers.get("Content-Length") or 0) > REPORT_BYTES:
        return HttpResponse(status=413)
    for report in _reports(request.body):
        if _counted() > REPORTS_A_MINUTE:
            break
        log.warning("a browser refused %s", " ".join(report))
    return HttpResponse(status=204)


def _reports(body: bytes) -> list[tuple[str, str, str]]:
    """Of each report the rule, what was refused, and on which kind of page; none when it is no report."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return []
    bodies = [item.get("body") for item in said if isinstance(item, dict)] if isinstance(said, list) else []
    if isinstance(said, dict):
        bodies = [said.get("csp-report")]
    return [_told(one) for one in bodies[:10] if isinstance(one, dict)]


def _told(report: dict[str, Any]) -> tuple[str, str, str]:
    def first(*names: str) -> str:
        return next((str(report[name]) for name in names if report.get(name)), "")

    rule = first("effective-directive", "effectiveDirective", "violated-directive")
    refused, where = first("blocked-uri", "blockedURL"), first("document-uri", "documentURL")
    return (
        "".join(char for char in rule if char.isalpha() or char == "-")[:40] or "something",
        _origin(refused),
        f"on {_route(where)}",
    )


def _origin(url: str) -> str:
    try:
        found = urlsplit(url)
    except ValueError:
        return "?"
    if not found.scheme:
        return "".join(char for char in url if char.isalpha() or char == "-")[:40] or "?"
    host = "".join(char for char in found.netloc.rpartition("@")[2] if char.isalnum() or char in ".-:")
    return f"{found.scheme[:20]}://{host[:100]}"


def _route(url: str) -> str:
    try:
        return "/" + resolve(urlsplit(url).path).route[:200]
    except (Http404, ValueError):
        return "no page of ours"


def _counted() -> int:
    """How many this process has said in this minute, this one included."""
    key = f"csp-reports-{int(time.time()) // 60}"
    cache.add(key, 0, timeout=120)
    return int(cache.incr(key))
