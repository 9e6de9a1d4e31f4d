"""Whose regions and teams are whose, and which rows about people somebody with a scope may find."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission, User
from django.db.models import Exists, OuterRef, Q

from config.scope import EVERYWHERE, ReachesFurther, Scope, rule
from workforce.models import (
    Absence,
    Closure,
    DailyLimit,
    LimitLevel,
    OwnHours,
    QuotaDay,
    Region,
    ResidencyBasis,
    Reviewer,
    RoleHeld,
    Shift,
    Skill,
    Staff,
    StaffScope,
    Team,
    WorkedHoliday,
)


def scope_of(user: User) -> Scope:
    """What this person was given; ``settings.SCOPE_OF`` names this function."""
    rows = list(StaffScope.objects.filter(user=user).values_list("everywhere", "region__code", "team_id"))
    if any(everywhere for everywhere, _, _ in rows):
        return EVERYWHERE
    regions = frozenset(code for _, code, _ in rows if code is not None)
    teams = frozenset(team for _, _, team in rows if team is not None)
    if regions:
        teams |= set(Team.objects.filter(region__code__in=regions).values_list("pk", flat=True))
    return Scope(regions=regions, teams=teams)


@rule(Region)
def _regions(user: User, scope: Scope) -> Q:
    if scope.everywhere:
        return Q()
    return scope.at("code") | Q(pk__in=Team.objects.filter(scope.of("pk")).values("region"))


@rule(Team)
def _teams(user: User, scope: Scope) -> Q:
    return scope.of("pk")


@rule(Reviewer)
def _reviewers(user: User, scope: Scope) -> Q:
    return scope.of("team")


@rule(QuotaDay)
@rule(OwnHours)
@rule(Absence)
@rule(Skill)
def _of_reviewers(user: User, scope: Scope) -> Q:
    return scope.of("reviewer__team")


@rule(Shift)
def _shifts(user: User, scope: Scope) -> Q:
    return scope.of("team")


@rule(Closure)
@rule(WorkedHoliday)
def _days_off(user: User, scope: Scope) -> Q:
    """What is for everybody is everybody's to know, and a region's is its teams'."""
    if scope.everywhere:
        return Q()
    regions = Region.objects.filter(_regions(user, scope))
    return Q(region=None, team=None) | Q(region__in=regions.values("pk")) | scope.of("team")


def reaches(scope: Scope, *, region: Region | None, team: Team | None) -> bool:
    """Whether somebody with this scope has all whom a row of this team or region is for; neither: everybody."""
    if team is not None:
        return scope.everywhere or team.pk in scope.teams
    return scope.covers(region.code if region else "")


def check_reach(scope: Scope, *, region: Region | None, team: Team | None) -> None:
    """Raises :class:`ReachesFurther` unless the scope :func:`reaches` all of them."""
    if not reaches(scope, region=region, team=team):
        raise ReachesFurther


@rule(DailyLimit)
def _limits(user: User, scope: Scope) -> Q:
    """What is for everybody is everybody's to know."""
    if scope.everywhere:
        return Q()
    mine = scope.at("region__code") | scope.of("team") | scope.of("reviewer__team")
    return Q(level=LimitLevel.GLOBAL) | mine


@rule(ResidencyBasis)
def _bases(user: User, scope: Scope) -> Q:
    return scope.at("region__code")


@rule(StaffScope)
def _scopes(user: User, scope: Scope) -> Q:
    return Q() if scope.everywhere else scope.at("region__code") | scope.of("team")


@rule(User)
def _users(user: User, scope: Scope) -> Q:
    """Oneself, the people of one's teams, staff whose whole scope is within one's own, and new sign-ins."""
    if scope.everywhere:
        return Q()
    return Q(pk=user.pk) | scope.of("reviewer__team") | within(scope) | new_here()


@rule(Staff)
def _staff(user: User, scope: Scope) -> Q:
    return Q() if scope.everywhere else Q(pk=user.pk) | within(scope) | new_here()


def new_here() -> Q:
    """Sign-ins that are nobody's yet: of no region, until somebody makes a reviewer or a member of staff of them."""
    given = StaffScope.objects.filter(user=OuterRef("pk"))
    roles = RoleHeld.objects.filter(user=OuterRef("pk"))
    return Q(~Exists(given), ~Exists(roles), reviewer__isnull=True, is_staff=False, is_superuser=False)


def within(scope: Scope) -> Q:
    """Staff, administrators aside, who were given something and nothing beyond this scope."""
    given = StaffScope.objects.filter(user=OuterRef("pk"))
    inside = StaffScope.objects.filter(scope.at("region__code") | scope.of("team")).values("pk")
    some, beyond = Exists(given.filter(pk__in=inside)), Exists(given.exclude(pk__in=inside))
    return Q(some, ~Q(beyond), is_superuser=False)


@rule(Group)
@rule(Permission)
def _no_rows_of_a_region(user: User, scope: Scope) -> Q:
    return Q()
