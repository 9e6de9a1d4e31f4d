"""The work in the admin."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.contrib.postgres.fields import ArrayField
from django.db.models import Count, Q, QuerySet
from django.forms.fields import InvalidJSONInput
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextInputWidget

from annotations import exporting, spreading, stopping, supervision
from annotations.models import (
    AmendedAnswer,
    Annotation,
    Export,
    ExportState,
    Flag,
    Lane,
    LateAnswer,
    Lease,
    LeaseState,
    Project,
    Task,
    TaskState,
)
from annotations.tasks import write_export
from clips.admin import ClipAdmin, LikenessAdmin
from clips.models import Case, CaseState, Clip, Decision, Likeness, Verdict
from config.acting import with_reason
from config.admin import Record, Register, ago, size
from config.bells import ring
from config.clock import database_now
from config.errors import Refusal
from config.http.incoming import load_json


def staff(request: HttpRequest) -> User:
    """Who is signed in; the admin has let nobody else in."""
    return cast(User, request.user)


class StrictJSON(forms.JSONField):
    """JSON within the bounds that the API's doors hold it to, too."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):
            try:
                return load_json(value)
            except Refusal as refusal:
                raise forms.ValidationError(refusal.detail) from None
        return super().to_python(value)

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What is shown again after a refusal: the text as it was sent, when it cannot be read."""
        try:
            return load_json(data or "null")
        except Refusal:
            return InvalidJSONInput(data.encode(errors="replace").decode())


@admin.register(Project)
class ProjectAdmin(Register):
    list_display = [
        "name",
        "slug",
        "is_active",
        "overlap",
        "most_seats",
        "lease_seconds",
        "open_tasks",
        "settled_tasks",
        "schema_version",
    ]
    list_filter = ["is_active", "teams"]
    search_fields = ["name", "slug"]
    search_help_text = "Name or slug"
    autocomplete_fields = ["teams"]
    formfield_overrides = {ArrayField: {"widget": UnfoldAdminTextInputWidget}}
    actions = ["pause", "resume", "export_labels"]
    readonly_fields = ["schema_version", "unplaced_clips", "is_active"]
    fieldsets = [
        (None, {"fields": ["name", "slug", "is_active", "teams", "unplaced_clips"]}),
        ("What is asked", {"fields": ["clip_kind", "label_schema", "schema_version"]}),
        ("Who may answer", {"fields": ["skills", "prefetch"]}),
        ("How answers are gathered", {"fields": ["overlap", "most_seats", "amend_minutes", "due_hours", "priority"]}),
        ("How long a lease lasts", {"fields": ["lease_seconds", "lease_most_seconds", "grace_seconds"]}),
    ]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "label_schema":
            kwargs["form_class"] = StrictJSON
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @display(description="Clips that no team may take")
    def unplaced_clips(self, project: Project) -> str:
        count = spreading.unplaced(project) if project.pk else 0
        return f"{count}: their region has no team here with a person for each seat" if count else "none"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        return (
            super()
            .get_queryset(request)
            .annotate(
                open_count=Count("tasks", filter=Q(tasks__state=TaskState.OPEN)),
                settled_count=Count("tasks", filter=Q(tasks__state=TaskState.SETTLED)),
            )
        )

    def save_model(self, request: HttpRequest, obj: Project, form: object, change: bool) -> None:
        if change and "label_schema" in form.changed_data:  # type: ignore[attr-defined]
            obj.schema_version += 1
            form.changed_data.append("schema_version")  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    @with_reason(
        description="Pause projects",
        effect="No new tasks are made of them and none is handed out; what is held may be finished.",
        done="paused",
    )
    def pause(self, request: HttpRequest, project: Project, answers: dict[str, Any]) -> object:
        """Hand out nothing of these projects."""
        return supervision.pause_project(project, by=staff(request), reason=answers["reason"])

    @with_reason(description="Resume projects", effect="Their tasks are made and handed out again.", done="resumed")
    def resume(self, request: HttpRequest, project: Project, answers: dict[str, Any]) -> object:
        """Hand out these projects' tasks again."""
        return supervision.resume_project(project, by=staff(request), reason=answers["reason"])

    @display(description="Open tasks", ordering="open_count")
    def open_tasks(self, project: Project) -> int:
        return project.open_count  # type: ignore[attr-defined]

    @display(description="Settled", ordering="settled_count")
    def settled_tasks(self, project: Project) -> int:
        return project.settled_count  # type: ignore[attr-defined]

    @action(description="Export the labels", permissions=["export"])
    def export_labels(self, request: HttpRequest, queryset: QuerySet[Project]) -> None:
        """Ask for an export of each project's settled labels."""
        at = database_now()
        for project in queryset:
            export = exporting.request_export(project, by=request.user, at=at)  # type: ignore[arg-type]
            ring(write_export, export.pk, queue="general")
            messages.success(request, f"Export {export.pk} of {project.name} is being written; find it under Exports.")

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("annotations.add_export")


