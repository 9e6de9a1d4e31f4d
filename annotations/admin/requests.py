"""Owners' requests, with the verb that also ends leases."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from annotations import forgetting
from clips.admin.requests import OwnerRequestAdmin
from clips.models import OwnerRequest
from config.acting import staff, with_reason
from config.clock import database_now

admin.site.unregister(OwnerRequest)


@admin.register(OwnerRequest)
class SupervisedOwnerRequestAdmin(OwnerRequestAdmin):
    """By when the law wants an answer, and erasure carried out."""

    actions = ["erase", *OwnerRequestAdmin.actions]

    @with_reason(
        description=_("Carry out erasure"),
        effect=_(
            "All clips of these owners in the region leave every queue at once and are purged; leases on them end. "
            "That cannot be undone. Each request closes itself when every store has confirmed; what is under a legal "
            "hold waits for its end."
        ),
        done=_("being carried out"),
    )
    def erase(self, request: HttpRequest, found: OwnerRequest, answers: dict[str, Any]) -> object:
        """Erase what these owners sent."""
        forgetting.erase(found, by=staff(request), reason=answers["reason"], at=database_now())
        return True
