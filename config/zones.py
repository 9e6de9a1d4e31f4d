"""Times in the zone of who looks: their browser says it once, in a cookie, and the admin is drawn in it."""

from __future__ import annotations

import re
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.utils import timezone

from config.http.incoming import Handler

COOKIE = "zone"
# Chromium says names that some systems no longer have.
OLD_NAMES = {
    "Asia/Calcutta": "Asia/Kolkata",
    "Asia/Katmandu": "Asia/Kathmandu",
    "Asia/Rangoon": "Asia/Yangon",
    "Asia/Saigon": "Asia/Ho_Chi_Minh",
    "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
    "Europe/Kiev": "Europe/Kyiv",
}


def in_their_zone(get_response: Handler) -> Handler:
    """Middleware: pages of the admin are drawn in the zone of the browser; in UTC until it has said one."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        zone = zone_named(request.COOKIES.get(COOKIE, "")) if request.path_info.startswith("/admin/") else None
        if zone is None:
            return get_response(request)
        with timezone.override(zone):
            # A page is drawn when it is answered, and inside of here.
            response = get_response(request)
            return response.render() if isinstance(response, SimpleTemplateResponse) else response

    return middleware


@lru_cache(maxsize=512)
def zone_named(name: str) -> ZoneInfo | None:
    """The zone of this name, as IANA has it; None for anything else."""
    # It comes from outside and becomes the name of a file.
    if not re.fullmatch(r"[A-Za-z0-9_+-]{1,30}(/[A-Za-z0-9_+-]{1,30}){0,2}", name):
        return None
    try:
        return ZoneInfo(OLD_NAMES.get(name, name))
    except (OSError, ValueError, KeyError):
        return None
