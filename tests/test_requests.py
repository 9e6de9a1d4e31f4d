"""Owners' requests: due when the law says, red before they are late, closed by the stores and not by a click."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from annotations import forgetting
from annotations.console import counts
from clips import holding, purging, requesting
from clips.errors import NotAnErasure, RequestClosed, RequestExtended, StillHeld
from clips.models import Clip, ClipState, LegalHold, OwnerRequest, Purge, PurgeState, RequestState
from config.clock import database_now
from tests.conftest import make_ready_clips, make_user, permit, signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer(roles):
    return make_user("privacy", "privacy officer", is_staff=True)


def day(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}T15:30:00+00:00")


@pytest.mark.parametrize(
    ("law", "received", "due", "extended"),
    [
        ("gdpr", "2026-01-15", "2026-02-15", "2026-04-15"),
        ("gdpr", "2026-01-31", "2026-02-28", "2026-04-30"),
        ("gdpr", "2028-01-31", "2028-02-29", "2028-04-30"),
        ("gdpr", "2026-03-31", "2026-04-30", "2026-06-30"),
        ("gdpr", "2026-12-31", "2027-01-31", "2027-03-31"),
        ("gdpr", "2026-11-30", "2026-12-30", "2027-02-28"),
        ("gdpr", "2028-02-29", "2028-03-29", "2028-05-29"),
        ("ccpa", "2026-01-31", "2026-03-17", "2026-05-01"),
        ("own", "2026-01-31", "2026-02-10", "2026-02-20"),
    ],
)
def test_due_dates_are_those_of_the_law(law, received, due, extended) -> None:
    own = 10 if law == "own" else None
    assert requesting.due_at(law=law, received_at=day(received), own_days=own) == day(due)
    assert requesting.due_at(law=law, received_at=day(received), own_days=own, extended=True) == day(extended)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2400, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_month_is_never_longer_than_a_month(at: datetime) -> None:
    due = requesting.due_at(law="gdpr", received_at=at)
    assert timedelta(days=28) <= due - at <= timedelta(days=31)
    assert (due.year * 12 + due.month) - (at.year * 12 + at.month) == 1
    assert due.day == at.day or (due.day < at.day and (due + timedelta(days=1)).day == 1)


def file(owner: str, by, kind: str = "erasure", **changes) -> OwnerRequest:
    fields: dict[str, Any] = {"region": "in", "kind": kind, "law": "gdpr", "received_at": database_now()} | changes
    return requesting.file(owner_key=owner, by=by, **fields)[0]


def test_a_service_files_a_request_and_asks_how_it_is_doing(gateway, officer) -> None:
    client = signed_in(gateway)
    clip = make_ready_clips(gateway, 1)[0]
    url = f"/api/v1/owners/{clip.owner_key}/requests"
    body = {"region": "in", "kind": "erasure", "law": "gdpr"}
    first, again = client.post(url, body), client.post(url, body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert (first.json()["state"], first.json()["clips_left"]) == ("open", 1)
    one = f"{url}/{first.json()['id']}"
    assert client.get(one).json() == first.json()
    stranger = signed_in(make_user("stranger", "camera gateway"))
    assert stranger.get(one).status_code == 404
    assert client.get(f"/api/v1/owners/other-owner/requests/{first.json()['id']}").status_code == 404
    assert signed_in(officer).get(one).status_code == 200
    other_law = client.post(url, {"region": "in", "kind": "access", "law": "own", "own_days": 5})
    received = datetime.fromisoformat(other_law.json()["received_at"])
    assert datetime.fromisoformat(other_law.json()["due_at"]) - received == timedelta(days=5)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "invalid"),
        ({"region": "mars", "kind": "erasure", "law": "gdpr"}, 400, "unknown-region"),
        ({"region": "in", "kind": "everything", "law": "gdpr"}, 400, "invalid"),
        ({"region": "in", "kind": "erasure", "law": "own"}, 400, "invalid"),
        ({"region": "in", "kind": "erasure", "law": "own", "own_days": 0}, 400, "invalid"),
        ({"region": "in", "kind": "erasure", "law": "gdpr", "own_days": 5}, 400, "invalid"),
        ({"region": "in", "kind": "erasure", "law": "gdpr", "received_at": "2026-01-01T00:00:00"}, 400, "invalid"),
        ({"region": "in", "kind": "erasure", "law": "gdpr", "received_at": "2999-01-01T00:00:00Z"}, 400, "invalid"),
        ({"region": "in", "kind": "erasure", "law": "gdpr", "received_at": "1999-01-01T00:00:00Z"}, 400, "invalid"),
        ({"region": "in", "kind": "erasure", "law": "gdpr", "surprise": 1}, 400, "invalid"),
        ({"region": "in\0", "kind": "erasure", "law": "gdpr"}, 400, None),
        ([], 400, None),
    ],
)
def test_what_cannot_be_filed_is_refused(gateway, body, status, code) -> None:
    reply = signed_in(gateway).post("/api/v1/owners/owner-0001-abcd/requests", body)
    assert reply.status_code == status, reply.json()
    assert code is None or reply.json()["code"] == code
    assert not OwnerRequest.objects.exists()


@pytest.mark.parametrize(
    "key", ["short", "a" * 65, "has%20blank", "has.dots.in.it", "%00%00%00%00%00%00%00%00", "ünïcödë-key"]
)
def test_what_is_no_owners_key_is_not_found(gateway, key) -> None:
    body = {"region": "in", "kind": "erasure", "law": "gdpr"}
    client = signed_in(gateway)
    assert client.post(f"/api/v1/owners/{key}/requests", body).status_code in {400, 404}
    assert client.get(f"/api/v1/owners/{key}/requests/1").status_code in {400, 404}
    assert client.get(f"/api/v1/owners/{'a' * 10}/requests/{10**30}").status_code in {400, 404}


def test_an_erasure_takes_all_of_the_owners_clips_and_closes_itself(gateway, officer) -> None:
    clips = make_ready_clips(gateway, 3)
    for clip in clips[:2]:
        Clip.objects.filter(pk=clip.pk).update(owner_key="owner-erased-1", sha256=f"{clip.pk:064x}")
        permit(clip, "human_review")
    request = file("owner-erased-1", officer)
    assert requesting.close_done(at=database_now()) == 0
    assert forgetting.erase(request, by=officer, reason="the owner asked us to", at=database_now()) == 2
    assert Purge.objects.count() == 2
    later = database_now() + timedelta(hours=2)
    with pytest.raises(StillHeld):
        requesting.close(request, outcome="done", by=officer, reason="done, I say", at=database_now())
    for number, clip in enumerate(clips[:2]):
        assert requesting.close_done(at=later) == 0
        purging.run(clip.pk, now=lambda: later)
        assert Clip.objects.filter(state=ClipState.PURGED).count() == number + 1
    assert requesting.close_done(at=later) == 1
    request.refresh_from_db()
    assert (request.state, request.outcome, request.closed_by, request.closed_at) == ("closed", "done", None, later)
    assert Clip.objects.get(pk=clips[2].pk).state == ClipState.READY
    with pytest.raises(RequestClosed):
        forgetting.erase(request, by=officer, reason="once more", at=database_now())


def test_an_erasure_waits_for_a_hold_and_goes_on_when_it_ends(gateway, officer) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    at = database_now()
    holding.place(by=officer, reason="matter 12", ends_at=at + timedelta(days=9), at=at, owner_key=clip.owner_key)
    request = file(clip.owner_key, officer)
    forgetting.erase(request, by=officer, reason="the owner asked us to", at=database_now())
    purging.run(clip.pk, now=database_now)
    assert (Purge.objects.get().state, requesting.close_done(at=database_now())) == (PurgeState.HELD, 0)
    assert Clip.objects.get().state == ClipState.WITHHELD
    ended = LegalHold.objects.get().ends_at
    assert holding.release(at=ended) == 1
    purging.run(clip.pk, now=lambda: ended)
    assert requesting.close_done(at=ended) == 1


def test_only_an_erasure_is_carried_out(gateway, officer) -> None:
    with pytest.raises(NotAnErasure):
        forgetting.erase(file("owner-0001", officer, "access"), by=officer, reason="why not", at=database_now())


def test_the_longer_time_is_taken_once_with_a_reason_and_before_it_is_due(officer) -> None:
    request = file("owner-0001", officer, "access", received_at=day("2026-01-31"))
    with pytest.raises(RequestExtended):
        requesting.extend(request, by=officer, reason="too late", at=day("2026-03-01"))
    with pytest.raises(Exception, match="Say why"):
        requesting.extend(request, by=officer, reason="", at=day("2026-02-01"))
    requesting.extend(request, by=officer, reason="it is complex", at=day("2026-02-28"))
    assert (request.due_at, request.extension_reason) == (day("2026-04-30"), "it is complex")
    with pytest.raises(RequestExtended):
        requesting.extend(request, by=officer, reason="and more", at=day("2026-03-01"))


def test_a_request_is_red_before_it_is_late(officer, settings, client) -> None:
    request = file("owner-0001", officer, "access", received_at=day("2026-01-31"))
    lead = timedelta(days=settings.REQUEST_LEAD_DAYS)
    due = request.due_at
    tick = timedelta(microseconds=1)
    assert not requesting.red(at=due - lead - tick).exists()
    assert requesting.red(at=due - lead).get() == request

    def card(at):
        return next(one for one in counts.cards(counts.told(at=at, to=None), None) if one.title == "Owners' requests")

    assert (card(due - lead).value, card(due - lead).note, card(due - lead).alarming) == ("1", "1 due soon", True)
    assert card(due - lead - tick).alarming is False
    assert card(due + tick).note == "1 late"
    settings.REQUEST_LEAD_DAYS = 1
    assert not requesting.red(at=due - lead).exists()
    requesting.close(request, outcome="done", by=officer, reason="a copy was sent", at=database_now())
    assert not requesting.red(at=due + lead).exists()


@pytest.mark.parametrize(
    "columns",
    [
        "state = 'closed'",
        "due_at = received_at",
        "own_days = 3",
        "state = 'closed', outcome = 'done', closing_reason = 'x', closed_at = now()",
    ],
)
def test_the_database_refuses_a_request_that_makes_no_sense(officer, columns) -> None:
    file("owner-0001", officer)
    with connection.cursor() as cursor, pytest.raises(DatabaseError), transaction.atomic():
        cursor.execute(f"UPDATE clips_ownerrequest SET {columns}")  # noqa: S608


def test_in_the_admin_officers_file_extend_close_and_erase_and_ops_only_look(gateway, officer, client, roles) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    client.force_login(officer)
    add, listed = reverse("admin:clips_ownerrequest_add"), reverse("admin:clips_ownerrequest_changelist")
    now = database_now()
    form = {
        "owner_key": clip.owner_key, "region": "in", "kind": "erasure", "law": "gdpr", "own_days": "",
        "received_at_0": f"{now:%Y-%m-%d}", "received_at_1": f"{now:%H:%M:%S}",
    }  # fmt: skip
    bad = client.post(add, form | {"law": "own"})
    assert (bad.status_code, OwnerRequest.objects.count()) == (200, 0)
    assert client.post(add, form | {"owner_key": "x"}).status_code == 200
    assert client.post(add, form).status_code == 302
    request = OwnerRequest.objects.get()
    act = {"_selected_action": [request.pk], "confirmed": "yes", "reason": "the owner asked us to"}
    client.post(listed, act | {"action": "extend"})
    client.post(listed, act | {"action": "erase"})
    request.refresh_from_db()
    assert request.is_carried_out
    assert request.extension_reason == "the owner asked us to"
    assert Purge.objects.get().clip == clip
    for query in ("?due=late", "?due=red", "?state__exact=open", f"?q={clip.owner_key}"):
        assert client.get(listed + query).status_code == 200
    page = client.post(listed, act | {"action": "close", "outcome": "done"}, follow=True).content.decode()
    assert "closes itself" in page
    client.post(listed, act | {"action": "close", "outcome": "mistaken"})
    assert OwnerRequest.objects.get().state == RequestState.CLOSED
    client.force_login(make_user("ops", "ops manager", is_staff=True))
    assert client.get(listed).status_code == 200
    assert client.get(add).status_code == 403
    client.post(listed, act | {"action": "erase"})
    assert Purge.objects.count() == 1
