"""Disclosures in the admin: looked at, and published after a checklist and a second look."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from clips import disclosing
from clips.forms import DisclosureForm
from clips.models import Disclosure, Point
from config.acting import staff
from config.admin import Record
from config.clock import database_now


@admin.register(Disclosure)
class DisclosureAdmin(Record):
    list_display = ["version", "region", "language", "published_at", "published_by", "short_digest"]
    list_filter = ["region", "language"]
    list_select_related = ["published_by"]
    search_fields = ["version", "text"]
    search_help_text = _("Version or wording")
    fieldsets = [
        (None, {"fields": ["version", "region", "language", "published_at", "published_by", "sha256"]}),
        ("What owners were shown", {"fields": ["as_shown", "says"]}),
    ]
    readonly_fields = ["as_shown", "says"]

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("clips.add_disclosure")

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = DisclosureForm(request.POST or None, asked_by=staff(request))
        shown = None
        if request.method == "POST" and form.is_valid():
            text, digest = form.cleaned_data["text"], disclosing.digest(form.cleaned_data["text"])
            if "publish" in request.POST and form.cleaned_data["seen"] == digest:
                made = disclosing.publish(
                    version=form.cleaned_data["version"],
                    region=form.cleaned_data["region"],
                    language=form.cleaned_data["language"],
                    text=text,
                    checklist=form.checklist(),
                    by=staff(request),
                    at=database_now(),
                )
                messages.success(request, f"{made.version} is published. Nothing of it will ever change.")
                return redirect("admin:clips_disclosure_change", made.pk)
            form.data = {**request.POST.dict(), "seen": digest}
            shown = {"text": marked(text, list(form.checklist().values())), "digest": digest}
        context = self.admin_site.each_context(request) | {
            "title": _("Publish a disclosure"),
            "opts": self.opts,
            "form": form,
            "shown": shown,
        }
        return TemplateResponse(request, "admin/publish_disclosure.html", context | (extra_context or {}))

    @display(description=_("SHA-256"))
    def short_digest(self, disclosure: Disclosure) -> str:
        return disclosure.sha256[:16]

    @display(description=_("Text"))
    def as_shown(self, disclosure: Disclosure) -> SafeString:
        passages = [str(passage) for passage in disclosure.checklist.values()]
        return format_html('<div style="white-space: pre-wrap">{}</div>', marked(disclosure.text, passages))

    @display(description=_("Where it says what it must"))
    def says(self, disclosure: Disclosure) -> SafeString | str:
        rows = [(label, disclosure.checklist[point]) for point, label in Point.choices if point in disclosure.checklist]
        return format_html_join(mark_safe("<br>"), "{}: “{}”", rows) if rows else "It was published before checklists."


def marked(text: str, passages: list[str]) -> SafeString:
    """The text with the passages marked in it."""
    marks = [False] * len(text)
    for passage in passages:
        begins = text.find(passage)
        if passage and begins >= 0:
            marks[begins : begins + len(passage)] = [True] * len(passage)
    pieces: list[tuple[bool, str]] = []
    for letter, mark in zip(text, marks, strict=True):
        if pieces and pieces[-1][0] == mark:
            pieces[-1] = (mark, pieces[-1][1] + letter)
        else:
            pieces.append((mark, letter))
    return format_html_join(
        "", "{}", [(format_html("<mark>{}</mark>", piece) if mark else piece,) for mark, piece in pieces]
    )
