"""The admin's sign-in form: the same count of tries as at the API's door."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from rest_framework.throttling import BaseThrottle
from unfold.forms import AuthenticationForm

from config.clock import database_now
from workforce import signing_in
from workforce.errors import TooManyTries


class SignInForm(AuthenticationForm):
    """Name and password, so many times."""

    def clean(self) -> dict[str, Any]:
        name = str(self.cleaned_data.get("username", ""))
        address = str(BaseThrottle().get_ident(self.request))
        try:
            signing_in.count_try(name, address, at=database_now())
        except TooManyTries as refusal:
            minutes = max(1, round(refusal.extra["retry_after"] / 60))
            raise ValidationError(f"Tried too often. Wait {minutes} minutes and try again.") from None
        cleaned: dict[str, Any] = super().clean()
        signing_in.forget_tries(name, address)
        return cleaned
