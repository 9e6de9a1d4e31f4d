"""The staff site: Unfold's, where what it works out over and over is worked out once.

Heads of a list are made anew for each of its rows, labels rendered anew for each cell, what leads back to the filters
is looked up for each link, and each page makes a list of all tables that none of ours shows: a third of a page's time.
"""

from __future__ import annotations

import functools
from typing import Any

from django.contrib import admin
from django.contrib.admin import sites
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.safestring import SafeString
from unfold.apps import DefaultAppConfig
from unfold.sites import UnfoldAdminSite

# Labels are states and outcomes: some dozens in each language.
LABELS_KEPT = 512
# What people ask of lists at a time.
LISTS_KEPT = 64


class ConsoleSite(UnfoldAdminSite):
    """Unfold's site, with a list of tables that is made when a page asks for it."""

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """The tables that this person may open, by app."""
        return SimpleLazyObject(lambda: super(ConsoleSite, self).get_app_list(request, app_label))


class Console(DefaultAppConfig):
    """Unfold, with our site in the place of its own."""

    default = False

    def ready(self) -> None:
        admin.site = sites.site = ConsoleSite()
        _heads_once()
        _labels_once()
        _filters_once()


def _heads_once() -> None:
    """Make a list's heads once, and not for each of its rows."""
    from unfold.templatetags import unfold_list

    made = unfold_list.result_headers

    @functools.wraps(made)
    def heads(changes: Any) -> list[dict[str, Any]]:
        if not hasattr(changes, "heads"):
            changes.heads = list(made(changes))
        found: list[dict[str, Any]] = changes.heads
        return found

    unfold_list.result_headers = heads


def _labels_once() -> None:
    """Render a label once for each word and colour, and not for each cell."""
    from unfold.templatetags import unfold_list

    made = unfold_list.display_for_label
    render = functools.lru_cache(maxsize=LABELS_KEPT)(lambda word, colour: made(word, "", {word: colour}))

    @functools.wraps(made)
    def label(shown: Any, empty: str, colours: Any) -> SafeString:
        value, word = shown if isinstance(shown, tuple) and len(shown) == 2 else (shown, shown)
        plain = isinstance(word, str | Promise) and not isinstance(word, SafeString) and bool(word)
        if plain and isinstance(colours, dict) and value in colours:
            # In the reader's language by now.
            return render(str(word), colours[value])
        rendered: SafeString = made(shown, empty, colours)
        return rendered

    unfold_list.display_for_label = label


def _filters_once() -> None:
    """Find out once what a row's link carries along, so that its page leads back to the list as it was filtered."""
    from unfold.templatetags import unfold_list

    made = unfold_list.add_preserved_filters

    @functools.lru_cache(maxsize=LISTS_KEPT)
    def carried(filters: str, opts: Any) -> str:
        row = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[0])
        return str(made({"preserved_filters": filters, "opts": opts}, row)).removeprefix(row)

    @functools.wraps(made)
    def link(context: dict[str, Any], url: str) -> str:
        return url + carried(context["preserved_filters"], context["opts"])

    unfold_list.add_preserved_filters = link
