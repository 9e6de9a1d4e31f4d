"""Pages of the admin that are about oneself: the second factor."""

from __future__ import annotations

from typing import Any, cast

import django_otp
from django import forms
from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST
from unfold.widgets import UnfoldAdminTextInputWidget

from config.clock import database_now
from config.errors import Refusal
from config.http.client import address_of
from workforce import second_factor

KEY = "second_factor_key"
AUTOCOMPLETE = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}


class CodeForm(forms.Form):
    """A code of the app, or a recovery code."""

    code = forms.CharField(
        max_length=20, label=gettext_lazy("Code"), widget=UnfoldAdminTextInputWidget(attrs=AUTOCOMPLETE)
    )


@never_cache
@sensitive_post_parameters("code")
@login_required
@require_http_methods(["GET", "POST"])
def factor(request: HttpRequest) -> HttpResponse:
    """Give a code; set an app up, for who has none; or what one has, for who gave a code."""
    user = _staff(request)
    if not second_factor.has(user):
        return _set_up(request, user)
    if not cast(Any, request.user).is_verified():
        return _verify(request, user)
    return _show(request, "held", {"held": second_factor.held_by(user), "title": _("Second factor")})


@never_cache
@login_required
@require_POST
def codes(request: HttpRequest) -> HttpResponse:
    """New recovery codes, or another app: for who gave a code."""
    user = _staff(request)
    if not cast(Any, request.user).is_verified():
        raise Http404
    if request.POST.get("act") == "another":
        second_factor.give_up(user)
        return redirect("second-factor")
    return _told(request, second_factor.renew_codes(user))


def _staff(request: HttpRequest) -> User:
    user = cast(User, request.user)
    if not user.is_staff:
        raise Http404
    return User.objects.get(pk=user.pk)


def _verify(request: HttpRequest, user: User) -> HttpResponse:
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            device = second_factor.check(
                user, form.cleaned_data["code"], address=address_of(request), at=database_now()
            )
        except Refusal as refusal:
            form.add_error("code", _said(refusal))
        else:
            django_otp.login(request, device)
            # Who had seen the session's key before does not have it now.
            request.session.cycle_key()
            return redirect(_next(request))
    return _show(request, "verify", {"form": form, "title": _("Your code")}, failed=bool(form.errors))


def _set_up(request: HttpRequest, user: User) -> HttpResponse:
    """The key waits in the session until a code shows that the app has it."""
    key = request.session.get(KEY)
    if not key:
        key = request.session[KEY] = second_factor.new_key()
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            device, told = second_factor.set_up(user, key, form.cleaned_data["code"])
        except Refusal as refusal:
            form.add_error("code", _said(refusal))
        else:
            del request.session[KEY]
            django_otp.login(request, device)
            request.session.cycle_key()
            return _told(request, told)
    shown = {
        "form": form,
        "picture": second_factor.picture(user, key),
        "key": second_factor.spelled(key),
        "title": _("Set up your second factor"),
    }
    return _show(request, "set_up", shown, failed=bool(form.errors))


def _told(request: HttpRequest, told: list[str]) -> HttpResponse:
    return _show(request, "codes", {"codes": told, "title": _("Your recovery codes")})


def _show(request: HttpRequest, step: str, context: dict[str, Any], *, failed: bool = False) -> HttpResponse:
    shared = admin.site.each_context(request) | {"step": step, "next": _next(request)}
    return TemplateResponse(request, "admin/second_factor.html", shared | context, status=422 if failed else 200)


def _said(refusal: Refusal) -> str:
    minutes = max(1, round(refusal.extra.get("retry_after", 0) / 60))
    if "retry_after" in refusal.extra:
        return _("Tried too often. Wait %(minutes)s minutes and try again.") % {"minutes": minutes}
    return refusal.detail


def _next(request: HttpRequest) -> str:
    place = request.POST.get("next") or request.GET.get("next") or ""
    ours = place.startswith("/admin/") and url_has_allowed_host_and_scheme(place, allowed_hosts=None)
    return place if ours else reverse("admin:index")
