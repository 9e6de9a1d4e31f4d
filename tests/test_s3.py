"""Two regions, each with a bucket that keeps versions on an S3 server of its own: spoken to over HTTP, and over a wire
that is slow, cut, or lies."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from annotations import withdrawing
from clips import preparing, purging, storage, sweeping, uploading
from clips.errors import StorageAway, StorageDiffers
from clips.models import Clip, ClipState, DeviceEvent, Rendition
from clips.queries import reviewable
from clips.tasks import prepare_clip, ring_for
from config import bells, env
from config.clock import database_now
from tests import processes
from tests.conftest import SAMPLES, consent_for, make_disclosure, make_user, signed_in, upload
from tests.processes import Wire, eventually
from tests.test_intake import EVENT
from tests.test_races import at_once

REGIONS = ("east", "west")
AVI = (SAMPLES / "walkway.avi").read_bytes()
MP4 = (SAMPLES / "bikes.mp4").read_bytes()
CREDENTIALS = {"S3_ACCESS_KEY_ID": "test-access-key", "S3_SECRET_ACCESS_KEY": "test-secret-key"}


class Store:
    """A region's bucket, what its server wrote down, and the wire to it."""

    def __init__(self, region: str, port: int, log: Path) -> None:
        self.region, self.log, self.wire = region, log, Wire(port)
        session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1")
        self.client = session.client("s3", endpoint_url=f"http://127.0.0.1:{port}")
        self.client.create_bucket(Bucket=region)
        self.client.put_bucket_versioning(Bucket=region, VersioningConfiguration={"Status": "Enabled"})

    def settings(self) -> dict[str, str]:
        """The environment of whoever may reach this store."""
        name = self.region.upper()
        own = {f"{key}_{name}": value for key, value in CREDENTIALS.items()}
        return own | {f"STORAGE_URL_{name}": f"s3://{self.region}", f"S3_ENDPOINT_URL_{name}": self.wire.url}

    def versions(self) -> list[str]:
        """Every version and every mark of deletion, by key."""
        page = self.client.list_object_versions(Bucket=self.region)
        return sorted(entry["Key"] for kind in ("Versions", "DeleteMarkers") for entry in page.get(kind, ()))

    def clear(self) -> None:
        page = self.client.list_object_versions(Bucket=self.region)
        for kind in ("Versions", "DeleteMarkers"):
            for entry in page.get(kind, ()):
                self.client.delete_object(Bucket=self.region, Key=entry["Key"], VersionId=entry["VersionId"])


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Store]]:
    """A moto server for each region, for as long as this file is tested."""
    folder = tmp_path_factory.mktemp("s3")
    stores = {}
    ports = {region: processes.free_port() for region in REGIONS}
    run = {
        region: processes.running(
            "-m", "moto.server", "-p", str(port), env=dict(os.environ), log=folder / f"{region}.log"
        )
        for region, port in ports.items()
    }
    with run["east"], run["west"]:
        for region, port in ports.items():
            assert eventually(partial(processes.answers, f"http://127.0.0.1:{port}/moto-api/"))
            stores[region] = Store(region, port, folder / f"{region}.log")
        yield stores
        for store in stores.values():
            store.wire.close()


@pytest.fixture
def stores(servers: dict[str, Store], settings: Any) -> dict[str, Store]:
    """Both stores empty and sound, and this process set up for both regions through the environment's own words."""
    given: dict[str, str] = {}
    for store in servers.values():
        store.clear()
        store.wire.heal()
        given |= store.settings()
    settings.REGIONS = list(REGIONS)
    made = {}
    for region in REGIONS:
        alias = f"clips-{region}"
        made[alias] = env.storage(
            f"STORAGE_URL_{region.upper()}", alias=alias, default_root=Path("/nowhere"), given=given
        )
        # Who hangs is given up sooner than in earnest, and asked once.
        impatient = Config(read_timeout=1, connect_timeout=1, retries={"max_attempts": 0})
        made[alias]["OPTIONS"]["client_config"] = made[alias]["OPTIONS"]["client_config"].merge(impatient)
        made[f"ledger-{region}"] = settings.STORAGES["ledger-in"]
    settings.STORAGES = settings.STORAGES | made
    return servers


