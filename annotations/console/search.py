"""The search over everything: clips, people, teams, tasks, leases by number or name, and the pages of the menu.

Nothing is kept between two questions: what somebody may find is asked anew each time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from unfold.dataclasses import SearchResult

from annotations.models import Lease, Project, Task
from clips.models import Clip
from config.acting import staff
from config.lists import NUMBER
from config.menu import MENU
from config.scope import seen
from workforce.models import Reviewer, Team

LONGEST, EACH = 100, 8
LARGEST = 2**63 - 1
KEY = re.compile(r"[A-Za-z0-9_-]{8,64}\Z")


@dataclass(frozen=True)
class Place:
    """One table that is searched."""

    model: type[Model]
    word: Any
    """What one row is called, which may stand before its number."""
    icon: str
    names: tuple[str, ...] = ()
    """Columns in which a part of a name is looked for: of tables that are small."""
    keys: tuple[str, ...] = ()
    """Columns that are looked up whole."""
    related: tuple[str, ...] = ()
    said: Callable[[Any], str] = str


PLACES = [
    Place(
        Clip, _("clip"), "movie", keys=("owner_key", "sha256"),
        said=lambda row: f"{row.get_state_display()}, {row.region}",
    ),
    Place(
        Task, _("task"), "checklist", related=("project", "team"),
        said=lambda row: f"{row.get_state_display()}, {row.project}, {row.team}",
    ),
    Place(
        Lease, _("lease"), "timer", related=("reviewer__user", "task__project"),
        said=lambda row: f"{row.get_state_display()}, {row.reviewer}, {row.task.project}",
    ),
    Place(
        Reviewer, _("person"), "badge", names=("user__username", "user__first_name", "user__last_name"),
        keys=("pseudonym",), related=("user", "team"),
        said=lambda row: f"{row.user.get_full_name() or row.user.username}, {row.team}",
    ),
    Place(
        Team, _("team"), "groups", names=("name",), related=("region",),
        said=lambda row: f"{row.name}, {row.region}",
    ),
    Place(Project, _("project"), "folder", names=("name", "slug"), said=lambda row: row.name),
]  # fmt: skip


@admin.site.admin_view
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """What is found, as the box that is typed into shows it; at most one statement for each table."""
    term = request.GET.get("s", "").strip()[:LONGEST]
    if not term:
        return HttpResponse()
    began = monotonic()
    found = [*_pages(request, term), *_rows(staff(request), term)]
    pages = Paginator(found, max(1, len(found)))
    extended = "extended" in request.GET
    template = "unfold/helpers/command_results.html" if extended else "unfold/helpers/search_results.html"
    context = {"page_obj": pages, "results": pages.page(1), "page_counter": 0, "execution_time": monotonic() - began}
    return TemplateResponse(request, template, context, headers={"HX-Trigger": "search"})


def _pages(request: HttpRequest, term: str) -> Iterator[SearchResult]:
    for group in MENU:
        items: Any = group["items"]
        for item in items:
            may = item.get("permission")
            if term.lower() in str(item["title"]).lower() and (may is None or may(request)):
                yield SearchResult(
                    title=str(item["title"]), description=str(group["title"]), link=str(item["link"]), icon=item["icon"]
                )


def _rows(user: User, term: str) -> Iterator[SearchResult]:
    number = NUMBER.match(term)
    word = term[: number.start(1)].strip(" #").lower() if number else ""
    for place in PLACES:
        name = f"{place.model._meta.app_label}_{place.model._meta.model_name}"
        if not user.has_perm(f"{place.model._meta.app_label}.view_{place.model._meta.model_name}"):
            continue
        meant = _meant(place, term, number=int(number[1]) if number else None, word=word)
        if meant is None:
            continue
        rows: QuerySet[Any] = seen(user, place.model._default_manager.filter(meant))
        if place.related:
            rows = rows.select_related(*place.related)
        for row in rows.order_by("-pk")[:EACH]:
            yield SearchResult(
                title=f"{str(place.word).capitalize()} {row.pk}",
                description=place.said(row),
                link=reverse(f"admin:{name}_change", args=[row.pk]),
                icon=place.icon,
            )


def _meant(place: Place, term: str, *, number: int | None, word: str) -> Q | None:
    """Which rows of a table somebody means; None when they mean none of it."""
    if number is not None and (not word or word == str(place.word)):
        return Q(pk=number) if number <= LARGEST else None
    meant = Q()
    if len(term) > 1:
        for column in place.names:
            meant |= Q(**{f"{column}__icontains": term})
    if KEY.match(term):
        for column in place.keys:
            meant |= Q(**{column: term})
    return meant or None
