"""What owners are told before they agree: texts that never change once published."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Point(models.TextChoices):
    """What a disclosure must say, each point by a passage of its text."""

    PEOPLE = "people", _("That people look at the clips")
    COUNTRIES = "countries", _("In which countries they sit")
    WHY = "why", _("Why they look")
    HOW_LONG = "how_long", _("How long clips are kept")
    HOW_TO_STOP = "how_to_stop", _("How to stop it")


class Disclosure(models.Model):
    """The text an owner was shown, kept byte for byte. A new wording is a new version; nothing of one ever changes.

    The database itself refuses updates and deletes, a digest that is not the text's, and a point of the checklist
    whose passage is not in the text.
    """

    version = models.SlugField(max_length=64, unique=True, help_text=_("Such as in-en-2026-11; used once."))
    region = models.CharField(max_length=16)
    language = models.CharField(max_length=16, help_text=_("BCP 47, such as en-IN."))
    text = models.TextField()
    sha256 = models.CharField(max_length=64, editable=False, help_text=_("Of the text's UTF-8 bytes."))
    checklist = models.JSONField(
        default=dict, db_default={}, help_text=_("For each point that it must make, the passage that makes it.")
    )
    published_at = models.DateTimeField(db_default=Now())
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["region", "language", "-published_at", "version"]

    def __str__(self) -> str:
        return self.version
