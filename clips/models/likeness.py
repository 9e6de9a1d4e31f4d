"""What clips look and sound like, and which are alike."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from clips.models.clips import Clip


class Print(models.Model):
    """What a clip looks and sounds like, coarsely, so that copies of it are found."""

    clip = models.OneToOneField(Clip, on_delete=models.PROTECT, related_name="print")
    picture = models.BinaryField(default=bytes, help_text=_("Hashes of pictures; empty without pictures."))
    sound = models.BinaryField(default=bytes, help_text=_("Fingerprint of the sound; empty without sound."))
    words = ArrayField(
        models.BigIntegerField(), default=list, help_text=_("The telling parts of both: a copy shares some of them.")
    )
    compared_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["id"], name="print_to_compare", condition=Q(compared_at=None)),
            GinIndex(fields=["words"], name="print_by_word"),
        ]

    def __str__(self) -> str:
        return f"print of clip {self.clip_id}"


class Verdict(models.TextChoices):
    """What ops say of two clips that are alike."""

    WAITING = "waiting", _("Not looked at")
    SAME = "same", _("The same; only one is labelled")
    DIFFERENT = "different", _("Different")


class Likeness(models.Model):
    """Two clips that look or sound almost alike. Nothing is dropped: ops decide."""

    clip = models.ForeignKey(Clip, on_delete=models.PROTECT, related_name="likenesses", help_text=_("The later one."))
    other = models.ForeignKey(Clip, on_delete=models.PROTECT, related_name="+", help_text=_("The earlier one."))
    distance = models.FloatField(help_text=_("0 is the same; how far is near stands in clips/media/nearness.py."))
    verdict = models.CharField(max_length=16, choices=Verdict.choices, default=Verdict.WAITING)
    found_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "likenesses"
        constraints = [
            models.UniqueConstraint(fields=["clip", "other"], name="likeness_once"),
            models.CheckConstraint(condition=Q(clip__gt=F("other")), name="likeness_later_first"),
        ]
        indexes = [models.Index(fields=["verdict", "id"], name="likeness_by_verdict")]

    def __str__(self) -> str:
        return f"clips {self.other_id} and {self.clip_id}"
