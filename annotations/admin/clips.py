"""Clips and likenesses, with the actions that end leases."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from annotations import stopping
from annotations.admin.choosing import Plannable
from clips.admin.clips import ClipAdmin
from clips.admin.likeness import LikenessAdmin
from clips.models import Clip, Likeness, Verdict
from config.acting import staff, with_reason
from config.clock import database_now

admin.site.unregister(Clip)


@admin.register(Clip)
class SupervisedClipAdmin(Plannable, ClipAdmin):
    """Clips, with what ends leases on them."""

    actions = ["plan_these", *ClipAdmin.actions, "quarantine"]

    @with_reason(
        description=_("Quarantine clips"),
        effect=_("They are taken from everybody at once, and each waits for cleared staff to decide."),
        done=_("quarantined"),
    )
    def quarantine(self, request: HttpRequest, clip: Clip, answers: dict[str, Any]) -> object:
        """Take these clips from everybody."""
        return stopping.quarantine(clip.pk, by=staff(request), reason=answers["reason"], at=database_now())


admin.site.unregister(Likeness)


@admin.register(Likeness)
class SupervisedLikenessAdmin(LikenessAdmin):
    """Clips that are alike, with the verdict."""

    actions = ["same", "different"]

    @with_reason(
        description=_("Label only the earlier of each two"),
        effect=_(
            "The later's tasks stop and leases on them are recalled. Saying that they are different takes it back."
        ),
        done=_("grouped"),
    )
    def same(self, request: HttpRequest, pair: Likeness, answers: dict[str, Any]) -> object:
        """Label only one of each two."""
        return stopping.judge(
            pair.pk, verdict=Verdict.SAME, by=staff(request), reason=answers["reason"], at=database_now()
        )

    @with_reason(
        description=_("Label both of each two"),
        effect=_("Stopped tasks come back to their place."),
        done=_("kept apart"),
    )
    def different(self, request: HttpRequest, pair: Likeness, answers: dict[str, Any]) -> object:
        """Label both."""
        return stopping.judge(
            pair.pk, verdict=Verdict.DIFFERENT, by=staff(request), reason=answers["reason"], at=database_now()
        )
