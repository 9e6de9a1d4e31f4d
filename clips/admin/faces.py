"""What is needed of clips, and what those that are ready still lack."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from clips import adding
from clips.models import Addition, Need
from config.acting import with_reason
from config.admin import Record, ago
from config.clock import database_now


@admin.register(Need)
class NeedAdmin(Record):
    list_display = ["region", "clip_kind", "faces", "since"]
    list_filter = ["region", "faces"]


class Standing(admin.SimpleListFilter):
    """Whether an addition waits, or a person has to look."""

    title = _("how it stands")
    parameter_name = "stands"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("waits", _("Waits or is being made")), ("failed", _("Failed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Addition]) -> QuerySet[Addition]:
        return queryset if self.value() is None else queryset.filter(due_at__isnull=self.value() == "failed")


@admin.register(Addition)
class AdditionAdmin(Record):
    list_display = ["clip", "faces", "region", "attempts", "looked_at", "failure", "asked_at"]
    list_filter = [Standing, "faces", "clip__region"]
    list_select_related = ["clip"]
    search_fields = ["=clip__id"]
    search_help_text = _("Clip number")
    actions = ["retry"]

    @display(description=_("Region"), ordering="clip__region")
    def region(self, addition: Addition) -> str:
        return addition.clip.region

    @display(description=_("Looked at again"), ordering="due_at")
    def looked_at(self, addition: Addition) -> SafeString | str:
        return ago(addition.due_at)

    @with_reason(
        description=_("Try failed ones again"),
        effect=_("Failed proxies get another round of attempts; others are left as they are."),
        done=_("will be tried again"),
    )
    def retry(self, request: HttpRequest, addition: Addition, answers: dict[str, Any]) -> object:
        """Give these another round of attempts."""
        return adding.retry(addition.clip_id, at=database_now())
