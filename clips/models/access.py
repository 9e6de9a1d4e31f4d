"""The access log: who asked for which footage, when, from where, under what, and what they were answered.

Entries are only ever added, by the function ``sightline_access`` (``clips/access.py``); triggers refuse all else. Each
stream is numbered without a gap, and each entry's hash covers the one before it. Nothing is enforced about the rows it
names: a log tells what was asked, also of what is not there.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from clips.models.clips import Clip

GRANTED = "granted"
STRANGERS = "strangers"


class Under(models.TextChoices):
    """What gives sight of a clip for a time; or labels, of many clips at once."""

    LEASE = "lease", _("Lease")
    VIEWING = "viewing", _("Viewing")
    LEGAL = "legal", _("Legal request")
    EXPORT = "export", _("Export")


class Credentials(models.TextChoices):
    """How whoever asked showed who they are."""

    LINK = "link", _("A link alone")
    TOKEN = "token", _("A token")
    SESSION = "session", _("A session")
    NONE = "none", _("Nothing")


class AccessStream(models.Model):
    """One chain of entries: a person's, or that of all strangers. Its row is what writers to it lock."""

    name = models.CharField(max_length=40, primary_key=True)
    noted_number = models.BigIntegerField(
        default=0,
        db_default=0,
        help_text=_("A number that the stream has reached; noted now and then, for each note leaves a version behind."),
    )

    class Meta:
        ordering = ["name"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.name


class AccessEntry(models.Model):
    """One time that somebody asked for footage, and was shown it or refused."""

    stream = models.CharField(max_length=40, help_text=_("The chain it belongs to: a person's own, or strangers'."))
    number = models.BigIntegerField(help_text=_("Its place in the chain, without a gap."))
    at = models.DateTimeField(help_text=_("By PostgreSQL's clock."))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Who asked; of a link, whose it is."),
    )
    credentials = models.CharField(max_length=8, choices=Credentials.choices)
    clip = models.ForeignKey(
        Clip,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        blank=True,
        related_name="+",
    )
    rendition = models.CharField(max_length=16, blank=True)
    under = models.CharField(max_length=8, choices=Under.choices, blank=True)
    under_id = models.BigIntegerField(null=True, blank=True, verbose_name="number of that")
    purpose = models.CharField(max_length=40, blank=True)
    country = models.CharField(max_length=2, blank=True, help_text=_("Where the person sat then."))
    address = models.CharField(max_length=45, blank=True, help_text=_("As seen past the proxies that are ours."))
    asked = models.CharField(max_length=120, blank=True, help_text=_("Method and range."))
    outcome = models.CharField(max_length=40, help_text=_("granted, or the code of the refusal."))
    hash = models.BinaryField(
        max_length=32, help_text=_("SHA-256 over the hash before it and this entry's canonical JSON.")
    )

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "access entries"
        default_permissions = ("view",)
        permissions = [("report_sights", "Can tell an owner who saw their clips")]
        constraints = [
            models.UniqueConstraint(fields=["stream", "number"], name="access_numbered_once"),
            models.CheckConstraint(condition=models.Q(number__gte=1), name="access_numbered_from_one"),
        ]
        indexes = [
            models.Index(fields=["clip", "id"], name="access_by_clip"),
            # Few are: who took which labels.
            models.Index(fields=["under_id"], name="access_by_export", condition=models.Q(under=Under.EXPORT)),
            # Entries come in the order of their time, so a summary of each range of pages finds a day.
            BrinIndex(fields=["at"], name="access_by_time", autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"{self.stream} {self.number}"
