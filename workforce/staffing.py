"""Staffing: roles and scopes are given and taken by people, with a reason, within what those people have themselves.

Nobody gives more than they have, and nobody gives anything to themselves: so nobody is raised except by somebody who
stands higher.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.db import transaction

from config.errors import NotFound
from config.history import because
from config.roles import ALONE, ROLES, STAFF_ROLES
from config.scope import scope_of, seen
from workforce.errors import MoreThanYouHave, NoPlaceYet, NotForStaff, NotToYourself, StandsAlone
from workforce.models import Region, Staff, StaffScope, Team
from workforce.scopes import reaches

MAY = "workforce.give_role"


@dataclass(frozen=True)
class Place:
    """A region or a team; neither is everywhere."""

    region: Region | None = None
    team: Team | None = None

    @property
    def fields(self) -> dict[str, Any]:
        """As the row has it."""
        return {"everywhere": not (self.region or self.team), "region": self.region, "team": self.team}


EVERYWHERE = Place()


def give_role(who: User, role: str, *, by: User, reason: str) -> bool:
    """Give somebody a role; False when they had it.

    Raises :class:`config.errors.NotFound` for whom ``by`` may not find, :class:`NotToYourself`,
    :class:`MoreThanYouHave`, :class:`StandsAlone`, :class:`NotForStaff`, :class:`NoPlaceYet`,
    :class:`config.history.ReasonMissing`.
    """
    with because(by, reason, verb="give role"), transaction.atomic():
        giver, taker = _both(by, who)
        group = _group(role)
        _check_has(giver, _permissions_of_group(group))
        if not seen(giver, StaffScope.objects.filter(user=taker)).exists() and not scope_of(giver).everywhere:
            raise NoPlaceYet
        others = set(taker.groups.exclude(pk=group.pk).values_list("name", flat=True))
        if others and (others | {role}) & ALONE:
            raise StandsAlone
        if taker.groups.filter(pk=group.pk).exists():
            return False
        taker.groups.add(group)
        _may_sign_in_as_staff(taker)
    return True


def take_role(who: User, role: str, *, by: User, reason: str) -> bool:
    """Take a role from somebody; False when they had it not. Raises as :func:`give_role`."""
    with because(by, reason, verb="take role"), transaction.atomic():
        giver, taker = _both(by, who)
        group = _group(role)
        _check_has(giver, _permissions_of_group(group))
        if not taker.groups.filter(pk=group.pk).exists():
            return False
        taker.groups.remove(group)
        _may_sign_in_as_staff(taker)
    return True


def give_scope(who: User, place: Place, *, by: User, reason: str) -> bool:
    """Let somebody's roles count in a region, a team or everywhere; False when they did.

    Raises as :func:`give_role`: whoever gives has the place themselves, and all that the other may do there.
    """
    with because(by, reason, verb="give scope"), transaction.atomic():
        giver, taker = _both(by, who)
        _check_reaches(giver, place)
        _check_has(giver, taker.get_all_permissions())
        # The taker is locked, so nobody else gives them the same meanwhile.
        return StaffScope.objects.get_or_create(user_id=taker.pk, **place.fields)[1]


def take_scope(who: User, place: Place, *, by: User, reason: str) -> bool:
    """Let somebody's roles count there no more; False when they did not. Raises as :func:`give_role`."""
    with because(by, reason, verb="take scope"), transaction.atomic():
        giver, taker = _both(by, who)
        _check_reaches(giver, place)
        return bool(StaffScope.objects.filter(user=taker, **place.fields).delete()[0])


def begin_scope(user: User, place: Place) -> StaffScope:
    """The scope with which a sign-in begins, given by the system: for the seed, commands and tests."""
    return StaffScope.objects.create(user=user, **place.fields)


def _both(by: User, who: User) -> tuple[User, User]:
    """Giver and taker as they are now, locked in the order of their numbers: what the giver has is not taken from them
    while they give it."""
    locked = {row.pk: row for row in User.objects.select_for_update().filter(pk__in={by.pk, who.pk}).order_by("pk")}
    giver, taker = locked.get(by.pk), locked.get(who.pk)
    if giver is None or taker is None or not giver.is_active or not giver.has_perm(MAY):
        raise NotFound
    if giver.pk == taker.pk:
        raise NotToYourself
    if hasattr(taker, "reviewer"):
        raise NotForStaff
    if not seen(giver, Staff.objects.filter(pk=taker.pk)).exists() or (taker.is_superuser and not giver.is_superuser):
        raise NotFound
    return giver, taker


def _group(role: str) -> Group:
    found = Group.objects.filter(name=role).first() if role in ROLES else None
    if found is None:
        raise NotFound("There is no such role.")
    return found


def _permissions_of_group(group: Group) -> set[str]:
    held = Permission.objects.filter(group=group).values_list("content_type__app_label", "codename")
    return {".".join(pair) for pair in held}


def _check_has(giver: User, permissions: set[str]) -> None:
    if not giver.is_superuser and not permissions <= giver.get_all_permissions():
        raise MoreThanYouHave


def _check_reaches(giver: User, place: Place) -> None:
    if not reaches(scope_of(giver), region=place.region, team=place.team):
        raise MoreThanYouHave


def _may_sign_in_as_staff(who: User) -> None:
    """Members of staff may open the admin; who has no role of theirs any more may not."""
    is_staff = who.is_superuser or who.groups.filter(name__in=STAFF_ROLES).exists()
    User.objects.filter(pk=who.pk).exclude(is_staff=is_staff).update(is_staff=is_staff)
