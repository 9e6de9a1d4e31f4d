"""The admin's form by which a disclosure is published: written, looked at as owners will see it, then published."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from clips import disclosing
from clips.models import Disclosure, Point
from config.scope import offered

TICK = "point_"


class DisclosureForm(forms.ModelForm):
    """The text, and for each point that it must make the passage that makes it."""

    class Meta:
        model = Disclosure
        fields = ["version", "region", "language", "text"]
        widgets = {
            "version": UnfoldAdminTextInputWidget(),
            "language": UnfoldAdminTextInputWidget(),
        }

    text = forms.CharField(
        strip=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 12}),
        help_text=_("As owners will read it, letter for letter. Line ends are kept as plain line feeds."),
    )
    # What was looked at: publishing another text than that is refused.
    seen = forms.CharField(required=False, widget=forms.HiddenInput())

    def __init__(self, *args: Any, asked_by: User, **options: Any) -> None:
        super().__init__(*args, **options)
        regions = [(code, code) for code in offered(asked_by, settings.REGIONS)]
        self.fields["region"] = forms.ChoiceField(choices=regions, widget=UnfoldAdminSelectWidget())
        for point in Point:
            self.fields[TICK + point.value] = forms.CharField(
                label=str(point.label),
                required=False,
                widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
                help_text=_("The passage of the text that says it, copied from it."),
            )

    def clean_text(self) -> str:
        return self.cleaned_data["text"].replace("\r\n", "\n").replace("\r", "\n")

    def checklist(self) -> dict[str, str]:
        """The passages, by point."""
        return {
            point.value: self.cleaned_data.get(TICK + point.value, "").replace("\r\n", "\n").strip() for point in Point
        }

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "text" in cleaned:
            for point, wrong in disclosing.missing(cleaned["text"], self.checklist()).items():
                self.add_error(TICK + point, ValidationError(wrong))
        return cleaned

    def points(self) -> list[forms.BoundField]:
        """The checklist's fields."""
        return [self[TICK + point.value] for point in Point]

    def texts(self) -> list[forms.BoundField]:
        """The other fields."""
        return [self[name] for name in ("version", "region", "language", "text")]
