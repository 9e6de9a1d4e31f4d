"""Read a clip with PyAV. Runs in the probe's own process only: everything here is done to a hostile file.

All packets are read, which costs little and gives the true length. Of the pictures only the first is decoded, to prove
that one can be; of the sound all, which is cheap, to know whether there is anything to hear.
"""

from __future__ import annotations

import contextlib
import os
from array import array
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import av
import av.error
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from clips.media.codecs import AUDIO, INSTEAD, VIDEO, whitelist
from clips.media.facts import Facts
from clips.media.limits import Limits

# A declared length is a promise kept to within this, or the file was cut. Cameras round, and drop last pictures.
_MISSING_SECONDS = 0.5
_MISSING_SHARE = 0.05
# These count their samples and do not round.
_EXACT = ("flac", "wav")
_EXACT_SECONDS = 0.1
# These declare nothing, and what ffmpeg says of their length is a guess from their first frames' bit rate. Whether they
# are whole was found out from their frames.
_ESTIMATED = ("mp3", "aac")
# Of full scale (-60 dB): what nobody hears in an ordinary room.
_SILENCE = 33
# Two pictures may be this far from evenly spaced and the rate still be constant: containers count in whole ticks.
_UNEVEN = 0.2
# Curves of light that ordinary screens do not know, by their numbers in H.273.
_HIGH_RANGE = {16: "pq", 18: "hlg"}
# Above this a declared rate may be a clock's.
_CLOCKS = 120


class Refused(Exception):
    """A refusal of ``clips.errors`` by its code; ``probe`` raises the one that is meant."""

    def __init__(self, code: str, detail: str = "") -> None:
        self.code = code
        self.detail = detail
        super().__init__(code)


def examine(source: Path | BinaryIO, *, demuxer: str, limits: Limits) -> Facts:
    """The facts of the file, named or open, read with this demuxer and no other.

    Raises Refused; anything PyAV raises becomes ``unreadable``.
    """
    options = {
        "protocol_whitelist": "file",
        "codec_whitelist": whitelist(),
        "max_pixels": str(limits.decoder_max_pixels),
    }
    if demuxer == "mov":
        options |= {"enable_drefs": "0", "use_absolute_path": "0"}
    try:
        named = f"file:{source}" if isinstance(source, Path) else source
        size = source.stat().st_size if isinstance(source, Path) else os.fstat(source.fileno()).st_size
        with av.open(named, "r", format=demuxer, options=options, metadata_errors="replace") as container:
            return _read(container, demuxer=demuxer, limits=limits, size_bytes=size)
    except (av.error.FFmpegError, OSError, ValueError, ArithmeticError) as error:
        raise Refused("unreadable") from error


class _Spans:
    """What each stream holds: how many packets, from when to when, and how evenly.

    Counted in the stream's own ticks: to reckon with fractions for every packet took longer than to read it.
    """

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self._ticks: dict[int, list[int]] = {}
        self._ends: dict[int, int] = {}
        self._clocks: dict[int, Fraction] = {}

    def add(self, packet: Packet) -> None:
        if not packet.size or packet.is_discard:
            return
        at = packet.pts if packet.pts is not None else packet.dts
        stream = packet.stream_index
        self.counts[stream] = self.counts.get(stream, 0) + 1
        if at is None:
            return
        if stream not in self._clocks:
            if packet.time_base is None:
                return
            self._clocks[stream], self._ticks[stream], self._ends[stream] = packet.time_base, [], at
        self._ticks[stream].append(at)
        self._ends[stream] = max(self._ends[stream], at + (packet.duration or 0))

    @property
    def spans(self) -> dict[int, tuple[Fraction, Fraction]]:
        """From when to when each stream goes, in seconds."""
        return {
            stream: (min(self._ticks[stream]) * clock, self._ends[stream] * clock)
            for stream, clock in self._clocks.items()
        }

    def even(self, stream: int) -> bool:
        """Whether the packets follow each other in steps that differ by no more than rounding."""
        ticks = sorted(self._ticks.get(stream, []))
        if len(ticks) < 3:
            return True
        # The mean step is whole / steps; both sides are multiplied by that number to stay with whole numbers.
        whole, steps = ticks[-1] - ticks[0], len(ticks) - 1
        return all(abs((b - a) * steps - whole) <= whole * _UNEVEN for a, b in pairwise(ticks))


