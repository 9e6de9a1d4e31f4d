"""The media tools, with the real ffmpeg and the real PyAV: what is taken, what is refused, and what comes out."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clips import errors
from clips.media import graph, limited, process, sniff, structure, warm
from clips.media.facts import Facts
from clips.media.limits import Limits
from clips.media.probe import examine_apart, probe
from clips.media.render import Progress, make
from clips.media.results import Made
from config.errors import BadInput
from tests import hostile
from tests.hostile import FFMPEG, SAMPLES

LIMITS = Limits()
WALKWAY, TREE, BIKES, DOORSTEP = (
    SAMPLES / name for name in ("walkway.avi", "tree-cinepak.avi", "bikes.mp4", "doorstep.mp4")
)
# More footage, where the workshop has it beside the checkout.
CAMERA = sorted((Path(__file__).resolve().parents[2] / "shared" / "media" / "camera").glob("*.*"))
CLIPS = [WALKWAY, TREE, BIKES, DOORSTEP, *CAMERA]


@pytest.fixture(autouse=True)
def _nothing_left_behind() -> Iterator[None]:
    """No test may leave a process running, whatever it did to the tools."""
    # The engines the other tests need are children of this process too, and start processes of their own.
    before = set(psutil.Process().children(recursive=True))
    yield
    started = set(psutil.Process().children(recursive=True)) - before
    # What is kept warm stays, with the room it is in.
    for room in (psutil.Process(kept._process.pid) for kept in warm.mine() if kept.is_alive()):
        started -= {room, *room.children(recursive=True)}
    started = {child for child in started if child.is_running() and child.status() != psutil.STATUS_ZOMBIE}
    assert not [child.name() for child in started if child.name() not in ("postgres", "redis-server")]


def render(source: Path, out: Path, facts: Facts, **more: Any) -> list[Made]:
    """What is watched of all that is made."""
    return [made for made in make(source, out, facts, **more).made if made.kind in ("proxy", "poster")]


def facts_of(path: Path, *, limits: Limits = LIMITS) -> Facts:
    return probe(path, extension=path.suffix, limits=limits)


def rendered(path: Path, out: Path) -> tuple[Made, Made]:
    out.mkdir(exist_ok=True)
    proxy, poster = render(path, out, facts_of(path), ffmpeg=FFMPEG, limits=LIMITS)
    return proxy, poster


def check_promises(proxy: Made, poster: Made) -> list[Fraction]:
    """What every proxy and poster must be, whatever it was made from. Answers with the proxy's picture times."""
    assert (proxy.kind, proxy.content_type) == ("proxy", "video/mp4")
    assert (poster.kind, poster.content_type, poster.duration_ms) == ("poster", "image/jpeg", None)
    assert (poster.width, poster.height) == (proxy.width, proxy.height)
    assert structure.index_first(proxy.path)
    with av.open(str(proxy.path)) as container:
        assert set(container.metadata) == {"major_brand", "minor_version", "compatible_brands"}
        assert not container.chapters()
        video, *others = container.streams
        assert isinstance(video, av.VideoStream)
        assert len(others) <= 1
        for sound in others:
            assert isinstance(sound, av.AudioStream)
            assert (sound.codec_context.name, sound.rate) == ("aac", 48000)
            assert sound.channels in (1, 2)
        coding = video.codec_context
        assert (coding.name, coding.profile, coding.pix_fmt) == ("h264", "High", "yuv420p")
        assert coding.sample_aspect_ratio in (None, 1)
        assert (video.width, video.height) == (proxy.width, proxy.height)
        assert video.width <= 1280
        assert video.height <= 720
        assert video.width % 2 == video.height % 2 == 0
        for stream in container.streams:
            assert set(stream.metadata) <= {"language", "handler_name", "encoder"}
            assert stream.metadata.get("encoder", "H.264") == "H.264"
        packets = [packet for packet in container.demux(video) if packet.pts is not None and packet.time_base]
        times = sorted((packet.pts or 0) * packet.time_base for packet in packets)
        keys = [(packet.pts or 0) * packet.time_base for packet in packets if packet.is_keyframe]
    steps = {round(float(b - a), 4) for a, b in pairwise(times)}
    assert len(steps) <= 1, "the rate is not constant"
    assert times[0] == 0
    assert all(step >= 0.0333 for step in steps)
    assert all(b - a <= 1.001 for a, b in zip(keys, [*keys[1:], times[-1]], strict=True))
    for made in (proxy, poster):
        data = made.path.read_bytes()
        assert made.size_bytes == len(data)
        assert len(made.sha256) == 64
        assert not any(word in data for word in (b"x264 - core", b"Lavf", b"Lavc"))
    return times


