"""Purging: what is withdrawn is removed in every version, in whatever order things happen, and never comes back."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction

from annotations import auditing, changes, exporting, forgetting, submitting, withdrawing
from annotations.models import Annotation, Flag
from clips import holding, ledger, likeness, preparing, purging, receiving, storage
from clips.errors import LedgerLineUnreadable, StorageAway
from clips.models import (
    Case,
    Clip,
    ClipState,
    Closing,
    DeviceEvent,
    Likeness,
    Print,
    Purge,
    PurgedKey,
    PurgeReason,
    PurgeState,
    Rendition,
)
from config.clock import database_now
from tests.conftest import consent_for, make_clip, make_ready_clips, signed_in

pytestmark = pytest.mark.django_db

LONG_AGO = timedelta(hours=2)


def withdraw(clip: Clip, by: User | None = None) -> Purge:
    withdrawing.withdraw(clip.pk, by=by or clip.uploaded_by, reason="the owner asked", at=database_now())
    return Purge.objects.get(clip=clip)


def settled(clip: Clip) -> None:
    """Nobody writes any more: as if it had been prepared long ago."""
    Rendition.objects.filter(clip=clip).update(made_at=database_now() - LONG_AGO)


def purge(clip: Clip) -> Purge:
    purging.run(clip.pk, now=database_now)
    return Purge.objects.get(clip=clip)


def later(seconds: float = 3600 * 2):
    return lambda: database_now() + timedelta(seconds=seconds)


def everything_of(clip: Clip) -> str:
    """All columns of a clip's row, as text."""
    return json.dumps(list(Clip.objects.filter(pk=clip.pk).values()), default=str)


@pytest.mark.django_db(transaction=True)
def test_a_withdrawn_clip_is_purged_whole_and_only_an_empty_row_stays(tasks, asha, gateway) -> None:
    clip = tasks[0].clip
    settled(clip)
    DeviceEvent.objects.create(clip=clip, said=["person"], detections=[{"said": "person", "zone": "Uma's door"}])
    likeness.record(clip, picture=b"12345678", sound=b"")
    other = tasks[1].clip
    Likeness.objects.create(clip=other, other=clip, distance=0)
    lease = signed_in(asha.user).post("/api/v1/leases", {}).json()["leases"][0]
    assert lease["clip"]["id"] == clip.pk
    submitting.submit(
        asha.user_id, lease["id"], token=UUID(lease["token"]), answer={"label": "threat", "note": "Uma in the red coat"}
    )
    owner, sha256, folder = clip.owner_key, clip.sha256, clip.folder
    storages[clip.storage_alias].save(f"{folder}/.part-abc", ContentFile(b"half"))
    work = Path(settings.WORK_DIR)
    (work / f"clip-{clip.pk}-1-abcd").mkdir()
    (work / f"clip-{other.pk}-1-abcd").mkdir()

    scheduled = withdraw(clip)
    assert (scheduled.state, scheduled.reason) == (PurgeState.WAITING, PurgeReason.WITHDRAWN)
    assert purging.unheard(at=database_now()) == [(clip.pk, "clips.in")]
    done = purge(clip)
    assert (done.state, done.failure, done.due_at) == (PurgeState.DONE, "", None)
    assert done.removed == 6
    assert storage.remains(clip.storage_alias, folder) == []
    assert not (work / f"clip-{clip.pk}-1-abcd").exists()
    assert (work / f"clip-{other.pk}-1-abcd").exists()
    for table in (Rendition, Print, DeviceEvent):
        assert not table.objects.filter(clip=clip).exists()
    assert not Likeness.objects.exists()
    row = everything_of(clip)
    assert Clip.objects.get(pk=clip.pk).state == ClipState.PURGED
    for word in (owner, sha256, "Uma"):
        assert word not in row
    # The label stays and opens nothing; what was said in words does not.
    assert Annotation.objects.get().answer == {"label": "threat"}
    assert list(exporting.lines(tasks[0].project)) == []
    line = PurgedKey.objects.get()
    written = b"".join(storage.read_all("ledger-in", f"purged/{folder}.json")).decode()
    assert json.loads(written)["folder"] == line.folder == folder
    for word in (owner, sha256):
        assert word not in written + json.dumps(list(PurgedKey.objects.values()), default=str)
    assert [finding for finding in auditing.audit() if finding.check.name != "sweeps-keep-up"] == []
    assert not purging.run(clip.pk, now=database_now)
    assert signed_in(gateway).get(f"/api/v1/clips/{clip.pk}").json()["state"] == "purged"


