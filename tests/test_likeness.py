"""Clips that are almost alike: found, shown, grouped by ops, and taken apart again."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from django.urls import reverse

from annotations import spreading, stopping
from annotations.models import Lease, LeaseState, Task, TaskState
from clips import likeness, preparing, receiving
from clips.consenting import agreement
from clips.errors import SameBytes
from clips.models import Clip, Likeness, Print, Verdict
from config.clock import database_now
from tests.conftest import SAMPLES, make_clip, make_disclosure, make_project, make_ready_clips, make_user, spread_now
from tests.test_flagging import promises_hold, take

pytestmark = pytest.mark.django_db


def received(path: Path, by, owner: str) -> Clip:
    from datetime import UTC, datetime

    given = agreement(
        owner_key=owner,
        disclosure=make_disclosure("in", by).version,
        purposes=["human_review"],
        channel="app",
        given_at=datetime(2026, 11, 1, tzinfo=UTC),
        region="in",
    )
    at = database_now()
    taken = receiving.receive(path, name=path.name, region="in", source="employee_tester", given=given, by=by, at=at)
    clip = taken.clip
    assert preparing.prepare(clip.pk, now=database_now)
    return clip


def copy_of(path: Path, to: Path, *options: str) -> Path:
    """The same footage or speech, coded anew."""
    ffmpeg = str(preparing.ffmpeg_binary())
    subprocess.run([ffmpeg, "-v", "error", "-i", str(path), *options, str(to)], check=True)
    return to


def test_a_copy_that_was_coded_anew_is_found_and_another_scene_is_not(gateway, tmp_path) -> None:
    first = received(SAMPLES / "walkway.avi", gateway, "owner-0001")
    smaller = copy_of(SAMPLES / "walkway.avi", tmp_path / "smaller.mp4", "-vf", "scale=iw/2:-2", "-crf", "30")
    copy = received(smaller, gateway, "owner-0002")
    received(SAMPLES / "doorstep.mp4", gateway, "owner-0003")
    assert likeness.compare_new(at=database_now()) == 3
    assert likeness.compare_new(at=database_now()) == 0
    found = Likeness.objects.get()
    assert (found.other_id, found.clip_id, found.verdict) == (first.pk, copy.pk, Verdict.WAITING)
    assert 0 <= found.distance <= 1


def test_speech_that_was_coded_anew_is_found(gateway, tmp_path) -> None:
    first = received(SAMPLES / "read-aloud.flac", gateway, "owner-0001")
    assert first.kind == "voice"
    coded = copy_of(SAMPLES / "read-aloud.flac", tmp_path / "coded.m4a", "-c:a", "aac", "-b:a", "48k")
    copy = received(coded, gateway, "owner-0002")
    received(SAMPLES / "speech.opus", gateway, "owner-0003")
    likeness.compare_new(at=database_now())
    if not Print.objects.exclude(sound=b"").exists():
        pytest.skip("this ffmpeg makes no prints of sound")
    found = Likeness.objects.get()
    assert (found.other_id, found.clip_id) == (first.pk, copy.pk)


def test_prints_of_nothing_are_near_to_nothing() -> None:
    assert likeness.words_of(b"", b"") == []
    assert likeness.words_of(b"\x00" * 800, b"\xff" * 40) == []
    many = likeness.words_of(bytes(range(256)) * 16, b"")
    assert 0 < len(many) <= likeness.WORDS_KEPT
    assert all(-(2**63) <= word < 2**63 for word in many)


@pytest.fixture
def pair(gateway, hyderabad, asha, ravi) -> Likeness:
    make_project(hyderabad)
    other, clip = make_ready_clips(gateway, 2)
    assert spread_now() == 2
    return Likeness.objects.create(clip=clip, other=other, distance=0.1)


@pytest.fixture
def ops(roles):
    return make_user("ops", "ops manager", is_staff=True)


def test_of_the_same_only_the_earlier_is_labelled_until_it_is_taken_back(pair, asha, ops) -> None:
    held = take(asha, 2)
    assert len(held) == 2
    stopping.judge(pair.pk, verdict="same", by=ops, reason="one walk, sent twice", at=database_now())
    assert Task.objects.get(clip=pair.clip).state == TaskState.STOPPED
    assert Lease.objects.get(task__clip=pair.clip).state == LeaseState.RECALLED
    assert Lease.objects.get(task__clip=pair.other).state == LeaseState.LIVE
    assert stopping.put_back(at=database_now()) == 0
    promises_hold()
    stopping.judge(pair.pk, verdict="different", by=ops, reason="another day after all", at=database_now())
    assert stopping.put_back(at=database_now()) == 1
    assert Clip.objects.get(pk=pair.clip_id).same_as is None
    promises_hold()


def test_a_copy_is_given_no_task(gateway, hyderabad, asha, ravi, ops) -> None:
    other, clip = make_ready_clips(gateway, 2)
    pair = Likeness.objects.create(clip=clip, other=other, distance=0.1)
    stopping.judge(pair.pk, verdict="same", by=ops, reason="one walk, sent twice", at=database_now())
    make_project(hyderabad)
    assert spreading.spread(at=database_now()) == 1
    assert Task.objects.get().clip_id == other.pk


def test_copies_of_copies_point_at_what_is_labelled(gateway, ops) -> None:
    first, second, third = make_ready_clips(gateway, 3)
    for other, clip in ((second, third), (first, second)):
        row = Likeness.objects.create(clip=clip, other=other, distance=0.1)
        stopping.judge(row.pk, verdict="same", by=ops, reason="all one", at=database_now())
    assert set(Clip.objects.filter(same_as=first).values_list("pk", flat=True)) == {second.pk, third.pk}


def test_ops_see_both_side_by_side_and_say_so_in_the_admin(pair, ops, client) -> None:
    client.force_login(ops)
    page = client.get(reverse("admin:clips_likeness_change", args=[pair.pk])).content.decode()
    # Nothing is shown before they say why; then both are, side by side.
    assert "Say why you must see this" in page
    for clip in (pair.clip, pair.other):
        assert reverse("footage", args=[clip.pk, "poster"]) not in page
    why = {"clip": [pair.clip_id, pair.other_id], "purpose": "likeness", "reason": "are they one walk?", "minutes": 5}
    client.post(reverse("open-viewing"), why | {"page": "/admin/"})
    page = client.get(reverse("admin:clips_likeness_change", args=[pair.pk])).content.decode()
    for clip in (pair.clip, pair.other):
        assert reverse("footage", args=[clip.pk, "poster"]) in page
    body = {"action": "same", "_selected_action": [pair.pk], "confirmed": "yes", "reason": "one walk, sent twice"}
    text = client.post(reverse("admin:clips_likeness_changelist"), body, follow=True).content.decode()
    assert "1 likeness grouped" in text
    pair.refresh_from_db()
    assert pair.verdict == Verdict.SAME


def test_a_clip_waits_uncompared_until_the_sweep(gateway) -> None:
    clip = make_clip(gateway)
    assert preparing.prepare(clip.pk, now=database_now)
    assert Print.objects.get(clip=clip).compared_at is None


def test_the_same_bytes_of_one_owner_stay_together(gateway, ops) -> None:
    first, second = make_ready_clips(gateway, 2)
    Clip.objects.filter(pk=second.pk).update(same_as=first, owner_key=first.owner_key)
    row = Likeness.objects.create(clip=second, other=first, distance=0)
    with pytest.raises(SameBytes):
        stopping.judge(row.pk, verdict="different", by=ops, reason="look different", at=database_now())
    assert Clip.objects.get(pk=second.pk).same_as == first
