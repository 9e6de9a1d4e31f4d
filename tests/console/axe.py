"""What axe finds serious on a page: contrast, names of fields, order of headings. The frame is unfold's."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

# Unfold's own frame: its menu, its header, and the bar of its lists.
SHELL = ["#nav-sidebar", "#header-inner", "#changelist-actions", "#skip-to-main-content"]


def serious(page: Page, *, within: str = "#content, #main, main") -> list[str]:
    """Serious and critical violations in the page's own part, each with where it is."""
    place: Any = page.locator(within).first
    context: Any = {"exclude": [[one] for one in SHELL if page.locator(one).count()]}
    if place.count():
        context["include"] = [[next(one.strip() for one in within.split(",") if page.locator(one.strip()).count())]]
    found = Axe().run(page, context=context).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found if one["impact"] in {"serious", "critical"}
    ]
