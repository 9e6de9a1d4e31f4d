"""Disks that fill up, for real: a small tmpfs in place of a folder. Refused or waiting, nothing lost, and on again by
itself once there is room."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages

from clips import ingesting, preparing, storage, sweeping
from clips.models import Clip, ClipState, Rendition
from config.clock import database_now
from config.health import MARKER
from tests.conftest import SAMPLES, consent_for, make_clip, make_disclosure

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        sys.platform != "linux" or os.geteuid() != 0, reason="only root on Linux may put a small disk under a folder"
    ),
]


class Disk:
    """A tmpfs of some kilobytes over a folder, with what was in it."""

    def __init__(self, folder: Path, kilobytes: int) -> None:
        self.folder = folder
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k,mode=700", "tmpfs", str(folder)],
            capture_output=True,
            text=True,
        )
        if mounted.returncode:
            pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")

    def grow(self) -> None:
        subprocess.run(["mount", "-o", "remount,size=64m", str(self.folder)], check=True)

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.rglob("*") if path.is_file() and path.name != MARKER)

    def unmount(self) -> None:
        subprocess.run(["umount", "-l", str(self.folder)], check=True)


@pytest.fixture
def small() -> Iterator[Callable[[Path, int], Disk]]:
    disks: list[Disk] = []

    def mount(folder: Path, kilobytes: int) -> Disk:
        disks.append(Disk(folder, kilobytes))
        return disks[-1]

    yield mount
    for disk in disks:
        disk.unmount()


def place_of(alias: str) -> Path:
    return Path(storages[alias].location)  # type: ignore[attr-defined]


def test_a_full_storage_refuses_an_upload_and_keeps_no_half(send, small) -> None:
    disk = small(place_of("clips-in"), 600)
    storage.set_up()
    for _ in range(2):
        reply = send()
        assert (reply.status_code, reply.json()["code"]) == (503, "storage-unavailable")
        assert int(reply["Retry-After"]) > 0
        assert disk.files() == []
        assert not Clip.objects.exists()
    disk.grow()
    assert send().status_code == 202
    assert disk.files() == ["original"]


def test_a_full_folder_for_uploads_refuses_them_and_is_left_empty(send, small, settings) -> None:
    disk = small(Path(settings.FILE_UPLOAD_TEMP_DIR), 600)
    for _ in range(2):
        reply = send()
        assert (reply.status_code, reply.json()["code"]) == (503, "no-room"), reply.json()
        assert int(reply["Retry-After"]) > 0
        assert disk.files() == []
    assert not Clip.objects.exists()
    disk.grow()
    assert send().status_code == 202
    assert disk.files() == []


@pytest.mark.parametrize("kilobytes", [0, 600, 1000, 1100])
def test_a_full_work_folder_lets_clips_wait_uncharged(gateway, small, settings, kilobytes) -> None:
    """From no room for anything to room for the original and a part of what is made of it."""
    clip = make_clip(gateway)
    disk = small(Path(settings.WORK_DIR), kilobytes or 4)
    for _ in range(2):
        assert not preparing.prepare(clip.pk, now=database_now)
        clip.refresh_from_db()
        assert (clip.state, clip.attempts_allowed - clip.attempts) == (ClipState.UPLOADED, 3), clip.failure
        assert disk.files() == []
    disk.grow()
    again(clip)


def test_a_storage_that_fills_up_while_a_clip_is_prepared_lets_it_wait(gateway, small) -> None:
    place = place_of("clips-in")
    before = make_clip(gateway)
    original = place / before.original_key
    kept = original.read_bytes()
    disk = small(place, len(kept) // 1024 + 40)
    storage.set_up()
    original.parent.mkdir(parents=True)
    original.write_bytes(kept)
    for _ in range(2):
        assert not preparing.prepare(before.pk, now=database_now)
        before.refresh_from_db()
        assert (before.state, before.attempts_allowed - before.attempts) == (ClipState.UPLOADED, 3)
        assert not Rendition.objects.exists()
        assert not [name for name in disk.files() if name.startswith(".part")]
    disk.grow()
    again(before)


def test_a_full_disk_refuses_an_ingest_until_there_is_room(gateway, small, settings, monkeypatch) -> None:
    make_disclosure("in", gateway)
    disk = small(Path(settings.FILE_UPLOAD_TEMP_DIR), 600)
    line: dict[str, Any] = {"file": "walkway.avi", "region": "in", "source": "employee_tester"}
    item = ingesting.Item(1, "walkway.avi", line | {"consent": consent_for()})
    monkeypatch.setattr(ingesting, "LONGEST_WAIT_SECONDS", 0.01)
    refused = ingesting.take(item, root=SAMPLES, common={}, by=gateway)
    assert (refused.result, refused.code) == ("refused", "no-room")
    assert disk.files() == []
    disk.grow()
    assert ingesting.take(item, root=SAMPLES, common={}, by=gateway).result == "taken"


def again(clip: Clip) -> None:
    """The sweep finds the clip when its time has come, and it becomes ready."""
    clip.refresh_from_db()
    assert clip.due_at is not None
    assert sweeping.unheard(at=clip.due_at) == [(clip.pk, clip.queue)]
    assert preparing.prepare(clip.pk, now=database_now)
    clip.refresh_from_db()
    assert clip.state == ClipState.READY
