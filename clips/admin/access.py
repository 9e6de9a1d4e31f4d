"""The access log in the admin: to be read, searched and told to owners, and never changed."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from clips import pseudonyms
from clips.models import GRANTED, AccessEntry
from config.admin import Record


class Outcome(admin.SimpleListFilter):
    """Shown, or refused."""

    title = _("outcome")
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, Any]]:
        return [("granted", _("Shown")), ("refused", _("Refused")), ("strangers", _("Refused to strangers"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AccessEntry]) -> QuerySet[AccessEntry]:
        match self.value():
            case "granted":
                return queryset.filter(outcome=GRANTED)
            case "refused":
                return queryset.exclude(outcome=GRANTED)
            case "strangers":
                return queryset.filter(user=None)
        return queryset


@admin.register(AccessEntry)
class AccessEntryAdmin(Record):
    """Who asked for which footage. Each line was written before the first byte left."""

    list_display = ["when", "who", "clip", "rendition", "label", "why", "asked", "address", "place"]
    list_filter = [Outcome, "under", "rendition", "at"]
    list_select_related = ["user", "clip"]
    search_fields = ["user__username"]
    search_help_text = _(
        "clip 12, lease 12, viewing 12; a day as 2026-11-22, a sign-in, an address, a refusal's code, "
        "or the mark in a picture that got out"
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AccessEntry], search_term: str
    ) -> tuple[QuerySet[AccessEntry], bool]:
        words = search_term.split()
        if len(words) == 2 and words[1].isascii() and words[1].isdigit() and len(words[1]) < 19:
            kind, number = words[0].lower(), int(words[1])
            if kind == "clip":
                return queryset.filter(clip=number), False
            return queryset.filter(under=kind, under_id=number), False
        if not search_term.strip():
            return queryset, False
        with contextlib.suppress(ValueError):
            day = datetime.strptime(search_term.strip(), "%Y-%m-%d").replace(tzinfo=UTC)
            return queryset.filter(at__gte=day, at__lt=day + timedelta(days=1)), False
        found = Q(user__username=search_term) | Q(address=search_term) | Q(outcome=search_term)
        person = pseudonyms.whose(search_term)
        return queryset.filter(found if person is None else Q(stream=f"person-{person}") | found), False

    @display(description=_("When (UTC)"), ordering="at")
    def when(self, entry: AccessEntry) -> str:
        return f"{entry.at:%Y-%m-%d %H:%M:%S}"

    @display(description=_("Who"))
    def who(self, entry: AccessEntry) -> str:
        if entry.user_id is None:
            return "a stranger"
        return str(entry.user or f"person {entry.user_id}") + (" (by link)" if entry.credentials == "link" else "")

    @display(description=_("Outcome"), label={"granted": "success", "refused": "danger"})
    def label(self, entry: AccessEntry) -> tuple[str, str]:
        return ("granted", "shown") if entry.outcome == GRANTED else ("refused", entry.outcome)

    @display(description=_("Under"))
    def why(self, entry: AccessEntry) -> str:
        under = f"{entry.get_under_display().lower()} {entry.under_id}" if entry.under else ""
        return ", ".join(filter(None, [under, entry.purpose])) or "-"

    @display(description=_("In its stream"))
    def place(self, entry: AccessEntry) -> str:
        return f"{entry.stream} {entry.number}"

    @display(description=_("Hash"))
    def hash_text(self, entry: AccessEntry) -> str:
        return bytes(entry.hash).hex()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        names = [field.name for field in AccessEntry._meta.fields if field.name not in {"id", "hash"}]
        return [*names, "hash_text"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return self.get_fields(request, obj)
