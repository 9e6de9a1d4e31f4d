"""Renditions: what was made of a clip, to be served."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from clips.models.clips import Clip
from clips.models.faces import Faces


class RenditionKind(models.TextChoices):
    PROXY = "proxy", _("Proxy, clear")
    POSTER = "poster", _("Poster, clear")
    SPRITE = "sprite", _("Sprite, clear")
    BLURRED_PROXY = "blurred_proxy", _("Proxy, faces blurred")
    BLURRED_POSTER = "blurred_poster", _("Poster, faces blurred")
    BLURRED_SPRITE = "blurred_sprite", _("Sprite, faces blurred")
    SPRITE_INDEX = "sprite_index", _("Sprite index")
    PEAKS = "peaks", _("Peaks")
    FRAME_MAP = "frame_map", _("Frame map")


# What shows pictures, by what is done about faces: the proxy first. All else shows nobody.
SHOWN: dict[Faces, tuple[RenditionKind, ...]] = {
    Faces.CLEAR: (RenditionKind.PROXY, RenditionKind.POSTER, RenditionKind.SPRITE),
    Faces.BLURRED: (RenditionKind.BLURRED_PROXY, RenditionKind.BLURRED_POSTER, RenditionKind.BLURRED_SPRITE),
}


class Rendition(models.Model):
    """A derived file that may be served: stripped of metadata, of a type that we chose."""

    clip = models.ForeignKey(Clip, on_delete=models.PROTECT, related_name="renditions")
    kind = models.CharField(max_length=16, choices=RenditionKind.choices)
    attempt = models.PositiveSmallIntegerField(help_text=_("The attempt that made it."))
    key = models.CharField(max_length=200, unique=True)
    content_type = models.CharField(max_length=40)
    size_bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    duration_ms = models.PositiveIntegerField(default=0)
    made_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["clip_id", "kind"]
        constraints = [models.UniqueConstraint(fields=["clip", "kind"], name="rendition_one_of_each_kind")]

    def __str__(self) -> str:
        return f"{self.kind} of clip {self.clip_id}"