# What is taken


@pytest.mark.parametrize("clip", CLIPS, ids=lambda path: path.name)
def test_real_footage_is_taken(clip: Path) -> None:
    facts = facts_of(clip)
    assert facts.size_bytes == clip.stat().st_size
    assert 4000 <= facts.duration_ms <= 30_000
    assert facts.rotation == 0


def test_facts_say_what_the_clip_is() -> None:
    assert facts_of(DOORSTEP) == Facts(
        demuxer="mov",
        video_codec="h264",
        width=640,
        height=480,
        frame_rate=10.0,
        duration_ms=8000,
        frames=80,
        has_audio=True,
        audio_codec="aac",
        rotation=0,
        size_bytes=DOORSTEP.stat().st_size,
        sample_rate=16000,
        channels=1,
    )
    walkway = facts_of(WALKWAY)
    assert (walkway.demuxer, walkway.video_codec, walkway.duration_ms) == ("avi", "msmpeg4v3", 9000)


@pytest.mark.parametrize(
    ("name", "options", "codecs"),
    [
        ("phone.3gp", "-c:v h263 -s 176x144 -c:a libopencore_amrnb -ar 8000 -ac 1", ("h263", "amr_nb")),
        ("nanny.avi", "-c:v mjpeg -c:a pcm_mulaw", ("mjpeg", "pcm_mulaw")),
        ("browser.webm", "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus", ("vp8", "opus")),
        ("doorbell.ts", "-c:v libx264 -preset ultrafast -c:a ac3", ("h264", "ac3")),
        ("camcorder.m2ts", "-c:v libx264 -preset ultrafast -c:a ac3", ("h264", "ac3")),
        ("archive.mkv", "-c:v mpeg4 -c:a flac", ("mpeg4", "flac")),
        ("live.mp4", "-c:v libx264 -preset ultrafast -movflags frag_keyframe+empty_moov -c:a aac", ("h264", "aac")),
    ],
)
def test_what_cameras_write_is_taken(tmp_path: Path, name: str, options: str, codecs: tuple[str, str]) -> None:
    facts = facts_of(hostile.pattern(tmp_path / name, *options.split(), sound=True))
    assert (facts.video_codec, facts.audio_codec) == codecs
    assert facts.duration_ms == pytest.approx(2000, abs=60)


def test_the_reader_is_quick_and_knows_nothing_of_the_project() -> None:
    started = time.monotonic()
    facts_of(BIKES)
    assert time.monotonic() - started < 2, "about 0.2 s on a quiet machine"
    strangers = "{'django', 'celery', 'config', 'clips.errors'}"
    code = f"import sys, clips.media.reader, clips.media.examine; sys.exit(bool({strangers} & {{*sys.modules}}))"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=SAMPLES.parents[1])


# What comes out


@pytest.mark.parametrize("clip", [WALKWAY, TREE, BIKES, DOORSTEP], ids=lambda path: path.name)
def test_a_sample_becomes_a_proxy_and_a_poster(tmp_path: Path, clip: Path) -> None:
    facts = facts_of(clip)
    ticks: list[int] = []
    out = tmp_path / "out"
    out.mkdir()
    proxy, poster = render(clip, out, facts, ffmpeg=FFMPEG, limits=LIMITS, on_tick=ticks.append)
    check_promises(proxy, poster)
    assert {"poster.jpg", "proxy.mp4"} <= {path.name for path in out.iterdir()}
    assert (proxy.width, proxy.height) == (facts.width, facts.height)
    assert proxy.duration_ms == pytest.approx(facts.duration_ms, abs=500)
    assert ticks == sorted(ticks)
    assert set(ticks) <= set(range(100))


