"""What is made of a clip, compared with what other tools decode: which picture is where, small pictures, sound."""

from __future__ import annotations

import json
import re
import sys
import time
from array import array
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import av
import psutil
import pytest
from av.audio.resampler import AudioResampler

from clips import errors
from clips.media import graph, jpeg, mp4, sandbox, sound, sprite
from clips.media.frame_map import FrameMap
from clips.media.limits import Limits
from clips.media.probe import probe
from clips.media.render import Cancelled, make
from clips.media.results import Made, Renditions
from clips.media.sniff import EVERY_KIND
from tests import hostile
from tests.hostile import FFMPEG, SAMPLES

LIMITS = Limits()
QUICK = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
# Each picture is of one brightness, far from its neighbours', so that any can be told by looking.
FLICKER = "geq=lum='20+mod(N*37,200)':cb=128:cr=128"


def made_of(path: Path, out: Path) -> Renditions:
    out.mkdir(exist_ok=True)
    facts = probe(path, extension=path.suffix, limits=LIMITS, kinds=EVERY_KIND)
    return make(path, out, facts, ffmpeg=FFMPEG, limits=LIMITS)


def by_kind(renditions: Renditions) -> dict[str, Made]:
    return {made.kind: made for made in renditions.made}


def brightness(frame: av.VideoFrame) -> float:
    plane = bytes(frame.reformat(format="gray").planes[0])
    return sum(plane) / len(plane)


def pictures(path: Path) -> list[tuple[Fraction, float]]:
    """Time and brightness of each picture, in order of showing."""
    with av.open(str(path)) as container:
        frames = [frame for frame in container.decode(video=0) if frame.pts is not None and frame.time_base]
        return [((frame.pts or 0) * (frame.time_base or Fraction(1)), brightness(frame)) for frame in frames]


def flicker(path: Path, *options: str, more: str = "", rate: int = 25, seconds: float = 2, sound: bool = False) -> Path:
    return hostile.pattern(
        path, *(options or QUICK), size="64x48", rate=rate, seconds=seconds, more=f",{FLICKER}{more}", sound=sound
    )


def variable_rate(tmp_path: Path) -> Path:
    options = ("-fps_mode", "vfr", *QUICK)
    return flicker(tmp_path / "vfr.mkv", *options, rate=30, more=",select='lt(t,0.7)+not(mod(n,7))+gt(t,1.6)'")


def turned(tmp_path: Path) -> Path:
    flat = flicker(tmp_path / "flat.mp4")
    hostile.ffmpeg("-display_rotation", "90", "-i", flat, "-c", "copy", tmp_path / "turned.mp4")
    return tmp_path / "turned.mp4"


def offset(tmp_path: Path) -> Path:
    # A transport stream's clock begins anywhere.
    return flicker(tmp_path / "offset.ts", *QUICK, "-output_ts_offset", "37.5")


def late_picture(tmp_path: Path) -> Path:
    flicker(tmp_path / "picture.mp4", seconds=1)
    late = ("-itsoffset", "0.8", "-i", tmp_path / "picture.mp4", "-f", "lavfi", "-i", "sine=duration=3")
    hostile.ffmpeg(*late, "-c:v", "copy", "-c:a", "libopus", tmp_path / "late.mkv")
    return tmp_path / "late.mkv"


def odd(tmp_path: Path) -> Path:
    path = tmp_path / "odd.mp4"
    options = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv444p")
    return hostile.pattern(path, *options, size="65x49", more=f",{FLICKER}")


def wide_pixels(tmp_path: Path) -> Path:
    return flicker(tmp_path / "wide.mp4", more=",setsar=2")


def fast(tmp_path: Path) -> Path:
    return flicker(tmp_path / "fast.mp4", rate=60, seconds=1, sound=True)


def slow(tmp_path: Path) -> Path:
    return flicker(tmp_path / "slow.mkv", rate=2, seconds=5)


