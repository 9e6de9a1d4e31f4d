"""What axe finds on a page of the console."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def faults_of(page: Page) -> list[str]:
    """What is serious or critical in the page's own part; the menu around it is the theme's."""
    found = Axe().run(page, context="#main")
    return [
        f"{one['id']}: {[node['target'] for node in one['nodes']][:3]}"
        for one in found.response["violations"]
        if one["impact"] in {"serious", "critical"}
    ]
