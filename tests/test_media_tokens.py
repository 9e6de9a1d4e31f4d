"""The media token, tried as people try it: shared, stolen, old, altered; each try in the access log with its answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as conf
from django.test import Client

from annotations import links, stopping, supervision, withdrawing
from annotations.models import Lease
from clips import access, chain, serving, storage
from clips.models import AccessEntry, Clip, Rendition
from config.clock import database_now
from tests import processes
from tests.conftest import make_user, signed_in, triggers_off
from tests.test_media_links import body_of, path_of

pytestmark = pytest.mark.django_db


# What is asked for, and what of the file is answered, with which status: several ranges and nonsense get all of it.
RANGES = {
    "bytes=0-9": (206, slice(0, 10)),
    "bytes=-10": (206, slice(-10, None)),
    "bytes=5-": (206, slice(5, None)),
    f"bytes=-{10**30}": (206, slice(None)),
    f"bytes=0-{10**30}": (206, slice(None)),
    f"bytes={10**30}-": (416, None),
    "bytes=-0": (416, None),
    "bytes=0-4,8-9": (200, slice(None)),
    "bytes=" + ",".join(["0-"] * 500): (200, slice(None)),
    "bytes=9-3": (200, slice(None)),
    "bytes=0x0-0x9": (200, slice(None)),
    "pages=1-2": (200, slice(None)),
}
IF_RANGE = {"Range": "bytes=0-9", "If-Range": 'W/"of another day"'}


@pytest.fixture
def lease(tasks, asha) -> dict:
    return signed_in(asha.user).post("/api/v1/leases", {}).json()["leases"][0]


@pytest.fixture
def url(lease) -> str:
    return path_of(lease["media"]["proxy"])


def get(client, url: str, **more):
    """The reply, read to its end as a player would."""
    reply = client.get(url, **more)
    reply.body = body_of(reply)
    return reply


def log() -> list[tuple]:
    """What was written of each try, the first first: who, by what, asked what, and the answer."""
    rows = AccessEntry.objects.order_by("id").values_list("user__username", "credentials", "asked", "outcome")
    return list(rows)


def code_of(reply) -> tuple[int, str]:
    return reply.status_code, reply.json()["code"]


def in_the_past(lease: dict, **changes) -> None:
    Lease.objects.filter(pk=lease["id"]).update(**changes)


def test_the_holder_opens_it_and_the_log_says_all_of_it(lease, url, client: Client) -> None:
    assert get(client, url, headers={"Range": "bytes=0-9"}, REMOTE_ADDR="203.0.113.5").status_code == 206
    entry = AccessEntry.objects.get()
    assert (str(entry.user), entry.credentials, entry.outcome) == ("asha", "link", "granted")
    assert (entry.clip_id, entry.rendition) == (lease["clip"]["id"], "proxy")
    assert (entry.under, entry.under_id, entry.purpose) == ("lease", lease["id"], "review")
    assert (entry.asked, entry.address, entry.country) == ("GET bytes=0-9", "203.0.113.5", "IN")
    assert chain.verify().faults == []


def test_taking_a_lease_is_not_seeing_it(lease) -> None:
    assert log() == []


def test_a_shared_link_opens_elsewhere_and_that_is_on_record(url, client: Client) -> None:
    for address in ("203.0.113.5", "198.51.100.7"):
        assert get(client, url, REMOTE_ADDR=address).status_code == 200
    assert list(AccessEntry.objects.order_by("id").values_list("address", flat=True)) == ["203.0.113.5", "198.51.100.7"]


def test_another_reviewers_credentials_open_nothing(url, ravi, client: Client) -> None:
    assert code_of(get(signed_in(ravi.user), url)) == (404, "not-found")
    client.force_login(make_user("root", is_superuser=True, is_staff=True))
    assert code_of(get(client, url)) == (404, "not-found")
    client.force_login(ravi.user)
    assert code_of(get(client, url)) == (404, "not-found")
    assert [(who, how, outcome) for who, how, _asked, outcome in log()] == [
        ("ravi", "token", "not-found"),
        ("root", "session", "not-found"),
        ("ravi", "session", "not-found"),
    ]


def test_a_token_that_is_none_is_refused_before_the_link(url, client: Client) -> None:
    reply = get(client, url, headers={"Authorization": "Token nonsense"})
    assert code_of(reply) == (401, "authentication-failed")
    assert log() == [(None, "none", "GET", "authentication-failed")]


def test_the_holders_own_credentials_may_come_along(url, asha) -> None:
    assert get(signed_in(asha.user), url).status_code == 200
    assert log() == [("asha", "token", "GET", "granted")]


def test_after_its_minutes_it_is_over_and_the_lease_has_a_fresh_one(lease, url, asha, client: Client, settings) -> None:
    row = Lease.objects.get(pk=lease["id"])
    rendition = Rendition.objects.get(clip=lease["clip"]["id"], kind="proxy")
    ago = database_now() - timedelta(seconds=2)
    old = links.link(row.pk, row.token, rendition.pk, user_id=asha.user_id, until=ago)
    reply = get(client, old)
    assert code_of(reply) == (410, "media-link-expired")
    assert reply.json()["lease"] == f"/api/v1/leases/{lease['id']}"
    assert log() == [("asha", "link", "GET", "media-link-expired")]
    fresh = signed_in(asha.user).get(reply.json()["lease"]).json()["media"]["proxy"]
    assert get(client, path_of(fresh)).status_code == 200
    assert get(client, old).status_code == 410


def test_links_live_for_minutes_and_no_longer_than_the_lease(lease, asha, settings) -> None:
    def lives(reply) -> tuple[float, float]:
        body = reply.json()
        until = {
            int(links.SIGNER.unsign(path_of(url).removeprefix("/media/")).split("-")[3])
            for url in body["media"].values()
        }
        (only,) = until
        parse = Lease._meta.get_field("expires_at").to_python
        assert int(parse(body["media_expires_at"]).timestamp()) == only
        return only - database_now().timestamp(), only - parse(body["expires_at"]).timestamp()

    holder, place = signed_in(asha.user), f"/api/v1/leases/{lease['id']}"
    settings.MEDIA_LINK_SECONDS = 60
    left, after_lease = lives(holder.get(place))
    assert 50 < left <= 60
    assert after_lease < 0
    left, after_lease = lives(holder.post(f"{place}/renew", {"token": lease["token"]}))
    assert 50 < left <= 60
    settings.MEDIA_LINK_SECONDS = 900
    in_the_past(lease, expires_at=database_now() + timedelta(seconds=20))
    left, after_lease = lives(holder.get(place))
    assert left <= 20
    assert -1 < after_lease <= 0


@pytest.mark.parametrize("ending", ["recalled", "withdrawn", "expired", "left", "quarantined"])
def test_it_dies_with_what_it_stands_on(ending, lease, url, asha, client: Client) -> None:
    ops, at = make_user("ops", is_superuser=True, is_staff=True), database_now()
    if ending == "recalled":
        supervision.recall(lease["id"], by=ops, reason="a test of recalling", at=at)
    elif ending == "withdrawn":
        withdrawing.withdraw(lease["clip"]["id"], by=ops, reason="the owner asked", at=at)
    elif ending == "quarantined":
        stopping.quarantine(lease["clip"]["id"], by=ops, reason="a test of it", at=at)
    elif ending == "left":
        asha.is_active = False
        asha.save(update_fields=["is_active"])
    else:
        in_the_past(lease, granted_at=at - timedelta(minutes=9), expires_at=at - timedelta(seconds=1))
    for headers in ({}, {"If-None-Match": "*"}, *({"Range": asked} for asked in RANGES), IF_RANGE):
        assert code_of(get(client, url, headers=headers)) == (410, "media-link-over"), headers
    head = client.head(url)
    assert (head.status_code, head.content) == (410, b"")
    assert log() == [("asha", "link", way, "media-link-over") for way in ("GET", "HEAD")]


@pytest.mark.parametrize("asked", [False, True], ids=["control: nobody asks", "it is asked again"])
def test_what_is_on_its_way_is_broken_off_by_a_withdrawal(asked, lease, url, client: Client, monkeypatch) -> None:
    """A range in flight; the next one finds nothing at all."""
    monkeypatch.setattr(storage, "CHUNK", 1024)
    monkeypatch.setattr(serving, "ASK_AGAIN_SECONDS", 0.0 if asked else 3600.0)
    reply: Any = client.get(url, headers={"Range": "bytes=0-4095"})
    pieces = iter(reply.streaming_content)
    assert len(next(pieces)) == 1024
    ops = make_user("ops", is_superuser=True, is_staff=True)
    withdrawing.withdraw(lease["clip"]["id"], by=ops, reason="the owner asked", at=database_now())
    if asked:
        with pytest.raises(serving.NoLonger):
            next(pieces)
    else:
        assert len(b"".join(pieces)) == 4096 - 1024
    assert code_of(get(client, url, headers={"Range": "bytes=4096-8191"})) == (410, "media-link-over")


def test_whatever_range_is_asked_for_nothing_but_that_file_is_answered(url, client: Client) -> None:
    whole = get(client, url).body
    for asked, (status, expected) in RANGES.items():
        reply = get(client, url, headers={"Range": asked})
        assert (reply.status_code, status == 416 or reply.body == whole[expected]) == (status, True), asked
    assert get(client, url, headers=IF_RANGE).body == whole
    assert log() == [("asha", "link", "GET", "granted")]


def test_a_token_that_was_fenced_off_opens_nothing(lease, url, client: Client) -> None:
    """The same lease under another token, as if it had been granted anew."""
    Lease.objects.filter(pk=lease["id"]).update(token="11111111-1111-4111-8111-111111111111")
    assert code_of(get(client, url)) == (404, "not-found")


def test_it_is_bound_to_each_of_its_parts(lease, url, asha, ravi, client: Client) -> None:
    """Signed by us, and still about something else: another rendition, another clip's, another person's."""
    row = Lease.objects.get(pk=lease["id"])
    until = database_now() + timedelta(minutes=1)
    other = Rendition.objects.exclude(clip=lease["clip"]["id"]).filter(kind="proxy").earliest("pk")
    assert get(client, links.link(row.pk, row.token, other.pk, user_id=asha.user_id, until=until)).status_code == 410
    mine = Rendition.objects.get(clip=lease["clip"]["id"], kind="proxy")
    stolen = links.link(row.pk, row.token, mine.pk, user_id=ravi.user_id, until=until)
    assert code_of(get(client, stolen)) == (404, "not-found")
    assert get(client, links.link(row.pk, row.token, mine.pk, user_id=asha.user_id, until=until)).status_code == 200
    # Each part that was sealed, altered after it was.
    sealed = url.removeprefix("/media/")
    text, _, signature = sealed.rpartition(":")
    parts = text.split("-")
    for place in range(len(parts)):
        altered = [*parts[:place], str(int(parts[place], 16) + 1), *parts[place + 1 :]]
        assert code_of(client.get(f"/media/{'-'.join(altered)}:{signature}")) == (404, "not-found")


def test_other_methods_open_nothing(url, client: Client) -> None:
    for method in ("post", "put", "patch", "delete", "options"):
        reply = getattr(client, method)(url)
        assert code_of(reply) == (405, "method-not-allowed")
        assert reply["Allow"] == "GET, HEAD"
    assert {outcome for *_rest, outcome in log()} == {"method-not-allowed"}
    assert client.head(url).status_code == 200
    assert log()[-1] == ("asha", "link", "HEAD", "granted")


def test_a_scan_by_ranges_is_one_entry_and_gets_what_it_asks_for(url, client: Client) -> None:
    whole = get(client, url).body
    found = b"".join(
        get(client, url, headers={"Range": f"bytes={at}-{at + 4095}"}).body for at in range(0, len(whole), 4096)
    )
    assert found == whole
    assert get(client, url, headers={"Range": f"bytes={len(whole)}-"}).status_code == 416
    assert log() == [("asha", "link", "GET", "granted")]


def test_forged_links_are_on_record_and_cannot_fill_it(url, client: Client) -> None:
    for number in range(60):
        assert client.get(f"/media/{number}-x:y", REMOTE_ADDR=f"203.0.113.{number}").status_code == 404
    rows = log()
    assert set(rows) == {(None, "link", "GET", "not-found")}
    assert len(rows) == access.MOST_OF_STRANGERS


def test_what_an_opening_asks_of_the_database(url, client: Client, django_assert_num_queries) -> None:
    # The clock, the lease, the rendition, the owner's permit, the entry.
    for _ in range(2):
        with django_assert_num_queries(5):
            get(client, url)
    with django_assert_num_queries(5):
        get(client, url, REMOTE_ADDR="203.0.113.5")


def test_no_entry_no_bytes(url, client: Client) -> None:
    client.raise_request_exception = False
    with triggers_off(), access.connection.cursor() as cursor:
        cursor.execute("ALTER FUNCTION sightline_access RENAME TO sightline_access_gone")
    reply = get(client, url)
    assert reply.status_code == 500
    assert not reply.streaming


KILLED = """
import os, signal, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
from django.test import Client
from clips import storage
storage.read_range = lambda *a: os.kill(os.getpid(), signal.SIGKILL)
Client().get(sys.argv[1])
print("bytes")
"""


@pytest.mark.django_db(transaction=True)
def test_a_process_killed_before_the_first_byte_leaves_its_entry(url, tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), url],
        cwd=conf.BASE_DIR,
        env=processes.environment(tmp_path) | {"ALLOWED_HOSTS": os.environ["ALLOWED_HOSTS"]},
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b""), done.stderr
    assert log() == [("asha", "link", "GET", "granted")]
    assert chain.verify().faults == []
    assert Clip.objects.exists()
