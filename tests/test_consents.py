"""Consents: events that are only ever added, by one door, and what they permit at once."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from jsonschema import Draft202012Validator

from annotations import auditing, links, stopping, withdrawing
from annotations.models import Annotation, Lease, LeaseState, Project, RecallReason, Task, TaskState
from clips import cases, consenting, disclosing, purging
from clips.models import FOREVER, Clip, ClipState, Closing, ConsentEvent, Disclosure, Permit, Rendition
from config.clock import database_now
from tests.conftest import (
    CHECKLIST,
    DISCLOSED,
    consent_for,
    leave_only,
    make_disclosure,
    make_project,
    make_ready_clips,
    make_user,
    permit,
    signed_in,
    spread_now,
)
from tests.test_flagging import answer, asking_as, flag, promises_hold, take

pytestmark = pytest.mark.django_db


@pytest.fixture
def officer(roles):
    return make_user("privacy", "privacy officer", is_staff=True)


@pytest.fixture
def camera(gateway):
    make_disclosure("in", gateway)
    return signed_in(gateway)


def given(owner: Any = "owner-0001-abcd", **changes):
    body = {
        "owner": owner,
        "disclosure": "in-en-1",
        "purposes": ["human_review"],
        "channel": "app",
        "at": "2026-11-01T10:00:00Z",
    }
    return {name: value for name, value in (body | changes).items() if value is not None}


def taken_back(owner: str = "owner-0001-abcd", **changes):
    return {"kind": "withdrawn", "owner": owner, "channel": "app"} | changes


def post(client, body, key=None):
    headers = {"Idempotency-Key": key} if key else {}
    return client.post("/api/v1/consents", body, format="json", headers=headers)


def all_of_one_owner() -> None:
    for clip in Clip.objects.all():
        Clip.objects.filter(pk=clip.pk).update(owner_key="owner-0001-abcd", sha256=f"{clip.pk:064x}")


def in_force(clip) -> dict[str, int]:
    return dict(consenting.queries.in_force([clip.pk]).values_list("purpose", "event"))


@pytest.mark.parametrize("table", ["clips_consentevent", "clips_disclosure"])
@pytest.mark.parametrize(
    "statement",
    ["UPDATE {} SET id = id", "DELETE FROM {}", "DELETE FROM {} WHERE false", "TRUNCATE {} CASCADE"],
)
def test_what_owners_said_and_were_told_is_only_ever_added(gateway, table, statement) -> None:
    make_ready_clips(gateway, 1)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(DatabaseError, match="only ever added"), transaction.atomic():
            cursor.execute(statement.format(table))


def publish(by, **changes):
    fields = {"version": "in-en-9", "region": "in", "language": "en", "text": DISCLOSED, "checklist": CHECKLIST}
    return disclosing.publish(**(fields | changes), by=by, at=database_now())


@pytest.mark.parametrize("point", list(CHECKLIST))
def test_a_disclosure_says_each_point_or_is_not_published(gateway, point) -> None:
    for passage in ("", "People", "It is said nowhere in the text."):
        with pytest.raises(disclosing.DisclosureIncomplete) as refused:
            publish(gateway, checklist=CHECKLIST | {point: passage})
        assert refused.value.extra["missing"] == [point]
    row = Disclosure(version="in-en-8", region="in", language="en", text=DISCLOSED, sha256=disclosing.digest(DISCLOSED))
    row.published_by, row.checklist = gateway, CHECKLIST | {point: "It is said nowhere in the text."}
    with pytest.raises(DatabaseError, match="is missing"), transaction.atomic():
        row.save(force_insert=True)
    row.checklist, row.sha256 = CHECKLIST, "0" * 64
    with pytest.raises(DatabaseError, match="digest"), transaction.atomic():
        row.save(force_insert=True)
    assert not Disclosure.objects.exists()


def test_disclosures_are_told_byte_for_byte(camera, gateway) -> None:
    text = DISCLOSED + "\n  Zweite Zeile\tमराठी ​ \n"
    publish(gateway, text=text, language="mr-IN")
    shown = camera.get("/api/v1/disclosures", {"language": "mr-IN"}).json()["disclosures"]
    assert [row["version"] for row in shown] == ["in-en-9"]
    assert shown[0]["text"] == text
    assert shown[0]["sha256"] == disclosing.digest(text)
    assert len(camera.get("/api/v1/disclosures").json()["disclosures"]) == 2
    assert camera.get("/api/v1/disclosures", {"colour": "red"}).json()["code"] == "invalid"


def test_one_consent_for_all_clips_covers_those_to_come_and_ends_for_all(camera, gateway) -> None:
    clips = make_ready_clips(gateway, 2)
    mine, other = clips[0], clips[1]
    leave_only(mine)
    assert in_force(mine) == {}
    reply = post(camera, given(mine.owner_key, purposes=["human_review", "model_training"], at=_now()))
    assert (reply.status_code, reply.json()["clip"], reply.json()["ended"]) == (201, None, None)
    assert reply.json()["disclosure_sha256"] == Disclosure.objects.get().sha256
    assert set(in_force(mine)) == {"human_review", "model_training"}
    fresh = _another_of(mine)
    assert set(in_force(fresh)) == {"human_review", "model_training"}
    ended = post(camera, taken_back(mine.owner_key))
    assert (ended.status_code, ended.json()["ended"]["clips_closing"]) == (201, 0)
    assert in_force(mine) == in_force(fresh) == in_force(_another_of(mine)) == {}
    assert set(Clip.objects.filter(pk__in=[mine.pk, fresh.pk]).values_list("state", flat=True)) == {"withheld"}
    assert in_force(other)
    assert Clip.objects.get(pk=other.pk).state == "ready"
    promises_hold()


def _now(**later: float) -> str:
    return (database_now() + timedelta(**later)).isoformat()


def _another_of(clip: Clip) -> Clip:
    fields = {
        field.attname: getattr(clip, field.attname) for field in Clip._meta.concrete_fields if field.attname != "id"
    }
    return Clip.objects.create(
        **fields
        | {"original_key": f"{clip.original_key}-{Clip.objects.count()}", "sha256": f"{Clip.objects.count():064x}"}
    )


def test_a_consent_counts_where_its_text_was_shown(camera, gateway) -> None:
    here, there = make_ready_clips(gateway, 2)
    Clip.objects.filter(pk=there.pk).update(region="ro")
    for clip in (here, there):
        leave_only(clip)
    permit(None, "human_review", owner_key=here.owner_key)
    permit(None, "human_review", owner_key=there.owner_key)
    assert in_force(here)
    assert not in_force(there)
    reply = post(camera, given(there.owner_key, clip=there.pk))
    assert (reply.status_code, reply.json()["code"]) == (400, "unknown-disclosure")


def test_withdrawing_one_purpose_leaves_the_others(tasks, camera, asha) -> None:
    lease = take(asha)[0]
    clip = Clip.objects.get(pk=lease["clip"]["id"])
    reply = post(camera, taken_back(clip.owner_key, clip=clip.pk, purposes=["model_training"]))
    assert reply.json()["ended"]["leases_ended"] == 0
    assert set(in_force(clip)) == {"human_review"}
    assert answer(asha, lease).status_code == 201
    rest = post(camera, taken_back(clip.owner_key, clip=clip.pk, purposes=["human_review"]))
    assert rest.status_code == 201
    clip.refresh_from_db()
    assert clip.state == ClipState.WITHHELD
    promises_hold()


def test_repeats_get_the_first_event(camera, gateway, officer) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    first, again = post(camera, given()), post(camera, given())
    assert (first.status_code, again.status_code, again.json()["id"]) == (201, 200, first.json()["id"])
    keyed = post(camera, given(purposes=["troubleshooting"]), key="k-1")
    assert post(camera, given(purposes=["troubleshooting"]), key="k-1").json()["id"] == keyed.json()["id"]
    other = post(camera, given(purposes=["model_training"]), key="k-1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert post(camera, taken_back(), key="k-1").json()["code"] == "idempotency-key-reused"
    ended = post(camera, taken_back(), key="k-2")
    assert post(camera, taken_back(), key="k-2").json()["id"] == ended.json()["id"]
    assert post(signed_in(officer), taken_back()).json()["id"] == ended.json()["id"]
    assert post(camera, taken_back(purposes=["human_review"]), key="k-2").json()["code"] == "idempotency-key-reused"
    # Agreed to again: now there is something to take back again.
    post(camera, given(at=_now()))
    assert post(camera, taken_back()).json()["id"] != ended.json()["id"]
    assert ConsentEvent.objects.filter(clip=clip).count() == 1


def test_what_comes_late_does_not_open_what_was_taken_back_since(camera, gateway) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    Clip.objects.filter(pk=clip.pk).update(owner_key="owner-0001-abcd")
    post(camera, taken_back(clip=clip.pk, purposes=["human_review"]))
    post(camera, given(at="2026-11-01T10:00:00Z"))
    post(camera, given(clip=clip.pk, at=_now(minutes=-1)))
    assert "human_review" not in in_force(clip)
    post(camera, given(at=_now()))
    assert "human_review" in in_force(clip)


def test_a_clip_with_an_older_consent_than_the_owners_withdrawal_is_not_taken(send, camera) -> None:
    post(camera, taken_back())
    reply = send()
    assert (reply.status_code, reply.json()["code"]) == (410, "consent-withdrawn")
    assert send(consent=json.dumps(consent_for(given_at=_now()))).status_code == 202


def test_troubleshooting_alone_is_for_projects_of_that_purpose(send, hyderabad, asha, ravi) -> None:
    reply = send(consent=json.dumps(consent_for(purposes=["troubleshooting"])))
    assert reply.status_code == 202
    Clip.objects.update(state=ClipState.READY, due_at=None)
    Rendition.objects.create(
        clip=Clip.objects.get(),
        kind="proxy",
        attempt=1,
        key="some/proxy",
        content_type="video/mp4",
        size_bytes=1,
        sha256="0" * 64,
        width=1,
        height=1,
    )
    make_project(hyderabad)
    repairs = make_project(hyderabad, slug="repairs", purpose="troubleshooting")
    assert spread_now() == 1
    assert Task.objects.get().project == repairs
    assert len(take(asha, 5)) == 1


def test_a_consent_that_expires_shuts_every_door_at_its_time(tasks, asha, ravi, gateway, camera) -> None:
    """Time passes for real here: the gates ask PostgreSQL's clock, and nothing else."""
    lease = take(asha)[0]
    clip = Clip.objects.get(pk=lease["clip"]["id"])
    sealed = lease["media"]["proxy"].rpartition("/")[2]
    leave_only(clip)
    ends = database_now() + timedelta(seconds=1.5)
    permit(clip, "human_review", expires_at=ends)
    withdrawing.sweep(at=database_now())
    assert links.open_link(sealed, asking=asking_as(asha), at=database_now())
    assert Permit.objects.get(clip=clip).until == ends
    while database_now() < ends:
        pass
    client = signed_in(asha.user)
    for call in ("renew", "annotation"):
        body = {"token": lease["token"]} | ({"answer": {"label": "threat"}} if call == "annotation" else {})
        reply = client.post(f"/api/v1/leases/{lease['id']}/{call}", body)
        assert (reply.status_code, reply.json()["code"]) == (410, "consent-expired"), call
    with pytest.raises(links.MediaLinkOver):
        links.open_link(sealed, asking=asking_as(asha), at=database_now())
    assert clip.pk not in {row["clip"]["id"] for row in take(ravi, 9)}
    assert withdrawing.sweep(at=database_now()) == 1
    row = Lease.objects.get(pk=lease["id"])
    assert (row.state, row.recall_reason) == (LeaseState.RECALLED, RecallReason.EXPIRED)
    assert answer(asha, lease).json()["code"] == "consent-expired"
    assert Task.objects.get(clip=clip).state == TaskState.STOPPED
    # It may be agreed to again, and then the clip comes back.
    permit(clip, "human_review")
    assert stopping.put_back(at=database_now()) == 1
    promises_hold()


