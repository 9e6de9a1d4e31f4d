"""Sending a clip: again, twice at once, after it was taken away; with what its device said; in little memory."""

from __future__ import annotations

import hashlib
import json
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.storage import storages
from django.db import connection, transaction
from knox.models import get_token_model

from annotations import withdrawing
from clips import cases, receiving, sweeping
from clips.models import Case, Clip, ClipState, ConsentEvent, DeviceEvent
from config.clock import database_now
from config.health import MARKER
from tests import processes
from tests.conftest import SAMPLES, consent_for, make_disclosure, make_user, signed_in, upload
from tests.test_races import at_once

AVI = (SAMPLES / "walkway.avi").read_bytes()
MP4 = (SAMPLES / "bikes.mp4").read_bytes()
EVENT = {
    "device_model": "Outdoor 2",
    "detector_version": "4.1.0",
    "happened_at": "2026-11-01T09:59:30+05:30",
    "detections": [
        {"said": "person", "score": 0.91, "zone": "Front gate"},
        {"said": "motion", "score": 1},
        {"said": "crying-baby"},
        {"said": "person", "score": 0.4, "zone": "Lawn"},
    ],
}


def stored_files() -> list[Path]:
    root = Path(storages["clips-in"].location)  # type: ignore[attr-defined]
    return [path for path in root.rglob("*") if path.is_file() and path.name != MARKER]


def post(user: User, data: bytes = AVI, name: str = "walkway.avi", key: str = "", **changes: Any) -> Any:
    form = {"file": upload(name, data), "region": "in", "source": "employee_tester"}
    form["consent"] = json.dumps(consent_for(**changes))
    headers = {"Idempotency-Key": key} if key else {}
    return signed_in(user).post("/api/v1/clips", form, format="multipart", headers=headers)


@pytest.mark.django_db
def test_the_digest_is_made_while_the_file_arrives(send, monkeypatch) -> None:
    def read_again(*args: Any) -> str:
        raise AssertionError("the file was read a second time")

    monkeypatch.setattr("clips.storage.digest", read_again)
    assert send().json()["sha256"] == hashlib.sha256(AVI).hexdigest()


@pytest.mark.django_db
def test_the_same_bytes_of_the_same_owner_are_the_same_clip(send) -> None:
    first = send()
    again = send(upload("renamed.avi", AVI))
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json()["id"] == first.json()["id"]
    assert again["Location"] == first["Location"]
    assert (Clip.objects.count(), ConsentEvent.objects.count(), len(stored_files())) == (1, 1, 1)
    wider = send(consent=json.dumps(consent_for(purposes=["human_review", "model_training"])))
    assert (wider.status_code, wider.json()["id"]) == (200, first.json()["id"])
    assert sorted(map(len, ConsentEvent.objects.values_list("purposes", flat=True))) == [1, 2]
    other_owner = send(consent=json.dumps(consent_for(owner="owner-0002-abcd")))
    assert other_owner.status_code == 202
    assert Clip.objects.count() == 2
    assert not list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir())


@pytest.mark.django_db
def test_another_gateway_that_sends_the_same_may_follow_the_clip(send, roles) -> None:
    first = send().json()
    other = make_user("other-gateway", "camera gateway")
    assert signed_in(other).get(first["url"]).status_code == 404
    again = post(other)
    assert (again.status_code, again.json()["id"]) == (200, first["id"])
    assert signed_in(other).get(first["url"]).status_code == 200


@pytest.mark.django_db
def test_a_key_names_one_request(gateway, roles) -> None:
    make_disclosure("in", gateway)
    first = post(gateway, key="k-1")
    again = post(gateway, key="k-1")
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["id"] == again.json()["id"]
    for reply in (post(gateway, MP4, "bikes.mp4", key="k-1"), post(gateway, key="k-1", owner="owner-0009-abcd")):
        assert (reply.status_code, reply.json()["code"]) == (422, "idempotency-key-reused")
    assert Clip.objects.count() == 1
    # A key is its sender's own.
    other = make_user("other-gateway", "camera gateway")
    assert post(other, MP4, "bikes.mp4", key="k-1").status_code == 202
    for bad in ("", "x" * 256, "a b", "é"):
        reply = signed_in(gateway).post("/api/v1/clips", {}, format="multipart", headers={"Idempotency-Key": bad})
        assert (reply.status_code, reply.json()["code"]) == (400, "idempotency-key-malformed")


