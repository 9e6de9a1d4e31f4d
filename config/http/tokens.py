"""Token authentication in one statement: knox's own asks twice, and looks through a person's other tokens each time."""

from __future__ import annotations

import binascii
from typing import Any

from django.utils import timezone
from drf_spectacular.authentication import SessionScheme
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.plumbing import build_bearer_security_scheme_object
from knox.auth import TokenAuthentication
from knox.crypto import hash_token
from knox.models import get_token_model
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from config.http.second_factor import SecondFactorNeeded, is_missing


class Tokens(TokenAuthentication):
    """knox's tokens, found by their digest, with the reviewer whose they may be. Expired ones open nothing."""

    def authenticate_credentials(self, token: bytes) -> tuple[Any, Any]:
        """The user and the token's row. Raises AuthenticationFailed."""
        try:
            digest = hash_token(token.decode("ascii"))
        except (UnicodeDecodeError, TypeError, ValueError, binascii.Error):
            raise AuthenticationFailed("This is not a token.") from None
        found = get_token_model().objects.select_related("user__reviewer").filter(digest=digest).first()
        if found is None or (found.expiry is not None and found.expiry <= timezone.now()):
            raise AuthenticationFailed("This token is not known or has expired.")
        user, row = self.validate_user(found)
        return user, row


class Sessions(SessionAuthentication):
    """The admin's session at the API's doors; where a second factor is asked for, only with one."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        """The user, if the session has one. Raises :class:`SecondFactorNeeded`."""
        found = super().authenticate(request)
        if found is not None and is_missing(request._request):
            raise SecondFactorNeeded("Give your code at /admin/ first.")
        return found


class SessionsScheme(SessionScheme):
    """How the API's description speaks of them."""

    target_class = "config.http.tokens.Sessions"


class TokensScheme(OpenApiAuthenticationExtension):
    """How the API's description speaks of them."""

    target_class = "config.http.tokens.Tokens"
    name = "Token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return build_bearer_security_scheme_object(header_name="Authorization", token_prefix="Token")  # noqa: S106