def test_many_clips_are_shut_at_once_and_closed_by_the_sweep_if_whoever_did_it_died(
    tasks, asha, camera, monkeypatch
) -> None:
    all_of_one_owner()
    permit(None, "human_review", owner_key="owner-0001-abcd")
    held = take(asha, 3)
    sealed = held[0]["media"]["proxy"].rpartition("/")[2]

    def dies(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(withdrawing, "close", dies)
    with pytest.raises(KeyboardInterrupt):
        post(camera, taken_back())
    monkeypatch.undo()
    assert Closing.objects.count() == 3
    assert Lease.objects.filter(state=LeaseState.LIVE).count() == 3
    assert not Permit.objects.exists()
    client = signed_in(asha.user)
    for lease in held:
        body = {"token": lease["token"]}
        assert client.post(f"/api/v1/leases/{lease['id']}/renew", body).json()["code"] == "consent-withdrawn"
        assert answer(asha, lease).json()["code"] == "consent-withdrawn"
    with pytest.raises(links.MediaLinkOver):
        links.open_link(sealed, asking=asking_as(asha), at=database_now())
    assert not Annotation.objects.exists()
    assert withdrawing.sweep(at=database_now()) == 3
    assert not Closing.objects.exists()
    assert set(Lease.objects.values_list("state", "recall_reason")) == {("recalled", "withdrawn")}
    assert set(Clip.objects.values_list("state", flat=True)) == {"withheld"}
    assert withdrawing.sweep(at=database_now()) == 0
    promises_hold()


def test_more_clips_than_a_call_closes_are_left_to_the_sweep(tasks, camera, monkeypatch) -> None:
    all_of_one_owner()
    monkeypatch.setattr(withdrawing, "AT_ONCE", 2)
    assert post(camera, taken_back()).json()["ended"]["clips_closing"] == 1
    assert withdrawing.sweep(at=database_now()) == 1
    assert not Clip.objects.exclude(state="withheld").exists()


def test_a_clip_that_is_still_arriving_is_closed_when_it_is_here(send, camera) -> None:
    clip = Clip.objects.get(pk=send().json()["id"])
    Clip.objects.filter(pk=clip.pk).update(state=ClipState.RECEIVING, due_at=database_now() + timedelta(minutes=2))
    assert post(camera, taken_back(clip=clip.pk)).json()["ended"]["clips_closing"] == 1
    assert in_force(clip) == {}
    assert withdrawing.sweep(at=database_now()) == 0
    Clip.objects.filter(pk=clip.pk).update(state=ClipState.UPLOADED)
    assert withdrawing.sweep(at=database_now() + timedelta(minutes=3)) == 1
    clip.refresh_from_db()
    assert clip.state == ClipState.WITHHELD


def test_an_upload_that_died_takes_no_word_of_its_owner_with_it(send) -> None:
    clip = Clip.objects.get(pk=send().json()["id"])
    Clip.objects.filter(pk=clip.pk).update(state=ClipState.RECEIVING, due_at=database_now())
    from clips import receiving

    assert receiving.forget(clip)
    assert ConsentEvent.objects.get().clip_id == clip.pk
    assert not Permit.objects.exists()


def test_nobody_speaks_for_anothers_owner(camera, gateway, officer) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    stranger = signed_in(make_user("other-camera", "camera gateway"))
    for body in (given(clip.owner_key), taken_back(clip.owner_key), given(clip.owner_key, clip=clip.pk)):
        assert post(stranger, body).status_code == 404
    assert stranger.get(f"/api/v1/owners/{clip.owner_key}").status_code == 404
    # Not an owner of that clip.
    assert post(camera, given("owner-0009-abcd", clip=clip.pk)).status_code == 404
    assert post(camera, given(clip=2**62)).status_code == 404
    assert post(signed_in(officer), taken_back(clip.owner_key, clip=clip.pk)).status_code == 201
    late = post(camera, given(clip.owner_key, clip=clip.pk, at=_now()))
    assert (late.status_code, late.json()["code"]) == (410, "clip-withheld")
    with pytest.raises(DatabaseError, match="no clip of this owner"), transaction.atomic():
        permit(clip, "human_review", owner_key="owner-0009-abcd")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "invalid"),
        (given(purposes=[]), "invalid"),
        (given(purposes=["face_search"]), "invalid"),
        (given(purposes="human_review"), "invalid"),
        (given(at=None), "invalid"),
        (given(at="2026-11-01T10:00:00"), "invalid"),
        (given(at="2099-01-01T00:00:00Z"), "invalid"),
        (given(at="2025-01-01T00:00:00Z"), "unknown-disclosure"),
        (given(disclosure="in-en-99"), "unknown-disclosure"),
        (given(expires_at="2026-11-01T09:00:00Z"), "consent-expired"),
        (given(expires_at="2026-11-01T11:00:00Z"), "consent-expired"),
        (given(owner="jane@example.org"), "invalid"),
        (given(owner=12345678), "invalid"),
        (given(clip="7"), "invalid"),
        (given(clip=10**30), "malformed-json"),
        (given(reason="why not"), "invalid"),
        (given(surprise=1), "invalid"),
        (taken_back(disclosure="in-en-1"), "invalid"),
        (taken_back(expires_at="2099-01-01T00:00:00Z"), "invalid"),
        (taken_back(purposes=[]), "invalid"),
        (taken_back(reason="x"), "invalid"),
        (taken_back(channel="pigeon"), "invalid"),
        (taken_back(kind="borrowed"), "invalid"),
    ],
)
def test_what_cannot_be_recorded_is_refused_with_a_code(camera, body, code) -> None:
    reply = post(camera, body)
    assert (reply.status_code, reply.json()["code"]) == (400, code)
    assert not ConsentEvent.objects.exists()