@admin.register(Task)
class TaskAdmin(Record):
    list_display = [
        "id",
        "state_label",
        "project",
        "team",
        "clip",
        "region",
        "seats",
        "label",
        "votes_said",
        "due",
        "since",
    ]
    list_filter = ["state", "project", "team__region", "team", "label"]
    list_select_related = ["project", "team", "clip"]
    search_fields = ["=id", "=clip__id"]
    search_help_text = "Task or clip number"
    actions = ["requeue"]

    def preview(self, task: Task) -> str:
        return f"{task} of {task.project}, {task.team}: {task.get_state_display().lower()}, {self.seats(task)}"

    @display(
        description="State",
        ordering="state",
        label={
            TaskState.OPEN: "info",
            TaskState.FULL: "warning",
            TaskState.SETTLED: "success",
            TaskState.DISPUTED: "danger",
            TaskState.STOPPED: "danger",
        },
    )
    def state_label(self, task: Task) -> tuple[str, str]:
        return task.state, task.get_state_display()

    @display(description="Region", ordering="clip__region")
    def region(self, task: Task) -> str:
        return task.clip.region

    @display(description="Seats")
    def seats(self, task: Task) -> str:
        held = task.overlap - task.answers - task.seats_left
        return f"{task.answers} of {task.overlap} answered" + (f", {held} held" if held else "")

    @display(description="Votes")
    def votes_said(self, task: Task) -> str:
        return ", ".join(f"{count} {label}" for label, count in task.votes.items()) or "-"

    @display(description="Due", ordering="due_at")
    def due(self, task: Task) -> SafeString | str:
        return ago(task.due_at)

    @display(description="In this state", ordering="state_since")
    def since(self, task: Task) -> SafeString | str:
        return ago(task.state_since)

    @with_reason(
        description="Re-queue tasks",
        effect="Leases on open ones are recalled; settled and disputed ones are opened with one more seat and weighed "
        "anew. They go before what was never taken.",
        done="re-queued",
    )
    def requeue(self, request: HttpRequest, task: Task, answers: dict[str, Any]) -> object:
        """Put tasks back into the queue."""
        return supervision.requeue(task.pk, by=staff(request), reason=answers["reason"], at=database_now())


@admin.register(Lease)
class LeaseAdmin(Record):
    list_display = ["id", "state_label", "reviewer", "team", "task", "granted_at", "ends", "ended_at"]
    list_filter = ["state", "reviewer__team__region", "reviewer__team"]
    list_select_related = ["reviewer__user", "reviewer__team", "task"]
    search_fields = ["=id", "=task__id", "reviewer__user__username"]
    search_help_text = "Lease or task number, or the reviewer's sign-in"
    # A token is for the holder's eyes only.
    exclude = ["token"]
    actions = ["recall"]

    def preview(self, lease: Lease) -> str:
        return f"{lease} of {lease.reviewer} on {lease.task}: {lease.get_state_display().lower()}"

    @with_reason(
        description="Recall leases",
        effect="Seat and unit return at once; whoever holds one is told when they next call. An answer that they are "
        "just giving is kept, uncounted.",
        done="recalled",
    )
    def recall(self, request: HttpRequest, lease: Lease, answers: dict[str, Any]) -> object:
        """Take leases back."""
        return supervision.recall(lease.pk, by=staff(request), reason=answers["reason"], at=database_now())

    @display(
        description="State",
        ordering="state",
        label={
            LeaseState.LIVE: "info",
            LeaseState.SUBMITTED: "success",
            LeaseState.RETURNED: "warning",
            LeaseState.LAPSED: "danger",
            LeaseState.SKIPPED: "warning",
            LeaseState.FLAGGED: "danger",
            LeaseState.RECALLED: "danger",
        },
    )
    def state_label(self, lease: Lease) -> tuple[str, str]:
        return lease.state, lease.get_state_display()

    @display(description="Team")
    def team(self, lease: Lease) -> str:
        return lease.reviewer.team.name

    @display(description="Expires", ordering="expires_at")
    def ends(self, lease: Lease) -> SafeString | str:
        return ago(lease.expires_at) if lease.state == LeaseState.LIVE else "-"


@admin.register(Annotation)
class AnnotationAdmin(Record):
    list_display = ["id", "label", "reviewer", "team", "task", "project", "note", "submitted_at"]
    list_filter = ["label", "task__project", "reviewer__team__region", "reviewer__team", "submitted_at"]
    list_select_related = ["reviewer__user", "reviewer__team", "task__project"]
    search_fields = ["=id", "=task__id", "reviewer__user__username"]
    search_help_text = "Annotation or task number, or the reviewer's sign-in"

    @display(description="Team")
    def team(self, annotation: Annotation) -> str:
        return annotation.reviewer.team.name

    @display(description="Project")
    def project(self, annotation: Annotation) -> str:
        return annotation.task.project.name

    @display(description="Note")
    def note(self, annotation: Annotation) -> str:
        return str(annotation.answer.get("note", "")) or "-"