def test_every_table_that_refers_to_a_clip_is_thought_of() -> None:
    """A new table that names a clip must say here what becomes of it."""
    forgotten = {"rendition", "print", "likeness", "deviceevent", "addition", "permit", "closing"}
    # Consents prove why anybody could look; entries of the access log, which have no way back from a clip, who did.
    stays = {"consentevent", "viewing", "case", "task", "purge", "legalhold"}
    stays |= {"clipchange", "clip"}
    found = {relation.related_model._meta.model_name for relation in Clip._meta.related_objects}
    assert found == forgotten | stays


def test_notes_of_flags_and_late_and_earlier_answers_are_blanked_too(tasks, asha) -> None:
    clip = tasks[0].clip
    settled(clip)
    client = signed_in(asha.user)
    lease = client.post("/api/v1/leases", {}).json()["leases"][0]
    answer = {"label": "threat", "note": "Uma"}
    client.post(f"/api/v1/leases/{lease['id']}/annotation", {"token": lease["token"], "answer": answer})
    etag = client.get(f"/api/v1/leases/{lease['id']}/annotation")["ETag"]
    amended = client.put(
        f"/api/v1/leases/{lease['id']}/annotation",
        {"answer": {"label": "unsure", "note": "Uma again"}},
        headers={"If-Match": etag},
    )
    flagged = client.post(
        f"/api/v1/leases/{lease['id']}/flag", {"token": lease["token"], "kind": "emergency", "note": "Uma fell"}
    )
    assert flagged.status_code in {200, 201}, flagged.json()
    withdraw(clip)
    assert purge(clip).state == PurgeState.DONE
    assert Flag.objects.get().note == ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(string_agg(answer::text, ''), '') FROM (SELECT answer FROM annotations_annotation"
            " UNION ALL SELECT answer FROM annotations_amendedanswer"
            " UNION ALL SELECT answer FROM annotations_lateanswer) x"
        )
        assert "Uma" not in cursor.fetchone()[0]
    assert amended.status_code in {200, 400}


def test_copies_of_a_purged_clip_are_labelled_themselves(gateway) -> None:
    first, second, third = make_ready_clips(gateway, 3)
    Clip.objects.filter(pk__in=[second.pk, third.pk]).update(same_as=first)
    settled(first)
    withdraw(first)
    assert purge(first).state == PurgeState.DONE
    assert list(Clip.objects.filter(pk__in=[second.pk, third.pk]).order_by("pk").values_list("same_as", flat=True)) == [
        None,
        second.pk,
    ]


def test_prints_that_were_read_before_make_no_likeness_afterwards(gateway) -> None:
    first, second = make_ready_clips(gateway, 2)
    for clip in (first, second):
        likeness.record(clip, picture=bytes(range(8)) * 40, sound=b"")
    mine = Print.objects.select_related("clip").get(clip=second)
    settled(first)
    withdraw(first)
    candidates = likeness.candidates
    other = Print.objects.select_related("clip").get(clip=first)
    try:
        # As if it had read them a moment before the purge.
        likeness.candidates = lambda mine: [other]
        assert purge(first).state == PurgeState.DONE
        likeness._compare(mine, at=database_now())
    finally:
        likeness.candidates = candidates
    assert not Likeness.objects.exists()


# --- Late writers ----------------------------------------------------------------------------------------------------


def test_a_clip_that_somebody_may_still_be_writing_is_looked_at_again_before_it_is_done(gateway, tmp_path) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    withdraw(clip)
    first = purge(clip)
    assert (first.state, storage.remains(clip.storage_alias, clip.folder)) == (PurgeState.SETTLING, [])
    late = tmp_path / "late"
    late.write_bytes(b"an ffmpeg that ended after all")
    storage.put(clip.storage_alias, f"{clip.folder}/proxy-late.mp4", late)
    # Early rings find that it is early.
    assert purge(clip).state == PurgeState.SETTLING
    storage.put(clip.storage_alias, f"{clip.folder}/proxy-late.mp4", late)
    assert purging.unheard(at=database_now()) == []
    purging.run(clip.pk, now=later())
    assert Purge.objects.get().state == PurgeState.DONE
    assert storage.remains(clip.storage_alias, clip.folder) == []


