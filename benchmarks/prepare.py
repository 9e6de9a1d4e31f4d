"""What preparing clips costs, beside one bare ffmpeg command that makes the same files.

    python benchmarks/prepare.py [FOLDER] [--quick] [--json FILE]

FOLDER holds real clips (default: the project's samples); they are repeated to 60 (``--quick``: 6), each time as another
owner's. It brings its own PostgreSQL and Redis with the product's settings.

``bare``     For each clip, in turns: the bare command (the very arguments we use, not enclosed) and ours: receiving the
             clip (probe, hash, storage, rows) and preparing it (copy, enclosure, render, checks, storage,
             rows). Wall time, and the busy time of the whole machine's processors, for an enclosed program's own is
             told to nobody.
``naive``    A command for each output, each decoding anew, as one would write by hand.
``workers``  All clips by one worker process on one core, and by two with a core each: what is shared (rows, locks,
             storage) must not hold them up. Beside it, without a target, one and two that may use every core: one alone
             has them all at work already, for a clip is decoded, scaled and encoded by threads of their own.
``memory``   Resident memory of one worker process over many clips: the most in its last quarter to the most in its
             first.
``latency``  A real Celery worker, idle: from the answer to an upload until the clip is ready, to the bare command's
             wall.

Whatever else runs on the machine is in all of it; every figure is a ratio within this run.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).absolute().parent.parent
HERE = Path(__file__).resolve().parent
sys.path[:] = [str(ROOT), *(entry for entry in sys.path if Path(entry or ".").resolve() != HERE)]

import argparse  # noqa: E402
import json  # noqa: E402
import multiprocessing  # noqa: E402
import os  # noqa: E402
import shutil  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from typing import Any  # noqa: E402

from benchmarks.rig import engines, machine  # noqa: E402

SUFFIXES = {".mp4", ".mov", ".avi", ".mkv", ".webm", ".ts"}
REGION = "in"


@dataclass(frozen=True)
class Cost:
    """Seconds on the wall and of processors."""

    wall: float
    cpu: float


def cost_of(work: Callable[[], object]) -> Cost:
    """What calling ``work`` costs."""
    before, began = _busy(), time.perf_counter()
    work()
    return Cost(time.perf_counter() - began, _busy() - before)


def _busy() -> float:
    """Seconds that the machine's processors have been busy since it began."""
    user, nice, system, _idle, _wait, irq, softirq = map(int, Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def argvs(path: Path, *, each: bool) -> list[list[str]]:
    """The bare command for a clip, or a command for each of its outputs."""
    import ffmpeg

    from clips.media import graph, probe, sniff
    from clips.media.limits import Limits
    from clips.media.render import makes_sound_prints
    from clips.preparing import ffmpeg_binary

    facts = probe.probe(path, extension=path.suffix, limits=Limits(), kinds=sniff.EVERY_KIND)
    binary = ffmpeg_binary()
    prints = facts.has_audio and makes_sound_prints(binary)
    if not each:
        return [graph.command(path.resolve(), facts, ffmpeg_path=binary, limits=Limits(), sound_print=prints)]
    made = graph.outputs(path.resolve(), facts, limits=Limits(), sound_print=prints, threads=graph.MOST_THREADS)
    quiet = ("-nostdin", "-hide_banner", "-loglevel", "error", "-nostats")
    return [ffmpeg.compile(one.global_args(*quiet), cmd=[str(binary)], overwrite_output=True) for one in made]


def run_all(commands: list[list[str]]) -> None:
    """Run commands in a folder that is thrown away."""
    folder = tempfile.mkdtemp(prefix="bare-")
    try:
        for argv in commands:
            subprocess.run(argv, cwd=folder, stdout=subprocess.DEVNULL, check=True)
    finally:
        shutil.rmtree(folder)


def received(path: Path, number: int) -> int:
    """Receive a clip as this owner's; returns its number."""
    from datetime import UTC, datetime

    from django.contrib.auth.models import User

    from clips import consenting, receiving
    from config.clock import database_now

    given = consenting.agreement(
        owner_key=f"owner-{number:08d}",
        disclosure="bench-1",
        purposes=["human_review"],
        channel="app",
        given_at=datetime(2026, 11, 1, tzinfo=UTC),
        region=REGION,
    )
    taken = receiving.receive(
        path,
        name=path.name,
        region=REGION,
        source="employee_tester",
        given=given,
        by=User.objects.get(username="bench"),
        at=database_now(),
    )
    return taken.clip.pk


def prepared(clip_id: int) -> None:
    """Prepare a clip that was received. Raises RuntimeError if it does not become ready."""
    from clips import preparing
    from config.clock import database_now

    if not preparing.prepare(clip_id, now=database_now):
        raise RuntimeError(f"clip {clip_id} did not become ready")


def set_up() -> None:
    """Tables, storages, a sender and a disclosure."""
    from datetime import UTC, datetime

    import django
    from django.core.management import call_command

    django.setup()
    from django.contrib.auth.models import User

    from clips import disclosing, needing, storage

    call_command("migrate", verbosity=0)
    storage.set_up()
    # What faces cost is measured by benchmarks/faces.py; here we make what the bare command makes.
    needing.say({(REGION, "video", "clear")})
    by = User.objects.create_user("bench")
    text = "a text for a benchmark"
    disclosing.publish(
        version="bench-1",
        region=REGION,
        language="en",
        text=text,
        checklist=dict.fromkeys(["people", "countries", "why", "how_long", "how_to_stop"], text),
        by=by,
        at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def worker(clip_ids: list[int], core: int | None, ready: Any, begin: Any, out: Any) -> None:
    """A worker process of the rig: prepares its clips one after the other and tells its memory after each."""
    import django

    if core is not None:
        os.sched_setaffinity(0, {core})

    django.setup()
    from django.db import connection

    connection.ensure_connection()
    ready.release()
    begin.wait()
    memory = []
    for clip_id in clip_ids:
        prepared(clip_id)
        memory.append(_resident())
    out.put(memory)


def _resident() -> int:
    """This process's resident memory in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    return 0


def by_workers(hands: list[list[int]], *, pinned: bool = False) -> tuple[float, list[list[int]]]:
    """Prepare each hand of clips by a process of its own, each ``pinned`` to a core of its own or not; returns the wall
    time of all, and each one's memory."""
    cores = sorted(os.sched_getaffinity(0))
    context = multiprocessing.get_context("spawn")
    ready, begin, out = context.Semaphore(0), context.Event(), context.Queue()
    people = [
        context.Process(target=worker, args=(hand, cores[place] if pinned else None, ready, begin, out))
        for place, hand in enumerate(hands)
    ]
    for person in people:
        person.start()
    for _ in people:
        ready.acquire()
    began = time.perf_counter()
    begin.set()
    memory = [out.get() for _ in people]
    wall = time.perf_counter() - began
    for person in people:
        person.join()
    return wall, memory


def latencies(paths: list[Path], first: int) -> list[float]:
    """Seconds from an upload's answer until the clip is ready, by a real Celery worker that is idle."""
    from django.db import connection

    from clips.models import queue_of
    from clips.tasks import prepare_clip
    from config.celery import app

    argv = [sys.executable, "-m", "celery", "-A", "config.celery", "worker", "-Q", queue_of(REGION), "-c", "1"]
    quiet = ["--without-gossip", "--without-mingle", "-l", "WARNING"]
    found = []
    process = subprocess.Popen(
        [*argv, *quiet], env=os.environ | {"C_FORCE_ROOT": "1"}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for place, path in enumerate(paths):
            clip_id = received(path, first + place)
            began = time.perf_counter()
            prepare_clip.apply_async((clip_id,), queue=queue_of(REGION))
            while True:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT state FROM clips_clip WHERE id = %s", [clip_id])
                    (state,) = cursor.fetchone() or ("gone",)
                if state == "ready":
                    break
                if state not in {"uploaded", "preparing"} or time.perf_counter() - began > 60:
                    raise RuntimeError(f"clip {clip_id} is {state}")
                time.sleep(0.005)
            found.append(time.perf_counter() - began)
    finally:
        app.close()
        process.terminate()
        process.wait(timeout=30)
    # The first one waits for the worker to begin.
    return found[1:]


def measure(paths: list[Path], *, count: int, long: int) -> dict[str, float]:
    """All parts, over the clips repeated to ``count``; memory over ``long``. Returns ratios under plain keys."""
    clips = [paths[place % len(paths)] for place in range(count)]
    commands = {path: argvs(path, each=False) for path in paths}
    apart = {path: argvs(path, each=True) for path in paths}
    prepared(received(paths[0], 0))
    bare: list[Cost] = []
    ours: list[Cost] = []
    naive: list[Cost] = []
    for place, path in enumerate(clips):
        turns: list[tuple[list[Cost], Callable[[], object]]] = [
            (bare, lambda path=path: run_all(commands[path])),  # type: ignore[misc]
            (ours, lambda path=path, n=place: prepared(received(path, 1000 + n))),  # type: ignore[misc]
            (naive, lambda path=path: run_all(apart[path])),  # type: ignore[misc]
        ]
        for kept, work in turns if place % 2 else reversed(turns):
            kept.append(cost_of(work))
        last = [f"{name} {costs[-1].wall:.2f}" for name, costs in (("bare", bare), ("ours", ours), ("apart", naive))]
        say(f"  {place + 1} of {count}: {', '.join(last)} s")
    total = {
        name: (sum(cost.wall for cost in costs), sum(cost.cpu for cost in costs))
        for name, costs in (("bare", bare), ("ours", ours), ("naive", naive))
    }

    scaled: dict[bool, float] = {}
    for pinned in (True, False):
        lots = [[received(path, 10_000 * lot + 5000 * pinned + n) for n, path in enumerate(clips)] for lot in (1, 2)]
        one, _memory = by_workers([lots[0]], pinned=pinned)
        two, _memory = by_workers([lots[1][0::2], lots[1][1::2]], pinned=pinned)
        scaled[pinned] = one / two
        say(f"  {count} clips by one worker {one:.1f} s, by two {two:.1f} s{', a core each' if pinned else ''}")

    many = [received(paths[n % len(paths)], 40_000 + n) for n in range(long)]
    _wall, (memory,) = by_workers([many])
    quarter = max(1, long // 4)

    waits = latencies(clips[: min(count, 20) + 1], 50_000)
    alone = [cost.wall for cost in bare[1 : len(waits) + 1]]
    return {
        "wall_to_bare": total["ours"][0] / total["bare"][0],
        "cpu_to_bare": total["ours"][1] / total["bare"][1],
        "naive_to_ours": total["naive"][0] / total["ours"][0],
        "naive_cpu_to_ours": total["naive"][1] / total["ours"][1],
        "two_workers_to_one": scaled[True],
        "two_workers_to_one_on_all_cores": scaled[False],
        "memory_last_to_first": max(memory[-quarter:]) / max(memory[:quarter]),
        "ready_to_bare": statistics.fmean(waits) / statistics.fmean(alone),
    }


TARGETS: dict[str, tuple[str, float, bool]] = {
    "wall_to_bare": ("receiving and preparing to the bare command, wall", 1.10, False),
    "cpu_to_bare": ("receiving and preparing to the bare command, processors", 1.10, False),
    "naive_to_ours": ("a command for each output to ours, wall", 1.3, True),
    "two_workers_to_one": ("two workers to one, a core each, clips a second", 1.7, True),
    "memory_last_to_first": ("a worker's memory, last quarter to first", 1.05, False),
    "ready_to_bare": ("upload's answer to ready, to the bare command", 1.25, False),
}


def say(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("folder", nargs="?", type=Path, default=ROOT / "clips" / "samples")
    words.add_argument("--quick", action="store_true", help="6 clips and not 60; under a minute")
    words.add_argument("--json", type=Path, metavar="FILE", help="write the ratios there")
    asked = words.parse_args()
    paths = sorted(path for path in asked.folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        words.error(f"{asked.folder} holds no clips")
    with engines.running():
        set_up()
        facts = machine.facts()
        ratios = measure(paths, count=6 if asked.quick else 60, long=12 if asked.quick else 200)
    say(f"\n{len(paths)} files of {asked.folder.name}, {facts['cores']} cores\n")
    say("| what | found | wanted | |\n| --- | --- | --- | --- |")
    for key, (name, wanted, more) in TARGETS.items():
        good = ratios[key] >= wanted if more else ratios[key] <= wanted
        say(f"| {name} | {ratios[key]:.2f} | {'>=' if more else '<='} {wanted} | {'pass' if good else 'FAIL'} |")
    if asked.json:
        asked.json.write_text(
            json.dumps({"quick": asked.quick, "machine": machine.facts(), "ratios": ratios}, indent=1)
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
