"""What is known of a clip once it has been read."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Facts:
    """A clip as its file is, before any rendering.

    ``width`` and ``height`` are of the picture as stored; turned by ``rotation`` (0 to 359 degrees, clockwise) it
    stands upright. ``duration_ms`` is from the first to the end of the last picture or sound. ``frames`` counts stored
    pictures, which is less than duration times ``frame_rate`` in files that leave out unchanged ones. ``demuxer``
    and the codecs are ffmpeg's names.
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

    @classmethod
    def from_document(cls, document: Any) -> Facts:
        """Facts out of JSON. What comes from a decoder's process is believed no further than its types.

        Raises ValueError for anything else than exactly these members, each of its own type and none negative.
        """
        types: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool}
        names = {field.name: types[str(field.type)] for field in fields(cls)}
        if not isinstance(document, dict) or set(document) != set(names):
            raise ValueError("not the facts of a clip")
        for name, kind in names.items():
            value = document[name]
            if type(value) is not kind or (isinstance(value, str) and len(value) > 40):
                raise ValueError(f"not the {name} of a clip")
            if isinstance(value, int | float) and not 0 <= value < 1 << 53:
                raise ValueError(f"not the {name} of a clip")
        return cls(**document)