class _Ear:
    """Listens to a sound track: whether any of it can be decoded, and how loud its loudest moment is."""

    def __init__(self) -> None:
        # At 8 kHz a voice is all there and a minute costs some milliseconds.
        self._resampler = AudioResampler(format="s16", rate=8000)
        self.heard = False
        self.loudest = 0

    def hear(self, packet: Packet) -> None:
        # What is damaged in the middle is not held against a clip whose rest can be heard.
        with contextlib.suppress(av.error.FFmpegError):
            for frame in packet.decode():
                self.heard = True
                for piece in self._resampler.resample(frame):  # type: ignore[arg-type]
                    samples = array("h", bytes(piece.planes[0])[: piece.samples * len(piece.layout.channels) * 2])
                    if samples:
                        self.loudest = max(self.loudest, max(samples), -min(samples))


def _read(container: InputContainer, *, demuxer: str, limits: Limits, size_bytes: int) -> Facts:
    if len(container.streams) > limits.max_streams:
        raise Refused("too-many-streams", f"It holds {len(container.streams)} of at most {limits.max_streams}.")
    if len(container.chapters()) > limits.max_chapters:
        raise Refused("too-many-chapters")
    video = _picture(container)
    audio = container.streams.audio[0] if container.streams.audio else None
    if video is None and audio is None:
        raise Refused("no-sound")
    _check_codings(video, audio)
    if video is not None:
        _check_pixels(video.codec_context.width, video.codec_context.height, limits)
    if audio is not None:
        _check_sound(audio, limits)
    estimated = demuxer in _ESTIMATED
    if not estimated and container.duration and container.duration > limits.max_duration_ms * 1000:
        raise Refused("clip-too-long", f"At most {limits.max_duration_ms // 1000} seconds.")

    seen, ear = _Spans(), _Ear()
    first: VideoFrame | None = None
    for number, packet in enumerate(container.demux()):
        if number >= limits.max_packets:
            raise Refused("clip-too-long", "It is cut into too many pieces.")
        if video is not None and first is None and packet.stream_index == video.index:
            # Streams may begin between key pictures; what cannot be decoded yet is not held against them.
            with contextlib.suppress(av.error.InvalidDataError):
                first = next(iter(video.decode(packet)), None)
        if audio is not None and packet.stream_index == audio.index:
            ear.hear(packet)
        seen.add(packet)

    spans = seen.spans
    if video is not None and (first is None or video.index not in spans):
        raise Refused("unreadable", "No picture in it can be decoded.")
    if video is None and not ear.heard:
        raise Refused("unreadable", "No sound in it can be decoded.")
    if first is not None:
        _check_pixels(first.width, first.height, limits)
    main: Stream | None = video or audio
    if main is None or main.index not in spans:
        raise Refused("unreadable")
    if not estimated:
        _check_complete(container, main, spans, exact=demuxer in _EXACT)

    has_audio = audio is not None and audio.index in spans and ear.heard
    wanted = [video, audio if has_audio else None]
    used = [spans[stream.index] for stream in wanted if stream is not None and stream.index in spans]
    start = min(start for start, _ in used)
    seconds = max(end for _, end in used) - start
    rate = (video.guessed_rate or video.average_rate) if video is not None else None
    if seconds <= 0:  # a single picture without a length of its own
        seconds = 1 / rate if rate else Fraction(1, 25)
    if seconds * 1000 > limits.max_duration_ms:
        raise Refused("clip-too-long", f"At most {limits.max_duration_ms // 1000} seconds.")
    facts: dict[str, object] = {"frames": 0, "frame_rate": 0.0, "width": 0, "height": 0, "rotation": 0}
    if video is not None and first is not None:
        facts = _picture_facts(video, first, seen, _believable(rate, seen.counts[video.index], seconds))
        _check_rate(facts["frame_rate"], seen.counts[video.index], seconds, limits)
    return Facts(
        demuxer=demuxer,
        video_codec=_coding(video) if video is not None else "",
        duration_ms=max(1, round(seconds * 1000)),
        has_audio=has_audio,
        audio_codec=_coding(audio) if audio is not None and has_audio else "",
        size_bytes=size_bytes,
        start_ms=round(start * 1000),
        is_silent=has_audio and ear.loudest < _SILENCE,
        sample_rate=audio.codec_context.sample_rate if audio is not None and has_audio else 0,
        channels=audio.codec_context.channels if audio is not None and has_audio else 0,
        **facts,  # type: ignore[arg-type]
    )


