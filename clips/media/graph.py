"""The one ffmpeg command that makes a clip's renditions, built with ffmpeg-python.

One decode feeds both: ``proxy.mp4`` to be played by reviewers in any browser, and ``poster.jpg`` to stand for it in
lists. Nothing of the source reaches them but its pictures and its sound: no titles, places, chapters, subtitles,
captions or data tracks.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import ffmpeg

from clips.media.codecs import whitelist
from clips.media.facts import Facts
from clips.media.limits import Limits

PROXY = "proxy.mp4"
POSTER = "poster.jpg"
MAX_WIDTH = 1280
MAX_HEIGHT = 720
MAX_RATE = 30

# A worker has two cores; more threads would only take address space.
_THREADS = 2
# Square pixels, never larger than the source, even sides as H.264's colour needs. `sar` is the shape of a pixel.
_FIT = f"min(1,min({MAX_WIDTH}/(iw*sar),{MAX_HEIGHT}/ih))"
_WIDTH = f"max(2,trunc(iw*sar*{_FIT}/2)*2)"
_HEIGHT = f"max(2,trunc(ih*{_FIT}/2)*2)"


def command(source: Path, facts: Facts, *, ffmpeg_path: Path, limits: Limits) -> list[str]:
    """The argument list, the binary first; to be run in the folder where ``PROXY`` and ``POSTER`` shall stand.

    ffmpeg writes ``-progress`` reports to its standard output twice a second.
    """
    clip = ffmpeg.input(
        f"file:{source}",
        f=facts.demuxer,
        protocol_whitelist="file",
        codec_whitelist=whitelist([facts.video_codec, facts.audio_codec]),
        max_pixels=limits.decoder_max_pixels,
        threads=_THREADS,
        t=limits.max_duration_ms / 1000,
    )
    rate = _proxy_rate(facts.frame_rate)
    # "V" is a moving picture, where "v" could be cover art. ffmpeg turns it upright before our first filter.
    pictures = (
        clip["V:0"]
        .filter("fps", f"{rate.numerator}/{rate.denominator}", start_time=0)
        .filter("scale", _WIDTH, _HEIGHT, out_range="limited")
        .filter("setsar", 1)
        .filter("format", "yuv420p")
        .split()
    )
    sound = [clip["a:0"].filter("aresample", 48000, **{"async": 1})] if facts.has_audio else []
    proxy = ffmpeg.output(pictures[0], *sound, f"file:{PROXY}", **_proxy_options(rate, bool(sound)))
    poster = (
        pictures[1]
        .filter("select", f"gte(n,{_poster_frame(facts, rate)})")
        .filter("scale", out_range="full")
        .filter("format", "yuvj420p")
        .output(f"file:{POSTER}", **_poster_options())
    )
    both = ffmpeg.merge_outputs(proxy, poster).global_args(
        *("-nostdin", "-hide_banner", "-loglevel", "error", "-nostats"),
        *("-progress", "pipe:1", "-stats_period", "0.5", "-filter_complex_threads", str(_THREADS)),
    )
    argv: list[str] = both.compile(cmd=[str(ffmpeg_path)], overwrite_output=True)
    return argv


def _proxy_rate(frame_rate: float) -> Fraction:
    """The source's rate, between 1 and 30. As a fraction, for 29.97 is 30000/1001 and drifts otherwise."""
    return min(Fraction(MAX_RATE), max(Fraction(1), Fraction(frame_rate).limit_denominator(1001)))


def _poster_frame(facts: Facts, rate: Fraction) -> int:
    """Which picture of the proxy is the poster: a second in, or a tenth of the way if that is sooner.

    Past the dark or blurred pictures a camera often starts with. Counted, not timed, so that it is surely reached:
    sound may go on long after the last picture.
    """
    kept = facts.frames * min(1.0, float(rate) / facts.frame_rate)
    return min(int(rate), int(kept / 10))


def _bare() -> dict[str, str | None]:
    """No metadata, no chapters, no track that was not asked for, and no name of the program that wrote it."""
    return {
        "map_metadata": "-1",
        "map_chapters": "-1",
        "sn": None,
        "dn": None,
        "fflags": "+bitexact",
        "threads": str(_THREADS),
    }


def _proxy_options(rate: Fraction, has_sound: bool) -> dict[str, str | None]:
    options: dict[str, str | None] = {
        **_bare(),
        "f": "mp4",
        "movflags": "+faststart",
        "c:v": "libx264",
        "profile:v": "high",
        "preset": "veryfast",
        "crf": "23",
        "maxrate": "4M",
        "bufsize": "8M",
        # A key picture at least each second, so that a reviewer's seek lands near.
        "g": str(max(1, int(rate))),
        "fps_mode:v": "cfr",
        "flags:v": "+bitexact",
        # Captions are text from the source; type 6 units hold those, and x264's own settings.
        "a53cc": "0",
        "bsf:v": "filter_units=remove_types=6",
        # ffmpeg writes the encoder's name here unless something else stands there.
        "metadata:s:v": "encoder=H.264",
    }
    if has_sound:
        options |= {"c:a": "aac", "b:a": "128k", "ac": "2", "ar": "48000", "flags:a": "+bitexact"}
    return options


def _poster_options() -> dict[str, str | None]:
    still = {"f": "image2", "update": "1", "frames:v": "1", "c:v": "mjpeg", "q:v": "4", "flags:v": "+bitexact"}
    return {**_bare(), **still}