@admin.register(Export)
class ExportAdmin(Record):
    list_display = [
        "id",
        "state_label",
        "project",
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
    search_help_text = "Export number or SHA-256, whole"

    @display(
        description="State",
        ordering="state",
        label={
            ExportState.REQUESTED: "info",
            ExportState.WRITING: "warning",
            ExportState.DONE: "success",
            ExportState.FAILED: "danger",
        },
    )
    def state_label(self, export: Export) -> tuple[str, str]:
        return export.state, export.get_state_display()

    @display(description="Size", ordering="size_bytes")
    def bytes(self, export: Export) -> str:
        return size(export.size_bytes)

    @display(description="SHA-256")
    def short_digest(self, export: Export) -> str:
        return export.sha256[:16] or "-"


@admin.register(Lane)
class LaneAdmin(Record):
    list_display = ["id", "team", "project", "region", "skills", "clearance", "head_rank", "tail_rank", "express_next"]
    list_filter = ["team", "project", "clearance"]
    list_select_related = ["team", "project"]


@admin.register(LateAnswer)
class LateAnswerAdmin(Record):
    list_display = ["id", "lease", "answer", "received_at"]
    list_select_related = ["lease"]
    search_fields = ["=lease__id"]
    search_help_text = "Lease number"


@admin.register(AmendedAnswer)
class AmendedAnswerAdmin(Record):
    list_display = ["id", "annotation", "version", "label", "amended_at"]
    list_select_related = ["annotation"]
    search_fields = ["=annotation__id"]
    search_help_text = "Annotation number"


@admin.register(Case)
class CaseAdmin(Record):
    """What waits for a decision. What is on the clip is not shown here."""

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
    search_help_text = "Case or clip number"
    ordering = ["due_at", "-id"]
    actions = ["decide"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Case]:
        return super().get_queryset(request).prefetch_related("flags")

    @display(
        description="Kind", ordering="kind", label={"sensitive": "danger", "emergency": "danger", "broken": "warning"}
    )
    def kind_label(self, case: Case) -> tuple[str, str]:
        return case.kind, case.get_kind_display()

    @display(description="Clip is", ordering="clip__state")
    def clip_state(self, case: Case) -> str:
        return case.clip.get_state_display()

    @display(description="What was said")
    def notes(self, case: Case) -> str:
        return "; ".join(flag.note or "no word" for flag in reversed(case.flags.all())) or "-"

    @display(description="Due", ordering="due_at")
    def due(self, case: Case) -> SafeString | str:
        late = case.state == CaseState.OPEN and case.due_at is not None and case.due_at < timezone.now()
        return (
            format_html('<strong class="text-red-600">late, {}</strong>', ago(case.due_at))
            if late
            else ago(case.due_at)
        )

    @with_reason(
        description="Decide cases",
        effect="Withholding cannot be undone. A clip that may be shown again comes back to its place in the queue.",
        done="decided",
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
    search_help_text = "Case or lease number, or the reviewer's sign-in"

    @display(description="Reviewer")
    def reviewer(self, flag: Flag) -> str:
        return str(flag.lease.reviewer)


admin.site.unregister(Clip)


@admin.register(Clip)
class SupervisedClipAdmin(ClipAdmin):
    """Clips, with what ends leases on them."""

    actions = [*ClipAdmin.actions, "quarantine"]

    @with_reason(
        description="Quarantine clips",
        effect="They are taken from everybody at once, and each waits for cleared staff to decide.",
        done="quarantined",
    )
    def quarantine(self, request: HttpRequest, clip: Clip, answers: dict[str, Any]) -> object:
        """Take these clips from everybody."""
        return stopping.quarantine(clip.pk, by=staff(request), reason=answers["reason"], at=database_now())


admin.site.unregister(Likeness)


@admin.register(Likeness)
class SupervisedLikenessAdmin(LikenessAdmin):
    """Clips that are alike, with the verdict."""

    actions = ["same", "different"]

    @with_reason(
        description="Label only the earlier of each two",
        effect="The later's tasks stop and leases on them are recalled. Saying that they are different takes it back.",
        done="grouped",
    )
    def same(self, request: HttpRequest, pair: Likeness, answers: dict[str, Any]) -> object:
        """Label only one of each two."""
        return stopping.judge(
            pair.pk, verdict=Verdict.SAME, by=staff(request), reason=answers["reason"], at=database_now()
        )

    @with_reason(
        description="Label both of each two", effect="Stopped tasks come back to their place.", done="kept apart"
    )
    def different(self, request: HttpRequest, pair: Likeness, answers: dict[str, Any]) -> object:
        """Label both."""
        return stopping.judge(
            pair.pk, verdict=Verdict.DIFFERENT, by=staff(request), reason=answers["reason"], at=database_now()
        )
