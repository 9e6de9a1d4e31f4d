"""The work: projects ask, tasks wait, leases hold, annotations answer, exports carry away."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from annotations.labels import check_schema
from clips.models import Case, CaseKind, Clip, ClipKind
from config.history import kept
from config.states import Moves, waits_with_due_time
from workforce.models import QuotaDay, Reviewer, Team


@kept(
    "name",
    "label_schema",
    "schema_version",
    "overlap",
    "most_seats",
    "skills",
    "priority",
    "prefetch",
    "lease_seconds",
    "lease_most_seconds",
    "grace_seconds",
    "amend_minutes",
    "due_hours",
    "is_active",
)
class Project(models.Model):
    """A label schema and how its tasks are routed and settled."""

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=120)
    teams = models.ManyToManyField(
        Team, related_name="projects", blank=True, help_text="Teams that work on it, each on clips of its own region."
    )
    clip_kind = models.CharField(
        max_length=8,
        choices=ClipKind.choices,
        default=ClipKind.VIDEO,
        db_default=ClipKind.VIDEO,
        help_text="What its question is about: clips of this kind become its tasks.",
    )
    label_schema = models.JSONField(validators=[check_schema])
    schema_version = models.PositiveIntegerField(
        default=1, editable=False, help_text="Raised by itself when the label schema changes."
    )
    overlap = models.PositiveSmallIntegerField(
        default=2,
        validators=[MinValueValidator(1), MaxValueValidator(9)],
        help_text="Independent answers each task needs.",
    )
    most_seats = models.PositiveSmallIntegerField(
        default=5,
        validators=[MinValueValidator(1), MaxValueValidator(15)],
        help_text="On a tie one more answer is asked for, up to this many in all; then the task is disputed.",
    )
    skills = ArrayField(
        models.SlugField(max_length=32),
        default=list,
        blank=True,
        help_text="What a reviewer must have to be handed its tasks; comma-separated.",
    )
    priority = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(240)],
        help_text="Hours by which its tasks go before others that are due at the same time.",
    )
    prefetch = models.PositiveSmallIntegerField(
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(20)],
        help_text="Live leases of this project that one reviewer may hold at a time.",
    )
    lease_seconds = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(30), MaxValueValidator(3600)],
        help_text="How long a lease lasts. Blank: three times the clip and two minutes, five minutes at least.",
    )
    lease_most_seconds = models.PositiveIntegerField(
        default=3600,
        validators=[MinValueValidator(60), MaxValueValidator(6 * 3600)],
        help_text="However often it is renewed, a lease ends this long after it was granted.",
    )
    grace_seconds = models.PositiveIntegerField(
        default=120,
        validators=[MaxValueValidator(3600)],
        help_text="An answer this late is still taken if its seat is free; a later one is kept but never counted.",
    )
    amend_minutes = models.PositiveSmallIntegerField(
        default=15,
        validators=[MaxValueValidator(24 * 60)],
        help_text="How long after submitting an author may amend an answer. 0: not at all.",
    )
    due_hours = models.PositiveSmallIntegerField(
        default=24,
        validators=[MinValueValidator(1), MaxValueValidator(24 * 60)],
        help_text="A task is due this long after it was made; the earliest due is handed out first.",
    )
    is_active = models.BooleanField(default=True, help_text="Off: no new tasks are made and none is handed out.")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=Q(overlap__gte=1, most_seats__gte=F("overlap")), name="project_seats_make_sense"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        before = Project.objects.filter(pk=self.pk).first()
        if before and before.label_schema != self.label_schema and before.tasks.exists():
            raise ValidationError(
                {"label_schema": "Its tasks' answers belong to this schema. Ask something new in a new project."}
            )
        if self.overlap and self.most_seats and self.most_seats < self.overlap:
            raise ValidationError({"most_seats": "This cannot be less than the overlap."})


class Lane(models.Model):
    """One queue: the tasks of a team that ask the same of a reviewer, in the order of their ranks.

    What a reviewer may be handed is decided per lane and not per task, so tasks they may not have cost them nothing.
    A claim begins at ``head_rank``: no task before it has a free seat. How that is kept true stands in
    docs/decisions.md, "The queue".
    """

    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="lanes")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="lanes")
    region = models.CharField(max_length=16, help_text="Where the clips live.")
    skills = ArrayField(models.SlugField(max_length=32), default=list, blank=True)
    clearance = models.PositiveSmallIntegerField(default=0)

    head_rank = models.BigIntegerField(default=0)
    tail_rank = models.BigIntegerField(default=0, help_text="The last rank that was put in.")
    express_head = models.BigIntegerField(default=1)
    express_next = models.BigIntegerField(default=1, help_text="The number of the next seat that comes back.")
    version = models.BigIntegerField(default=0, help_text="Raised when a task enters before the tail.")
    head_at = models.DateTimeField(db_default=Now(), help_text="When the head was last moved.")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["team", "project", "region", "skills", "clearance"], name="lane_once_per_demand"
            ),
        ]

    def __str__(self) -> str:
        return f"lane {self.pk}"


class Bookmark(models.Model):
    """Where one reviewer left off in a lane: before it there is nothing that they may still be handed."""

    # The unique index is the only way to them: no plan can take another while the table is small.
    reviewer = models.ForeignKey(Reviewer, on_delete=models.CASCADE, related_name="+", db_index=False)
    lane = models.ForeignKey(Lane, on_delete=models.CASCADE, related_name="+", db_index=False)
    version = models.BigIntegerField()
    rank = models.BigIntegerField()
    express = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reviewer", "lane"], name="bookmark_once")]

    def __str__(self) -> str:
        return f"bookmark of {self.reviewer_id} in {self.lane_id}"


class TaskState(models.TextChoices):
    """Where a task is on its way to a label. The picture with every arrow is in the README."""

    OPEN = "open", "Open"
    FULL = "full", "Full"
    SETTLED = "settled", "Settled"
    DISPUTED = "disputed", "Disputed"
    STOPPED = "stopped", "Stopped"


TASK_MOVES: Moves = {
    # To stopped: its clip may not be shown.
    TaskState.OPEN: frozenset({TaskState.FULL, TaskState.STOPPED}),
    # Back to open: a tie, and one more seat.
    TaskState.FULL: frozenset({TaskState.SETTLED, TaskState.OPEN, TaskState.DISPUTED}),
    # Back to full: an author amended an answer, so it is weighed again. To open: ops asked for one more answer.
    TaskState.SETTLED: frozenset({TaskState.FULL, TaskState.OPEN}),
    # To open: ops asked for one more answer.
    TaskState.DISPUTED: frozenset({TaskState.OPEN, TaskState.FULL}),
    # Its clip may be shown again.
    TaskState.STOPPED: frozenset({TaskState.OPEN}),
}


@kept(
    "state",
    "team",
    "overlap",
    "answers",
    "label",
    when="OLD.team_id <> NEW.team_id OR OLD.state <> NEW.state"
    " AND (NEW.state = 'stopped' OR OLD.state IN ('stopped', 'disputed', 'settled') AND NEW.state = 'open')",
)
class Task(models.Model):
    """One clip to be labelled in one project. A seat is one of the answers it needs.

    ``overlap`` seats in all, of which ``seats_left`` are free and ``answers`` are answered; the rest are held.
    """

    # No index of their own where another begins with the column: each seat taken writes every index of this table.
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="tasks", db_index=False)
    clip = models.ForeignKey(Clip, on_delete=models.PROTECT, related_name="tasks", db_index=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="tasks", db_index=False)
    lane = models.ForeignKey(Lane, on_delete=models.PROTECT, related_name="tasks", db_index=False)
    rank = models.BigIntegerField(
        help_text="Its place in the lane: the virtual deadline, or its turn among returned seats."
    )
    state = models.CharField(max_length=16, choices=TaskState.choices, default=TaskState.OPEN)
    state_since = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(null=True, blank=True, help_text="The earliest due is handed out first.")
    looked_at = models.DateTimeField(null=True, blank=True, help_text="When the sweep last asked who may answer it.")
    overlap = models.PositiveSmallIntegerField()
    seats_left = models.PositiveSmallIntegerField()
    answers = models.PositiveSmallIntegerField(default=0)
    label = models.CharField(max_length=32, blank=True, help_text="What the answers agreed on.")
    votes = models.JSONField(default=dict, help_text="How many answers each label got when it was settled.")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["clip", "project"], name="task_once_per_clip"),
            models.CheckConstraint(
                condition=Q(overlap__gte=F("seats_left") + F("answers")), name="task_seats_within_overlap"
            ),
            models.CheckConstraint(
                condition=waits_with_due_time(TaskState.SETTLED, TaskState.DISPUTED), name="task_waits_with_due_time"
            ),
            models.CheckConstraint(condition=Q(state__in=TaskState.values), name="task_state_known"),
            models.CheckConstraint(condition=~Q(state=TaskState.SETTLED) | ~Q(label=""), name="task_settled_has_label"),
            models.CheckConstraint(
                condition=Q(state__in=[TaskState.OPEN, TaskState.STOPPED]) | Q(answers=F("overlap")),
                name="task_seats_answered_unless_open",
            ),
        ]
        indexes = [
            # The queue: what may be handed out, the earliest virtual deadline first.
            models.Index(fields=["lane", "rank", "id"], name="task_queue", condition=Q(state="open", seats_left__gt=0)),
            models.Index(fields=["team", "state"], name="task_by_team"),
            models.Index(fields=["due_at"], name="task_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["state_since"], name="task_full", condition=Q(state="full")),
            models.Index(fields=["id"], name="task_stopped", condition=Q(state="stopped")),
            models.Index(fields=["project", "state", "id"], name="task_by_state"),
        ]

    def __str__(self) -> str:
        return f"task {self.pk}"


class LeaseState(models.TextChoices):
    LIVE = "live", "Live"
    SUBMITTED = "submitted", "Submitted"
    RETURNED = "returned", "Given back"
    LAPSED = "lapsed", "Lapsed"
    SKIPPED = "skipped", "Skipped"
    FLAGGED = "flagged", "Flagged"
    RECALLED = "recalled", "Recalled"


LEASE_MOVES: Moves = {
    LeaseState.LIVE: frozenset(
        {
            LeaseState.SUBMITTED,
            LeaseState.RETURNED,
            LeaseState.LAPSED,
            LeaseState.SKIPPED,
            LeaseState.FLAGGED,
            LeaseState.RECALLED,
        }
    ),
    LeaseState.SUBMITTED: frozenset(),
    LeaseState.RETURNED: frozenset(),
    # A late answer, within the grace, while the seat is free.
    LeaseState.LAPSED: frozenset({LeaseState.SUBMITTED}),
    LeaseState.SKIPPED: frozenset(),
    LeaseState.FLAGGED: frozenset(),
    LeaseState.RECALLED: frozenset(),
}


class SkipReason(models.TextChoices):
    """Why a reviewer would rather not answer a task."""

    CANNOT_PLAY = "cannot_play", "It does not play"
    CANNOT_SEE = "cannot_see", "Too dark, too blurred or hidden"
    LANGUAGE = "language", "A language I do not speak"
    KNOWN_PERSON = "known_person", "I know somebody in it"
    DISTRESSING = "distressing", "It distresses me"
    OTHER = "other", "Something else"


class RecallReason(models.TextChoices):
    """Why a lease was ended from outside."""

    OPS = "ops", "Ops took it back"
    QUARANTINED = "quarantined", "Its clip was quarantined"
    WITHDRAWN = "withdrawn", "Its owner withdrew the consent"


@kept("task", "reviewer", "state", "recall_reason", when="NEW.state = 'recalled' AND OLD.state <> 'recalled'")
class Lease(models.Model):
    """A reviewer's time-limited hold on one seat. Nobody is ever given the same task twice."""

    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="leases", db_index=False)
    # A reviewer's live leases have an index; "did they hold this task" must never be answered from all they ever held.
    reviewer = models.ForeignKey(Reviewer, on_delete=models.PROTECT, related_name="leases", db_index=False)
    quota_day = models.ForeignKey(QuotaDay, on_delete=models.PROTECT, related_name="leases")
    token = models.UUIDField(default=uuid.uuid4, help_text="Shown to the holder only; a write must carry it.")
    state = models.CharField(max_length=16, choices=LeaseState.choices, default=LeaseState.LIVE)
    granted_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    skip_reason = models.CharField(max_length=16, choices=SkipReason.choices, blank=True)
    recall_reason = models.CharField(max_length=16, choices=RecallReason.choices, blank=True, db_default="")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state=LeaseState.SKIPPED, skip_reason__gt="")
                | Q(~Q(state=LeaseState.SKIPPED), skip_reason=""),
                name="lease_skipped_has_reason",
            ),
            models.CheckConstraint(
                condition=Q(state=LeaseState.RECALLED, recall_reason__gt="")
                | Q(~Q(state=LeaseState.RECALLED), recall_reason=""),
                name="lease_recalled_has_reason",
            ),
            models.UniqueConstraint(fields=["task", "reviewer"], name="lease_never_twice_for_one_reviewer"),
            models.CheckConstraint(
                condition=Q(state=LeaseState.LIVE) | Q(ended_at__isnull=False), name="lease_ended_has_time"
            ),
            models.CheckConstraint(condition=Q(state__in=LeaseState.values), name="lease_state_known"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("granted_at")), name="lease_expires_later"),
        ]
        indexes = [
            # Said in another way than the next one's, though it means the same: after a quiet night both look empty to
            # PostgreSQL, and it would read everybody's live leases to find one person's.
            models.Index(fields=["expires_at"], name="lease_live_by_expiry", condition=Q(ended_at=None)),
            models.Index(fields=["reviewer"], name="lease_live_by_reviewer", condition=Q(state="live")),
        ]

    def __str__(self) -> str:
        return f"lease {self.pk}"


