"""What staff may watch, that each time is on record, and the page of one clip."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from annotations import stopping
from annotations.models import Task, TaskState
from clips import preparing
from clips.models import Clip, ClipState, Consent, DeviceEvent, Sight
from config.clock import database_now
from tests.conftest import make_clip, make_ready_clips, make_user
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


def test_ordinary_footage_is_shown_to_staff_who_may_and_each_sight_is_kept(client, gateway, ops) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    reply = watch(client, ops, clip)
    assert (reply.status_code, reply["Content-Type"]) == (200, "image/jpeg")
    assert "no-store" in reply["Cache-Control"]
    assert reply.body[:2] == b"\xff\xd8"
    part = watch(client, ops, clip, "proxy", Range="bytes=0-9")
    assert (part.status_code, part["Content-Length"]) == (206, "10")
    watch(client, ops, clip, "proxy", Range="bytes=10-19")
    seen = list(Sight.objects.order_by("pk").values_list("clip", "rendition_kind", "user__username"))
    assert seen == [(clip.pk, "poster", "ops"), (clip.pk, "proxy", "ops")]
    Sight.objects.update(seen_at=database_now() - timedelta(minutes=2))
    watch(client, ops, clip)
    assert Sight.objects.count() == 3


def test_what_is_not_for_somebody_is_not_there(client, gateway, ops, officer, asha) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    assert watch(client, make_user("clerk", is_staff=True), clip).status_code == 404
    client.force_login(asha.user)
    assert client.get(reverse("footage", args=[clip.pk, "poster"])).status_code == 302
    for odd in ("original", "nonsense"):
        assert watch(client, ops, clip, odd).status_code == 404
    Clip.objects.filter(pk=clip.pk).update(is_sensitive=True)
    assert watch(client, ops, clip).status_code == 404
    assert watch(client, officer, clip).status_code == 200
    Clip.objects.filter(pk=clip.pk).update(is_sensitive=False, state=ClipState.QUARANTINED, due_at=database_now())
    assert watch(client, ops, clip).status_code == 404
    assert watch(client, officer, clip).status_code == 200
    Consent.objects.filter(clip=clip).update(withdrawn_at=database_now())
    assert watch(client, officer, clip).status_code == 404
    Consent.objects.filter(clip=clip).update(withdrawn_at=None)
    Clip.objects.filter(pk=clip.pk).update(state=ClipState.WITHHELD, due_at=None)
    assert watch(client, officer, clip).status_code == 404
    assert not Sight.objects.filter(user__username__in=["ops", "clerk"]).exists()


def test_the_page_of_a_clip_tells_its_story(client, gateway, ops, tasks, asha) -> None:
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
    assert reverse("footage", args=[clip.pk, "proxy"]) in page
    flag(asha, lease, "sensitive")
    page = client.get(reverse("admin:clips_clip_change", args=[clip.pk])).content.decode()
    assert reverse("footage", args=[clip.pk, "proxy"]) not in page
    assert "for people who are cleared" in page
    assert "sensitive case" in page


def test_the_page_of_a_clip_opens_in_every_state(client, gateway, ops) -> None:
    client.force_login(ops)
    for state in ClipState:
        clip = make_clip(gateway)
        due = None if state in {"ready", "failed", "withheld"} else database_now()
        Clip.objects.filter(pk=clip.pk).update(state=state, due_at=due, failure="broken", facts={})
        assert client.get(reverse("admin:clips_clip_change", args=[clip.pk])).status_code == 200, state
    assert client.get(reverse("admin:clips_clip_change", args=[987654])).status_code == 302
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
        preparing.show_progress(held, 50, at=database_now())
