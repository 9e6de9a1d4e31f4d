"""The one ffmpeg command that makes everything of a clip, built with ffmpeg-python.

One decode feeds all of it. To be published: the proxy to be played by reviewers in any browser, the poster to stand
for it in lists, the sprite sheet. For us to read and throw away: which picture came from which, tiny grey pictures and
a print of the sound to find copies by, a mono copy of the sound and what was measured on it. Nothing of the source
reaches what is published but its pictures and its sound: no titles, places, chapters, subtitles, captions or data
tracks.
"""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg

from clips.media import nearness, sound, sprite
from clips.media.codecs import whitelist
from clips.media.faces.covered import Cover
from clips.media.facts import CLEAR, CURVES, Faces, Facts
from clips.media.frame_map import STATS_FORMAT
from clips.media.limits import Limits

PROXY = "proxy.mp4"
VOICE_PROXY = "proxy.m4a"
POSTER = "poster.jpg"
SPRITE = "sprite.jpg"
# Before the names of what shows no faces.
BLURRED = "blurred-"
# For us alone.
STATS = "frames.txt"
GREY = "grey.raw"
SAMPLES = "samples.raw"
MEASURES = "measures.txt"
PRINT = "print.raw"

MAX_WIDTH = 1280
MAX_HEIGHT = 720
MAX_RATE = 30

# More threads than this gain nothing at these sizes, and take address space.
MOST_THREADS = 2
# Square pixels, never larger than the source, even sides as H.264's colour needs. `sar` is the shape of a pixel.
FIT = f"min(1,min({MAX_WIDTH}/(iw*sar),{MAX_HEIGHT}/ih))"
WIDTH = f"max(2,trunc(iw*sar*{FIT}/2)*2)"
HEIGHT = f"max(2,trunc(ih*{FIT}/2)*2)"
_SMALL_WIDTH = f"max(2,trunc(iw*{sprite.SIDE}/max(iw,ih)/2)*2)"
_SMALL_HEIGHT = f"max(2,trunc(ih*{sprite.SIDE}/max(iw,ih)/2)*2)"

# Of what is covered: the middle of what light a picture may have.
GREY_LIGHT = 126

# What ffmpeg-python calls a stream; it has no types.
Stream = Any


def command(
    source: Path,
    facts: Facts,
    *,
    ffmpeg_path: Path,
    limits: Limits,
    sound_print: bool = False,
    threads: int = MOST_THREADS,
    faces: Collection[Faces] = CLEAR,
    cover: Cover | None = None,
) -> list[str]:
    """The argument list, the binary first; to be run in the folder where all the files shall stand.

    ``faces`` says which proxies are made, with their posters and sprites; those without faces want a ``cover``.

    ``sound_print`` asks for one, which not every ffmpeg can make. ``threads``: two end a clip a sixth sooner than one
    and cost a sixth more, so one is right where every core has a clip of its own. ffmpeg writes ``-progress`` reports
    to its standard output twice a second.
    """
    made = outputs(source, facts, limits=limits, sound_print=sound_print, threads=threads, faces=faces, cover=cover)
    everything = ffmpeg.merge_outputs(*made).global_args(
        *("-nostdin", "-hide_banner", "-loglevel", "error", "-nostats"),
        # Pictures are too small for filters to share: to hand out the parts costs more than it gains.
        *("-progress", "pipe:1", "-stats_period", "0.5", "-filter_complex_threads", "1"),
    )
    argv: list[str] = everything.compile(cmd=[str(ffmpeg_path)], overwrite_output=True)
    return argv


def outputs(
    source: Path,
    facts: Facts,
    *,
    limits: Limits,
    sound_print: bool,
    threads: int,
    faces: Collection[Faces] = CLEAR,
    cover: Cover | None = None,
) -> list[Stream]:
    """Everything that is made of a clip, as ffmpeg-python's outputs of one input."""
    clip = opened(source, facts, limits=limits, threads=threads)
    heard, measured = _heard(clip, facts, sound_print) if facts.has_audio else ([], [])
    if facts.kind == "voice":
        return [_voice_proxy(heard, facts), *measured]
    return [*_seen(clip, facts, heard, threads=threads, faces=faces, cover=cover), *measured]


