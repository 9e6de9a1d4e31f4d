"""Make all that is made of a clip: run the one ffmpeg command enclosed, watch it, believe nothing it made unread."""

from __future__ import annotations

import functools
import hashlib
import re
import shutil
import signal
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Literal

from clips.errors import PreparationFailed
from clips.media import frame_map, graph, jpeg, limited, mp4, nearness, process, sandbox, sound, sprite
from clips.media.facts import Facts
from clips.media.frame_map import FrameMap
from clips.media.limits import Limits
from clips.media.sound import Sound
from config.errors import BadInput

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
_NOT_AS_PROMISED = "What was rendered is not in the form that reviewers can play."

SPRITE_INDEX = "sprite.vtt"
PEAKS = "peaks.json"
FRAME_MAP = "frames.json"

MadeKind = Literal["proxy", "poster", "sprite", "sprite_index", "peaks", "frame_map"]


class Cancelled(Exception):
    """Whoever asked for the renditions does not want them any more."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """A rendition on disk. Sides are 0 for what is no picture; ``duration_ms`` is None for what does not last."""

    kind: MadeKind
    path: Path
    content_type: str
    size_bytes: int
    sha256: str
    width: int = 0
    height: int = 0
    duration_ms: int | None = None


@dataclass(frozen=True, kw_only=True)
class Renditions:
    """All that was made of a clip, and all that was learnt of it meanwhile.

    Of footage there are a proxy, a poster, a sprite with its index and a frame map, and peaks if it has sound; of a
    voice clip a proxy and peaks. The prints are for ``nearness``; empty when there is nothing to take them from, or
    when this ffmpeg cannot.
    """

    made: tuple[Made, ...]
    frames: FrameMap | None
    sound: Sound | None
    picture_print: bytes
    sound_print: bytes


def render(
    source: Path,
    out_dir: Path,
    facts: Facts,
    *,
    ffmpeg: Path,
    limits: Limits,
    on_tick: Callable[[int], None] = lambda percent: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> list[Made]:
    """``make``, of which only proxy and poster are kept."""
    everything = make(source, out_dir, facts, ffmpeg=ffmpeg, limits=limits, on_tick=on_tick, cancelled=cancelled)
    for made in everything.made:
        if made.kind not in ("proxy", "poster"):
            made.path.unlink()
    return [made for made in everything.made if made.kind in ("proxy", "poster")]


def make(
    source: Path,
    out_dir: Path,
    facts: Facts,
    *,
    ffmpeg: Path,
    limits: Limits,
    on_tick: Callable[[int], None] = lambda percent: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Renditions:
    """Write every rendition of the clip into ``out_dir``: all, or none.

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
        _run(source.resolve(), work, facts, ffmpeg=ffmpeg, limits=limits, on_tick=on_tick, glance=glance)
        on_tick(99)
        everything = _gathered(work, facts)
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