def test_odd_sides_become_even(tmp_path: Path) -> None:
    options = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv444p")
    proxy, poster = rendered(hostile.pattern(tmp_path / "odd.mp4", *options, size="641x361"), tmp_path / "out")
    check_promises(proxy, poster)
    assert (proxy.width, proxy.height) == (640, 360)


def test_pixels_become_square(tmp_path: Path) -> None:
    clip = hostile.pattern(tmp_path / "pal.mp4", size="720x576", more=",setsar=64/45")
    proxy, poster = rendered(clip, tmp_path / "out")
    check_promises(proxy, poster)
    assert (proxy.width, proxy.height) == (1024, 576)


def test_a_fast_large_clip_becomes_thirty_pictures_a_second_within_720_lines(tmp_path: Path) -> None:
    clip = hostile.pattern(tmp_path / "fast.mp4", size="1920x1080", rate=60, seconds=1, sound=True)
    proxy, poster = rendered(clip, tmp_path / "out")
    times = check_promises(proxy, poster)
    assert (proxy.width, proxy.height) == (1280, 720)
    assert len(times) == 30


def test_an_uneven_rate_becomes_even(tmp_path: Path) -> None:
    options = ("-fps_mode", "vfr", "-c:v", "libx264", "-preset", "ultrafast")
    clip = hostile.pattern(tmp_path / "vfr.mkv", *options, rate=30, more=",select='lt(t,1)+not(mod(n,6))'")
    times = check_promises(*rendered(clip, tmp_path / "out"))
    assert len(times) == pytest.approx(55, abs=2)


def test_a_clip_filmed_sideways_stands_upright(tmp_path: Path) -> None:
    # The left half is white; a quarter turn to the left puts it at the bottom.
    flat = hostile.pattern(tmp_path / "flat.mp4", more=",drawbox=c=black:t=fill,drawbox=w=160:c=white:t=fill")
    turned = tmp_path / "turned.mp4"
    hostile.ffmpeg("-display_rotation", "90", "-i", flat, "-c", "copy", turned)
    assert facts_of(turned).rotation == 270
    proxy, poster = rendered(turned, tmp_path / "out")
    check_promises(proxy, poster)
    assert (proxy.width, proxy.height) == (240, 320)
    with av.open(str(proxy.path)) as container:
        frame = next(container.decode(video=0))
        light = bytes(frame.planes[0])
        middle = frame.planes[0].line_size * 160
        assert frame.rotation == 0
    assert sum(light[:middle]) < sum(light[middle:]) / 4


def test_one_single_picture_is_enough(tmp_path: Path) -> None:
    proxy, poster = rendered(hostile.pattern(tmp_path / "one.mp4", seconds=0.04), tmp_path / "out")
    assert len(check_promises(proxy, poster)) == 1


def test_sound_may_begin_before_the_picture_and_outlast_it(tmp_path: Path) -> None:
    clip, picture = tmp_path / "late.mkv", hostile.pattern(tmp_path / "picture.mp4", seconds=1)
    late = ("-itsoffset", "1.5", "-i", picture, "-f", "lavfi", "-i", "sine=duration=4")
    hostile.ffmpeg(*late, "-c:v", "copy", "-c:a", "libopus", clip)
    proxy, poster = rendered(clip, tmp_path / "out")
    times = check_promises(proxy, poster)
    assert proxy.duration_ms == pytest.approx(4000, abs=100)
    assert float(times[-1]) == pytest.approx(2.5, abs=0.1)


def test_nothing_personal_reaches_a_rendition(tmp_path: Path) -> None:
    clip = hostile.personal(tmp_path / "personal.mov", DOORSTEP)
    for word in hostile.PERSONAL:
        assert word.encode() in clip.read_bytes(), "the clip itself must tell, or this proves nothing"
    made = rendered(clip, tmp_path / "out")
    check_promises(*made)
    for word in hostile.PERSONAL:
        assert not any(word.encode() in rendition.path.read_bytes() for rendition in made)


def test_a_web_page_behind_a_clip_is_not_passed_on(tmp_path: Path) -> None:
    made = rendered(hostile.with_tail(tmp_path / "tail.mp4", BIKES), tmp_path / "out")
    assert not any(b"script" in rendition.path.read_bytes() for rendition in made)


