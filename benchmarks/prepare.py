"""What preparing clips costs, beside one bare ffmpeg command that makes the same files.

    python benchmarks/prepare.py [FOLDER] [--quick] [--part stream] [--json FILE] [--report FILE]

FOLDER holds real clips (default: the project's samples); they are repeated to 60 (``--quick``: 6), each time as another
owner's. It brings its own PostgreSQL and Redis with the product's settings.

``stream``   Some clips at a time, in turns: the bare commands (the very arguments we use, not enclosed) one after the
             other, and ours as it is run: one process receives the clips (probe, hash, storage, rows), and one worker
             process prepares them meanwhile (copy, enclosure, render, checks, storage, rows), from the first byte taken
             until the last clip is ready. Wall time, and the busy time of the whole machine's processors, for an
             enclosed program's own is told to nobody. And the naive way, as one would write it by hand: a command for
             each output, each decoding anew. Told is the median over the lots of each lot's ratios.
``costs``    The same clip by clip, where one process receives a clip and then prepares it, so that nothing of ours goes
             on beside a command. Told is the mean over the files of the median of each one's turns.
``workers``  All clips by one worker process on one core, and by two with a core each: what is shared (rows, locks,
             storage) must not hold them up. Beside it, without a target, one and two that may use every core: one alone
             has them all at work already, for a clip is decoded, scaled and encoded by threads of their own. And two
             bare commands to one, a core each: what the machine itself gives.
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
from concurrent.futures import ThreadPoolExecutor  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from typing import Any  # noqa: E402

from benchmarks.rig import engines, machine  # noqa: E402

SUFFIXES = {".mp4", ".mov", ".avi", ".mkv", ".webm", ".ts"}
REGION = "in"
# Clips of one turn.
LOT = 12


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


def argvs(path: Path, *, each: bool, threads: int = 2) -> list[list[str]]:
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
        common: dict[str, Any] = {"limits": Limits(), "sound_print": prints, "threads": threads}
        return [graph.command(path.resolve(), facts, ffmpeg_path=binary, **common)]
    made = graph.outputs(path.resolve(), facts, limits=Limits(), sound_print=prints, threads=threads)
    quiet = ("-nostdin", "-hide_banner", "-loglevel", "error", "-nostats")
    return [ffmpeg.compile(one.global_args(*quiet), cmd=[str(binary)], overwrite_output=True) for one in made]


def run_all(commands: list[list[str]], *, core: int | None = None) -> None:
    """Run commands in a folder that is thrown away, on one ``core`` if it is named."""
    on = [] if core is None else ["taskset", "-c", str(core)]
    folder = tempfile.mkdtemp(prefix="bare-")
    try:
        for argv in commands:
            subprocess.run([*on, *argv], cwd=folder, stdout=subprocess.DEVNULL, check=True)
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


def preparer(ready: Any, inbox: Any, out: Any) -> None:
    """A worker process of the rig: prepares the clips it is told of, and says when it has."""
    import django

    django.setup()
    from django.db import connection

    connection.ensure_connection()
    ready.release()
    while (clip_id := inbox.get()) is not None:
        prepared(clip_id)
        out.put(clip_id)


def stream(paths: list[Path], clips: list[Path]) -> dict[str, float]:
    """The bare commands, ours by a receiver and a worker, and a command for each output, in turns of some clips."""
    commands = {path: argvs(path, each=False) for path in paths}
    apart = {path: argvs(path, each=True) for path in paths}
    context = multiprocessing.get_context("spawn")
    ready, inbox, out = context.Semaphore(0), context.Queue(), context.Queue()
    person = context.Process(target=preparer, args=(ready, inbox, out))
    person.start()
    ready.acquire()

    def ours(lot: list[Path], first: int) -> None:
        for place, path in enumerate(lot):
            inbox.put(received(path, first + place))
        for _ in lot:
            out.get(timeout=120)

    def bare(lot: list[Path], by: dict[Path, list[list[str]]]) -> None:
        for path in lot:
            run_all(by[path])

    ours(paths[:1], 500)
    found: dict[str, list[float]] = {"wall_to_bare": [], "cpu_to_bare": [], "naive_to_ours": [], "naive_to_bare": []}
    lots = [clips[first : first + LOT] for first in range(0, len(clips), LOT)]
    for number, lot in enumerate(lots):
        turns: list[tuple[str, Callable[[], object]]] = [
            ("bare", lambda lot=lot: bare(lot, commands)),  # type: ignore[misc]
            ("ours", lambda lot=lot, n=number: ours(lot, 2000 + n * LOT)),  # type: ignore[misc]
            ("naive", lambda lot=lot: bare(lot, apart)),  # type: ignore[misc]
        ]
        spent = {name: cost_of(work) for name, work in (turns if number % 2 else reversed(turns))}
        wall = {name: cost.wall for name, cost in spent.items()}
        found["wall_to_bare"].append(wall["ours"] / wall["bare"])
        found["cpu_to_bare"].append(spent["ours"].cpu / spent["bare"].cpu)
        found["naive_to_ours"].append(wall["naive"] / wall["ours"])
        found["naive_to_bare"].append(wall["naive"] / wall["bare"])
        say(f"  {len(lot)} clips: " + ", ".join(f"{name} {seconds:.2f}" for name, seconds in wall.items()) + " s")
    inbox.put(None)
    person.join()
    return {name: statistics.median(ratios) for name, ratios in found.items()}


def costs(paths: list[Path], clips: list[Path]) -> dict[str, float]:
    """The bare command, ours and a command for each output, in turns."""
    commands = {path: argvs(path, each=False) for path in paths}
    apart = {path: argvs(path, each=True) for path in paths}
    prepared(received(paths[0], 0))
    spent: dict[str, list[Cost]] = {"bare": [], "ours": [], "naive": []}
    for place, path in enumerate(clips):
        turns: list[tuple[str, Callable[[], object]]] = [
            ("bare", lambda path=path: run_all(commands[path])),  # type: ignore[misc]
            ("ours", lambda path=path, n=place: prepared(received(path, 1000 + n))),  # type: ignore[misc]
            ("naive", lambda path=path: run_all(apart[path])),  # type: ignore[misc]
        ]
        for name, work in turns if place % 2 else reversed(turns):
            spent[name].append(cost_of(work))
        last = ", ".join(f"{name} {found[-1].wall:.2f}" for name, found in spent.items())
        say(f"  {place + 1} of {len(clips)}: {last} s")
    wall = {name: _of_medians([cost.wall for cost in found], len(paths)) for name, found in spent.items()}
    cpu = {name: _of_medians([cost.cpu for cost in found], len(paths)) for name, found in spent.items()}
    return {
        "one_by_one_to_bare": wall["ours"] / wall["bare"],
        "one_by_one_cpu_to_bare": cpu["ours"] / cpu["bare"],
        "naive_to_one_by_one": wall["naive"] / wall["ours"],
        "naive_cpu_to_ours": cpu["naive"] / cpu["ours"],
        "bare_seconds_a_clip": wall["bare"],
        "ours_seconds_a_clip": wall["ours"],
    }


def _of_medians(turns: list[float], files: int) -> float:
    """The mean over the files of the median of each one's turns: what else the machine did hits single turns."""
    return statistics.fmean(statistics.median(turns[place::files]) for place in range(min(files, len(turns))))


