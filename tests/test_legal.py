"""What authorities ask for: two approvals by two others, one narrow door, and numbers for everybody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from rest_framework.test import APIClient

from annotations import withdrawing
from clips import legal, purging
from clips.errors import LegalRequestDecided, NeedsAnother, NotForYou, ViewerUnknown
from clips.models import AccessEntry, Clip, LegalRequest, Rendition
from config.clock import database_now
from tests.conftest import make_ready_clips, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(roles: None) -> list[User]:
    return [make_user(f"officer-{number}", "privacy officer", is_staff=True) for number in range(3)]


@pytest.fixture
def viewer(roles: None) -> User:
    return make_user("counsel", is_staff=True)


def enter(by: User, viewer: User, **changes: Any) -> LegalRequest:
    at = changes.pop("at", None) or database_now()
    fields: dict[str, Any] = {
        "authority": "A court",
        "reference": "12 Cs 34/26",
        "legal_basis": "its order of 2026-11-01",
        "region": "in",
        "owner_key": "",
        "clips": [],
        "viewers": [viewer.pk],
        "ends_at": at + timedelta(days=7),
    } | changes
    return legal.enter(**fields, by=by, at=at)


def watch(client: Any, clip: Clip) -> int:
    reply = client.get(f"/admin/clips/{clip.pk}/footage/proxy")
    if reply.streaming:
        assert b"".join(reply.streaming_content)
    status: int = reply.status_code
    return status


def test_the_door_opens_with_the_second_approval_for_the_named_and_the_clips_in_scope(
    gateway, people, viewer, client
) -> None:
    clip, other = make_ready_clips(gateway, 2)
    request = enter(people[0], viewer, clips=[clip.pk])
    client.force_login(viewer)
    assert watch(client, clip) == 404
    with pytest.raises(NeedsAnother):
        legal.approve(request, by=people[0], reason="I entered it", at=database_now())
    legal.approve(request, by=people[1], reason="it is in order", at=database_now())
    assert watch(client, clip) == 404
    with pytest.raises(NeedsAnother):
        legal.approve(request, by=people[1], reason="once more", at=database_now())
    assert watch(client, clip) == 404
    legal.approve(request, by=people[2], reason="I agree", at=database_now())
    assert request.state == "approved"
    assert watch(client, clip) == 200
    shown = AccessEntry.objects.get(outcome="granted")
    assert (shown.user, shown.under, shown.under_id) == (viewer, "legal", request.pk)
    assert watch(client, other) == 404
    # Also what its owner withdrew, until it is purged; and for nobody else, whatever their rights.
    Rendition.objects.filter(clip=clip).update(made_at=database_now() - timedelta(hours=2))
    withdrawing.withdraw(clip.pk, by=gateway, reason="the owner asked", at=database_now())
    assert watch(client, clip) == 200
    for user in (people[0], people[1], make_user("root", is_staff=True, is_superuser=True)):
        client.force_login(user)
        assert watch(client, clip) == 404
    client.force_login(viewer)
    later = request.ends_at
    assert legal.door(viewer, clip, at=later - timedelta(microseconds=1)) == request
    assert legal.door(viewer, clip, at=later) is None
    assert legal.end(request, by=people[1], reason="they have seen it", at=database_now())
    assert watch(client, clip) == 404
    purging.run(clip.pk, now=database_now)
    LegalRequest.objects.update(ends_at=later)
    assert watch(client, clip) == 404


def test_an_owner_in_scope_is_that_owner_in_that_region(gateway, people, viewer) -> None:
    clip, other = make_ready_clips(gateway, 2)
    request = enter(people[0], viewer, owner_key=clip.owner_key)
    for by in people[1:]:
        legal.approve(request, by=by, reason="it is in order", at=database_now())
    assert legal.door(viewer, clip, at=database_now()) == request
    assert legal.door(viewer, other, at=database_now()) is None
    clip.region = "ro"
    assert legal.door(viewer, clip, at=database_now()) is None
    clip.region, viewer.is_staff = "in", False
    assert legal.door(viewer, clip, at=database_now()) is None


def test_one_no_is_enough_and_final(gateway, people, viewer) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    request = enter(people[0], viewer, clips=[clip.pk])
    legal.approve(request, by=people[1], reason="it is in order", at=database_now())
    with pytest.raises(NeedsAnother):
        legal.refuse(request, by=people[0], reason="I entered it", at=database_now())
    legal.refuse(request, by=people[2], reason="too wide", at=database_now())
    with pytest.raises(LegalRequestDecided):
        legal.approve(request, by=people[2], reason="or is it", at=database_now())
    assert legal.door(viewer, clip, at=database_now()) is None


def test_only_those_with_the_right_decide(gateway, people, viewer) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    request = enter(people[0], viewer, clips=[clip.pk])
    for user in (make_user("ops", "ops manager", is_staff=True), viewer, gateway):
        with pytest.raises(NotForYou):
            legal.approve(request, by=user, reason="let me", at=database_now())
        with pytest.raises(NotForYou):
            legal.refuse(request, by=user, reason="let me", at=database_now())


def test_what_has_ended_is_approved_no_more(gateway, people, viewer) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    request = enter(people[0], viewer, clips=[clip.pk])
    with pytest.raises(LegalRequestDecided):
        legal.approve(request, by=people[1], reason="late", at=request.ends_at)


def test_who_may_be_shown_it_is_staff_and_what_is_asked_for_is_there(gateway, people, viewer) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    for viewers in ([], [gateway.pk], [10**8]):
        with pytest.raises(ViewerUnknown):
            enter(people[0], viewer, clips=[clip.pk], viewers=viewers)
    with pytest.raises(Exception, match="no such clip"):
        enter(people[0], viewer, clips=[clip.pk], region="ro")
    with pytest.raises(Exception, match="legal_names_clips_or_owner"):
        enter(people[0], viewer)


@pytest.mark.parametrize(
    "columns",
    [
        "first_approver_id = entered_by_id",
        "second_approver_id = {1}",
        "first_approver_id = {1}, second_approver_id = {1}",
        "first_approver_id = {1}, second_approver_id = entered_by_id",
        "state = 'approved'",
        "state = 'approved', first_approver_id = {1}",
        "state = 'refused'",
        "state = 'refused', refused_by_id = entered_by_id",
        "state = 'open'",
        "clips = ARRAY[1, 2, 3]",
        "viewers = ARRAY[{1}]",
        "owner_key = 'somebody-else'",
        "entered_by_id = {1}",
        "authority = 'another'",
    ],
)
def test_the_database_holds_it_too(gateway, people, viewer, columns) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    enter(people[0], viewer, clips=[clip.pk])
    said = columns.replace("{1}", str(people[1].pk))
    with connection.cursor() as cursor:
        with pytest.raises(DatabaseError), transaction.atomic():
            cursor.execute(f"UPDATE clips_legalrequest SET {said}")  # noqa: S608
        with pytest.raises(DatabaseError), transaction.atomic():
            cursor.execute("DELETE FROM clips_legalrequest")
        # The control: two others may approve it by the same way.
        cursor.execute(
            "UPDATE clips_legalrequest SET state = 'approved', first_approver_id = %s, second_approver_id = %s",
            [people[1].pk, people[2].pk],
        )


def test_everybody_may_read_how_many_there_were(gateway, people, viewer) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    entered = [datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 6, 30, 23, 59, 59, tzinfo=UTC)]
    entered.append(datetime(2026, 7, 1, tzinfo=UTC))
    refused, _waiting, approved = (enter(people[0], viewer, clips=[clip.pk], at=at) for at in entered)
    legal.refuse(refused, by=people[1], reason="too wide", at=entered[0])
    for by in people[1:]:
        legal.approve(approved, by=by, reason="it is in order", at=entered[2])
    page = APIClient().get("/api/v1/transparency")
    assert page.json() == {
        "legal_requests": [
            {"half_year": "2026-H2", "entered": 1, "waiting": 0, "approved": 1, "refused": 0},
            {"half_year": "2026-H1", "entered": 2, "waiting": 1, "approved": 0, "refused": 1},
        ]
    }
    for word in ("court", "12 Cs", "counsel", "order"):
        assert word not in page.content.decode()
    # Also with a sign-in that is no good.
    odd = APIClient()
    odd.credentials(HTTP_AUTHORIZATION="Token nonsense")
    assert odd.get("/api/v1/transparency").status_code == 200


def test_in_the_admin_it_is_entered_approved_by_two_others_and_looked_at_by_ops(
    gateway, people, viewer, client, roles
) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    add, listed = reverse("admin:clips_legalrequest_add"), reverse("admin:clips_legalrequest_changelist")
    ends = database_now() + timedelta(days=3)
    form = {
        "authority": "A court", "reference": "12", "legal_basis": "its order", "region": "in", "owner_key": "",
        "clips": str(clip.pk), "viewers": [viewer.pk],
        "ends_at_0": f"{ends:%Y-%m-%d}", "ends_at_1": f"{ends:%H:%M:%S}",
    }  # fmt: skip
    client.force_login(people[0])
    for wrong in ({"clips": ""}, {"clips": "987654"}, {"viewers": [gateway.pk]}, {"ends_at_0": "2020-01-01"}):
        assert client.post(add, form | wrong).status_code == 200, wrong
    assert not LegalRequest.objects.exists()
    assert client.post(add, form).status_code == 302
    request = LegalRequest.objects.get()
    act = {"_selected_action": [request.pk], "action": "approve", "confirmed": "yes", "reason": "it is in order"}
    assert "somebody else" in client.post(listed, act, follow=True).content.decode()
    for person in people[1:]:
        client.force_login(person)
        client.post(listed, act)
    request.refresh_from_db()
    assert request.state == "approved"
    client.force_login(make_user("ops", "ops manager", is_staff=True))
    assert client.get(listed).status_code == 200
    assert client.get(add).status_code == 403
    client.post(listed, act | {"action": "end"})
    assert LegalRequest.objects.get().ends_at > database_now()


def test_a_hold_is_placed_in_the_admin(gateway, people, client) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    client.force_login(people[0])
    add = reverse("admin:clips_legalhold_add")
    ends = database_now() + timedelta(days=3)
    form = {
        "clip": str(clip.pk), "owner_key": "", "region": "", "reason": "matter 12",
        "ends_at_0": f"{ends:%Y-%m-%d}", "ends_at_1": f"{ends:%H:%M:%S}",
    }  # fmt: skip
    for wrong in (
        {"owner_key": "owner-0001"},
        {"clip": ""},
        {"reason": ""},
        {"ends_at_0": "2020-01-01"},
        {"clip": "9876"},
    ):
        assert client.post(add, form | wrong).status_code == 200, wrong
    assert client.post(add, form | {"clip": "", "region": "in"}).status_code == 200
    assert client.post(add, form).status_code == 302
    hold = clip.holds.get()
    listed = reverse("admin:clips_legalhold_changelist")
    act = {"_selected_action": [hold.pk], "confirmed": "yes", "reason": "it takes longer"}
    client.post(listed, act | {"action": "extend", "days": "4"})
    before = hold.ends_at
    hold.refresh_from_db()
    assert hold.ends_at == before + timedelta(days=4)
    client.post(listed, act | {"action": "lift"})
    hold.refresh_from_db()
    assert hold.ends_at <= database_now()
