"""The console's home, in a browser."""

from __future__ import annotations

import pytest

from tests.conftest import make_team, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_home_opens_without_a_fault(roles, desk) -> None:
    make_team()
    sat = desk(make_user("ops", "ops manager", is_staff=True))
    page = sat.open("/admin/")
    assert page.get_by_role("heading", name="Clips by state").is_visible()
    sat.shoot("home")
