"""Pseudonyms and marks: what an owner is told of who saw their clips, and what stands in the corner of a poster."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import av
import pytest
from django.test import Client
from django.urls import reverse

from annotations import withdrawing
from annotations.models import Lease
from clips import marking, pseudonyms, purging
from clips.media import warm
from clips.models import Clip, Rendition
from config.clock import database_now
from tests.conftest import make_ready_clips, make_user, permit, signed_in
from tests.test_media_links import body_of, path_of
from tests.test_sight import ask, watch

pytestmark = pytest.mark.django_db


@pytest.fixture
def ops(roles):
    return make_user("ops", "ops manager", is_staff=True)


def brightness(data: bytes) -> tuple[int, int, bytes]:
    """Width, height and the brightness of every dot."""
    with av.open(io.BytesIO(data), "r", format="jpeg_pipe") as file:
        frame = next(file.decode(video=0))
    plane = frame.planes[0]
    rows = [bytes(plane)[row * plane.line_size :][: frame.width] for row in range(frame.height)]
    return frame.width, frame.height, b"".join(rows)


def changed(one: bytes, other: bytes) -> set[tuple[str, str]]:
    """In which quarters two pictures clearly differ."""
    width, height, before = brightness(one)
    assert brightness(other)[:2] == (width, height)
    return {
        ("left" if at % width < width // 2 else "right", "top" if at // width < height // 2 else "bottom")
        for at, (a, b) in enumerate(zip(before, brightness(other)[2], strict=True))
        if abs(a - b) > 24
    }


def stored(lease: dict) -> bytes:
    row = Rendition.objects.select_related("clip").get(clip=lease["clip"]["id"], kind="poster")
    return b"".join(marking.storage.read_range(row.clip.storage_alias, row.key, 0, row.size_bytes))


def take(reviewer) -> dict:
    return signed_in(reviewer.user).post("/api/v1/leases", {}).json()["leases"][0]


def poster(lease: dict, client: Client, **headers: str) -> Any:
    reply: Any = client.get(path_of(lease["media"]["poster"]), headers=headers)
    reply.body = body_of(reply)
    return reply


def test_each_reviewers_poster_carries_their_own_mark_in_its_corner(tasks, asha, ravi, client: Client) -> None:
    ashas, ravis = take(asha), take(ravi)
    original = stored(ashas)
    seen = {lease["mark"]["text"]: poster(lease, client).body for lease in (ashas, ravis)}
    assert set(seen) == {pseudonyms.mark_of(asha.user_id), pseudonyms.mark_of(ravi.user_id)}
    for data in seen.values():
        assert changed(original, data) == {("right", "bottom")}
    assert changed(*seen.values()) == {("right", "bottom")}
    assert ashas["mark"] == {"text": pseudonyms.mark_of(asha.user_id), "position": "bottom-right", "opacity": 0.35}
    # A picture that got out leads back to the person, and says nothing about them.
    assert pseudonyms.whose(ashas["mark"]["text"].lower()) == asha.user_id
    assert pseudonyms.whose("AAAAAAAA") is None
    assert "asha" not in ashas["mark"]["text"].lower()


def test_a_marked_poster_answers_ranges_and_is_not_left_on_a_disk(tasks, asha, client: Client, settings) -> None:
    lease = take(asha)
    whole = poster(lease, client)
    assert int(whole["Content-Length"]) == len(whole.body)
    part = poster(lease, client, Range="bytes=3-9")
    assert (part.status_code, part.body) == (206, whole.body[3:10])
    assert poster(lease, client, **{"If-None-Match": whole["ETag"]}).status_code == 304
    assert not list(settings.WORK_DIR.iterdir())


def test_a_poster_that_cannot_be_marked_is_not_shown(tasks, asha, client: Client, monkeypatch) -> None:
    def gone(*_: object, **__: object) -> bytes:
        raise warm.NotAvailable

    monkeypatch.setattr(marking.probe, "ask_warm", gone)
    reply = poster(take(asha), client)
    assert (reply.status_code, reply.json()["code"]) == (503, "mark-unavailable")
    assert reply["Retry-After"]
    monkeypatch.setattr(marking.probe, "ask_warm", lambda *_, **__: b"\xff\xd8 broken")
    assert poster(take(asha), client).status_code == 503


# --- Who saw my clips -----------------------------------------------------------------------------------------------
def give_to(owner: str, clips) -> None:
    """Make clips one owner's: with bytes of their own, for nobody owns the same bytes twice."""
    for clip in clips:
        Clip.objects.filter(pk=clip.pk).update(owner_key=owner, sha256=f"{clip.pk:064x}")


@pytest.fixture
def seen(tasks, asha, ravi, ops, client: Client) -> Clip:
    """A clip that Asha and Ravi were shown, that ops looked at, and that Meera only held."""
    clip = Clip.objects.get(pk=take(asha)["clip"]["id"])
    give_to(clip.owner_key, Clip.objects.all())
    for each in Clip.objects.all():
        permit(each, "human_review")
    for lease in (signed_in(asha.user).get("/api/v1/leases").json()["leases"][0], take(ravi)):
        for kind in ("poster", "proxy"):
            body_of(client.get(path_of(lease["media"][kind])))
    ask(client, ops, clip, reason="the owner asked what is on it")
    watch(client, ops, clip)
    watch(client, make_user("clerk", is_staff=True), clip)
    return clip


