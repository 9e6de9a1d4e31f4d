"""Sight: renditions are served to the lease's holder, while the lease lives, whole or by range."""

from __future__ import annotations

import hashlib
import logging
from datetime import timedelta

import pytest
from django.core.files.storage import storages
from django.test import Client

from annotations import leasing, links
from annotations.models import Lease
from clips.models import Rendition
from config.clock import database_now
from config.discretion import Discreet, discreet
from config.http.ranges import parse_range
from tests.conftest import leave_only, make_user, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def lease(tasks, asha) -> dict:
    return signed_in(asha.user).post("/api/v1/leases", {}).json()["leases"][0]


def path_of(url: str) -> str:
    return url.partition("testserver")[2]


def body_of(reply) -> bytes:
    return b"".join(reply.streaming_content) if reply.streaming else reply.content


def test_the_holder_gets_the_bytes_that_were_made(lease, client: Client) -> None:
    for kind, url in lease["media"].items():
        reply = client.get(path_of(url))
        made = Rendition.objects.get(clip=lease["clip"]["id"], kind=kind)
        assert reply.status_code == 200
        # The poster carries the holder's mark: tests/test_marks.py.
        assert kind == "poster" or hashlib.sha256(body_of(reply)).hexdigest() == made.sha256
        assert reply["Content-Type"] == made.content_type
        assert reply["X-Content-Type-Options"] == "nosniff"
        assert "no-store" in reply["Cache-Control"]
        assert reply["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert reply["Accept-Ranges"] == "bytes"


def test_ranges_answer_as_players_ask(lease, client: Client) -> None:
    url = path_of(lease["media"]["proxy"])
    whole = body_of(client.get(url))
    size = len(whole)
    for header, first, last in [
        ("bytes=0-99", 0, 99),
        ("bytes=100-", 100, size - 1),
        ("bytes=-50", size - 50, size - 1),
        (f"bytes=0-{size * 2}", 0, size - 1),
    ]:
        reply = client.get(url, headers={"Range": header})
        assert reply.status_code == 206
        assert reply["Content-Range"] == f"bytes {first}-{last}/{size}"
        assert body_of(reply) == whole[first : last + 1]
        assert int(reply["Content-Length"]) == last - first + 1
    beyond = client.get(url, headers={"Range": f"bytes={size}-"})
    assert (beyond.status_code, beyond["Content-Range"]) == (416, f"bytes */{size}")
    etag = client.head(url)["ETag"]
    for tag, status in ((etag, 206), ('"other"', 200)):
        reply = client.get(url, headers={"Range": "bytes=0-9", "If-Range": tag})
        assert reply.status_code == status
        assert body_of(reply) in {whole[:10], whole}
    assert client.head(url)["Content-Length"] == str(size)


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes=5-2", None),
        ("lines=0-5", None),
        ("bytes=0-1,3-4", None),
        ("bytes=-0", "unsatisfiable"),
        ("bytes=10-", "unsatisfiable"),
        ("bytes=9-9", (9, 9)),
        ("bytes=-99", (0, 9)),
        ("bytes=0-" + "9" * 30, (0, 9)),
        ("bytes=" + "9" * 30 + "-", "unsatisfiable"),
        ("bytes=" + "9" * 300 + "-", None),
        ("bytes=\u0661-", None),
    ],
)
def test_range_headers(header, span) -> None:
    assert parse_range(header, 10) == span


def test_an_empty_file_has_no_ranges() -> None:
    assert parse_range("bytes=0-0", 0) == "unsatisfiable"
    assert parse_range("bytes=-1", 0) == "unsatisfiable"


def test_nobody_else_gets_anything(lease, ravi, client: Client) -> None:
    url = path_of(lease["media"]["proxy"])
    assert signed_in(ravi.user).get(url).status_code == 404
    superuser = make_user("root", is_superuser=True, is_staff=True)
    client.force_login(superuser)
    assert client.get(url).status_code == 404


def test_a_forged_or_altered_link_is_not_there(lease, client: Client) -> None:
    url = path_of(lease["media"]["proxy"])
    for forged in (
        url[:-1] + ("A" if url[-1] != "A" else "B"),
        "/media/x",
        "/media/a:b:c",
        url.replace("/media/", "/media/x"),
    ):
        reply = client.get(forged)
        assert (reply.status_code, reply.json()["code"]) == (404, "not-found")
    assert client.post(url).status_code == 405


def test_a_link_dies_with_its_lease(lease, asha, client: Client) -> None:
    url = path_of(lease["media"]["proxy"])
    past = database_now() - timedelta(seconds=1)
    Lease.objects.filter(pk=lease["id"]).update(granted_at=past - timedelta(minutes=1), expires_at=past)
    over = client.get(url)
    assert (over.status_code, over.json()["code"]) == (410, "media-link-over")


@pytest.mark.parametrize("ending", ["submit", "give back"])
def test_a_link_dies_when_the_work_is_done(lease, asha, client: Client, ending) -> None:
    url = path_of(lease["media"]["poster"])
    holder = signed_in(asha.user)
    if ending == "submit":
        body = {"token": lease["token"], "answer": {"label": "threat"}}
        assert holder.post(f"/api/v1/leases/{lease['id']}/annotation", body).status_code == 201
    else:
        assert holder.delete(f"/api/v1/leases/{lease['id']}").status_code == 204
    assert client.get(url).status_code == 410


def test_who_left_sees_nothing_more(lease, asha, client: Client) -> None:
    url = path_of(lease["media"]["proxy"])
    asha.is_active = False
    asha.save(update_fields=["is_active"])
    assert client.get(url).status_code == 410
    assert leasing.sweep_departed(at=database_now()) == 1
    assert Lease.objects.get(pk=lease["id"]).state == "returned"


def test_a_missing_rendition_is_said_to_be_away(lease, client: Client) -> None:
    rendition = Rendition.objects.get(clip=lease["clip"]["id"], kind="proxy")
    storages["clips-in"].delete(rendition.key)
    reply = client.get(path_of(lease["media"]["proxy"]))
    assert (reply.status_code, reply.json()["code"]) == (503, "storage-unavailable")


def test_a_link_says_nothing_that_opens_anything_and_is_not_written_down(lease) -> None:
    for url in lease["media"].values():
        sealed = path_of(url).removeprefix("/media/")
        assert lease["token"].replace("-", "") not in links.SIGNER.unsign(sealed)
        assert sealed not in discreet(f"GET {url} 200 and again {url}")
    assert discreet("a\nworker | FAKE\x1b[31m") == "a\\x0aworker | FAKE\\x1b[31m"
    record = logging.LogRecord("x", 40, "", 0, "Internal Server Error: %s", (path_of(url),), None)
    assert Discreet().filter(record)
    assert sealed not in record.getMessage()


def test_without_consent_to_human_review_nothing_is_served(lease, client: Client) -> None:
    leave_only(lease["clip"]["id"], "model_training")
    assert client.get(path_of(lease["media"]["proxy"])).status_code == 410


def test_the_original_is_served_by_no_route(lease, asha) -> None:
    holder = signed_in(asha.user)
    body = holder.get(f"/api/v1/leases/{lease['id']}").content.decode()
    assert "original" not in body
    assert "owner" not in body
