"""What staff may watch, why, for how long, that each time is on record, and the page of one clip."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.db import DatabaseError, transaction
from django.urls import reverse

from annotations import stopping
from annotations.models import Task, TaskState
from clips import preparing, pseudonyms, viewing
from clips.models import AccessEntry, Case, Clip, ClipState, DeviceEvent, Likeness, Viewing
from config.clock import database_now
from tests.conftest import leave_only, make_clip, make_ready_clips, make_user, permit
from tests.test_flagging import flag, take

pytestmark = pytest.mark.django_db


@pytest.fixture
def ops(roles):
    return make_user("ops", "ops manager", is_staff=True)


@pytest.fixture
def officer(roles):
    return make_user("privacy", "privacy officer", is_staff=True)


def watch(client, user, clip: Clip, kind: str = "poster", **headers):
    client.force_login(user)
    reply = client.get(reverse("footage", args=[clip.pk, kind]), headers=headers)
    reply.body = b"".join(reply.streaming_content) if reply.streaming else reply.content
    return reply


def ask(client, user, *clips: Clip, **changes):
    """Say why, as the form on a clip's page does; the text of the page that follows."""
    client.force_login(user)
    page = reverse("admin:clips_clip_change", args=[clips[0].pk])
    form = {
        "clip": [clip.pk for clip in clips],
        "purpose": "erasure",
        "reason": "request 17",
        "minutes": 10,
        "page": page,
    }
    return client.post(reverse("open-viewing"), form | changes, follow=True).content.decode()


def log(**about) -> list[tuple]:
    rows = AccessEntry.objects.filter(**about).order_by("id")
    return list(rows.values_list("user__username", "rendition", "under", "outcome"))


def test_nobody_sees_a_clip_without_saying_why_superusers_neither(client, gateway, ops) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    for user in (ops, make_user("root", is_staff=True, is_superuser=True)):
        assert watch(client, user, clip).status_code == 404
        assert log(user=user) == [(user.username, "poster", "", "no-viewing")]
        page = client.get(reverse("admin:clips_clip_change", args=[clip.pk])).content.decode()
        assert "Nothing is shown before you say why" in page
        assert reverse("footage", args=[clip.pk, "proxy"]) not in page
        page = ask(client, user, clip)
        assert reverse("footage", args=[clip.pk, "proxy"]) in page
        assert pseudonyms.mark_of(user.pk) in page
        assert watch(client, user, clip).status_code == 200


def test_what_is_shown_under_a_viewing_is_on_record_with_its_purpose(client, gateway, ops) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    ask(client, ops, clip)
    reply = watch(client, ops, clip)
    assert (reply.status_code, reply["Content-Type"]) == (200, "image/jpeg")
    assert "no-store" in reply["Cache-Control"]
    assert reply.body[:2] == b"\xff\xd8"
    part = watch(client, ops, clip, "proxy", Range="bytes=0-9")
    assert (part.status_code, part["Content-Length"]) == (206, "10")
    watch(client, ops, clip, "proxy", Range="bytes=10-19")
    assert log() == [("ops", "poster", "viewing", "granted"), ("ops", "proxy", "viewing", "granted")]
    entry = AccessEntry.objects.latest("pk")
    assert (entry.under_id, entry.purpose, entry.credentials) == (Viewing.objects.get().pk, "erasure", "session")
    # Another viewing is another entry, within the minute too.
    client.post(reverse("close-viewing"), {"clip": clip.pk})
    assert watch(client, ops, clip).status_code == 404
    ask(client, ops, clip)
    assert watch(client, ops, clip).status_code == 200
    assert len(log(outcome="granted")) == 3


def test_a_viewing_is_its_persons_its_clips_and_over_at_its_end(client, gateway, ops, officer) -> None:
    clip, other = make_ready_clips(gateway, 2)
    ask(client, ops, clip)
    assert watch(client, ops, other).status_code == 404
    assert watch(client, officer, clip).status_code == 404
    client.force_login(officer)
    client.post(reverse("close-viewing"), {"clip": clip.pk})
    assert watch(client, ops, clip).status_code == 200
    at = database_now() + timedelta(minutes=11)
    assert viewing.live(ops, clip, at=at) is None
    Group.objects.get(name="ops manager").user_set.remove(ops)
    assert watch(client, User.objects.get(pk=ops.pk), clip).status_code == 404


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"reason": "x"}, "Say why"),
        ({"reason": ""}, "Say why"),
        ({"minutes": 0}, "From 1 to 15 minutes"),
        ({"minutes": 16}, "From 1 to 15 minutes"),
        ({"minutes": "9" * 30}, "From 1 to 15 minutes"),
        ({"purpose": "curiosity"}, "no such purpose"),
        ({"purpose": "case"}, "no open case"),
        ({"purpose": "case", "case": 987654}, "no open case"),
        ({"clip": 987654}, "nothing here"),
        ({"clip": "x"}, "nothing here"),
    ],
)
def test_what_is_not_said_right_opens_nothing(client, gateway, ops, changes, told) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    assert told in ask(client, ops, clip, **changes)
    assert not Viewing.objects.exists()
    reply = client.post(reverse("open-viewing"), {"page": "//elsewhere.example/"})
    assert reply["Location"] == reverse("admin:index")


