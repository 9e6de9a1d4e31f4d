"""The register of what authorities ask for."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from clips.models.clips import OWNER_KEY
from config.history import kept


class LegalRequestState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    APPROVED = "approved", _("Approved")
    REFUSED = "refused", _("Refused")


@kept("state", "first_approver", "second_approver", "refused_by", "decision_reason", "ends_at")
class LegalRequest(models.Model):
    """What an authority asks of us: a register of its own, and the only other door to footage.

    Two people approve, neither of whom entered it; then those who are named may be shown the clips it names, until it
    ends. What it names cannot be changed afterwards: the database refuses that.
    """

    authority = models.CharField(max_length=200, help_text=_("Who asks."))
    reference = models.CharField(max_length=100, help_text=_("Their file number."))
    legal_basis = models.CharField(max_length=300, help_text=_("The law and the order under which they may ask."))
    region = models.CharField(max_length=16, help_text=_("Where the clips live."))
    owner_key = models.CharField(
        max_length=64, blank=True, validators=[OWNER_KEY], help_text=_("All clips of this owner in the region; or")
    )
    clips = ArrayField(
        models.BigIntegerField(), default=list, blank=True, help_text=_("the numbers of single clips, comma-separated.")
    )
    viewers = ArrayField(
        models.IntegerField(), default=list, help_text=_("The members of staff who may be shown the clips.")
    )
    entered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    entered_at = models.DateTimeField()
    ends_at = models.DateTimeField(help_text=_("Nobody is shown anything after that."))
    state = models.CharField(max_length=16, choices=LegalRequestState.choices, default=LegalRequestState.WAITING)
    first_approver = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    first_at = models.DateTimeField(null=True, blank=True)
    second_approver = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    second_at = models.DateTimeField(null=True, blank=True)
    refused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decision_reason = models.CharField(max_length=300, blank=True, help_text=_("What the last word on it said."))

    class Meta:
        ordering = ["-id"]
        permissions = [("approve_legalrequest", "Can approve or refuse what authorities ask")]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=LegalRequestState.values), name="legal_state_known"),
            models.CheckConstraint(condition=Q(ends_at__gte=F("entered_at")), name="legal_ends_after_it_begins"),
            models.CheckConstraint(condition=~Q(owner_key="", clips__len=0), name="legal_names_clips_or_owner"),
            models.CheckConstraint(
                condition=Q(first_approver__isnull=True) | ~Q(first_approver=F("entered_by")),
                name="legal_first_did_not_enter_it",
            ),
            models.CheckConstraint(
                condition=Q(second_approver__isnull=True)
                | (
                    Q(first_approver__isnull=False)
                    & ~Q(second_approver=F("entered_by"))
                    & ~Q(second_approver=F("first_approver"))
                ),
                name="legal_second_is_somebody_else",
            ),
            models.CheckConstraint(
                condition=~Q(state=LegalRequestState.APPROVED)
                | Q(first_approver__isnull=False, second_approver__isnull=False, refused_by__isnull=True),
                name="legal_approved_by_two",
            ),
            models.CheckConstraint(
                condition=Q(state=LegalRequestState.REFUSED, refused_by__isnull=False)
                | Q(~Q(state=LegalRequestState.REFUSED), refused_by__isnull=True),
                name="legal_refused_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(refused_by__isnull=True) | ~Q(refused_by=F("entered_by")),
                name="legal_refused_by_another",
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(
                name="scope_is_fixed",
                fields=[
                    "authority",
                    "reference",
                    "legal_basis",
                    "region",
                    "owner_key",
                    "clips",
                    "viewers",
                    "entered_by",
                    "entered_at",
                ],
            ),
            pgtrigger.Protect(name="never_deleted", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"legal request {self.pk}"