def opened(source: Path, facts: Facts, *, limits: Limits, threads: int) -> Stream:
    """The clip as an input: with the demuxer and the decoders it needs, from files alone, for so long and no longer."""
    return ffmpeg.input(
        f"file:{source}",
        f=facts.demuxer,
        protocol_whitelist="file",
        codec_whitelist=whitelist([facts.video_codec, facts.audio_codec]),
        max_pixels=limits.decoder_max_pixels,
        # Of small pictures one thread decodes many times as many as the encoder takes.
        threads=threads if facts.width * facts.height > MAX_WIDTH * MAX_HEIGHT else 1,
        t=limits.max_duration_ms / 1000,
    )


def moving(clip: Stream, facts: Facts) -> Stream:
    """The clip's pictures, at the proxy's rate, each of one moment."""
    rate = proxy_rate(facts)
    # "V" is a moving picture, where "v" could be cover art. ffmpeg turns it upright before our first filter.
    pictures = clip["V:0"]
    if facts.interlaced and min(facts.width, facts.height) >= 4:  # less is not taken by the filter
        # Else whatever moves has combs for edges. Marked pictures only: streams change over.
        pictures = pictures.filter("bwdif", mode="send_frame", deint="interlaced")
    return pictures.filter("fps", f"{rate.numerator}/{rate.denominator}", start_time=0)


def fitted(pictures: Stream, facts: Facts) -> Stream:
    """Pictures in the proxy's size and shape, and with light for any screen."""
    shaped = pictures.filter("scale", WIDTH, HEIGHT, out_range="limited").filter("setsar", 1)
    return _dimmed(shaped, CURVES[facts.high_range]) if facts.high_range else shaped


def _dimmed(pictures: Stream, curve: str) -> Stream:
    """Light of high dynamic range as ordinary screens show it.

    Browsers differ in what they make of such footage, and stills have no way to say what they are: both would be pale.
    What is no brighter than a third of paper (203 candela, by ITU-R BT.2408) comes out as it was filmed; what is
    brighter is drawn together below white. Whatever else a file says of its colours, this light goes with BT.2020's.
    """
    tags = {"color_trc": curve, "color_primaries": "bt2020", "colorspace": "bt2020nc", "range": "limited"}
    return (
        pictures.filter("format", "yuv420p10le")
        .filter("setparams", **tags)
        .filter("zscale", transfer="linear", npl=203)
        .filter("format", "gbrpf32le")
        .filter("zscale", primaries="709")
        .filter("tonemap", tonemap="mobius", desat=0)
        .filter("zscale", transfer="709", matrix="709", range="limited")
        # How bright the mastering screen was: no longer true, and nobody's business.
        .filter("sidedata", mode="delete")
    )


def proxy_rate(facts: Facts) -> Fraction:
    """The source's rate, between 1 and 30. As a fraction, for 29.97 is 30000/1001 and drifts otherwise."""
    return min(Fraction(MAX_RATE), max(Fraction(1), Fraction(facts.frame_rate).limit_denominator(1001)))


def key_distance(rate: Fraction) -> int:
    """At most so many pictures from one key picture to the next: a second, so that a reviewer's seek lands near."""
    return max(1, int(rate))


def _seen(
    clip: Stream, facts: Facts, heard: list[Stream], *, threads: int, faces: Collection[Faces], cover: Cover | None
) -> list[Stream]:
    """Proxy, poster and sprite of each kind that is wanted, and tiny grey pictures."""
    rate = proxy_rate(facts)
    pictures = fitted(moving(clip, facts), facts).filter("format", "yuv420p").split()
    voices = heard[0].asplit() if heard and len(faces) > 1 else dict(enumerate(heard * 2))
    made: list[Stream] = []
    for number, which in enumerate(sorted(faces)):
        heard_too = [voices[number]] if heard else []
        if which == "clear":
            shown, name = pictures, ""
        elif cover is None:
            # Never the faces in place of what covers them.
            raise ValueError("nobody looked for the faces")
        else:
            shown, name = _covered(pictures["covered"], cover, rate).split(), BLURRED
        made += _shown(shown, name, facts, heard_too, threads=threads, counts=not made)
    return [*made, _grey(pictures["grey"])]


