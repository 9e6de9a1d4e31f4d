"""Taking people on: one way for the admin, the commands and the demonstration."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import F, Q

from config.history import because
from config.roles import STAFF_ROLES
from workforce import days
from workforce.models import Clearance, Region, ResidencyBasis, Reviewer, Team
from workforce.skills import give


def open_region(*, code: str, name: str, time_zone: str) -> Region:
    """A region that this deployment has a storage and a queue for. Raises ValidationError."""
    region = Region(code=code, name=name, time_zone=time_zone)
    region.full_clean()
    region.save(force_insert=True)
    return region


def open_team(region: Region, *, name: str, time_zone: str = "", weight: int = 1) -> Team:
    """A team of the region, in the region's zone unless it has its own. Raises ValidationError."""
    team = Team(region=region, name=name, time_zone=time_zone or region.time_zone, weight=weight)
    team.full_clean()
    team.save(force_insert=True)
    return team


@transaction.atomic
def take_on_reviewer(
    team: Team,
    *,
    username: str,
    password: str | None,
    country: str,
    first_name: str = "",
    last_name: str = "",
    skills: Sequence[str] = (),
    languages: Sequence[str] = (),
    clearance: int = Clearance.ORDINARY,
) -> Reviewer:
    """A reviewer with a sign-in of their own, which opens nothing before it has a password. Raises ValidationError,
    IntegrityError when the name is taken."""
    user = _user_model().objects.create_user(
        username=username, password=password, first_name=first_name, last_name=last_name
    )
    reviewer = Reviewer(
        user=user,
        team=team,
        country=country,
        time_zone=team.time_zone,
        languages=list(languages),
        clearance=clearance,
    )
    reviewer.full_clean()
    reviewer.save(force_insert=True)
    for name in dict.fromkeys(skills):
        give(reviewer, name)
    if skills:
        reviewer.refresh_from_db(fields=["skills"])
    return reviewer


def change_team(team: Team, *, weight: int, by: User, reason: str) -> bool:
    """Give a team another share of its region's work; False when it had that. Raises ValidationError,
    :class:`config.history.ReasonMissing`."""
    Team(region=team.region, name=team.name, time_zone=team.time_zone, weight=weight).clean_fields()
    with because(by, reason, verb="change"), transaction.atomic():
        return Team.objects.filter(pk=team.pk).exclude(weight=weight).update(weight=weight) == 1


def change_reviewer(
    reviewer: Reviewer,
    *,
    team: Team,
    country: str,
    languages: Sequence[str],
    clearance: int,
    first_name: str,
    last_name: str,
    by: User,
    reason: str,
) -> None:
    """Say otherwise who somebody is and what they may be shown; what they hold they may finish. Raises ValidationError,
    :class:`config.history.ReasonMissing`."""
    changed = Reviewer.objects.select_related("user").get(pk=reviewer.pk)
    changed.team, changed.country, changed.clearance = team, country, clearance
    changed.languages = list(languages)
    changed.user.first_name, changed.user.last_name = first_name, last_name
    changed.full_clean()
    changed.user.clean_fields(exclude=["password"])
    with because(by, reason, verb="change"), transaction.atomic():
        changed.save(update_fields=["team", "country", "clearance", "languages"])
        changed.user.save(update_fields=["first_name", "last_name"])


def allow_country(region: Region, *, country: str, basis: str, by: User, at: datetime) -> ResidencyBasis:
    """Record why people in ``country`` may be shown the region's footage, from now on. Raises ValidationError."""
    row = ResidencyBasis(region=region, country=country, basis=basis, author=by, starts_at=at)
    row.full_clean()
    row.save(force_insert=True)
    return row


def move_zone(reviewer: Reviewer, time_zone: str, *, at: datetime) -> datetime:
    """Let the reviewer's days follow another zone from their next local day on; returns when that begins.

    Until then the old zone counts, so no day is begun twice or lengthened by moving. Raises ValidationError.
    """
    days.check_zone(time_zone)
    old = reviewer.zone_at(at)
    starts = days.ends_at(days.local_day(at, old), old)
    Reviewer.objects.filter(pk=reviewer.pk).update(time_zone=old, next_time_zone=time_zone, zone_changes_at=starts)
    reviewer.refresh_from_db()
    return starts


# This many leases lapsed one after the other: the person has left the screen.
LAPSES_THAT_PAUSE = 3


def count_lapse(reviewer_id: int) -> None:
    """Count a lease that lapsed; the third in a row pauses the person until they resume."""
    rows = Reviewer.objects.filter(pk=reviewer_id)
    rows.update(lapses_in_row=F("lapses_in_row") + 1)
    rows.filter(lapses_in_row__gte=LAPSES_THAT_PAUSE, is_paused=False).update(is_paused=True, paused_by_lapses=True)


def pause(who: Reviewer | Team, *, by: User, reason: str) -> bool:
    """Hand a person or a team no more work, until ops resume them; False when ops had paused them already.

    What they hold they may finish. Raises :class:`config.history.ReasonMissing`.
    """
    with because(by, reason, verb="pause"), transaction.atomic():
        if isinstance(who, Team):
            return Team.objects.filter(pk=who.pk, is_paused=False).update(is_paused=True) == 1
        # A pause that came from lapses, which the person could end alone, becomes one that they cannot.
        rows = Reviewer.objects.filter(Q(is_paused=False) | Q(paused_by_lapses=True), pk=who.pk)
        return rows.update(is_paused=True, paused_by_lapses=False) == 1


def unpause(who: Reviewer | Team, *, by: User, reason: str) -> bool:
    """Hand a person or a team work again; False when they were not paused."""
    with because(by, reason, verb="resume"), transaction.atomic():
        if isinstance(who, Team):
            return Team.objects.filter(pk=who.pk, is_paused=True).update(is_paused=False) == 1
        rows = Reviewer.objects.filter(pk=who.pk, is_paused=True)
        return rows.update(is_paused=False, paused_by_lapses=False, lapses_in_row=0) == 1


def resume(reviewer: Reviewer) -> bool:
    """End a pause that came from lapses; False when ops paused the person, which only ops may end."""
    Reviewer.objects.filter(pk=reviewer.pk, paused_by_lapses=True).update(
        is_paused=False, paused_by_lapses=False, lapses_in_row=0
    )
    return not Reviewer.objects.get(pk=reviewer.pk).is_paused


def opt_out(reviewer: Reviewer, categories: Sequence[str]) -> None:
    """Note what this person would rather not be handed, in place of what was noted before."""
    Reviewer.objects.filter(pk=reviewer.pk).update(opted_out=list(categories))


@transaction.atomic
def give_role(*, username: str, password: str, role: str, first_name: str = "", last_name: str = "") -> User:
    """A sign-in with one of the roles of ``config/roles.py``; those of staff may open the admin, and find nothing there
    before they are given a scope."""
    user = _user_model().objects.create_user(
        username=username,
        password=password,
        first_name=first_name,
        last_name=last_name,
        is_staff=role in STAFF_ROLES,
    )
    user.groups.add(Group.objects.get(name=role))
    return user


def _user_model() -> type[User]:
    model = get_user_model()
    if model is not User:
        raise TypeError("Sightline uses Django's own user")
    return User
