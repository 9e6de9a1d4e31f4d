"""Clips that projects want and have no tasks of yet: what a plan counts, so that it need not look at all clips."""

from __future__ import annotations

from django.db import models

from annotations.models.projects import Project
from clips.models import Clip


class Awaited(models.Model):
    """A ready clip that a project wants.

    Written by the database alone, with whatever makes a clip wanted or not (``sightline_await``, in
    ``annotations/sql/awaited.sql``), and held against the clips now and then. It is for counting: who makes a task asks
    every gate again.
    """

    pk = models.CompositePrimaryKey("clip_id", "project_id")
    clip = models.ForeignKey(Clip, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="+")
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    region = models.CharField(max_length=16)
    clearance = models.PositiveSmallIntegerField()
    language = models.CharField(max_length=8, default="", db_default="")

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["project", "region", "clearance", "language", "clip"], name="awaited_in_order")]

    def __str__(self) -> str:
        return f"clip {self.clip_id} for project {self.project_id}"
