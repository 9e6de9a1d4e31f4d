"""Where nothing is yet, a page says what it is for; pages and menu use the same words; nothing is asked for in vain."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from django.utils.html import escape
from knox.models import get_token_model

from config.clock import database_now
from config.menu import MENU
from config.places import PURPOSES, purpose, word_for
from tests.conftest import make_user
from workforce import signing_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def boss(roles) -> Client:
    client = Client()
    client.force_login(make_user("boss", is_staff=True, is_superuser=True))
    return client


def list_of(model) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def test_every_list_says_what_it_is_for_and_how_it_fills(boss) -> None:
    listed = {model._meta.label_lower for model in admin.site._registry}
    assert listed == set(PURPOSES)
    for model in admin.site._registry:
        text = boss.get(list_of(model)).content.decode()
        if not model._default_manager.exists():
            assert "Nothing here yet" in text, model
            assert escape(str(purpose(model))) in text, model
        searched = boss.get(list_of(model), {"q": "no-such-thing"})
        if admin.site._registry[model].search_fields:
            assert "Nothing is found by this search" in searched.content.decode(), model


def test_pages_are_called_as_the_menu_calls_them(boss) -> None:
    for model in admin.site._registry:
        title = word_for(model)
        if title:
            page = boss.get(list_of(model))
            assert page.context["title"] == title, model
            assert f"<title> {escape(str(title))} |" in " ".join(page.content.decode().split()), model
    lines = {str(line["title"]): str(line["link"]) for group in MENU for line in group["items"]}  # type: ignore[attr-defined]
    for title, link in lines.items():
        page = boss.get(link).content.decode()
        assert escape(title) in page.partition('id="header-inner"')[2][:4000], title


def test_no_page_asks_for_what_is_not_there(boss, tasks, desk) -> None:
    sat = desk(make_user("second", is_staff=True, is_superuser=True))
    missing: list[str] = []
    sat.page.on("response", lambda reply: missing.append(reply.url) if reply.status == 404 else None)
    for path in ("/", "/admin/", "/admin/login/", "/admin/changes", "/admin/audit", "/admin/owners", "/api/v1/docs"):
        sat.open(path)
    for model in admin.site._registry:
        sat.open(list_of(model))
        row = model._default_manager.first()
        if row is not None:
            sat.open(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk]))
    assert not missing


def test_empty_lists_in_a_browser(roles, desk) -> None:
    sat = desk(make_user("ops", "ops manager", is_staff=True))
    page = sat.open("/admin/annotations/task/")
    page.get_by_text("Clips to be labelled.").wait_for()
    sat.shoot("empty-tasks")
    dark = desk(make_user("ops2", "ops manager", is_staff=True), dark=True)
    dark.open("/admin/clips/addition/").get_by_text("Proxies that ready clips lack").wait_for()
    dark.shoot("empty-additions-dark")


def test_tokens_that_expired_are_removed(asha) -> None:
    tokens = get_token_model().objects
    tokens.create(asha.user)
    old = tokens.create(asha.user)[0]
    at = database_now()
    tokens.filter(pk=old.pk).update(expiry=at - timedelta(seconds=1))
    assert signing_in.end_tokens(at=at) == 1
    assert tokens.count() == 1
