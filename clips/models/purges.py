"""Purges: what is being taken out of the world, why, and the ledger of what never may come back."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from clips.models.clips import Clip
from clips.models.holds import LegalHold
from clips.models.retention import RetentionRule
from config.states import Moves, waits_with_due_time


class PurgeReason(models.TextChoices):
    """Why a clip goes for good."""

    WITHDRAWN = "withdrawn", _("Its owner withdrew the consent")
    ERASURE = "erasure", _("Its owner asked for erasure")
    RETENTION = "retention", _("Its time here is over")
    UNDECIDED = "undecided", _("Nobody decided its case by the disposal deadline")
    WITHHELD = "withheld", _("Staff withheld it")
    REPLAYED = "replayed", _("It was purged before, and a backup brought it back")


class PurgeState(models.TextChoices):
    """Where a purge is. The picture with every arrow is in the README."""

    WAITING = "waiting", _("Waiting")
    HELD = "held", _("Held")
    RUNNING = "running", _("Running")
    SETTLING = "settling", _("Looking again")
    DONE = "done", _("Done")


PURGE_MOVES: Moves = {
    PurgeState.WAITING: frozenset({PurgeState.RUNNING, PurgeState.HELD}),
    # Its hold ended.
    PurgeState.HELD: frozenset({PurgeState.WAITING}),
    # Back to waiting: the worker died, or the storage was away. To settling: somebody may still be writing.
    PurgeState.RUNNING: frozenset({PurgeState.DONE, PurgeState.WAITING, PurgeState.SETTLING}),
    # Nobody can write any more: everything is removed and listed once again.
    PurgeState.SETTLING: frozenset({PurgeState.RUNNING}),
    PurgeState.DONE: frozenset(),
}


class Purge(models.Model):
    """One clip on its way out: its bytes in every version, what was made of it, and what is known of it."""

    clip = models.OneToOneField(Clip, on_delete=models.PROTECT, related_name="purge")
    region = models.CharField(max_length=16)
    reason = models.CharField(max_length=16, choices=PurgeReason.choices)
    rule = models.ForeignKey(RetentionRule, on_delete=models.PROTECT, null=True, blank=True, related_name="purges")
    state = models.CharField(max_length=16, choices=PurgeState.choices, default=PurgeState.WAITING)
    asked_at = models.DateTimeField(
        help_text=_("A consent given by then is no ground to take the same bytes in again.")
    )
    state_since = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True, help_text=_("When a sweep looks at it if nothing moves it."))
    quiet_at = models.DateTimeField(
        help_text=_("Until then a worker or a sender that began before may still be writing; it is done no sooner.")
    )
    attempts = models.PositiveIntegerField(default=0, help_text=_("How often it has begun; a fence."))
    failures = models.PositiveIntegerField(default=0, help_text=_("How often in a row it could not be finished."))
    failure = models.CharField(max_length=200, blank=True, help_text=_("Why it is not done yet."))
    held_by = models.ForeignKey(LegalHold, on_delete=models.PROTECT, null=True, blank=True, related_name="purges")
    removed = models.PositiveIntegerField(default=0, help_text=_("Files, versions, marks and parts that were removed."))
    done_at = models.DateTimeField(null=True, blank=True, help_text=_("When the store's own list was empty."))

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=waits_with_due_time(PurgeState.DONE), name="purge_waits_with_due_time"),
            models.CheckConstraint(condition=Q(state__in=PurgeState.values), name="purge_state_known"),
            models.CheckConstraint(
                condition=Q(state=PurgeState.HELD, held_by__isnull=False)
                | Q(~Q(state=PurgeState.HELD), held_by__isnull=True),
                name="purge_held_by_a_hold",
            ),
            models.CheckConstraint(
                condition=Q(state=PurgeState.DONE, done_at__isnull=False)
                | Q(~Q(state=PurgeState.DONE), done_at__isnull=True),
                name="purge_done_has_time",
            ),
        ]
        indexes = [models.Index(fields=["due_at"], name="purge_due", condition=Q(due_at__isnull=False))]

    def __str__(self) -> str:
        return f"purge of clip {self.clip_id}"


class PurgedKey(models.Model):
    """A line of the ledger: where something lay that never may lie there again. Written before anything is removed,
    never changed, and replayed after a backup was restored. It names no person."""

    alias = models.CharField(max_length=40, help_text=_("The storage."))
    folder = models.CharField(max_length=64, help_text=_("The folder in it."))
    clip = models.BigIntegerField(help_text=_("The clip's number."))
    digest = models.CharField(
        max_length=64,
        db_index=True,
        help_text=_("Keyed hash of owner, region and bytes: recognises them, names nobody."),
    )
    reason = models.CharField(max_length=16, choices=PurgeReason.choices)
    is_barred = models.BooleanField(
        default=False, help_text=_("Staff withheld it: it is not taken in again under any consent.")
    )
    asked_at = models.DateTimeField(help_text=_("Only a consent given later is a ground to take the same bytes in."))
    seal = models.CharField(max_length=64, help_text=_("Keyed hash of this line: what is replayed was written by us."))
    written_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        verbose_name = "purge ledger line"
        verbose_name_plural = "purge ledger lines"
        constraints = [
            models.UniqueConstraint(fields=["alias", "folder"], name="purged_key_once"),
            models.CheckConstraint(condition=~Q(folder="") & ~Q(alias=""), name="purged_key_names_a_folder"),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            pgtrigger.Trigger(
                name="not_emptied",
                when=pgtrigger.Before,
                operation=pgtrigger.Truncate,
                level=pgtrigger.Statement,
                func="RAISE EXCEPTION 'pgtrigger: Cannot empty the purge ledger';",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.alias}/{self.folder}"