@pytest.mark.django_db
def test_bytes_that_still_arrive_are_waited_for_and_those_that_died_are_taken_anew(send) -> None:
    clip = Clip.objects.get(pk=send().json()["id"])
    Clip.objects.filter(pk=clip.pk).update(state=ClipState.RECEIVING, due_at=database_now() + receiving.STORING)
    reply = send()
    assert (reply.status_code, reply.json()["code"]) == (409, "upload-in-progress")
    assert int(reply["Retry-After"]) > 0
    Clip.objects.filter(pk=clip.pk).update(due_at=database_now() - timedelta(seconds=1))
    anew = send()
    assert (anew.status_code, anew.json()["state"]) == (202, "uploaded")
    assert anew.json()["id"] != clip.pk
    assert len(stored_files()) == 1


@pytest.mark.django_db
def test_what_an_owner_took_back_needs_a_later_consent(send, gateway) -> None:
    clip_id = send().json()["id"]
    Clip.objects.filter(pk=clip_id).update(state=ClipState.READY, due_at=None)
    withdrawing.withdraw(clip_id, by=gateway, reason="the owner asked", at=database_now())
    again = send()
    assert (again.status_code, again.json()["code"]) == (410, "consent-withdrawn")
    later = send(consent=json.dumps(consent_for(given_at=(database_now() + timedelta(seconds=1)).isoformat())))
    assert later.status_code == 202
    assert later.json()["id"] != clip_id


@pytest.mark.django_db
def test_what_staff_withheld_stays_withheld_however_often_it_is_sent(send, gateway) -> None:
    clip_id = send().json()["id"]
    Clip.objects.filter(pk=clip_id).update(state=ClipState.READY, due_at=None)
    with transaction.atomic():
        case = cases.open_case(clip_id, kind="broken", at=database_now())
        cases.decide(case, decision="withhold", by=gateway, reason="not a porch", at=database_now())
    assert Case.objects.get().decision == "withhold"
    again = send(consent=json.dumps(consent_for(given_at=database_now().isoformat())))
    assert (again.status_code, again.json()["id"], again.json()["state"]) == (200, clip_id, "withheld")
    assert ConsentEvent.objects.count() == 1


@pytest.fixture
def everybody(db: None, transactional_db: None, roles: None) -> User:
    gateway = make_user("gateway", "camera gateway")
    make_disclosure("in", gateway)
    return gateway


def drop(index: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {index}")


def restore(index: str) -> None:
    Clip.objects.all().delete()
    with connection.schema_editor() as editor:
        editor.add_constraint(Clip, next(one for one in Clip._meta.constraints if one.name == index))


def test_control_looking_and_then_writing_makes_two_clips_of_the_same_bytes(everybody) -> None:
    drop("clip_once_per_owner_and_bytes")
    try:
        replies = at_once(4, lambda number: post(everybody))
        assert [reply.status_code for reply in replies].count(202) > 1
        assert Clip.objects.count() > 1
    finally:
        restore("clip_once_per_owner_and_bytes")


@pytest.mark.parametrize("key", ["", "one-key"])
def test_the_same_bytes_sent_by_many_at_once_are_one_clip(everybody, key) -> None:
    replies = at_once(6, lambda number: post(everybody, key=key))
    statuses = sorted(reply.status_code for reply in replies)
    assert statuses.count(202) == 1, [reply.json() for reply in replies]
    assert set(statuses) <= {200, 202, 409}
    assert {reply.json()["code"] for reply in replies if reply.status_code == 409} <= {"upload-in-progress"}
    assert (Clip.objects.count(), ConsentEvent.objects.count(), len(stored_files())) == (1, 1, 1)
    assert post(everybody, key=key).status_code == 200


def test_one_key_for_two_files_at_once_takes_one_of_them(everybody) -> None:
    files = [(AVI, "walkway.avi"), (MP4, "bikes.mp4")]
    replies = at_once(4, lambda number: post(everybody, *files[number % 2], key="one-key"))
    statuses = [reply.status_code for reply in replies]
    assert statuses.count(202) == 1
    assert set(statuses) <= {200, 202, 409, 422}
    assert 422 in statuses
    assert Clip.objects.count() == 1


@pytest.mark.django_db
def test_what_the_device_said_is_kept_and_shown(send) -> None:
    shown = send(event=json.dumps(EVENT)).json()
    assert shown["event"]["said"] == ["person", "motion", "crying-baby"]
    assert shown["event"]["detections"][0] == {"said": "person", "score": 0.91, "zone": "Front gate"}
    assert shown["event"]["detections"][2] == {"said": "crying-baby"}
    assert shown["event"]["happened_at"] == "2026-11-01T04:29:30Z"
    assert (shown["event"]["device_model"], shown["event"]["detector_version"]) == ("Outdoor 2", "4.1.0")
    # What was said first stays.
    assert send(event=json.dumps({"device_model": "Indoor"})).json()["event"] == shown["event"]
    assert DeviceEvent.objects.count() == 1


@pytest.mark.django_db
def test_an_event_may_be_left_out_and_come_later(send) -> None:
    assert send().json()["event"] is None
    assert send(event=json.dumps({"device_model": "Indoor"})).json()["event"]["device_model"] == "Indoor"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("event", "code", "field"),
    [
        ("{", "event-malformed", None),
        ("[]", "event-malformed", None),
        ("3", "event-malformed", None),
        ("x" * 20000, "event-malformed", None),
        ('{"device_model": "a\\u0000b"}', "event-malformed", None),
        ('{"device_model": "a", "device_model": "b"}', "event-malformed", None),
        ("{}", "invalid", "event"),
        ('{"camera": "a"}', "invalid", "event.camera"),
        ('{"device_model": 3}', "invalid", "event.device_model"),
        (json.dumps({"device_model": "x" * 81}), "invalid", "event.device_model"),
        ('{"happened_at": "2026-11-01T10:00:00"}', "invalid", "event.happened_at"),
        ('{"happened_at": "2099-11-01T10:00:00Z"}', "invalid", "event.happened_at"),
        ('{"detections": {}}', "invalid", "event.detections"),
        ('{"detections": [3]}', "invalid", "event.detections.0"),
        ('{"detections": [{"score": 1}]}', "invalid", "event.detections.0.said"),
        ('{"detections": [{"said": "Person!"}]}', "invalid", "event.detections.0.said"),
        ('{"detections": [{"said": "person", "score": 1.01}]}', "invalid", "event.detections.0.score"),
        ('{"detections": [{"said": "person", "score": true}]}', "invalid", "event.detections.0.score"),
        ('{"detections": [{"said": "person", "score": "0.5"}]}', "invalid", "event.detections.0.score"),
        ('{"detections": [{"said": "person", "sure": 1}]}', "invalid", "event.detections.0.sure"),
        (json.dumps({"detections": [{"said": "person"}] * 51}), "invalid", "event.detections"),
    ],
)
def test_an_event_that_cannot_be_used_is_refused_with_its_field(send, event, code, field) -> None:
    reply = send(event=event)
    assert (reply.status_code, reply.json()["code"]) == (400, code), reply.json()
    if field:
        assert any(row["field"].startswith(field) for row in reply.json()["errors"]), reply.json()
    assert not Clip.objects.exists()
    assert not stored_files()


