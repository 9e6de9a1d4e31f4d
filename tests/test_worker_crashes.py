"""Regions' workers are killed at random moments, by their main process, child, ffmpeg or what looks for faces: in the
end each clip has one good set of renditions in its own region's store, and nothing else is left."""

from __future__ import annotations

import contextlib
import random
import signal
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest
from django.core.files.storage import storages

from clips import needing, preparing, storage, sweeping
from clips.models import SHOWN, Clip, ClipState, Faces, Rendition, RenditionKind
from clips.tasks import ring_for
from config.clock import database_now
from tests import processes
from tests.conftest import make_clip
from tests.processes import eventually

pytestmark = pytest.mark.django_db(transaction=True)

# Of each region.
CLIPS = 4
KILLS = 3
# What is killed, where clips are made clear and where their faces are covered.
KINDS = {"clear": ("main", "child", "ffmpeg"), "blurred": ("main", "child", "finder")}


FINDER = "clips.media.faces.finder"


class Worker:
    """A worker that is started again whenever it is dead, as its supervisor would."""

    def __init__(self, var: Path, region: str) -> None:
        self.var, self.region, self.rooms = var, region, contextlib.ExitStack()
        self.start()

    def start(self) -> None:
        self.rooms.close()
        command = ("-m", "celery", "-A", "config.celery", "worker", "-Q", f"clips.{self.region}", "--concurrency", "1")
        quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "warning")
        # It knows its own region's store and no other.
        env = processes.environment(self.var, REGIONS=self.region)
        self.main = self.rooms.enter_context(
            processes.running(*command, *quiet, env=env, log=self.var / f"{self.region}.log")
        )

    def tend(self) -> None:
        if self.main.poll() is not None:
            self.start()

    def victim(self, kind: str) -> psutil.Process | None:
        """What is to be killed, if it is there and at work."""
        with contextlib.suppress(psutil.NoSuchProcess):
            main = psutil.Process(self.main.pid)
            children = main.children(recursive=True)
            if kind == "main":
                return main if children else None
            if kind == "ffmpeg":
                return next((one for one in children if one.name().startswith("ffmpeg")), None)
            if kind == "finder":
                # Who was forked from the server is at work; the server itself, and the room around it, may be idle.
                known = {one.pid: one.name() for one in children if FINDER in one.cmdline()}
                forked = (one for one in children if known.get(one.ppid()) == known.get(one.pid, "") != "bwrap")
                return next(forked, None)
            return next((one for one in main.children() if one.children()), None)
        return None

    def kill(self, kind: str) -> bool:
        found = self.victim(kind)
        if found is None:
            return False
        with contextlib.suppress(psutil.NoSuchProcess):
            found.send_signal(signal.SIGKILL)
            return True
        return False


def sweep() -> None:
    """What the beat's sweep does; and ops, who try again what was killed too often."""
    at = database_now()
    sweeping.rescue_silent(at=at)
    for clip_id, queue in sweeping.unheard(at=at):
        ring_for(clip_id, queue.removeprefix("clips."))
    for clip_id in Clip.objects.filter(state=ClipState.FAILED).values_list("pk", flat=True):
        preparing.retry(clip_id, at=at)


def orphans(var: Path) -> list[str]:
    """Processes that work on this test's folders."""
    found = []
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if one.environ().get("VAR_DIR") == str(var) or str(var) in " ".join(one.cmdline()):
                found.append(one.name())
    return found


@pytest.mark.parametrize(
    ("faces", "regions"), [("clear", ["in", "ro"]), ("blurred", ["in"])], ids=["two-regions", "blurred"]
)
def test_clips_are_prepared_once_whatever_dies(gateway, tmp_path, faces: str, regions: list[str]) -> None:
    needing.say({(region, "video", faces) for region in regions})
    sample, kinds_to_kill = {"clear": "walkway.avi", "blurred": "tree-cinepak.avi"}[faces], KINDS[faces]
    clips = [make_clip(gateway, sample=sample, region=region) for region in regions for _ in range(CLIPS)]
    for clip in clips:
        ring_for(clip.pk, clip.region)
    workers, chance = {region: Worker(tmp_path, region) for region in regions}, random.Random(7)
    killed: Counter[str] = Counter()
    try:
        until, next_kill = time.monotonic() + 300, 0.0
        while Clip.objects.exclude(state=ClipState.READY).exists() or min(killed[k] for k in kinds_to_kill) < KILLS:
            assert time.monotonic() < until, (killed, list(Clip.objects.values_list("state", "failure")))
            wanted = [kind for kind in kinds_to_kill if killed[kind] < KILLS]
            at_it = Clip.objects.filter(state=ClipState.PREPARING)
            if wanted and time.monotonic() > next_kill and at_it.exists():
                time.sleep(chance.uniform(0, 0.4))
                kind, worker = chance.choice(wanted), chance.choice(list(workers.values()))
                if worker.kill(kind):
                    killed[kind] += 1
                    next_kill = time.monotonic() + 0.3
                    if kind in {"main", "child"}:
                        # Its silence would be noticed after twenty seconds; we know that it is dead.
                        at_it.filter(region=worker.region).update(due_at=database_now())
            elif wanted and not Clip.objects.exclude(state=ClipState.READY).exists():
                # All done before enough had died: one more to be killed at.
                clips.append(make_clip(gateway, sample=sample, region=chance.choice(regions)))
                ring_for(clips[-1].pk, clips[-1].region)
            for worker in workers.values():
                worker.tend()
            Clip.objects.filter(state=ClipState.UPLOADED).update(due_at=database_now())
            sweep()
            time.sleep(0.05)
        # A clip is ready a moment before its worker has tidied up; one that is killed in between leaves its folder to
        # the next worker there, and after this there is none.
        eventually(lambda: not list((tmp_path / "work").iterdir()), 10)
    finally:
        for worker in workers.values():
            worker.rooms.close()
    print(
        dict(killed),
        "of",
        len(clips),
        "clips, attempts",
        sorted(Clip.objects.values_list("attempts", flat=True)),
    )

    kinds = {*SHOWN[Faces(faces)], RenditionKind.SPRITE_INDEX}
    for clip in Clip.objects.all():
        made = list(Rendition.objects.filter(clip=clip))
        assert clip.storage_alias == f"clips-{clip.region}"
        assert {one.kind for one in made} == kinds | {RenditionKind.FRAME_MAP}
        recorded = {clip.original_key} | {one.key for one in made}
        assert set(storage.keys_under(clip.storage_alias, clip.folder)) == recorded
        for one in made:
            with storages[clip.storage_alias].open(one.key) as file:
                assert len(file.read()) == one.size_bytes
    assert Clip.objects.filter(attempts__gt=1).exists()
    # Nothing of a region's clips lies in another's store.
    for region in regions:
        folders = set(storages[f"clips-{region}"].listdir(".")[0])
        assert folders == {clip.folder for clip in Clip.objects.filter(region=region)}
    assert not list((tmp_path / "work").iterdir())
    assert eventually(lambda: not orphans(tmp_path), 10), orphans(tmp_path)
