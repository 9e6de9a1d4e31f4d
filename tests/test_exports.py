"""Exports: what is settled, once each, traceable, and the same bytes for the same labels."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.db import connection

from annotations import auditing, consensus, exporting, forgetting, retracting, withdrawing
from annotations.models import Annotation, Export, ExportState, Lease, Task
from annotations.tasks import sweep_exports
from clips import chain, holding, serving, storage
from clips.models import AccessEntry, Clip, ConsentEvent, Permit, PurgedKey, Purpose
from config.clock import database_now
from config.ticks import alone
from tests.conftest import leave_only, make_user, permit, signed_in

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
    assert [(row["id"], row["state"]) for row in held["exports"]] == [(export.pk, "retracted")]
    assert held["clips"][0]["labels"][0]["label"] == "threat"
    # Lines that were never written down are not vouched for.
    Export.objects.filter(pk=anew.pk).update(lines=2)
    assert client.get(f"/api/v1/exports/{anew.pk}/download").json()["code"] == "export-withdrawn"


@pytest.fixture
def export(settled, model_team) -> Export:
    """A finished one of two lines."""
    asked = exporting.request_export(settled[0].project, by=model_team, at=database_now())
    assert exporting.write(asked.pk, now=database_now)
    asked.refresh_from_db()
    return asked


def withdraw(task: Task, by, *purposes: str) -> None:
    every = purposes or tuple(Purpose.values)
    withdrawing.withdraw(task.clip_id, by=by, reason="the owner asked", at=database_now(), purposes=every)


def state_of(export: Export) -> str:
    return Export.objects.get(pk=export.pk).state


def files_of(export: Export) -> list[str]:
    return storage.keys_under(exporting.ALIAS, str(export.pk))


def test_the_file_of_a_withdrawn_line_is_removed_and_who_took_it_is_on_record(
    export, settled, model_team, gateway
) -> None:
    client, url = signed_in(model_team), f"/api/v1/exports/{export.pk}"
    withdrawals = f"{url}/withdrawals"
    assert client.get(withdrawals).json() == {"export": export.pk, "state": "done", "lines": 0, "tasks": []}
    download(client, export.pk)
    withdraw(settled[1], gateway, "model_training")
    # In the withdrawal's own transaction.
    assert state_of(export) == "retracted"
    assert client.get(url).json()["download"] is None
    assert client.get(f"{url}/download").json()["code"] == "export-withdrawn"
    assert len(files_of(export)) == 2
    sweep_exports()
    assert (state_of(export), files_of(export)) == ("removed", [])
    assert storage.remains(exporting.ALIAS, str(export.pk)) == []
    # Whoever has a copy is told what to take out of it; who agrees again brings no file back.
    told = {"export": export.pk, "state": "removed", "lines": 1, "tasks": [settled[1].pk]}
    assert client.get(withdrawals).json() == told
    permit(settled[1].clip_id, "model_training", by=gateway)
    assert client.get(f"{url}/download").json()["code"] == "export-withdrawn"
    entries = AccessEntry.objects.filter(under="export", under_id=export.pk, user=model_team).order_by("id")
    # Alike within a minute is one entry.
    assert list(entries.values_list("credentials", "purpose", "asked", "outcome")) == [
        ("token", "model_training", "GET", "granted"),
        ("token", "model_training", "GET", "export-withdrawn"),
    ]
    assert chain.verify().faults == []
    assert auditing.audit() == []


@pytest.mark.parametrize("ending", ["all of the owner's", "expired", "purged for its age", "purged again by replay"])
def test_whatever_ends_a_line_ends_the_export(export, settled, gateway, ending) -> None:
    clip, at = settled[0].clip, database_now()
    if ending == "all of the owner's":
        withdrawing.withdraw_all(clip.owner_key, by=gateway, reason="the owner asked", at=at)
    elif ending == "expired":
        Permit.objects.filter(clip=clip, purpose="model_training").update(until=at)
        withdrawing.sweep(at=database_now())
    elif ending == "purged for its age":
        forgetting.forget(clip.pk, reason="retention", by=gateway, why="it is old", at=at)
    else:
        line = PurgedKey(alias=clip.storage_alias, folder=clip.folder, clip=clip.pk, reason="withdrawn", asked_at=at)
        forgetting.replay(line)
    assert state_of(export) == "retracted"
    assert retracting.remove_due(at=database_now()) == 1
    assert files_of(export) == []


def test_what_came_between_is_found_by_a_look(export, settled, gateway) -> None:
    """A withdrawal that did not see the lines yet, for they were not committed; before the look, the control."""
    withdraw(settled[0], gateway)
    Export.objects.filter(pk=export.pk).update(state=ExportState.DONE, due_at=None)
    assert retracting.remove_due(at=database_now()) == 0
    assert len(files_of(export)) == 2
    assert retracting.look(at=database_now()) == 1
    # It is dear where there are many lines, so each export has its turn now and then.
    Export.objects.filter(pk=export.pk).update(state=ExportState.DONE, due_at=None)
    assert retracting.look(at=database_now()) == 0
    assert retracting.look(at=database_now() + retracting.LOOK_AGAIN) == 1
    assert retracting.remove_due(at=database_now() + retracting.LOOK_AGAIN) == 1


def test_what_a_dead_writer_left_goes_too(export, settings, tmp_path) -> None:
    stray = tmp_path / "stray"
    stray.write_text("{}")
    storage.put(exporting.ALIAS, f"{export.pk}/stray.jsonl", stray)
    left = Path(settings.WORK_DIR) / f"export-{export.pk}-dead"
    left.mkdir()
    (left / "labels.jsonl").write_text("{}")
    assert len(files_of(export)) == 3
    retracting.look(at=database_now())
    assert sorted(files_of(export)) == sorted([export.key, f"{export.key}.manifest.json"])
    # One that died while it wrote: what it stored goes before another attempt, and with the last.
    past = database_now() - timedelta(seconds=1)
    Export.objects.filter(pk=export.pk).update(state=ExportState.WRITING, attempts=3, due_at=past)
    with storage_away():
        assert exporting.rescue_silent(at=database_now()) == 0
    Export.objects.filter(pk=export.pk).update(due_at=past)
    assert exporting.rescue_silent(at=database_now()) == 1
    assert (state_of(export), files_of(export), left.exists()) == ("failed", [], False)


def test_a_removal_waits_for_a_hold_and_for_a_store_that_is_away(export, settled, gateway) -> None:
    at = database_now()
    hold, _late = holding.place(
        by=gateway, reason="a court asked", ends_at=at + timedelta(days=1), at=at, clip=settled[1].clip
    )
    withdraw(settled[0], gateway)
    assert retracting.remove_due(at=database_now()) == 0
    waits = Export.objects.get(pk=export.pk)
    assert ("a court asked" in waits.failure, waits.state, len(files_of(export))) == (True, "retracted", 2)
    later = waits.due_at
    assert later is not None
    assert at + timedelta(minutes=50) < later < at + timedelta(hours=2)
    holding.lift(hold, by=gateway, reason="the court let go", at=database_now())
    with storage_away():
        assert retracting.remove_due(at=later) == 0
    waits.refresh_from_db()
    assert "did not answer" in waits.failure
    assert retracting.remove_due(at=later + retracting.TRY_AGAIN) == 1


@contextmanager
def storage_away() -> Iterator[None]:
    place = Path(storages["exports"].location)  # type: ignore[attr-defined]
    place.rename(place.with_name("away"))
    try:
        yield
    finally:
        place.with_name("away").rename(place)


def test_a_restored_store_is_emptied_of_it_again(export, settled, gateway, tmp_path) -> None:
    withdraw(settled[0], gateway)
    assert retracting.remove_due(at=database_now()) == 1
    back = tmp_path / "back"
    back.write_text("{}")
    storage.put(exporting.ALIAS, export.key, back)
    assert retracting.remove_again() == 1
    assert files_of(export) == []


@pytest.mark.parametrize("asked", [False, True], ids=["control: nobody asks", "it is asked again"])
def test_a_download_on_its_way_is_broken_off(export, settled, gateway, model_team, monkeypatch, asked) -> None:
    monkeypatch.setattr(storage, "CHUNK", 64)
    monkeypatch.setattr(serving, "ASK_AGAIN_SECONDS", 0.0 if asked else 3600.0)
    reply: Any = signed_in(model_team).get(f"/api/v1/exports/{export.pk}/download")
    pieces = iter(reply.streaming_content)
    assert len(next(pieces)) == 64
    withdraw(settled[0], gateway)
    if asked:
        with pytest.raises(serving.NoLonger):
            next(pieces)
    else:
        assert len(b"".join(pieces)) == export.size_bytes - 64


def test_no_entry_no_labels(export, model_team) -> None:
    client = signed_in(model_team)
    client.raise_request_exception = False
    with connection.cursor() as cursor:
        cursor.execute("ALTER FUNCTION sightline_access RENAME TO sightline_access_gone")
        try:
            reply = client.get(f"/api/v1/exports/{export.pk}/download")
        finally:
            cursor.execute("ALTER FUNCTION sightline_access_gone RENAME TO sightline_access")
    assert (reply.status_code, reply.streaming) == (500, False)


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
    export = exporting.request_export(settled[0].project, by=model_team, at=database_now())
    with storage_away():
        for _ in range(5):
            assert not exporting.write(export.pk, now=database_now)
            export.refresh_from_db()
            assert export.state == ExportState.REQUESTED
    assert "storage" in export.failure
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
