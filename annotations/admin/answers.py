"""What reviewers answered, and how they changed it."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from annotations.admin.narrowing import OfLabel, Submitted
from annotations.models import AmendedAnswer, Annotation, LateAnswer
from config.admin import Record, SeenBeyond, ago
from config.lists import Large


@admin.register(Annotation)
class AnnotationAdmin(Large):
    list_display = ["id", "label", "reviewer", "team", "task", "project", "note", "submitted"]
    list_filter = [OfLabel, "task__project", ("reviewer__team__region", SeenBeyond), "reviewer__team", Submitted]
    # Who submits writes each index of this table, so it has none for labels, teams and projects.
    reach = 100_000
    list_select_related = ["reviewer__user", "reviewer__team", "task__project"]
    search_fields = ["=id", "=task__id", "reviewer__user__username"]
    search_help_text = _("Annotation or task number, or the reviewer's sign-in")

    @display(description=_("Team"))
    def team(self, annotation: Annotation) -> str:
        return annotation.reviewer.team.name

    @display(description=_("Project"))
    def project(self, annotation: Annotation) -> str:
        return annotation.task.project.name

    @display(description=_("Submitted"))
    def submitted(self, annotation: Annotation) -> SafeString | str:
        return ago(annotation.submitted_at)

    @display(description=_("Note"))
    def note(self, annotation: Annotation) -> str:
        return str(annotation.answer.get("note", "")) or "-"


@admin.register(LateAnswer)
class LateAnswerAdmin(Record):
    list_display = ["id", "lease", "answer", "received_at"]
    list_select_related = ["lease"]
    search_fields = ["=lease__id"]
    search_help_text = _("Lease number")


@admin.register(AmendedAnswer)
class AmendedAnswerAdmin(Record):
    list_display = ["id", "annotation", "version", "label", "amended_at"]
    list_select_related = ["annotation"]
    search_fields = ["=annotation__id"]
    search_help_text = _("Annotation number")
