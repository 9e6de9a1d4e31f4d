"""The footage: clips, what was made of them, and the consent under which anybody may look."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from config.history import kept
from config.states import Moves, waits_with_due_time

OWNER_KEY = RegexValidator(
    r"\A[A-Za-z0-9_-]{8,64}\Z",
    "An owner is a pseudonymous key of 8 to 64 letters, digits, - and _; never a name or an address.",
)


class ClipState(models.TextChoices):
    """Where a clip is on its way in. The picture with every arrow is in the README."""

    RECEIVING = "receiving", "Receiving"
    UPLOADED = "uploaded", "Uploaded"
    PREPARING = "preparing", "Preparing"
    READY = "ready", "Ready"
    FAILED = "failed", "Failed"
    QUARANTINED = "quarantined", "Quarantined"
    WITHHELD = "withheld", "Withheld"


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
    ClipState.WITHHELD: frozenset(),
}


class ClipKind(models.TextChoices):
    VIDEO = "video", "Video"
    VOICE = "voice", "Voice"


class Source(models.TextChoices):
    """Why this clip was given to us."""

    OWNER_TROUBLESHOOTING = "owner_troubleshooting", "Owner's troubleshooting"
    EMPLOYEE_TESTER = "employee_tester", "Employee tester"


class Purpose(models.TextChoices):
    """What an owner may agree to, each on its own."""

    TROUBLESHOOTING = "troubleshooting", "Troubleshooting"
    HUMAN_REVIEW = "human_review", "Human review"
    MODEL_TRAINING = "model_training", "Model training"


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
        max_length=16, help_text="Where the footage lives; it never leaves this region's storage."
    )
    kind = models.CharField(max_length=8, choices=ClipKind.choices, default=ClipKind.VIDEO)
    source = models.CharField(max_length=32, choices=Source.choices)
    is_sensitive = models.BooleanField(default=False, help_text="Only people who are cleared for it may be shown it.")
    owner_key = models.CharField(max_length=64, validators=[OWNER_KEY])
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    state = models.CharField(max_length=16, choices=ClipState.choices, default=ClipState.RECEIVING)
    state_since = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(
        null=True, blank=True, help_text="When a sweep looks at this clip if nothing moves it."
    )
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text="How often preparation has begun. Only ever grows: the number fences late workers."
    )
    attempts_allowed = models.PositiveSmallIntegerField(
        default=3, help_text="After this many beginnings the clip fails; a retry raises it."
    )
    percent = models.PositiveSmallIntegerField(default=0, help_text="Progress of the attempt that runs.")
    failure = models.TextField(blank=True, help_text="Why preparation failed, for a person to act on.")

    upload_key = models.CharField(
        max_length=255, blank=True, db_default="", help_text="The sender's Idempotency-Key: a repeat is this clip."
    )
    same_as = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="copies",
        help_text="The clip that is labelled in this one's stead.",
    )
    original_key = models.CharField(max_length=200, unique=True)
    sha256 = models.CharField(max_length=64, db_index=True)
    size_bytes = models.PositiveBigIntegerField()
    duration_ms = models.PositiveIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    facts = models.JSONField(default=dict, help_text="What the probe found: container, codecs, frame rate, rotation.")
    sound = models.JSONField(
        default=dict, db_default={}, blank=True, help_text="What is heard: loudness in LUFS, true peak, silences."
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=waits_with_due_time(ClipState.READY, ClipState.FAILED, ClipState.WITHHELD),
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
        ]
        indexes = [
            models.Index(fields=["due_at"], name="clip_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["state", "region", "id"], name="clip_by_state"),
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


class RenditionKind(models.TextChoices):
    PROXY = "proxy", "Proxy"
    POSTER = "poster", "Poster"
    SPRITE = "sprite", "Sprite"
    SPRITE_INDEX = "sprite_index", "Sprite index"
    PEAKS = "peaks", "Peaks"
    FRAME_MAP = "frame_map", "Frame map"


class Rendition(models.Model):
    """A derived file that may be served: stripped of metadata, of a type that we chose."""

    clip = models.ForeignKey(Clip, on_delete=models.PROTECT, related_name="renditions")
    kind = models.CharField(max_length=16, choices=RenditionKind.choices)
    attempt = models.PositiveSmallIntegerField(help_text="The attempt that made it.")
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


class DeviceEvent(models.Model):
    """What the camera or the voice assistant said when it recorded the clip."""

    clip = models.OneToOneField(Clip, on_delete=models.PROTECT, related_name="event")
    device_model = models.CharField(max_length=80, blank=True)
    detector_version = models.CharField(max_length=40, blank=True)
    happened_at = models.DateTimeField(null=True, blank=True)
    said = ArrayField(
        models.SlugField(max_length=40), default=list, help_text="What it detected, such as person or glass-break."
    )
    detections = models.JSONField(default=list, help_text="said, score (0 to 1) and zone of each detection.")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return ", ".join(self.said) or "nothing"


class Print(models.Model):
    """What a clip looks and sounds like, coarsely, so that copies of it are found."""

    clip = models.OneToOneField(Clip, on_delete=models.PROTECT, related_name="print")
    picture = models.BinaryField(default=bytes, help_text="Hashes of pictures; empty without pictures.")
    sound = models.BinaryField(default=bytes, help_text="Fingerprint of the sound; empty without sound.")
    words = ArrayField(
        models.BigIntegerField(), default=list, help_text="The telling parts of both: a copy shares some of them."
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

    WAITING = "waiting", "Not looked at"
    SAME = "same", "The same; only one is labelled"
    DIFFERENT = "different", "Different"


class Likeness(models.Model):
    """Two clips that look or sound almost alike. Nothing is dropped: ops decide."""

    clip = models.ForeignKey(Clip, on_delete=models.PROTECT, related_name="likenesses", help_text="The later one.")
    other = models.ForeignKey(Clip, on_delete=models.PROTECT, related_name="+", help_text="The earlier one.")
    distance = models.FloatField(help_text="0 is the same; how far is near stands in clips/media/nearness.py.")
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


class Disclosure(models.Model):
    """The text an owner was shown, kept word for word. A new wording is a new version."""

    version = models.SlugField(max_length=64, unique=True)
    region = models.CharField(max_length=16)
    language = models.CharField(max_length=16, help_text="BCP 47, such as en-IN.")
    text = models.TextField()
    sha256 = models.CharField(max_length=64, editable=False, help_text="Of the text's UTF-8 bytes.")
    published_at = models.DateTimeField(db_default=Now())
    published_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["region", "version"]

    def __str__(self) -> str:
        return self.version


class Channel(models.TextChoices):
    """Where the owner agreed."""

    APP = "app", "In the app"
    WEB = "web", "On the web"
    PAPER = "paper", "On paper"


class Consent(models.Model):
    """An owner's agreement for one clip: to what, under which text, when and where."""

    clip = models.ForeignKey(Clip, on_delete=models.PROTECT, related_name="consents")
    owner_key = models.CharField(max_length=64, validators=[OWNER_KEY])
    disclosure = models.ForeignKey(Disclosure, on_delete=models.PROTECT, related_name="consents")
    purposes = ArrayField(models.CharField(max_length=32, choices=Purpose.choices))
    channel = models.CharField(max_length=16, choices=Channel.choices)
    given_at = models.DateTimeField(help_text="When the owner agreed.")
    recorded_at = models.DateTimeField(db_default=Now())
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True, help_text="From then on nobody may look.")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(purposes__len__gte=1), name="consent_names_a_purpose"),
        ]

    def __str__(self) -> str:
        return f"consent {self.pk} for clip {self.clip_id}"


