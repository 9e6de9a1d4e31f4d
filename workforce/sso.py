"""Sign-in by the company's own service (OpenID Connect), for staff, where the settings name one.

It tells who somebody is and nothing more: nobody gets an account, a role or a region by it, and where a second factor
is asked for it is still asked for.
"""

from __future__ import annotations

import logging
from typing import Any, Never, cast

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.openid_connect import views
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from requests import RequestException

log = logging.getLogger("sightline.sso")

PROVIDER = "staff"


def offered(request: HttpRequest) -> dict[str, str]:
    """Context of templates: the name of the service, blank where there is none."""
    return {"sso_name": settings.OIDC["name"] if settings.OIDC else ""}


@never_cache
@require_safe
def begin(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Go to the service. Asked for by a link, because a form may not lead to another origin."""
    return _ours(request, views.login)


@never_cache
@require_safe
def back(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Come back from the service, with its word for who one is."""
    return _ours(request, views.callback)


def _ours(request: HttpRequest, view: Any) -> HttpResponse:
    if not settings.OIDC:
        raise Http404
    try:
        return cast(HttpResponse, view(request, PROVIDER))
    except (RequestException, KeyError, ValueError) as error:
        # It is away, or what it says of itself is not what the standard asks for.
        log.warning("the sign-in service failed: %s", type(error).__name__)
        return _refused(request, _("The sign-in service does not answer. Try again, or use your password."))


def _refused(request: HttpRequest, words: str) -> HttpResponse:
    messages.error(request, words)
    return redirect("admin:login")


class StaffOnly(DefaultSocialAccountAdapter):
    """Lets those in who have an account of staff here already, and makes none."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return False

    def on_authentication_error(self, request: HttpRequest, provider: Any, *args: Any, **about: Any) -> Never:
        """Whatever failed: nobody is signed in, and the person is told on the sign-in page."""
        log.warning("a sign-in by the service failed: %s", type(about.get("exception")).__name__)
        words = _("The sign-in service did not let you in. Try again, or use your password.")
        raise ImmediateHttpResponse(_refused(request, words))

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Find whose sign-in it is: by the service's own name for them, at first by their e-mail address."""
        said = sociallogin.account.extra_data
        of_the_token, of_the_door = said.get("id_token") or {}, said.get("userinfo") or {}
        if not of_the_token.get("sub") or of_the_token.get("sub") != of_the_door.get("sub"):
            self._refuse(request, "its two answers name different people")
        if not sociallogin.is_existing:
            if not self._meet(sociallogin, of_the_door):
                self._refuse(request, "nobody here has this address, or several have, or it is not verified")
            sociallogin.lookup()
        user = sociallogin.user
        if not (user.is_active and user.is_staff):
            self._refuse(request, "the account is not of staff, or closed")

    def _meet(self, sociallogin: SocialLogin, said: dict[str, Any]) -> bool:
        """Tie the service's name for somebody to the one member of staff who has the e-mail address it vouches for."""
        address = str(said.get("email") or "")
        if not address or said.get("email_verified") is not True:
            return False
        with transaction.atomic():
            people = User.objects.select_for_update().filter(email__iexact=address, is_staff=True, is_active=True)
            found = people[0] if len(people) == 1 else None
            account = sociallogin.account
            # An address that was given to somebody new at the company does not open their predecessor's account.
            if found is None or SocialAccount.objects.filter(user=found, provider=account.provider).exists():
                return False
            SocialAccount.objects.create(user=found, provider=account.provider, uid=account.uid)
        log.info("sign-in %s is tied to the sign-in service's", found.pk)
        return True

    def _refuse(self, request: HttpRequest, why: str) -> Never:
        log.warning("a sign-in by the service was refused: %s", why)
        words = _("You are not known here by this sign-in. Ask an administrator, or use your password.")
        raise ImmediateHttpResponse(_refused(request, words))