def test_a_viewing_for_a_case_is_opened_on_its_page_and_ends_with_it(client, tasks, asha, ops, officer) -> None:
    lease = take(asha)[0]
    flag(asha, lease, "sensitive")
    case, clip = Case.objects.get(), Clip.objects.get(pk=lease["clip"]["id"])
    page = reverse("admin:clips_case_change", args=[case.pk])
    client.force_login(ops)
    assert client.get(page).status_code == 404
    ask(client, ops, clip, purpose="case", case=case.pk)
    assert not Viewing.objects.exists()
    client.force_login(officer)
    assert f"To decide: {case}" in client.get(page).content.decode()
    shown = ask(client, officer, clip, purpose="case", case=case.pk, page=page)
    assert reverse("footage", args=[clip.pk, "proxy"]) in shown
    assert watch(client, officer, clip).status_code == 200
    stopping.decide(case.pk, decision="show_to_cleared", by=officer, reason="a yard", at=database_now())
    assert watch(client, officer, clip).status_code == 404
    assert client.get(page).status_code == 200


def test_two_clips_that_are_alike_are_seen_under_one_reason(client, gateway, ops) -> None:
    earlier, later = make_ready_clips(gateway, 2)
    pair = Likeness.objects.create(clip=later, other=earlier, distance=0.1)
    page = reverse("admin:clips_likeness_change", args=[pair.pk])
    client.force_login(ops)
    assert "Nothing is shown before" in client.get(page).content.decode()
    shown = ask(client, ops, earlier, later, purpose="likeness", page=page)
    for clip in (earlier, later):
        assert reverse("footage", args=[clip.pk, "proxy"]) in shown
        assert watch(client, ops, clip).status_code == 200


def test_a_viewing_stays_as_it_was_opened(client, gateway, ops) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    ask(client, ops, clip)
    for change in ({"ends_at": database_now() + timedelta(days=1)}, {"reason": "else"}, {"closed_at": None}):
        with pytest.raises(DatabaseError, match="stays as it was"), transaction.atomic():
            Viewing.objects.update(**change)
    with pytest.raises(DatabaseError, match="stays as it was"), transaction.atomic():
        Viewing.objects.all().delete()
    assert viewing.close([clip.pk], by=ops, at=database_now()) == 1
    with pytest.raises(DatabaseError, match="stays as it was"), transaction.atomic():
        Viewing.objects.update(closed_at=database_now())


def test_what_is_not_for_somebody_is_not_there(client, gateway, ops, officer, asha) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    clerk = make_user("clerk", is_staff=True)
    for user in (clerk, ops, officer):
        ask(client, user, clip)
    assert set(Viewing.objects.values_list("user__username", flat=True)) == {"ops", "privacy"}
    assert watch(client, clerk, clip).status_code == 404
    client.force_login(asha.user)
    assert client.get(reverse("footage", args=[clip.pk, "poster"])).status_code == 302
    for odd in ("original", "nonsense"):
        assert watch(client, ops, clip, odd).status_code == 404
    # A viewing that was opened gives no sight of what has become sensitive, or whose owner withdrew.
    Clip.objects.filter(pk=clip.pk).update(is_sensitive=True)
    assert watch(client, ops, clip).status_code == 404
    assert watch(client, officer, clip).status_code == 200
    Clip.objects.filter(pk=clip.pk).update(is_sensitive=False, state=ClipState.QUARANTINED, due_at=database_now())
    assert watch(client, ops, clip).status_code == 404
    assert watch(client, officer, clip).status_code == 200
    leave_only(clip, "model_training")
    assert watch(client, officer, clip).status_code == 404
    permit(clip, "human_review")
    Clip.objects.filter(pk=clip.pk).update(state=ClipState.WITHHELD, due_at=None)
    assert watch(client, officer, clip).status_code == 404
    assert not AccessEntry.objects.filter(user__username__in=["ops", "clerk"], outcome="granted").exists()
    assert client.get(f"/admin/clips/{'9' * 30}/footage/poster").status_code == 404