class CaseKind(models.TextChoices):
    """What somebody who looked at a clip says is wrong with it."""

    SENSITIVE = "sensitive", "Sensitive"
    BROKEN = "broken", "Broken media"
    EMERGENCY = "emergency", "Emergency"


class CaseState(models.TextChoices):
    OPEN = "open", "Open"
    DECIDED = "decided", "Decided"


CASE_MOVES: Moves = {CaseState.OPEN: frozenset({CaseState.DECIDED}), CaseState.DECIDED: frozenset()}


class Decision(models.TextChoices):
    """How a case ends."""

    SHOW = "show", "Show it again as it is"
    SHOW_TO_CLEARED = "show_to_cleared", "Show it only to people cleared for sensitive footage"
    PREPARE_AGAIN = "prepare_again", "Prepare it again from the original"
    WITHHOLD = "withhold", "Never show it again"
    HANDLED = "handled", "Handled; the clip stays as it is"


class Case(models.Model):
    """Something about a clip that a member of staff must decide, in time."""

    clip = models.ForeignKey(Clip, on_delete=models.PROTECT, related_name="cases")
    kind = models.CharField(max_length=16, choices=CaseKind.choices)
    state = models.CharField(max_length=16, choices=CaseState.choices, default=CaseState.OPEN)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True, help_text="When it should have been decided.")
    decision = models.CharField(max_length=16, choices=Decision.choices, blank=True)
    reason = models.CharField(max_length=300, blank=True, help_text="Why it was decided so.")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["due_at", "-id"]
        permissions = [("decide_sensitive", "Can decide cases of sensitive footage")]
        constraints = [
            models.UniqueConstraint(fields=["clip", "kind"], condition=Q(state="open"), name="case_open_once"),
            models.CheckConstraint(condition=waits_with_due_time(CaseState.DECIDED), name="case_waits_with_due_time"),
            models.CheckConstraint(condition=Q(state__in=CaseState.values), name="case_state_known"),
            models.CheckConstraint(
                condition=Q(state=CaseState.OPEN)
                | (~Q(decision="") & ~Q(reason="") & Q(decided_by__isnull=False, decided_at__isnull=False)),
                name="case_decided_by_somebody_with_reason",
            ),
        ]
        indexes = [models.Index(fields=["due_at"], name="case_due", condition=Q(due_at__isnull=False))]

    def __str__(self) -> str:
        return f"{self.get_kind_display().lower()} case {self.pk} of clip {self.clip_id}"


class Sight(models.Model):
    """One time that footage was served to a member of staff: what, to whom, why."""

    clip = models.ForeignKey(Clip, on_delete=models.PROTECT, related_name="sights")
    rendition_kind = models.CharField(max_length=16, choices=RenditionKind.choices)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    place = models.CharField(max_length=40, help_text="The page that showed it.")
    seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["clip", "id"], name="sight_by_clip")]

    def __str__(self) -> str:
        return f"{self.rendition_kind} of clip {self.clip_id}"