@pytest.fixture
def gateway(roles: None) -> User:
    user = make_user("gateway", "camera gateway")
    for region in (*REGIONS, "in"):
        make_disclosure(region, user)
    return user


@pytest.fixture
def camera(gateway: User) -> APIClient:
    return signed_in(gateway)


def send(client: APIClient, region: str, data: bytes = AVI, name: str = "walkway.avi", **consent: Any) -> Any:
    form = {"file": upload(name, data), "region": region, "source": "employee_tester"}
    form["consent"] = json.dumps(consent_for(region, **consent))
    return client.post("/api/v1/clips", form, format="multipart")


def wanted(region: str = "east", data: bytes = AVI, name: str = "walkway.avi", **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "size_bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "region": region,
        "source": "employee_tester",
        "consent": consent_for(region),
    } | changes


def register(client: APIClient, body: dict[str, Any], key: str = "") -> Any:
    return client.post("/api/v1/uploads", body, headers={"Idempotency-Key": key} if key else {})


def deliver(link: dict[str, Any], data: bytes) -> httpx.Response:
    """Send the bytes where the link says; like curl, the client says itself how many they are."""
    headers = {name: value for name, value in link["headers"].items() if name != "Content-Length"}
    return httpx.request(link["method"], link["url"], headers=headers, content=data, trust_env=False)


def confirm(client: APIClient, clip_id: int) -> Any:
    return client.post(f"/api/v1/uploads/{clip_id}/confirm")


def keys_of(clip: Clip) -> list[str]:
    """The keys a ready clip should have, as its bucket calls them."""
    keys = [clip.original_key, *Rendition.objects.filter(clip=clip).values_list("key", flat=True)]
    return sorted(f"{clip.storage_alias}/{key}" for key in keys)


def is_what_was_recorded(clip: Clip) -> bool:
    """Whether the stored bytes of a clip and its renditions are those whose digests its rows hold."""
    rows = [(clip.original_key, clip.sha256), *Rendition.objects.filter(clip=clip).values_list("key", "sha256")]
    return all(
        hashlib.sha256(b"".join(storage.read_all(clip.storage_alias, key))).hexdigest() == sha256
        for key, sha256 in rows
    )


@pytest.mark.django_db(transaction=True)
def test_each_region_has_its_store_and_its_worker_and_no_way_to_the_others(stores, camera, tmp_path) -> None:
    clips = {}
    for region in REGIONS:
        sent = send(camera, region)
        assert sent.status_code == 202, sent.json()
        registered = register(camera, wanted(region, MP4, "bikes.mp4", event=EVENT)).json()
        assert deliver(registered["upload"], MP4).status_code == 200
        assert confirm(camera, registered["id"]).status_code == 202
        clips[region] = [sent.json()["id"], registered["id"]]
    east, west = stores["east"], stores["west"]

    def ready(region: str) -> bool:
        return Clip.objects.filter(pk__in=clips[region], state=ClipState.READY).count() == 2

    var = tmp_path / "workers"
    var.mkdir()
    taken_before, said_before = west.wire.taken, west.log.read_text()
    with processes.worker("east", var, REGIONS="east", **east.settings()) as log:
        # By mistake, or forged: told of the other region's clips first, it leaves them alone.
        for clip_id in clips["west"]:
            bells.ring(prepare_clip, clip_id, queue="clips.east")
        for clip_id in clips["east"]:
            ring_for(clip_id, "east")
        assert eventually(lambda: ready("east"), 60), log.read_text()
    untouched = Clip.objects.filter(pk__in=clips["west"])
    assert set(untouched.values_list("state", "attempts")) == {(ClipState.UPLOADED, 0)}
    assert (west.wire.taken, west.log.read_text()) == (taken_before, said_before)
    east_said = east.log.read_text()
    with processes.worker("west", var, REGIONS="west", **west.settings()) as log:
        for clip_id in clips["west"]:
            ring_for(clip_id, "west")
        assert eventually(lambda: ready("west"), 60), log.read_text()
    assert east.log.read_text() == east_said
    for region, store in stores.items():
        found = [Clip.objects.get(pk=clip_id) for clip_id in clips[region]]
        # Each key in one version, no marks of deletion, and nothing of the other's.
        assert store.versions() == sorted(key for clip in found for key in keys_of(clip))
        assert all(map(is_what_was_recorded, found))
        assert found[1].facts["demuxer"] == "mov"
        assert (found[1].duration_ms > 0, found[1].width > 0) == (True, True)
    assert DeviceEvent.objects.count() == 2