def test_control_who_does_not_look_again_leaves_what_came_late(gateway, tmp_path) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    settled(clip)
    withdraw(clip)
    assert purge(clip).state == PurgeState.DONE
    late = tmp_path / "late"
    late.write_bytes(b"an ffmpeg that ended after all")
    storage.put(clip.storage_alias, f"{clip.folder}/proxy-late.mp4", late)
    assert storage.remains(clip.storage_alias, clip.folder) == [f"{clip.folder}/proxy-late.mp4"]


@pytest.mark.parametrize("settles", [True, False], ids=["looked at again", "done at once"])
def test_a_late_transcode_brings_nothing_back(gateway, monkeypatch, settles) -> None:
    """The owner withdraws, and the purge runs, while the worker stores what its ffmpeg made."""
    clip = make_clip(gateway)
    put_all = storage.put_all
    ran: list[str] = []

    def put_late(alias, files, **kwargs):
        if alias.startswith("clips-") and not ran:
            ran.append(files[0].key)
            withdraw(clip)
            if not settles:
                Purge.objects.update(quiet_at=database_now())
            purging.run(clip.pk, now=database_now)
        put_all(alias, files, **kwargs)

    monkeypatch.setattr(preparing.storage, "put_all", put_late)
    # It works on another machine than the purge does.
    monkeypatch.setattr(purging, "clear_work_folders", lambda: 0)
    assert not preparing.prepare(clip.pk, now=database_now)
    assert len(ran) == 1
    monkeypatch.undo()
    if settles:
        assert Purge.objects.get().state == PurgeState.SETTLING
        # Its own worker saw that it had lost it, but what it had stored is the purge's to remove.
        assert len(storage.remains(clip.storage_alias, clip.folder)) > 0
        assert purging.run(clip.pk, now=later())
    # In the other case the worker removes what it stored itself.
    assert storage.remains(clip.storage_alias, clip.folder) == []
    assert Clip.objects.get().state == ClipState.PURGED
    assert not Rendition.objects.exists()
    assert not list(Path(settings.WORK_DIR).iterdir())


def test_no_retry_and_no_forged_message_prepares_what_is_purged(gateway) -> None:
    clip = make_clip(gateway)
    withdraw(clip)
    purging.run(clip.pk, now=later())
    assert Clip.objects.get().state == ClipState.PURGED
    assert not preparing.retry(clip.pk, at=database_now())
    assert not preparing.prepare(clip.pk, now=database_now)
    assert not preparing.cancel(clip.pk, by=gateway, reason="just trying", at=database_now())
    with pytest.raises(DatabaseError), transaction.atomic():
        Clip.objects.filter(pk=clip.pk).update(owner_key="somebody-again")


def test_what_is_withdrawn_while_its_bytes_arrive_is_purged_when_they_have(gateway) -> None:
    clip = make_clip(gateway)
    Clip.objects.update(state=ClipState.RECEIVING, due_at=database_now() + LONG_AGO)
    withdrawing.withdraw(clip.pk, by=gateway, reason="the owner asked", at=database_now())
    assert not Purge.objects.exists()
    Clip.objects.update(state=ClipState.UPLOADED)
    Closing.objects.update(due_at=database_now())
    assert withdrawing.sweep(at=database_now()) == 1
    assert purge(clip).state == PurgeState.SETTLING
    assert Clip.objects.get().state == ClipState.WITHHELD
    purging.run(clip.pk, now=later())
    assert Clip.objects.get().state == ClipState.PURGED


def test_what_never_arrives_is_forgotten_with_its_purge(gateway) -> None:
    clip = make_clip(gateway)
    Clip.objects.update(state=ClipState.RECEIVING, due_at=database_now())
    withdrawing.withdraw(clip.pk, by=gateway, reason="the owner asked", at=database_now())
    assert receiving.forget(Clip.objects.get())
    assert not Purge.objects.exists()
    assert not Clip.objects.exists()


