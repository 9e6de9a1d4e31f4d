"""Which rows about footage somebody with a scope may find: those of their regions, and what is quarantined or said to
be sensitive only if they are cleared for it."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q

from clips.models import (
    AccessEntry,
    Addition,
    Case,
    CaseKind,
    CaseState,
    Clip,
    ConsentEvent,
    DeviceEvent,
    Disclosure,
    LegalHold,
    LegalRequest,
    Likeness,
    Need,
    OwnerRequest,
    Purge,
    PurgedKey,
    Rendition,
    RetentionRule,
    Viewing,
)
from clips.queries import is_cleared, listed_to
from config.scope import Scope, rule


def of_clip(user: User, scope: Scope, clip: str) -> Q:
    """Rows about one clip; ``clip`` is the way to it."""
    return scope.at(f"{clip}__region") & listed_to(user, clip)


@rule(Clip)
def _clips(user: User, scope: Scope) -> Q:
    return scope.at("region") & listed_to(user)


@rule(Addition)
@rule(DeviceEvent)
@rule(Rendition)
@rule(Viewing)
@rule(AccessEntry)
def _about_a_clip(user: User, scope: Scope) -> Q:
    """Of the access log: what strangers and wrong links asked for is of no region, and for those of all regions."""
    return of_clip(user, scope, "clip")


@rule(Likeness)
def _likenesses(user: User, scope: Scope) -> Q:
    return of_clip(user, scope, "clip") & of_clip(user, scope, "other")


@rule(Case)
def _cases(user: User, scope: Scope) -> Q:
    return scope.at("clip__region") & not_sensitive(user, "clip")


def not_sensitive(user: User, clip: str) -> Q:
    """Cases, and what was said of them: of sensitive footage only for the cleared, and then none about its clip."""
    if is_cleared(user):
        return Q()
    waits = Case.objects.filter(clip=OuterRef(clip), kind=CaseKind.SENSITIVE, state=CaseState.OPEN)
    return ~Q(kind=CaseKind.SENSITIVE) & ~Q(Exists(waits))


@rule(Purge)
def _purges(user: User, scope: Scope) -> Q:
    return scope.at("region") & listed_to(user, "clip")


@rule(PurgedKey)
def _ledger(user: User, scope: Scope) -> Q:
    if scope.everywhere:
        return Q()
    return Q(alias__in=[f"clips-{code}" for code in settings.REGIONS if code in scope.regions])


@rule(Need)
@rule(Disclosure)
@rule(OwnerRequest)
@rule(LegalRequest)
def _of_a_region(user: User, scope: Scope) -> Q:
    return scope.at("region")


@rule(RetentionRule)
def _rules(user: User, scope: Scope) -> Q:
    """A rule for every region counts in each."""
    return Q() if scope.everywhere else scope.at("region") | Q(region="")


@rule(ConsentEvent)
def _consents(user: User, scope: Scope) -> Q:
    """What an owner said of all their clips is found where its text was shown, or where clips of theirs live."""
    listed = listed_to(user, "clip")
    if scope.everywhere:
        return listed
    shown_here = Q(clip=None) & scope.at("disclosure__region")
    return listed & (scope.at("clip__region") | shown_here | Q(clip=None, disclosure=None) & Q(lives_here(scope)))


@rule(LegalHold)
def _holds(user: User, scope: Scope) -> Q:
    """A hold of an owner is found where clips of theirs live: these wait for it."""
    listed = listed_to(user, "clip")
    if scope.everywhere:
        return listed
    return listed & (scope.at("clip__region") | scope.at("region") | Q(owner_key__gt="") & Q(lives_here(scope)))


def lives_here(scope: Scope) -> Exists:
    """Whether clips of a row's owner live in one of these regions."""
    return Exists(Clip.objects.filter(scope.at("region"), owner_key=OuterRef("owner_key")))