# What is refused by its name and its first bytes


@pytest.mark.parametrize("trick", hostile.not_videos(Path("canary.mov")))
def test_what_is_no_video_is_refused_unopened(tmp_path: Path, trick: str) -> None:
    canary = hostile.pattern(tmp_path / "canary.mov", seconds=0.2)
    path = tmp_path / "clip.mp4"
    path.write_bytes(hostile.not_videos(canary)[trick])
    with pytest.raises(errors.NotAVideo):
        facts_of(path)
    # And if it had been let through, the pinned demuxer would not have followed it to the other clip.
    with pytest.raises(errors.Unreadable):
        examine_apart(path, demuxer="mov", limits=LIMITS)


def test_without_the_pinned_demuxer_ffmpeg_would_open_another_clip(tmp_path: Path) -> None:
    canary = hostile.pattern(tmp_path / "canary.mov", seconds=0.2)
    path = tmp_path / "clip.mp4"
    path.write_bytes(hostile.not_videos(canary)["ffconcat"])
    hostile.ffmpeg("-protocol_whitelist", "file", "-i", path, tmp_path / "stolen.mp4")
    assert (tmp_path / "stolen.mp4").stat().st_size > 1000


def test_a_reference_to_another_file_is_not_followed(tmp_path: Path) -> None:
    other = hostile.pattern(tmp_path / "other.mov", seconds=1)
    clip = hostile.media_elsewhere(tmp_path / "clip.mov", other, other)
    hostile.ffmpeg("-enable_drefs", "1", "-i", clip, tmp_path / "stolen.mp4")
    assert (tmp_path / "stolen.mp4").stat().st_size > 1000, "the control: it can be followed"
    with pytest.raises(errors.Unreadable, match="another file"):
        facts_of(clip)
    with pytest.raises(errors.Unreadable, match="No picture"):
        examine_apart(clip, demuxer="mov", limits=LIMITS)
    with pytest.raises(errors.PreparationFailed):
        render(clip, tmp_path, facts_of(other), ffmpeg=FFMPEG, limits=LIMITS)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("GIF89a", "a GIF picture"),
        ("\x89PNG\r\n", "a PNG picture"),
        ("\xff\xd8\xff\xe0", "a JPEG picture"),
        ("%PDF-1.7", "a PDF document"),
        ("PK\x03\x04", "a ZIP archive"),
        ("\r\n <!DOCTYPE html>", "a web page"),
        ("FLV\x01\x05", "Flash video; send MP4"),
        ("\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media"),
        ("\0\0\x01\xba", "an MPEG program stream"),
        ("#!AMR\n", "a bare AMR recording; send it in 3GP"),
        ("riff\x2e\x91\xcf\x11", "a Wave64 recording"),
    ],
)
def test_what_was_sent_by_mistake_is_called_by_its_name(head: str, words: str) -> None:
    for extension in ("mp4", "wav"):
        with pytest.raises(errors.NotAVideo, match=f"begins like {words}"):
            sniff.sniff(head.encode("latin-1").ljust(400, b"\0"), extension=extension, kinds=sniff.EVERY_KIND)
    with pytest.raises(errors.NotAVideo, match="in a format we know"):
        sniff.sniff(b"nothing that is known".ljust(400, b"\0"), extension="mp4", kinds=sniff.EVERY_KIND)


@pytest.mark.parametrize(
    ("name", "clip", "refusal"),
    [
        ("clip.exe", BIKES, errors.UnsupportedExtension),
        ("clip", BIKES, errors.UnsupportedExtension),
        ("clip.m3u8", BIKES, errors.UnsupportedExtension),
        ("clip.avi", BIKES, errors.ExtensionMismatch),
        ("clip.mp4", WALKWAY, errors.ExtensionMismatch),
        ("clip.ts", WALKWAY, errors.ExtensionMismatch),
    ],
)
def test_the_name_must_fit_the_bytes(name: str, clip: Path, refusal: type[BadInput]) -> None:
    with pytest.raises(refusal):
        probe(clip, extension=sniff.extension_of(name), limits=LIMITS)


