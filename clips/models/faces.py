"""Which proxies are wanted, with faces or without, by region and kind of clip; and what ready clips still lack."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from clips.models.clips import Clip, ClipKind


class Faces(models.TextChoices):
    """What is done about faces before people look."""

    BLURRED = "blurred", _("Blurred")
    CLEAR = "clear", _("Clear")


class Need(models.Model):
    """Some work in this region wants clips of this kind so: the work's room says it, and preparation makes it."""

    region = models.CharField(max_length=16)
    clip_kind = models.CharField(max_length=8, choices=ClipKind.choices)
    faces = models.CharField(max_length=8, choices=Faces.choices)
    since = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["region", "clip_kind", "faces"]
        constraints = [
            models.UniqueConstraint(fields=["region", "clip_kind", "faces"], name="need_once"),
            models.CheckConstraint(condition=Q(faces__in=Faces.values), name="need_faces_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_faces_display().lower()} {self.clip_kind} in {self.region}"


class Addition(models.Model):
    """A ready clip that lacks a proxy which is needed now: made beside those it has, which stay as they are.

    The row is there as long as the proxy is not. Waiting for a worker, or being worked on, it has a due time; without
    one it failed, and says why.
    """

    clip = models.ForeignKey(Clip, on_delete=models.CASCADE, related_name="additions")
    faces = models.CharField(max_length=8, choices=Faces.choices)
    attempts = models.PositiveSmallIntegerField(default=0, help_text=_("How often it has begun; fences late workers."))
    due_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When somebody looks at it next. None: it failed.")
    )
    failure = models.TextField(blank=True, help_text=_("Why it could not be made."))
    asked_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["clip", "faces"], name="addition_once"),
            models.CheckConstraint(condition=Q(faces__in=Faces.values), name="addition_faces_known"),
            models.CheckConstraint(
                condition=Q(due_at__isnull=False) | ~Q(failure=""), name="addition_failed_has_reason"
            ),
        ]
        indexes = [models.Index(fields=["due_at"], name="addition_due", condition=Q(due_at__isnull=False))]

    def __str__(self) -> str:
        return f"{self.faces} proxy of clip {self.clip_id}"
