"""Viewings: a member of staff says why they must see a clip, and may for some minutes."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clips.models.cases import Case
from clips.models.clips import Clip


class ViewingPurpose(models.TextChoices):
    """Why staff may look at a clip."""

    CASE = "case", _("Decide an open case")
    LIKENESS = "likeness", _("Judge whether two clips are the same")
    ADJUDICATION = "adjudication", _("Settle a disputed task")
    PREPARATION = "preparation", _("Find out why preparation failed")
    ERASURE = "erasure", _("Check a request to erase")


class Viewing(models.Model):
    """Sight of one clip for one member of staff, for a reason, until an end. Without one they see nothing."""

    clip = models.ForeignKey(Clip, on_delete=models.PROTECT, related_name="viewings")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    purpose = models.CharField(max_length=16, choices=ViewingPurpose.choices)
    case = models.ForeignKey(
        Case,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="viewings",
        help_text=_("Which case it is for."),
    )
    reason = models.CharField(max_length=300)
    opened_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True, help_text=_("When the person was done, if they said so."))

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        constraints = [
            models.CheckConstraint(condition=Q(purpose__in=ViewingPurpose.values), name="viewing_purpose_known"),
            models.CheckConstraint(
                condition=Q(purpose=ViewingPurpose.CASE, case__isnull=False)
                | Q(~Q(purpose=ViewingPurpose.CASE), case=None),
                name="viewing_of_a_case_names_it",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="viewing_has_reason"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("opened_at")), name="viewing_ends_later"),
        ]
        indexes = [models.Index(fields=["user", "clip", "ends_at"], name="viewing_of_a_person")]

    def __str__(self) -> str:
        return f"viewing {self.pk} of clip {self.clip_id}"