class Flag(models.Model):
    """A reviewer's word that something is wrong with a clip they were shown. It costs them nothing."""

    lease = models.ForeignKey(Lease, on_delete=models.PROTECT, related_name="flags")
    kind = models.CharField(max_length=16, choices=CaseKind.choices)
    note = models.CharField(max_length=300, blank=True)
    flagged_at = models.DateTimeField()
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="flags")

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["lease", "kind"], name="flag_once_per_lease_and_kind")]

    def __str__(self) -> str:
        return f"{self.get_kind_display().lower()} flag {self.pk}"


class TakeKey(models.Model):
    """An Idempotency-Key under which work was taken: the same call with it gets the same leases."""

    reviewer = models.ForeignKey(Reviewer, on_delete=models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=255)
    count = models.PositiveSmallIntegerField()
    lease_ids = ArrayField(models.BigIntegerField())
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["reviewer", "key"], name="take_key_once")]
        indexes = [models.Index(fields=["created_at"], name="take_key_by_age")]

    def __str__(self) -> str:
        return f"key of {self.reviewer_id}"


class Annotation(models.Model):
    """What a reviewer submitted under a lease."""

    lease = models.OneToOneField(Lease, on_delete=models.PROTECT, related_name="annotation")
    task = models.ForeignKey(Task, on_delete=models.PROTECT, related_name="annotations", db_index=False)
    reviewer = models.ForeignKey(Reviewer, on_delete=models.PROTECT, related_name="annotations")
    schema_version = models.PositiveIntegerField()
    label = models.CharField(max_length=32)
    answer = models.JSONField()
    version = models.PositiveSmallIntegerField(default=1, db_default=1, help_text="Raised when its author amends it.")
    submitted_at = models.DateTimeField(help_text="When the first version was.")

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["task", "reviewer"], name="annotation_once_per_reviewer")]
        indexes = [models.Index(fields=["submitted_at"], name="annotation_by_time")]

    def __str__(self) -> str:
        return f"annotation {self.pk}"


