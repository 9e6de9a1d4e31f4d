"""Faces in the work: projects get what they ask for and never faces in its stead; what is lacking is added in time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import Client
from django.urls import reverse

from annotations import faces, links, spreading, stopping, supervision
from annotations.models import Lease, LeaseState, Project, Task, TaskState
from clips import adding, needing, preparing, storage, sweeping
from clips.media.faces import finding
from clips.models import SHOWN, AccessEntry, Addition, Clip, ClipState, Faces, Need, Rendition
from config.clock import database_now
from tests.conftest import (
    leave_only,
    make_clip,
    make_project,
    make_ready_clips,
    make_region,
    make_team,
    make_user,
    signed_in,
    spread_now,
)
from tests.test_media_links import body_of, path_of

pytestmark = pytest.mark.django_db
CLEAR, BLURRED = ({kind.value for kind in SHOWN[one]} for one in (Faces.CLEAR, Faces.BLURRED))
SHORT = "tree-cinepak.avi"


@pytest.fixture
def nobody_asked() -> None:
    Need.objects.all().delete()


@pytest.fixture
def ops(roles):
    return make_user("ops", "ops manager", is_staff=True)


@pytest.fixture
def without_detector(monkeypatch) -> None:
    monkeypatch.setattr(finding, "missing", lambda: "onnxruntime cannot be imported here")


def kinds(clip: Clip) -> set[str]:
    return set(Rendition.objects.filter(clip=clip).values_list("kind", flat=True))


def pretend(clip: Clip, *, only: bool = False) -> None:
    """Give a ready clip blurred proxies, poster and sprite; what is in them does not matter here."""
    for plain, kind in zip(SHOWN[Faces.CLEAR], SHOWN[Faces.BLURRED], strict=True):
        row = Rendition.objects.get(clip=clip, kind=plain)
        if not only:
            row.pk = None
        row.key, row.kind, row.size_bytes = f"{clip.folder}/{kind}", kind, 7
        storages[clip.storage_alias].save(row.key, ContentFile(b"covered", name=row.key))
        row.save(force_insert=not only)


def stored(clip: Clip) -> set[str]:
    return set(storage.keys_under(clip.storage_alias, clip.folder))


# --- what is needed, and what is made ---


def test_projects_say_what_is_needed_and_take_it_back(hyderabad, ops, nobody_asked) -> None:
    romania = make_team("Bucharest", make_region("ro", "Romania", "Europe/Bucharest"))
    project = make_project(hyderabad, romania, faces="blurred")
    make_project(hyderabad, slug="counting", faces="clear")
    assert faces.say_needs()
    assert not faces.say_needs()
    said = set(Need.objects.values_list("region", "clip_kind", "faces"))
    assert said == {("in", "video", "blurred"), ("ro", "video", "blurred"), ("in", "video", "clear")}
    supervision.pause_project(project, by=ops, reason="enough for now")
    assert set(Need.objects.values_list("region", "faces")) == {("in", "clear")}
    supervision.resume_project(project, by=ops, reason="go on")
    assert Need.objects.count() == 3


def test_a_project_asks_for_covered_faces_by_saying_so() -> None:
    assert Project(slug="x", name="x").faces == Faces.CLEAR


@pytest.mark.parametrize(
    ("wanted", "made"),
    [(set(), CLEAR), ({"blurred"}, BLURRED), ({"clear"}, CLEAR), ({"blurred", "clear"}, BLURRED | CLEAR)],
    ids=["nobody", "blurred", "clear", "both"],
)
def test_only_what_is_needed_is_made(gateway, wanted: set[str], made: set[str]) -> None:
    needing.say({("in", "video", one) for one in wanted})
    clip = make_clip(gateway, sample=SHORT)
    assert preparing.prepare(clip.pk, now=database_now)
    assert kinds(clip) == made | {"sprite_index", "frame_map"}
    assert stored(clip) == {clip.original_key, *Rendition.objects.filter(clip=clip).values_list("key", flat=True)}


def test_without_a_detector_a_clip_waits_and_nobody_is_shown_faces(
    gateway, hyderabad, asha, ravi, ops, client, without_detector
) -> None:
    project = make_project(hyderabad, faces="blurred")
    faces.say_needs()
    clip = make_clip(gateway, sample=SHORT)
    assert not preparing.prepare(clip.pk, now=database_now)
    clip.refresh_from_db()
    assert (clip.state, clip.attempts_allowed) == (ClipState.UPLOADED, 4)
    assert "no face detector" in clip.failure
    assert clip.due_at is not None
    assert clip.due_at > database_now() + timedelta(minutes=5)
    assert not kinds(clip)
    assert stored(clip) == {clip.original_key}
    assert spread_now() == 0
    client.force_login(ops)
    page = client.get(reverse("admin:annotations_project_change", args=[project.pk])).content.decode()
    assert "no face detector" in page
    # It is no lasting harm: a worker that has one takes it.
    count, why = spreading.without_proxy(project)
    assert (count, "onnxruntime" in why) == (1, True)


def test_without_a_detector_clear_projects_have_their_clips(gateway, hyderabad, asha, ravi, without_detector) -> None:
    make_project(hyderabad, faces="clear")
    make_project(hyderabad, slug="careful", faces="blurred")
    faces.say_needs()
    clip = make_clip(gateway, sample=SHORT)
    assert preparing.prepare(clip.pk, now=database_now)
    assert not kinds(clip) & BLURRED
    assert spread_now() == 1
    assert Task.objects.get().project.slug == "threats"
    assert ask_now() == 1
    addition = Addition.objects.get()
    assert not adding.add(addition.pk, now=database_now)
    addition.refresh_from_db()
    assert (addition.attempts, "no face detector" in addition.failure) == (0, True)
    assert not kinds(clip) & BLURRED
    assert spread_now() == 0


# --- what is handed out ---


@pytest.fixture
def leased(gateway, hyderabad, asha, ravi) -> tuple[dict, Clip]:
    """A lease in a project that shows no faces, on a clip of which there are both."""
    make_project(hyderabad, faces="blurred")
    clip = make_ready_clips(gateway, 1)[0]
    pretend(clip)
    assert spread_now() == 1
    return signed_in(asha.user).post("/api/v1/leases", {}).json()["leases"][0], clip


def test_a_lease_hands_out_what_its_project_shows(leased, client: Client) -> None:
    lease, _ = leased
    assert lease["task"]["project"]["faces"] == "blurred"
    assert set(lease["media"]) == {"proxy", "poster", "sprite", "sprite_index", "frame_map"}
    assert lease["clip"]["size_bytes"] == 7
    # The poster is drawn upon and would have to be a picture.
    for kind in ("proxy", "sprite"):
        assert body_of(client.get(path_of(lease["media"][kind]))) == b"covered"


def test_not_even_a_link_of_our_own_opens_the_other(leased, client: Client) -> None:
    lease, clip = leased
    mine = Lease.objects.select_related("reviewer").get(pk=lease["id"])
    token, user_id, until = mine.token, mine.reviewer.user_id, database_now() + timedelta(minutes=5)
    for row in Rendition.objects.filter(clip=clip).exclude(kind="blurred_poster"):
        reply = client.get(links.link(lease["id"], token, row.pk, user_id=user_id, until=until))
        assert reply.status_code == (410 if row.kind in CLEAR else 200), row.kind
        body_of(reply)
    # As the project is now, not as it was when the link was made.
    covered = path_of(lease["media"]["proxy"])
    Project.objects.update(faces="clear")
    assert client.get(covered).status_code == 410


def test_no_task_is_made_before_its_proxy_is_there(gateway, hyderabad, asha, ravi) -> None:
    make_project(hyderabad, faces="blurred")
    first, second = make_ready_clips(gateway, 2)
    pretend(first)
    assert spread_now() == 1
    assert Task.objects.get().clip_id == first.pk
    assert ask_now() == 1
    assert Addition.objects.get().clip_id == second.pk
    assert spread_now() == 0
    pretend(second)
    assert spread_now() == 1


def test_a_project_that_is_changed_shows_nothing_until_it_can(gateway, hyderabad, asha, ravi, ops, client) -> None:
    project = make_project(hyderabad, faces="clear")
    clip = make_ready_clips(gateway, 1)[0]
    spread_now()
    lease = signed_in(asha.user).post("/api/v1/leases", {}).json()["leases"][0]
    Project.objects.update(faces="blurred")
    assert stopping.stop_unready(project, at=database_now()) == 1
    assert Task.objects.get().state == TaskState.STOPPED
    assert Lease.objects.get().state == LeaseState.RECALLED
    assert client.get(path_of(lease["media"]["proxy"])).status_code == 410
    assert stopping.put_back(at=database_now()) == 0
    pretend(clip, only=True)
    assert stopping.put_back(at=database_now()) == 1
    assert Task.objects.get().state == TaskState.OPEN
    again = signed_in(ravi.user).post("/api/v1/leases", {}).json()["leases"][0]
    assert body_of(client.get(path_of(again["media"]["proxy"]))) == b"covered"


def test_changing_it_in_the_admin_does_all_that(gateway, hyderabad, asha, ravi, ops, client) -> None:
    project = make_project(hyderabad, faces="clear")
    make_ready_clips(gateway, 1)
    spread_now()
    client.force_login(ops)
    url = reverse("admin:annotations_project_change", args=[project.pk])
    form = client.get(url).context["adminform"].form
    data = {name: value for name, value in form.initial.items() if value is not None} | {
        "faces": "blurred",
        "label_schema": form["label_schema"].value(),
        "teams": [hyderabad.pk],
        "skills": "",
    }
    reply = client.post(url, data)
    assert reply.status_code == 302, reply.context["adminform"].form.errors
    assert Task.objects.get().state == TaskState.STOPPED
    assert set(Need.objects.values_list("faces", flat=True)) == {"blurred"}


# --- adding ---


def test_a_clip_that_is_ready_gets_what_it_lacks_and_stays_with_its_reviewers(
    gateway, hyderabad, asha, ravi, client
) -> None:
    make_project(hyderabad, faces="clear")
    clip = make_clip(gateway, sample=SHORT)
    assert preparing.prepare(clip.pk, now=database_now)
    assert spread_now() == 1
    lease = signed_in(asha.user).post("/api/v1/leases", {}).json()["leases"][0]
    make_project(hyderabad, slug="careful", faces="blurred")
    assert spread_now() == 0
    assert ask_now() == 1
    before = Clip.objects.values().get()
    at = database_now()
    assert adding.unheard(at=at) == [(Addition.objects.get().pk, "clips.in")]
    assert adding.unheard(at=at) == []
    assert adding.add(Addition.objects.get().pk, now=database_now)
    assert Clip.objects.values().get() == before
    assert kinds(clip) == CLEAR | BLURRED | {"sprite_index", "frame_map"}
    assert not Addition.objects.exists()
    assert stored(clip) == {before["original_key"], *Rendition.objects.values_list("key", flat=True)}
    assert not list(Path(settings.WORK_DIR).iterdir())
    assert body_of(client.get(path_of(lease["media"]["proxy"])))[4:8] == b"ftyp"
    assert spread_now() == 1


def ask_now() -> int:
    return spreading.ask_for_proxies(at=database_now())


def test_asking_is_bounded_and_dull(gateway, hyderabad, asha, ravi, monkeypatch) -> None:
    monkeypatch.setattr(adding, "AT_ONCE", 3)
    make_project(hyderabad, faces="blurred")
    clips = make_ready_clips(gateway, 5)
    assert (ask_now(), ask_now()) == (3, 0)
    assert sorted(Addition.objects.values_list("clip_id", flat=True)) == [clip.pk for clip in clips[:3]]
    pretend(clips[0])
    assert not adding.add(Addition.objects.get(clip=clips[0]).pk, now=database_now)
    assert ask_now() == 1
    assert sorted(Addition.objects.values_list("clip_id", flat=True)) == [clip.pk for clip in clips[1:4]]


def test_only_what_a_project_waits_for_is_asked(gateway, hyderabad, asha, ravi) -> None:
    project = make_project(hyderabad, faces="blurred")
    lacking, whole, withdrawn = make_ready_clips(gateway, 3)
    make_ready_clips(gateway, 1, region="ro")
    pretend(whole)
    leave_only(withdrawn)
    Project.objects.filter(pk=project.pk).update(is_active=False)
    assert ask_now() == 0
    Project.objects.filter(pk=project.pk).update(is_active=True)
    assert ask_now() == 1
    assert Addition.objects.get().clip_id == lacking.pk


def test_all_clips_are_asked_in_turn_a_stretch_at_a_time(gateway, hyderabad, asha, ravi, monkeypatch) -> None:
    make_project(hyderabad, faces="blurred")
    clips = make_ready_clips(gateway, 5)
    monkeypatch.setattr(spreading, "STRETCH", 2)
    stretches = clips[-1].pk // 2 + 1
    begins, asked = database_now(), []
    for turn in range(stretches):
        asked.append(spreading.ask_for_proxies(at=begins + timedelta(seconds=spreading.ASKED_EVERY * turn)))
    assert sum(asked) == len(clips)
    assert max(asked) == 2


@pytest.mark.parametrize("what", ["withdrawn", "prepared anew", "quarantined", "another attempt"])
def test_what_happens_to_the_clip_meanwhile_leaves_nothing_added(gateway, monkeypatch, what: str) -> None:
    clip = make_clip(gateway, sample=SHORT)
    assert preparing.prepare(clip.pk, now=database_now)
    before, files = kinds(clip), stored(clip)
    assert adding.ask([clip.pk], faces="blurred", region="in", at=database_now()) == 1
    addition = Addition.objects.get()
    real = adding.finish

    def finish(*args: object) -> None:
        assert stored(Clip.objects.get()) > files
        if what == "withdrawn":
            Clip.objects.update(state=ClipState.WITHHELD, due_at=None)
        elif what == "prepared anew":
            Clip.objects.update(attempts=2)
        elif what == "quarantined":
            Clip.objects.update(state=ClipState.QUARANTINED, due_at=database_now())
        else:
            Addition.objects.update(attempts=2)
        real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(adding, "finish", finish)
    assert not adding.add(addition.pk, now=database_now)
    assert (kinds(clip), stored(clip)) == (before, files)
    assert not list(Path(settings.WORK_DIR).iterdir())


def test_a_worker_that_died_is_followed_by_another_three_times_in_all(gateway) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    adding.ask([clip.pk], faces="blurred", region="in", at=database_now())
    addition = Addition.objects.get()
    for attempt in (1, 2, 3):
        assert adding.claim(addition.pk, at=database_now()) is not None
        addition.refresh_from_db()
        assert addition.attempts == attempt
        assert addition.due_at is not None
        assert addition.due_at > database_now()
    assert adding.claim(addition.pk, at=database_now()) is None
    addition.refresh_from_db()
    assert (addition.due_at, addition.failure) == (None, "The worker that made it died or was stopped.")
    # It is not asked for again by itself; ops do.
    assert adding.ask([clip.pk], faces="blurred", region="in", at=database_now()) == 0
    assert adding.retry(clip.pk, at=database_now()) == 1
    assert adding.claim(addition.pk, at=database_now()) is not None


def test_what_may_not_be_seen_is_not_worked_on(gateway) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    adding.ask([clip.pk], faces="blurred", region="in", at=database_now())
    leave_only(clip)
    assert adding.claim(Addition.objects.get().pk, at=database_now()) is None
    assert not Addition.objects.exists()


def test_another_regions_worker_leaves_it_alone(gateway, settings) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    adding.ask([clip.pk], faces="blurred", region="in", at=database_now())
    settings.REGIONS = ("ro",)
    assert adding.claim(Addition.objects.get().pk, at=database_now()) is None
    assert Addition.objects.exists()


# --- staff ---


def test_staff_are_shown_covered_faces_first_and_sights_are_counted_apart(gateway, ops, client) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    pretend(clip)
    client.force_login(ops)
    body = {"clip": [clip.pk], "purpose": "erasure", "reason": "the owner called", "minutes": "5", "page": "/admin/"}
    client.post(reverse("open-viewing"), body)
    page = client.get(reverse("admin:clips_clip_change", args=[clip.pk])).content.decode()
    assert reverse("footage", args=[clip.pk, "blurred_proxy"]) in page
    assert reverse("footage", args=[clip.pk, "proxy"]) not in page
    asked = client.get(reverse("admin:clips_clip_change", args=[clip.pk]), {"faces": "clear"}).content.decode()
    assert reverse("footage", args=[clip.pk, "proxy"]) in asked
    for kind in ("blurred_proxy", "proxy", "blurred_sprite"):
        assert body_of(client.get(reverse("footage", args=[clip.pk, kind])))
    shown = AccessEntry.objects.filter(outcome="granted").values_list("rendition", flat=True)
    assert set(shown) == {"blurred_proxy", "proxy", "blurred_sprite"}
    page = client.get(reverse("admin:clips_clip_change", args=[clip.pk])).content.decode()
    assert "It was shown 1 times clear and 1 times with the faces covered." in page
    home = client.get(reverse("admin:index")).content.decode()
    assert "Shown clear, 24 h" in home
    assert "Shown blurred, 24 h" in home


def test_readiness_says_whether_faces_can_be_looked_for(client) -> None:
    said = client.get("/readyz").json()["machine"]["media tools"]
    assert said["face_detector"] is True
    assert said["without_face_detector"] == ""


def test_a_sweep_finds_what_nobody_heard(gateway) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    at = database_now()
    adding.ask([clip.pk], faces="blurred", region="in", at=at)
    assert sweeping.unheard(at=at) == []
    assert len(adding.unheard(at=at)) == 1
    assert len(adding.unheard(at=at + timedelta(minutes=1))) == 1
