"""Everything hostile we know of, and clips mangled by chance: each ends in a reason, soon, and takes nothing along.

``MUTATIONS=2000`` in the environment makes the last test long; ``MUTATIONS_FROM`` says at which seed it begins.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clips import errors
from clips.errors import PreparationFailed
from clips.media import sandbox
from clips.media.limits import Limits
from clips.media.probe import examine_apart, probe
from clips.media.render import make
from clips.media.sniff import DEMUXERS, EVERY_KIND, VOICE_DEMUXERS
from config.errors import BadInput
from tests import hostile
from tests.hostile import FFMPEG, SAMPLES, Listener
from tests.test_media_renditions import by_kind, working_in

LIMITS = Limits()
DOORSTEP, BIKES, SPEECH = (SAMPLES / name for name in ("doorstep.mp4", "bikes.mp4", "speech.opus"))
ALL_DEMUXERS = DEMUXERS | VOICE_DEMUXERS
# No refusal may take longer, on a machine with other things to do.
SOON = 8


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as heard:
        yield heard
        assert heard.connections == 0, "somebody was called"


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A stranger's clip beside ours, of a size that nothing else here has."""
    return hostile.pattern(tmp_path / "canary.mov", size="322x182", seconds=0.2)


def refused(path: Path, name: str = "") -> BadInput:
    """The refusal this file gets, soon."""
    began = time.monotonic()
    with pytest.raises(BadInput) as refusal:
        probe(path, extension=(Path(name) if name else path).suffix, limits=LIMITS, kinds=EVERY_KIND)
    assert time.monotonic() - began < SOON
    assert str(path) not in refusal.value.detail
    return refusal.value


TRICKS = list(hostile.texts(Path("/x/canary.mov"), 9))


@pytest.mark.parametrize("trick", TRICKS)
def test_a_text_that_names_another_place_opens_nothing(
    tmp_path: Path, trick: str, canary: Path, listener: Listener
) -> None:
    text = hostile.texts(canary, listener.port)[trick]
    path = tmp_path / "clip.mp4"
    path.write_text(text)
    for ending in ("mp4", "avi", "mkv", "ts", "wav", "mp3"):
        assert isinstance(refused(path, f"x.{ending}"), errors.NotAVideo)
    # Let through to the decoders, under a pinned demuxer or another, it is followed nowhere.
    for demuxer in ("mov", "mp3"):
        with pytest.raises(BadInput):
            examine_apart(path, demuxer=demuxer, limits=LIMITS)


@pytest.mark.parametrize("trick", ["ffconcat absolute", "hls network"])
def test_a_text_dressed_as_a_format_opens_nothing(tmp_path: Path, trick: str, canary: Path, listener: Listener) -> None:
    for ending, data in hostile.wrapped(hostile.texts(canary, listener.port)[trick]).items():
        path = tmp_path / f"clip.{ending}"
        path.write_bytes(data)
        refused(path)
        with pytest.raises(BadInput):
            examine_apart(path, demuxer=ALL_DEMUXERS[ending], limits=LIMITS)


@pytest.mark.parametrize("demuxer", ["concat", "hls", "dash", "image2", "lavfi", "svg_pipe"])
def test_even_a_demuxer_that_follows_is_held_back(
    tmp_path: Path, demuxer: str, canary: Path, listener: Listener
) -> None:
    """Had something pinned the wrong one: the protocol list, and where there is a room the room, remain."""
    texts = hostile.texts(canary, listener.port)
    for trick in ("ffconcat absolute", "hls absolute", "hls network", "dash", "pictures by number"):
        path = tmp_path / "clip.mp4"
        path.write_text(texts[trick])
        try:
            facts = examine_apart(path, demuxer=demuxer, limits=LIMITS)
        except BadInput:
            continue
        assert not sandbox.available()
        assert (facts.width, facts.height) != (322, 182)


# Pixels, tracks and hours are in test_media.
BOMBS: dict[str, tuple[Callable[[Path], Path], type[BadInput]]] = {
    "chapters.mkv": (lambda path: hostile.many_chapters(path, DOORSTEP), errors.TooManyChapters),
    "pictures.mp4": (hostile.many_pictures, errors.RateTooHigh),
    "hours.flac": (lambda path: hostile.hours_of_flac(path, SPEECH), errors.ClipTooLong),
    "tag.mp3": (lambda path: hostile.tag_bomb(path, SPEECH), errors.Truncated),
    "magic.mov": (lambda path: hostile.pattern(path, "-c:v", "magicyuv", seconds=0.2), errors.CodecNotAllowed),
    "animation.mov": (lambda path: hostile.pattern(path, "-c:v", "qtrle", seconds=0.2), errors.CodecNotAllowed),
    "theora.ogg": (lambda path: hostile.pattern(path, "-c:v", "libtheora", seconds=0.2), errors.CodecNotAllowed),
    "locked.mp4": (lambda path: hostile.encrypted(path, BIKES), errors.Encrypted),
}


