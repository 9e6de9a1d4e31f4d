"""Bad input from the first day: each a 4xx with a code, nothing half-stored, never a 500."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import storages
from django.test import Client

from clips.models import Clip, ConsentEvent
from config.clock import database_now
from config.health import MARKER
from tests import racing
from tests.conftest import PASSWORD, SAMPLES, consent_for, make_reviewer, make_user, signed_in, upload
from workforce import signing_in
from workforce.errors import TooManyTries
from workforce.models import SignInTries

pytestmark = pytest.mark.django_db

AVI = (SAMPLES / "walkway.avi").read_bytes()
MP4 = (SAMPLES / "bikes.mp4").read_bytes()


def nothing_is_stored() -> bool:
    root = Path(storages["clips-in"].location)  # type: ignore[attr-defined]
    left = [path for path in root.rglob("*") if path.is_file() and path.name != MARKER]
    incoming = list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir())
    return not left and not incoming and not Clip.objects.exists() and not ConsentEvent.objects.exists()


@pytest.mark.parametrize(
    ("name", "data", "status", "code"),
    [
        ("notes.mp4", b"this is not a video at all, " * 50, 415, "not-a-video"),
        ("page.mp4", b"<!doctype html><script>alert(1)</script>" * 20, 415, "not-a-video"),
        ("cut.avi", AVI[: len(AVI) * 6 // 10], 400, "truncated"),
        ("cut.mp4", MP4[: len(MP4) * 6 // 10], 400, None),
        ("empty.mp4", b"", 400, "empty-file"),
        ("walkway.mp4", AVI, 400, "extension-mismatch"),
        ("bikes.avi", MP4, 400, "extension-mismatch"),
        ("walkway.txt", AVI, 415, "unsupported-extension"),
        ("walkway", AVI, 415, "unsupported-extension"),
        ("../../etc/passwd", AVI, 415, "unsupported-extension"),
    ],
)
def test_a_file_that_is_no_whole_video_is_refused(send, name, data, status, code) -> None:
    reply = send(upload(name, data))
    assert reply.status_code == status, reply.json()
    assert reply["Content-Type"] == "application/problem+json"
    if code:
        assert reply.json()["code"] == code
    assert nothing_is_stored()


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"consent": None}, "consent-missing"),
        ({"consent": "{"}, "consent-malformed"),
        ({"consent": "[]"}, "consent-malformed"),
        ({"consent": "[" * 2000 + "]" * 2000}, "consent-malformed"),
        ({"consent": json.dumps(consent_for(purposes=["model_training"]))}, "consent-lacks-human-review"),
        ({"consent": json.dumps(consent_for(purposes=[]))}, "invalid"),
        ({"consent": json.dumps(consent_for(purposes=["face_search", "human_review"]))}, "invalid"),
        ({"consent": json.dumps(consent_for(disclosure="in-en-99"))}, "unknown-disclosure"),
        ({"consent": json.dumps(consent_for(given_at="2025-12-31T23:00:00Z"))}, "unknown-disclosure"),
        ({"consent": json.dumps(consent_for(given_at="2099-01-01T00:00:00Z"))}, "invalid"),
        ({"consent": json.dumps(consent_for(owner="jane@example.org"))}, "invalid"),
        ({"consent": json.dumps(consent_for(surprise=1))}, "invalid"),
        ({"consent": json.dumps(consent_for(owner="owner\0key-1"))}, "consent-malformed"),
        ({"region": "mars"}, "unknown-region"),
        ({"region": "i\0n"}, "invalid"),
        ({"source": "found_on_the_street"}, "invalid"),
        ({"file": "not a file"}, "invalid"),
    ],
)
def test_a_clip_without_what_it_needs_is_refused(send, fields, code) -> None:
    reply = send(**fields)
    assert reply.status_code == 400, reply.json()
    assert reply.json()["code"] == code
    assert nothing_is_stored()


def test_a_file_over_the_limit_is_cut_while_it_arrives(send, settings) -> None:
    settings.UPLOAD_LIMIT_BYTES = 100_000
    reply = send()
    assert (reply.status_code, reply.json()["code"]) == (413, "clip-too-large")
    assert nothing_is_stored()


def test_a_good_clip_is_accepted_and_told_where_to_ask(send) -> None:
    reply = send()
    assert reply.status_code == 202, reply.json()
    body = reply.json()
    assert body["state"] == "uploaded"
    assert reply["Location"] == body["url"]
    clip = Clip.objects.get()
    assert storages["clips-in"].size(clip.original_key) == len(AVI)
    consent = ConsentEvent.objects.get()
    assert (consent.clip_id, consent.owner_key, consent.purposes) == (clip.pk, "owner-0001-abcd", ["human_review"])
    assert not list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir())


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"count": 1', "malformed-json"),
        (b"\xff\xfe{}", "malformed-json"),
        (b'{"count": NaN}', "malformed-json"),
        (b'{"count": 1e999}', "malformed-json"),
        (b'{"count": 1, "count": 2}', "malformed-json"),
        (b'{"count": ' + b"9" * 5000 + b"}", "malformed-json"),
        (b"[" * 2000 + b"]" * 2000, "json-too-deep"),
        (b"[" * 100000, "json-too-deep"),
        (b'{"a":' * 2000 + b"1" + b"}" * 2000, "json-too-deep"),
        (b'{"count": "\\u0000"}', "text-not-allowed"),
        (b'{"count": "\\ud800"}', "text-not-allowed"),
        (b'{"count": ' + b" " * 300_000 + b"1}", "body-too-large"),
        (b"[1]", "invalid"),
        (b"null", "invalid"),
        (b"3", "invalid"),
        (b'{"count": 0}', "invalid"),
        (b'{"count": 11}', "invalid"),
        (b'{"count": true}', "invalid"),
        (b'{"count": "3"}', "invalid"),
        (b'{"count": 1.0}', "invalid"),
        (b'{"cuont": 1}', "invalid"),
    ],
)
def test_json_that_cannot_be_used_is_refused(asha, body, code) -> None:
    reply = signed_in(asha.user).generic("POST", "/api/v1/leases", body, content_type="application/json")
    assert 400 <= reply.status_code < 500
    assert reply.json()["code"] == code


def test_nul_in_a_note_is_refused(tasks, asha) -> None:
    client = signed_in(asha.user)
    lease = client.post("/api/v1/leases", {}).json()["leases"][0]
    body = {"token": lease["token"], "answer": {"label": "threat", "note": "a\0b"}}
    reply = client.post(f"/api/v1/leases/{lease['id']}/annotation", body)
    assert (reply.status_code, reply.json()["code"]) == (400, "text-not-allowed")


@pytest.mark.parametrize(
    "path",
    ["/api/v1/leases/99999999999999999999999999", "/api/v1/clips/99999999999999999999999999", "/api/v1/exports/0"],
)
def test_numbers_that_no_row_can_have_are_absent(roles, asha, path) -> None:
    role = "camera gateway" if "clips" in path else "model team"
    user = asha.user if "leases" in path else make_user("machine", role)
    reply = signed_in(user).get(path)
    assert (reply.status_code, reply.json()["code"]) == (404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nothing-here", 404),
        ("PUT", "/api/v1/me", 405),
        ("GET", "/media/forged", 404),
        ("POST", "/media/forged", 405),
        ("GET", "/api/v1/leases/abc", 404),
    ],
)
def test_other_doors_answer_clearly(asha, method, path, status) -> None:
    reply = signed_in(asha.user).generic(method, path)
    assert reply.status_code == status
    if status != 405 or path.startswith("/api"):
        assert reply.json()["code"] in {"not-found", "method-not-allowed"}


def test_the_wrong_media_type_is_refused(asha) -> None:
    reply = signed_in(asha.user).post("/api/v1/leases", "count=1", content_type="application/x-www-form-urlencoded")
    assert (reply.status_code, reply.json()["code"]) == (415, "unsupported-media-type")


def test_a_multipart_body_that_ends_early_is_refused(gateway) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\nabc'
    reply = signed_in(gateway).generic(
        "POST", "/api/v1/clips", body.decode(), content_type="multipart/form-data; boundary=x"
    )
    assert 400 <= reply.status_code < 500
    nonsense = signed_in(gateway).generic("POST", "/api/v1/clips", body.decode(), content_type="multipart/form-data")
    assert (nonsense.status_code, nonsense.json()["code"]) == (400, "malformed-request")


def test_sign_in_says_the_same_of_a_wrong_name_and_a_wrong_password(asha, client) -> None:
    replies = [
        client.post("/api/v1/tokens", {"username": name, "password": "nope"}, content_type="application/json")
        for name in ("asha", "nobody")
    ]
    assert [reply.status_code for reply in replies] == [401, 401]
    assert replies[0].json() == replies[1].json()


def test_guessing_at_one_name_is_slowed_at_every_door(asha, client) -> None:
    def guess(name: str):
        return client.post("/api/v1/tokens", {"username": name, "password": "x"}, content_type="application/json")

    for _ in range(5):
        assert guess("asha").status_code == 401
        page = client.post("/admin/login/", {"username": "Asha", "password": "x"})
        assert "Tried too often" not in page.content.decode()
    slowed = guess("asha")
    assert (slowed.status_code, slowed.json()["code"]) == (429, "too-many-requests")
    assert 0 < int(slowed["Retry-After"]) <= 300
    page = client.post("/admin/login/", {"username": "asha", "password": PASSWORD})
    assert "Tried too often" in page.content.decode()
    assert guess("ravi").status_code == 401


def test_who_signs_in_is_forgiven_and_windows_end(asha, client) -> None:
    at = database_now()
    for _ in range(signing_in.MOST_BY_BOTH - 1):
        signing_in.count_try("asha", "127.0.0.1", at=at)
    good = {"username": "asha", "password": PASSWORD}
    for _ in range(3):
        assert client.post("/api/v1/tokens", good, content_type="application/json").status_code == 201
    for _ in range(signing_in.MOST_BY_BOTH):
        signing_in.count_try("asha", "127.0.0.1", at=at)
    with pytest.raises(TooManyTries):
        signing_in.count_try("asha", "127.0.0.1", at=at)
    signing_in.count_try("asha", "127.0.0.1", at=at + 2 * signing_in.WINDOW)
    assert signing_in.forget_old(at=at + 5 * signing_in.WINDOW) > 0


@pytest.mark.parametrize("spray", ["one name from many places", "many names from one place"])
def test_spraying_is_slowed(db, spray) -> None:
    at = database_now()
    one_name = spray.startswith("one name")
    most = signing_in.MOST_BY_NAME if one_name else signing_in.MOST_BY_ADDRESS
    tries = [("asha", f"10.0.0.{n}") if one_name else (f"name-{n}", "10.9.9.9") for n in range(most + 1)]
    for name, address in tries[:-1]:
        signing_in.count_try(name, address, at=at)
    with pytest.raises(TooManyTries):
        signing_in.count_try(*tries[-1], at=at)


def test_nobody_keeps_a_person_out_by_guessing_at_their_name(asha, client) -> None:
    good, at = {"username": "asha", "password": PASSWORD}, database_now()

    def enter():
        return client.post("/api/v1/tokens", good, content_type="application/json").status_code

    def spray():
        for number in range(signing_in.MOST_BY_NAME + 5):
            with suppress(TooManyTries):
                signing_in.count_try("Asha", f"10.0.0.{number}", at=at)

    spray()
    assert enter() == 429, "the control: where nobody knows them, the name is slowed"
    SignInTries.objects.all().delete()
    assert enter() == 201
    spray()
    assert enter() == 201
    for number in range(signing_in.MOST_BY_ADDRESS + 5):
        with suppress(TooManyTries):
            signing_in.count_try(f"name-{number}", "127.0.0.1", at=at)
    assert enter() == 201
    for _ in range(signing_in.MOST_BY_BOTH):
        signing_in.count_try("asha", "127.0.0.1", at=at)
    with pytest.raises(TooManyTries):
        signing_in.count_try("asha", "127.0.0.1", at=at)
    signing_in.forget_old(at=at + signing_in.KNOWN_FOR - timedelta(minutes=1))
    assert list(SignInTries.objects.values_list("count", flat=True)) == [1, 1], "the address, and the browser"
    signing_in.forget_old(at=at + signing_in.KNOWN_FOR + timedelta(hours=1))
    assert not SignInTries.objects.exists()


def test_whoever_signs_in_in_their_own_browser_gets_in_from_anywhere(asha, client) -> None:
    good, at = {"username": "asha", "password": PASSWORD}, database_now()

    def enter(who: Client, address: str, door: str = "/api/v1/tokens", **fields: str) -> int:
        body = good | fields
        if door == "/api/v1/tokens":
            return who.post(door, body, content_type="application/json", REMOTE_ADDR=address).status_code
        return 429 if "Tried too often" in who.post(door, body, REMOTE_ADDR=address).content.decode() else 200

    assert enter(client, "10.1.1.1") == 201
    cookie = client.cookies["device"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 30 * 24 * 3600)
    for number in range(signing_in.MOST_BY_NAME + 5):
        with suppress(TooManyTries):
            signing_in.count_try("asha", f"10.0.0.{number}", at=at)
    assert enter(Client(), "10.2.2.2") == 429, "the control: a browser that nobody signed in with is slowed"
    assert enter(client, "10.2.2.2", "/admin/login/") == 200
    assert enter(client, "10.2.2.2") == 201
    assert client.cookies["device"].value == cookie.value
    # It is nobody else's, whatever it says: under another name the browser is unknown, and gets a word of its own.
    make_reviewer("ravi", asha.team)
    for number in range(signing_in.MOST_BY_NAME + 5):
        with suppress(TooManyTries):
            signing_in.count_try("ravi", f"10.0.0.{number}", at=at)
    assert enter(client, "10.2.2.2", username="ravi") == 429
    # And it is no way to guess on: ten tries, as everywhere.
    tried = [enter(client, f"10.3.3.{number}", password="wrong") for number in range(signing_in.MOST_BY_BOTH + 1)]
    assert tried == [401] * signing_in.MOST_BY_BOTH + [429]


def test_a_word_that_was_put_into_a_browser_is_not_made_its_owners(asha, client) -> None:
    client.cookies["device"] = planted = "x" * 43
    good = {"username": "asha", "password": PASSWORD}
    assert client.post("/api/v1/tokens", good, content_type="application/json").status_code == 201
    assert client.cookies["device"].value != planted
    assert not signing_in.is_known("asha", planted, at=database_now())


def looked_at(guesses: int, count: Callable[[], bool]) -> int:
    """Of so many guesses that begin at the same instant, how many are looked at."""
    return sum(racing.at_once(guesses, lambda _number: count()))


@pytest.mark.django_db(transaction=True)
def test_counted_in_two_statements_more_guesses_would_get_past() -> None:
    """The control: a count that is read before the guess and written after it."""
    key, at, together = "guesses", database_now(), threading.Barrier(20)
    SignInTries.objects.create(key=key, since=at, count=0)

    def count() -> bool:
        before = SignInTries.objects.get(key=key).count
        together.wait(timeout=30)
        SignInTries.objects.filter(key=key).update(count=before + 1)
        return before < signing_in.MOST_BY_BOTH

    assert looked_at(20, count) == 20


@pytest.mark.django_db(transaction=True)
def test_guesses_sent_at_once_are_counted_one_by_one() -> None:
    """Forty at one time from one place at one name: ten are looked at, whatever comes together."""
    at = database_now()

    def guess() -> bool:
        try:
            signing_in.count_try("asha", "127.0.0.1", at=at)
        except TooManyTries:
            return False
        return True

    assert looked_at(40, guess) == signing_in.MOST_BY_BOTH


@pytest.mark.parametrize("token", ["x", "é", "\\0", "0" * 5000, "", "a b"])
def test_what_is_no_token_opens_nothing(db, client, token) -> None:
    reply = client.get("/api/v1/me", headers={"Authorization": f"Token {token}"})
    assert reply.status_code == 401


def test_an_ended_token_opens_nothing(asha) -> None:
    client = signed_in(asha.user)
    assert client.get("/api/v1/me").status_code == 200
    assert client.delete("/api/v1/tokens/current").status_code == 204
    reply = client.get("/api/v1/me")
    assert (reply.status_code, reply.json()["code"]) == (401, "authentication-failed")
    assert "Token" in reply["WWW-Authenticate"]


def test_a_body_without_a_length_is_not_taken_for_none(asha) -> None:
    reply = signed_in(asha.user).post("/api/v1/leases", {}, headers={"Transfer-Encoding": "chunked"})
    assert (reply.status_code, reply.json()["code"]) == (411, "length-required")


@pytest.mark.parametrize("given_at", ["2026-11-01T10:00:00", "yesterday", 5, None, "2026-13-01T00:00:00Z"])
def test_consent_needs_a_time_with_a_zone(send, given_at) -> None:
    reply = send(consent=json.dumps(consent_for(given_at=given_at)))
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid")


def test_two_files_or_an_unknown_field_are_refused(send) -> None:
    assert send(note="hello").json()["code"] == "invalid"
    two = [upload("walkway.avi", AVI), upload("bikes.mp4", MP4)]
    assert send(two).json()["code"] == "invalid"
    assert nothing_is_stored()


@pytest.mark.parametrize("token", [1, True, None, [], "x", {"a": 1}])
def test_a_token_is_a_uuid_in_text(tasks, asha, token) -> None:
    client = signed_in(asha.user)
    lease = client.post("/api/v1/leases", {}).json()["leases"][0]
    body = {"token": token, "answer": {"label": "threat"}}
    assert client.post(f"/api/v1/leases/{lease['id']}/annotation", body).json()["code"] == "invalid"
