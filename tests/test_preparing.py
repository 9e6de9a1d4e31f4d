"""Preparing: one attempt at a time, fenced, bounded, and nothing half-made."""

from __future__ import annotations

import os
import shutil
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import storages

from clips import preparing, receiving, storage, sweeping
from clips.errors import StorageAway
from clips.media.results import Renditions
from clips.models import Clip, ClipState, Rendition
from config.clock import database_now
from config.health import MARKER
from tests.conftest import make_clip

NOTHING = Renditions(made=(), frames=None, sound=None, picture_print=b"", sound_print=b"")
pytestmark = pytest.mark.django_db


@pytest.fixture
def clip(gateway) -> Clip:
    return make_clip(gateway)


def claimed(clip: Clip) -> preparing.Claim:
    held = preparing.claim(clip.pk, at=database_now())
    assert held is not None
    return held


def stored(clip: Clip) -> set[str]:
    return set(storage.keys_under(clip.storage_alias, clip.folder))


def overdue(clip: Clip) -> None:
    Clip.objects.filter(pk=clip.pk).update(due_at=database_now() - timedelta(seconds=1))


def test_a_clip_becomes_ready_with_all_that_is_made_of_it(clip) -> None:
    assert preparing.prepare(clip.pk, now=database_now)
    clip.refresh_from_db()
    assert (clip.state, clip.percent, clip.attempts, clip.due_at) == (ClipState.READY, 100, 1, None)
    made = {item.kind: item for item in Rendition.objects.filter(clip=clip)}
    assert set(made) == {"proxy", "poster", "sprite", "sprite_index", "frame_map"}
    assert made["proxy"].content_type == "video/mp4"
    for item in made.values():
        data = b"".join(storage.read_range(clip.storage_alias, item.key, 0, item.size_bytes))
        assert len(data) == item.size_bytes
        assert item.sha256 in item.key
    assert stored(clip) == {clip.original_key, *(item.key for item in made.values())}
    assert not list(Path(settings.WORK_DIR).iterdir())


def test_running_it_again_changes_nothing(clip) -> None:
    preparing.prepare(clip.pk, now=database_now)
    before = list(Rendition.objects.order_by("pk").values())
    assert not preparing.prepare(clip.pk, now=database_now)
    assert list(Rendition.objects.order_by("pk").values()) == before


def test_only_one_worker_claims_a_clip(clip) -> None:
    at = database_now()
    assert preparing.claim(clip.pk, at=at) is not None
    assert preparing.claim(clip.pk, at=at) is None


def test_a_worker_that_died_is_found_by_its_silence_and_its_scratch_is_cleared(clip) -> None:
    held = claimed(clip)
    left = Path(settings.WORK_DIR) / f"clip-{clip.pk}-1-killed"
    left.mkdir()
    assert sweeping.rescue_silent(at=database_now()) == 0
    overdue(clip)
    assert sweeping.rescue_silent(at=database_now()) == 1
    clip.refresh_from_db()
    assert (clip.state, clip.attempts) == (ClipState.UPLOADED, 1)
    overdue(clip)
    assert sweeping.unheard(at=database_now()) == [(clip.pk, "clips.in")]
    assert sweeping.unheard(at=database_now()) == []
    assert preparing.prepare(clip.pk, now=database_now)
    assert not left.exists()
    assert held.attempt == 1
    assert Clip.objects.get(pk=clip.pk).attempts == 2


def test_an_overtaken_attempt_leaves_no_trace(clip) -> None:
    late = claimed(clip)
    overdue(clip)
    sweeping.rescue_silent(at=database_now())
    assert preparing.prepare(clip.pk, now=database_now)
    with pytest.raises(preparing.LostClaim):
        preparing.show_life(late, 50, at=database_now())
    with pytest.raises(preparing.LostClaim):
        preparing.finish(late, NOTHING, {}, at=database_now())
    preparing.give_up(late, "too late", at=database_now())
    clip.refresh_from_db()
    assert (clip.state, clip.failure) == (ClipState.READY, "")


def test_a_clip_taken_away_while_it_is_rendered_stops_the_rendering(clip) -> None:
    mine = claimed(clip)
    Clip.objects.filter(pk=clip.pk).update(attempts=2)
    out = Path(settings.WORK_DIR) / "out"
    out.mkdir()
    with pytest.raises(preparing.LostClaim):
        preparing._make(mine, out, now=database_now)
    assert stored(clip) == {clip.original_key}


