"""Times are shown in the zone of who looks, with UTC on hover; a zone is believed only if it is one."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from annotations.templatetags.console import when
from config.admin import ago
from config.zones import OLD_NAMES, zone_named
from tests.conftest import make_user

pytestmark = pytest.mark.django_db(transaction=True)
INDIA = {"Asia/Kolkata", "Asia/Calcutta"}
AT = datetime(2026, 11, 22, 22, 30, tzinfo=UTC)


def test_a_time_is_said_here_and_there() -> None:
    with timezone.override(ZoneInfo("Asia/Kolkata")):
        assert 'title="2026-11-22 22:30:00 UTC"' in when(AT)
        assert ">2026-11-23 04:00<" in when(AT)
        assert 'title="2026-11-23 04:00:00, 2026-11-22 22:30:00 UTC"' in ago(AT)
    assert 'title="2026-11-22 22:30:00 UTC"' in ago(AT)


@pytest.mark.parametrize(
    "name", ["", "Nowhere/Here", "../../etc/passwd", "/etc/passwd", "x" * 200, "Asia", "é", "a\0b"]
)
def test_what_is_no_zone_is_not_believed(name, client) -> None:
    assert zone_named(name) is None
    client.cookies["zone"] = name.replace("\0", "")
    assert client.get("/admin/login/").status_code == 200


@pytest.mark.parametrize("name", sorted(INDIA | {"Europe/Bucharest", "UTC", "America/Argentina/Buenos_Aires"}))
def test_a_zone_is_believed(name) -> None:
    assert str(zone_named(name)) == OLD_NAMES.get(name, name)


def test_a_zone_ends_with_its_request(client, roles) -> None:
    client.force_login(make_user("ops", "ops manager", is_staff=True))
    client.cookies["zone"] = "Europe/Bucharest"
    assert client.get("/admin/").status_code == 200
    assert timezone.get_current_timezone_name() == "UTC"


def test_the_browser_says_its_zone_once_and_pages_follow(roles, tasks, desk, browser, live_server) -> None:
    sat = desk(make_user("ops", "ops manager", is_staff=True))
    cookies = sat.page.context.storage_state()["cookies"]
    context = browser.new_context(
        timezone_id="Asia/Kolkata", base_url=live_server.url, storage_state={"cookies": cookies}
    )
    page = context.new_page()
    page.goto("/admin/")
    # Chromium still calls it by its old name.
    assert next(cookie["value"] for cookie in context.cookies() if cookie["name"] == "zone") in INDIA
    page.goto("/admin/annotations/task/")
    told = [
        title
        for title in page.locator("td [title], th [title]").evaluate_all("all => all.map(one => one.title)")
        if "UTC" in title
    ]
    context.close()
    assert told
    for title in told:
        found = re.fullmatch(r"(\S+ \S+), (\S+ \S+) UTC", title)
        assert found, title
        here, there = (datetime.strptime(text, "%Y-%m-%d %H:%M:%S") for text in found.groups())  # noqa: DTZ007
        assert here - there == timedelta(hours=5, minutes=30)
