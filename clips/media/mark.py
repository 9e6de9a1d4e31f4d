"""Draw a mark into the corner of a picture. Runs in a reader's own process: the picture may be a hostile file's.

The letters are five by seven dots, drawn into the brightness alone, with a shadow so that they show on white too.
"""

from __future__ import annotations

from fractions import Fraction
from typing import BinaryIO

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

_WIDE, _HIGH = 5, 7
# One byte a column from left to right, the lowest bit at the top.
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_COLUMNS = bytes.fromhex(
    "7e1111117e 7f49494936 3e41414122 7f4141221c 7f49494941 7f09090901 3e4149497a 7f0808087f "
    "00417f4100 2040413f01 7f08142241 7f40404040 7f020c027f 7f0408107f 3e4141413e 7f09090906 "
    "3e4151215e 7f09192946 4649494931 01017f0101 3f4040403f 1f2040201f 3f4038403f 6314081463 "
    "0708700807 6151494543 4261514946 2141454b31 1814127f10 2745454539 3c4a494930 0171090503 "
)
_LETTERS = {letter: _COLUMNS[at * _WIDE : (at + 1) * _WIDE] for at, letter in enumerate(_ALPHABET)}


def draw(picture: BinaryIO, *, text: str, opacity: float) -> bytes:
    """The JPEG picture with the text in its lower right corner, as JPEG again. Raises what PyAV raises."""
    with av.open(picture, "r", format="jpeg_pipe") as container:
        frame = next(container.decode(video=0)).reformat(format="yuvj420p")
    plane = frame.planes[0]
    data = bytearray(plane)
    _write(data, plane.line_size, frame.width, frame.height, text, opacity)
    plane.update(bytes(data))
    return _jpeg(frame)


def _write(data: bytearray, line: int, width: int, height: int, text: str, opacity: float) -> None:
    """Blend the text into the brightness of a picture."""
    dot = max(1, min(height // 110, width // (len(text) * (_WIDE + 1) + 4)))
    left = width - (len(text) * (_WIDE + 1) + 2) * dot
    top = height - (_HIGH + 3) * dot
    for shift, shade in ((max(1, dot // 2), 0), (0, 255)):
        for place, letter in enumerate(text):
            for column, bits in enumerate(_LETTERS.get(letter, bytes(_WIDE))):
                x = left + (place * (_WIDE + 1) + column) * dot + shift
                for row in range(_HIGH):
                    if bits >> row & 1:
                        _fill(data, line, width, height, x, top + row * dot + shift, dot, shade, opacity)


def _fill(
    data: bytearray, line: int, width: int, height: int, x: int, y: int, dot: int, shade: int, opacity: float
) -> None:
    for at_y in range(max(0, y), min(height, y + dot)):
        for at in range(at_y * line + max(0, x), at_y * line + min(width, x + dot)):
            data[at] = round(data[at] * (1 - opacity) + shade * opacity)


def _jpeg(frame: VideoFrame) -> bytes:
    encoder = VideoCodecContext.create("mjpeg", "w")
    assert isinstance(encoder, VideoCodecContext)  # noqa: S101 -- what was asked for
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, "yuvj420p"
    encoder.time_base, encoder.thread_count = Fraction(1, 25), 1
    encoder.options = {"qmin": "3", "qmax": "3", "flags": "+bitexact"}
    frame.pts, frame.time_base = 0, Fraction(1, 25)
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
