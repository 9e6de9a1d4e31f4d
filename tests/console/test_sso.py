"""Signing in by the company's own service: it says who somebody is, and gives nobody anything."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
import requests
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import make_user
from tests.sign_in_service import CLIENT, SECRET, Service, running

pytestmark = pytest.mark.django_db(transaction=True)
LOGIN, BACK = "/oidc/staff/login/", "/oidc/staff/login/callback/"


@pytest.fixture
def service(settings: Any) -> Iterator[Service]:
    with running() as found:
        settings.OIDC = {"issuer": found.issuer, "client_id": CLIENT, "secret": SECRET, "name": "Example ID"}
        providers = deepcopy(settings.SOCIALACCOUNT_PROVIDERS)
        providers["openid_connect"]["APPS"] = [
            {
                "provider_id": "staff",
                "name": "Example ID",
                "client_id": CLIENT,
                "secret": SECRET,
                "settings": {"server_url": found.issuer},
            }
        ]
        settings.SOCIALACCOUNT_PROVIDERS = providers
        yield found


@pytest.fixture
def ops(roles: None) -> User:
    return make_user("ops", "ops manager", is_staff=True, email="Asha@Example.org")


def through(client: Client, **query: str) -> Any:
    """What the browser is answered at the end of its way through the service."""
    reply = client.get(LOGIN, query)
    assert reply.status_code == 302, reply.content
    sent_back = requests.get(reply["Location"], allow_redirects=False, timeout=5).headers["Location"]
    assert sent_back.startswith(f"http://testserver{BACK}?")
    return client.get(sent_back.removeprefix("http://testserver"))


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_staff_come_in_by_their_verified_address_and_later_by_the_services_name_for_them(ops, service, client) -> None:
    reply = through(client, next="/admin/changes")
    assert (reply.status_code, reply["Location"]) == (302, "/admin/changes")
    assert client.get("/admin/changes").status_code == 200
    assert int(client.session["_auth_user_id"]) == ops.pk
    # The service's keys and doors were really asked.
    assert {"/.well-known/openid-configuration", "/token", "/userinfo"} <= set(service.asked)
    service.person["email"] = "married@example.org"
    again = Client()
    assert through(again).status_code == 302
    assert int(again.session["_auth_user_id"]) == ops.pk
    assert User.objects.get(pk=ops.pk).email == ops.email
    assert SocialAccount.objects.count() == 1


def test_who_is_not_of_staff_here_gets_nothing(ops, asha, service, client) -> None:
    people = User.objects.count()
    User.objects.filter(pk=asha.user.pk).update(email="reviewer@example.org")
    closed = make_user("closed", is_staff=True, email="closed@example.org", is_active=False)
    refused: list[dict[str, Any]] = [
        {"email": "nobody@example.org"},
        {"email": "reviewer@example.org"},
        {"email": closed.email},
        {"email_verified": False},
        {"email_verified": "false"},
        {"email_verified": "true"},
        {"email": ""},
    ]
    whole = dict(service.person)
    for wrong in refused:
        service.person = whole | wrong
        reply = through(client)
        assert (reply.status_code, reply["Location"]) == (302, "/admin/login/"), wrong
        assert not is_in(client), wrong
    assert "You are not known here" in client.get("/admin/login/").content.decode()
    assert User.objects.count() == people + 1
    assert not SocialAccount.objects.exists()


def test_an_address_of_two_opens_neither(ops, service, client) -> None:
    make_user("other", is_staff=True, email="asha@example.org")
    through(client)
    assert not is_in(client)


def test_an_address_given_to_somebody_new_does_not_open_their_predecessors_account(ops, service, client) -> None:
    through(client)
    service.person["sub"] = "u-2"
    other = Client()
    through(other)
    assert not is_in(other)


def test_who_left_staff_comes_in_no_more(ops, service, client) -> None:
    through(client)
    ops.is_staff = False
    ops.save(update_fields=["is_staff"])
    other = Client()
    through(other)
    assert not is_in(other)


@pytest.mark.parametrize(
    "lie", [{"sub": "u-9"}, {"iss": "https://evil.test"}, {"aud": "another"}, {"exp": 1}, {"denied": True}]
)
def test_a_token_that_is_not_right_opens_nothing(ops, service, client, lie) -> None:
    service.lies = lie
    reply = through(client)
    assert (reply.status_code, reply["Location"]) == (302, "/admin/login/")
    assert not is_in(client)


def test_a_code_that_the_session_did_not_ask_for_opens_nothing(ops, service, client) -> None:
    """A link that somebody is made to follow, with another's code in it, signs them in as nobody."""
    started = client.get(LOGIN)
    stolen = requests.get(started["Location"], allow_redirects=False, timeout=5).headers["Location"]
    victim = Client()
    reply = victim.get(stolen.removeprefix("http://testserver"))
    assert (reply.status_code, reply["Location"]) == (302, "/admin/login/")
    assert not is_in(victim)
    for nonsense in ({}, {"code": "x"}, {"state": "x", "code": "y"}):
        assert victim.get(BACK, nonsense).status_code == 302
    assert not is_in(victim)


@pytest.mark.parametrize("place", ["https://evil.test/", "//evil.test", "javascript:x"])
def test_it_sends_nobody_elsewhere(ops, service, client, place) -> None:
    reply = through(client, next=place)
    assert "evil" not in reply["Location"]
    assert reply["Location"].startswith("/admin/")


def test_a_second_factor_is_still_asked_for(ops, service, client, settings) -> None:
    settings.STAFF_SECOND_FACTOR = "required"
    through(client)
    assert is_in(client)
    assert client.get("/admin/")["Location"].startswith("/admin/second-factor")


def test_a_service_that_is_away_is_said_on_the_page(ops, service, client, settings) -> None:
    providers = deepcopy(settings.SOCIALACCOUNT_PROVIDERS)
    providers["openid_connect"]["APPS"][0]["settings"]["server_url"] = "http://127.0.0.1:9"
    settings.SOCIALACCOUNT_PROVIDERS = providers
    reply = client.get(LOGIN, follow=True)
    assert "does not answer" in reply.content.decode()


def test_without_settings_there_is_no_button_and_no_door(client) -> None:
    assert client.get(LOGIN).status_code == client.get(BACK).status_code == 404
    assert "Sign in with" not in client.get("/admin/login/").content.decode()
    for path in ("/admin/socialaccount/socialaccount/", "/admin/account/emailaddress/", "/accounts/login/"):
        assert client.get(path, follow=True).status_code in {200, 404}


def test_the_button_in_a_browser(ops, service, desk) -> None:
    sat = desk(ops)
    page = sat.page
    page.context.clear_cookies()
    sat.open("/admin/login/?next=/admin/changes")
    sat.shoot("sign-in-with-service")
    page.get_by_role("link", name="Sign in with Example ID").click()
    page.wait_for_url("**/admin/changes")
    page.get_by_role("button", name="Show").wait_for()
