"""Sound formats without a container: is every frame there, one behind the other, to the end?

MP3 and ADTS AAC are rows of frames, each with its own length in its first bytes; Ogg is a row of pages likewise. A file
cut off in transit ends in the middle of one. Only the headers are read, a bounded number of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import BinaryIO

from clips.errors import Truncated, Unreadable

# At 26 ms for an MP3 frame this is more than twenty minutes.
MAX_FRAMES = 50_000
_MPEG_1_KBPS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MPEG_2_KBPS = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MP3_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
# What players and taggers append to an MP3: ID3v1, APE and Lyrics3 tags, and padding.
_TAILS = (b"TAG", b"APET", b"LYRI", b"ID3", b"3DI", b"\0\0\0\0")


def mp3_frame(head: bytes) -> int:
    """The length in bytes of the MPEG layer III frame that begins so; 0 when none does."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return 0
    version, bitrate, rate = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    # Bitrate 0 is "free", which no encoder in use writes and which has no length of its own.
    if version == 1 or rate == 3 or not 1 <= bitrate <= 14:
        return 0
    first = version == 3
    kbps = (_MPEG_1_KBPS if first else _MPEG_2_KBPS)[bitrate - 1]
    return (144_000 if first else 72_000) * kbps // _MP3_RATES[version][rate] + (head[2] >> 1 & 1)


def adts_frame(head: bytes) -> int:
    """The length in bytes of the ADTS AAC frame that begins so; 0 when none does."""
    if len(head) < 6 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return 0
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return length if length > 7 else 0


def check_mp3(file: BinaryIO, size: int) -> None:
    """Raises Truncated or Unreadable. Encoders may have written the number of frames into the first, which is none."""
    frames = _check_frames(file, size, mp3_frame)
    file.seek(_after_id3(file, size))
    first = file.read(64)
    for mark in (b"Xing", b"Info"):
        at = first.find(mark)
        if at > 0 and first[at + 7] & 1 and int.from_bytes(first[at + 8 : at + 12]) > frames - 1:
            raise Truncated


def check_aac(file: BinaryIO, size: int) -> None:
    """Raises Truncated or Unreadable."""
    _check_frames(file, size, adts_frame)


def _check_frames(file: BinaryIO, size: int, length_of: Callable[[bytes], int]) -> int:
    """How many frames there are. Raises Truncated or Unreadable."""
    at, frames = _after_id3(file, size), 0
    while at < size:
        file.seek(at)
        head = file.read(8)
        length = length_of(head)
        if not length:
            if frames and (head.startswith(_TAILS) or not head.strip(b"\0")):
                break
            # Up to the last few bytes of a header, for which there was no room any more.
            raise Truncated if frames and size - at < 8 else Unreadable("The row of sound frames is broken.")
        if at + length > size:
            raise Truncated
        at += length
        frames += 1
        if frames > MAX_FRAMES:
            raise Unreadable("There are too many sound frames in this file.")
    if not frames:
        raise Truncated("There is a header and no sound behind it.")
    return frames


def _after_id3(file: BinaryIO, size: int) -> int:
    """Where the frames begin: behind any ID3v2 tags, each of which says how long it is. Raises Truncated."""
    at = 0
    for _ in range(8):
        file.seek(at)
        head = file.read(10)
        if head[:3] != b"ID3" or len(head) < 10:
            break
        # Seven bits in each byte, so that no length looks like the start of a frame; a flag announces a footer.
        at += 10 + sum((byte & 0x7F) << 7 * (3 - n) for n, byte in enumerate(head[6:10])) + (10 if head[5] & 16 else 0)
        if at > size:
            raise Truncated
    return at


def check_ogg(file: BinaryIO, size: int) -> None:
    """Pages to the very end, and for each stream in them a last one that says so. Raises Truncated or Unreadable."""
    at, pages, open_streams, seen = 0, 0, set[bytes](), set[bytes]()
    while at < size:
        file.seek(at)
        head = file.read(27)
        if head[:4] != b"OggS":
            raise Unreadable("The row of pages is broken.") if pages == 0 or size - at >= 27 else Truncated
        table = file.read(head[26]) if len(head) == 27 else b""
        if len(head) < 27 or len(table) < head[26]:
            raise Truncated
        stream = head[14:18]
        seen.add(stream)
        if head[5] & 4:
            open_streams.discard(stream)
        else:
            open_streams.add(stream)
        at += 27 + len(table) + sum(table)
        pages += 1
        if pages > MAX_FRAMES or len(seen) > 64:
            raise Unreadable("There are too many pages in this file.")
    if at > size or open_streams:
        raise Truncated


def check_flac(file: BinaryIO, size: int) -> None:
    """The blocks before the sound; that the sound is whole shows when its samples are counted.

    Raises Truncated or Unreadable.
    """
    at = 4
    for number in range(128):
        file.seek(at)
        head = file.read(4)
        if len(head) < 4:
            raise Truncated
        if number == 0 and (head[0] & 0x7F or int.from_bytes(head[1:]) != 34):
            raise Unreadable("The file's outline is broken.")
        at += 4 + int.from_bytes(head[1:])
        if at >= size:
            raise Truncated
        if head[0] & 0x80:
            return
    raise Unreadable("There are too many blocks in this file.")


def check_wav(file: BinaryIO, size: int) -> None:
    """A RIFF chunk that holds chunks, of which one is the sound. Raises Truncated or Unreadable."""
    file.seek(0)
    head = file.read(36)
    claimed, sound_length = int.from_bytes(head[4:8], "little"), 0
    if head[12:16] == b"ds64":
        # RF64: the lengths of all and of the sound stand here, with 64 bits, and there the highest number.
        claimed, sound_length = (int.from_bytes(head[at : at + 8], "little") for at in (20, 28))
    elif head[:4] != b"RIFF":
        raise Unreadable("The file's outline is broken.")
    # Writers that could not go back left 0 or the highest number.
    if claimed not in (0, 0xFFFFFFFF) and claimed + 8 > size:
        raise Truncated
    at, sound = 12, False
    for _ in range(1000):
        file.seek(at)
        chunk = file.read(8)
        if len(chunk) < 8:
            break
        length = int.from_bytes(chunk[4:], "little")
        if chunk[:4] == b"data":
            length = sound_length if length == 0xFFFFFFFF and sound_length else length
            if length in (0, 0xFFFFFFFF):
                return
            sound = True
        if at + 8 + length > size:
            raise Truncated
        at += 8 + length + (length & 1)
    if not sound:
        raise Truncated("There is a header and no sound behind it.")


CHECKS: dict[str, Callable[[BinaryIO, int], None]] = {
    "mp3": check_mp3,
    "aac": check_aac,
    "ogg": check_ogg,
    "flac": check_flac,
    "wav": check_wav,
}


def check(file: BinaryIO, *, demuxer: str) -> None:
    """Refuse a sound file that stops before its own end. Raises Truncated or Unreadable."""
    CHECKS[demuxer](file, os.fstat(file.fileno()).st_size)