def test_a_file_name_is_only_text() -> None:
    names = ["../../a.MP4", "C:\\x\\a.Mp4", "a.mp4", "-i.mp4", "a\0.mp4", "%d.mp4", "x" * 10_000 + ".mp4"]
    assert {sniff.extension_of(name) for name in names} == {"mp4"}
    assert {sniff.extension_of(name) for name in ["", ".", "..", "mp4", "a/", ".mp4"]} == {""}


@settings(deadline=None)
@given(head=st.binary(max_size=400), extension=st.sampled_from([*sniff.DEMUXERS, "", "exe"]))
def test_any_first_bytes_get_an_answer(head: bytes, extension: str) -> None:
    with suppress(BadInput):
        assert sniff.sniff(head, extension=extension) in {"mov", "avi", "matroska", "mpegts"}


# What is refused for not being whole


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").touch()
    with pytest.raises(errors.EmptyFile):
        facts_of(tmp_path / "clip.mp4")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.97])
@pytest.mark.parametrize("clip", CLIPS, ids=lambda path: path.name)
def test_a_clip_cut_short_is_refused(tmp_path: Path, clip: Path, share: float) -> None:
    with pytest.raises(errors.Truncated):
        facts_of(hostile.cut(tmp_path / clip.name, clip, share))


@pytest.mark.parametrize("name", ["late.mp4", "early.mp4", "live.mp4", "clip.mov", "clip.mkv", "clip.ts"])
def test_a_clip_cut_short_is_refused_in_every_container(tmp_path: Path, name: str) -> None:
    flags = {"early.mp4": ["-movflags", "+faststart"], "live.mp4": ["-movflags", "frag_keyframe+empty_moov"]}
    clip = tmp_path / name
    hostile.ffmpeg("-i", BIKES, "-c", "copy", *flags.get(name, []), clip)
    assert facts_of(clip).frames == 250
    for share in (0.3, 0.6, 0.9, 0.97):
        with pytest.raises(errors.Truncated):
            facts_of(hostile.cut(tmp_path / f"cut.{name}", clip, share))


@pytest.mark.parametrize("clip", [DOORSTEP, WALKWAY, TREE], ids=lambda path: path.name)
def test_a_cut_clip_with_its_lengths_mended_is_found_by_counting(tmp_path: Path, clip: Path) -> None:
    with pytest.raises(errors.Truncated, match="declares"):
        facts_of(hostile.cut_and_mended(tmp_path / clip.name, clip, 0.8))


@settings(deadline=None)
@given(seed=st.integers(0, 1 << 30), which=st.sampled_from([WALKWAY, DOORSTEP]))
def test_a_damaged_outline_is_sound_or_refused(
    tmp_path_factory: pytest.TempPathFactory, seed: int, which: Path
) -> None:
    damaged = hostile.mutated(which, seed)
    path = tmp_path_factory.getbasetemp() / f"damaged{which.suffix}"
    path.write_bytes(damaged)
    with suppress(BadInput):
        structure.check(path, demuxer=sniff.DEMUXERS[which.suffix[1:]])


@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_clip_is_read_or_refused(tmp_path: Path, seed: int) -> None:
    clip = [WALKWAY, DOORSTEP, TREE, BIKES][seed % 4]
    path = tmp_path / clip.name
    path.write_bytes(hostile.mutated(clip, seed))
    with suppress(BadInput):
        assert examine_apart(path, demuxer=sniff.DEMUXERS[clip.suffix[1:]], limits=LIMITS).frames


# What is refused for being too much


def test_a_file_of_too_many_bytes_is_refused() -> None:
    with pytest.raises(errors.ClipTooLarge):
        facts_of(BIKES, limits=replace(LIMITS, max_bytes=500_000))


def test_a_clip_that_lasts_too_long_is_refused() -> None:
    with pytest.raises(errors.ClipTooLong):
        facts_of(BIKES, limits=replace(LIMITS, max_duration_ms=9_000))
    with pytest.raises(errors.ClipTooLong):
        facts_of(BIKES, limits=replace(LIMITS, max_packets=200))