def _believable(rate: Fraction | None, frames: int, seconds: Fraction) -> Fraction:
    """The declared rate, unless it is a clock's (browsers record at "1000 a second") and far more than is there."""
    counted = frames / seconds
    return counted if rate is None or (rate > _CLOCKS and rate > 2 * counted) else rate


def _picture_facts(video: VideoStream, first: VideoFrame, seen: _Spans, rate: Fraction) -> dict[str, object]:
    return {
        "width": video.codec_context.width or first.width,
        "height": video.codec_context.height or first.height,
        "frame_rate": round(float(rate), 6),
        "frames": seen.counts[video.index],
        "rotation": round(-first.rotation) % 360,
        "constant_rate": seen.even(video.index),
        "pixel_aspect": round(float(video.sample_aspect_ratio or 1), 6) or 1.0,
        "high_range": _HIGH_RANGE.get(first.color_trc or video.codec_context.color_trc or 0, ""),
        "interlaced": first.interlaced_frame,
    }


def _picture(container: InputContainer) -> VideoStream | None:
    """The first moving picture; cover art is a video stream to ffmpeg and not to us."""
    for stream in container.streams.video:
        if Disposition.attached_pic not in Disposition(stream.disposition):
            return stream
    return None


def _coding(stream: Stream) -> str:
    """ffmpeg's name for what the stream is coded in; PyAV has no context for what it cannot decode."""
    context = stream.codec_context
    return context.codec.canonical_name if context is not None else "unknown"


def _check_codings(video: VideoStream | None, audio: AudioStream | None) -> None:
    for part, stream, allowed in (("picture", video, VIDEO), ("sound", audio, AUDIO)):
        if stream is not None and _coding(stream) not in allowed:
            context = stream.codec_context
            called = f": {context.codec.long_name}" if context is not None else ""
            raise Refused("codec-not-allowed", f"The {part} is in {_coding(stream)}{called}. Send {INSTEAD[part]}.")


def _check_pixels(width: int, height: int, limits: Limits) -> None:
    if width * height > limits.max_pixels or max(width, height) > limits.max_side:
        raise Refused("too-many-pixels", f"It is {width} by {height}.")


def _check_sound(audio: AudioStream, limits: Limits) -> None:
    rate, channels = audio.codec_context.sample_rate, audio.codec_context.channels
    if rate > limits.max_sample_rate or channels > limits.max_channels:
        raise Refused("rate-too-high", f"Its sound has {channels} channels at {rate} Hz.")


def _check_rate(declared: object, frames: int, seconds: Fraction, limits: Limits) -> None:
    """Neither the rate it declares, nor the pictures that are there. A handful may stand close together."""
    counted = frames / float(seconds) if frames > 30 else 0.0
    rate = max(float(declared) if isinstance(declared, float) else 0.0, counted)
    if rate > limits.max_frame_rate:
        raise Refused("rate-too-high", f"At most {int(limits.max_frame_rate)} pictures a second.")


def _check_complete(
    container: InputContainer, main: Stream, spans: dict[int, tuple[Fraction, Fraction]], *, exact: bool
) -> None:
    """Compare the length the file declares with what was there.

    Time and not the number of pictures: an AVI counts pictures it left out as unchanged, and an edit list hides some.
    """
    starts, ends = zip(*spans.values(), strict=True)
    if main.duration and main.time_base:
        declared, seen = main.duration * main.time_base, spans[main.index][1] - spans[main.index][0]
    elif container.duration:
        declared, seen = Fraction(container.duration, av.time_base), max(ends) - min(starts)
    else:
        return
    allowed = _EXACT_SECONDS if exact else max(_MISSING_SECONDS, declared * _MISSING_SHARE)
    if declared - seen > allowed:
        raise Refused("truncated", f"It declares {float(declared):.1f} seconds and holds {float(seen):.1f}.")
