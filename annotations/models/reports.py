"""Reports that people asked to be mailed, and each issue of them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from annotations.models.projects import Project
from config.states import Moves, waits_with_due_time
from workforce.models import Region, Team


class Report(models.TextChoices):
    DONE = "done", _("Done")
    SPEED = "speed", _("Speed")
    QUOTA = "quota", _("Quota use")
    TIMESHEETS = "timesheets", _("Timesheets")
    WAITING = "waiting", _("Waiting times")
    EXPOSURE = "exposure", _("Exposure")


class Every(models.TextChoices):
    DAY = "day", _("Every day")
    WEEK = "week", _("Every week")


class ReportSubscription(models.Model):
    """Somebody wants a report mailed; of what they may see when it is sent."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="report_subscriptions")
    report = models.CharField(max_length=16, choices=Report.choices)
    every = models.CharField(max_length=8, choices=Every.choices)
    region = models.ForeignKey(Region, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True, help_text=_("When it was unsubscribed."))

    class Meta:
        ordering = ["id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["user", "report", "every", "region", "team", "project"],
                condition=Q(ended_at=None),
                nulls_distinct=False,
                name="report_subscribed_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_report_display()}, {self.get_every_display().lower()}, to {self.user}"


class IssueState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    SENDING = "sending", _("Sending")
    SENT = "sent", _("Sent")
    DROPPED = "dropped", _("Not sent")


ISSUE_MOVES: Moves = {
    IssueState.WAITING: frozenset({IssueState.SENDING, IssueState.DROPPED}),
    # Back to waiting: the mail server was not reached. To dropped: nobody knows whether it was sent.
    IssueState.SENDING: frozenset({IssueState.SENT, IssueState.WAITING, IssueState.DROPPED}),
    IssueState.SENT: frozenset(),
    IssueState.DROPPED: frozenset(),
}


class ReportIssue(models.Model):
    """One subscription's one period: sent at most once."""

    subscription = models.ForeignKey(
        ReportSubscription, on_delete=models.CASCADE, related_name="issues", db_index=False
    )
    first_day = models.DateField()
    last_day = models.DateField()
    state = models.CharField(max_length=16, choices=IssueState.choices, default=IssueState.WAITING)
    state_since = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(null=True, blank=True, help_text=_("When the sweep looks at it."))
    attempts = models.PositiveSmallIntegerField(default=0)
    failure = models.CharField(max_length=200, blank=True, help_text=_("Why it was not sent, or not yet."))

    class Meta:
        ordering = ["-id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["subscription", "first_day"], name="report_issue_once"),
            models.CheckConstraint(condition=Q(state__in=IssueState.values), name="report_issue_state_known"),
            models.CheckConstraint(
                condition=waits_with_due_time(IssueState.SENT, IssueState.DROPPED), name="report_issue_waits_with_due"
            ),
        ]
        indexes = [models.Index(fields=["due_at"], name="report_issue_due", condition=Q(due_at__isnull=False))]

    def __str__(self) -> str:
        return f"{self.subscription}, {self.first_day} to {self.last_day}"