def test_an_owner_is_told_who_saw_their_clips(seen, asha, ravi, ops, gateway) -> None:
    service, key = signed_in(gateway), seen.owner_key
    reply = service.get(f"/api/v1/owners/{key}/sights")
    assert reply.status_code == 200
    found = reply.json()
    assert found["owner"] == key
    told = {(row["clip"], row["purpose"], row["person"], row["country"], *row["shown"]) for row in found["sights"]}
    names = {who.pk: pseudonyms.for_owner(who.pk, key) for who in (asha.user, ravi.user, ops)}
    clips = {lease.reviewer_id: lease.task.clip_id for lease in Lease.objects.select_related("task")}
    assert told == {
        (clips[asha.pk], "review", names[asha.user_id], "IN", "poster", "proxy"),
        (clips[ravi.pk], "review", names[ravi.user_id], "IN", "poster", "proxy"),
        (seen.pk, "erasure", names[ops.pk], "", "poster"),
    }
    for name in ("asha", "ravi", "ops", "clerk"):
        assert name not in reply.content.decode()
    # The same person by another name to another owner.
    assert pseudonyms.for_owner(asha.user_id, "owner-9999") != names[asha.user_id]


def test_the_report_is_a_table_too(seen, gateway, client: Client, roles) -> None:
    service = signed_in(gateway)
    place = f"/api/v1/owners/{seen.owner_key}/sights"
    for reply in (service.get(f"{place}?format=csv"), service.get(place, headers={"Accept": "text/csv"})):
        assert reply["Content-Type"] == "text/csv; charset=utf-8"
        rows = list(csv.DictReader(io.StringIO(reply.content.decode())))
        assert len(rows) == 3
        assert {row["purpose"] for row in rows} == {"review", "erasure"}
    assert service.get(f"{place}?format=xml").status_code == 400
    client.force_login(make_user("privacy", "privacy officer", is_staff=True))
    body = {"action": "tell_owner", "_selected_action": [seen.pk]}
    report = client.post(reverse("admin:clips_clip_changelist"), body)
    assert report.content == reply.content
    client.force_login(make_user("other-ops", "ops manager", is_staff=True))
    refused = client.post(reverse("admin:clips_clip_changelist"), body)
    assert refused["Content-Type"] != "text/csv; charset=utf-8"


def test_a_gateway_is_told_of_what_it_sent_and_no_other_owner(seen, roles) -> None:
    stranger = signed_in(make_user("camera-2", "camera gateway"))
    for key in (seen.owner_key, "owner-none-none"):
        assert stranger.get(f"/api/v1/owners/{key}/sights").status_code == 404


def test_one_statement_however_many_clips(seen, gateway, django_assert_num_queries) -> None:
    service, place = signed_in(gateway), f"/api/v1/owners/{seen.owner_key}/sights"
    with django_assert_num_queries(5) as few:
        service.get(place)
    more = make_ready_clips(gateway, 3)
    give_to(seen.owner_key, more)
    with django_assert_num_queries(len(few.captured_queries)):
        service.get(place)


def test_an_owner_is_told_of_purged_clips_too_and_of_nobody_elses(tasks, asha, gateway, client: Client, roles) -> None:
    """Who saw a clip is asked most of all when it is gone; and all purged clips look alike."""
    lease = take(asha)
    clip, other = Clip.objects.get(pk=lease["clip"]["id"]), Clip.objects.exclude(pk=lease["clip"]["id"]).latest("pk")
    owner, reviewer = clip.owner_key, pseudonyms.for_owner(asha.user_id, clip.owner_key)
    body_of(client.get(path_of(lease["media"]["proxy"])))
    Rendition.objects.update(made_at=database_now() - timedelta(hours=2))
    for one in (clip, other):
        withdrawing.withdraw(one.pk, by=gateway, reason="the owner asked", at=database_now())
        assert purging.run(one.pk, now=database_now)
    assert set(Clip.objects.filter(pk__in=[clip.pk, other.pk]).values_list("owner_key", flat=True)) == {""}
    service = signed_in(gateway)
    told = service.get(f"/api/v1/owners/{owner}/sights")
    assert told.status_code == 200
    assert [(row["clip"], row["person"]) for row in told.json()["sights"]] == [(clip.pk, reviewer)]
    client.force_login(make_user("privacy", "privacy officer", is_staff=True))
    place = reverse("owner-seen", args=[owner])
    assert place in client.get(reverse("owner-page", args=[owner])).content.decode()
    assert reviewer in client.get(place).content.decode()
    body = {"action": "tell_owner", "_selected_action": [clip.pk, other.pk]}
    refused = client.post(reverse("admin:clips_clip_changelist"), body, follow=True)
    assert "take the report from the owner" in refused.content.decode()
    assert reviewer not in refused.content.decode()
    client.force_login(make_user("ops-2", "ops manager", is_staff=True))
    assert client.get(place).status_code == 404
