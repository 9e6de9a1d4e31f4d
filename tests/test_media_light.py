"""Footage made for other screens: of high dynamic range, and interlaced. Looked at as a reviewer sees it, decoded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import pytest

from clips.media.facts import CURVES, Facts
from clips.media.limits import Limits
from clips.media.probe import probe
from clips.media.render import make
from tests import hostile
from tests.hostile import FFMPEG
from tests.test_media_renditions import QUICK, by_kind, pictures

LIMITS = Limits()
# A field of white, one of skin, one nearly black and one of grey, and where to look at each.
FIELDS = (
    "color=c=0x808080:s=320x240:d=0.4,format=yuv420p,drawbox=w=160:h=120:c=white:t=fill,"
    "drawbox=x=160:w=160:h=120:c=0xc08060:t=fill,drawbox=y=120:w=160:h=120:c=0x101010:t=fill"
)
PLACES = ((80, 60), (240, 60), (80, 180), (240, 180))
ORDINARY = "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=limited"


def high_range(path: Path, curve: str, *, size: str = "320:240") -> Path:
    """The fields as a phone films them: ten bits, BT.2020, white at 203 candela, and a note on the mastering screen."""
    filters = (
        f"scale={size}:out_color_matrix=bt709:out_range=limited,{ORDINARY},zscale=t=linear:npl=203,format=gbrpf32le,"
        f"zscale=p=2020:t={curve}:m=2020_ncl:r=limited:npl=203,format=yuv420p10le"
    )
    coded = (
        f"log-level=none:colorprim=bt2020:transfer={curve}:colormatrix=bt2020nc:max-cll=1000,400:"
        "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
    )
    how = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", coded, "-tag:v", "hvc1")
    hostile.ffmpeg("-f", "lavfi", "-i", FIELDS, "-vf", filters, *how, path)
    return path


def light(path: Path) -> list[int]:
    """How bright each field of the first picture is."""
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0)).reformat(format="gray", dst_color_range="JPEG")
        plane, line = bytes(frame.planes[0]), frame.planes[0].line_size
    return [plane[y * line + x] for x, y in PLACES]


def facts_of(path: Path) -> Facts:
    return probe(path, extension=path.suffix, limits=LIMITS)


def made(path: Path, out: Path, facts: Facts) -> dict[str, Path]:
    out.mkdir()
    return {kind: one.path for kind, one in by_kind(make(path, out, facts, ffmpeg=FFMPEG, limits=LIMITS)).items()}


@pytest.mark.parametrize("name", CURVES)
def test_high_dynamic_range_is_shown_as_any_screen_can(tmp_path: Path, name: str) -> None:
    hostile.ffmpeg(
        "-f", "lavfi", "-i", FIELDS, "-vf", f"scale=out_color_matrix=bt709,{ORDINARY}", *QUICK, tmp_path / "a.mp4"
    )
    white, *darker = light(tmp_path / "a.mp4")
    clip = high_range(tmp_path / "high.mp4", CURVES[name])
    facts = facts_of(clip)
    assert facts.high_range == name
    flat = made(clip, tmp_path / "control", replace(facts, high_range=""))
    assert max(abs(a - b) for a, b in zip(light(flat["poster"])[1:], darker, strict=True)) > 10, "the control: pale"
    found = made(clip, tmp_path / "out", facts)
    for kind in ("proxy", "poster"):
        bright, *rest = light(found[kind])
        assert rest == pytest.approx(darker, abs=8)
        # Above it there must be room for what is brighter than paper.
        assert white - 45 < bright < white
    with av.open(str(found["proxy"])) as container:
        coding = container.streams.video[0].codec_context
        next(container.decode(video=0))
        assert (coding.pix_fmt, coding.color_trc, coding.color_primaries, coding.colorspace) == ("yuv420p", 1, 1, 1)
    assert not any(word in found["proxy"].read_bytes() for word in (b"mdcv", b"clli"))


def test_a_tiny_picture_of_high_dynamic_range_is_no_trouble(tmp_path: Path) -> None:
    clip = high_range(tmp_path / "tiny.mov", CURVES["hlg"], size="32:18")
    assert made(clip, tmp_path / "out", facts_of(clip))


def test_ordinary_footage_says_that_it_is(tmp_path: Path) -> None:
    facts = facts_of(hostile.pattern(tmp_path / "plain.mp4", seconds=0.2))
    assert (facts.high_range, facts.interlaced) == ("", False)
    with pytest.raises(ValueError, match="light"):
        Facts.from_document(vars(facts) | {"high_range": "smpte2084,geq"})


def interlaced(path: Path, *, seconds: float = 2) -> Path:
    """A white bar that moves fast, filmed at 50 fields a second as camcorders did."""
    moves = ",geq=lum='16+219*lt(mod(X+N*7,300),20)':cb=128:cr=128,interlace,setfield=tff"
    how = (*QUICK, "-flags", "+ildct+ilme", "-x264opts", "tff=1")
    return hostile.pattern(path, *how, rate=50, seconds=seconds, more=moves)


def combs(path: Path) -> float:
    """How much lines differ from both their neighbours, on average over all pictures."""
    found, count = 0, 0
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            gray = frame.reformat(format="gray")
            plane, line = bytes(gray.planes[0]), gray.planes[0].line_size
            rows = [plane[y * line : y * line + gray.width : 3] for y in range(100, 140)]
            for above, here, below in zip(rows, rows[1:], rows[2:], strict=False):
                found += sum(abs(2 * b - a - c) for a, b, c in zip(above, here, below, strict=True))
                count += len(here)
    return found / count


def test_interlaced_footage_has_no_combs(tmp_path: Path) -> None:
    clip = interlaced(tmp_path / "camcorder.ts")
    facts = facts_of(clip)
    assert facts.interlaced
    control = combs(made(clip, tmp_path / "control", replace(facts, interlaced=False))["proxy"])
    found = made(clip, tmp_path / "out", facts)
    assert control > 2, "the control: it has combs"
    assert combs(found["proxy"]) < control / 4
    # As many pictures as before, and as long.
    assert len(pictures(found["proxy"])) == pytest.approx(50, abs=1)


def test_very_little_interlaced_footage_is_no_trouble(tmp_path: Path) -> None:
    clip = interlaced(tmp_path / "one.ts", seconds=0.04)
    assert made(clip, tmp_path / "one", facts_of(clip))
    # The filter takes no less than four lines.
    low = hostile.pattern(tmp_path / "low.mp4", size="16x2", seconds=0.4)
    assert made(low, tmp_path / "low", replace(facts_of(low), interlaced=True))