class AmendedAnswer(models.Model):
    """An earlier version of an annotation that its author amended; every one is kept."""

    annotation = models.ForeignKey(Annotation, on_delete=models.PROTECT, related_name="earlier")
    version = models.PositiveSmallIntegerField()
    label = models.CharField(max_length=32)
    answer = models.JSONField()
    amended_at = models.DateTimeField(help_text="When the next version took its place.")

    class Meta:
        ordering = ["annotation_id", "version"]
        constraints = [models.UniqueConstraint(fields=["annotation", "version"], name="amended_answer_once")]

    def __str__(self) -> str:
        return f"version {self.version} of annotation {self.annotation_id}"


class LateAnswer(models.Model):
    """An answer that came after its lease was over: kept, so that nobody's work is lost unseen, and never counted."""

    lease = models.OneToOneField(Lease, on_delete=models.PROTECT, related_name="late_answer")
    answer = models.JSONField()
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"late answer under lease {self.lease_id}"


class ExportState(models.TextChoices):
    REQUESTED = "requested", "Requested"
    WRITING = "writing", "Writing"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


EXPORT_MOVES: Moves = {
    ExportState.REQUESTED: frozenset({ExportState.WRITING}),
    # Back to requested: the worker died, and attempts are left.
    ExportState.WRITING: frozenset({ExportState.DONE, ExportState.REQUESTED, ExportState.FAILED}),
    ExportState.DONE: frozenset(),
    ExportState.FAILED: frozenset(),
}


