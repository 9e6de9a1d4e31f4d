"""What owners ask of us, and by when the law wants an answer."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clips.models.clips import OWNER_KEY
from config.history import kept
from config.states import Moves


class RequestKind(models.TextChoices):
    ACCESS = "access", _("Access")
    ERASURE = "erasure", _("Erasure")
    RESTRICTION = "restriction", _("Restriction")
    RECTIFICATION = "rectification", _("Rectification")
    PORTABILITY = "portability", _("A copy to take away")
    OBJECTION = "objection", _("Objection")


class Law(models.TextChoices):
    """What sets the time to answer."""

    GDPR = "gdpr", _("GDPR: one month, two more if it must be")
    CCPA = "ccpa", _("CCPA: 45 days, 45 more if it must be")
    OWN = "own", _("Our own word: so many days")


class RequestState(models.TextChoices):
    OPEN = "open", _("Open")
    CLOSED = "closed", _("Closed")


REQUEST_MOVES: Moves = {RequestState.OPEN: frozenset({RequestState.CLOSED}), RequestState.CLOSED: frozenset()}


class Outcome(models.TextChoices):
    """How a request ended."""

    DONE = "done", _("Done")
    PARTLY = "partly", _("Done in part")
    REFUSED = "refused", _("Refused")
    MISTAKEN = "mistaken", _("Made by mistake, or taken back")


@kept("state", "due_at", "extension_reason", "is_carried_out", "outcome", "closing_reason")
class OwnerRequest(models.Model):
    """An owner's request: what is asked, under which law, and by when it must be answered."""

    owner_key = models.CharField(max_length=64, validators=[OWNER_KEY])
    region = models.CharField(max_length=16)
    kind = models.CharField(max_length=16, choices=RequestKind.choices)
    law = models.CharField(max_length=8, choices=Law.choices)
    own_days = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text=_("For our own word: within how many days.")
    )
    received_at = models.DateTimeField(help_text=_("When it reached us: the law counts from here."))
    filed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=16, choices=RequestState.choices, default=RequestState.OPEN)
    due_at = models.DateTimeField(help_text=_("By when it must be answered."))
    extension_reason = models.CharField(max_length=300, blank=True, help_text=_("Why it takes longer. Once only."))
    is_carried_out = models.BooleanField(
        default=False, help_text=_("Erasure was begun; the request closes itself when nothing is left.")
    )
    outcome = models.CharField(max_length=16, choices=Outcome.choices, blank=True)
    closing_reason = models.CharField(max_length=300, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Nobody: it closed itself."),
    )
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["due_at", "-id"]
        verbose_name = "request"
        constraints = [
            models.CheckConstraint(condition=Q(state__in=RequestState.values), name="request_state_known"),
            models.CheckConstraint(condition=Q(due_at__gt=F("received_at")), name="request_due_later"),
            models.CheckConstraint(
                condition=Q(law=Law.OWN, own_days__gte=1) | Q(~Q(law=Law.OWN), own_days__isnull=True),
                name="request_own_word_has_days",
            ),
            models.CheckConstraint(
                condition=Q(state=RequestState.OPEN, closed_at__isnull=True)
                | (
                    Q(state=RequestState.CLOSED, closed_at__isnull=False)
                    & ~Q(outcome="")
                    & ~Q(closing_reason="")
                    & (Q(closed_by__isnull=False) | Q(is_carried_out=True))
                ),
                name="request_closed_with_reason",
            ),
            models.UniqueConstraint(
                fields=["owner_key", "region", "kind", "filed_by"], condition=Q(state="open"), name="request_open_once"
            ),
        ]
        indexes = [models.Index(fields=["due_at"], name="request_due", condition=Q(state="open"))]

    def __str__(self) -> str:
        return f"request {self.pk}"