def digest(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal: what renditions are named by."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
    on_tick: Callable[[int], None],
    glance: Callable[[], None],
) -> None:
    progress = Progress(facts.duration_ms)
    enclosed = sandbox.encloses(ffmpeg)
    argv = graph.command(
        sandbox.CLIP if enclosed else source,
        facts,
        ffmpeg_path=ffmpeg.absolute(),
        limits=limits,
        sound_print=facts.has_audio and makes_sound_prints(ffmpeg),
    )
    if enclosed:
        environment = process.bare_environment(sandbox.OUT)
        argv = sandbox.command(argv, clip=source, out=work, runtime=sandbox.program(ffmpeg), environment=environment)
    try:
        ended = process.run(
            limited.command(
                argv,
                cpu_seconds=limits.render_cpu_seconds,
                memory_bytes=limits.render_memory_bytes,
                output_bytes=limits.render_output_bytes,
                namespaces=not enclosed,
            ),
            cwd=work,
            env=process.bare_environment(work),
            wall_seconds=limits.render_wall_seconds,
            on_output=progress.read,
            on_tick=lambda: on_tick(progress.percent),
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
        raise PreparationFailed(reason(ended, enclosed=enclosed))


class Progress:
    """Reads ffmpeg's ``-progress`` reports, as a percentage that never goes back and leaves the last step to us."""

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


def reason(ended: process.Ended, *, enclosed: bool = False) -> str:
    """One sentence on why a program failed: what its signal means, or its last complaint without our paths."""
    number = -ended.returncode
    if enclosed and ended.returncode in _REPORTED:
        number = _REPORTED[ended.returncode]
    if number > 0:
        name = signal.strsignal(number) or f"signal {number}"
        return _SIGNALS.get(number, f"The video program broke down on this clip ({name.lower()}).")
    lines = ended.errors.decode(errors="replace").splitlines()
    said = next((line.strip() for line in reversed(lines) if line.strip()), "")
    said = _PATH.sub("the file", _ADDRESS.sub("", said))
    said = "".join(character for character in said if character.isprintable())[:200].rstrip(".")
    return f"The video program could not render this clip: {said or 'it did not say why'}."


def _gathered(work: Path, facts: Facts) -> Renditions:
    """Check what ffmpeg left as if a stranger had sent it, and make of it what is made here.

    Only outlines are read, in plain Python, which costs next to nothing and starts no decoder. Raises
    PreparationFailed.
    """
    try:
        heard = sound.read(work / graph.SAMPLES, work / graph.MEASURES) if facts.has_audio else None
        sound_print = work / graph.PRINT
        proxy = _proxy(work, facts)
        frames, made = None, [proxy]
        if facts.kind == "video":
            frames = frame_map.read_stats(work / graph.STATS, rate=graph.proxy_rate(facts))
            made += _stills(work, facts, proxy, frames)
            made.append(_written("frame_map", work / FRAME_MAP, frames.to_json(), "application/json"))
        if heard is not None:
            peaks = _written("peaks", work / PEAKS, heard.to_json(), "application/json")
            made.append(replace(peaks, duration_ms=heard.duration_ms))
        return Renditions(
            made=tuple(made),
            frames=frames,
            sound=heard,
            picture_print=nearness.picture_print(work / graph.GREY) if facts.kind == "video" else b"",
            sound_print=nearness.sound_print(sound_print) if sound_print.is_file() else b"",
        )
    except (BadInput, OSError, ValueError) as error:
        raise PreparationFailed("What was rendered cannot be played; try again, or send the clip anew.") from error


def _proxy(work: Path, facts: Facts) -> Made:
    """Raises PreparationFailed if it is not what it should be, and what ``mp4.read`` raises."""
    voice = facts.kind == "voice"
    path = work / (graph.VOICE_PROXY if voice else graph.PROXY)
    index = mp4.read(path)
    lasts_ms = round(index.seconds * 1000)
    if abs(lasts_ms - facts.duration_ms) > max(1000, facts.duration_ms // 10):
        raise PreparationFailed(
            f"Only {lasts_ms / 1000:.1f} of {facts.duration_ms / 1000:.1f} seconds could be rendered; "
            "the clip is damaged inside."
        )
    codings = [(track.kind, track.coding) for track in index.tracks]
    wanted = [] if voice else [("vide", "avc1")]
    wanted += [("soun", "mp4a")] if facts.has_audio else []
    if codings != wanted or not index.first or index.surplus:
        raise PreparationFailed(_NOT_AS_PROMISED)
    picture = None if voice else index.tracks[0]
    if picture is not None and not _plays_evenly(picture, graph.proxy_rate(facts)):
        raise PreparationFailed(_NOT_AS_PROMISED)
    return _made(
        "proxy",
        path,
        "audio/mp4" if voice else "video/mp4",
        size=(picture.width, picture.height) if picture else (0, 0),
        duration_ms=lasts_ms,
    )


def _plays_evenly(picture: mp4.Track, rate: Fraction) -> bool:
    """A picture in each step of a constant rate from zero on, within size, and a key picture at least each second."""
    keys = [*picture.keys, picture.count]
    return (
        0 < picture.width <= graph.MAX_WIDTH
        and 0 < picture.height <= graph.MAX_HEIGHT
        and picture.width % 2 == picture.height % 2 == 0
        and (picture.count == 1 or picture.step == 1 / rate)
        and picture.begins == 0
        and keys[0] == 0
        and all(b - a <= graph.key_distance(rate) for a, b in pairwise(keys))
    )


def _stills(work: Path, facts: Facts, proxy: Made, frames: FrameMap) -> list[Made]:
    poster_size, sheet_size = jpeg.size_of(work / graph.POSTER), jpeg.size_of(work / graph.SPRITE)
    sheet = sprite.plan(facts.duration_ms, frames.rate)
    if poster_size != (proxy.width, proxy.height) or frames.count != _pictures(proxy.path):
        raise PreparationFailed(_NOT_AS_PROMISED)
    cues = sprite.index(
        sheet,
        name=graph.SPRITE,
        size=sheet_size,
        frames=frames.count,
        rate=frames.rate,
        duration_ms=proxy.duration_ms or 0,
    )
    return [
        _made("poster", work / graph.POSTER, "image/jpeg", size=poster_size),
        _made("sprite", work / graph.SPRITE, "image/jpeg", size=sheet_size),
        _written("sprite_index", work / SPRITE_INDEX, cues.encode(), "text/vtt"),
    ]


def _pictures(proxy: Path) -> int:
    return mp4.read(proxy).tracks[0].count


def _written(kind: MadeKind, path: Path, content: bytes, content_type: str) -> Made:
    path.write_bytes(content)
    return _made(kind, path, content_type)


def _made(
    kind: MadeKind, path: Path, content_type: str, *, size: tuple[int, int] = (0, 0), duration_ms: int | None = None
) -> Made:
    return Made(
        kind=kind,
        path=path,
        content_type=content_type,
        size_bytes=path.stat().st_size,
        sha256=digest(path),
        width=size[0],
        height=size[1],
        duration_ms=duration_ms,
    )
