"""What reviewers say is wrong with what they were shown."""

from __future__ import annotations

from django.db import models

from annotations.models.leases import Lease
from clips.models import Case, CaseKind


class Flag(models.Model):
    """A reviewer's word that something is wrong with a clip they were shown. It costs them nothing."""

    lease = models.ForeignKey(Lease, on_delete=models.PROTECT, related_name="flags")
    kind = models.CharField(max_length=16, choices=CaseKind.choices)
    note = models.CharField(max_length=300, blank=True)
    flagged_at = models.DateTimeField()
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="flags")

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["lease", "kind"], name="flag_once_per_lease_and_kind")]

    def __str__(self) -> str:
        return f"{self.get_kind_display().lower()} flag {self.pk}"
