"""What is asked: a label schema, and how its tasks are routed and settled."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from annotations.labels import check_schema
from clips.models import Clip, ClipKind, Faces, Purpose
from config.history import kept
from workforce.models import Team


class AsksLanguage(models.TextChoices):
    """Of which clips a task asks for somebody who speaks what is spoken."""

    HEARD = "heard", _("Where it is speech")
    ALWAYS = "always", _("Of all clips")
    NEVER = "never", _("Never")


@kept(
    "name",
    "purpose",
    "label_schema",
    "schema_version",
    "overlap",
    "most_seats",
    "seats_apart",
    "skills",
    "asks_language",
    "priority",
    "prefetch",
    "lease_seconds",
    "lease_most_seconds",
    "grace_seconds",
    "amend_minutes",
    "due_hours",
    "categories",
    "starts_blurred",
    "faces",
    "is_active",
)
class Project(models.Model):
    """A label schema and how its tasks are routed and settled."""

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=120)
    teams = models.ManyToManyField(
        Team,
        related_name="projects",
        blank=True,
        help_text=_("Teams that work on it, each on clips of its own region."),
    )
    clip_kind = models.CharField(
        max_length=8,
        choices=ClipKind.choices,
        default=ClipKind.VIDEO,
        db_default=ClipKind.VIDEO,
        help_text=_("What its question is about: clips of this kind become its tasks."),
    )
    purpose = models.CharField(
        max_length=16,
        choices=Purpose.choices,
        default=Purpose.HUMAN_REVIEW,
        db_default=Purpose.HUMAN_REVIEW,
        help_text=_("What for people look: only clips whose owners agree to it now are put before them."),
    )
    label_schema = models.JSONField(validators=[check_schema])
    schema_version = models.PositiveIntegerField(
        default=1, editable=False, help_text=_("Raised by itself when the label schema changes.")
    )
    overlap = models.PositiveSmallIntegerField(
        default=2,
        validators=[MinValueValidator(1), MaxValueValidator(9)],
        help_text=_("Independent answers each task needs."),
    )
    most_seats = models.PositiveSmallIntegerField(
        default=5,
        validators=[MinValueValidator(1), MaxValueValidator(15)],
        help_text=_("On a tie one more answer is asked for, up to this many in all; then the task is disputed."),
    )
    seats_apart = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_(
            "On: each answer of a task is of another team, one after the other; so there are as many teams as "
            "answers, or some are never given. A change counts for tasks that are made from then on."
        ),
    )
    skills = ArrayField(
        models.SlugField(max_length=32),
        default=list,
        blank=True,
        help_text=_("What a reviewer must have to be handed its tasks; comma-separated."),
    )
    asks_language = models.CharField(
        max_length=8,
        choices=AsksLanguage.choices,
        default=AsksLanguage.HEARD,
        db_default=AsksLanguage.HEARD,
        help_text=_(
            "Whether a reviewer must speak the language of the clip, where that is known: of voice clips, of all "
            "or never. A change counts for tasks that are made from then on."
        ),
    )
    priority = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(240)],
        help_text=_("Hours by which its tasks go before others that are due at the same time."),
    )
    prefetch = models.PositiveSmallIntegerField(
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(20)],
        help_text=_("Live leases of this project that one reviewer may hold at a time."),
    )
    lease_seconds = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(30), MaxValueValidator(3600)],
        help_text=_("How long a lease lasts. Blank: three times the clip and two minutes, five minutes at least."),
    )
    lease_most_seconds = models.PositiveIntegerField(
        default=3600,
        validators=[MinValueValidator(60), MaxValueValidator(6 * 3600)],
        help_text=_("However often it is renewed, a lease ends this long after it was granted."),
    )
    grace_seconds = models.PositiveIntegerField(
        default=120,
        validators=[MaxValueValidator(3600)],
        help_text=_("An answer this late is still taken if its seat is free; a later one is kept but never counted."),
    )
    amend_minutes = models.PositiveSmallIntegerField(
        default=15,
        validators=[MaxValueValidator(24 * 60)],
        help_text=_("How long after submitting an author may amend an answer. 0: not at all."),
    )
    due_hours = models.PositiveSmallIntegerField(
        default=24,
        validators=[MinValueValidator(1), MaxValueValidator(24 * 60)],
        help_text=_("A task is due this long after it was made; the earliest due is handed out first."),
    )
    categories = ArrayField(
        models.SlugField(max_length=32),
        default=list,
        blank=True,
        help_text=_(
            "What its footage may show that somebody may not want to see, such as injury; comma-separated. People"
            " who opted out of one are not handed it, and what is handed out counts as exposure."
        ),
    )
    starts_blurred = models.BooleanField(
        default=False, help_text=_("On: clients show its clips blurred until the reviewer asks to see them clear.")
    )
    faces = models.CharField(
        max_length=8,
        choices=Faces.choices,
        default=Faces.CLEAR,
        db_default=Faces.CLEAR,
        help_text=_(
            "What its reviewers are shown. Blurred: every face that is found is covered, in the video and in the "
            "pictures of it; a clip then takes about its own length to prepare. Choose it wherever faces do not matter."
        ),
    )
    is_active = models.BooleanField(default=True, help_text=_("Off: no new tasks are made and none is handed out."))
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(faces__in=Faces.values), name="project_faces_known"),
            models.CheckConstraint(
                condition=Q(overlap__gte=1, most_seats__gte=F("overlap")), name="project_seats_make_sense"
            ),
            models.CheckConstraint(
                condition=Q(asks_language__in=AsksLanguage.values), name="project_asks_language_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def language_of(self, clip: Clip) -> str:
        """What whoever answers must speak for this clip; empty: anything. ``SPOKEN`` says the same in SQL."""
        asks = self.asks_language == AsksLanguage.ALWAYS
        asks |= self.asks_language == AsksLanguage.HEARD and clip.kind == ClipKind.VOICE
        return clip.language if asks else ""

    def clean(self) -> None:
        before = Project.objects.filter(pk=self.pk).first()
        if before and before.label_schema != self.label_schema and before.tasks.exists():
            raise ValidationError(
                {"label_schema": "Its tasks' answers belong to this schema. Ask something new in a new project."}
            )
        if before and before.purpose != self.purpose and before.tasks.exists():
            raise ValidationError(
                {"purpose": "Its clips were given for this purpose. Ask for another in a new project."}
            )
        if self.overlap and self.most_seats and self.most_seats < self.overlap:
            raise ValidationError({"most_seats": "This cannot be less than the overlap."})
