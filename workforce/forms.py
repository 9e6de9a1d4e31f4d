"""The admin's forms: sign-in with the same count of tries as at the API's door, and limits through their verb."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.throttling import BaseThrottle
from unfold.forms import AuthenticationForm
from unfold.widgets import UnfoldBooleanSwitchWidget

from config.clock import database_now
from config.history import ReasonMissing, checked
from config.http import devices
from config.scope import scope_of
from workforce import quotas, signing_in
from workforce.errors import TooManyTries
from workforce.models import DailyLimit


class SignInForm(AuthenticationForm):
    """Name and password, so many times."""

    def clean(self) -> dict[str, Any]:
        name = str(self.cleaned_data.get("username", ""))
        address, device = str(BaseThrottle().get_ident(self.request)), devices.device_of(self.request)
        try:
            signing_in.count_try(name, address, at=database_now(), device=device)
        except TooManyTries as refusal:
            minutes = max(1, round(refusal.extra["retry_after"] / 60))
            words = _("Tried too often. Wait %(minutes)s minutes and try again.") % {"minutes": minutes}
            raise ValidationError(words) from None
        cleaned: dict[str, Any] = super().clean()
        devices.remember(self.request, signing_in.forget_tries(name, address, at=database_now(), device=device))
        return cleaned


def tomorrow() -> date:
    """The day from which a limit counts unless somebody says today on purpose."""
    return database_now().date() + timedelta(days=1)


class LimitForm(forms.ModelForm):
    """How many clips a day, for everybody, a region, a team or a person; or for a person's one day."""

    asked_by: Any = None

    one_day = forms.BooleanField(
        required=False,
        label=gettext_lazy("Only that day"),
        help_text=gettext_lazy("For a reviewer: this day and no other."),
        widget=UnfoldBooleanSwitchWidget(),
    )

    class Meta:
        model = DailyLimit
        fields = ["value", "region", "team", "reviewer", "from_day", "one_day", "reason"]
        help_texts = {
            "region": "Name one of region, team and reviewer; none of them is for everybody.",
            "value": "Clips a day. Below what is used already it stops new leases and breaks nothing.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "from_day" in self.fields:
            self.fields["from_day"].initial = tomorrow

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        named = [name for name in ("region", "team", "reviewer") if cleaned.get(name)]
        scope = scope_of(self.asked_by)
        if not named and not scope.everywhere:
            self.add_error(None, "A limit for everybody reaches other regions than yours; name one of yours.")
        if cleaned.get("region") and not scope.covers(cleaned["region"].code):
            self.add_error("region", "You have no more than teams of this region.")
        if len(named) > 1:
            self.add_error(named[1], "Name one of region, team and reviewer, or none of them.")
        if cleaned.get("one_day") and not cleaned.get("reviewer"):
            self.add_error("one_day", "Only a reviewer has single days; name one.")
        try:
            cleaned["reason"] = checked(cleaned.get("reason", ""))
        except ReasonMissing as refusal:
            self.add_error("reason", refusal.detail)
        return cleaned

    def _post_clean(self) -> None:
        """The level follows from what is named; the verb, which checks the row whole, sets it."""

    def set_limit(self, *, by: User) -> DailyLimit:
        """Set it, through the verb that also brings days that have begun up to date."""
        fields = self.cleaned_data
        return quotas.set_limit(
            fields["value"],
            reason=fields["reason"],
            by=by,
            from_day=fields["from_day"],
            region=fields["region"],
            team=fields["team"],
            reviewer=fields["reviewer"],
            one_day=fields["one_day"],
        )