def test_a_claim_of_a_hundred_hours_costs_nothing(tmp_path: Path) -> None:
    # In the header alone it is seen through; if the pictures claim it too, there is no knowing better.
    assert facts_of(hostile.hundred_hours(tmp_path / "head.mp4", DOORSTEP, everywhere=False)).duration_ms == 8000
    started = time.monotonic()
    with pytest.raises(errors.ClipTooLong):
        facts_of(hostile.hundred_hours(tmp_path / "all.mp4", DOORSTEP, everywhere=True))
    assert time.monotonic() - started < 5


def test_an_enormous_picture_is_refused_before_it_takes_memory(tmp_path: Path) -> None:
    with pytest.raises(errors.TooManyPixels, match="16000"):
        facts_of(hostile.enormous_picture(tmp_path / "enormous.mp4"))


def test_forty_tracks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(errors.TooManyStreams):
        facts_of(hostile.many_streams(tmp_path / "many.mp4", DOORSTEP))


def test_sound_alone_and_unlisted_codings_are_refused(tmp_path: Path) -> None:
    hostile.ffmpeg("-i", DOORSTEP, "-vn", "-c", "copy", tmp_path / "sound.mov")
    with pytest.raises(errors.NoVideoStream):
        facts_of(tmp_path / "sound.mov")
    with pytest.raises(errors.CodecNotAllowed, match=r"prores: Apple ProRes .*Send H.264, HEVC"):
        facts_of(hostile.pattern(tmp_path / "studio.mov", "-c:v", "prores_ks", seconds=0.2))
    with pytest.raises(errors.CodecNotAllowed, match="magicyuv"):
        facts_of(hostile.pattern(tmp_path / "magic.avi", "-c:v", "magicyuv", seconds=0.2))
    sound = ("-c:v", "libx264", "-preset", "ultrafast", "-c:a", "alac")
    with pytest.raises(errors.CodecNotAllowed, match=r"alac: ALAC .*Send AAC, MP3"):
        facts_of(hostile.pattern(tmp_path / "alac.mov", *sound, seconds=0.2, sound=True))
    with pytest.raises(errors.CodecNotAllowed, match=r"mpeg2video: MPEG-2 video. Send H.264"):
        facts_of(hostile.pattern(tmp_path / "television.ts", "-c:v", "mpeg2video", seconds=0.2))


@pytest.mark.parametrize(
    "bound", [{"probe_memory_bytes": 64 << 20}, {"probe_wall_seconds": 0.01}, {"probe_cpu_seconds": 0}]
)
def test_a_reader_at_its_bounds_is_a_refusal(bound: dict[str, int]) -> None:
    with pytest.raises(errors.Unreadable):
        facts_of(BIKES, limits=replace(LIMITS, **bound))


def test_facts_from_a_reader_are_believed_no_further_than_their_types() -> None:
    facts = facts_of(DOORSTEP)
    good = asdict(facts)
    assert Facts.from_document(good) == facts
    lies: list[object] = [
        [],
        None,
        {},
        good | {"more": 1},
        good | {"width": -1},
        good | {"width": "640"},
        good | {"width": True},
        good | {"frame_rate": float("nan")},
        good | {"video_codec": "h" * 1000},
    ]
    for lie in lies:
        with pytest.raises(ValueError, match="of a clip"):
            Facts.from_document(lie)


# The process that renders


def program(tmp_path: Path, *lines: str) -> Path:
    """Something to start in ffmpeg's place, which does as it is told."""
    path = tmp_path / "program.sh"
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return path


def failure(tmp_path: Path, ffmpeg: Path, **bounds: int) -> str:
    """The reason for which rendering with this program fails; it must leave nothing behind."""
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(errors.PreparationFailed) as failed:
        render(WALKWAY, out, facts_of(WALKWAY), ffmpeg=ffmpeg, limits=replace(LIMITS, **bounds))
    assert not list(out.iterdir())
    assert str(tmp_path) not in failed.value.reason
    assert failed.value.reason.endswith(".")
    return failed.value.reason


def test_a_program_killed_is_a_reason(tmp_path: Path) -> None:
    assert "killed" in failure(tmp_path, program(tmp_path, "kill -9 $$"))


def test_a_program_that_crashes_is_a_reason(tmp_path: Path) -> None:
    assert "broke down" in failure(tmp_path, program(tmp_path, "kill -SEGV $$"))


