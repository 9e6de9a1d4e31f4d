"""Language: what is spoken in a clip decides who is handed it, at every door and in every plan."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from annotations import auditing, leasing, spreading
from annotations.models import Awaited, Lane, Plan, PlanLine, Task
from annotations.planning import by_hand, queries
from annotations.planning.by_hand import Choice
from clips.models import Clip
from config.clock import database_now
from config.speech import name_of
from tests.conftest import (
    PASSWORD,
    SAMPLES,
    consent_for,
    make_disclosure,
    make_project,
    make_ready_clips,
    make_reviewer,
    make_team,
    make_user,
    signed_in,
)
from workforce.models import Reviewer, Shift

pytestmark = pytest.mark.django_db
REFUSED = {"field": "language", "code": "invalid", "detail": "Two or three small letters (ISO 639), as in hi."}


def spoken(by, count: int, language: str, *, kind: str = "voice") -> list[Clip]:
    clips = make_ready_clips(by, count)
    Clip.objects.filter(pk__in=[clip.pk for clip in clips]).update(language=language, kind=kind)
    return clips


def taken(reviewer: Reviewer, count: int = 5) -> list[str]:
    leases = leasing.lease_next(reviewer.user_id, count=count).lease_ids
    return sorted(Task.objects.filter(leases__in=leases).values_list("clip__language", flat=True))


def spread() -> int:
    return spreading.spread(at=database_now())


@pytest.mark.django_db(transaction=True)
def test_each_is_handed_what_they_speak_and_a_change_counts_at_once(gateway) -> None:
    team = make_team()
    asha, ravi = make_reviewer("asha", team, languages=["hi", "te"]), make_reviewer("ravi", team)
    make_project(team, clip_kind="voice", overlap=1)
    for language in ("hi", "ta", ""):
        spoken(gateway, 2, language)
    # Nobody speaks Tamil, so no task is made of those; the plan says so.
    assert spread() == 4
    assert taken(ravi) == ["", ""]
    assert taken(asha) == ["hi", "hi"]
    assert PlanLine.objects.get(to_team=None).why == "needs Tamil; nobody in Hyderabad speaks it"
    assert PlanLine.objects.get(to_team=None).language == "ta"
    seen = queries.seen()
    Reviewer.objects.filter(pk=ravi.pk).update(languages=["ta"])
    assert queries.seen() != seen
    assert spread() == 2
    assert taken(ravi) == ["ta", "ta"]
    assert not auditing.audit()


def test_what_a_project_asks(gateway) -> None:
    team = make_team()
    asha = make_reviewer("asha", team)
    always = make_project(team, slug="always", overlap=1, asks_language="always")
    make_project(team, slug="heard", overlap=1)
    make_project(team, slug="never", overlap=1, clip_kind="voice", asks_language="never")
    spoken(gateway, 1, "hi", kind="video")
    spoken(gateway, 1, "hi")
    assert sorted(Awaited.objects.values_list("project__slug", "language")) == [
        ("always", "hi"),
        ("heard", ""),
        ("never", ""),
    ]
    assert spread() == 2
    assert taken(asha) == ["hi", "hi"]
    # The lines follow a change of the project's and of the clip's.
    type(always).objects.filter(pk=always.pk).update(asks_language="never")
    assert not Awaited.objects.exclude(language="").exists()
    assert spread() == 1
    assert Lane.objects.filter(language="").count() == 3


def test_the_reason_names_the_language_and_when_they_open(gateway) -> None:
    team = make_team()
    make_reviewer("asha", team, languages=["hi"])
    make_project(team, clip_kind="voice", overlap=1)
    opens = database_now() + timedelta(days=4)
    Shift.objects.create(team=team, weekday=opens.weekday(), begins="09:00", ends="17:00", from_day=opens.date())
    spoken(gateway, 1, "hi")
    assert spread() == 0
    assert PlanLine.objects.get().why == f"needs Hindi; Hyderabad closed until {opens:%A}"


def test_plans_by_hand_know_it(gateway) -> None:
    here, there = make_team(), make_team("Pune")
    make_reviewer("asha", here)
    make_reviewer("lata", there, languages=["hi"])
    project = make_project(here, there, clip_kind="voice", overlap=1)
    spoken(gateway, 2, "hi")
    officer = make_user("officer", "ops manager", is_staff=True)
    choice = Choice(project.pk, teams=[here.pk])
    told = by_hand.preview(choice, by=officer, at=database_now())
    assert [(line.to_team_id, line.why) for line in told.lines] == [
        (None, "needs Hindi; nobody in Hyderabad speaks it")
    ]
    plan = by_hand.apply(Choice(project.pk), by=officer, reason="it is due", at=database_now())
    assert [line.to_team_id for line in plan.lines.all()] == [there.pk]
    assert Plan.objects.get(pk=plan.pk).lines.get().language == "hi"


def test_every_door_takes_it_and_refuses_what_is_none(gateway, send) -> None:
    refused = send(language="Hindi")
    assert refused.status_code == 400
    assert refused.json()["errors"] == [REFUSED]
    clip = send(language="hi").json()
    assert clip["language"] == "hi"
    # What is known stays; what was not known may be said later.
    assert send(language="te").json()["language"] == "hi"
    Clip.objects.update(language="")
    assert send(language="te").json()["language"] == "te"


def test_ingest_takes_it_from_the_manifest_and_the_option(gateway, tmp_path) -> None:
    make_disclosure("in", gateway)
    for name in ("one.flac", "two.wav"):
        sample = "read-aloud.flac" if name.endswith("flac") else "read-aloud.wav"
        (tmp_path / name).write_bytes((SAMPLES / sample).read_bytes())
    lines = [
        {"file": "one.flac", "language": "te"},
        {"file": "two.wav"},
    ]
    common = {"region": "in", "source": "owner_troubleshooting", "consent": consent_for()}
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text("".join(json.dumps(line | common) + "\n" for line in lines))
    call_command("ingest", str(manifest), by=gateway.username, language="hi", stdout=StringIO())
    assert sorted(Clip.objects.values_list("language", flat=True)) == ["hi", "te"]


def test_the_list_of_clips_shows_and_filters_it(gateway, client) -> None:
    clips = [*spoken(gateway, 1, "hi"), *spoken(gateway, 1, "te")]
    make_user("ops", "ops manager", is_staff=True)
    assert client.login(username="ops", password=PASSWORD)
    page = client.get("/admin/clips/clip/?language=hi").content.decode()
    assert "Hindi" in page
    assert "Telugu" in page
    assert f"/{clips[0].pk}/change" in page
    assert f"/{clips[1].pk}/change" not in page
    assert "Hindi" in client.get(f"/admin/clips/clip/{clips[0].pk}/change/").content.decode()


def test_what_is_no_language_is_refused_where_an_upload_is_registered(gateway) -> None:
    refused = signed_in(gateway).post("/api/v1/uploads", {"language": "hi-IN"}, format="json")
    assert REFUSED in refused.json()["errors"]


# --- names ---
SCHEDULED = "as bn brx doi gu hi kn kok ks mai ml mni mr ne or pa sa sat sd ta te ur"
OF_THE_UNION = "bg cs da de el en es et fi fr ga hr hu it lt lv mt nl pl pt ro sk sl sv"


@pytest.mark.parametrize("code", f"{SCHEDULED} {OF_THE_UNION}".split())
def test_each_language_of_india_and_the_union_has_a_name(code: str) -> None:
    assert name_of(code).istitle()


def test_a_language_without_a_name_is_told_by_its_code() -> None:
    assert (name_of("gu"), name_of("hi"), name_of("zzz")) == ("Gujarati", "Hindi", "zzz")
