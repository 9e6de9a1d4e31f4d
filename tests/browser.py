"""A real browser against a real server: pages of the console as people see them.

Chromium is the system's; without one these tests are skipped, and say so. ``SCREENSHOTS=folder`` keeps what they saw.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as conf
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SIZE: ViewportSize = {"width": 1366, "height": 768}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    # Playwright keeps an event loop in this thread, which Django takes for code that must not wait for a database. So
    # it is there for no longer than a module: other tests have loops of their own.
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield found
        found.close()


class Desk:
    """Somebody at a browser, signed in; what goes wrong on any page is kept in ``faults``."""

    def __init__(self, browser: Browser, base: str, user: User, *, dark: bool = False) -> None:
        self.base, self.faults = base, list[str]()
        client = Client()
        client.force_login(user)
        context = browser.new_context(
            viewport=SIZE, base_url=base, color_scheme="dark" if dark else "light", reduced_motion="reduce"
        )
        session = client.cookies[conf.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": conf.SESSION_COOKIE_NAME, "value": session, "url": base}])
        self.page: Page = context.new_page()
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.on("console", lambda said: self._hear(said))
        self.page.on("response", lambda reply: self._see(reply))

    def _hear(self, said: Any) -> None:
        if said.type == "error" or "Content Security Policy" in said.text:
            self.faults.append(f"{said.type}: {said.text}")

    def _see(self, reply: Any) -> None:
        if reply.status >= 500 or (reply.status == 404 and "/static/" in reply.url):
            self.faults.append(f"{reply.status}: {reply.url}")

    def open(self, path: str) -> Page:
        self.page.goto(path)
        return self.page

    def shoot(self, name: str) -> None:
        """Keep a picture, if somebody asked for pictures."""
        if folder := os.environ.get("SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            # What stays in its place while one scrolls is drawn where the page begins.
            self.page.evaluate("scrollTo(0, 0)")
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def _until_served() -> None:
    """Wait for what the server still does for pages that are closed: emptying the tables would lock against it."""
    busy = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND state IN ('active', 'idle in transaction') AND backend_type = 'client backend'"
    )
    until = time.monotonic() + 10
    with connection.cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute(busy)
            if cursor.fetchone() == (0,):
                return
            time.sleep(0.05)


@pytest.fixture
def desk(browser: Browser, live_server: Any) -> Iterator[Callable[..., Desk]]:
    """Sits somebody down at a browser: ``desk(user)``, ``desk(user, dark=True)``."""
    seated: list[Desk] = []

    def sit(user: User, **options: Any) -> Desk:
        seated.append(Desk(browser, live_server.url, user, **options))
        return seated[-1]

    yield sit
    for one in seated:
        one.page.context.close()
    _until_served()
    faults = [fault for one in seated for fault in one.faults]
    assert not faults, faults
