"""Make all that is made of a clip: run the one ffmpeg command enclosed, watch it, believe nothing it made unread."""

from __future__ import annotations

import functools
import re
import shutil
import signal
import tempfile
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from clips.errors import PreparationFailed
from clips.media import graph, limited, process, sandbox
from clips.media.faces import finding
from clips.media.faces.covered import Cover
from clips.media.facts import CLEAR, Faces, Facts
from clips.media.limits import Bounds, Limits
from clips.media.results import Renditions, gathered

_SIGNALS: dict[int, str] = {
    signal.SIGKILL: "The video program was killed, most often for want of memory; try again when the machine is freer.",
    signal.SIGXCPU: "Rendering took more processor time than a clip is given; send a shorter or smaller clip.",
    signal.SIGXFSZ: "A rendition grew larger than is allowed; send a shorter clip.",
}
# Ways to be ended that bubblewrap, like a shell, reports as 128 and the signal's number.
_REPORTED = {128 + number: number for number in (*_SIGNALS, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS)}
_REPORTED |= {128 + number: number for number in (signal.SIGILL, signal.SIGFPE, signal.SIGSYS, signal.SIGTERM)}
# The address in "[mov @ 0x55d0]", and anything that looks like a path.
_ADDRESS = re.compile(r" @ 0x[0-9a-f]+")
_PATH = re.compile(r"(?:^|(?<=[\s'\"=(]))(?:file:)?/\S+")
_NO_MEMORY = re.compile(r"malloc of size \d+ failed|Cannot allocate memory|pthread_create\(\) failed")
_CONSEQUENCE = re.compile(r"Nothing was written|Terminating thread|Task finished|Conversion failed|before EOF")


# The share of the work that looking for faces is, where that is done, in percent.
FINDING = 60


class Cancelled(Exception):
    """Whoever asked for the renditions does not want them any more."""


