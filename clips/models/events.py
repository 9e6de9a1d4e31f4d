"""What the device said when it recorded a clip."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from clips.models.clips import Clip


class DeviceEvent(models.Model):
    """What the camera or the voice assistant said when it recorded the clip."""

    clip = models.OneToOneField(Clip, on_delete=models.PROTECT, related_name="event")
    device_model = models.CharField(max_length=80, blank=True)
    detector_version = models.CharField(max_length=40, blank=True)
    happened_at = models.DateTimeField(null=True, blank=True)
    said = ArrayField(
        models.SlugField(max_length=40), default=list, help_text=_("What it detected, such as person or glass-break.")
    )
    detections = models.JSONField(default=list, help_text=_("said, score (0 to 1) and zone of each detection."))

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return ", ".join(self.said) or "nothing"
