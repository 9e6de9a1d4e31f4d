"""The second factor: staff who signed in with a password alone get no further, where the settings say so."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from config.errors import Refusal
from config.http.incoming import Handler

# What somebody needs to give a code, or to leave.
OPEN = ("second-factor", "second-factor-codes", "admin:login", "admin:logout", "admin:jsi18n", "set_language")


class SecondFactorNeeded(Refusal):
    """Staff sign in with a second factor: send a code of yours as `otp`."""

    code = "second-factor-needed"
    status = 401


class SecondFactorMissing(Refusal):
    """Staff sign in with a second factor, and you have none yet: sign in at /admin/ and set one up."""

    code = "second-factor-missing"
    status = 403


def is_asked_of(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether this person signs in with a second factor: staff do, where the settings say so."""
    return settings.STAFF_SECOND_FACTOR == "required" and bool(getattr(user, "is_staff", False))


def is_missing(request: HttpRequest) -> bool:
    """Whether the session of this request is of somebody who must still give a code."""
    user: Any = request.user
    return user.is_authenticated and is_asked_of(user) and not user.is_verified()


def ask_for_second_factor(get_response: Handler) -> Handler:
    """Middleware: no page of the admin opens for staff before they gave a code, whatever it is."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith("/admin/") or not is_missing(request):
            return get_response(request)
        if request.path_info in {reverse(name) for name in OPEN}:
            return get_response(request)
        place = f"{reverse('second-factor')}?{urlencode({'next': request.get_full_path()})}"
        if request.headers.get("HX-Request") == "true":
            # A part of a page that is live: the whole page goes there.
            return HttpResponse(status=204, headers={"HX-Redirect": reverse("second-factor")})
        return redirect(place)

    return middleware
