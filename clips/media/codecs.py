"""The codings a clip may use, and the decoders that may be started for them.

Home cameras, phones and their apps produce these; everything else ffmpeg can decode (some 500 decoders, most of them
for files nobody has sent in twenty years) is only a way in for a hostile file.
"""

from __future__ import annotations

from collections.abc import Iterable

# Coding, by ffmpeg's name for it -> decoders, by ffmpeg's names. The binary and PyAV differ in which they carry.
VIDEO: dict[str, tuple[str, ...]] = {
    "h264": ("h264",),
    "hevc": ("hevc",),
    "vp8": ("vp8",),
    "vp9": ("vp9",),
    "av1": ("libdav1d",),
    "mpeg4": ("mpeg4",),
    "mjpeg": ("mjpeg",),
    "msmpeg4v1": ("msmpeg4v1",),
    "msmpeg4v2": ("msmpeg4v2",),
    "msmpeg4v3": ("msmpeg4",),
    "cinepak": ("cinepak",),
    "h263": ("h263",),
}

AUDIO: dict[str, tuple[str, ...]] = {
    "aac": ("aac",),
    "mp3": ("mp3float", "mp3"),
    "opus": ("opus", "libopus"),
    "vorbis": ("vorbis",),
    "ac3": ("ac3",),
    "flac": ("flac",),
    "amr_nb": ("amrnb",),
    "amr_wb": ("amrwb",),
    "adpcm_ima_wav": ("adpcm_ima_wav",),
    "adpcm_ima_qt": ("adpcm_ima_qt",),
    "adpcm_ms": ("adpcm_ms",),
    "pcm_mulaw": ("pcm_mulaw",),
    "pcm_alaw": ("pcm_alaw",),
    "pcm_u8": ("pcm_u8",),
    "pcm_s8": ("pcm_s8",),
    "pcm_s16le": ("pcm_s16le",),
    "pcm_s16be": ("pcm_s16be",),
    "pcm_s24le": ("pcm_s24le",),
    "pcm_s24be": ("pcm_s24be",),
    "pcm_s32le": ("pcm_s32le",),
    "pcm_s32be": ("pcm_s32be",),
    "pcm_f32le": ("pcm_f32le",),
    "pcm_f32be": ("pcm_f32be",),
}

# What to send instead, for those who are refused: what any camera, phone or program can write.
INSTEAD = {
    "picture": "H.264, HEVC, VP8, VP9, AV1, MPEG-4 or Motion JPEG",
    "sound": "AAC, MP3, Opus, Vorbis, AC-3, FLAC or PCM",
}


def whitelist(codings: Iterable[str] | None = None) -> str:
    """ffmpeg's ``-codec_whitelist`` for these codings; for every allowed one when none are named."""
    known = VIDEO | AUDIO
    names = known if codings is None else [coding for coding in codings if coding in known]
    return ",".join(decoder for coding in names for decoder in known[coding])
