"""What reviewers submitted, amended, or sent too late."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from annotations.models.leases import Lease
from annotations.models.tasks import Task
from workforce.models import Reviewer, Team


class Annotation(models.Model):
    """What a reviewer submitted under a lease."""

    lease = models.OneToOneField(Lease, on_delete=models.PROTECT, related_name="annotation")
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="annotations", db_index=False)
    reviewer = models.ForeignKey(Reviewer, on_delete=models.PROTECT, related_name="annotations")
    team = models.ForeignKey(
        Team, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False,
        help_text=_(
            "Whose answer it is, where each of a task's is of another team: with whom the task lay. Else empty."
        ),
    )  # fmt: skip
    schema_version = models.PositiveIntegerField()
    label = models.CharField(max_length=32)
    answer = models.JSONField()
    version = models.PositiveSmallIntegerField(
        default=1, db_default=1, help_text=_("Raised when its author amends it.")
    )
    submitted_at = models.DateTimeField(help_text=_("When the first version was."))

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["task", "reviewer"], name="annotation_once_per_reviewer"),
            models.UniqueConstraint(
                fields=["task", "team"], condition=Q(team__isnull=False), name="annotation_once_per_team"
            ),
        ]
        indexes = [models.Index(fields=["submitted_at"], name="annotation_by_time")]

    def __str__(self) -> str:
        return f"annotation {self.pk}"


class AmendedAnswer(models.Model):
    """An earlier version of an annotation that its author amended; every one is kept."""

    annotation = models.ForeignKey(Annotation, on_delete=models.PROTECT, related_name="earlier")
    version = models.PositiveSmallIntegerField()
    label = models.CharField(max_length=32)
    answer = models.JSONField()
    amended_at = models.DateTimeField(help_text=_("When the next version took its place."))

    class Meta:
        ordering = ["annotation_id", "version"]
        constraints = [models.UniqueConstraint(fields=["annotation", "version"], name="amended_answer_once")]

    def __str__(self) -> str:
        return f"version {self.version} of annotation {self.annotation_id}"


class LateAnswer(models.Model):
    """An answer that came after its lease was over: kept, so that nobody's work is lost unseen, and never counted."""

    lease = models.OneToOneField(Lease, on_delete=models.PROTECT, related_name="late_answer")
    answer = models.JSONField()
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"late answer under lease {self.lease_id}"