def _shown(
    pictures: Stream, name: str, facts: Facts, heard: list[Stream], *, threads: int, counts: bool
) -> list[Stream]:
    """A proxy, its poster and its sprite. The first that is made ``counts`` which picture came from which."""
    rate = proxy_rate(facts)
    sheet = sprite.plan(facts.duration_ms, rate)
    options = _proxy_options(rate, facts, threads=threads, counts=counts)
    proxy = ffmpeg.output(pictures[f"{name}0"], *heard, f"file:{name}{PROXY}", **options)
    poster = (
        pictures[f"{name}1"]
        .filter("select", f"gte(n,{_poster_frame(facts, rate)})")
        .filter("scale", out_range="full")
        .filter("format", "yuvj420p")
        .output(f"file:{name}{POSTER}", **_still_options(quality=4))
    )
    small = (
        pictures[f"{name}2"]
        .filter("select", f"not(mod(n,{sheet.every}))")
        .filter("scale", _SMALL_WIDTH, _SMALL_HEIGHT, flags="bilinear", out_range="full")
        .filter("format", "yuvj420p")
        .filter("tile", f"{sheet.columns}x{sheet.rows}")
        .output(f"file:{name}{SPRITE}", **_still_options(quality=5))
    )
    return [proxy, poster, small]


