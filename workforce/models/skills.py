"""What a person can do, who says so, and until when."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from config.history import kept
from workforce.models.people import Reviewer


class SkillSource(models.TextChoices):
    """On what a skill stands."""

    STATED = "stated", _("Ops say so")
    TRAINED = "trained", _("A training")
    TESTED = "tested", _("A test")
    MEASURED = "measured", _("Measured at work")


@kept("reviewer", "name", "source", "value", "expires_at", "cancelled_at")
class Skill(models.Model):
    """One skill of one person from one source. While any row of a name is in force, the person has the skill.

    ``Reviewer.skills``, which the claim reads, always equals the skills in force: a trigger keeps it at each change
    here, a sweep when time alone ends one, and another trigger refuses whoever else writes it.
    """

    reviewer = models.ForeignKey(Reviewer, on_delete=models.PROTECT, related_name="skill_rows")
    name = models.SlugField(max_length=32, help_text=_("As projects ask for it, such as hindi or glass."))
    source = models.CharField(max_length=16, choices=SkillSource.choices, default=SkillSource.STATED)
    value = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MaxValueValidator(100)], help_text=_("How well, of 100. Blank: not graded.")
    )
    expires_at = models.DateTimeField(null=True, blank=True, help_text=_("UTC. Blank: it does not expire."))
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    cancelled_at = models.DateTimeField(null=True, blank=True, editable=False, help_text=_("When it was taken away."))

    class Meta:
        ordering = ["reviewer", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["reviewer", "name", "source"],
                condition=Q(cancelled_at=None),
                name="skill_once_from_one_source",
                violation_error_message="The person has this skill from this source. Change that row instead.",
            ),
            models.CheckConstraint(condition=Q(source__in=SkillSource.values), name="skill_source_known"),
            models.CheckConstraint(condition=Q(value__isnull=True) | Q(value__lte=100), name="skill_value_of_100"),
        ]
        indexes = [
            models.Index(fields=["expires_at"], name="skill_by_expiry", condition=Q(cancelled_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.reviewer}"
