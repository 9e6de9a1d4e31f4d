"""Read a clip with PyAV. Runs in the probe's own process only: everything here is done to a hostile file.

All packets are read, which costs little and gives the true length; only the first picture is decoded, to prove that
one can be.
"""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path

import av
import av.error
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from clips.media.codecs import AUDIO, VIDEO, whitelist
from clips.media.facts import Facts
from clips.media.limits import Limits

# A declared length is a promise kept to within this, or the file was cut. Cameras round, and drop last pictures.
_MISSING_SECONDS = 0.5
_MISSING_SHARE = 0.05


class Refused(Exception):
    """A refusal of ``clips.errors`` by its code; ``probe`` raises the one that is meant."""

    def __init__(self, code: str, detail: str = "") -> None:
        self.code = code
        self.detail = detail
        super().__init__(code)


def examine(path: Path, *, demuxer: str, limits: Limits) -> Facts:
    """The facts of the file, opened with this demuxer and no other.

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
        with av.open(f"file:{path}", format=demuxer, options=options, metadata_errors="replace") as container:
            return _read(container, demuxer=demuxer, limits=limits, size_bytes=path.stat().st_size)
    except (av.error.FFmpegError, OSError, ValueError, ArithmeticError) as error:
        raise Refused("unreadable") from error


def _read(container: InputContainer, *, demuxer: str, limits: Limits, size_bytes: int) -> Facts:
    if len(container.streams) > limits.max_streams:
        raise Refused("too-many-streams", f"It holds {len(container.streams)} of at most {limits.max_streams}.")
    video = _picture(container)
    audio = container.streams.audio[0] if container.streams.audio else None
    _check_codings(video, audio)
    _check_pixels(video.codec_context.width, video.codec_context.height, limits)
    if container.duration and container.duration > limits.max_duration_ms * 1000:
        raise Refused("clip-too-long", f"At most {limits.max_duration_ms // 1000} seconds.")

    spans: dict[int, tuple[Fraction, Fraction]] = {}
    counts: dict[int, int] = {}
    first: VideoFrame | None = None
    for number, packet in enumerate(container.demux()):
        if number >= limits.max_packets:
            raise Refused("clip-too-long", "It is cut into too many pieces.")
        if first is None and packet.stream_index == video.index:
            # Streams may begin between key pictures; what cannot be decoded yet is not held against them.
            with contextlib.suppress(av.error.InvalidDataError):
                first = next(iter(video.decode(packet)), None)
        at = packet.pts if packet.pts is not None else packet.dts
        if not packet.size or packet.is_discard:
            continue
        counts[packet.stream_index] = counts.get(packet.stream_index, 0) + 1
        if at is None or packet.time_base is None:
            continue
        start, end = at * packet.time_base, (at + (packet.duration or 0)) * packet.time_base
        known = spans.get(packet.stream_index, (start, end))
        spans[packet.stream_index] = (min(known[0], start), max(known[1], end))

    if first is None or video.index not in spans:
        raise Refused("unreadable", "No picture in it can be decoded.")
    _check_pixels(first.width, first.height, limits)
    _check_complete(container, video, spans)

    has_audio = audio is not None and audio.index in spans
    used = [spans[stream.index] for stream in (video, audio) if stream is not None and stream.index in spans]
    seconds = max(end for _, end in used) - min(start for start, _ in used)
    frames = counts[video.index]
    rate = video.guessed_rate or video.average_rate
    if seconds <= 0:  # a single picture without a length of its own
        seconds = 1 / rate if rate else Fraction(1, 25)
    if seconds * 1000 > limits.max_duration_ms:
        raise Refused("clip-too-long", f"At most {limits.max_duration_ms // 1000} seconds.")
    return Facts(
        demuxer=demuxer,
        video_codec=_coding(video),
        width=video.codec_context.width or first.width,
        height=video.codec_context.height or first.height,
        frame_rate=round(float(rate or frames / seconds), 6),
        duration_ms=round(seconds * 1000),
        frames=frames,
        has_audio=has_audio,
        audio_codec=_coding(audio) if audio is not None and has_audio else "",
        rotation=round(-first.rotation) % 360,
        size_bytes=size_bytes,
    )


def _picture(container: InputContainer) -> VideoStream:
    """The first moving picture; cover art is a video stream to ffmpeg and not to us."""
    for stream in container.streams.video:
        if Disposition.attached_pic not in Disposition(stream.disposition):
            return stream
    raise Refused("no-video-stream")


def _coding(stream: Stream) -> str:
    """ffmpeg's name for what the stream is coded in; PyAV has no context for what it cannot decode."""
    context = stream.codec_context
    return context.codec.canonical_name if context is not None else "unknown"


def _check_codings(video: VideoStream, audio: AudioStream | None) -> None:
    if _coding(video) not in VIDEO:
        raise Refused("codec-not-allowed", f"The picture is in {_coding(video)}.")
    if audio is not None and _coding(audio) not in AUDIO:
        raise Refused("codec-not-allowed", f"The sound is in {_coding(audio)}.")


def _check_pixels(width: int, height: int, limits: Limits) -> None:
    if width * height > limits.max_pixels or max(width, height) > limits.max_side:
        raise Refused("too-many-pixels", f"It is {width} by {height}.")


def _check_complete(container: InputContainer, video: VideoStream, spans: dict[int, tuple[Fraction, Fraction]]) -> None:
    """Compare the length the file declares with what was there.

    Time and not the number of pictures: an AVI counts pictures it left out as unchanged, and an edit list hides some.
    """
    starts, ends = zip(*spans.values(), strict=True)
    if video.duration and video.time_base:
        declared, seen = video.duration * video.time_base, spans[video.index][1] - spans[video.index][0]
    elif container.duration:
        declared, seen = Fraction(container.duration, av.time_base), max(ends) - min(starts)
    else:
        return
    if declared - seen > max(_MISSING_SECONDS, declared * _MISSING_SHARE):
        raise Refused("truncated", f"It declares {float(declared):.1f} seconds and holds {float(seen):.1f}.")
