"""Files nobody should send, made on the spot: each function writes one and says what it tries.

All of them start from a whole clip of ``clips/samples`` where one is needed, so that only the hostile part is odd.
"""

from __future__ import annotations

import io
import random
import socket
import subprocess
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg

FFMPEG = Path(imageio_ffmpeg.get_ffmpeg_exe())
SAMPLES = Path(__file__).resolve().parents[1] / "clips" / "samples"

SCRIPT = "<script>alert(1)</script>"
PLACE = "+52.5200+013.4050/"
# What must never reach a rendition: a title, a comment, a place, a name, a caption.
PERSONAL = (SCRIPT, PLACE, "taken at home", "Ada Example", "the key is under the mat")


def ffmpeg(*arguments: str | Path) -> None:
    """Run ffmpeg as any stranger would, to make a file."""
    subprocess.run([FFMPEG, "-nostdin", "-y", "-loglevel", "error", *arguments], check=True, timeout=60)


def pattern(
    path: Path,
    *options: str,
    size: str = "320x240",
    rate: int = 25,
    seconds: float = 2,
    more: str = "",
    sound: bool = False,
) -> Path:
    """A moving test picture, with a tone if ``sound``; ``more`` are further filters, ``options`` say how to code it."""
    inputs = ["-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}:duration={seconds}{more}"]
    if sound:
        inputs += ["-f", "lavfi", "-i", f"sine=duration={seconds}"]
    ffmpeg(*inputs, *(options or ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")), path)
    return path


def not_videos(canary: Path) -> dict[str, bytes]:
    """What is no video at all, by the name of the trick.

    Among it texts that a media library left to itself would follow to the clip ``canary`` or to the network.
    """
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("clip.mp4", b"\0" * 1000)
    return {
        "text": b"not a video, however long it goes on\n" * 40,
        "zeros": bytes(4096),
        "html": b"<!doctype html><title>x</title>" + SCRIPT.encode() * 20,
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="http://127.0.0.1:9/x.png"/></svg>',
        "zip": archive.getvalue(),
        "ffconcat": f"ffconcat version 1.0\nfile {canary.name}\n".encode(),
        "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{canary}\n#EXT-X-ENDLIST\n".encode(),
        "dash": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"></MPD>',
        "sdp": b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nm=video 9 RTP/AVP 96\r\n",
        "jpeg": bytes.fromhex("ffd8ffe000104a46494600010100000100010000") + bytes(100),
        "wav": b"RIFF\x24\0\0\0WAVEfmt " + bytes(24),
        "audio-only mp4 brand": b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42" + bytes(64),
    }


def edit_boxes(data: bytes, where: tuple[bytes, ...], change: Callable[[bytes], bytes]) -> bytes:
    """``data``, a row of ISO boxes, with the content of every box at ``where`` changed and the lengths put right."""
    out, at = b"", 0
    while at + 8 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4]), data[at + 4 : at + 8]
        content = data[at + 8 : at + length]
        if kind == where[0]:
            content = edit_boxes(content, where[1:], change) if where[1:] else change(content)
        out += (len(content) + 8).to_bytes(4) + kind + content
        at += length
    return out


def _number_at(place: int, value: int) -> Callable[[bytes], bytes]:
    return lambda content: content[:place] + value.to_bytes(4) + content[place + 4 :]