# --- Coming again ----------------------------------------------------------------------------------------------------


def test_the_same_bytes_come_in_again_under_a_new_consent_alone(send, gateway) -> None:
    first = send().json()["id"]
    clip = Clip.objects.get(pk=first)
    withdraw(clip)
    for finished in (False, True):
        if finished:
            purging.run(clip.pk, now=later())
            assert Clip.objects.get(pk=first).state == ClipState.PURGED
        again = send()
        assert (again.status_code, again.json()["code"]) == (410, "consent-withdrawn")
    assert Clip.objects.count() == 1
    later_consent = json.dumps(consent_for(given_at=database_now().isoformat()))
    new = send(consent=later_consent)
    assert new.status_code == 202
    assert new.json()["id"] != first
    # Another owner's same file is another clip, and always was.
    assert send(consent=json.dumps(consent_for(owner="owner-0002-abcd"))).status_code == 202


def test_control_without_the_ledger_the_same_bytes_come_back(send, monkeypatch) -> None:
    clip = Clip.objects.get(pk=send().json()["id"])
    withdraw(clip)
    purging.run(clip.pk, now=later())
    monkeypatch.setattr(ledger, "find", lambda **words: [])
    assert send().status_code == 202


def test_what_went_for_its_age_comes_in_under_a_later_consent_too(send, gateway) -> None:
    clip = Clip.objects.get(pk=send().json()["id"])
    forgetting.forget(clip.pk, reason=PurgeReason.RETENTION, by=gateway, why="too old", at=database_now())
    for finished in (False, True):
        if finished:
            purging.run(clip.pk, now=later())
        refused = send()
        assert (refused.status_code, refused.json()["code"]) == (410, "clip-purged")
    new = send(consent=json.dumps(consent_for(given_at=database_now().isoformat())))
    assert new.status_code == 202


def test_what_staff_withheld_stays_out_under_any_consent(send, gateway) -> None:
    clip = Clip.objects.get(pk=send().json()["id"])
    now = database_now()
    Case.objects.create(
        clip=clip, kind="broken", state="decided", opened_at=now, decision="withhold", reason="no", decided_by=gateway,
        decided_at=now,
    )  # fmt: skip
    withdraw(clip)
    purging.run(clip.pk, now=later())
    again = send(consent=json.dumps(consent_for(given_at=database_now().isoformat())))
    assert (again.status_code, again.json()["id"], again.json()["state"]) == (200, clip.pk, "purged")
    assert Clip.objects.count() == 1


# --- The storage away, workers dead ----------------------------------------------------------------------------------


def test_while_the_storage_is_away_a_purge_waits_longer_each_time_and_says_so(gateway) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    settled(clip)
    withdraw(clip)
    place = Path(storages[clip.storage_alias].location)  # type: ignore[attr-defined]
    place.rename(place.with_name("unmounted"))
    waits = []
    for _ in range(12):
        row = purge(clip)
        assert row.state == PurgeState.WAITING
        assert row.due_at is not None
        waits.append((row.due_at - row.state_since).total_seconds())
    assert waits[:4] == [15, 30, 60, 120]
    assert max(waits) == 3600
    assert "storage did not answer" in row.failure
    assert list(purging.late(at=database_now())) == [row]
    # A folder whose disk is not mounted is not taken for an empty one.
    with pytest.raises(StorageAway):
        storage.remains(clip.storage_alias, clip.folder)
    place.with_name("unmounted").rename(place)
    assert purging.hurry(Purge.objects.get(), at=database_now())
    assert purging.unheard(at=database_now()) == [(clip.pk, "clips.in")]
    assert purge(clip).state == PurgeState.DONE


def test_what_the_store_still_lists_is_not_done(gateway, monkeypatch) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    settled(clip)
    withdraw(clip)
    monkeypatch.setattr(storage, "empty", lambda alias, folder: 0)
    row = purge(clip)
    assert (row.state, row.failure) == (PurgeState.WAITING, "The storage still lists 5 things of it.")
    assert Clip.objects.get().state == ClipState.WITHHELD