def test_the_log_and_the_viewings_have_pages(client, gateway, ops, officer) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    ask(client, ops, clip)
    watch(client, ops, clip)
    watch(client, officer, clip)
    place = reverse("admin:clips_accessentry_changelist")
    for query, shown, hidden in (
        ("", [">shown<", ">no-viewing<"], []),
        (f"?q=clip {clip.pk}", [">shown<", ">no-viewing<"], []),
        (f"?q=viewing {Viewing.objects.get().pk}", [">shown<"], [">no-viewing<"]),
        ("?q=clip 987654", [], [">shown<", ">no-viewing<"]),
        (f"?q={pseudonyms.mark_of(ops.pk)}", [">shown<"], [">no-viewing<"]),
        ("?outcome=refused", [">no-viewing<"], [">shown<"]),
        ("?outcome=strangers", [], [">shown<", ">no-viewing<"]),
        ("?q=127.0.0.1", [">shown<"], []),
        (f"?q={database_now():%Y-%m-%d}", [">shown<"], []),
        ("?q=2026-01-01", [], [">shown<", ">no-viewing<"]),
    ):
        text = re.sub(r"\s*([<>])\s*", r"\1", client.get(place + query).content.decode())
        assert [words for words in shown if words not in text] == [], query
        assert [words for words in hidden if words in text] == [], query
    entry = AccessEntry.objects.latest("pk")
    page = client.get(reverse("admin:clips_accessentry_change", args=[entry.pk])).content.decode()
    assert bytes(entry.hash).hex() in page
    assert "request 17" in client.get(reverse("admin:clips_viewing_changelist") + "?now=yes").content.decode()


def test_the_page_of_a_clip_tells_its_story(client, gateway, ops, officer, tasks, asha) -> None:
    lease = take(asha)[0]
    clip = Clip.objects.get(pk=lease["clip"]["id"])
    DeviceEvent.objects.create(
        clip=clip,
        device_model="Porch 2",
        detector_version="7.1",
        happened_at=database_now(),
        said=["person"],
        detections=[{"said": "person", "score": 0.91, "zone": "gate"}, {"said": "motion"}],
    )
    client.force_login(ops)
    page = client.get(reverse("admin:clips_clip_change", args=[clip.pk])).content.decode()
    for text in ("person (0.91) in gate, motion", "Porch 2 7.1", "prepared, at attempt 1", "its owner agreed to"):
        assert text in page
    flag(asha, lease, "sensitive")
    assert client.get(reverse("admin:clips_clip_change", args=[clip.pk])).status_code == 404
    client.force_login(officer)
    assert "sensitive case" in client.get(reverse("admin:clips_clip_change", args=[clip.pk])).content.decode()


def test_the_page_of_a_clip_opens_in_every_state(client, gateway, officer) -> None:
    client.force_login(officer)
    for state in ClipState:
        clip = make_clip(gateway)
        due = None if state in {"ready", "failed", "withheld", "purged"} else database_now()
        fields = {"failure": "broken", "facts": {}}
        if state == "purged":
            fields |= {"failure": "", "owner_key": "", "upload_key": "", "sha256": "", "sound": {}}
        Clip.objects.filter(pk=clip.pk).update(state=state, due_at=due, **fields)
        assert client.get(reverse("admin:clips_clip_change", args=[clip.pk])).status_code == 200, state
    assert client.get(reverse("admin:clips_clip_change", args=[987654])).status_code == 404
    assert client.get("/admin/clips/clip/x/change/").status_code in {302, 404}


def test_staff_quarantine_a_clip_with_a_reason(client, tasks, asha, ops) -> None:
    lease = take(asha)[0]
    client.force_login(ops)
    body = {"action": "quarantine", "_selected_action": [lease["clip"]["id"]], "confirmed": "yes", "reason": "a call"}
    text = client.post(reverse("admin:clips_clip_changelist"), body, follow=True).content.decode()
    assert "1 clip quarantined" in text
    assert Task.objects.get(pk=lease["task"]["id"]).state == TaskState.STOPPED
    assert not stopping.quarantine(lease["clip"]["id"], by=ops, reason="again", at=database_now())


def test_preparation_is_cancelled_and_can_be_tried_again(client, gateway, ops) -> None:
    clip = make_clip(gateway)
    client.force_login(ops)
    body = {"action": "cancel", "_selected_action": [clip.pk], "confirmed": "yes", "reason": "sent by mistake"}
    text = client.post(reverse("admin:clips_clip_changelist"), body, follow=True).content.decode()
    assert "1 clip cancelled" in text
    clip.refresh_from_db()
    assert (clip.state, clip.failure) == (ClipState.FAILED, "Cancelled: sent by mistake")
    assert not preparing.cancel(clip.pk, by=ops, reason="again", at=database_now())
    assert preparing.retry(clip.pk, at=database_now())
    held = preparing.claim(clip.pk, at=database_now())
    assert held is not None
    assert preparing.cancel(clip.pk, by=ops, reason="once more", at=database_now())
    with pytest.raises(preparing.LostClaim):
        preparing.show_life(held, 50, at=database_now())
