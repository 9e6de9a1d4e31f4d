"""Cases: what a member of staff must decide about a clip, in time."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from clips.models.clips import Clip
from config.states import Moves, waits_with_due_time


class CaseKind(models.TextChoices):
    """What somebody who looked at a clip says is wrong with it."""

    SENSITIVE = "sensitive", _("Sensitive")
    BROKEN = "broken", _("Broken media")
    EMERGENCY = "emergency", _("Emergency")


class CaseState(models.TextChoices):
    OPEN = "open", _("Open")
    DECIDED = "decided", _("Decided")


CASE_MOVES: Moves = {CaseState.OPEN: frozenset({CaseState.DECIDED}), CaseState.DECIDED: frozenset()}


class Decision(models.TextChoices):
    """How a case ends."""

    SHOW = "show", _("Show it again as it is")
    SHOW_TO_CLEARED = "show_to_cleared", _("Show it only to people cleared for sensitive footage")
    PREPARE_AGAIN = "prepare_again", _("Prepare it again from the original")
    WITHHOLD = "withhold", _("Never show it again")
    HANDLED = "handled", _("Handled; the clip stays as it is")


class Case(models.Model):
    """Something about a clip that a member of staff must decide, in time."""

    clip = models.ForeignKey(Clip, on_delete=models.PROTECT, related_name="cases")
    kind = models.CharField(max_length=16, choices=CaseKind.choices)
    state = models.CharField(max_length=16, choices=CaseState.choices, default=CaseState.OPEN)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True, help_text=_("When it should have been decided."))
    decision = models.CharField(max_length=16, choices=Decision.choices, blank=True)
    reason = models.CharField(max_length=300, blank=True, help_text=_("Why it was decided so."))
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["due_at", "-id"]
        permissions = [
            ("decide_sensitive", "Can decide cases of sensitive footage"),
            ("list_sensitive", "Can read what is known of sensitive and quarantined footage, without seeing it"),
        ]
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
