"""Pages that are refused or broke: in the reader's language, with what to do, and a way back."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import translation

from config.http import problems
from tests.conftest import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer(roles: None) -> Client:
    client = Client()
    client.force_login(make_user("officer", "privacy officer", is_staff=True))
    return client


def said(reply: Any) -> str:
    return str(reply.content.decode())


def test_a_page_of_another_role_says_so_and_leads_back(officer) -> None:
    reply = officer.get(reverse("admin:annotations_plan_changelist"))
    assert reply.status_code == 403
    for words in ("You may not do this.", "another role", f'href="{reverse("admin:index")}"', "refused.css"):
        assert words in said(reply)


def test_what_is_not_there_is_said_in_the_readers_language(officer) -> None:
    officer.cookies[settings.LANGUAGE_COOKIE_NAME] = "ro"
    reply = officer.get("/admin/clips/clip/999999999/change/")
    assert (reply.status_code, '<html lang="ro">' in said(reply)) == (404, True)
    with translation.override("ro"):
        for words in ("There is nothing here for you.", "Today"):
            assert translation.gettext(words) in said(reply)
            assert translation.gettext(words) != words


def test_machines_are_told_in_english_whatever_they_speak(client) -> None:
    reply = client.get("/nowhere", headers={"accept-language": "ro"})
    assert (reply.status_code, reply["Content-Type"]) == (404, problems.PROBLEM)
    assert reply.json()["title"] == "There is nothing here for you."


def test_a_page_that_broke_needs_neither_database_nor_session() -> None:
    """No test database is asked: this request has no user and no session."""
    reply = problems.server_error(RequestFactory().get("/admin/"))
    assert reply.status_code == 500
    assert "before you do it again" in said(reply)


def test_a_form_that_is_older_than_the_sign_in_says_that_nothing_changed(officer) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = officer.cookies
    reply = strict.post("/admin/logout/")
    assert (reply.status_code, "Nothing was changed" in said(reply)) == (403, True)
