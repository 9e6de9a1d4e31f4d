"""When the queue was asked for its promises."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _


class AuditRun(models.Model):
    """One time that the queue's promises were asked of its rows, and what was broken."""

    asked_at = models.DateTimeField()
    seconds = models.FloatField(help_text=_("How long it took."))
    checks = models.PositiveSmallIntegerField(help_text=_("How many promises were asked."))
    findings = models.JSONField(
        encoder=DjangoJSONEncoder, help_text=_("name, promise, count and first row of each promise that is broken.")
    )

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"audit {self.pk}"
