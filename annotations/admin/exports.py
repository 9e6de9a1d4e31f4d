"""Labels on their way out."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from annotations.models import Export, ExportState
from config.admin import Record, size


@admin.register(Export)
class ExportAdmin(Record):
    list_display = [
        "id",
        "state_label",
        "project",
        "regions",
        "lines",
        "bytes",
        "short_digest",
        "requested_by",
        "created_at",
        "failure",
    ]
    list_filter = ["state", "project"]
    list_select_related = ["project", "requested_by"]
    search_fields = ["=id", "=sha256"]
    search_help_text = _("Export number or SHA-256, whole")

    @display(
        description=_("State"),
        ordering="state",
        label={
            ExportState.REQUESTED: "info",
            ExportState.WRITING: "warning",
            ExportState.DONE: "success",
            ExportState.FAILED: "danger",
            ExportState.RETRACTED: "warning",
        },
    )
    def state_label(self, export: Export) -> tuple[str, str]:
        return export.state, export.get_state_display()

    @display(description=_("Size"), ordering="size_bytes")
    def bytes(self, export: Export) -> str:
        return size(export.size_bytes)

    @display(description=_("SHA-256"))
    def short_digest(self, export: Export) -> str:
        return export.sha256[:16] or "-"
