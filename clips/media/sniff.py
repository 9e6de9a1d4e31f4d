"""Which one demuxer may open this file: decided from its first bytes, before any media library sees it.

ffmpeg left to itself tries some 350 formats, among them text formats that name other files (ffconcat, HLS, DASH, SDP)
and pictures that name URLs (SVG). Pinning the demuxer closes all of those doors at once, so only four formats are
known here, and a file that is not plainly one of them is refused.
"""

from __future__ import annotations

from pathlib import Path, PurePath

from clips.errors import EmptyFile, ExtensionMismatch, NotAVideo, UnsupportedExtension

# Enough for an EBML header and for five MPEG-TS packets of either size.
HEAD_BYTES = 4096

# Name ending -> demuxer, by ffmpeg's short name.
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

# An ISO file begins with ftyp; QuickTime files older than it begin with one of the others.
_ISO_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
# Brands of the same container family that hold sound or still pictures only.
_NOT_VIDEO_BRANDS = frozenset(
    b"M4A |M4B |M4P |F4A |F4B |heic|heix|heim|heis|hevc|hevx|mif1|msf1|avif|avis|jp2 |jpx |jpm |mjp2|crx ".split(b"|")
)
_EBML = b"\x1a\x45\xdf\xa3"
_TS_SYNC = 0x47
# Plain transport streams, and those of camcorders (.mts), which put a four-byte clock before each packet.
TS_PACKETS = ((188, 0), (192, 4))


def extension_of(name: str) -> str:
    """The ending of a file name, lower case, without its dot. The name is only ever text and may be anything."""
    return PurePath(name.replace("\\", "/").replace("\0", "")).suffix.lower().removeprefix(".")


def sniff(head: bytes, *, extension: str) -> str:
    """Name the demuxer for a file that begins with ``head`` and whose name ends in ``extension``.

    Raises EmptyFile, UnsupportedExtension, NotAVideo, or ExtensionMismatch when name and bytes disagree.
    """
    if not head:
        raise EmptyFile
    expected = DEMUXERS.get(extension.lower().removeprefix("."))
    if expected is None:
        raise UnsupportedExtension(f"Send one of: {', '.join(sorted(DEMUXERS))}.")
    found = _family(head)
    if found is None:
        raise NotAVideo
    if found != expected:
        raise ExtensionMismatch
    return found


def sniff_file(path: Path, *, extension: str) -> str:
    """``sniff`` for a file on disk; reads its first few kilobytes."""
    with path.open("rb") as file:
        return sniff(file.read(HEAD_BYTES), extension=extension)


def ts_packet(head: bytes) -> tuple[int, int] | None:
    """Packet size and offset of the sync byte if ``head`` is a transport stream: five packets in step, or all."""
    for size, offset in TS_PACKETS:
        syncs = head[offset : 5 * size : size]
        if len(syncs) >= 2 and all(byte == _TS_SYNC for byte in syncs):
            return size, offset
    return None


def _family(head: bytes) -> str | None:
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if head[:4] == _EBML and (b"\x42\x82\x84webm" in head[:128] or b"\x42\x82\x88matroska" in head[:128]):
        return "matroska"
    if head[4:8] in _ISO_FIRST_BOXES and len(head) >= 16:
        # The first byte of a box length is zero in any sane file (it would be 16 MiB or more), save for mdat.
        sane = head[4:8] == b"mdat" or head[0] == 0
        return "mov" if sane and not (head[4:8] == b"ftyp" and head[8:12] in _NOT_VIDEO_BRANDS) else None
    return "mpegts" if ts_packet(head) else None