def test_a_worker_that_went_silent_is_overtaken_and_its_late_word_is_not_heard(gateway) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    settled(clip)
    withdraw(clip)
    silent = purging.claim(clip.pk, at=database_now())
    assert silent is not None
    assert not purging.run(clip.pk, now=database_now)
    assert purging.rescue_silent(at=database_now()) == 0
    assert purging.rescue_silent(at=database_now() + purging.SILENCE) == 1
    assert Purge.objects.get().failure == "The worker that purged it died or was stopped."
    with pytest.raises(purging.LostClaim):
        purging.empty_store(silent)
    assert not purging.finish(silent, at=database_now())
    assert purge(clip).state == PurgeState.DONE


@pytest.mark.parametrize("folder", ["", ".", "..", "a/b", "../a", "/etc", ".part", "a\\b"])
def test_only_one_folder_is_ever_emptied(folder) -> None:
    with pytest.raises(ValueError, match="one folder"):
        storage.empty("clips-in", folder)
    with pytest.raises(ValueError, match="one folder"):
        storage.remains("clips-in", folder)


# --- The ledger ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE clips_purgedkey SET folder = 'elsewhere'",
        "UPDATE clips_purgedkey SET asked_at = now() - interval '10 years'",
        "DELETE FROM clips_purgedkey",
        "TRUNCATE clips_purgedkey",
        "TRUNCATE clips_purgedkey CASCADE",
    ],
)
def test_the_ledger_is_only_ever_added_to(gateway, attack) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    settled(clip)
    withdraw(clip)
    assert purge(clip).state == PurgeState.DONE
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        with pytest.raises(DatabaseError, match="Cannot"), transaction.atomic():
            cursor.execute(attack)
        assert PurgedKey.objects.count() == 1
        # The control: without the triggers it would have been done.
        cursor.execute("ALTER TABLE clips_purgedkey DISABLE TRIGGER USER")
        cursor.execute(attack)


def test_a_line_that_we_did_not_write_is_refused_before_anything_is_emptied(gateway, tmp_path) -> None:
    clip, victim = make_ready_clips(gateway, 2)
    settled(clip)
    withdraw(clip)
    assert purge(clip).state == PurgeState.DONE
    line = ledger.as_text(PurgedKey.objects.get())
    forged = json.dumps(json.loads(line) | {"folder": victim.folder})
    for bad in (forged, "{}", "[]", "nothing", json.dumps(json.loads(line) | {"seal": 1}), "{" * 2000):
        with pytest.raises(LedgerLineUnreadable):
            ledger.take_in([bad])
    file = tmp_path / "ledger"
    file.write_text(line + forged)
    with pytest.raises(CommandError, match="no line of our ledger"):
        call_command("replay_purges", ledger=file)
    assert len(storage.remains(victim.storage_alias, victim.folder)) == 5
    call_command("write_ledger", str(file))
    assert file.read_text() == line


# --- Holds -----------------------------------------------------------------------------------------------------------


def hold(by: User, *, hours: float = 1, **scope):
    at = database_now()
    return holding.place(by=by, reason="matter 12 of 2026", ends_at=at + timedelta(hours=hours), at=at, **scope)[0]


@pytest.mark.parametrize("scope", ["clip", "owner", "region"])
def test_what_is_held_waits_and_says_why_and_goes_on_by_itself(gateway, scope) -> None:
    clip, other = make_ready_clips(gateway, 2)
    settled(clip)
    settled(other)
    day = timedelta(days=1)
    clip.refresh_from_db()
    scopes: dict[str, dict[str, Any]] = {
        "clip": {"clip": clip},
        "owner": {"owner_key": clip.owner_key},
        "region": {"region": "in", "arrived_from": clip.created_at, "arrived_until": clip.created_at + day},
    }
    Clip.objects.filter(pk=other.pk).update(created_at=database_now() - 2 * day)
    held = hold(gateway, **scopes[scope])
    withdraw(clip)
    withdraw(other)
    assert purge(other).state == PurgeState.DONE
    row = purge(clip)
    assert (row.state, row.held_by, row.due_at) == (PurgeState.HELD, held, held.ends_at)
    assert "matter 12 of 2026" in row.failure
    assert len(storage.remains(clip.storage_alias, clip.folder)) == 5
    # Held, and still shown to nobody.
    assert Clip.objects.get(pk=clip.pk).state == ClipState.WITHHELD
    assert purging.unheard(at=database_now()) == []
    assert holding.release(at=held.ends_at - timedelta(microseconds=1)) == 0
    assert holding.release(at=held.ends_at) == 1
    assert purging.unheard(at=held.ends_at) == [(clip.pk, "clips.in")]
    purging.run(clip.pk, now=lambda: held.ends_at)
    assert Purge.objects.get(clip=clip).state == PurgeState.DONE