@pytest.mark.parametrize("name", BOMBS)
def test_what_is_too_much_or_too_odd_has_its_reason(tmp_path: Path, name: str) -> None:
    make_bomb, reason = BOMBS[name]
    refusal = refused(make_bomb(tmp_path / name))
    assert type(refusal) is reason, refusal.detail


@pytest.mark.parametrize(
    "dressed",
    [
        lambda folder: hostile.with_tail(folder / "tail.mp4", BIKES),
        lambda folder: hostile.polyglot(folder / "polyglot.mp4", BIKES),
        lambda folder: hostile.personal(folder / "personal.mov", DOORSTEP),
    ],
    ids=["tail", "polyglot", "personal"],
)
def test_what_is_taken_with_more_in_it_is_passed_on_without(tmp_path: Path, dressed) -> None:
    path, out = dressed(tmp_path), tmp_path / "out"
    out.mkdir()
    assert any(word.encode() in path.read_bytes() for word in hostile.PERSONAL), "the control"
    facts = probe(path, extension=path.suffix, limits=LIMITS)
    for made in make(path, out, facts, ffmpeg=FFMPEG, limits=LIMITS).made:
        data = made.path.read_bytes()
        assert not [word for word in hostile.PERSONAL if word.encode() in data]


def test_a_clip_that_lies_about_itself_is_rendered_as_it_is_or_not_at_all(tmp_path: Path) -> None:
    """Facts of one clip and the bytes of another, as if the file had been changed after it was probed."""
    facts = probe(BIKES, extension="mp4", limits=LIMITS)
    for other in (DOORSTEP, SAMPLES / "walkway.avi", SPEECH):
        out = tmp_path / other.stem
        out.mkdir()
        with pytest.raises(PreparationFailed):
            make(other, out, facts, ffmpeg=FFMPEG, limits=LIMITS)
        assert not list(out.iterdir())


# Clips mangled by chance


def seeds_of(folder: Path) -> list[Path]:
    """Two seconds of real footage or speech in every kind of file that is taken."""
    kinds = {
        "a.mp4": ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac"],
        "b.mov": ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "pcm_s16le", "-movflags", "+faststart"],
        "c.mp4": ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-movflags", "frag_keyframe+empty_moov"],
        "d.mkv": ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-c:a", "libopus"],
        "e.webm": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"],
        "f.avi": ["-c:v", "msmpeg4", "-c:a", "libmp3lame"],
        "g.avi": ["-c:v", "mjpeg", "-c:a", "pcm_mulaw", "-ar", "8000", "-ac", "1"],
        "h.ts": ["-c:v", "libx264", "-preset", "ultrafast", "-c:a", "ac3"],
        "i.mp4": ["-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime", "-an"],
        "j.3gp": ["-c:v", "h263", "-s", "176x144", "-c:a", "libopencore_amrnb", "-ar", "8000", "-ac", "1"],
    }
    sounds = {"k.mp3": [], "l.flac": [], "m.wav": [], "n.opus": ["-c:a", "libopus"], "o.aac": [], "p.m4a": []}
    for name, options in kinds.items():
        hostile.ffmpeg("-i", DOORSTEP, "-t", "2", "-s", "160x120", *options, folder / name)
    for name, options in sounds.items():
        hostile.ffmpeg("-i", SPEECH, "-t", "2", *options, folder / name)
    hostile.ffmpeg("-i", SAMPLES / "tree-cinepak.avi", "-t", "2", "-c", "copy", folder / "q.avi")
    return sorted(folder.iterdir())


def test_clips_mangled_by_chance_end_in_renditions_or_a_reason(tmp_path: Path, listener: Listener) -> None:
    whole, out, path = tmp_path / "whole", tmp_path / "out", tmp_path / "mangled"
    whole.mkdir()
    out.mkdir()
    clips = seeds_of(whole)
    began, count = int(os.environ.get("MUTATIONS_FROM", 0)), int(os.environ.get("MUTATIONS", 60))
    ends, slowest = Counter[str](), (0.0, -1)
    for seed in range(began, began + count):
        clip = clips[seed % len(clips)]
        path.write_bytes(hostile.mangled(clip.read_bytes(), seed))
        started = time.monotonic()
        try:
            facts = probe(path, extension=clip.suffix, limits=LIMITS, kinds=EVERY_KIND)
            made = by_kind(make(path, out, facts, ffmpeg=FFMPEG, limits=LIMITS))
            assert made["proxy"].path.stat().st_size < 20_000_000
            ends["made"] += 1
        except BadInput as refusal:
            ends[refusal.code] += 1
        except PreparationFailed as failure:
            assert failure.reason.endswith(".")
            assert str(tmp_path) not in failure.reason
            ends["not rendered"] += 1
        took = time.monotonic() - started
        slowest = max(slowest, (took, seed))
        assert took < 4 * SOON, f"seed {seed}"
        for left in out.iterdir():
            assert not left.name.startswith(".render-"), f"seed {seed}"
            left.unlink()
        assert not list(working_in(out)), f"seed {seed}"
    found = f"{dict(ends.most_common())}; slowest {slowest[0]:.1f} s, seed {slowest[1]}"
    print(f"{count} from seed {began}: {found}")
    assert sum(ends.values()) == count
