"""Signing in with a second factor: set up, asked for at every door, lost and reset."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from annotations import changes
from tests.conftest import PASSWORD, make_user, signed_in
from workforce import second_factor
from workforce.models import FactorHeld

pytestmark = pytest.mark.django_db(transaction=True)
FACTOR = "/admin/second-factor"


@pytest.fixture(autouse=True)
def _asked(settings: Any) -> None:
    settings.STAFF_SECOND_FACTOR = "required"


@pytest.fixture
def ops(roles: None) -> User:
    return make_user("ops", "ops manager", is_staff=True)


def shown_by(device: TOTPDevice, steps: int = 0) -> str:
    """What the app shows, so many half minutes from now."""
    clock = TOTP(device.bin_key, device.step, device.t0, device.digits)
    return f"{clock.token() if not steps else TOTP(device.bin_key, t0=-30 * steps).token():06d}"


def with_app(user: User) -> TOTPDevice:
    """As if it was set up some days ago: no code of it was used of late."""
    return TOTPDevice.objects.create(user=user, name="app", key=second_factor.new_key())


def by_password(user: User) -> Client:
    client = Client()
    reply = client.post("/admin/login/?next=/admin/", {"username": user.username, "password": PASSWORD})
    assert reply.status_code == 302, reply.content
    return client


def token_for(client: Client, user: User, **fields: str) -> Any:
    body = {"username": user.username, "password": PASSWORD} | fields
    return client.post("/api/v1/tokens", body, content_type="application/json")


def test_a_password_alone_opens_no_page_and_no_door(ops) -> None:
    with_app(ops)
    client = by_password(ops)
    for path in ("/admin/", "/admin/changes", "/admin/workforce/team/", "/admin/password_change/", "/admin/nowhere"):
        reply = client.get(path)
        assert reply.status_code == 302, path
        assert reply["Location"].startswith(f"{FACTOR}?next=")
        assert client.post(path, {}).status_code == 302, path
    live = client.get("/admin/", headers={"HX-Request": "true"})
    assert (live.status_code, live["HX-Redirect"]) == (204, FACTOR)
    door = client.get("/api/v1/me")
    assert (door.status_code, door.json()["code"]) == (401, "second-factor-needed")
    assert client.post(f"{FACTOR}/codes").status_code == 404


def test_a_code_opens_what_the_password_did_not(ops) -> None:
    device = with_app(ops)
    client = by_password(ops)
    before = client.session.session_key
    wrong = client.post(FACTOR, {"code": "000000"})
    assert wrong.status_code == 422
    device.refresh_from_db()
    TOTPDevice.objects.update(throttling_failure_timestamp=None, throttling_failure_count=0)
    reply = client.post(FACTOR, {"code": shown_by(device), "next": "/admin/changes?kind=clip"})
    assert (reply.status_code, reply["Location"]) == (302, "/admin/changes?kind=clip")
    assert client.session.session_key != before
    assert client.get("/admin/").status_code == 200
    assert client.get("/api/v1/me").status_code == 200


@pytest.mark.parametrize("place", ["https://evil.test/", "//evil.test", "/admin/../../evil", "javascript:x", "/api/"])
def test_a_code_sends_nobody_elsewhere(ops, place) -> None:
    device = with_app(ops)
    reply = by_password(ops).post(FACTOR, {"code": shown_by(device), "next": place})
    assert reply.status_code == 302
    assert reply["Location"].startswith("/admin/")
    assert "evil.test" not in reply["Location"]


def test_a_code_works_once(ops) -> None:
    device = with_app(ops)
    code = shown_by(device)
    assert by_password(ops).post(FACTOR, {"code": code}).status_code == 302
    assert by_password(ops).post(FACTOR, {"code": code}).status_code == 422


def test_wrong_codes_are_slowed_and_then_refused(ops) -> None:
    device = with_app(ops)
    client = by_password(ops)
    said = []
    for _ in range(12):
        said.append(client.post(FACTOR, {"code": "000000"}).content.decode())
    assert "This code is not right" in said[0]
    assert "before you try another code" in said[1]
    assert "Tried too often" in said[-1]
    # The right one, too, so that guessing does not pay.
    assert client.post(FACTOR, {"code": shown_by(device)}).status_code == 422


def test_somebody_sets_it_up_and_keeps_codes_that_work_once_each(ops) -> None:
    client = by_password(ops)
    page = client.get("/admin/", follow=True).content.decode()
    spelled = re.search(r'class="sl-key">([A-Z2-7 ]+)<', page)
    assert spelled
    key = base64.b32decode(spelled[1].replace(" ", "") + "=" * (-len(spelled[1].replace(" ", "")) % 8))
    assert 'src="data:image/svg+xml;base64,' in page
    told = client.post(FACTOR, {"code": f"{TOTP(key).token():06d}"}).content.decode()
    codes = re.findall(r"<code>([a-z2-9]{5}-[a-z2-9]{5})</code>", told)
    assert len(set(codes)) == 10
    assert client.get("/admin/").status_code == 200
    # None of them stands in the database.
    kept = set(StaticToken.objects.values_list("token", flat=True))
    assert len(kept) == 10
    assert not kept & {code.replace("-", "") for code in codes}
    lost = by_password(ops)
    assert lost.post(FACTOR, {"code": codes[3].upper()}).status_code == 302
    assert lost.get("/admin/").status_code == 200
    assert by_password(ops).post(FACTOR, {"code": codes[3]}).status_code == 422
    assert second_factor.held_by(ops).left == 9
    assert "9 recovery codes are left" in lost.get(FACTOR).content.decode()


def test_codes_are_made_anew_and_another_phone_is_set_up_by_who_gave_a_code(ops) -> None:
    device = with_app(ops)
    old = second_factor.renew_codes(ops)
    client = by_password(ops)
    client.post(FACTOR, {"code": shown_by(device)})
    told = client.post(f"{FACTOR}/codes", {"act": "codes"}).content.decode()
    assert re.findall(r"<code>([a-z2-9-]+)</code>", told)
    assert by_password(ops).post(FACTOR, {"code": old[0]}).status_code == 422
    assert client.post(f"{FACTOR}/codes", {"act": "another"}).status_code == 302
    assert not second_factor.has(ops)
    # And at once it is asked for again.
    assert client.get("/admin/").status_code == 302
    assert "sl-key" in client.get(FACTOR).content.decode()


def test_a_key_of_the_session_is_nobodys_second_factor_until_a_code_shows_it(ops) -> None:
    client = by_password(ops)
    client.get(FACTOR)
    assert client.post(FACTOR, {"code": "000000"}).status_code == 422
    assert not TOTPDevice.objects.exists()
    assert not StaticDevice.objects.exists()


def test_a_token_is_no_way_around_it(ops) -> None:
    client = Client()
    assert (token_for(client, ops).status_code, token_for(client, ops).json()["code"]) == (403, "second-factor-missing")
    device = with_app(ops)
    reply = token_for(client, ops)
    assert (reply.status_code, reply.json()["code"]) == (401, "second-factor-needed")
    reply = token_for(client, ops, otp="000000")
    assert (reply.status_code, reply.json()["code"]) == (401, "second-factor-wrong")
    TOTPDevice.objects.update(throttling_failure_timestamp=None, throttling_failure_count=0)
    reply = token_for(client, ops, otp=shown_by(device))
    assert reply.status_code == 201
    # A wrong password says nothing of the second factor.
    reply = token_for(client, ops, password="wrong", otp=shown_by(device, 1))
    assert reply.json()["code"] == "sign-in-failed"
    for _ in range(12):
        slowed = token_for(client, ops, otp="000000")
    assert (slowed.status_code, slowed.json()["code"]) == (429, "too-many-requests")
    assert int(slowed["Retry-After"]) > 0


def test_reviewers_and_machines_are_not_asked(asha, gateway, client) -> None:
    assert token_for(client, asha.user).status_code == 201
    assert token_for(client, gateway).status_code == 201
    client.force_login(asha.user)
    assert client.get(FACTOR).status_code == 404


def test_nobody_is_asked_where_the_settings_do_not(ops, settings) -> None:
    settings.STAFF_SECOND_FACTOR = "off"
    client = by_password(ops)
    assert client.get("/admin/").status_code == 200
    assert token_for(client, ops).status_code == 201


def test_an_administrator_resets_anothers_with_a_reason_that_is_kept(ops) -> None:
    boss = make_user("boss", is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(boss)
    session = client.session
    session["otp_device_id"] = with_app(boss).persistent_id
    session.save()
    with_app(ops)
    second_factor.renew_codes(ops)
    api = signed_in(ops)
    asked = {"action": "reset_factor", "_selected_action": [ops.pk]}
    url = reverse("admin:workforce_staff_changelist")
    page = client.post(url, asked)
    assert "Cannot be undone" in page.content.decode()
    assert second_factor.has(ops)
    done = client.post(url, asked | {"confirmed": "yes", "reason": "lost her phone"}, follow=True)
    assert "have none now" in done.content.decode()
    assert second_factor.held_by(ops) == second_factor.Factors(since=None, left=0)
    assert api.get("/api/v1/me").status_code == 401
    told = changes.latest(kind="second factor")[0]
    assert (told.by, told.verb, told.why, told.number) == ("boss", "reset second factor", "lost her phone", ops.pk)
    assert "key" not in {field.name for field in FactorHeld.pgh_event_model._meta.fields}


def test_nobody_else_resets_and_nobody_their_own(ops) -> None:
    other = make_user("other", "ops manager", is_staff=True)
    client = Client()
    for user in (other, ops):
        with_app(user)
    client.force_login(other)
    session = client.session
    session["otp_device_id"] = TOTPDevice.objects.get(user=other).persistent_id
    session.save()
    url = reverse("admin:workforce_staff_changelist")
    client.post(url, {"action": "reset_factor", "_selected_action": [ops.pk], "confirmed": "yes", "reason": "for fun"})
    assert second_factor.has(ops)
    boss = make_user("boss", is_staff=True, is_superuser=True)
    with_app(boss)
    with pytest.raises(second_factor.NotToYourself):
        second_factor.reset(boss, by=boss, reason="my own")
    with pytest.raises(second_factor.NotFound):
        second_factor.reset(ops, by=other, reason="for fun")
    assert second_factor.has(boss)


def test_keys_are_on_no_page(ops) -> None:
    boss = make_user("boss", is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(boss)
    session = client.session
    session["otp_device_id"] = with_app(boss).persistent_id
    session.save()
    for path in ("/admin/otp_totp/totpdevice/", "/admin/otp_static/staticdevice/"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("dark", [False, True])
def test_the_story_in_a_browser(ops, desk, dark) -> None:
    sat = desk(ops, dark=dark)
    shade = "dark" if dark else "light"
    page = sat.open("/admin/workforce/team/")
    page.get_by_role("heading", name="Set up your second factor").wait_for()
    sat.shoot(f"factor-set-up-{shade}")
    # Around it is unfold's own frame, whose link home is too pale in the dark.
    found = Axe().run(page, context="main", options={"resultTypes": ["violations"]}).response["violations"]
    assert [one["id"] for one in found if one["impact"] in {"serious", "critical"}] == []
    spelled = page.locator(".sl-key").inner_text().replace(" ", "")
    key = base64.b32decode(spelled + "=" * (-len(spelled) % 8))
    page.get_by_label("Code").fill("12345")
    page.keyboard.press("Enter")
    page.get_by_text("This code is not right").wait_for()
    # The browser says of a form that was refused that it was; here it is meant.
    sat.faults.clear()
    page.get_by_label("Code").fill(f"{TOTP(key).token():06d}")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Your recovery codes").wait_for()
    sat.shoot(f"factor-codes-{shade}")
    code = page.locator(".sl-codes code").first.inner_text()
    page.get_by_role("link", name="I have kept them").click()
    page.wait_for_url("**/admin/workforce/team/")
    sat.open(FACTOR)
    page.get_by_text("10 recovery codes are left").wait_for()
    sat.shoot(f"factor-held-{shade}")
    again = desk(ops, dark=dark)
    page = again.open("/admin/")
    page.get_by_role("heading", name="Your code").wait_for()
    again.shoot(f"factor-verify-{shade}")
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("heading", name="Clips by state").wait_for()