def test_a_program_that_complains_is_quoted_without_paths(tmp_path: Path) -> None:
    words = "[mov @ 0x55d0] cannot read '/srv/clips/ada/7.mp4': it is broken."
    reason = failure(tmp_path, program(tmp_path, f'echo "{words}" >&2; exit 3'))
    assert "[mov] cannot read" in reason
    assert "/" not in reason


def test_the_cause_is_quoted_and_not_its_consequences(tmp_path: Path) -> None:
    words = (
        "[dec:h264 @ 0x1] Invalid data in it\n[vost#0] Task finished with error code: -1\n[out#5] Nothing was written"
    )
    assert "Invalid data in it" in failure(tmp_path, program(tmp_path, f"echo '{words}' >&2; exit 3"))


def test_too_little_memory_is_a_reason(tmp_path: Path) -> None:
    assert "memory" in failure(tmp_path, FFMPEG, render_memory_bytes=200 << 20)


def test_a_program_that_makes_nothing_is_found_out(tmp_path: Path) -> None:
    assert "cannot be played" in failure(tmp_path, program(tmp_path, "exit 0"))


def test_a_program_that_is_missing_is_a_reason(tmp_path: Path) -> None:
    assert "could not be started" in failure(tmp_path, tmp_path / "absent")


def test_a_rendition_that_grows_too_large_is_stopped(tmp_path: Path) -> None:
    assert failure(tmp_path, FFMPEG, render_output_bytes=50_000)


def test_rendering_beyond_its_processor_time_is_stopped(tmp_path: Path) -> None:
    assert "processor time" in failure(tmp_path, program(tmp_path, "while :; do :; done"), render_cpu_seconds=1)


def test_rendering_beyond_its_time_is_stopped_with_all_it_started(tmp_path: Path) -> None:
    started = time.monotonic()
    assert "after 1 seconds" in failure(tmp_path, program(tmp_path, "sleep 60 & sleep 60"), render_wall_seconds=1)
    assert time.monotonic() - started < 10


class Cancelled(Exception):
    """What a worker raises when its clip was withdrawn."""


def test_a_tick_may_cancel_the_real_ffmpeg(tmp_path: Path) -> None:
    clip = hostile.pattern(tmp_path / "long.mp4", size="1280x720", rate=30, seconds=20)
    out = tmp_path / "out"
    out.mkdir()

    def cancel(percent: int) -> None:
        if any("proxy.mp4" in word for child in psutil.Process().children() for word in child.cmdline()):
            assert list(out.iterdir())
            raise Cancelled

    with pytest.raises(Cancelled):
        render(clip, out, facts_of(clip), ffmpeg=FFMPEG, limits=LIMITS, on_tick=cancel)
    assert not list(out.iterdir())


def test_the_heart_beats_while_the_program_is_silent(tmp_path: Path) -> None:
    beats: list[float] = []
    with pytest.raises(errors.PreparationFailed):
        render(
            WALKWAY,
            tmp_path,
            facts_of(WALKWAY),
            ffmpeg=program(tmp_path, "exec >&- 2>&-; sleep 3"),
            limits=LIMITS,
            on_tick=lambda percent: beats.append(time.monotonic()),
        )
    assert len(beats) >= 3
    assert all(b - a < 1 for a, b in pairwise(beats))


def test_progress_is_read_however_it_is_cut() -> None:
    progress = Progress(10_000)
    seen = []
    for byte in b"out_time_us=N/A\nout_time_us=2500000\nspeed=1x\nout_time_us=-5\nout_time_us=99000000\nprogress=end\n":
        progress.read(bytes([byte]))
        seen.append(progress.percent)
    assert sorted(set(seen)) == [0, 25, 99]
    assert seen == sorted(seen)


def test_progress_counts_pictures_while_there_is_no_time(tmp_path: Path) -> None:
    progress, stats = Progress(10_000, pictures=200), tmp_path / "frames.txt"
    seen = [progress.count(stats)]
    for lines in (0, 50, 40, 190, 200):
        stats.write_text("1 2 3 1/4\n" * lines)
        seen.append(progress.count(stats))
    assert seen == [0, 0, 25, 25, 95, 99]
    assert Progress(10_000).count(stats) == 0