def test_what_cannot_be_rendered_fails_visibly_after_bounded_attempts(clip, settings, tmp_path) -> None:
    broken = tmp_path / "ffmpeg"
    broken.write_text("#!/bin/sh\necho 'Error while decoding: corrupt input' >&2\nexit 1\n")
    broken.chmod(0o755)
    settings.FFMPEG_BINARY = str(broken)
    for attempt in (1, 2, 3):
        assert not preparing.prepare(clip.pk, now=database_now)
        clip.refresh_from_db()
        assert clip.attempts == attempt
    assert clip.state == ClipState.FAILED
    assert clip.failure.endswith("Tried 3 times.")
    assert "corrupt input" in clip.failure
    assert not preparing.prepare(clip.pk, now=database_now)
    assert stored(clip) == {clip.original_key}
    assert not list(Path(settings.WORK_DIR).iterdir())

    settings.FFMPEG_BINARY = ""
    assert preparing.retry(clip.pk, at=database_now())
    assert not preparing.retry(clip.pk, at=database_now())
    assert preparing.prepare(clip.pk, now=database_now)
    clip.refresh_from_db()
    assert (clip.state, clip.failure, clip.attempts) == (ClipState.READY, "", 4)


def test_a_storage_that_is_away_delays_a_clip_and_costs_it_nothing(clip) -> None:
    place = Path(storages[clip.storage_alias].location)  # type: ignore[attr-defined]
    shutil.move(place, place.with_name("away"))
    for _ in range(5):
        assert not preparing.prepare(clip.pk, now=database_now)
        clip.refresh_from_db()
        assert clip.state == ClipState.UPLOADED
    assert "storage" in clip.failure
    assert clip.attempts_allowed - clip.attempts == 3
    shutil.move(place.with_name("away"), place)
    assert preparing.prepare(clip.pk, now=database_now)


def test_what_overtaken_attempts_stored_is_cleared_when_the_clip_is_ready(clip, tmp_path) -> None:
    orphan = tmp_path / "orphan"
    orphan.write_bytes(b"half")
    storage.put(clip.storage_alias, f"{clip.folder}/proxy-of-a-killed-attempt.mp4", orphan)
    preparing.prepare(clip.pk, now=database_now)
    assert not any("killed" in key for key in stored(clip))
    assert len(stored(clip)) == 1 + Rendition.objects.filter(clip=clip).count()


def test_an_upload_that_died_between_its_row_and_its_bytes_is_forgotten(clip) -> None:
    Clip.objects.filter(pk=clip.pk).update(state=ClipState.RECEIVING)
    assert sweeping.clear_half_received(at=database_now()) == 0
    overdue(clip)
    assert sweeping.clear_half_received(at=database_now()) == 1
    assert not Clip.objects.exists()
    assert stored(clip) == set()


def test_a_clip_whose_bytes_cannot_be_stored_is_not_kept(send, settings) -> None:
    place = Path(storages["clips-in"].location)  # type: ignore[attr-defined]
    place.rename(place.with_name("away"))
    place.write_text("a file where the folder should be")
    reply = send()
    assert (reply.status_code, reply.json()["code"]) == (503, "storage-unavailable")
    assert int(reply["Retry-After"]) > 0
    # The row stays while nobody can say whether bytes lie there, and goes when the storage is back.
    clip = Clip.objects.get()
    assert clip.state == ClipState.RECEIVING
    overdue(clip)
    assert sweeping.clear_half_received(at=database_now()) == 0
    place.unlink()
    place.with_name("away").rename(place)
    assert sweeping.clear_half_received(at=database_now()) == 1
    assert not Clip.objects.exists()


def test_cut_uploads_are_cleared_when_they_are_old(settings) -> None:
    fresh = Path(settings.FILE_UPLOAD_TEMP_DIR) / "fresh.upload"
    old = Path(settings.FILE_UPLOAD_TEMP_DIR) / "old.upload"
    for path in (fresh, old):
        path.write_bytes(b"x")
    os.utime(old, (1, 1))
    assert receiving.clear_cut_uploads() == 1
    assert fresh.exists()
    assert not old.exists()


def test_a_late_worker_does_not_take_away_what_another_recorded(clip, tmp_path) -> None:
    preparing.prepare(clip.pk, now=database_now)
    proxy = Rendition.objects.get(clip=clip, kind="proxy")
    copy = tmp_path / "copy.mp4"
    storage.fetch(clip.storage_alias, proxy.key, copy)
    place = Path(storages[clip.storage_alias].path(proxy.key))
    before = place.stat().st_ino
    storage.put(clip.storage_alias, proxy.key, copy)
    assert place.stat().st_ino == before