def test_everything_that_is_held_of_an_owner_is_in_the_file(tasks, asha, ravi, camera, client, officer) -> None:
    lease = take(asha)[0]
    clip = Clip.objects.get(pk=lease["clip"]["id"])
    answer(asha, lease)
    flag(ravi, take(ravi)[0], "emergency")
    reply = camera.get(f"/api/v1/owners/{clip.owner_key}")
    assert reply.status_code == 200
    assert reply["Content-Disposition"] == f'attachment; filename="{clip.owner_key}.json"'
    assert "no-store" in reply["Cache-Control"]
    held = reply.json()
    assert [row["id"] for row in held["clips"]] == [clip.pk]
    assert held["clips"][0]["annotations"][0]["answer"]["label"] == "threat"
    assert held["clips"][0]["cases"][0]["kind"] == "emergency"
    assert held["clips"][0]["sha256"] == clip.sha256
    assert held["disclosures"][0]["text"] == DISCLOSED
    assert [row["kind"] for row in held["consents"]] == ["given"]
    assert {row["purpose"] for row in held["permitted_now"]} == {"human_review", "model_training"}
    assert {row["until"] for row in held["permitted_now"]} == {None}
    text = reply.content.decode()
    for secret in (
        "asha",
        "ravi",
        asha.pseudonym,
        ravi.pseudonym,
        "gateway",
        "/media/",
        "http",
        clip.original_key,
        lease["token"],
    ):
        assert secret not in text, secret
    # As the OpenAPI document describes it.
    schema = client.get("/api/v1/schema", headers={"Accept": "application/vnd.oai.openapi+json"}).json()
    described = {"$ref": "#/components/schemas/OwnerFile", "components": schema["components"]}
    Draft202012Validator(_nullable(described)).validate(held)
    assert camera.get("/api/v1/owners/owner-unknown-1").status_code == 404
    client.force_login(officer)
    same = client.get(f"/admin/owners/{clip.owner_key}/file").json()
    assert same | {"made_at": ""} == held | {"made_at": ""}


