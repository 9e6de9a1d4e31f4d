"""A browser in which somebody signed in is known again: by a cookie that says nothing and opens nothing."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from config.http.incoming import Handler

COOKIE = "device"
SHAPE = re.compile(r"[A-Za-z0-9_-]{43}\Z")
# As long as sign-ins of it are known: see ``workforce/signing_in.py``.
KEPT_FOR = timedelta(days=30)


def device_of(request: HttpRequest) -> str:
    """The word that this browser was given; blank when it has none of ours."""
    said = request.COOKIES.get(COOKIE, "")
    return said if SHAPE.match(said) else ""


def new_device() -> str:
    """A word that nobody guesses."""
    return secrets.token_urlsafe(32)


def remember(request: HttpRequest, device: str) -> None:
    """Give this browser the word with the answer to this request."""
    request.device_known = device  # type: ignore[attr-defined]


def keep_devices(get_response: Handler) -> Handler:
    """Middleware: hands out the word that whoever answered has asked for."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        reply = get_response(request)
        if device := getattr(request, "device_known", ""):
            reply.set_cookie(
                COOKIE,
                device,
                max_age=KEPT_FOR,
                httponly=True,
                secure=settings.SESSION_COOKIE_SECURE,
                samesite="Lax",
            )
        return reply

    return middleware