class Export(models.Model):
    """A project's settled labels at one instant, as a file that does not change."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="exports")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=16, choices=ExportState.choices, default=ExportState.REQUESTED)
    state_since = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="How often writing has begun; a fence.")
    attempts_allowed = models.PositiveSmallIntegerField(default=3)
    failure = models.TextField(blank=True)
    key = models.CharField(max_length=200, blank=True)
    lines = models.PositiveIntegerField(default=0)
    size_bytes = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    manifest = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=waits_with_due_time(ExportState.DONE, ExportState.FAILED), name="export_waits_with_due_time"
            ),
            models.CheckConstraint(condition=Q(state__in=ExportState.values), name="export_state_known"),
            models.CheckConstraint(condition=~Q(state=ExportState.DONE) | ~Q(sha256=""), name="export_done_has_digest"),
        ]
        indexes = [models.Index(fields=["due_at"], name="export_due", condition=Q(due_at__isnull=False))]

    def __str__(self) -> str:
        return f"export {self.pk}"


class AuditRun(models.Model):
    """One time that the queue's promises were asked of its rows, and what was broken."""

    asked_at = models.DateTimeField()
    seconds = models.FloatField(help_text="How long it took.")
    checks = models.PositiveSmallIntegerField(help_text="How many promises were asked.")
    findings = models.JSONField(
        encoder=DjangoJSONEncoder, help_text="name, promise, count and first row of each promise that is broken."
    )

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"audit {self.pk}"