def scaling(clips: list[Path]) -> dict[str, float]:
    """Two workers to one; and two bare commands at once to one after the other, which is all that the machine gives."""
    scaled: dict[bool, float] = {}
    for pinned in (True, False):
        lots = [[received(path, 10_000 * lot + 5000 * pinned + n) for n, path in enumerate(clips)] for lot in (1, 2)]
        one, _memory = by_workers([lots[0]], pinned=pinned)
        two, _memory = by_workers([lots[1][0::2], lots[1][1::2]], pinned=pinned)
        scaled[pinned] = one / two
        say(f"  {len(clips)} clips by one worker {one:.1f} s, by two {two:.1f} s{', a core each' if pinned else ''}")
    ceiling = bare_by_cores([clips]) / bare_by_cores([clips[0::2], clips[1::2]])
    say(f"  two bare commands to one, a core each: {ceiling:.2f}")
    return {
        "two_workers_to_one": scaled[True],
        "two_workers_to_one_on_all_cores": scaled[False],
        "two_bare_to_one": ceiling,
    }


def bare_by_cores(hands: list[list[Path]]) -> float:
    """Wall seconds of the bare commands of each hand, one after the other, on a core of each hand's own."""
    cores = sorted(os.sched_getaffinity(0))
    with ThreadPoolExecutor(len(hands)) as pool:
        lots = [[argvs(path, each=False, threads=1) for path in hand] for hand in hands]

        def one_hand(core: int, lot: list[list[list[str]]]) -> None:
            for commands in lot:
                run_all(commands, core=core)

        began = time.perf_counter()
        list(pool.map(one_hand, cores, lots))
        return time.perf_counter() - began


