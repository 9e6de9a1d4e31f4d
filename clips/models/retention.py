"""Retention: how long clips may stay, as rules that are only ever added."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from clips.models.clips import Source


class Since(models.TextChoices):
    """From when a clip's days are counted."""

    UPLOAD = "upload", _("its upload")
    LAST_USE = "last_use", _("its last use")
    DECISION = "decision", _("the last decision about it")
    WITHHELD = "withheld", _("it was withheld")
    QUARANTINED = "quarantined", _("it was quarantined, and nobody decided")


class RetentionRule(models.Model):
    """How many days clips of a region and a source may stay. Never edited: a newer rule takes an older one's place."""

    region = models.CharField(max_length=16, blank=True, help_text=_("Blank: every region."))
    source = models.CharField(max_length=32, choices=Source.choices, blank=True, help_text=_("Blank: every source."))
    since = models.CharField(max_length=16, choices=Since.choices, help_text=_("From when the days are counted."))
    days = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("After so many days a clip is purged. Blank: none is purged on this count.")
    )
    reason = models.CharField(max_length=300, help_text=_("Which law or promise asks for it."))
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="retention_has_reason"),
            models.CheckConstraint(condition=Q(since__in=Since.values), name="retention_since_known"),
            models.CheckConstraint(condition=Q(days=None) | Q(days__lte=36500), name="retention_days_make_sense"),
            # What waits for a decision about sensitive footage does not wait for ever.
            models.CheckConstraint(
                condition=~Q(since=Since.QUARANTINED) | Q(days__isnull=False), name="retention_disposal_has_deadline"
            ),
        ]
        indexes = [models.Index(fields=["since", "region", "source", "-id"], name="retention_in_force")]
        triggers = [pgtrigger.Protect(name="only_added", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"retention rule {self.pk}"