@pytest.mark.django_db
def test_a_bucket_is_read_in_ranges_listed_and_emptied_of_every_version(stores, camera) -> None:
    clip = Clip.objects.get(pk=send(camera, "east").json()["id"])
    assert preparing.prepare(clip.pk, now=database_now)
    assert stores["east"].versions() == keys_of(clip)
    alias, key = clip.storage_alias, clip.original_key
    assert b"".join(storage.read_range(alias, key, 1000, 4321)) == AVI[1000:5321]
    assert b"".join(storage.read_range(alias, key, len(AVI) - 1, 1)) == AVI[-1:]
    assert b"".join(storage.read_range(alias, key, 0, 0)) == b""
    with pytest.raises(StorageAway):
        storage.read_range(alias, f"{clip.folder}/nothing", 0, 10)
    assert f"{alias}/{key}" in {f"{alias}/{one}" for one in storage.keys_under(alias, clip.folder)}
    # Somebody deleted and wrote it by hand: what is under the marks is found and removed, too.
    east = stores["east"]
    east.client.delete_object(Bucket="east", Key=f"{alias}/{key}")
    east.client.put_object(Bucket="east", Key=f"{alias}/{key}", Body=b"other")
    assert len(east.versions()) == len(keys_of(clip)) + 2
    for one in storage.keys_under(alias, clip.folder):
        storage.delete(alias, one)
    assert east.versions() == []


def put_until_kept(key: str, path: Path) -> None:
    """As who stores does: a store that is too busy for our impatience is asked again."""
    for _ in range(10):
        with suppress(StorageAway):
            storage.put("clips-east", key, path)
            return
    raise AssertionError("it was never stored")


@pytest.mark.django_db
def test_a_key_that_is_stored_twice_at_once_has_one_version(stores, tmp_path) -> None:
    path = tmp_path / "clip"
    path.write_bytes(AVI)
    at_once(4, lambda number: put_until_kept("f/original", path))
    storage.put("clips-east", "f/original", path)
    assert stores["east"].versions() == ["clips-east/f/original"]
    # Other bytes of the same length under that name are not believed.
    path.write_bytes(AVI[::-1])
    storage.put("clips-east", "f/original", path)
    assert stores["east"].versions() == ["clips-east/f/original"]
    assert b"".join(storage.read_all("clips-east", "f/original")) == AVI[::-1]