def memory(paths: list[Path], *, count: int) -> dict[str, float]:
    """A worker's memory over many clips."""
    many = [received(paths[n % len(paths)], 40_000 + n) for n in range(count)]
    _wall, (found,) = by_workers([many])
    quarter = max(1, count // 4)
    say(f"  {count} clips: {min(found) / 2**20:.0f} to {max(found) / 2**20:.0f} MiB")
    return {"memory_last_to_first": max(found[-quarter:]) / max(found[:quarter]), "memory_clips": count}


def latency(clips: list[Path]) -> dict[str, float]:
    """From an upload's answer until it is ready, each clip's bare command beside it."""
    some = clips[:21]
    waits = latencies(some, 50_000)
    alone = [cost_of(lambda path=path: run_all(argvs(path, each=False))).wall for path in some[1:]]  # type: ignore[misc]
    return {"ready_to_bare": statistics.fmean(waits) / statistics.fmean(alone)}


PARTS = ("stream", "costs", "workers", "memory", "latency")


TARGETS: dict[str, tuple[str, float, bool]] = {
    "wall_to_bare": ("receiving and preparing to the bare command, wall", 1.10, False),
    "cpu_to_bare": ("receiving and preparing to the bare command, processors", 1.10, False),
    "naive_to_ours": ("a command for each output to ours, wall", 1.3, True),
    "two_workers_to_one": ("two workers to one, a core each, clips a second", 1.7, True),
    "memory_last_to_first": ("a worker's memory, last quarter to first", 1.05, False),
    "ready_to_bare": ("upload's answer to ready, to the bare command", 1.25, False),
}


BESIDE = {
    "one_by_one_to_bare": "one process that receives a clip, then prepares it, to the bare command, wall",
    "one_by_one_cpu_to_bare": "the same, processors",
    "naive_to_one_by_one": "a command for each output to the same, wall",
    "two_bare_to_one": "two bare commands at once to one after the other, a core each: all that the machine gives",
    "naive_to_bare": "a command for each output to the bare command, wall: ours without any cost of its own",
    "naive_cpu_to_ours": "a command for each output to ours, processors",
    "two_workers_to_one_on_all_cores": "two workers to one, each on all cores",
    "bare_seconds_a_clip": "the bare command, seconds a clip",
    "ours_seconds_a_clip": "receiving and preparing, seconds a clip",
    "memory_clips": "clips that one worker prepared for its memory",
}


def say(line: str) -> None:
    print(line, flush=True)


def table(ratios: dict[str, float]) -> list[str]:
    """The targets of what was measured, and beside them what has none."""
    lines = ["| what | found | wanted | |", "| --- | --- | --- | --- |"]
    for key, (name, wanted, more) in TARGETS.items():
        if key in ratios:
            good = ratios[key] >= wanted if more else ratios[key] <= wanted
            sign = ">=" if more else "<="
            lines.append(f"| {name} | {ratios[key]:.2f} | {sign} {wanted} | {'pass' if good else 'FAIL'} |")
    lines += [f"| {name} | {ratios[key]:.2f} | | |" for key, name in BESIDE.items() if key in ratios]
    return lines


def report(path: Path, document: dict[str, Any]) -> None:
    """Write down what was found, and on what."""
    found = document["machine"]
    machine_line = f"{found['cores']} cores of {found['processor']}, {found['memory_gib']} GiB, {found['system']}"
    versions = f"Python {found['python']}, PostgreSQL {found['postgresql']['server_version']}, {document['ffmpeg']}"
    lines = [
        "# Preparing a clip: what it costs beside bare ffmpeg",
        "",
        f"`benchmarks/prepare.py {document['folder']}`{' --quick' if document['quick'] else ''}, {document['files']} "
        f"files repeated to {document['count']} clips. {machine_line}; {versions}. {document['date']}.",
        "",
        *table(document["ratios"]),
        "",
        "Every figure is a ratio within one run. The bare command has the very arguments that we use.",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("folder", nargs="?", type=Path, default=ROOT / "clips" / "samples")
    words.add_argument("--quick", action="store_true", help="6 clips and not 60; under a minute")
    words.add_argument("--part", action="append", choices=PARTS, help="this alone; may be repeated")
    words.add_argument("--json", type=Path, metavar="FILE", help="add the ratios to what other parts left there")
    words.add_argument("--report", type=Path, metavar="FILE", help="write a page with all ratios of that file")
    asked = words.parse_args()
    paths = sorted(path for path in asked.folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        words.error(f"{asked.folder} holds no clips")
    count, long = (6, 12) if asked.quick else (60, 200)
    clips = [paths[place % len(paths)] for place in range(count)]
    ratios: dict[str, float] = {}
    if asked.json and asked.json.is_file():
        before = json.loads(asked.json.read_text())
        ratios = before["ratios"] if before["quick"] == asked.quick else {}
    with engines.running():
        set_up()
        facts = machine.facts()
        for part in asked.part or PARTS:
            say(f"{part}:")
            match part:
                case "stream":
                    ratios |= stream(paths, clips)
                case "costs":
                    ratios |= costs(paths, clips)
                case "workers":
                    ratios |= scaling(clips)
                case "memory":
                    ratios |= memory(paths, count=long)
                case "latency":
                    ratios |= latency(clips)
    say(f"\n{len(paths)} files of {asked.folder.name}, {facts['cores']} cores\n")
    say("\n".join(table(ratios)))
    document = {"quick": asked.quick, "folder": asked.folder.name, "files": len(paths), "count": count}
    document |= {"date": time.strftime("%Y-%m-%d"), "ffmpeg": _ffmpeg_version(), "machine": facts, "ratios": ratios}
    if asked.json:
        asked.json.write_text(json.dumps(document, indent=1))
    if asked.report:
        report(asked.report, document)
    return 0


def _ffmpeg_version() -> str:
    from clips.preparing import ffmpeg_binary

    said = subprocess.run([str(ffmpeg_binary()), "-version"], capture_output=True, text=True, check=True).stdout
    return " ".join(said.split()[0:3:2])


if __name__ == "__main__":
    sys.exit(main())