def _covered(pictures: Stream, cover: Cover, rate: Fraction) -> Stream:
    """The pictures with every cell of the cover one flat grey, of which nothing can be got back.

    Should there be more pictures than the cover has, what is covered last stays covered; without any there is none.
    """
    cells = ffmpeg.input(
        f"file:{cover.path.name}",
        f="rawvideo",
        protocol_whitelist="file",
        pixel_format="monob",
        video_size=(cover.columns, cover.rows),
        framerate=f"{rate.numerator}/{rate.denominator}",
    )
    bits = cells.filter("format", "gray").split()

    def planes(light: Stream, colour: Stream) -> Stream:
        # Each plane has its own; colour has half the sides.
        large = light.filter("scale", cover.width, cover.height, flags="neighbor")
        small = colour.filter("scale", cover.width // 2, cover.height // 2, flags="neighbor")
        return ffmpeg.filter([large, small], "mergeplanes", "0x001010", "yuv420p").filter("setrange", "limited")

    # Made grey while it is small, which takes half of what it does to make a picture grey.
    grey = planes(bits[2].filter("lut", c0=GREY_LIGHT), bits[3].filter("lut", c0=128))
    return ffmpeg.filter([pictures, grey, planes(bits[0], bits[1])], "maskedmerge")


def _grey(pictures: Stream) -> Stream:
    """Tiny grey pictures, for ``nearness``: of what was sent, so that copies are alike whatever is covered."""
    return (
        pictures
        # A hair early, so that rounding never leaves one out.
        .filter("select", f"gte(t+0.001,selected_n/{nearness.PRINTS_PER_SECOND})")
        .filter("scale", nearness.GREY_WIDTH, nearness.GREY_HEIGHT, flags="area", out_range="full")
        .filter("format", "gray")
        .output(f"file:{GREY}", **bare(), **{"f": "rawvideo", "fps_mode:v": "passthrough"})
    )


def _heard(clip: Stream, facts: Facts, sound_print: bool) -> tuple[list[Stream], list[Stream]]:
    """The sound for the proxy, and the outputs that are measured on it.

    It begins at zero like the pictures, with silence before it if it was late, and holes in it are filled, so that
    every time told of it is the proxy's.
    """
    copies = clip["a:0"].filter("aresample", 48000, **{"async": 1, "first_pts": 0}).asplit()
    mono = (
        copies[1]
        .filter("ebur128", peak="true", metadata=1, framelog="quiet")
        .filter("silencedetect", noise=f"{sound.SILENCE_DB}dB", duration=sound.SILENCE_SECONDS)
        .filter("ametadata", mode="print", file=MEASURES)
        .filter("aresample", sound.SAMPLE_RATE)
        .filter("aformat", sample_fmts="s16", channel_layouts="mono")
    )
    if not sound_print:
        return [copies[0]], [mono.output(f"file:{SAMPLES}", **bare(), f="s16le")]
    twice, margin = mono.asplit(), nearness.MARGIN_SECONDS
    printed = twice[1].filter("adelay", int(margin * 1000)).filter("apad", pad_dur=margin)
    return [copies[0]], [
        twice[0].output(f"file:{SAMPLES}", **bare(), f="s16le"),
        printed.output(f"file:{PRINT}", **bare(), f="chromaprint", fp_format="raw"),
    ]


def _voice_proxy(heard: list[Stream], facts: Facts) -> Stream:
    options = {**bare(), "f": "mp4", "movflags": "+faststart", **_aac(facts)}
    return ffmpeg.output(*heard, f"file:{VOICE_PROXY}", **options)


def _poster_frame(facts: Facts, rate: Fraction) -> int:
    """Which picture of the proxy is the poster: a second in, or a tenth of the way if that is sooner.

    Past the dark or blurred pictures a camera often starts with. Counted, not timed, so that it is surely reached:
    sound may go on long after the last picture.
    """
    kept = facts.frames * min(1.0, float(rate) / facts.frame_rate)
    return min(int(rate), int(kept / 10))


def bare() -> dict[str, str | None]:
    """No metadata, no chapters, no track that was not asked for, and no name of the program that wrote it."""
    return {
        "map_metadata": "-1",
        "map_chapters": "-1",
        "sn": None,
        "dn": None,
        "fflags": "+bitexact",
        # Stills and sound gain nothing by more; the proxy says its own.
        "threads": "1",
    }


def _aac(facts: Facts) -> dict[str, str | None]:
    # One channel stays one: made two, each would be quieter by 3 dB, and what is measured on it with them.
    channels = 1 if facts.channels == 1 else 2
    return {"c:a": "aac", "b:a": f"{64 * channels}k", "ac": str(channels), "ar": "48000", "flags:a": "+bitexact"}


def _proxy_options(rate: Fraction, facts: Facts, *, threads: int, counts: bool) -> dict[str, str | None]:
    options: dict[str, str | None] = {
        **bare(),
        # The encoder's threads wait for each other's rows: one more than there are cores keeps the cores at work.
        "threads": str(threads + 1 if threads > 1 else 1),
        "f": "mp4",
        "movflags": "+faststart",
        "c:v": "libx264",
        "profile:v": "high",
        # With veryfast's way of spending bits: as good and, to a few percent, as small, for two thirds of its time.
        "preset": "superfast",
        "x264-params": "mbtree=1:rc-lookahead=10",
        "crf": "23",
        "maxrate": "4M",
        "bufsize": "8M",
        "g": str(key_distance(rate)),
        "fps_mode:v": "cfr",
        "flags:v": "+bitexact",
        # Captions are text from the source; type 6 units hold those, and x264's own settings.
        "a53cc": "0",
        "bsf:v": "filter_units=remove_types=6",
        # ffmpeg writes the encoder's name here unless something else stands there.
        "metadata:s:v": "encoder=H.264",
    }
    if counts:
        options |= {"stats_enc_pre:v": STATS, "stats_enc_pre_fmt:v": STATS_FORMAT}
    return options | (_aac(facts) if facts.has_audio else {})


def _still_options(*, quality: int) -> dict[str, str | None]:
    still = {"f": "image2", "update": "1", "frames:v": "1", "c:v": "mjpeg", "q:v": str(quality), "flags:v": "+bitexact"}
    return {**bare(), **still}
