"""Staff in the admin: who has which roles, and where; given and taken with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.decorators import display

from config.acting import staff, with_reason
from config.admin import Record
from config.roles import ROLES
from config.scope import scope_of, seen
from workforce import second_factor, staffing
from workforce.models import Region, Staff, StaffScope, Team
from workforce.staffing import EVERYWHERE, Place

WHEREVER = "everywhere"

# Keys are nobody's to read, devices are taken by the verb, with a reason, and e-mail addresses are the staff's own row.
for kept_by_others in (TOTPDevice, StaticDevice, EmailAddress, SocialAccount, SocialApp, SocialToken):
    admin.site.unregister(kept_by_others)


def roles_offered(request: HttpRequest) -> Sequence[tuple[str, str]]:
    """The roles that this person may give: those that allow nothing they may not do themselves."""
    user = staff(request)
    mine = user.get_all_permissions()
    return [(role, role) for role, needs in ROLES.items() if user.is_superuser or set(needs) <= mine]


def places_offered(request: HttpRequest) -> Sequence[tuple[str, str]]:
    """The regions and teams that this person may give."""
    scope = scope_of(request.user)
    regions = [(f"region {row.pk}", f"{row} (region)") for row in Region.objects.filter(scope.at("code"))]
    teams = [(f"team {row.pk}", f"{row} (team)") for row in Team.objects.filter(scope.of("pk"))]
    return [*([(WHEREVER, "everywhere")] if scope.everywhere else []), *regions, *teams]


def place_of(said: str) -> Place:
    """The place that was chosen among those offered."""
    kind, _, number = said.partition(" ")
    if kind == "region":
        return Place(region=Region.objects.get(pk=number))
    return Place(team=Team.objects.get(pk=number)) if kind == "team" else EVERYWHERE


@admin.register(Staff)
class StaffAdmin(Record):
    """Nobody gives more than they have, and nobody gives anything to themselves."""

    list_display = ["username", "full_name", "is_active", "roles", "reach", "last_login"]
    list_filter = ["is_active", "groups"]
    search_fields = ["username", "first_name", "last_name"]
    search_help_text = _("Name or sign-in")
    fields = [
        "username",
        "first_name",
        "last_name",
        "is_active",
        "roles",
        "reach",
        "last_login",
        "date_joined",
        "factor",
    ]
    actions = ["give_role", "take_role", "give_scope", "take_scope", "reset_factor"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Staff]:
        given = seen(request.user, StaffScope.objects.select_related("region", "team"))
        rows: QuerySet[Staff] = super().get_queryset(request)
        return rows.prefetch_related("groups", Prefetch("staff_scopes", given, to_attr="scopes_here"))

    def has_ops_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(staffing.MAY)

    @display(description=_("Name"))
    def full_name(self, person: Staff) -> str:
        return person.get_full_name() or "-"

    @display(description=_("Roles"))
    def roles(self, person: Staff) -> str:
        named = [group.name for group in person.groups.all()]
        return ", ".join(["administrator", *named] if person.is_superuser else named) or "-"

    @display(description=_("Where"))
    def reach(self, person: Any) -> str:
        return ", ".join(map(str, person.scopes_here)) or ("everywhere" if person.is_superuser else "nowhere")

    def has_administer_permission(self, request: HttpRequest) -> bool:
        return staff(request).is_superuser

    @display(description=_("Second factor"))
    def factor(self, person: Staff) -> str:
        held = second_factor.held_by(person)
        return f"since {held.since:%Y-%m-%d}, {held.left} recovery codes left" if held.since else "none"

    @with_reason(
        description=_("Reset the second factor"),
        effect=_(
            "What they have opens nothing any more, and their tokens end. They set another up when they sign in; "
            "make sure that it is they who asked. Cannot be undone."
        ),
        done=_("have none now"),
        permission="administer",
    )
    def reset_factor(self, request: HttpRequest, person: Staff, answers: dict[str, Any]) -> object:
        """Take these people's second factors away."""
        return second_factor.reset(person, by=staff(request), reason=answers["reason"])

    @with_reason(
        description=_("Give a role"),
        effect=_("They may do what the role allows, in their regions and teams, from now on."),
        done=_("have the role now"),
        choices={"role": roles_offered},
    )
    def give_role(self, request: HttpRequest, person: Staff, answers: dict[str, Any]) -> object:
        """Give these people a role."""
        return staffing.give_role(person, answers["role"], by=staff(request), reason=answers["reason"])

    @with_reason(
        description=_("Take a role"),
        effect=_("They may no longer do what the role alone allowed; without any role they may not come here."),
        done=_("have the role no more"),
        choices={"role": roles_offered},
    )
    def take_role(self, request: HttpRequest, person: Staff, answers: dict[str, Any]) -> object:
        """Take a role from these people."""
        return staffing.take_role(person, answers["role"], by=staff(request), reason=answers["reason"])

    @with_reason(
        description=_("Give a region or a team"),
        effect=_("Their roles count there, too, from now on."),
        done=_("reach it now"),
        choices={"place": places_offered},
    )
    def give_scope(self, request: HttpRequest, person: Staff, answers: dict[str, Any]) -> object:
        """Give these people a region or a team."""
        return staffing.give_scope(person, place_of(answers["place"]), by=staff(request), reason=answers["reason"])

    @with_reason(
        description=_("Take a region or a team"),
        effect=_("They find nothing of it any more."),
        done=_("reach it no more"),
        choices={"place": places_offered},
    )
    def take_scope(self, request: HttpRequest, person: Staff, answers: dict[str, Any]) -> object:
        """Take a region or a team from these people."""
        return staffing.take_scope(person, place_of(answers["place"]), by=staff(request), reason=answers["reason"])
