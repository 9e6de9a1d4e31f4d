"""Exports: what is settled, once each, traceable, and the same bytes for the same labels."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.storage import storages

from annotations import consensus, exporting
from annotations.models import Annotation, Export, ExportState, Lease, Task
from clips.models import Clip, ConsentEvent
from config.clock import database_now
from config.ticks import alone
from tests.conftest import leave_only, make_user, signed_in

# The file is written from one REPEATABLE READ snapshot, which needs transactions of its own.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def settled(tasks, asha, ravi) -> list[Task]:
    """Two settled tasks and an open one."""
    for person in (asha, ravi):
        client = signed_in(person.user)
        for lease in client.post("/api/v1/leases", {"count": 2}).json()["leases"]:
            answer = {"label": "threat", "note": "ăéहि <b>"}
            body = {"token": lease["token"], "answer": answer}
            assert client.post(f"/api/v1/leases/{lease['id']}/annotation", body).status_code == 201
    for task_id in consensus.waiting(at=database_now()):
        consensus.settle(task_id, at=database_now())
    return tasks


@pytest.fixture
def model_team(roles):
    return make_user("model-team", "model team")


def download(client, export_id: int) -> bytes:
    return b"".join(client.get(f"/api/v1/exports/{export_id}/download").streaming_content)


def test_an_export_holds_settled_labels_and_every_line_can_be_traced(settled, model_team) -> None:
    client = signed_in(model_team)
    asked = client.post("/api/v1/exports", {"project": "threats"})
    assert (asked.status_code, asked.json()["state"]) == (202, "requested")
    early = client.get(f"/api/v1/exports/{asked.json()['id']}/download")
    assert (early.status_code, early.json()["code"]) == (409, "export-not-ready")
    assert exporting.write(asked.json()["id"], now=database_now)
    assert not exporting.write(asked.json()["id"], now=database_now)
    done = client.get(asked["Location"]).json()
    assert (done["state"], done["lines"]) == ("done", 2)
    data = download(client, done["id"])
    assert hashlib.sha256(data).hexdigest() == done["sha256"] == done["manifest"]["file"]["sha256"]
    assert done["manifest"]["counts"] == {"lines": 2, "annotations": 4, "labels": {"threat": 2}}
    assert done["manifest"]["schema_versions"] == [1]
    assert list(done["manifest"]["disclosures"]) == ["in-en-1"]
    lines = [json.loads(line) for line in data.splitlines()]
    assert [line["task"] for line in lines] == [settled[0].pk, settled[1].pk]
    for line in lines:
        task = Task.objects.get(pk=line["task"])
        clip = Clip.objects.get(pk=line["clip"]["id"])
        consent = ConsentEvent.objects.get(pk=line["consent"]["id"])
        assert (task.clip_id, consent.clip_id) == (clip.pk, clip.pk)
        assert line["clip"]["sha256"] == clip.sha256
        assert "human_review" in line["consent"]["purposes"]
        for item in line["annotations"]:
            annotation = Annotation.objects.get(pk=item["id"])
            assert (annotation.task_id, annotation.answer) == (task.pk, item["answer"])
            assert Lease.objects.get(pk=item["lease"]).task_id == task.pk
            assert item["reviewer"] == annotation.reviewer.pseudonym
    text = data.decode()
    assert "asha" not in text
    assert "owner-" not in text


def test_the_same_labels_give_the_same_bytes(settled, model_team) -> None:
    exports = [exporting.request_export(settled[0].project, by=model_team, at=database_now()) for _ in range(2)]
    for export in exports:
        exporting.write(export.pk, now=database_now)
    first, second = (Export.objects.get(pk=export.pk) for export in exports)
    assert first.sha256 == second.sha256
    manifest = storages["exports"].open(f"{first.key}.manifest.json")
    with manifest:
        assert json.loads(manifest.read())["file"]["sha256"] == first.sha256


def test_what_lost_its_consent_is_not_exported(settled, model_team) -> None:
    leave_only(settled[0].clip, "human_review")
    export = exporting.request_export(settled[0].project, by=model_team, at=database_now())
    exporting.write(export.pk, now=database_now)
    export.refresh_from_db()
    assert export.lines == 1


def test_a_withdrawal_lists_the_exports_and_they_are_handed_out_no_more(settled, model_team, gateway) -> None:
    export = exporting.request_export(settled[0].project, by=model_team, at=database_now())
    assert exporting.write(export.pk, now=database_now)
    client = signed_in(model_team)
    url = f"/api/v1/exports/{export.pk}/download"
    assert download(client, export.pk)
    clip = settled[0].clip
    camera = signed_in(gateway)
    body = {
        "kind": "withdrawn",
        "owner": clip.owner_key,
        "clip": clip.pk,
        "purposes": ["model_training"],
        "channel": "app",
    }
    reply = camera.post("/api/v1/consents", body, format="json")
    assert [(row["id"], row["lines"]) for row in reply.json()["ended"]["exports"]] == [(export.pk, 1)]
    over = client.get(url)
    assert (over.status_code, over.json()["code"], over.json()["lines"]) == (410, "export-withdrawn", 1)
    anew = exporting.request_export(settled[0].project, by=model_team, at=database_now())
    assert exporting.write(anew.pk, now=database_now)
    anew.refresh_from_db()
    assert anew.lines == 1
    assert download(client, anew.pk).count(b"\n") == 1
    held = camera.get(f"/api/v1/owners/{clip.owner_key}").json()
    assert [row["id"] for row in held["exports"]] == [export.pk]
    assert held["clips"][0]["labels"][0]["label"] == "threat"
    # Lines that were never written down are not vouched for.
    Export.objects.filter(pk=anew.pk).update(lines=2)
    assert client.get(f"/api/v1/exports/{anew.pk}/download").json()["code"] == "export-withdrawn"


def test_an_export_without_settled_tasks_is_an_empty_file(tasks, model_team) -> None:
    export = exporting.request_export(tasks[0].project, by=model_team, at=database_now())
    assert exporting.write(export.pk, now=database_now)
    client = signed_in(model_team)
    assert download(client, export.pk) == b""
    assert client.get(f"/api/v1/exports/{export.pk}").json()["sha256"] == hashlib.sha256(b"").hexdigest()


def test_other_peoples_exports_are_not_there(settled, model_team) -> None:
    export = exporting.request_export(settled[0].project, by=model_team, at=database_now())
    other = signed_in(make_user("other", "model team"))
    for path in ("", "/download"):
        assert other.get(f"/api/v1/exports/{export.pk}{path}").status_code == 404
    for absent in ("no-such", 987654, "a\u0101", True, 10**25, ["x"], None):
        missing = other.post("/api/v1/exports", {"project": absent})
        assert missing.status_code in {400, 404}
        assert missing.json()["code"] in {"not-found", "invalid"}
    assert other.post("/api/v1/exports", {"project": settled[0].project_id}).status_code == 202


def test_a_writer_that_died_is_found_and_a_living_one_is_left_alone(settled, model_team) -> None:
    export = exporting.request_export(settled[0].project, by=model_team, at=database_now())
    past = database_now() - timedelta(seconds=1)
    Export.objects.filter(pk=export.pk).update(state=ExportState.WRITING, attempts=1, due_at=past)
    from django.db import connections

    other_session = connections["default"].copy()
    try:
        with other_session.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", lock_of(export.pk))
        assert exporting.rescue_silent(at=database_now()) == 0
    finally:
        other_session.close()
    Export.objects.filter(pk=export.pk).update(due_at=past)
    assert exporting.rescue_silent(at=database_now()) == 1
    export.refresh_from_db()
    assert export.state == ExportState.REQUESTED
    Export.objects.filter(pk=export.pk).update(due_at=past)
    assert exporting.unheard(at=database_now()) == [export.pk]
    assert exporting.write(export.pk, now=database_now)


def lock_of(export_id: int) -> list[int]:
    import zlib

    from config.ticks import LOCK_FAMILY

    return [LOCK_FAMILY, zlib.crc32(f"write export {export_id}".encode()) - 2**31]


def test_a_storage_that_is_away_delays_an_export_and_costs_it_nothing(settled, model_team) -> None:
    place = Path(storages["exports"].location)  # type: ignore[attr-defined]
    place.rename(place.with_name("away"))
    export = exporting.request_export(settled[0].project, by=model_team, at=database_now())
    for _ in range(5):
        assert not exporting.write(export.pk, now=database_now)
        export.refresh_from_db()
        assert export.state == ExportState.REQUESTED
    assert "storage" in export.failure
    place.with_name("away").rename(place)
    assert exporting.write(export.pk, now=database_now)


def test_a_writer_that_keeps_dying_fails_the_export_with_a_reason(settled, model_team) -> None:
    export = exporting.request_export(settled[0].project, by=model_team, at=database_now())
    for attempt in (1, 2, 3):
        past = database_now() - timedelta(seconds=1)
        Export.objects.filter(pk=export.pk).update(state=ExportState.WRITING, attempts=attempt, due_at=past)
        assert exporting.rescue_silent(at=database_now()) == 1
    export.refresh_from_db()
    assert export.state == ExportState.FAILED
    assert "died" in export.failure


def test_a_tick_runs_in_one_place_at_a_time() -> None:
    from django.db import connections

    with alone("some sweep") as mine:
        assert mine
        other_session = connections["default"].copy()
        try:
            with other_session.cursor() as cursor:
                import zlib

                from config.ticks import LOCK_FAMILY

                cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK_FAMILY, zlib.crc32(b"some sweep") - 2**31])
                assert cursor.fetchone() == (False,)
        finally:
            other_session.close()