@pytest.mark.django_db
def test_an_upload_is_registered_sent_and_confirmed(stores, camera) -> None:
    reply = register(camera, wanted(event=EVENT), key="k-1")
    assert reply.status_code == 201, reply.json()
    body = reply.json()
    assert (body["state"], body["event"]["said"]) == ("receiving", ["person", "motion", "crying-baby"])
    link = body["upload"]
    # The link is good for this length and this digest, once; S3 refuses what was signed otherwise.
    signed = httpx.URL(link["url"]).params["X-Amz-SignedHeaders"].split(";")
    assert {"content-length", "x-amz-checksum-sha256", "if-none-match", "host"} <= set(signed)
    assert int(httpx.URL(link["url"]).params["X-Amz-Expires"]) == uploading.LINK_LIVES.total_seconds()
    assert CREDENTIALS["S3_SECRET_ACCESS_KEY"] not in reply.content.decode()
    early = confirm(camera, body["id"])
    assert (early.status_code, early.json()["code"]) == (409, "upload-not-there")
    assert deliver(link, AVI).status_code == 200
    assert deliver(link, AVI).status_code == 412
    first, again = confirm(camera, body["id"]), confirm(camera, body["id"])
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["state"] == "uploaded"
    repeated = register(camera, wanted(), key="k-1")
    assert (repeated.status_code, repeated.json()["id"], repeated.json()["upload"]) == (200, body["id"], None)
    assert send(camera, "east").json()["id"] == body["id"]
    assert preparing.prepare(body["id"], now=database_now)
    clip = Clip.objects.get(pk=body["id"])
    assert (clip.state, clip.width, clip.facts["demuxer"], clip.attempts) == (ClipState.READY, 768, "avi", 1)
    assert stores["east"].versions() == keys_of(clip)


@pytest.mark.django_db
@pytest.mark.parametrize("data", [AVI[:-1], AVI[::-1], b"", AVI + b"x"], ids=["short", "other", "empty", "long"])
def test_another_file_than_the_registered_one_is_refused_and_taken_away(stores, camera, data) -> None:
    """This server takes whatever comes; S3 itself refuses most of it at the PUT."""
    body = register(camera, wanted()).json()
    assert deliver(body["upload"], data).status_code == 200
    reply = confirm(camera, body["id"])
    assert (reply.status_code, reply.json()["code"]) == (422, "upload-differs")
    assert stores["east"].versions() == []
    assert deliver(body["upload"], AVI).status_code == 200
    assert confirm(camera, body["id"]).status_code == 202


@pytest.mark.django_db
def test_what_is_no_clip_fails_in_its_region_at_once_and_says_why(stores, camera) -> None:
    junk = b"this is not a video at all, " * 5000
    body = register(camera, wanted(data=junk)).json()
    deliver(body["upload"], junk)
    assert confirm(camera, body["id"]).status_code == 202
    assert not preparing.prepare(body["id"], now=database_now)
    shown = camera.get(body["url"]).json()
    assert (shown["state"], shown["attempts"]) == ("failed", 1)
    assert shown["failure"] == "The file is neither a video nor a recording in a format we know."


@pytest.mark.django_db
def test_registering_again_is_safe_and_a_key_names_one_upload(stores, camera) -> None:
    first, again = register(camera, wanted(), key="k"), register(camera, wanted(), key="k")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    assert again.json()["upload"]["method"] == "PUT"
    other = register(camera, wanted(data=MP4, name="bikes.mp4"), key="k")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert Clip.objects.count() == 1
    stranger = signed_in(make_user("stranger", "camera gateway"))
    assert confirm(stranger, first.json()["id"]).status_code == 404


@pytest.mark.django_db
def test_a_registered_file_may_come_through_the_other_door_instead(stores, camera) -> None:
    registered = register(camera, wanted()).json()
    sent = send(camera, "east")
    assert (sent.status_code, sent.json()["id"], sent.json()["state"]) == (202, registered["id"], "uploaded")
    assert deliver(registered["upload"], AVI).status_code == 412
    assert confirm(camera, registered["id"]).status_code == 200
    assert preparing.prepare(registered["id"], now=database_now)
    assert stores["east"].versions() == keys_of(Clip.objects.get())


@pytest.mark.django_db(transaction=True)
def test_one_upload_registered_by_many_at_once_is_one_clip(stores, gateway) -> None:
    replies = at_once(6, lambda number: register(signed_in(gateway), wanted()))
    assert sorted(reply.status_code for reply in replies) == [200] * 5 + [201]
    assert Clip.objects.count() == 1


