"""What ffmpeg left of a clip, read as if a stranger had sent it, and what is made of it here."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Literal

from clips.errors import PreparationFailed
from clips.media import frame_map, graph, jpeg, mp4, nearness, sound, sprite
from clips.media.facts import CLEAR, Faces, Facts
from clips.media.frame_map import FrameMap
from clips.media.sound import Sound
from config.errors import BadInput

_NOT_AS_PROMISED = "What was rendered is not in the form that reviewers can play."

SPRITE_INDEX = "sprite.vtt"
PEAKS = "peaks.json"
FRAME_MAP = "frames.json"

MadeKind = Literal[
    "proxy",
    "poster",
    "sprite",
    "blurred_proxy",
    "blurred_poster",
    "blurred_sprite",
    "sprite_index",
    "peaks",
    "frame_map",
]
_PLAIN: tuple[MadeKind, MadeKind, MadeKind] = ("proxy", "poster", "sprite")
_BLURRED: tuple[MadeKind, MadeKind, MadeKind] = ("blurred_proxy", "blurred_poster", "blurred_sprite")


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

    Of footage there are a proxy, a poster and a sprite, clear or without faces or both, as was asked; one index for
    either sprite, a frame map, and peaks if it has sound. Of a voice clip there are a proxy and peaks. The prints are
    for ``nearness``; empty when there is nothing to take them from, or when this ffmpeg cannot.
    """

    made: tuple[Made, ...]
    frames: FrameMap | None
    sound: Sound | None
    picture_print: bytes
    sound_print: bytes


def digest(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal: what renditions are named by."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def gathered(work: Path, facts: Facts, *, faces: Collection[Faces] = CLEAR) -> Renditions:
    """Check what ffmpeg left as if a stranger had sent it, and make of it what is made here.

    Only outlines are read, in plain Python, which costs next to nothing and starts no decoder. Raises
    PreparationFailed.
    """
    try:
        heard = sound.read(work / graph.SAMPLES, work / graph.MEASURES) if facts.has_audio else None
        sound_print = work / graph.PRINT
        frames, made = None, []
        if facts.kind == "voice":
            made.append(_proxy(work, facts))
        else:
            frames = frame_map.read_stats(work / graph.STATS, rate=graph.proxy_rate(facts))
            for which in sorted(faces):
                made += _seen(work, facts, frames, which)
            made.append(_index(work, facts, made, frames))
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


def _proxy(work: Path, facts: Facts, *, kind: MadeKind = "proxy", name: str = "", pictures: int = 0) -> Made:
    """Raises PreparationFailed if it is not what it should be, with so many pictures, and what ``mp4.read`` raises."""
    voice = facts.kind == "voice"
    path = work / (graph.VOICE_PROXY if voice else f"{name}{graph.PROXY}")
    index = mp4.read(path)
    lasts_ms = round(index.seconds * 1000)
    apart_ms = max(1000, facts.duration_ms // 10)
    if lasts_ms > facts.duration_ms + apart_ms:
        # Two recordings in one file: each begins its clock anew, so that they lie over each other.
        raise PreparationFailed(
            f"It plays for {lasts_ms / 1000:.1f} seconds where its own times say {facts.duration_ms / 1000:.1f}; "
            "if recordings were joined, send each by itself."
        )
    if lasts_ms < facts.duration_ms - apart_ms:
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
    if picture is not None and (picture.count != pictures or not _plays_evenly(picture, graph.proxy_rate(facts))):
        raise PreparationFailed(_NOT_AS_PROMISED)
    return _made(
        kind,
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


def _seen(work: Path, facts: Facts, frames: FrameMap, which: Faces) -> list[Made]:
    """Proxy, poster and sprite, with or without faces."""
    kinds, name = (_PLAIN, "") if which == "clear" else (_BLURRED, graph.BLURRED)
    proxy = _proxy(work, facts, kind=kinds[0], name=name, pictures=frames.count)
    poster, sheet = work / f"{name}{graph.POSTER}", work / f"{name}{graph.SPRITE}"
    poster_size = jpeg.size_of(poster)
    if poster_size != (proxy.width, proxy.height):
        raise PreparationFailed(_NOT_AS_PROMISED)
    return [
        proxy,
        _made(kinds[1], poster, "image/jpeg", size=poster_size),
        _made(kinds[2], sheet, "image/jpeg", size=jpeg.size_of(sheet)),
    ]


def _index(work: Path, facts: Facts, made: list[Made], frames: FrameMap) -> Made:
    """One index for every sprite, for they are all alike."""
    proxies, sheets = made[0::3], made[2::3]
    if len({(sheet.width, sheet.height) for sheet in sheets}) != 1 or len({one.duration_ms for one in proxies}) != 1:
        raise PreparationFailed(_NOT_AS_PROMISED)
    cues = sprite.index(
        sprite.plan(facts.duration_ms, frames.rate),
        name=graph.SPRITE,
        size=(sheets[0].width, sheets[0].height),
        frames=frames.count,
        rate=frames.rate,
        duration_ms=proxies[0].duration_ms or 0,
    )
    return _written("sprite_index", work / SPRITE_INDEX, cues.encode(), "text/vtt")


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
