"""Make a clip's renditions: run the ffmpeg command confined, watch it, and believe nothing it made unread."""

from __future__ import annotations

import hashlib
import re
import shutil
import signal
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from clips.errors import PreparationFailed
from clips.media import graph, limited, process, structure
from clips.media.facts import Facts
from clips.media.limits import Limits
from clips.media.probe import examine_apart
from config.errors import BadInput

_SIGNALS: dict[int, str] = {
    signal.SIGKILL: "The video program was killed, most often for want of memory; try again when the machine is freer.",
    signal.SIGXCPU: "Rendering took more processor time than a clip is given; send a shorter or smaller clip.",
    signal.SIGXFSZ: "A rendition grew larger than is allowed; send a shorter clip.",
}
# The address in "[mov @ 0x55d0]", and anything that looks like a path.
_ADDRESS = re.compile(r" @ 0x[0-9a-f]+")
_PATH = re.compile(r"(?:^|(?<=[\s'\"=(]))(?:file:)?/\S+")


@dataclass(frozen=True, kw_only=True)
class Made:
    """A rendition on disk. ``duration_ms`` is None for a still picture."""

    kind: Literal["proxy", "poster"]
    path: Path
    content_type: str
    size_bytes: int
    sha256: str
    width: int
    height: int
    duration_ms: int | None


def render(
    source: Path,
    out_dir: Path,
    facts: Facts,
    *,
    ffmpeg: Path,
    limits: Limits,
    on_tick: Callable[[int], None] = lambda percent: None,
) -> list[Made]:
    """Write ``proxy.mp4`` and ``poster.jpg`` into ``out_dir``: both, or neither.

    ``on_tick`` hears the percentage done (0 to 99) at least every second, also while ffmpeg is silent. It is the
    worker's heartbeat and may raise to cancel: ffmpeg is then killed, nothing is left behind, and the exception goes
    on. Raises PreparationFailed when ffmpeg fails, or makes what it should not.
    """
    out_dir = out_dir.resolve()
    work = Path(tempfile.mkdtemp(prefix=".render-", dir=out_dir))
    placed: list[Path] = []
    try:
        _run(source.resolve(), work, facts, ffmpeg=ffmpeg, limits=limits, on_tick=on_tick)
        made = [
            _proxy(work / graph.PROXY, facts, limits, lambda: on_tick(99)),
            _poster(work / graph.POSTER, limits, lambda: on_tick(99)),
        ]
        for rendition in made:
            placed.append(rendition.path.replace(out_dir / rendition.path.name))
        return [replace(rendition, path=path) for rendition, path in zip(made, placed, strict=True)]
    except BaseException:
        for path in placed:
            path.unlink(missing_ok=True)
        raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _run(
    source: Path, work: Path, facts: Facts, *, ffmpeg: Path, limits: Limits, on_tick: Callable[[int], None]
) -> None:
    progress = Progress(facts.duration_ms)
    try:
        ended = process.run(
            limited.command(
                graph.command(source, facts, ffmpeg_path=ffmpeg, limits=limits),
                cpu_seconds=limits.render_cpu_seconds,
                memory_bytes=limits.render_memory_bytes,
                output_bytes=limits.render_output_bytes,
            ),
            cwd=work,
            env=process.bare_environment(work),
            wall_seconds=limits.render_wall_seconds,
            on_output=progress.read,
            on_tick=lambda: on_tick(progress.percent),
        )
    except OSError as error:
        raise PreparationFailed("The worker could not start a program, for want of memory or processes.") from error
    if ended.timed_out:
        raise PreparationFailed(
            f"Rendering was stopped after {limits.render_wall_seconds:g} seconds; send a shorter clip, or try again."
        )
    if ended.returncode == limited.NOT_STARTED:
        raise PreparationFailed("The video program could not be started; its installation on the worker is broken.")
    if ended.returncode:
        raise PreparationFailed(reason(ended))


class Progress:
    """ffmpeg's ``-progress`` reports, as a percentage that never goes back and leaves the last step to us."""

    def __init__(self, duration_ms: int) -> None:
        self.percent = 0
        self._duration_us = max(1, duration_ms * 1000)
        self._rest = b""

    def read(self, chunk: bytes) -> None:
        """Take in some more output, cut anywhere."""
        *lines, self._rest = (self._rest + chunk)[-4096:].split(b"\n")
        for line in lines:
            name, _, value = line.partition(b"=")
            if name == b"out_time_us" and value.strip().isdigit():  # "N/A" until the first packet
                percent = int(value) * 100 // self._duration_us
                self.percent = max(self.percent, min(99, percent))


def reason(ended: process.Ended) -> str:
    """One sentence on why a program failed: what its signal means, or its last complaint without our paths."""
    if ended.returncode < 0:
        name = signal.strsignal(-ended.returncode) or f"signal {-ended.returncode}"
        return _SIGNALS.get(-ended.returncode, f"The video program broke down on this clip ({name.lower()}).")
    lines = ended.errors.decode(errors="replace").splitlines()
    said = next((line.strip() for line in reversed(lines) if line.strip()), "")
    said = _PATH.sub("the file", _ADDRESS.sub("", said))
    said = "".join(character for character in said if character.isprintable())[:200].rstrip(".")
    return f"The video program could not render this clip: {said or 'it did not say why'}."


def _proxy(path: Path, facts: Facts, limits: Limits, on_tick: Callable[[], None]) -> Made:
    """Check the proxy as if a stranger had sent it. Raises PreparationFailed if it is not what it should be."""
    allowed = replace(limits, max_duration_ms=limits.max_duration_ms + 5000, max_bytes=limits.render_output_bytes)
    try:
        structure.check(path, demuxer="mov")
        seen = examine_apart(path, demuxer="mov", limits=allowed, on_tick=on_tick)
        first = structure.index_first(path)
    except (BadInput, OSError) as error:
        raise PreparationFailed("What was rendered cannot be played; try again, or send the clip anew.") from error
    off = abs(seen.duration_ms - facts.duration_ms)
    if off > max(1000, facts.duration_ms // 10):
        raise PreparationFailed(
            f"Only {seen.duration_ms / 1000:.1f} of {facts.duration_ms / 1000:.1f} seconds could be rendered; "
            "the clip is damaged inside."
        )
    promised = (
        first
        and seen.video_codec == "h264"
        and seen.audio_codec == ("aac" if facts.has_audio else "")
        and seen.width <= graph.MAX_WIDTH
        and seen.height <= graph.MAX_HEIGHT
        and seen.width % 2 == seen.height % 2 == 0
    )
    if not promised:
        raise PreparationFailed("What was rendered is not in the form that reviewers can play.")
    return _made("proxy", path, "video/mp4", seen, seen.duration_ms)


def _poster(path: Path, limits: Limits, on_tick: Callable[[], None]) -> Made:
    try:
        seen = examine_apart(path, demuxer="jpeg_pipe", limits=limits, on_tick=on_tick)
    except (BadInput, OSError) as error:
        raise PreparationFailed("No still picture could be taken from this clip.") from error
    return _made("poster", path, "image/jpeg", seen, None)


def _made(
    kind: Literal["proxy", "poster"], path: Path, content_type: str, seen: Facts, duration_ms: int | None
) -> Made:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Made(
        kind=kind,
        path=path,
        content_type=content_type,
        size_bytes=path.stat().st_size,
        sha256=digest,
        width=seen.width,
        height=seen.height,
        duration_ms=duration_ms,
    )
