"""What owners agreed to and took back, event by event, and what follows from it now."""

from __future__ import annotations

from datetime import UTC, datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from clips.models.clips import OWNER_KEY, Clip
from clips.models.disclosures import Disclosure


class Purpose(models.TextChoices):
    """What an owner may agree to, each on its own."""

    TROUBLESHOOTING = "troubleshooting", _("Troubleshooting")
    HUMAN_REVIEW = "human_review", _("Human review")
    MODEL_TRAINING = "model_training", _("Model training")


# Those under which people look. Training alone is done by machines.
LOOKING = (Purpose.HUMAN_REVIEW, Purpose.TROUBLESHOOTING)


class Channel(models.TextChoices):
    """Where the owner agreed, or took it back."""

    APP = "app", _("In the app")
    WEB = "web", _("On the web")
    PAPER = "paper", _("On paper")
    DESK = "desk", _("Through our staff")


class EventKind(models.TextChoices):
    GIVEN = "given", _("Given")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class ConsentEvent(models.Model):
    """An owner agreed, or took it back: to what, under which text, when, where, and who told us.

    Rows are only ever added; the database refuses the rest. Without a clip an event speaks of all the owner's clips,
    those to come too; a given one, of those in its disclosure's region. What stands follows from the events alone:

    A purpose that was given stands for a clip unless a withdrawal of that purpose, for that clip or for all of the
    owner's, was made at the same time or later, or came to us later; and until it expires.
    """

    kind = models.CharField(max_length=16, choices=EventKind.choices)
    owner_key = models.CharField(max_length=64, validators=[OWNER_KEY])
    # What an owner said stays when an upload that never became whole is forgotten.
    clip = models.ForeignKey(
        Clip,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        blank=True,
        related_name="consent_events",
        help_text=_("Empty: all clips of the owner, those to come too."),
    )
    purposes = ArrayField(models.CharField(max_length=32, choices=Purpose.choices))
    disclosure = models.ForeignKey(
        Disclosure, on_delete=models.PROTECT, null=True, blank=True, related_name="consent_events"
    )
    disclosure_sha256 = models.CharField(
        max_length=64, blank=True, db_default="", editable=False, help_text=_("Of the text that was shown.")
    )
    channel = models.CharField(max_length=16, choices=Channel.choices)
    at = models.DateTimeField(help_text=_("When the owner acted."))
    expires_at = models.DateTimeField(null=True, blank=True, help_text=_("From then on it no longer stands."))
    withdraws = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="withdrawals",
        help_text=_(
            "The event that was named when it was taken back; what ends is all that stood for its clip or owner."
        ),
    )
    reason = models.CharField(max_length=300, blank=True, db_default="", help_text=_("As the owner or staff put it."))
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", help_text=_("Who told us.")
    )
    recorded_at = models.DateTimeField(db_default=Now())
    key = models.CharField(
        max_length=255, blank=True, db_default="", help_text=_("The sender's Idempotency-Key: a repeat is this event.")
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=EventKind.values), name="consent_event_kind_known"),
            models.CheckConstraint(condition=Q(purposes__len__gte=1), name="consent_event_names_a_purpose"),
            models.CheckConstraint(
                condition=Q(purposes__contained_by=Purpose.values), name="consent_event_purposes_known"
            ),
            models.CheckConstraint(
                condition=Q(kind=EventKind.GIVEN, disclosure__isnull=False, withdraws=None)
                | Q(kind=EventKind.WITHDRAWN, disclosure=None, expires_at=None),
                name="consent_event_is_one_kind",
            ),
            models.CheckConstraint(
                condition=Q(expires_at=None) | Q(expires_at__gt=F("at")), name="consent_event_expires_later"
            ),
            models.UniqueConstraint(fields=["actor", "key"], condition=~Q(key=""), name="consent_event_once_per_key"),
        ]
        indexes = [
            models.Index(fields=["owner_key", "id"], name="consent_event_by_owner"),
            models.Index(fields=["recorded_at"], name="consent_event_by_time"),
        ]
        permissions = [("view_owner", "Can see everything that is held of an owner")]

    def __str__(self) -> str:
        of = f"clip {self.clip_id}" if self.clip_id else "all of the owner's clips"
        return f"consent {self.pk} {self.kind} for {of}"


# What does not expire ends then; PostgreSQL's own infinity is no time that Python knows.
FOREVER = datetime(9999, 1, 1, tzinfo=UTC)


class Permit(models.Model):
    """That a clip may be used for a purpose now, and by which event: what every gate asks.

    Written by the database alone, in the transaction that writes the event or the clip (``sightline_permit``, in
    ``clips/sql/permits.sql``). It holds while ``until`` is ahead, judged when it is asked.
    """

    clip = models.ForeignKey(Clip, on_delete=models.CASCADE, related_name="permits", db_index=False)
    purpose = models.CharField(max_length=32, choices=Purpose.choices)
    event = models.ForeignKey(ConsentEvent, on_delete=models.PROTECT, related_name="permits")
    until = models.DateTimeField()

    class Meta:
        constraints = [
            # One look at the index answers a gate.
            models.UniqueConstraint(fields=["clip", "purpose"], include=["until"], name="permit_once_per_purpose"),
        ]
        indexes = [models.Index(fields=["until"], name="permit_ends", condition=Q(until__lt=FOREVER))]

    def __str__(self) -> str:
        return f"clip {self.clip_id} for {self.purpose}"


class Closing(models.Model):
    """A clip whose owner withdrew and whose leases and tasks are still to be ended: a row that waits for a sweep.

    Every gate is shut when this is written; this is what is left to tidy. Written by the database with the event.
    """

    clip = models.OneToOneField(Clip, on_delete=models.CASCADE, related_name="closing")
    event = models.ForeignKey(ConsentEvent, on_delete=models.PROTECT, related_name="closings")
    due_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="closing_due")]

    def __str__(self) -> str:
        return f"closing of clip {self.clip_id}"