def single(tmp_path: Path) -> Path:
    return flicker(tmp_path / "single.mp4", seconds=0.04)


def silent(tmp_path: Path) -> Path:
    quiet = ("-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono", "-shortest", "-c:v", "copy", "-c:a", "aac")
    hostile.ffmpeg("-i", flicker(tmp_path / "mute.mp4"), *quiet, tmp_path / "silent.mp4")
    return tmp_path / "silent.mp4"


SHAPES = [variable_rate, turned, offset, late_picture, odd, wide_pixels, fast, slow, single, silent]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_the_frame_map_tells_which_picture_is_shown(tmp_path: Path, shape) -> None:
    clip = shape(tmp_path)
    renditions = made_of(clip, tmp_path / "out")
    made, frames = by_kind(renditions), renditions.frames
    assert frames is not None
    assert FrameMap.from_json(made["frame_map"].path.read_bytes()) == frames

    originals, shown = pictures(clip), pictures(made["proxy"].path)
    assert frames.count == len(shown)
    for number, (at, light) in enumerate(shown):
        assert at == frames.time_of(number)
        assert all(frames.frame_at(moment) == number for moment in (at, float(at), at + frames.rate**-1 / 2))
        source_at, source_light = originals[frames.source[number]]
        assert light == pytest.approx(source_light, abs=4), f"picture {number}"
        # The file's own clock begins where its first picture or sound does.
        assert frames.source_time_of(number) == pytest.approx(float(source_at - start_of(clip)), abs=0.002)
        assert frames.source[frames.frame_showing(frames.source[number])] == frames.source[number]
    steps = {round(float(b[0] - a[0]), 6) for a, b in pairwise(shown)}
    assert len(steps) <= 1, "the rate is not constant"
    seen = [abs(float(frames.time_of(n) - frames.source_time_of(n))) for n in range(frames.count)]
    if shape is not late_picture:  # where the first picture stands until there is another
        assert max(seen) <= (0.3 if shape is variable_rate else 0.6 / float(frames.rate))


