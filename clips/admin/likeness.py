"""Clips that are alike, side by side."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from clips import story
from clips.admin.footage import panel
from clips.models import Likeness, ViewingPurpose
from config.admin import Record
from config.scope import seen


@admin.register(Likeness)
class LikenessAdmin(Record):
    list_display = ["id", "other", "clip", "distance", "verdict", "found_at"]
    list_filter = ["verdict", "clip__region"]
    list_select_related = ["clip", "other"]
    search_fields = ["=clip__id", "=other__id"]
    search_help_text = _("Clip number")
    change_form_outer_before_template = "admin/likeness_page.html"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        rows = Likeness.objects.select_related("clip__event", "other__event")
        found = seen(request.user, rows).filter(pk=object_id).first() if object_id.isdigit() else None
        context = extra_context or {}
        if found is not None:
            pair = (found.other, found.clip)
            context["sides"] = [{"clip": clip, "said": story.said_of(clip)} for clip in pair]
            context["panel"] = panel(request, pair, purpose=ViewingPurpose.LIKENESS)
        return super().change_view(request, object_id, form_url, context)
