"""Lists of tables that grow without end: nothing is counted whole, nothing is searched without an index.

A first page reads what it shows and a little more, however many rows there are: a count stops at three hundred, a
number that is searched for is looked up as a number, and where a list has a ``reach``, filters look among its newest
rows.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.core.paginator import Paginator
from django.db.models import CharField, Field, Model, Q, QuerySet, Subquery, Value
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from config.admin import Record, SeenValues
from config.scope import offered, scope_of

# Where a count stops: ten pages. What a person would page through ends before, and what few rows have is found by
# walking past many that do not: each counted row costs as many as there are others between two of them.
MOST_COUNTED = 300
# More than these do not come in an hour.
MOST_AN_HOUR = 200_000
# "task 12", "#12" and "12" are asked for alike.
NUMBER = re.compile(r"\s*(?:#|[a-z][a-z ]*\s)?\s*(\d{1,18})\s*\Z", re.IGNORECASE)


class Capped(Paginator):
    """Pages of a list whose rows are counted up to :data:`MOST_COUNTED` and no further."""

    template_name = "admin/capped_pages.html"

    @cached_property
    def found(self) -> int:
        """How many there are, or one more than is counted. In the list's order, so that it is found as the page is: of
        rows in any order, planners would read all that a filter leaves and join them."""
        rows: Any = self.object_list
        return int(rows.values("pk")[: MOST_COUNTED + 1].count())

    @cached_property
    def count(self) -> int:
        return min(self.found, MOST_COUNTED)

    @property
    def is_capped(self) -> bool:
        """Whether there are more than are counted."""
        return self.found > MOST_COUNTED


class Newest(ChangeList):
    """A list that looks among its newest rows when it is filtered or sorted by what no index knows."""

    reach_used = 0

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        rows = super().get_queryset(request, exclude_parameters)
        reach: int = getattr(self.model_admin, "reach", 0)
        # Whose scope is narrow has filters always.
        narrow = self.get_filters_params() or self.query or not scope_of(request.user).everywhere
        if not reach or NUMBER.match(self.query or "") or not narrow:
            return rows
        few: Mapping[str, Collection[str]] = getattr(self.model_admin, "few", {})
        if any(request.GET.get(name) in values for name, values in few.items()):
            return rows
        newest = self.model._default_manager.order_by("-pk").values_list("pk", flat=True).first() or 0
        if newest <= reach:
            return rows
        self.reach_used = reach
        return rows.filter(pk__gt=newest - reach)

    def get_results(self, request: HttpRequest) -> None:
        """The page and how many there are. Of a first page both follow from one walk that takes numbers alone, in the
        list's order; the page's rows are then read by them. Read whole, with all that their cells say, planners would
        join what is shown to all that a filter leaves."""
        if self.page_num != 1 or self.show_all:
            super().get_results(request)
        else:
            most = self.list_per_page
            pages: Any = self.model_admin.get_paginator(request, self.queryset, most)
            numbers = list(self.queryset.values_list("pk", flat=True)[: MOST_COUNTED + 1])
            pages.found = len(numbers)
            rows = {row.pk: row for row in self.queryset.filter(pk__in=numbers[:most])} if numbers else {}
            self.paginator, self.result_count = pages, pages.count
            # What went away between the two is not shown.
            self.result_list = [rows[number] for number in numbers[:most] if number in rows]
            self.multi_page, self.can_show_all = self.result_count > most, self.result_count <= self.list_max_show_all
            self.show_full_result_count, self.full_result_count, self.show_admin_actions = False, None, True
        if getattr(self.paginator, "is_capped", False):
            # Else the head of the page would say a number that is none.
            self.full_result_count = self.result_count


class Large(Record):
    """A table that grows without end."""

    paginator = Capped
    # Most of a page's time goes into its cells.
    list_per_page = 30
    # To count behind each filter is to read the table once for each.
    show_facets = admin.ShowFacets.NEVER
    # Other columns have no index that holds their order.
    sortable_by: Any = ("id",)
    # So many of the newest rows are looked at when a filter has no index of its own; 0: all, for each has one.
    reach = 0
    # Filters' values that few rows have and an index finds: with one of these all rows are looked at.
    few: Mapping[str, Collection[str]] = {}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return Newest

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Numbers and whole keys as what they are, by their indexes; words in fields that are not named with ``=``."""
        term = search_term.strip()
        if not term:
            return queryset, False
        number = NUMBER.match(term)
        fields = [str(name) for name in self.get_search_fields(request)]
        exact = [name.removeprefix("=") for name in fields if name.startswith("=")]
        meant = Q(pk__in=[])
        for name in exact:
            column = _column(self.model, name)
            text = number[1] if number and not isinstance(column, CharField) else term
            try:
                meant |= Q(**{name: column.to_python(text)})
            except ValidationError:
                continue
        if not number:
            words = [name for name in fields if not name.startswith("=")]
            for name in words:
                meant |= Q(**{f"{name.removeprefix('^')}__icontains": term})
        return queryset.filter(meant), False


def _column(model: type[Model], way: str) -> Field[Any, Any]:
    """The column at the end of a way over foreign keys."""
    found: Any = None
    for step in way.split("__"):
        try:
            found = model._meta.get_field(step)
        except FieldDoesNotExist:
            found = model._meta.pk
        model = found.related_model or model
    column: Field[Any, Any] = found
    return column


class RegionValues(SeenValues):
    """A filter by region: the regions of this deployment that are this person's, which no table need be read for."""

    def __init__(self, field: Any, request: HttpRequest, params: Any, model: Any, model_admin: Any, field_path: str):
        super().__init__(field, request, params, model, model_admin, field_path)
        self.lookup_choices: Any = offered(request.user, settings.REGIONS)


class Came(admin.SimpleListFilter):
    """How long ago a row came; ``column`` is the time that says so."""

    title: Any = _("age")
    parameter_name = "came"
    column = "created_at"
    SPANS = {"hour": 1, "8h": 8, "day": 24, "week": 168}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("hour", _("The last hour")),
            ("8h", _("The last 8 hours")),
            ("day", _("The last 24 hours")),
            ("week", _("The last 7 days")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        hours = self.SPANS.get(self.value() or "")
        if hours is None:
            return queryset
        if hours == 1:
            # Rows come in the order of their numbers. In an hour in which little came, all would be walked for a page.
            newest = queryset.model._default_manager.order_by("-pk").values("pk")[:1]
            queryset = queryset.filter(pk__gt=Subquery(newest) - Value(MOST_AN_HOUR))
        return queryset.filter(**{f"{self.column}__gte": Now() - timedelta(hours=hours)})
