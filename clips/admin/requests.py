"""What owners ask of us, the most pressing first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from clips import requesting
from clips.models import Law, Outcome, OwnerRequest, RequestState
from config.acting import staff, with_reason
from config.admin import OfRegions, Record, ago
from config.clock import database_now


class Pressing(admin.SimpleListFilter):
    """What is late, and what is due before long."""

    title = _("when it is due")
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("late", _("Late")), ("red", f"Late, or due within {settings.REQUEST_LEAD_DAYS} days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[OwnerRequest]) -> QuerySet[OwnerRequest]:
        at = database_now()
        if self.value() == "late":
            return queryset.filter(state=RequestState.OPEN, due_at__lt=at)
        if self.value() == "red":
            return queryset.filter(pk__in=requesting.red(at=at).values("pk"))
        return queryset


def _regions() -> list[tuple[str, str]]:
    return [(code, code) for code in settings.REGIONS]


class RequestForm(OfRegions, forms.ModelForm):
    """What an owner asked for, when it reached us, and under which law."""

    region = forms.ChoiceField(choices=_regions, widget=UnfoldAdminSelectWidget())

    class Meta:
        model = OwnerRequest
        fields = ["owner_key", "region", "kind", "law", "own_days", "received_at"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if (cleaned.get("law") == Law.OWN) != bool(cleaned.get("own_days")):
            self.add_error("own_days", "Say within how many days with our own word, and with no other law.")
        if cleaned.get("received_at") and cleaned["received_at"] > database_now() + timedelta(minutes=5):
            self.add_error("received_at", "A request cannot come from the future.")
        owner = cleaned.get("owner_key")
        if owner:
            try:
                OwnerRequest._meta.get_field("owner_key").run_validators(owner)
            except ValidationError as error:
                self.add_error("owner_key", error)
        return cleaned

    def _post_clean(self) -> None:
        """The verb writes the row whole, with its due time."""


@admin.register(OwnerRequest)
class OwnerRequestAdmin(Record):
    """By when the law wants an answer. Red before it is late."""

    form = RequestForm
    list_display = [
        "id",
        "due",
        "kind",
        "state_label",
        "owner_key",
        "region",
        "law_said",
        "received",
        "left",
        "extended",
        "ended",
    ]
    list_filter = [Pressing, "state", "kind", "law", "region", "outcome"]
    list_select_related = ["filed_by", "closed_by"]
    search_fields = ["=id", "=owner_key"]
    search_help_text = _("Request number or owner's key, whole")
    ordering = ["state", "due_at", "-id"]
    actions = ["extend", "close"]
    acts_by = ("state", dict.fromkeys(["extend", "close", "erase"], frozenset({RequestState.OPEN})))

    def get_ordering(self, request: HttpRequest) -> list[str]:
        return ["-state", "due_at", "-id"]

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("clips.add_ownerrequest")

    def save_model(self, request: HttpRequest, obj: OwnerRequest, form: Any, change: bool) -> None:
        made, _is_new = requesting.file(**form.cleaned_data, by=staff(request))
        obj.pk = made.pk
        obj.refresh_from_db()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What was filled in; and of one that is there everything."""
        if obj is None:
            return super().get_fields(request)
        given = ["state", "owner_key", "region", "kind", "law_said", "received_at", "filed_by", "due_at"]
        return [*given, "extension_reason", "left", "is_carried_out", "ended", "closed_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [] if obj is None else self.get_fields(request, obj)

    def preview(self, request: OwnerRequest) -> str:
        return f"{request}, {request.get_kind_display().lower()} for {request.owner_key} in {request.region}"

    @display(description=_("State"), ordering="state", label={"open": "warning", "closed": "success"})
    def state_label(self, request: OwnerRequest) -> tuple[str, str]:
        return request.state, request.get_state_display()

    @display(description=_("Due"), ordering="due_at")
    def due(self, request: OwnerRequest) -> SafeString | str:
        if request.state == RequestState.CLOSED:
            return "-"
        now = timezone.now()
        if request.due_at <= now + timedelta(days=settings.REQUEST_LEAD_DAYS):
            late = "late, " if request.due_at < now else ""
            return format_html(
                '<strong class="text-red-600 dark:text-red-400">{}{}</strong>', late, ago(request.due_at)
            )
        return ago(request.due_at)

    @display(description=_("Law"), ordering="law")
    def law_said(self, request: OwnerRequest) -> str:
        return f"our own, {request.own_days} days" if request.own_days else request.law.upper()

    @display(description=_("Received"), ordering="received_at")
    def received(self, request: OwnerRequest) -> SafeString | str:
        return ago(request.received_at)

    @display(description=_("Clips left"))
    def left(self, request: OwnerRequest) -> str:
        if request.kind != "erasure":
            return "-"
        count = requesting.remaining(request).count()
        return f"{count}, being purged" if request.is_carried_out and count else str(count)

    @display(description=_("Longer because"))
    def extended(self, request: OwnerRequest) -> str:
        return request.extension_reason or "-"

    @display(description=_("How it ended"))
    def ended(self, request: OwnerRequest) -> str:
        if request.state == RequestState.OPEN:
            return "-"
        by = request.closed_by or "by itself"
        return f"{request.get_outcome_display()}: {request.closing_reason} ({by})"

    @with_reason(
        description=_("Take the longer time"),
        effect=_(
            "Once, and before they are due: what the law allows (two months or 45 days more, our own word once "
            "again). The owner must be told why."
        ),
        done=_("extended"),
    )
    def extend(self, request: HttpRequest, found: OwnerRequest, answers: dict[str, Any]) -> object:
        """Take the longer time for these."""
        return requesting.extend(found, by=staff(request), reason=answers["reason"], at=database_now())

    @with_reason(
        description=_("Close"),
        effect=_("They are answered, and end with your reason. An erasure that was carried out closes itself."),
        done=_("closed"),
        choices={"outcome": Outcome.choices},
    )
    def close(self, request: HttpRequest, found: OwnerRequest, answers: dict[str, Any]) -> object:
        """Close these with a reason."""
        return requesting.close(
            found, outcome=answers["outcome"], by=staff(request), reason=answers["reason"], at=database_now()
        )