def make(
    source: Path,
    out_dir: Path,
    facts: Facts,
    *,
    ffmpeg: Path,
    limits: Limits,
    threads: int = graph.MOST_THREADS,
    faces: Collection[Faces] = CLEAR,
    on_tick: Callable[[int], None] = lambda percent: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Renditions:
    """Write every rendition of the clip into ``out_dir``: all, or none.

    ``faces`` says which proxies are wanted, with their posters and sprites: clear, blurred, or both. In a blurred one
    every face that was found is covered, and where none can be looked for NoDetector is raised and nothing is made.

    ``on_tick`` hears the percentage done (0 to 99) at least every second, also while ffmpeg is silent. It is the
    worker's heartbeat and may raise to cancel: ffmpeg is then killed, nothing is left behind, and the exception goes
    on. ``cancelled`` is asked ten times a second and ends it likewise, with Cancelled. Raises PreparationFailed when
    ffmpeg fails, or makes what it should not.
    """
    out_dir = out_dir.resolve()
    work = Path(tempfile.mkdtemp(prefix=".render-", dir=out_dir))
    placed: list[Path] = []

    def glance() -> None:
        if cancelled():
            raise Cancelled

    try:
        glance()
        common: dict[str, Any] = {"ffmpeg": ffmpeg, "limits": limits, "threads": threads, "glance": glance}
        cover, heard = None, on_tick
        if facts.kind == "video" and "blurred" in faces:
            # Looking takes longer than all the rest.
            found = finding.find(
                source.resolve(), work, facts, **common, on_tick=lambda done: on_tick(done * FINDING // 100), why=reason
            )
            cover, heard = found, lambda done: on_tick(FINDING + done * (100 - FINDING) // 100)
        _run(source.resolve(), work, facts, **common, faces=faces, cover=cover, on_tick=heard)
        on_tick(99)
        everything = gathered(work, facts, faces=faces)
        glance()
        for rendition in everything.made:
            placed.append(rendition.path.replace(out_dir / rendition.path.name))
        moved = zip(everything.made, placed, strict=True)
        return replace(everything, made=tuple(replace(rendition, path=path) for rendition, path in moved))
    except BaseException:
        for path in placed:
            path.unlink(missing_ok=True)
        raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


@functools.cache
def makes_sound_prints(ffmpeg: Path) -> bool:
    """Whether this ffmpeg was built with Chromaprint; asked once in each process. False when it cannot be started."""
    asked = [str(ffmpeg.absolute()), "-hide_banner", "-loglevel", "quiet", "-h", "muxer=chromaprint"]
    try:
        ended = process.run(asked, cwd=Path("/"), env=process.bare_environment(Path("/")), wall_seconds=5)
    except OSError:
        return False
    return b"fp_format" in ended.output


def _run(
    source: Path,
    work: Path,
    facts: Facts,
    *,
    ffmpeg: Path,
    limits: Limits,
    threads: int,
    faces: Collection[Faces],
    cover: Cover | None,
    on_tick: Callable[[int], None],
    glance: Callable[[], None],
) -> None:
    pictures = int(facts.duration_ms / 1000 * graph.proxy_rate(facts)) if facts.kind == "video" else 0
    progress = Progress(facts.duration_ms, pictures=pictures)
    argv = graph.command(
        sandbox.where(source, ffmpeg),
        facts,
        ffmpeg_path=ffmpeg.absolute(),
        limits=limits,
        sound_print=facts.has_audio and makes_sound_prints(ffmpeg),
        threads=threads,
        faces=faces,
        cover=cover,
    )
    bounds: Bounds = {
        "cpu_seconds": limits.render_cpu_seconds,
        "memory_bytes": limits.render_memory_bytes,
        "output_bytes": limits.render_output_bytes,
    }
    argv, environment = sandbox.around(ffmpeg, argv, clip=source, out=work, bounds=bounds)
    try:
        ended = process.run(
            argv,
            cwd=work,
            env=environment,
            wall_seconds=limits.render_wall_seconds,
            on_output=progress.read,
            on_tick=lambda: on_tick(progress.count(work / graph.STATS)),
            on_glance=glance,
        )
    except OSError as error:
        raise PreparationFailed("The worker could not start a program, for want of memory or processes.") from error
    if ended.timed_out:
        raise PreparationFailed(
            f"Rendering was stopped after {limits.render_wall_seconds:.0f} seconds; send a shorter clip."
        )
    if ended.returncode == limited.NOT_STARTED:
        raise PreparationFailed("The video program could not be started on this worker.")
    if ended.returncode != 0:
        raise PreparationFailed(reason(ended, enclosed=sandbox.encloses(ffmpeg)))


class Progress:
    """How far ffmpeg is, as a percentage that never goes back and leaves the last step to us.

    Of sound its ``-progress`` reports tell. Of footage they say nothing until every output has begun, and the sprite is
    one picture at the very end; but ffmpeg also writes a line for each picture of the proxy.
    """

    def __init__(self, duration_ms: int, *, pictures: int = 0) -> None:
        self.percent = 0
        self._duration_us = max(1, duration_ms * 1000)
        self._pictures = pictures
        self._rest = b""

    def read(self, chunk: bytes) -> None:
        """Take in some more output, cut anywhere."""
        *lines, self._rest = (self._rest + chunk)[-4096:].split(b"\n")
        for line in lines:
            name, _, value = line.partition(b"=")
            if name == b"out_time_us" and value.strip().isdigit():  # "N/A" until the first packet
                self._reached(int(value), self._duration_us)

    def count(self, stats: Path) -> int:
        """Count the lines of that file, if it is there yet; returns the percentage."""
        if self._pictures and stats.is_file():
            self._reached(stats.read_bytes().count(b"\n"), self._pictures)
        return self.percent

    def _reached(self, part: int, whole: int) -> None:
        self.percent = max(self.percent, min(99, part * 100 // whole))


def reason(ended: process.Ended, enclosed: bool = False) -> str:
    """One sentence on why a program failed: what its signal means, or its last complaint without our paths."""
    number = -ended.returncode
    if enclosed and ended.returncode in _REPORTED:
        number = _REPORTED[ended.returncode]
    if number > 0:
        name = signal.strsignal(number) or f"signal {number}"
        return _SIGNALS.get(number, f"The video program broke down on this clip ({name.lower()}).")
    lines = [line.strip() for line in ended.errors.decode(errors="replace").splitlines() if line.strip()]
    if any(_NO_MEMORY.search(line) for line in lines):
        return "The video program had too little memory, or threads, for this clip; send one with a smaller picture."
    # With many outputs one cause has many consequences, each of which complains.
    said = next((line for line in reversed(lines) if not _CONSEQUENCE.search(line)), lines[-1] if lines else "")
    said = _PATH.sub("the file", _ADDRESS.sub("", said))
    said = "".join(character for character in said if character.isprintable())[:200].rstrip(".")
    return f"The video program could not render this clip: {said or 'it did not say why'}."
