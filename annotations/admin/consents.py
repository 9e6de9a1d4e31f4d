"""Consent events, with the action by which staff carry out an owner's withdrawal."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from annotations import withdrawing
from clips.admin.consents import ConsentEventAdmin
from clips.models import ConsentEvent, EventKind
from config.acting import staff, with_reason
from config.clock import database_now
from config.errors import Refusal

admin.site.unregister(ConsentEvent)


class NothingWasGiven(Refusal):
    """This event is a withdrawal itself."""

    code = "nothing-was-given"


@admin.register(ConsentEvent)
class SupervisedConsentEventAdmin(ConsentEventAdmin):
    """Consent events, and how an owner's withdrawal that reached us by another way is carried out."""

    list_display = ["id", "kind_label", "owner", *ConsentEventAdmin.list_display[3:]]
    actions = ["withdraw"]
    acts_by = ("kind", {"withdraw": {EventKind.GIVEN}})

    def has_ops_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("clips.add_consentevent")

    def get_list_display(self, request: HttpRequest) -> list[str]:
        mine = request.user.has_perm("clips.view_owner")
        return [name if mine or name != "owner" else "owner_key" for name in self.list_display]

    @display(description=_("Owner"), ordering="owner_key")
    def owner(self, event: ConsentEvent) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("owner-page", args=[event.owner_key]), event.owner_key)

    def preview(self, event: ConsentEvent) -> str:
        return f"{event}, for {', '.join(event.purposes).replace('_', ' ')}"

    @with_reason(
        description=_("Withdraw consents for their owners"),
        effect=_(
            "Nobody is shown these clips from here on: they leave every queue, and leases on them end at once. A "
            "consent for all of an owner's clips ends for all of them. Clips that nothing is permitted of are never "
            "shown again; what an owner agrees to again is a new consent, with the clip sent anew."
        ),
        done=_("withdrawn"),
    )
    def withdraw(self, request: HttpRequest, event: ConsentEvent, answers: dict[str, Any]) -> object:
        """Take these consents back, as their owners asked."""
        if event.kind != "given":
            raise NothingWasGiven
        done = withdrawing.withdraw_named(event, by=staff(request), reason=answers["reason"], at=database_now())
        return done.is_new