def test_a_hold_is_made_longer_with_a_reason_and_lifted_before_its_time(gateway) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    settled(clip)
    held = hold(gateway, clip=clip)
    withdraw(clip)
    purge(clip)
    first_end = held.ends_at
    until = first_end + timedelta(days=3)
    holding.extend(held, until=until, by=gateway, reason="the court asked for more", at=database_now())
    assert Purge.objects.get().due_at == until
    assert holding.release(at=first_end) == 0
    with pytest.raises(Exception, match="longer"):
        holding.extend(held, until=first_end, by=gateway, reason="shorter", at=database_now())
    assert holding.lift(held, by=gateway, reason="the matter is over", at=database_now())
    assert not holding.lift(held, by=gateway, reason="again", at=database_now())
    with pytest.raises(Exception, match="stays over"):
        holding.extend(held, until=until, by=gateway, reason="more", at=database_now())
    assert holding.release(at=database_now()) == 1
    assert purge(clip).state == PurgeState.DONE
    kept = [(change.verb, change.why) for change in changes.latest(kind="hold")]
    assert kept == [("lift hold", "the matter is over"), ("extend hold", "the court asked for more")]


def test_of_two_holds_the_one_that_ends_last_counts(gateway) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    settled(clip)
    short, long = hold(gateway, clip=clip), hold(gateway, owner_key=clip.owner_key, hours=5)
    withdraw(clip)
    assert purge(clip).held_by == long
    holding.lift(long, by=gateway, reason="over", at=database_now())
    assert holding.release(at=database_now()) == 1
    assert purge(clip).held_by == short


def test_a_hold_that_comes_too_late_is_told_so(gateway) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    withdraw(clip)
    at = database_now()
    assert purging.claim(clip.pk, at=at) is not None
    _held, late = holding.place(by=gateway, reason="too late", ends_at=at + LONG_AGO, at=at, clip=clip)
    assert late == [clip.pk]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guarded", [False, True], ids=["control: without the gate", "with the gate"])
def test_a_hold_that_comes_while_a_purge_begins_is_in_time_or_is_told(gateway, monkeypatch, guarded) -> None:
    """Somebody places a hold between a purge's look at the holds and its beginning."""
    clip = make_ready_clips(gateway, 1)[0]
    withdraw(clip)
    if not guarded:
        monkeypatch.setattr(holding, "wait_at_gate", lambda: None)
    told: list[list[int]] = []
    over = holding.over

    def place() -> None:
        try:
            at = database_now()
            told.append(holding.place(by=gateway, reason="matter 12", ends_at=at + LONG_AGO, at=at, clip=clip)[1])
        finally:
            connections.close_all()

    other = threading.Thread(target=place)

    def look_and_wait(clip: Clip, *, at: datetime) -> Any:
        found = over(clip, at=at)
        other.start()
        # Without the gate it is done by then; with it, it waits for us.
        other.join(timeout=1 if guarded else 30)
        return found

    monkeypatch.setattr(holding, "over", look_and_wait)
    assert purging.claim(clip.pk, at=database_now()) is not None
    other.join(timeout=30)
    assert told == ([[clip.pk]] if guarded else [[]])


@pytest.mark.parametrize(
    "columns",
    ["reason = ''", "ends_at = starts_at - interval '1 second'", "owner_key = 'owner-0001'", "clip_id = NULL"],
)
def test_the_database_refuses_a_hold_that_makes_no_sense(gateway, columns) -> None:
    hold(gateway, clip=make_ready_clips(gateway, 1)[0])
    with connection.cursor() as cursor, pytest.raises(DatabaseError), transaction.atomic():
        cursor.execute(f"UPDATE clips_legalhold SET {columns}")  # noqa: S608
