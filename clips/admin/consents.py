"""Consent events in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from clips.consenting import with_standing
from clips.models import ConsentEvent, EventKind
from config.admin import Record, ago


@admin.register(ConsentEvent)
class ConsentEventAdmin(Record):
    list_display = [
        "id",
        "kind_label",
        "owner_key",
        "about",
        "agreed_to",
        "stands_now",
        "disclosure",
        "channel",
        "when",
        "reason",
        "actor",
    ]
    list_filter = ["kind", "channel", "disclosure", "recorded_at"]
    list_select_related = ["disclosure", "actor"]
    search_fields = ["=id", "=clip__id", "owner_key"]
    search_help_text = _("Event or clip number, or owner's key")
    # A sender's own name for its call.
    exclude = ["key"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ConsentEvent]:
        return with_standing(super().get_queryset(request))

    @display(
        description=_("What"),
        ordering="kind",
        label={EventKind.GIVEN: "success", EventKind.WITHDRAWN: "danger"},
    )
    def kind_label(self, event: ConsentEvent) -> tuple[str, str]:
        return event.kind, event.get_kind_display()

    @display(description=_("Of"), ordering="clip_id")
    def about(self, event: ConsentEvent) -> str:
        return f"clip {event.clip_id}" if event.clip_id else "all clips"

    @display(description=_("Purposes"))
    def agreed_to(self, event: Any) -> str:
        return ", ".join(purpose.replace("_", " ") for purpose in event.purposes)

    @display(description=_("Permits now"), label={"yes": "success", "no": "warning"})
    def stands_now(self, event: Any) -> str:
        if event.kind == EventKind.WITHDRAWN:
            return ""
        return "yes" if event.stands else "no"

    @display(description=_("When"), ordering="at")
    def when(self, event: ConsentEvent) -> SafeString | str:
        return ago(event.at)