@pytest.mark.django_db
def test_an_upload_that_is_never_confirmed_is_forgotten_with_its_object(stores, camera) -> None:
    body = register(camera, wanted(event=EVENT)).json()
    deliver(body["upload"], AVI)
    assert sweeping.clear_half_received(at=database_now()) == 0
    later = database_now() + uploading.LINK_LIVES + uploading.CONFIRMING + timedelta(seconds=1)
    assert sweeping.clear_half_received(at=later) == 1
    assert stores["east"].versions() == []
    assert confirm(camera, body["id"]).status_code == 404
    assert register(camera, wanted()).status_code == 201


@pytest.mark.django_db
@pytest.mark.parametrize("confirmed", [True, False], ids=["confirmed", "never confirmed"])
@pytest.mark.parametrize("sent", ["before", "after"])
def test_what_is_withdrawn_between_registering_and_confirming_leaves_nothing(
    stores, camera, gateway, sent, confirmed
) -> None:
    body = register(camera, wanted(event=EVENT)).json()
    if sent == "before":
        assert deliver(body["upload"], AVI).status_code == 200
    withdrawing.withdraw(body["id"], by=gateway, reason="the owner asked", at=database_now())
    if sent == "after":
        # Nobody can call the link back.
        assert deliver(body["upload"], AVI).status_code == 200
    assert len(stores["east"].versions()) == 1
    if confirmed:
        assert confirm(camera, body["id"]).status_code == 202
        preparing.prepare(body["id"], now=database_now)
        # Whatever a worker made of it meanwhile, no gate opens.
        assert not reviewable("human_review").exists()
        withdrawing.sweep(at=database_now() + timedelta(minutes=5))
        assert Clip.objects.get().state == ClipState.WITHHELD
        purging.run(body["id"], now=database_now)
    else:
        later = database_now() + uploading.LINK_LIVES + uploading.CONFIRMING + timedelta(seconds=1)
        assert sweeping.clear_half_received(at=later) == 1
        assert not Clip.objects.exists()
    assert stores["east"].versions() == []
    # The same bytes under what was agreed to before: not again.
    refused = register(camera, wanted())
    assert (refused.status_code, refused.json().get("code")) == (410, "consent-withdrawn")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"region": "in", "consent": consent_for("in")}, 409, "no-direct-upload"),
        ({"region": "mars"}, 400, "unknown-region"),
        ({"name": "notes.txt"}, 415, "unsupported-extension"),
        ({"name": ""}, 400, "invalid"),
        ({"size_bytes": 0}, 400, "empty-file"),
        ({"size_bytes": 10**12}, 413, "clip-too-large"),
        ({"size_bytes": -1}, 400, "invalid"),
        ({"size_bytes": "3"}, 400, "invalid"),
        ({"size_bytes": 10**29}, 400, "invalid"),
        ({"sha256": "A" * 64}, 400, "invalid"),
        ({"sha256": "a" * 63}, 400, "invalid"),
        ({"consent": None}, 400, "invalid"),
        ({"consent": consent_for("east", purposes=["model_training"])}, 400, "consent-lacks-human-review"),
        ({"consent": consent_for("east", surprise=1)}, 400, "invalid"),
        ({"event": {}}, 400, "invalid"),
        ({"surprise": 1}, 400, "invalid"),
    ],
)
def test_an_upload_that_cannot_be_is_refused(stores, camera, settings, changes, status, code) -> None:
    settings.REGIONS = [*REGIONS, "in"]
    reply = register(camera, wanted(**changes))
    assert (reply.status_code, reply.json()["code"]) == (status, code), reply.json()
    assert not Clip.objects.exists()


def test_an_upload_without_consent_is_refused(stores, db, camera) -> None:
    body = wanted()
    del body["consent"]
    assert register(camera, body).json()["code"] == "consent-missing"


Fault = Callable[[bool, int, bytes], bytes | None]


