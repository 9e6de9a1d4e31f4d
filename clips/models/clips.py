"""Clips: where each stands on its way in, and why it was given to us."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from config.history import kept
from config.speech import SPOKEN
from config.states import Moves, waits_with_due_time

OWNER_KEY = RegexValidator(
    r"\A[A-Za-z0-9_-]{8,64}\Z",
    "An owner is a pseudonymous key of 8 to 64 letters, digits, - and _; never a name or an address.",
)


class ClipState(models.TextChoices):
    """Where a clip is on its way in. The picture with every arrow is in the README."""

    RECEIVING = "receiving", _("Receiving")
    UPLOADED = "uploaded", _("Uploaded")
    PREPARING = "preparing", _("Preparing")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")
    QUARANTINED = "quarantined", _("Quarantined")
    WITHHELD = "withheld", _("Withheld")
    PURGED = "purged", _("Purged")


CLIP_MOVES: Moves = {
    ClipState.RECEIVING: frozenset({ClipState.UPLOADED}),
    # To failed: ops cancelled it.
    ClipState.UPLOADED: frozenset({ClipState.PREPARING, ClipState.FAILED, ClipState.WITHHELD}),
    # Back to uploaded: the worker died or gave the clip back, and attempts are left.
    ClipState.PREPARING: frozenset({ClipState.READY, ClipState.UPLOADED, ClipState.FAILED, ClipState.WITHHELD}),
    # To quarantined: somebody flagged it. To uploaded: it is prepared again.
    ClipState.READY: frozenset({ClipState.QUARANTINED, ClipState.UPLOADED, ClipState.WITHHELD}),
    # Ops asked for one more round of attempts.
    ClipState.FAILED: frozenset({ClipState.UPLOADED, ClipState.WITHHELD}),
    # Its case was decided: it is shown again, prepared again, or never shown again.
    ClipState.QUARANTINED: frozenset({ClipState.READY, ClipState.UPLOADED, ClipState.WITHHELD}),
    # Nothing is left of it but this row; see clips/purging.py.
    ClipState.WITHHELD: frozenset({ClipState.PURGED}),
    ClipState.PURGED: frozenset(),
}


class ClipKind(models.TextChoices):
    VIDEO = "video", _("Video")
    VOICE = "voice", _("Voice")


class Source(models.TextChoices):
    """Why this clip was given to us."""

    OWNER_TROUBLESHOOTING = "owner_troubleshooting", _("Owner's troubleshooting")
    EMPLOYEE_TESTER = "employee_tester", _("Employee tester")


# What people decide about a clip; its way through preparation is progress and not history.
@kept(
    "state",
    "is_sensitive",
    "same_as",
    when="OLD.is_sensitive <> NEW.is_sensitive OR OLD.same_as_id IS DISTINCT FROM NEW.same_as_id"
    " OR OLD.state <> NEW.state"
    " AND (OLD.state IN ('quarantined', 'withheld', 'failed') OR NEW.state IN ('quarantined', 'withheld')"
    " OR NEW.state = 'failed' AND NEW.failure LIKE 'Cancelled: %%')",
)
class Clip(models.Model):
    """One piece of footage. Its bytes live in its region's storage and are never served; renditions are."""

    region = models.CharField(
        max_length=16, help_text=_("Where the footage lives; it never leaves this region's storage.")
    )
    kind = models.CharField(max_length=8, choices=ClipKind.choices, default=ClipKind.VIDEO)
    source = models.CharField(max_length=32, choices=Source.choices)
    language = models.CharField(
        max_length=8,
        blank=True,
        default="",
        db_default="",
        validators=[SPOKEN],
        help_text=_(
            "What is spoken in it. Two or three small letters (ISO 639), as in hi. Blank: nothing, or it is not known; "
            "then anybody may be handed it."
        ),
    )
    is_sensitive = models.BooleanField(
        default=False, help_text=_("Only people who are cleared for it may be shown it.")
    )
    owner_key = models.CharField(max_length=64, validators=[OWNER_KEY])
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    state = models.CharField(max_length=16, choices=ClipState.choices, default=ClipState.RECEIVING)
    state_since = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When a sweep looks at this clip if nothing moves it.")
    )
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text=_("How often preparation has begun. Only ever grows: the number fences late workers.")
    )
    attempts_allowed = models.PositiveSmallIntegerField(
        default=3, help_text=_("After this many beginnings the clip fails; a retry raises it.")
    )
    percent = models.PositiveSmallIntegerField(default=0, help_text=_("Progress of the attempt that runs."))
    failure = models.TextField(blank=True, help_text=_("Why preparation failed, for a person to act on."))

    upload_key = models.CharField(
        max_length=255, blank=True, db_default="", help_text=_("The sender's Idempotency-Key: a repeat is this clip.")
    )
    same_as = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="copies",
        help_text=_("The clip that is labelled in this one's stead."),
    )
    original_key = models.CharField(max_length=200, unique=True)
    sha256 = models.CharField(max_length=64, db_index=True)
    size_bytes = models.PositiveBigIntegerField()
    duration_ms = models.PositiveIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    facts = models.JSONField(
        default=dict, help_text=_("What the probe found: container, codecs, frame rate, rotation.")
    )
    sound = models.JSONField(
        default=dict, db_default={}, blank=True, help_text=_("What is heard: loudness in LUFS, true peak, silences.")
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=waits_with_due_time(ClipState.READY, ClipState.FAILED, ClipState.WITHHELD, ClipState.PURGED),
                name="clip_waits_with_due_time",
            ),
            models.CheckConstraint(condition=Q(state__in=ClipState.values), name="clip_state_known"),
            models.CheckConstraint(condition=Q(percent__lte=100), name="clip_percent_within_100"),
            models.CheckConstraint(
                condition=~Q(state=ClipState.FAILED) | ~Q(failure=""), name="clip_failed_has_reason"
            ),
            models.UniqueConstraint(
                fields=["uploaded_by", "upload_key"], condition=~Q(upload_key=""), name="clip_once_per_upload_key"
            ),
            # A withheld clip is over: the same bytes with a new consent are a new clip. No digest: still on its way.
            models.UniqueConstraint(
                fields=["owner_key", "sha256", "region"],
                condition=~Q(state=ClipState.WITHHELD) & ~Q(sha256="") & Q(same_as=None),
                name="clip_once_per_owner_and_bytes",
            ),
            models.CheckConstraint(condition=~Q(same_as=F("id")), name="clip_not_same_as_itself"),
            # A tombstone names nobody and describes nothing.
            models.CheckConstraint(
                condition=~Q(state=ClipState.PURGED)
                | Q(owner_key="", upload_key="", sha256="", failure="", facts={}, sound={}, language="", same_as=None),
                name="clip_purged_says_nothing",
            ),
            models.CheckConstraint(condition=Q(language="") | Q(language__regex=r"^[a-z]{2,3}$"), name="clip_language"),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="clip_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["state", "region", "id"], name="clip_by_state"),
            models.Index(fields=["region", "created_at"], name="clip_by_arrival"),
            models.Index(fields=["owner_key"], name="clip_by_owner"),
            # Which languages there are is read off it, one look-up for each.
            models.Index(fields=["region", "language", "id"], name="clip_by_language", condition=Q(language__gt="")),
            # What became ready since somebody looked.
            models.Index(fields=["state_since"], name="clip_ready_since", condition=Q(state="ready")),
        ]
        permissions = [("watch_clip", "Can watch ordinary clips in the admin; each time is recorded")]

    def __str__(self) -> str:
        return f"clip {self.pk}"

    @property
    def storage_alias(self) -> str:
        return f"clips-{self.region}"

    @property
    def folder(self) -> str:
        """Where all that is stored of this clip lies; nothing else lies there."""
        return self.original_key.rpartition("/")[0]

    @property
    def queue(self) -> str:
        return queue_of(self.region)


def queue_of(region: str) -> str:
    """The Celery queue that only this region's workers consume."""
    return f"clips.{region}"
