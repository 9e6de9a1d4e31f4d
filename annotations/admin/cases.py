"""What reviewers flagged, and what staff decide about it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from annotations import stopping
from annotations.models import Flag
from clips import story
from clips.admin.footage import panel
from clips.models import Case, CaseState, Decision
from config.acting import staff, with_reason
from config.admin import Record, ago
from config.clock import database_now
from config.scope import seen


@admin.register(Case)
class CaseAdmin(Record):
    """What waits for a decision; on a case's own page, what it is about, to those who may decide it and say why."""

    list_display = [
        "id",
        "kind_label",
        "state",
        "clip",
        "clip_state",
        "notes",
        "due",
        "decision",
        "reason",
        "decided_by",
    ]
    list_filter = ["state", "kind", "clip__region"]
    list_select_related = ["clip", "decided_by"]
    search_fields = ["=id", "=clip__id"]
    search_help_text = _("Case or clip number")
    ordering = ["due_at", "-id"]
    actions = ["decide"]
    acts_by = ("state", {"decide": {CaseState.OPEN}})
    change_form_outer_before_template = "admin/case_page.html"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        rows = self.get_queryset(request).select_related("clip__event")
        case = rows.filter(pk=object_id).first() if object_id.isdigit() else None
        context = extra_context or {}
        if case is not None and case.state == CaseState.OPEN:
            context |= {"panel": panel(request, [case.clip], case=case), "said": story.said_of(case.clip)}
        return super().change_view(request, object_id, form_url, context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Case]:
        # What is sensitive is for those alone who are cleared for it, and so is what was said of it.
        flags = seen(request.user, Flag.objects.all())
        return super().get_queryset(request).prefetch_related(Prefetch("flags", flags))

    @display(
        description=_("Kind"),
        ordering="kind",
        label={"sensitive": "danger", "emergency": "danger", "broken": "warning"},
    )
    def kind_label(self, case: Case) -> tuple[str, str]:
        return case.kind, case.get_kind_display()

    @display(description=_("Clip is"), ordering="clip__state")
    def clip_state(self, case: Case) -> str:
        return case.clip.get_state_display()

    @display(description=_("What was said"))
    def notes(self, case: Case) -> str:
        return "; ".join(flag.note or "no word" for flag in reversed(case.flags.all())) or "-"

    @display(description=_("Due"), ordering="due_at")
    def due(self, case: Case) -> SafeString | str:
        late = case.state == CaseState.OPEN and case.due_at is not None and case.due_at < timezone.now()
        return (
            format_html('<strong class="text-red-600 dark:text-red-400">late, {}</strong>', ago(case.due_at))
            if late
            else ago(case.due_at)
        )

    @with_reason(
        description=_("Decide cases"),
        effect=_("Withholding cannot be undone. A clip that may be shown again comes back to its place in the queue."),
        done=_("decided"),
        choices={"decision": Decision.choices},
    )
    def decide(self, request: HttpRequest, case: Case, answers: dict[str, Any]) -> object:
        """Decide these cases alike."""
        return stopping.decide(
            case.pk, decision=answers["decision"], by=staff(request), reason=answers["reason"], at=database_now()
        )


@admin.register(Flag)
class FlagAdmin(Record):
    list_display = ["id", "kind", "note", "reviewer", "case", "flagged_at"]
    list_filter = ["kind", "lease__reviewer__team"]
    list_select_related = ["lease__reviewer__user", "case__clip"]
    search_fields = ["=case__id", "=lease__id", "lease__reviewer__user__username"]
    search_help_text = _("Case or lease number, or the reviewer's sign-in")

    @display(description=_("Reviewer"))
    def reviewer(self, flag: Flag) -> str:
        return str(flag.lease.reviewer)