def test_progress_of_a_clip_with_sound_is_seen(tmp_path: Path) -> None:
    clip = hostile.pattern(tmp_path / "long.mp4", size="1280x720", rate=30, seconds=15, sound=True)
    out = tmp_path / "out"
    out.mkdir()
    ticks: list[int] = []
    render(clip, out, facts_of(clip), ffmpeg=FFMPEG, limits=LIMITS, on_tick=ticks.append)
    assert ticks == sorted(ticks)
    assert [percent for percent in ticks if 10 < percent < 90]


def test_a_program_dies_with_its_worker(tmp_path: Path) -> None:
    if not limited.confinement()["parent_death"]:
        return  # only Linux can promise this
    note = tmp_path / "pid"
    sleeper = program(tmp_path, f"echo $$ > {note}.new; mv {note}.new {note}; exec sleep 60")
    code = (
        "import sys, subprocess; from clips.media import limited; "
        "subprocess.run(limited.command([sys.argv[1]], cpu_seconds=9, memory_bytes=1 << 30, output_bytes=9999))"
    )
    worker = subprocess.Popen([sys.executable, "-c", code, str(sleeper)], cwd=SAMPLES.parents[1])
    wait_until(note.exists)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    pid = int(note.read_text())
    wait_until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_a_program_whose_worker_is_gone_never_starts(tmp_path: Path) -> None:
    argv = limited.command(["/bin/echo", "here"], cpu_seconds=9, memory_bytes=1 << 30, output_bytes=9999)
    argv[argv.index("--parent") + 1] = "1"
    done = subprocess.run(argv, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")


def test_a_confined_program_has_what_this_machine_says_it_has(tmp_path: Path) -> None:
    held = limited.confinement()
    assert set(held) == {"rlimits", "no_network", "parent_death", "own_files"}
    code = (
        "import os, resource, socket; print(resource.getrlimit(resource.RLIMIT_CORE)[1], len(os.environ), "
        "sorted(name for _, name in socket.if_nameindex()))"
    )
    ended = process.run(
        limited.command([sys.executable, "-I", "-c", code], cpu_seconds=9, memory_bytes=1 << 30, output_bytes=0),
        cwd=tmp_path,
        env={"LANG": "C.UTF-8"},
        wall_seconds=20,
    )
    core, names, cards = ended.output.decode().split(maxsplit=2)
    assert core == "0"
    assert int(names) <= 2
    if held["no_network"]:
        assert cards.strip() in ("['lo']", "[]")


def test_bounds_by_a_shell_are_the_same(tmp_path: Path) -> None:
    code = (
        "import resource as r; print(*(r.getrlimit(one) for one in "
        "(r.RLIMIT_CPU, r.RLIMIT_AS, r.RLIMIT_FSIZE, r.RLIMIT_CORE, r.RLIMIT_NOFILE)))"
    )
    bounds: dict[str, Any] = {"cpu_seconds": 9, "memory_bytes": 1 << 30, "output_bytes": 1 << 20}
    program = [sys.executable, "-I", "-S", "-c", code]
    said = [
        process.run(argv, cwd=tmp_path, env={}, wall_seconds=20).output
        for argv in (limited.bounded(program, **bounds), limited.command(program, **bounds))
    ]
    assert said[0] == said[1]
    assert b"(9, 11)" in said[0]


def test_the_command_is_pinned_and_bare() -> None:
    argv = graph.command(DOORSTEP, facts_of(DOORSTEP), ffmpeg_path=FFMPEG, limits=LIMITS)
    before = argv[: argv.index("-i")]
    assert before[0] == str(FFMPEG)
    for name, value in [("-f", "mov"), ("-protocol_whitelist", "file"), ("-codec_whitelist", "h264,aac")]:
        assert before[before.index(name) + 1] == value
    assert argv[argv.index("-i") + 1] == f"file:{DOORSTEP}"
    assert argv.count("-i") == 1
    assert {"-nostdin", "-sn", "-dn", "-map_metadata", "-map_chapters"} <= set(argv)


def wait_until(true: Callable[[], bool], *, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