def _nullable(schema):
    """OpenAPI 3.0 says nullable where JSON Schema says null."""
    if isinstance(schema, list):
        return [_nullable(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: _nullable(value) for name, value in schema.items() if name != "nullable"}
    return {"anyOf": [inner, {"type": "null"}]} if schema.get("nullable") is True else inner


@pytest.mark.django_db(transaction=True)
def test_the_audit_finds_a_permit_that_no_event_gives_and_one_that_is_missing(gateway, tasks) -> None:
    assert auditing.audit() == []
    permit_row = Permit.objects.order_by("pk").first()
    assert permit_row is not None
    Permit.objects.create(clip_id=permit_row.clip_id, purpose="troubleshooting", event=permit_row.event, until=FOREVER)
    assert [finding.check.name for finding in auditing.audit()] == ["permits-follow-from-events"]
    Permit.objects.filter(purpose="troubleshooting").delete()
    permit_row.delete()
    assert [finding.check.name for finding in auditing.audit()] == ["permits-follow-from-events"]


def test_nothing_is_permitted_of_what_is_purged_whatever_its_owner_agrees_to(gateway) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    with transaction.atomic():
        cases.withhold(clip.pk, at=database_now())
        purging.schedule(clip.pk, reason="withheld", at=database_now())
    assert purging.run(clip.pk, now=database_now, at_once=True)
    assert Clip.objects.get(pk=clip.pk).state == ClipState.PURGED
    permit(None, "human_review", owner_key=clip.owner_key)
    assert not Permit.objects.filter(clip=clip).exists()
    promises_hold()


def test_a_projects_purpose_stays_once_it_has_tasks(tasks) -> None:
    project = Project.objects.get()
    project.purpose = "troubleshooting"
    with pytest.raises(Exception, match="given for this purpose"):
        project.full_clean()


def test_staff_publish_a_disclosure_after_a_second_look(client, officer) -> None:
    client.force_login(officer)
    url = "/admin/clips/disclosure/add/"
    assert client.get(url).status_code == 200
    body = {"version": "in-en-2", "region": "in", "language": "en", "text": DISCLOSED.replace(". ", ".\r\n")}
    body |= {f"point_{point}": passage for point, passage in CHECKLIST.items()}
    page = client.post(url, body | {"point_why": "nothing of this"}).content.decode()
    assert "not in the text, letter for letter" in page
    assert "Publish it" not in page
    # Without having looked it is not published.
    seen = client.post(url, body | {"publish": "yes"})
    assert not Disclosure.objects.exists()
    assert "<mark>People look at your clips.</mark>" in seen.content.decode()
    digest = seen.context["shown"]["digest"]
    client.post(url, body | {"publish": "yes", "seen": digest, "text": body["text"] + " More."})
    assert not Disclosure.objects.exists()
    done = client.post(url, body | {"publish": "yes", "seen": digest}, follow=True)
    assert "Nothing of it will ever change" in done.content.decode()
    row = Disclosure.objects.get()
    assert (row.sha256, row.published_by) == (digest, officer)
    assert row.text == DISCLOSED.replace(". ", ".\n")
    assert "is used already" in (again := client.post(url, body).content.decode()) or "already exists" in again


def test_staff_give_and_withdraw_for_an_owner_with_a_reason(client, officer, roles, tasks, asha) -> None:
    lease = take(asha)[0]
    clip = Clip.objects.get(pk=lease["clip"]["id"])
    url = f"/admin/owners/{clip.owner_key}"
    client.force_login(make_user("ops", "ops manager", is_staff=True))
    assert client.get(url).status_code == client.get("/admin/owners").status_code == 404
    client.force_login(officer)
    assert client.get("/admin/owners", {"key": clip.owner_key}).status_code == 302
    assert "Nothing is held" in client.get("/admin/owners", {"key": "owner-unknown-1"}).content.decode()
    assert client.get("/admin/owners/owner-unknown-1").status_code == 404
    page = client.get(url).content.decode()
    assert "Withdraw for the owner" in page
    assert "stands" in page
    give = {
        "act": "give",
        "give-about": "",
        "give-purposes": ["troubleshooting"],
        "give-disclosure": "in-en-1",
        "give-channel": "paper",
        "give-reason": "a signed letter",
    }
    assert "It is recorded" in client.post(url, give, follow=True).content.decode()
    assert ConsentEvent.objects.filter(owner_key=clip.owner_key, clip=None, reason="a signed letter").exists()
    body: dict[str, Any] = {
        "act": "withdraw",
        "withdraw-about": "",
        "withdraw-channel": "desk",
        "withdraw-reason": "x",
    }
    body["withdraw-purposes"] = ["human_review", "model_training", "troubleshooting"]
    assert "3 to 300 characters" in client.post(url, body).content.decode()
    said = client.post(url, body | {"withdraw-reason": "asked by telephone"}, follow=True).content.decode()
    assert "Leases ended: 1." in said
    assert "taken back" in said
    assert answer(asha, lease).json()["code"] == "consent-withdrawn"
    promises_hold()


def test_the_consents_list_leads_to_the_owner_for_those_who_may_look(client, officer, roles, gateway) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    client.force_login(officer)
    assert f"/admin/owners/{clip.owner_key}" in client.get("/admin/clips/consentevent/").content.decode()
    client.force_login(make_user("ops", "ops manager", is_staff=True))
    page = client.get("/admin/clips/consentevent/").content.decode()
    assert f"/admin/owners/{clip.owner_key}" not in page
    assert clip.owner_key in page


def test_a_clip_costs_the_same_however_many_its_owner_sent(gateway) -> None:
    """What was agreed to for all of an owner's clips permits each that comes, and the others are not read for it."""
    like = make_ready_clips(gateway, 1)[0]
    ConsentEvent.objects.create(
        kind="given",
        owner_key="owner-of-many",
        purposes=["human_review"],
        disclosure=make_disclosure("in", gateway),
        channel="app",
        at=database_now(),
        actor=gateway,
    )

    def come(first: int, count: int) -> int:
        kept = {
            field.attname: getattr(like, field.attname) for field in Clip._meta.concrete_fields if field.name != "id"
        }
        with connection.cursor() as cursor:
            asked = "SELECT pg_stat_get_xact_tuples_fetched('clips_clip'::regclass)"
            cursor.execute(asked)
            (before,) = cursor.fetchone()
            Clip.objects.bulk_create(
                Clip(**kept | {"owner_key": "owner-of-many", "original_key": f"{n:032x}/o", "sha256": f"{n:064x}"})
                for n in range(first, first + count)
            )
            cursor.execute(asked)
            return cursor.fetchone()[0] - before

    few = come(1, 20)
    come(1_000, 400)
    assert come(2_000, 20) <= few + 20
    assert Permit.objects.filter(clip__owner_key="owner-of-many", purpose="human_review").count() == 440
