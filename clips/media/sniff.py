"""Which one demuxer may open this file: decided from its first bytes, before any media library sees it.

ffmpeg left to itself tries some 350 formats, among them text formats that name other files (ffconcat, HLS, DASH, SDP)
and pictures that name URLs (SVG). Pinning the demuxer closes all of those doors at once, so only a few formats are
known here, and a file that is not plainly one of them is refused.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path, PurePath

from clips.errors import EmptyFile, ExtensionMismatch, NotAVideo, UnsupportedExtension
from clips.media.facts import Kind

# Enough for an EBML header and for five MPEG-TS packets of either size.
HEAD_BYTES = 4096

VIDEO_ONLY: frozenset[Kind] = frozenset({"video"})
EVERY_KIND: frozenset[Kind] = frozenset({"video", "voice"})

# Name ending -> demuxer, by ffmpeg's short name. Any of these may turn out to hold sound alone.
DEMUXERS = {
    "mp4": "mov",
    "m4v": "mov",
    "mov": "mov",
    "3gp": "mov",
    "3g2": "mov",
    "avi": "avi",
    "mkv": "matroska",
    "webm": "matroska",
    "ts": "mpegts",
    "mts": "mpegts",
    "m2ts": "mpegts",
}
# These hold sound; what picture they have is a cover.
VOICE_DEMUXERS = {
    "m4a": "mov",
    "weba": "matroska",
    "mka": "matroska",
    "wav": "wav",
    "flac": "flac",
    "mp3": "mp3",
    "aac": "aac",
    "ogg": "ogg",
    "oga": "ogg",
    "opus": "ogg",
}

# An ISO file begins with ftyp; QuickTime files older than it begin with one of the others.
_ISO_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
# Brands of the same container family that hold still pictures, protected media or sound only.
_STILL_BRANDS = frozenset(
    b"M4P |heic|heix|heim|heis|hevc|hevx|mif1|msf1|avif|avis|jp2 |jpx |jpm |mjp2|crx ".split(b"|")
)
_SOUND_BRANDS = frozenset(b"M4A |M4B |F4A |F4B ".split(b"|"))
# Beyond 4 GB, or in case it may come to that, recorders write the latter two: a RIFF whose lengths stand in a chunk.
WAVES = (b"RIFF", b"RF64", b"BW64")
_EBML = b"\x1a\x45\xdf\xa3"
_TS_SYNC = 0x47
# What people send by mistake, by its first bytes in small letters.
_OTHERS = (
    (b"gif8", "a GIF picture"),
    (b"\x89png", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"%pdf", "a PDF document"),
    (b"pk\x03\x04", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"#extm3u", "a playlist; send the clip itself"),
    (b"flv\x01", "Flash video; send MP4"),
    (b"0&\xb2u\x8ef\xcf\x11", "Windows Media; send MP4 or WAV"),
    (b"\x00\x00\x01\xba", "an MPEG program stream; send MP4 with H.264"),
    (b"form", "an AIFF recording; send WAV or FLAC"),
    (b"caff", "a Core Audio recording; send WAV or M4A"),
    (b"#!amr", "a bare AMR recording; send it in 3GP, or as WAV"),
    (b"riff.\x91\xcf\x11", "a Wave64 recording; send WAV or FLAC"),
)
# Plain transport streams, and those of camcorders (.mts), which put a four-byte clock before each packet.
TS_PACKETS = ((188, 0), (192, 4))


def extension_of(name: str) -> str:
    """The ending of a file name, lower case, without its dot. The name is only ever text and may be anything."""
    return PurePath(name.replace("\\", "/").replace("\0", "")).suffix.lower().removeprefix(".")


def sniff(head: bytes, *, extension: str, kinds: Collection[Kind] = VIDEO_ONLY) -> str:
    """Name the demuxer for a file that begins with ``head`` and whose name ends in ``extension``.

    ``kinds`` says what is taken here. Raises EmptyFile, UnsupportedExtension, NotAVideo, or ExtensionMismatch when
    name and bytes disagree.
    """
    if not head:
        raise EmptyFile
    voice = "voice" in kinds
    taken = DEMUXERS | VOICE_DEMUXERS if voice else DEMUXERS
    expected = taken.get(extension.lower().removeprefix("."))
    if expected is None:
        raise UnsupportedExtension(f"Send one of: {', '.join(sorted(taken))}.")
    found = _family(head, sound_brands=voice) or (_sound_family(head, expected) if voice else None)
    if found is None:
        raise NotAVideo(_looks(head))
    if found != expected:
        raise ExtensionMismatch
    return found


def sniff_file(path: Path, *, extension: str, kinds: Collection[Kind] = VIDEO_ONLY) -> str:
    """``sniff`` for a file on disk; reads its first few kilobytes."""
    with path.open("rb") as file:
        return sniff(file.read(HEAD_BYTES), extension=extension, kinds=kinds)


def ts_packet(head: bytes) -> tuple[int, int] | None:
    """Packet size and offset of the sync byte if ``head`` is a transport stream: five packets in step, or all."""
    for size, offset in TS_PACKETS:
        syncs = head[offset : 5 * size : size]
        if len(syncs) >= 2 and all(byte == _TS_SYNC for byte in syncs):
            return size, offset
    return None


def _looks(head: bytes) -> str:
    """A sentence on what it seems to be instead, or nothing."""
    for mark, what in _OTHERS:
        if head.lstrip().lower().startswith(mark):
            return f"It begins like {what}."
    return ""


def _family(head: bytes, *, sound_brands: bool) -> str | None:
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if head[:4] == _EBML and (b"\x42\x82\x84webm" in head[:128] or b"\x42\x82\x88matroska" in head[:128]):
        return "matroska"
    if head[4:8] in _ISO_FIRST_BOXES and len(head) >= 16:
        brand = head[8:12] if head[4:8] == b"ftyp" else b""
        # The first byte of a box length is zero in any sane file (it would be 16 MiB or more), save for mdat.
        sane = head[4:8] == b"mdat" or head[0] == 0
        known = brand not in _STILL_BRANDS and (sound_brands or brand not in _SOUND_BRANDS)
        return "mov" if sane and known else None
    return "mpegts" if ts_packet(head) else None


def _sound_family(head: bytes, expected: str) -> str | None:
    if head[:4] in WAVES and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"fLaC":
        return "flac"
    if head[:5] == b"OggS\0":
        return "ogg"
    if head[:3] == b"ID3":
        # A tag, with the frames it belongs to behind it, perhaps far; ``structure`` looks at those.
        return "aac" if expected == "aac" else "mp3"
    # Eleven or twelve set bits begin a frame; the two bits of its layer tell the formats apart.
    if len(head) >= 4 and head[0] == 0xFF:
        if head[1] & 0xF6 == 0xF0:
            return "aac"
        if head[1] & 0xE6 == 0xE2:
            return "mp3"
    return None
