"""Labels on their way out."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from annotations.models.projects import Project
from annotations.models.tasks import Task
from clips.models import Clip
from config.states import Moves, waits_with_due_time


class ExportState(models.TextChoices):
    REQUESTED = "requested", _("Requested")
    WRITING = "writing", _("Writing")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    RETRACTED = "retracted", _("Retracted")
    REMOVED = "removed", _("Removed")


EXPORT_MOVES: Moves = {
    ExportState.REQUESTED: frozenset({ExportState.WRITING}),
    # Back to requested: the worker died, and attempts are left.
    ExportState.WRITING: frozenset({ExportState.DONE, ExportState.REQUESTED, ExportState.FAILED}),
    # An owner no longer agrees to a line: it is handed out no more, and its file is to be removed.
    ExportState.DONE: frozenset({ExportState.RETRACTED}),
    ExportState.FAILED: frozenset(),
    ExportState.RETRACTED: frozenset({ExportState.REMOVED}),
    ExportState.REMOVED: frozenset(),
}
# Those that were finished once, and may have been handed out.
FINISHED = (ExportState.DONE, ExportState.RETRACTED, ExportState.REMOVED)


class Export(models.Model):
    """A project's settled labels at one instant, as a file that does not change."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="exports")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    regions = ArrayField(
        models.CharField(max_length=16),
        default=list,
        db_default=[],
        blank=True,
        help_text=_("Codes of the regions whose clips it holds, those of whoever asked. None: all."),
    )
    state = models.CharField(max_length=16, choices=ExportState.choices, default=ExportState.REQUESTED)
    state_since = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0, help_text=_("How often writing has begun; a fence."))
    attempts_allowed = models.PositiveSmallIntegerField(default=3)
    failure = models.TextField(blank=True)
    key = models.CharField(max_length=200, blank=True)
    lines = models.PositiveIntegerField(default=0)
    size_bytes = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    manifest = models.JSONField(default=dict, blank=True)
    looked_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When its lines were last held against what owners permit.")
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=waits_with_due_time(ExportState.DONE, ExportState.FAILED, ExportState.REMOVED),
                name="export_waits_with_due_time",
            ),
            models.CheckConstraint(condition=Q(state__in=ExportState.values), name="export_state_known"),
            models.CheckConstraint(condition=~Q(state=ExportState.DONE) | ~Q(sha256=""), name="export_done_has_digest"),
        ]
        indexes = [models.Index(fields=["due_at"], name="export_due", condition=Q(due_at__isnull=False))]

    def __str__(self) -> str:
        return f"export {self.pk}"


class ExportLine(models.Model):
    """That an export holds a clip's label: from a clip to every export that used it, and whether one may still be
    handed out."""

    export = models.ForeignKey(Export, on_delete=models.PROTECT, related_name="held", db_index=False)
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="+", db_index=False)
    clip = models.ForeignKey(Clip, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["export", "task"], name="export_line_once")]

    def __str__(self) -> str:
        return f"task {self.task_id} in export {self.export_id}"
