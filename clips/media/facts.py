"""What is known of a clip once it has been read."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from typing import Any, Literal

Kind = Literal["video", "voice"]
# What is done about faces in what is made of a clip.
Faces = Literal["blurred", "clear"]
CLEAR: tuple[Faces, ...] = ("clear",)
# Light of high dynamic range -> the curve's name to ffmpeg.
CURVES = {"pq": "smpte2084", "hlg": "arib-std-b67"}


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A clip as its file is, before any rendering.

    ``width`` and ``height`` are of the picture as stored; turned by ``rotation`` (0 to 359 degrees, clockwise) it
    stands upright, and ``pixel_aspect`` is how much wider than high one of its pixels is. ``duration_ms`` is from the
    first to the end of the last picture or sound, ``start_ms`` the file's own time at the first. ``frames`` counts
    stored pictures, which is less than duration times ``frame_rate`` in files that leave out unchanged ones;
    ``constant_rate`` says that it is not. ``has_audio`` says that there is a sound track which can be decoded,
    ``is_silent`` that nothing is to be heard on it. ``sample_rate`` is in Hz. ``demuxer`` and the codecs are ffmpeg's
    names. ``high_range`` is ``pq`` or ``hlg`` where the light is written for screens of high dynamic range, and empty
    otherwise; ``interlaced`` says that each picture holds two moments, line by line.

    A voice clip has no picture: its ``video_codec`` is empty and everything about pictures is zero.
    """

    demuxer: str
    video_codec: str
    width: int
    height: int
    frame_rate: float
    duration_ms: int
    frames: int
    has_audio: bool
    audio_codec: str
    rotation: int
    size_bytes: int
    # What was not always asked: clips that were probed before have these defaults.
    constant_rate: bool = True
    start_ms: int = 0
    pixel_aspect: float = 1.0
    is_silent: bool = False
    sample_rate: int = 0
    channels: int = 0
    high_range: str = ""
    interlaced: bool = False

    @property
    def kind(self) -> Kind:
        """Whether this is something to look at or only to listen to."""
        return "video" if self.video_codec else "voice"

    @classmethod
    def from_document(cls, document: Any) -> Facts:
        """Facts out of JSON. What comes from a decoder's process is believed no further than its types.

        Raises ValueError for anything else than exactly these members (but those with defaults, which may be absent),
        each of its own type and none negative but ``start_ms``.
        """
        types: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}
        names = {field.name: types[str(field.type)] for field in fields(cls)}
        needed = {field.name for field in fields(cls) if field.default is MISSING}
        if not isinstance(document, dict) or not needed <= set(document) <= set(names):
            raise ValueError("not the facts of a clip")
        for name, value in document.items():
            if type(value) is not names[name] or (isinstance(value, str) and len(value) > 40):
                raise ValueError(f"not the {name} of a clip")
            lowest = -(1 << 53) if name == "start_ms" else 0
            if name == "high_range" and value not in ("", *CURVES):
                raise ValueError("not the light of a clip")
            if isinstance(value, int | float) and not lowest <= value < 1 << 53:
                raise ValueError(f"not the {name} of a clip")
        return cls(**document)
