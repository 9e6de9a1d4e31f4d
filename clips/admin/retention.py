"""Retention rules: what each would purge is shown before it is saved."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from clips import retention
from clips.models import RetentionRule, Since, Source
from config.acting import ReasonField, staff
from config.admin import OfRegions, Record
from config.clock import database_now
from config.scope import scope_of


def _regions() -> list[tuple[str, str]]:
    return [("", "Every region"), *((code, code) for code in settings.REGIONS)]


class RuleForm(OfRegions, forms.ModelForm):
    """How long clips of a region and a source may stay."""

    blank_is_all = True

    region = forms.ChoiceField(
        required=False, choices=_regions, widget=UnfoldAdminSelectWidget(), help_text=_("None: every region.")
    )
    source = forms.ChoiceField(
        choices=[("", "Every source"), *Source.choices], required=False, widget=UnfoldAdminSelectWidget()
    )
    since = forms.ChoiceField(choices=Since.choices, label=_("Days since"), widget=UnfoldAdminSelectWidget())
    days = forms.IntegerField(
        min_value=0,
        max_value=36500,
        required=False,
        widget=UnfoldAdminIntegerFieldWidget(),
        help_text=_("After so many days a clip is purged. Empty: none is purged on this count."),
    )
    reason = ReasonField(
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
        help_text=_("Which law or promise asks for it. Kept with your name."),
    )

    class Meta:
        model = RetentionRule
        fields = ["region", "source", "since", "days", "reason"]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("since") == Since.QUARANTINED and cleaned.get("days") is None:
            self.add_error("days", "What waits for a decision about sensitive footage does not wait for ever.")
        return cleaned


@admin.register(RetentionRule)
class RetentionRuleAdmin(Record):
    """Rules are added and never edited: purges refer to them. The newest of the most particular counts."""

    form = RuleForm
    list_display = ["id", "scope", "said", "in_force", "reason", "author", "created_at"]
    list_filter = ["since", "region", "source"]
    list_select_related = ["author"]
    search_fields = ["reason", "author__username"]
    search_help_text = _("Reason or author")
    list_before_template = "admin/retention_terms.html"

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("clips.add_retentionrule")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        scope = scope_of(request.user)
        mine = [term for term in retention.terms() if scope.covers(term.region)]
        said = [(term, Since(term.since).label, Source(term.source).label) for term in mine]
        return super().changelist_view(request, (extra_context or {}) | {"terms": said})

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """First what the rule would purge is shown; then it is saved."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = RuleForm(request.POST, asked_by=request.user) if request.method == "POST" else None
        if form is None or "confirmed" in request.POST or not form.is_valid():
            return super().add_view(request, form_url, extra_context)
        asked = {name: form.cleaned_data[name] for name in ("region", "source", "since", "days")}
        context: dict[str, Any] = self.admin_site.each_context(request) | {
            "title": _("What this rule would purge"),
            "opts": self.opts,
            "rule": asked,
            "since": Since(asked["since"]).label,
            "source": Source(asked["source"]).label if asked["source"] else "",
            "ahead": retention.preview(**asked, at=database_now()),
            "given": [(name, "" if value is None else value) for name, value in form.cleaned_data.items()],
        }
        return TemplateResponse(request, "admin/retention_preview.html", context)

    def save_model(self, request: HttpRequest, obj: RetentionRule, form: Any, change: bool) -> None:
        made = retention.add(**form.cleaned_data, by=staff(request), at=database_now())
        obj.pk = made.pk

    @display(description=_("Clips"))
    def scope(self, rule: RetentionRule) -> str:
        return f"{rule.get_source_display() or 'every source'}, {rule.region or 'every region'}"

    @display(description=_("How long"))
    def said(self, rule: RetentionRule) -> str:
        since = rule.get_since_display()
        return f"never, by {since}" if rule.days is None else f"{rule.days} days since {since}"

    @display(description=_("Newest"), boolean=True)
    def in_force(self, rule: RetentionRule) -> bool:
        newer = RetentionRule.objects.filter(region=rule.region, source=rule.source, since=rule.since, pk__gt=rule.pk)
        return not newer.exists()
