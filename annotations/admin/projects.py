"""Projects and what they ask."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.models import User
from django.contrib.postgres.fields import ArrayField
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.forms.fields import InvalidJSONInput
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminTextInputWidget

from annotations import exporting, faces, spreading, stopping, supervision
from annotations.models import Project, Task, TaskState
from annotations.planning import forecasting
from annotations.planning.forecasting import Finish
from annotations.scopes import check_whole, is_whole, regions_of
from annotations.tasks import write_export
from config.acting import staff, with_reason
from config.admin import Register
from config.bells import ring
from config.clock import database_now
from config.errors import Refusal
from config.http.incoming import load_json
from config.scope import all_or_seen, scope_of, seen


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


def asked_by(project: Project) -> User:
    """Who is shown this row, as ``config.admin.Scoped`` noted it."""
    user: User = project.asked_by  # type: ignore[attr-defined]
    return user


def spoken(finish: Finish) -> SafeString | str:
    """When work will be done, as a person would say it."""
    if finish.never:
        return format_html('<span title="{} tasks">never, as it stands: {}</span>', finish.stuck, finish.never)
    if finish.likely_at is None:
        return f"not within {forecasting.HORIZONS[-1].days} days"
    half = f"{finish.half_at:%Y-%m-%d %H:%M} UTC" if finish.half_at else "later"
    return format_html(
        "<span title=\"With nine in ten, of {} tasks that wait now. With even odds by {}\">{}</span>",
        finish.tasks, half, f"{finish.likely_at:%Y-%m-%d %H:%M} UTC",
    )  # fmt: skip


class WithForecast(ChangeList):
    """The list with what is foretold of the projects on the page, read once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        found = forecasting.forecasts(at=database_now(), to=staff(request))
        by_project = {one.project_id: one.finish for one in found.projects}
        for project in self.result_list:
            project.finish = by_project.get(project.pk)


class ProjectForm(forms.ModelForm):
    """A project, with what its teams and its answers must be to one another."""

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        teams, answers = found.get("teams"), found.get("overlap") or 1
        if found.get("seats_apart") and teams is not None and len(teams) < answers:
            said = _("Each of the %(answers)s answers would be of another team, and there are %(teams)s teams.")
            self.add_error("seats_apart", said % {"answers": answers, "teams": len(teams)})
        return found


