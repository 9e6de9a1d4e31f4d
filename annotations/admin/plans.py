"""Plans: what each did, and what nobody was found for."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet, Sum
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import display

from annotations.models import Plan, PlanLine, PlanState
from annotations.planning import undoing
from annotations.scopes import told
from config.acting import staff, with_reason
from config.admin import Record, ago
from config.clock import database_now
from config.scope import scope_of, seen


class LinesInline(TabularInline):
    model = PlanLine
    fields = ["project", "region", "clearance", "language", "due_at", "from_team", "to_team", "tasks", "done", "late"]
    readonly_fields = fields
    extra = 0
    can_delete = False
    per_page = 50
    verbose_name_plural = _("What goes where, and what nobody was found for")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PlanLine]:
        rows: QuerySet[PlanLine] = super().get_queryset(request)
        return seen(request.user, rows).select_related("project", "from_team", "to_team")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("annotations.view_plan")


@admin.register(Plan)
class PlanAdmin(Record):
    list_display = ["id", "state_label", "kind", "made", "looked", "by", "tasks_made", "tasks_moved", "not_placed"]
    list_filter = ["kind", "state"]
    list_select_related = ["by"]
    search_fields = ["=id", "reason"]
    search_help_text = _("Plan number, or words of the reason")
    fields = [
        "kind", "state", "made_at", "looked_at", "ends_at", "by", "reason", "undone_at", "undone_by", "undone_reason",
        "why_not",
    ]  # fmt: skip
    readonly_fields = ["why_not"]
    inlines = [LinesInline]
    actions = ["undo"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Plan]:
        rows: QuerySet[Plan] = super().get_queryset(request)
        mine = Q(lines__in=seen(request.user, PlanLine.objects.all()).values("pk"))
        if scope_of(request.user).everywhere:
            mine = Q()
        return rows.annotate(
            made_count=Sum("lines__done", filter=mine & Q(lines__from_team=None), default=0),
            moved_count=Sum("lines__done", filter=mine & Q(lines__from_team__isnull=False), default=0),
            left_count=Sum("lines__tasks", filter=mine & Q(lines__to_team=None), default=0),
        )

    @with_reason(
        description=_("Undo plans"),
        effect=_("Tasks return to where they lay, and those that the plan made go. Only while nobody has begun them."),
        done=_("undone"),
    )
    def undo(self, request: HttpRequest, plan: Plan, answers: dict[str, Any]) -> object:
        """Take plans by hand back."""
        return undoing.undo(plan.pk, by=staff(request), reason=answers["reason"], at=database_now())

    @display(
        description=_("State"),
        ordering="state",
        label={
            PlanState.APPLYING: "info",
            PlanState.APPLIED: "success",
            PlanState.BROKEN_OFF: "danger",
            PlanState.UNDONE: "warning",
        },
    )
    def state_label(self, plan: Plan) -> tuple[str, str]:
        return plan.state, plan.get_state_display()

    @display(description=_("Made"), ordering="made_at")
    def made(self, plan: Plan) -> SafeString | str:
        return ago(plan.made_at)

    @display(description=_("Last found right"), ordering="looked_at")
    def looked(self, plan: Plan) -> SafeString | str:
        return ago(plan.looked_at)

    @display(description=_("Tasks made"))
    def tasks_made(self, plan: Any) -> int:
        return int(plan.made_count)

    @display(description=_("Tasks moved"))
    def tasks_moved(self, plan: Any) -> int:
        return int(plan.moved_count)

    @display(description=_("Not placed"))
    def not_placed(self, plan: Any) -> int:
        return int(plan.left_count)

    @display(description=_("Why not placed"))
    def why_not(self, plan: Plan) -> SafeString | str:
        by: User = plan.asked_by  # type: ignore[attr-defined]
        rows = seen(by, plan.lines.filter(to_team=None).select_related("project"))
        said = ((row.tasks, row.project, told(by, row)) for row in rows)
        return format_html_join("", "<p>{} of {}: {}</p>", said) or "-"
