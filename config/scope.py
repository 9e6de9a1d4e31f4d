"""Scope: which rows a member of staff may find. One rule for each table; lists, pages, doors and figures all ask here.

A rule stands in its room (``*/scopes.py``), because the ground knows no tables. Whose regions and teams are whose is
told by ``settings.SCOPE_OF``. What has no rule is found by nobody, and no page of the admin may be without one: the
check below stops the process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser, User
from django.core.checks import Error, register
from django.db.models import Model, Q, QuerySet
from django.utils.module_loading import import_string

from config.errors import NotFound, Refusal

M = TypeVar("M", bound=Model)


class ReachesFurther(Refusal):
    """This reaches beyond the regions and teams that are yours."""

    code = "beyond-your-scope"
    status = 403


@dataclass(frozen=True)
class Scope:
    """The regions, by code, all of whose rows somebody may find; and teams, those of the regions among them."""

    everywhere: bool = False
    regions: frozenset[str] = frozenset()
    teams: frozenset[int] = frozenset()

    def at(self, region: str) -> Q:
        """Rows of these regions; ``region`` is the way to the code of a row's region."""
        return Q() if self.everywhere else Q(**{f"{region}__in": sorted(self.regions)})

    def of(self, team: str) -> Q:
        """Rows of these teams; ``team`` is the way to a row's team."""
        return Q() if self.everywhere else Q(**{f"{team}__in": sorted(self.teams)})

    def covers(self, region: str) -> bool:
        """Whether all rows of the region with this code are in it; of every region, if the code is empty."""
        return self.everywhere or bool(region and region in self.regions)


EVERYWHERE, NOWHERE = Scope(everywhere=True), Scope()
Rule = Callable[[User, Scope], Q]
_rules: dict[type[Model], Rule] = {}
_KEPT = "_sightline_scope"


def rule(model: type[Model]) -> Callable[[Rule], Rule]:
    """The decorated function tells which rows of the table somebody with a scope may find."""

    def decorate(found: Rule) -> Rule:
        _rules[model] = found
        return found

    return decorate


def scope_of(user: User | AnonymousUser) -> Scope:
    """The scope of whoever asks: administrators' is everything, and who was given none has none. Asked of the database
    once for a request."""
    if not isinstance(user, User) or not user.is_active:
        return NOWHERE
    if user.is_superuser:
        return EVERYWHERE
    found: Scope | None = getattr(user, _KEPT, None)
    if found is None:
        found = _reader()(user)
        setattr(user, _KEPT, found)
    return found


@cache
def _reader() -> Callable[[User], Scope]:
    reader: Callable[[User], Scope] = import_string(settings.SCOPE_OF)
    return reader


def has_rule(model: type[Model]) -> bool:
    """Whether it is said who may find rows of this table."""
    return model in _rules


def seen_of(user: User | AnonymousUser, model: type[Model]) -> Q:
    """Which rows of the table this person may find; none of a table without a rule."""
    found = _rules.get(model)
    if found is None or not isinstance(user, User):
        return Q(pk__in=[])
    return found(user, scope_of(user))


def seen(user: User | AnonymousUser, rows: QuerySet[M]) -> QuerySet[M]:
    """Those of the rows that this person may find."""
    return rows.filter(seen_of(user, rows.model))


def all_or_seen(to: User | None, rows: QuerySet[M]) -> QuerySet[M]:
    """What a member of staff may find of the rows; all, when nobody in particular asks or a machine asks for what it
    sent itself."""
    return rows if to is None else seen(to, rows)


def get_seen(user: User | AnonymousUser, rows: QuerySet[M], pk: int) -> M:
    """The row with this number. Raises :class:`config.errors.NotFound` alike for absent ones and others'."""
    found = seen(user, rows).filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found


def sees(user: User | AnonymousUser, row: Model) -> bool:
    """Whether this person may find this row."""
    rows: QuerySet[Any] = type(row)._default_manager.filter(pk=row.pk)
    return seen(user, rows).exists()


def reaches_all(user: User | AnonymousUser) -> bool:
    """Whether all that this deployment has is this person's: figures that cannot be parted are for them alone."""
    scope = scope_of(user)
    return scope.everywhere or all(scope.covers(code) for code in settings.REGIONS)


def offered(user: User | AnonymousUser, regions: Sequence[str]) -> list[str]:
    """Those of the regions' codes that a form offers this person."""
    scope = scope_of(user)
    return [code for code in regions if scope.covers(code)]


@register()
def every_page_has_a_rule(**_: Any) -> list[Error]:
    """A page of the admin whose table has no rule would show nothing, or everything; neither is meant."""
    return [
        Error(f"{model._meta.label} is in the admin and has no rule of who may find its rows.", id="sightline.E001")
        for model in admin.site._registry
        if not has_rule(model)
    ]