def test_bytes_on_the_move_are_a_sign_of_life_and_stop_when_the_claim_is_lost(clip, tmp_path) -> None:
    held = claimed(clip)
    overdue(clip)
    storage.fetch(clip.storage_alias, clip.original_key, tmp_path / "copy", on_chunk=preparing.Tick(held, database_now))
    assert sweeping.rescue_silent(at=database_now()) == 0
    Clip.objects.filter(pk=clip.pk).update(attempts=9)
    with pytest.raises(preparing.LostClaim):
        storage.fetch(
            clip.storage_alias, clip.original_key, tmp_path / "2", on_chunk=preparing.Tick(held, database_now)
        )
    with pytest.raises(preparing.LostClaim):
        storage.put(clip.storage_alias, "x/y", tmp_path / "copy", on_chunk=preparing.Tick(held, database_now))


def _files(folder: Path, count: int) -> list[storage.ToStore]:
    files = []
    for number in range(count):
        path = folder / f"{number}"
        path.write_bytes(b"%d" % number * 1000)
        files.append(storage.ToStore(f"many/{number}", path, storage.digest(path)))
    return files


def test_of_files_stored_at_once_one_that_fails_is_told_when_all_have_ended(tmp_path, monkeypatch) -> None:
    folder = Path(storages["clips-in"].path("many"))
    write = storage.WholeFileStorage.write

    def full(self, name, content):
        if name.endswith("/0"):
            raise OSError(28, "No space left on device")
        time.sleep(0.2)
        write(self, name, content)

    monkeypatch.setattr(storage.WholeFileStorage, "write", full)
    with pytest.raises(StorageAway):
        storage.put_all("clips-in", _files(tmp_path, 8))
    stored = {path.name for path in folder.iterdir()}
    # Those that had begun are whole, and no more are begun.
    assert {str(number) for number in range(1, storage.MOST_AT_ONCE)} <= stored <= {str(n) for n in range(1, 8)}
    time.sleep(0.5)
    assert {path.name for path in folder.iterdir()} == stored
    monkeypatch.undo()
    storage.put_all("clips-in", _files(tmp_path, 8))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        str(number): b"%d" % number * 1000 for number in range(8)
    }


def test_storing_many_at_once_shows_life_and_stops_when_the_claim_is_lost(clip, tmp_path, monkeypatch) -> None:
    held = claimed(clip)
    overdue(clip)
    write = storage.WholeFileStorage.write

    def slow(self, name, content):
        time.sleep(1)
        write(self, name, content)

    monkeypatch.setattr(storage.WholeFileStorage, "write", slow)
    # Signs of life are given by this thread, whose connection it is.
    storage.put_all(clip.storage_alias, _files(tmp_path, 2), on_chunk=preparing.Tick(held, database_now))
    assert sweeping.rescue_silent(at=database_now()) == 0
    Clip.objects.filter(pk=clip.pk).update(attempts=9)
    with pytest.raises(preparing.LostClaim):
        storage.put_all(clip.storage_alias, _files(tmp_path, 9), on_chunk=preparing.Tick(held, database_now))


def test_an_upload_that_finishes_as_it_is_being_forgotten_keeps_its_bytes(clip) -> None:
    """The sweep read the row while it was still being received; by now the upload is whole."""
    read_before = Clip.objects.get(pk=clip.pk)
    read_before.state = ClipState.RECEIVING
    assert not receiving.forget(read_before)
    assert clip.original_key in stored(clip)
    assert preparing.prepare(clip.pk, now=database_now)


def test_an_upload_that_is_being_forgotten_cannot_finish_any_more(gateway, monkeypatch) -> None:
    """The other order: the sweep came first, in the middle of storing, so the sender is told to send it again."""
    whole = storage.put

    def slow(alias: str, key: str, path: Path, **options) -> None:
        whole(alias, key, path, **options)
        receiving.forget(Clip.objects.get(original_key=key))

    monkeypatch.setattr(storage, "put", slow)
    with pytest.raises(StorageAway):
        make_clip(gateway)
    assert not Clip.objects.exists()
    left = Path(storages["clips-in"].location)  # type: ignore[attr-defined]
    assert [path for path in left.rglob("*") if path.is_file() and path.name != MARKER] == []
