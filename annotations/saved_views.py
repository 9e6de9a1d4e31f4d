"""Saved views: a list's filters under a name, kept for oneself or shown to others who open the list."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from annotations.errors import NameTaken, ViewTooLong
from annotations.models import SavedView
from config.scope import scope_of

LONGEST_NAME, LONGEST_QUERY, MOST = 60, 2000, 100
# Where one was on the list, and what a list adds by itself, is no part of a view.
PASSING = {"p", "all", "e", "_facets", "_popup", "_to_field"}


def save(user: User, *, of: str, name: str, query: str, shared: bool) -> SavedView:
    """Keep a list's query string under a name; a view of that name of one's own is replaced.

    Raises :class:`ViewTooLong` for a name or a query string that is, or for more views than anybody needs.
    """
    said = " ".join(name.split())
    asked = [(key, value) for key, value in parse_qsl(query.lstrip("?")) if key not in PASSING]
    kept = urlencode(asked)
    if not 0 < len(said) <= LONGEST_NAME or not said.isprintable() or len(kept) > LONGEST_QUERY or "\0" in kept:
        raise ViewTooLong
    mine = SavedView.objects.filter(user=user, table=of)
    if mine.exclude(name=said).count() >= MOST:
        raise ViewTooLong(f"You keep {MOST} views of this list already; delete one first.")
    found, _made = SavedView.objects.update_or_create(
        user=user,
        table=of,
        name=said,
        defaults={
            "query": kept,
            "is_shared": shared,
            "reach": reach_of(user),
            "names_rows": any(
                key == "q" or (value.isdigit() and len(value) > 1) or "id__" in key for key, value in asked
            ),
        },
    )
    return found


def _names_row(key: str, value: str) -> bool:
    """Whether a filter says which team, person or number, and not only of what sort."""
    return key == "q" or "id__" in key or (value.isdigit() and len(value) > 1)


def rename(view: SavedView, *, name: str) -> None:
    """Give a view another name. Raises :class:`ViewTooLong`, :class:`NameTaken`."""
    said = " ".join(name.split())
    if not 0 < len(said) <= LONGEST_NAME or not said.isprintable():
        raise ViewTooLong
    try:
        with transaction.atomic():
            SavedView.objects.filter(pk=view.pk).update(name=said)
    except IntegrityError:
        raise NameTaken from None


def delete(view: SavedView) -> None:
    """Forget a view."""
    SavedView.objects.filter(pk=view.pk).delete()


def reach_of(user: User) -> list[str]:
    """Somebody's regions and teams, as a view keeps them; none for who has all."""
    scope = scope_of(user)
    if scope.everywhere:
        return []
    return sorted([*scope.regions, *(f"team {number}" for number in scope.teams)])[:200] or ["nothing"]