def start_of(path: Path) -> Fraction:
    with av.open(str(path)) as container:
        return Fraction(container.start_time or 0, av.time_base)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_each_kind_of_rendition_is_there_and_whole(tmp_path: Path, shape) -> None:
    clip = shape(tmp_path)
    facts = probe(clip, extension=clip.suffix, limits=LIMITS)
    renditions = made_of(clip, tmp_path / "out")
    made = by_kind(renditions)
    kinds = {"proxy", "poster", "sprite", "sprite_index", "frame_map"} | ({"peaks"} if facts.has_audio else set())
    assert set(made) == kinds
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(m.path.name for m in renditions.made)
    for one in renditions.made:
        assert one.sha256 == sha256(one.path.read_bytes()).hexdigest()
        assert one.size_bytes == one.path.stat().st_size
    with av.open(str(made["proxy"].path)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"][: len(container.streams)]
        assert set(container.metadata) == {"major_brand", "minor_version", "compatible_brands"}
        packets = [packet for packet in container.demux(video=0) if packet.pts is not None]
        keys = sorted((packet.pts or 0) * (packet.time_base or 0) for packet in packets if packet.is_keyframe)
    index = mp4.read(made["proxy"].path)
    assert index.first
    assert not index.surplus
    ends = renditions.frames.time_of(renditions.frames.count - 1) if renditions.frames else Fraction(0)
    assert all(b - a <= 1 for a, b in pairwise([*keys, ends]))
    assert len(renditions.picture_print) % 8 == 0
    assert renditions.picture_print
    assert bool(renditions.sound_print) == facts.has_audio
    assert facts.constant_rate == (shape is not variable_rate)
    assert facts.is_silent == (shape is silent)
    assert facts.pixel_aspect == (2 if shape is wide_pixels else 1)
    if shape is offset:
        assert facts.start_ms == pytest.approx(37_500 + 1400, abs=200)


@pytest.mark.parametrize("shape", [variable_rate, turned, fast, single, slow], ids=lambda shape: shape.__name__)
def test_small_pictures_are_those_of_the_proxy(tmp_path: Path, shape) -> None:
    made = by_kind(made_of(shape(tmp_path), tmp_path / "out"))
    shown = pictures(made["proxy"].path)
    cues = cues_of(made["sprite_index"].path)
    with av.open(str(made["sprite"].path), format="jpeg_pipe") as container:
        sheet = next(container.decode(video=0)).reformat(format="gray")
    light, line = bytes(sheet.planes[0]), sheet.planes[0].line_size
    assert (sheet.width, sheet.height) == (made["sprite"].width, made["sprite"].height)
    previous = 0.0
    for start, end, name, (x, y, width, height) in cues:
        assert name == made["sprite"].path.name
        assert start == previous < end
        assert max(width, height) == sprite.SIDE
        assert x + width <= sheet.width
        assert y + height <= sheet.height
        middle = light[(y + height // 2) * line + x : (y + height // 2) * line + x + width]
        at = max(number for number, (moment, _) in enumerate(shown) if moment <= Fraction(start) + Fraction(1, 1000))
        assert sum(middle) / width == pytest.approx(shown[at][1], abs=6)
        previous = end
    assert previous == (made["proxy"].duration_ms or 0) / 1000


def cues_of(path: Path) -> list[tuple[float, float, str, tuple[int, int, int, int]]]:
    header, *blocks = path.read_text().strip().split("\n\n")
    assert header == "WEBVTT"
    cues = []
    for block in blocks:
        times, target = block.split("\n")
        start, end = (
            sum(float(part) * unit for part, unit in zip(stamp.split(":"), (3600, 60, 1), strict=True))
            for stamp in times.split(" --> ")
        )
        name, x, y, width, height = re.fullmatch(r"(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)", target).groups()  # type: ignore[union-attr]
        cues.append((round(start, 3), round(end, 3), name, (int(x), int(y), int(width), int(height))))
    return cues


def test_a_sheet_has_room_for_every_length() -> None:
    for seconds in (0.04, 0.5, 1, 9.98, 10, 10.02, 27, 100, 100.5, 120):
        for rate in (Fraction(1), Fraction(10), Fraction(30000, 1001), Fraction(30)):
            sheet = sprite.plan(round(seconds * 1000), rate)
            assert 1 <= sheet.columns * sheet.rows <= 100
            assert sheet.columns * sheet.rows * sheet.every >= seconds * float(rate) * 0.97 - 1
            assert sheet.every / rate <= 2.1


# Sound


def heard(path: Path) -> array[int]:
    """All of a file's sound as one channel at 16 kHz, decoded by PyAV."""
    samples = array("h")
    resampler = AudioResampler(format="s16", layout="mono", rate=sound.SAMPLE_RATE)
    with av.open(str(path)) as container:
        for frame in [*container.decode(audio=0), None]:
            for piece in resampler.resample(frame):
                samples.frombytes(bytes(piece.planes[0])[: piece.samples * 2])
    return samples


@pytest.mark.parametrize("name", ["doorstep.mp4", "read-aloud.wav", "read-aloud.flac"])
def test_peaks_are_those_of_the_sound(tmp_path: Path, name: str) -> None:
    clip = SAMPLES / name
    renditions = made_of(clip, tmp_path / "out")
    peaks = json.loads(by_kind(renditions)["peaks"].path.read_bytes())
    assert (peaks["version"], peaks["channels"], peaks["bits"]) == (2, 1, 8)
    step, truth = peaks["samples_per_pixel"], heard(clip)
    assert peaks["length"] * 2 == len(peaks["data"])
    assert peaks["length"] * step == pytest.approx(len(truth), abs=2 * step)
    lows, highs = peaks["data"][::2], peaks["data"][1::2]
    off = 0
    for number, (low, high) in enumerate(zip(lows, highs, strict=True)):
        piece = truth[number * step : (number + 1) * step] or array("h", [0])
        assert -128 <= low <= high <= 127
        off += abs(low - (min(piece) >> 8)) + abs(high - (max(piece) >> 8))
    assert off / len(lows) < 2, "of 256"
    assert renditions.sound is not None
    assert -40 < (renditions.sound.loudness or 0) < -10


def test_loudness_and_silence_are_measured(tmp_path: Path) -> None:
    # A second of a tone at an eighth of full scale, one and a half of nothing, and the tone again.
    tone = "sine=frequency=1000:sample_rate=48000:duration={}"
    hostile.ffmpeg(
        *("-f", "lavfi", "-i", tone.format(1), "-f", "lavfi", "-i", "anullsrc=r=48000:cl=mono:d=1.5"),
        *("-f", "lavfi", "-i", tone.format(2), "-filter_complex", "[0][1][2]concat=n=3:v=0:a=1", tmp_path / "t.wav"),
    )
    found = made_of(tmp_path / "t.wav", tmp_path / "out").sound
    assert found is not None
    assert found.duration_ms == 4500
    assert found.silences == ((pytest.approx(1000, abs=30), pytest.approx(2500, abs=30)),)
    assert found.true_peak == pytest.approx(-18.06, abs=0.3)
    assert found.loudness == pytest.approx(-21.1, abs=0.5)
    assert not found.is_silent


def test_a_silent_track_is_called_silent(tmp_path: Path) -> None:
    renditions = made_of(silent(tmp_path), tmp_path / "out")
    assert renditions.sound is not None
    assert renditions.sound.is_silent
    assert renditions.sound.loudness is None
    assert set(renditions.sound.peaks) <= {-1, 0}
    assert json.loads(by_kind(renditions)["peaks"].path.read_bytes())["silent"]


def test_sound_that_comes_late_is_silence_until_then(tmp_path: Path) -> None:
    late = ("-itsoffset", "1", "-f", "lavfi", "-i", "sine=duration=2", "-map", "0:v", "-map", "1:a", "-c:v", "copy")
    hostile.ffmpeg("-i", flicker(tmp_path / "mute.mp4", seconds=4), *late, "-c:a", "aac", tmp_path / "late.mp4")
    renditions = made_of(tmp_path / "late.mp4", tmp_path / "out")
    assert renditions.sound is not None
    assert renditions.sound.silences[0] == (0, pytest.approx(1000, abs=60))
    truth = heard(by_kind(renditions)["proxy"].path)
    began = next(n for n, sample in enumerate(truth) if abs(sample) > 500) / sound.SAMPLE_RATE
    assert began == pytest.approx(1, abs=0.06), "the proxy and what is told of it agree"


def test_two_recordings_joined_in_one_file_are_refused_for_what_they_are(tmp_path: Path) -> None:
    hostile.ffmpeg("-i", flicker(tmp_path / "one.mp4", seconds=4), "-c", "copy", tmp_path / "one.ts")
    joined = tmp_path / "joined.ts"
    joined.write_bytes((tmp_path / "one.ts").read_bytes() * 2)
    with pytest.raises(errors.PreparationFailed, match="if recordings were joined, send each by itself"):
        made_of(joined, tmp_path / "out")


# The private folder and its end


def test_cancelled_means_at_once_and_without_a_trace(tmp_path: Path) -> None:
    clip = hostile.pattern(tmp_path / "long.mp4", size="1280x720", rate=30, seconds=15)
    out = tmp_path / "out"
    out.mkdir()
    facts = probe(clip, extension="mp4", limits=LIMITS)
    asked: list[float] = []

    def cancelled() -> bool:
        # When ffmpeg has begun to write.
        if not asked and any(path.stat().st_size > 100_000 for path in out.glob(".render-*/proxy.mp4")):
            assert list(working_in(out)) or sys.platform != "linux"
            asked.append(time.monotonic())
        return bool(asked)

    with pytest.raises(Cancelled):
        make(clip, out, facts, ffmpeg=FFMPEG, limits=LIMITS, cancelled=cancelled)
    assert time.monotonic() - asked[0] < 1.5
    assert not list(out.iterdir())
    assert not list(working_in(out))


def working_in(folder: Path) -> Iterator[int]:
    """Every process, enclosed or not, that has this folder as a place of its own."""
    for pid in psutil.pids():
        with suppress(OSError):
            mounts = Path(f"/proc/{pid}/mountinfo").read_text()
            if str(folder) in mounts or Path(f"/proc/{pid}/cwd").resolve().is_relative_to(folder):
                yield pid


def test_cancelled_before_it_began_starts_nothing(tmp_path: Path) -> None:
    facts, out = probe(SAMPLES / "bikes.mp4", extension="mp4", limits=LIMITS), tmp_path / "out"
    out.mkdir()
    with pytest.raises(Cancelled):
        make(SAMPLES / "bikes.mp4", out, facts, ffmpeg=Path("/none"), limits=LIMITS, cancelled=lambda: True)
    assert not list(out.iterdir())


# Reading what was made


def test_a_proxy_with_more_in_it_than_a_proxy_is_found_out(tmp_path: Path) -> None:
    made = by_kind(made_of(SAMPLES / "doorstep.mp4", tmp_path / "out"))
    assert not mp4.read(made["proxy"].path).surplus
    tagged = tmp_path / "tagged.mp4"
    hostile.ffmpeg("-i", made["proxy"].path, "-c", "copy", "-metadata", "title=x", "-movflags", "+faststart", tagged)
    assert mp4.read(tagged).surplus == {"udta"}
    late = tmp_path / "late.mp4"
    hostile.ffmpeg("-i", made["proxy"].path, "-c", "copy", late)
    assert not mp4.read(late).first


def test_a_broken_index_is_a_refusal(tmp_path: Path) -> None:
    made = by_kind(made_of(SAMPLES / "doorstep.mp4", tmp_path / "out"))
    data = made["proxy"].path.read_bytes()
    broken = tmp_path / "broken.mp4"
    for at in range(0, 1200, 7):
        broken.write_bytes(data[:at] + b"\xff\xff\xff\xff" + data[at + 4 : 4000])
        try:
            mp4.read(broken)
        except errors.BadInput:
            continue


def test_a_still_with_a_comment_is_found_out(tmp_path: Path) -> None:
    made = by_kind(made_of(SAMPLES / "bikes.mp4", tmp_path / "out"))
    data = made["poster"].path.read_bytes()
    assert jpeg.size_of(made["poster"].path) == (640, 272)
    (tmp_path / "x.jpg").write_bytes(data[:2] + b"\xff\xfe\x00\x08secret" + data[2:])
    with pytest.raises(errors.Unreadable):
        jpeg.size_of(tmp_path / "x.jpg")
    (tmp_path / "x.jpg").write_bytes(data[:-20])
    with pytest.raises(errors.Unreadable):
        jpeg.size_of(tmp_path / "x.jpg")


def test_one_command_decodes_once(tmp_path: Path) -> None:
    facts = probe(SAMPLES / "doorstep.mp4", extension="mp4", limits=LIMITS)
    argv = graph.command(sandbox.CLIP, facts, ffmpeg_path=FFMPEG, limits=LIMITS, sound_print=True)
    assert argv.count("-i") == 1
    assert argv.count("-filter_complex") == 1
    outputs = [word for word in argv if word.startswith("file:")][1:]
    assert len(outputs) == 6
    assert argv.count("-map_metadata") == argv.count("-map_chapters") == argv.count("-sn") == argv.count("-dn") == 6
