"""Viewings in the admin: who of the staff said that they must see which clip, and why."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from clips.models import Viewing
from config.admin import Record, ago
from config.clock import database_now


class Now(admin.SimpleListFilter):
    """Those under which somebody may look this minute."""

    title = _("when")
    parameter_name = "now"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, Any]]:
        return [("yes", _("Open now"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Viewing]) -> QuerySet[Viewing]:
        return queryset.filter(closed_at=None, ends_at__gt=database_now()) if self.value() else queryset


@admin.register(Viewing)
class ViewingAdmin(Record):
    """What was asked for; what was then shown stands in the access log."""

    list_display = ["id", "clip", "user", "purpose", "case", "reason", "opened", "ended"]
    list_filter = [Now, "purpose", "clip__region", "opened_at"]
    list_select_related = ["clip", "user", "case"]
    search_fields = ["=id", "=clip__id", "=case__id", "user__username", "reason"]
    search_help_text = _("Number of the viewing, clip or case, sign-in, or words of the reason")

    @display(description=_("Opened"), ordering="opened_at")
    def opened(self, viewing: Viewing) -> SafeString | str:
        return ago(viewing.opened_at)

    @display(description=_("Ends"), ordering="ends_at")
    def ended(self, viewing: Viewing) -> SafeString | str:
        return ago(viewing.closed_at or viewing.ends_at)