@pytest.mark.django_db
def test_a_forgotten_upload_takes_its_event_with_it(send) -> None:
    send(event=json.dumps(EVENT))
    Clip.objects.update(state=ClipState.RECEIVING, due_at=database_now())
    assert sweeping.clear_half_received(at=database_now()) == 1
    assert not DeviceEvent.objects.exists()


def form(token: str, size: int) -> tuple[bytes, bytes]:
    """The head and the tail of a POST whose file has ``size`` bytes."""
    fields = {"region": "in", "source": "employee_tester", "consent": json.dumps(consent_for())}
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    parts.append('--x\r\nContent-Disposition: form-data; name="file"; filename="a.avi"\r\n\r\n')
    body, tail = "".join(parts).encode(), b"\r\n--x--\r\n"
    head = (
        f"POST /api/v1/clips HTTP/1.1\r\nHost: localhost\r\nAuthorization: Token {token}\r\nConnection: close\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {len(body) + size + len(tail)}\r\n\r\n"
    )
    return head.encode() + body, tail


def test_a_large_upload_is_neither_held_in_memory_nor_taken_beyond_the_limit(everybody, tmp_path) -> None:
    token = get_token_model().objects.create(everybody)[1]
    mib = 1024 * 1024
    with processes.web(tmp_path, UPLOAD_LIMIT_MB="160") as (url, pid):
        place = ("127.0.0.1", int(url.rpartition(":")[2]))
        worker = psutil.Process(pid)
        # Warm: what is imported and cached at the first request is no part of the upload.
        for size, status in ((mib, b" 415 "), (150 * mib, b" 415 ")):
            head, tail = form(token, size)
            before = most = worker.memory_info().rss
            with socket.create_connection(place, timeout=60) as sender:
                sender.sendall(head)
                for _ in range(size // mib):
                    sender.sendall(b"j" * mib)
                    most = max(most, worker.memory_info().rss)
                sender.sendall(tail)
                assert status in sender.recv(100)
        grown = most - before
        assert grown < 16 * mib, f"{grown / mib:.1f} MiB more for 150 MiB"
        # One that says that it will be too large is refused before it comes.
        head, _tail = form(token, 400 * mib)
        with socket.create_connection(place, timeout=10) as sender:
            sender.sendall(head)
            assert b" 413 " in sender.recv(100)
        assert not list((tmp_path / "incoming").iterdir())
        print(f"grown by {grown / mib:.1f} MiB while 150 MiB came")