def _changed(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def _hang(up: bool, so_far: int, data: bytes) -> bytes | None:
    if not up:
        time.sleep(2)
    return data


FAULTS: dict[str, Fault] = {
    "refuses": lambda up, so_far, data: None,
    "hangs": _hang,
    "errors": lambda up, so_far, data: (
        data if up else b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    ),
    "cuts what is sent": lambda up, so_far, data: None if up and so_far > 100_000 else data,
    "cuts what comes": lambda up, so_far, data: None if not up and so_far > 60_000 else data,
    "changes what is sent": lambda up, so_far, data: _changed(data) if up and so_far > 100_000 else data,
    "changes what comes": lambda up, so_far, data: _changed(data) if not up and so_far > 60_000 else data,
}


@pytest.mark.django_db
@pytest.mark.parametrize("fault", [name for name in FAULTS if not name.endswith("comes")])
def test_while_a_store_does_not_keep_it_whole_an_upload_is_refused_and_leaves_nothing(
    stores, camera, settings, fault
) -> None:
    east = stores["east"]
    east.wire.fault = FAULTS[fault]
    reply = send(camera, "east")
    assert (reply.status_code, reply.json()["code"]) == (503, "storage-unavailable")
    assert int(reply["Retry-After"]) > 0
    assert not Clip.objects.exclude(state=ClipState.RECEIVING).exists()
    # On a busy machine the other store may be slow to answer; then it is asked again, as its answer says.
    assert 202 in (send(camera, "west").status_code for _ in range(3))
    east.wire.heal()
    assert send(camera, "east").status_code == 202
    clip = Clip.objects.get(region="east")
    assert east.versions() == [f"clips-east/{clip.original_key}"]
    assert is_what_was_recorded(clip)
    assert not list(Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir())


@pytest.mark.django_db
@pytest.mark.parametrize("fault", FAULTS)
def test_while_a_store_fails_a_clip_waits_and_then_becomes_what_was_sent(stores, camera, settings, fault) -> None:
    east = stores["east"]
    clip = Clip.objects.get(pk=send(camera, "east").json()["id"])
    east.wire.fault = FAULTS[fault]
    for _ in range(2):
        assert not preparing.prepare(clip.pk, now=database_now)
        clip.refresh_from_db()
        assert (clip.state, clip.attempts_allowed - clip.attempts) == (ClipState.UPLOADED, 3)
        assert "storage" in clip.failure
        assert not list(Path(settings.WORK_DIR).iterdir())
    east.wire.heal()
    # By itself: the sweep finds it when its time has come.
    later = database_now() + timedelta(minutes=11)
    assert sweeping.unheard(at=later) == [(clip.pk, "clips.east")]
    assert preparing.prepare(clip.pk, now=database_now)
    clip.refresh_from_db()
    assert clip.state == ClipState.READY
    assert east.versions() == keys_of(clip)
    assert is_what_was_recorded(clip)


@pytest.mark.django_db
def test_control_a_store_that_lies_is_believed_by_who_does_not_compare(stores, camera, tmp_path) -> None:
    clip = Clip.objects.get(pk=send(camera, "east").json()["id"])
    stores["east"].wire.fault = FAULTS["changes what comes"]
    storage.fetch(clip.storage_alias, clip.original_key, tmp_path / "copy")
    assert len((tmp_path / "copy").read_bytes()) == len(AVI)
    assert (tmp_path / "copy").read_bytes() != AVI
    with pytest.raises(StorageDiffers):
        storage.fetch(clip.storage_alias, clip.original_key, tmp_path / "copy", sha256=clip.sha256)


@pytest.mark.django_db
def test_a_store_that_is_only_slow_is_waited_for(stores, camera) -> None:
    def slowly(up: bool, so_far: int, data: bytes) -> bytes | None:
        time.sleep(0.02)
        return data

    stores["east"].wire.fault = slowly
    clip_id = send(camera, "east").json()["id"]
    assert preparing.prepare(clip_id, now=database_now)
    assert is_what_was_recorded(Clip.objects.get(pk=clip_id))


@pytest.mark.django_db
def test_a_direct_upload_whose_store_lies_at_the_confirmation_never_becomes_ready(stores, camera) -> None:
    """The bucket says that it has the right bytes; the worker that reads them sees that it has not."""
    body = register(camera, wanted()).json()
    deliver(body["upload"], AVI)
    assert confirm(camera, body["id"]).status_code == 202
    stores["east"].wire.fault = FAULTS["changes what comes"]
    for _ in range(3):
        assert not preparing.prepare(body["id"], now=database_now)
    clip = Clip.objects.get(pk=body["id"])
    assert (clip.state, clip.facts) == (ClipState.FAILED, {})
    assert "other bytes" in clip.failure
    stores["east"].wire.heal()
    assert preparing.retry(clip.pk, at=database_now())
    assert preparing.prepare(clip.pk, now=database_now)


@pytest.mark.django_db
def test_confirming_while_the_store_is_away_can_be_repeated(stores, camera) -> None:
    body = register(camera, wanted()).json()
    deliver(body["upload"], AVI)
    stores["east"].wire.fault = FAULTS["refuses"]
    reply = confirm(camera, body["id"])
    assert (reply.status_code, reply.json()["code"]) == (503, "storage-unavailable")
    stores["east"].wire.heal()
    assert confirm(camera, body["id"]).status_code == 202


@pytest.mark.django_db
def test_links_name_the_place_where_senders_reach_the_bucket(stores, camera, settings) -> None:
    settings.UPLOAD_ENDPOINTS = {"clips-east": "https://uploads.example.org"}
    link = register(camera, wanted()).json()["upload"]
    assert link["url"].startswith("https://uploads.example.org/east/clips-east/")
    assert register(camera, wanted("west")).json()["upload"]["url"].startswith(stores["west"].wire.url)


@pytest.mark.django_db
def test_a_store_that_knows_no_versions_is_listed_and_emptied_all_the_same(stores, camera) -> None:
    """Garage answers so; the wire puts its words into the mouth of a server that knows them."""
    east, asked = stores["east"], [False]
    east.client.put_bucket_versioning(Bucket="east", VersioningConfiguration={"Status": "Suspended"})

    def without_versions(up: bool, so_far: int, data: bytes) -> bytes | None:
        if up and b"?versions" in data:
            asked[0] = True
        if up or not asked[0]:
            return data
        asked[0] = False
        body = b"<Error><Code>NotImplemented</Code><Message>Not here</Message></Error>"
        head = f"HTTP/1.1 501 Not Implemented\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        return head.encode() + body

    east.wire.fault = without_versions
    clip = Clip.objects.get(pk=send(camera, "east").json()["id"])
    assert preparing.prepare(clip.pk, now=database_now)
    keys = storage.keys_under(clip.storage_alias, clip.folder)
    assert [f"{clip.storage_alias}/{key}" for key in keys] == keys_of(clip) == east.versions()
    for key in keys:
        storage.delete(clip.storage_alias, key)
    east.client.put_bucket_versioning(Bucket="east", VersioningConfiguration={"Status": "Enabled"})
    assert east.client.list_objects_v2(Bucket="east")["KeyCount"] == 0


def test_each_region_may_have_its_own_endpoint_and_keys(monkeypatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    given = {"STORAGE_URL": "s3://all", "S3_ENDPOINT_URL": "http://all", "S3_ENDPOINT_URL_RO": "http://ro"}
    given |= {"S3_ACCESS_KEY_ID_RO": "ro-key"}
    made = {
        code: env.storage(f"STORAGE_URL_{code}", alias=code, default_root=Path("/"), given=given)["OPTIONS"]
        for code in ("IN", "RO")
    }
    assert (made["IN"]["endpoint_url"], made["RO"]["endpoint_url"]) == ("http://all", "http://ro")
    assert (made["IN"]["access_key"], made["RO"]["access_key"]) == ("test-access-key", "ro-key")
