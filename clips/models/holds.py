"""Legal holds: what must not be removed yet, why, by whom, until when."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from clips.models.clips import OWNER_KEY, Clip
from config.history import kept


@kept("ends_at")
class LegalHold(models.Model):
    """Keeps what it names from being purged until it ends. It lets nobody see anything."""

    clip = models.ForeignKey(Clip, on_delete=models.PROTECT, null=True, blank=True, related_name="holds")
    owner_key = models.CharField(
        max_length=64, blank=True, validators=[OWNER_KEY], help_text=_("All clips of this owner.")
    )
    region = models.CharField(
        max_length=16, blank=True, help_text=_("All clips of this region that arrived from the first to the last day.")
    )
    arrived_from = models.DateTimeField(null=True, blank=True)
    arrived_until = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, help_text=_("Why it must be kept: which matter, whose demand."))
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(
        help_text=_("Then what waits is purged by itself. It can be put off, with a reason.")
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gte=F("starts_at")), name="hold_ends_after_it_begins"),
            models.CheckConstraint(condition=~Q(reason=""), name="hold_has_reason"),
            models.CheckConstraint(
                condition=Q(
                    clip__isnull=False, owner_key="", region="", arrived_from__isnull=True, arrived_until__isnull=True
                )
                | Q(
                    ~Q(owner_key=""),
                    clip__isnull=True,
                    region="",
                    arrived_from__isnull=True,
                    arrived_until__isnull=True,
                )
                | Q(
                    ~Q(region=""),
                    clip__isnull=True,
                    owner_key="",
                    arrived_from__isnull=False,
                    arrived_until__gt=F("arrived_from"),
                ),
                name="hold_names_one_thing",
            ),
        ]
        indexes = [models.Index(fields=["ends_at"], name="hold_by_end")]

    def __str__(self) -> str:
        return f"legal hold {self.pk}"

    @property
    def scope(self) -> str:
        """What it keeps, for people to read."""
        if self.clip_id:
            return f"clip {self.clip_id}"
        if self.owner_key:
            return f"clips of {self.owner_key}"
        return f"clips of {self.region}, {self.arrived_from:%Y-%m-%d} to {self.arrived_until:%Y-%m-%d}"
