"""What is worked out once for a list, a label or a link is what Unfold works out over and over."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin.sites import AdminSite
from django.test import Client
from django.urls import reverse
from unfold.templatetags import unfold_list

from annotations import leasing
from annotations.models import Task
from tests.conftest import make_user

LISTS = [
    (reverse(f"admin:{name}_changelist"), asked)
    for name in ("annotations_task", "annotations_lease", "workforce_reviewer", "clips_consentevent", "clips_case")
    for asked in ({}, {"q": "1"})
] + [(reverse("admin:annotations_task_changelist"), {"state__exact": "open"})]
ONCE = ("result_headers", "display_for_label", "add_preserved_filters")
# What differs between two answers of one page.
ANEW = re.compile(r'name="csrfmiddlewaretoken" value="\w+"|nonce="[^"]+"|X-CSRFToken[^}]*')

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(roles: None, asha, tasks) -> Client:
    leasing.lease_next(asha.user_id, count=2)
    client = Client()
    client.force_login(make_user("ops", "ops manager", is_staff=True))
    return client


def test_pages_are_those_of_unfold_to_the_letter(manager, monkeypatch) -> None:
    seen = []
    for path, asked in LISTS:
        # One right after the other: pages say how long ago things were.
        ours = ANEW.sub("", manager.get(path, asked).content.decode())
        with monkeypatch.context() as patch:
            for name in ONCE:
                patch.setattr(unfold_list, name, getattr(unfold_list, name).__wrapped__)
            assert ANEW.sub("", manager.get(path, asked).content.decode()) == ours
        seen.append(ours)
    assert sum("field-state_label" in page for page in seen) >= 3
    assert sum("_changelist_filters=" in page for page in seen) >= 1


def test_the_heads_of_a_list_are_made_once(manager, monkeypatch) -> None:
    made = []
    before = unfold_list.result_headers

    def count(changes: object) -> object:
        made.append(not hasattr(changes, "heads"))
        return before(changes)

    monkeypatch.setattr(unfold_list, "result_headers", count)
    manager.get(reverse("admin:annotations_task_changelist"))
    assert len(made) == Task.objects.count() + 1
    assert sum(made) == 1


def test_a_label_is_of_its_own_list_and_cannot_write_into_the_page() -> None:
    label = unfold_list.display_for_label
    assert "bg-blue-100" in label(("open", "Open"), "-", {"open": "info"})
    assert "bg-red-100" in label(("open", "Open"), "-", {"open": "danger"})
    assert "&lt;b&gt;" in label(("open", "<b>"), "-", {"open": "info"})
    for value in ("", None, ("gone", "Gone"), "plain"):
        assert label(value, "-", {"open": "info"}) == label.__wrapped__(value, "-", {"open": "info"})


def test_tables_are_listed_only_where_a_page_shows_them(manager, monkeypatch) -> None:
    made = []
    before = AdminSite._build_app_dict

    def count(*asked: Any) -> Any:
        made.append(asked)
        return before(*asked)

    monkeypatch.setattr(AdminSite, "_build_app_dict", count)
    assert manager.get(reverse("admin:annotations_task_changelist")).status_code == 200
    assert manager.get(reverse("admin:index")).status_code == 200
    assert made == []
    reply = manager.get(reverse("admin:app_list", args=["clips"]))
    assert (reply.status_code, bool(made)) == (200, True)
    assert "Clips" in reply.content.decode()
