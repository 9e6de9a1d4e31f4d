"""Projects and what they ask."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.postgres.fields import ArrayField
from django.db.models import Count, Q, QuerySet
from django.forms.fields import InvalidJSONInput
from django.http import HttpRequest
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextInputWidget

from annotations import exporting, faces, spreading, stopping, supervision
from annotations.models import Project, TaskState
from annotations.tasks import write_export
from config.acting import staff, with_reason
from config.admin import Register
from config.bells import ring
from config.clock import database_now
from config.errors import Refusal
from config.http.incoming import load_json


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
        "purpose",
        "overlap",
        "most_seats",
        "lease_seconds",
        "faces",
        "open_tasks",
        "settled_tasks",
        "schema_version",
    ]
    list_filter = ["is_active", "purpose", "faces", "teams"]
    search_fields = ["name", "slug"]
    search_help_text = "Name or slug"
    autocomplete_fields = ["teams"]
    formfield_overrides = {ArrayField: {"widget": UnfoldAdminTextInputWidget}}
    actions = ["pause", "resume", "export_labels"]
    readonly_fields = ["schema_version", "unplaced_clips", "clips_without_proxy", "is_active"]
    fieldsets = [
        (None, {"fields": ["name", "slug", "is_active", "teams", "unplaced_clips"]}),
        ("What is asked", {"fields": ["clip_kind", "purpose", "label_schema", "schema_version"]}),
        ("What reviewers are shown", {"fields": ["faces", "clips_without_proxy", "categories", "starts_blurred"]}),
        ("Who may answer", {"fields": ["skills", "prefetch"]}),
        ("How answers are gathered", {"fields": ["overlap", "most_seats", "amend_minutes", "due_hours", "priority"]}),
        ("How long a lease lasts", {"fields": ["lease_seconds", "lease_most_seconds", "grace_seconds"]}),
    ]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "label_schema":
            kwargs["form_class"] = StrictJSON
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @display(description="Clips that wait for a team")
    def unplaced_clips(self, project: Project) -> str:
        count, why = spreading.unplaced(project) if project.pk else (0, "")
        return f"{count}: {why or 'the next plan looks for one'}" if count else "none"

    @display(description="Clips without their proxy")
    def clips_without_proxy(self, project: Project) -> str:
        count, why = spreading.without_proxy(project) if project.pk else (0, "")
        waiting = f"{count}: no tasks are made of them until workers have made it" if count else "none"
        return f"{waiting}. The latest could not be: {why}" if why else waiting

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

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Once its teams are known, too, the footage room hears what it needs."""
        super().save_related(request, form, formsets, change)
        faces.say_needs()
        if change and "faces" in form.changed_data:
            stopping.stop_unready(form.instance, at=database_now())

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
