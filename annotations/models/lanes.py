"""The queues of tasks, and where each reviewer left off in them."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from annotations.models.projects import Project
from workforce.models import Reviewer, Team


class Lane(models.Model):
    """One queue: the tasks of a team that ask the same of a reviewer, in the order of their ranks.

    What a reviewer may be handed is decided per lane and not per task, so tasks they may not have cost them nothing.
    Its row never changes; it is locked by whoever moves its head.
    """

    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="lanes")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="lanes")
    region = models.CharField(max_length=16, help_text=_("Where the clips live."))
    skills = ArrayField(models.SlugField(max_length=32), default=list, blank=True)
    clearance = models.PositiveSmallIntegerField(default=0)
    language = models.CharField(max_length=8, blank=True, default="", db_default="", help_text=_("Blank: any."))

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["team", "project", "region", "skills", "clearance", "language"], name="lane_once_per_demand"
            ),
        ]

    def __str__(self) -> str:
        return f"lane {self.pk}"


class Head(models.Model):
    """From where to where a lane is drawn. Rows are only added, under the lane's lock, and the newest counts: were one
    row updated instead, every claim would read all its versions while an old snapshot is open.

    A claim begins at ``head_rank``: no task before it has a free seat. How that is kept true stands in
    docs/decisions.md, "The queue".
    """

    # One index, and none on the number alone: no plan may look for a quiet lane's newest row among all lanes'.
    pk = models.CompositePrimaryKey("lane_id", "number")
    lane = models.ForeignKey(Lane, on_delete=models.PROTECT, related_name="heads", db_index=False)
    number = models.BigIntegerField()
    head_rank = models.BigIntegerField()
    tail_rank = models.BigIntegerField(help_text=_("The last rank that was put in."))
    express_head = models.BigIntegerField(default=1)
    express_next = models.BigIntegerField(default=1, help_text=_("The number of the next seat that comes back."))
    version = models.BigIntegerField(default=0, help_text=_("Raised when a task enters before the tail."))
    made_at = models.DateTimeField(db_default=Now(), help_text=_("When the head was last moved forward."))

    class Meta:
        ordering = ["lane_id", "-number"]
        constraints = [
            models.CheckConstraint(
                condition=Q(head_rank__lte=F("tail_rank") + 1, express_head__lte=F("express_next")),
                name="head_not_past_its_tail",
            ),
        ]

    def __str__(self) -> str:
        return f"head {self.number} of lane {self.lane_id}"


class Bookmark(models.Model):
    """Where one reviewer left off in a lane: before it there is nothing that they may still be handed."""

    # The unique index is the only way to them: no plan can take another while the table is small.
    reviewer = models.ForeignKey(Reviewer, on_delete=models.CASCADE, related_name="+", db_index=False)
    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="+", db_index=False)
    version = models.BigIntegerField()
    rank = models.BigIntegerField()
    express = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reviewer", "lane"], name="bookmark_once")]

    def __str__(self) -> str:
        return f"bookmark of {self.reviewer_id} in {self.lane_id}"
