"""What goes, what went, and the ledger of it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from clips import purging
from clips.models import Purge, PurgedKey, PurgeState
from config.acting import with_reason
from config.admin import Record, ago
from config.clock import database_now

STATE_COLOURS = {
    PurgeState.WAITING: "info",
    PurgeState.HELD: "warning",
    PurgeState.RUNNING: "info",
    PurgeState.SETTLING: "info",
    PurgeState.DONE: "success",
}


class Failing(admin.SimpleListFilter):
    """What could not be finished, and what has waited for more than a day."""

    title = _("what needs somebody")
    parameter_name = "needs"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("failing", _("Failed three times or more"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "failing":
            return queryset.filter(pk__in=purging.late(at=database_now()).values("pk"))
        return queryset


@admin.register(Purge)
class PurgeAdmin(Record):
    """Clips on their way out. What is done is empty by the store's own list."""

    list_display = [
        "clip",
        "state_label",
        "why_not_yet",
        "region",
        "reason",
        "rule",
        "asked",
        "due",
        "failures",
        "removed",
        "done_at",
    ]
    list_filter = [Failing, "state", "region", "reason", "asked_at"]
    list_select_related = ["clip", "rule", "held_by"]
    search_fields = ["=clip__id", "=held_by__id"]
    search_help_text = _("Clip or hold number")
    actions = ["hurry"]

    @display(description=_("State"), ordering="state", label=STATE_COLOURS)
    def state_label(self, purge: Purge) -> tuple[str, str]:
        return purge.state, purge.get_state_display()

    @display(description=_("Why it is not done yet"))
    def why_not_yet(self, purge: Purge) -> SafeString | str:
        if purge.failures:
            return format_html('<strong class="text-red-600 dark:text-red-400">{}</strong>', purge.failure)
        return purge.failure or "-"

    @display(description=_("Asked for"), ordering="asked_at")
    def asked(self, purge: Purge) -> SafeString | str:
        return ago(purge.asked_at)

    @display(description=_("Next looked at"), ordering="due_at")
    def due(self, purge: Purge) -> SafeString | str:
        return ago(purge.due_at)

    @with_reason(
        description=_("Try again now"),
        effect=_("What waits for its next attempt is tried at once. A hold is not passed over."),
        done=_("will be tried now"),
    )
    def hurry(self, request: HttpRequest, purge: Purge, answers: dict[str, Any]) -> object:
        """Try these again now."""
        return purging.hurry(purge, at=database_now())


@admin.register(PurgedKey)
class PurgedKeyAdmin(Record):
    """Where something lay that never may lie there again. The database changes no line of it."""

    list_display = ["folder", "alias", "clip", "reason", "is_barred", "asked_at", "written_at"]
    list_filter = ["alias", "reason", "is_barred", "written_at"]
    search_fields = ["=clip", "=folder"]
    search_help_text = _("Clip number or folder, whole")