@admin.register(Project)
class ProjectAdmin(Register):
    form = ProjectForm
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
        "finished_by",
        "schema_version",
    ]
    list_filter = ["is_active", "purpose", "faces", "teams"]
    search_fields = ["name", "slug"]
    search_help_text = _("Name or slug")
    autocomplete_fields = ["teams"]
    formfield_overrides = {ArrayField: {"widget": UnfoldAdminTextInputWidget}}
    actions = ["pause", "resume", "export_labels"]
    acts_by = ("is_active", {"pause": {True}, "resume": {False}})
    readonly_fields = ["schema_version", "unplaced_clips", "clips_without_proxy", "is_active", "teams_here"]
    fieldsets = [
        (None, {"fields": ["name", "slug", "is_active", "teams", "unplaced_clips"]}),
        ("What is asked", {"fields": ["clip_kind", "purpose", "label_schema", "schema_version"]}),
        ("What reviewers are shown", {"fields": ["faces", "clips_without_proxy", "categories", "starts_blurred"]}),
        ("Who may answer", {"fields": ["skills", "asks_language", "prefetch"]}),
        (
            "How answers are gathered",
            {"fields": ["overlap", "most_seats", "seats_apart", "amend_minutes", "due_hours", "priority"]},
        ),
        ("How long a lease lasts", {"fields": ["lease_seconds", "lease_most_seconds", "grace_seconds"]}),
    ]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "label_schema":
            kwargs["form_class"] = StrictJSON
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @display(description=_("Clips that wait for a team"))
    def unplaced_clips(self, project: Project) -> str:
        count, why = spreading.unplaced(project, to=asked_by(project)) if project.pk else (0, "")
        return f"{count}: {why or 'the next plan looks for one'}" if count else "none"

    @display(description=_("Clips without their proxy"))
    def clips_without_proxy(self, project: Project) -> str:
        count, why = spreading.without_proxy(project, to=asked_by(project)) if project.pk else (0, "")
        waiting = f"{count}: no tasks are made of them until workers have made it" if count else "none"
        return f"{waiting}. The latest could not be: {why}" if why else waiting

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        tasks = seen(request.user, Task.objects.filter(project=OuterRef("pk"))).order_by().values("project")

        def count(state: str) -> Coalesce:
            return Coalesce(Subquery(tasks.filter(state=state).annotate(count=Count("pk")).values("count")), 0)

        rows = super().get_queryset(request)
        return rows.annotate(open_count=count(TaskState.OPEN), settled_count=count(TaskState.SETTLED))

    def has_change_permission(self, request: HttpRequest, obj: Project | None = None) -> bool:
        """Who changes a project changes the work of all its teams, so they are all theirs."""
        return super().has_change_permission(request, obj) and (obj is None or is_whole(staff(request), obj))

    def get_fieldsets(self, request: HttpRequest, obj: Project | None = None) -> Any:
        if obj is None or is_whole(staff(request), obj):
            return super().get_fieldsets(request, obj)
        names = ["name", "slug", "is_active", "teams_here", "unplaced_clips"]
        return [(None, {"fields": names}), *self.fieldsets[1:]]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        if "teams" in form.base_fields and not scope_of(request.user).everywhere:
            # Without one nobody but those who have all regions would find it.
            form.base_fields["teams"].required = True
        return form

    @display(description=_("Teams"))
    def teams_here(self, project: Project) -> str:
        """Those that who asks may find."""
        return ", ".join(team.name for team in all_or_seen(asked_by(project), project.teams.all()))

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
        description=_("Pause projects"),
        effect=_("No new tasks are made of them and none is handed out; what is held may be finished."),
        done=_("paused"),
    )
    def pause(self, request: HttpRequest, project: Project, answers: dict[str, Any]) -> object:
        """Hand out nothing of these projects."""
        check_whole(staff(request), project)
        return supervision.pause_project(project, by=staff(request), reason=answers["reason"])

    @with_reason(
        description=_("Resume projects"), effect=_("Their tasks are made and handed out again."), done=_("resumed")
    )
    def resume(self, request: HttpRequest, project: Project, answers: dict[str, Any]) -> object:
        """Hand out these projects' tasks again."""
        check_whole(staff(request), project)
        return supervision.resume_project(project, by=staff(request), reason=answers["reason"])

    @display(description=_("Open tasks"), ordering="open_count")
    def open_tasks(self, project: Project) -> int:
        return project.open_count  # type: ignore[attr-defined]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return WithForecast

    @display(description=_("Finished by"))
    def finished_by(self, project: Project) -> SafeString | str:
        """Nine in ten; even odds when pointed at. Of what waits now, and of what who asks may find."""
        finish = getattr(project, "finish", None)
        return spoken(finish) if finish else "nothing waits"

    @display(description=_("Settled"), ordering="settled_count")
    def settled_tasks(self, project: Project) -> int:
        return project.settled_count  # type: ignore[attr-defined]

    @action(description=_("Export the labels"), permissions=["export"])
    def export_labels(self, request: HttpRequest, queryset: QuerySet[Project]) -> None:
        """Ask for an export of each project's settled labels."""
        at, user = database_now(), staff(request)
        try:
            regions = regions_of(user)
        except Refusal as refusal:
            messages.error(request, refusal.detail)
            return
        for project in queryset:
            export = exporting.request_export(project, by=user, regions=regions, at=at)
            ring(write_export, export.pk, queue="general")
            messages.success(request, f"Export {export.pk} of {project.name} is being written; find it under Exports.")

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("annotations.add_export")