_DREF = (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref")


def media_elsewhere(path: Path, other: Path, clip: Path) -> Path:
    """QuickTime whose media are "in" ``other``, a file beside it: an index and nothing to go with it.

    The reference is a Macintosh alias record, the one kind that ffmpeg can follow (``-enable_drefs 1``).
    """
    name = other.name.encode()
    record = bytes(10) + bytes([4]) + b"disk".ljust(27, b"\0") + bytes(12)
    record += bytes([len(name)]) + name.ljust(63, b"\0") + bytes(16)
    record += (1).to_bytes(2) + (1).to_bytes(2) + bytes(16)
    inside = b"disk:" + name
    record += (2).to_bytes(2) + len(inside).to_bytes(2) + inside + b"\0" * (len(inside) % 2) + b"\xff\xff\0\0"
    entry = bytes(4) + record
    reference = bytes(4) + (1).to_bytes(4) + (len(entry) + 8).to_bytes(4) + b"alis" + entry
    data = edit_boxes(clip.read_bytes(), _DREF, lambda content: reference)
    # An empty place for media of its own, so that the outline alone looks whole.
    path.write_bytes(edit_boxes(data, (b"mdat",), lambda content: b""))
    return path


def hundred_hours(path: Path, clip: Path, *, everywhere: bool) -> Path:
    """A short MP4 that claims a hundred hours: in its headers, and with ``everywhere`` by every picture's length."""
    seconds, data = 360_000, clip.read_bytes()
    data = edit_boxes(data, (b"moov", b"mvhd"), _number_at(16, seconds * 1000))
    data = edit_boxes(data, (b"moov", b"trak", b"tkhd"), _number_at(20, seconds * 1000))
    if everywhere:
        data = edit_boxes(data, (b"moov", b"trak", b"edts", b"elst"), _number_at(8, seconds * 1000))
        data = edit_boxes(data, (b"moov", b"trak", b"mdia", b"mdhd"), _number_at(16, 0xF0000000))
        data = edit_boxes(data, (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stts"), _long_pictures)
    path.write_bytes(data)
    return path


def _long_pictures(stts: bytes) -> bytes:
    count = int.from_bytes(stts[8:12])
    return stts[:12] + (0xF0000000 // count).to_bytes(4) + stts[16:]


def enormous_picture(path: Path) -> Path:
    """Some 700 kilobytes that decode to one picture of 256 million pixels."""
    ffmpeg(
        *("-f", "lavfi", "-i", "color=s=16000x16000:d=1,format=yuv420p", "-frames:v", "1", "-c:v", "libx264"),
        *("-preset", "ultrafast", "-tune", "zerolatency", "-x264-params", "rc-lookahead=0:aq-mode=0", path),
    )
    return path


def many_streams(path: Path, clip: Path, *, count: int = 40) -> Path:
    """A clip with its picture ``count`` times over."""
    ffmpeg("-t", "1", "-i", clip, *(["-map", "0:v:0"] * count), "-c", "copy", path)
    return path


def personal(path: Path, clip: Path) -> Path:
    """A QuickTime clip that tells where, when and by whom it was taken, in tags, a chapter and a caption track."""
    title, place, comment, artist, caption = PERSONAL
    captions, chapters = path.with_suffix(".srt"), path.with_suffix(".ini")
    captions.write_text(f"1\n00:00:00,000 --> 00:00:05,000\n{caption}\n")
    chapters.write_text(f";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=4\ntitle={comment}\n")
    tags = {"title": title, "location": place, "comment": comment, "artist": artist}
    ffmpeg(
        *("-i", clip, "-i", captions, "-i", chapters),
        *("-map", "0", "-map", "1", "-map_metadata", "2", "-map_chapters", "2"),
        *(word for name, value in tags.items() for word in ("-metadata", f"{name}={value}")),
        *("-metadata", "creation_time=2026-01-02T03:04:05Z", "-c", "copy", "-c:s", "mov_text", path),
    )
    return path


def cut(path: Path, clip: Path, share: float) -> Path:
    """The first ``share`` of a clip's bytes."""
    data = clip.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def cut_and_mended(path: Path, clip: Path, share: float) -> Path:
    """A clip cut off whose outer lengths were put right (or left open), so that only counting shows it."""
    data = bytearray(clip.read_bytes())
    del data[int(len(data) * share) :]
    if data[:4] == b"RIFF":
        data[4:8] = bytes(4)
    else:
        mdat = data.index(b"mdat")
        data[mdat - 4 : mdat] = bytes(4)
    path.write_bytes(data)
    return path


def with_tail(path: Path, clip: Path) -> Path:
    """A whole clip and a web page behind it."""
    path.write_bytes(clip.read_bytes() + b"<html><body>" + SCRIPT.encode() + b"</body></html>")
    return path


def texts(canary: Path, port: int) -> dict[str, str]:
    """Texts that name other places, by the name of the trick: the clip ``canary`` or this machine's ``port``."""
    there = f"http://127.0.0.1:{port}"
    return {
        "ffconcat beside": f"ffconcat version 1.0\nfile {canary.name}\n",
        "ffconcat above": f"ffconcat version 1.0\nfile ../{canary.parent.name}/{canary.name}\n",
        "ffconcat absolute": f"ffconcat version 1.0\nfile '{canary}'\n",
        "ffconcat network": f"ffconcat version 1.0\nfile {there}/x.mp4\n",
        "hls absolute": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{canary}\n#EXT-X-ENDLIST\n",
        "hls network": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{there}/x.ts\n#EXT-X-ENDLIST\n",
        "hls of itself": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nclip.mp4\n",
        "hls key": f'#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{there}/key"\n#EXTINF:9,\n{canary}\n#EXT-X-ENDLIST\n',
        "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
        f"<Representation><BaseURL>{there}/x.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>",
        "smooth streaming": f'<SmoothStreamingMedia Duration="1" Url="{there}/x"></SmoothStreamingMedia>',
        "svg": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{there}/x.png"/></svg>',
        "sdp": f"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nm=video {port} RTP/AVP 96\r\n",
        "asx": f'<asx version="3.0"><entry><ref href="{there}/x.wmv"/></entry></asx>',
        "rtsp list": f"[playlist]\nFile1=rtsp://127.0.0.1:{port}/x\nNumberOfEntries=1\n",
        "pictures by number": "clip%03d.jpg",
        "subtitles": f"1\n00:00:00,000 --> 00:00:05,000\n<img src={there}/x.png>\n",
        "vapoursynth": f"import urllib.request; urllib.request.urlopen('{there}')",
        "avisynth": f'DirectShowSource("{canary}")',
    }


def wrapped(text: str) -> dict[str, bytes]:
    """A text behind the first bytes of each format, as if the bytes that name a format were all there is to it."""
    body = text.encode()
    riff = (len(body) + 12).to_bytes(4, "little")
    return {
        "mp4": b"\0\0\0\x18ftypisom\0\0\2\0isommp41" + (len(body) + 8).to_bytes(4) + b"mdat" + body,
        "mov": b"\0\0\0\x08wide" + (len(body) + 8).to_bytes(4) + b"mdat" + body,
        "avi": b"RIFF" + riff + b"AVI " + body.ljust(64, b" "),
        "mkv": bytes.fromhex("1a45dfa38b4282886d6174726f736b61") + b"\x18\x53\x80\x67\xff" + body,
        "ts": b"".join(b"\x47\x40\0\x10" + body[:184].ljust(184, b"\xff") for _ in range(8)),
        "wav": b"RIFF" + riff + b"WAVE" + b"data" + (len(body)).to_bytes(4, "little") + body,
        "flac": b"fLaC\x80\0\0\x22" + bytes(34) + body,
        "ogg": b"OggS\0\6" + bytes(20) + b"\1" + bytes([min(255, len(body))]) + body[:255],
        "mp3": b"ID3\4\0\0\0\0\0" + bytes([min(127, len(body))]) + body[:127] + b"\xff\xfb\x90\0" + bytes(413),
        "aac": bytes.fromhex("fff150802e7ffc") + body[:364].ljust(364, b"\0"),
    }


def encrypted(path: Path, clip: Path) -> Path:
    """A clip under common encryption, whose key nobody here has."""
    key = ("-encryption_key", "00112233445566778899aabbccddeeff", "-encryption_kid", "a" * 32)
    ffmpeg("-i", clip, "-c", "copy", "-encryption_scheme", "cenc-aes-ctr", *key, path)
    return path


def many_chapters(path: Path, clip: Path, *, count: int = 5000) -> Path:
    """A clip cut into thousands of chapters."""
    chapters = path.with_suffix(".ini")
    marks = (f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={n}\nEND={n + 1}\ntitle={n}\n" for n in range(count))
    chapters.write_text(";FFMETADATA1\n" + "".join(marks))
    ffmpeg("-i", clip, "-i", chapters, "-map", "0", "-map_chapters", "1", "-c", "copy", path)
    return path


def many_pictures(path: Path) -> Path:
    """Two thousand pictures in one second."""
    ffmpeg("-f", "lavfi", "-i", "color=s=16x16:r=2000:d=1", "-c:v", "libx264", "-preset", "ultrafast", path)
    return path


def polyglot(path: Path, clip: Path) -> Path:
    """A whole clip with a web page before its media, in a box that players pass over."""
    page = b"<html><body>" + SCRIPT.encode() + b"</body></html>"
    # In fragments places are counted from each one's own beginning, so that something may be put between.
    ffmpeg("-i", clip, "-c", "copy", "-movflags", "frag_keyframe+empty_moov+default_base_moof", path)
    data = path.read_bytes()
    first = int.from_bytes(data[:4])
    path.write_bytes(data[:first] + (len(page) + 8).to_bytes(4) + b"free" + page + data[first:])
    return path


def tag_bomb(path: Path, clip: Path) -> Path:
    """An MP3 behind a tag that claims 256 MB."""
    ffmpeg("-i", clip, "-vn", "-id3v2_version", "0", path)
    path.write_bytes(b"ID3\4\0\0\x7f\x7f\x7f\x7f" + path.read_bytes())
    return path


def hours_of_flac(path: Path, clip: Path) -> Path:
    """A FLAC whose header claims all the samples it can: 26 hours at this rate, or more."""
    ffmpeg("-i", clip, "-vn", path)
    data = bytearray(path.read_bytes())
    # STREAMINFO begins at 8; 36 bits of its 21st to 26th byte count the samples.
    data[21] |= 0x0F
    data[22:26] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    return path


def mangled(data: bytes, seed: int) -> bytes:
    """A file as a bad disk, a bad line or a bad person might leave it: one to four changes of any kind.

    Of every two seeds one leaves all in its place, so that outlines stay whole and the decoders get something to do.
    """
    chance, out = random.Random(seed), bytearray(data)
    for _ in range(chance.randint(1, 4)):
        reach = min(len(out), chance.choice([64, 600, 8000, len(out)]))
        at = chance.randrange(reach)
        size = chance.choice([1, 2, 4, 8, 64, 1024])
        match chance.choice((0, 1, 2, 3, 7) if seed % 2 else range(8)):
            case 0:
                out[at] ^= 1 << chance.randrange(8)
            case 1:
                out[at : at + 4] = chance.choice([b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\1"])
            case 2:
                out[at : at + size] = bytes(size)
            case 3:
                out[at : at + size] = chance.randbytes(size)
            case 4:
                del out[at : at + size]
            case 5:
                out[at:at] = out[at : at + size]
            case 6:
                del out[chance.randrange(len(out) // 2, len(out)) :]
            case _:
                other = chance.randrange(len(out) - size)
                out[at : at + size] = out[other : other + len(out[at : at + size])]
        if len(out) < 2048:
            break
    return bytes(out)


def mutated(clip: Path, seed: int) -> bytes:
    """A clip with some bytes of its headers, and fewer elsewhere, changed by chance."""
    chance, data = random.Random(seed), bytearray(clip.read_bytes())
    for _ in range(chance.randint(1, 12)):
        data[chance.randrange(min(len(data), chance.choice([400, 8000, len(data)])))] = chance.choice([0, 1, 127, 255])
    return bytes(data)


class Listener:
    """A canary on the network: counts who connects to a port of this machine, and never answers."""

    def __init__(self) -> None:
        self._count_so_far = 0
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self._thread = threading.Thread(target=self._count, daemon=True)

    def _count(self) -> None:
        while True:
            try:
                caller, _ = self._door.accept()
            except OSError:
                return
            self._count_so_far += 1
            caller.close()

    @property
    def connections(self) -> int:
        """How many came, a moment ago and before: a connection stands before it is counted."""
        time.sleep(0.2)
        return self._count_so_far

    def __enter__(self) -> Listener:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._thread.join(5)
