"""Recordings of a voice: which are taken, which are refused, and what is made of them."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from clips import errors
from clips.media import nearness, sniff, sound_frames, structure
from clips.media.facts import Facts
from clips.media.limits import Limits
from clips.media.probe import probe
from clips.media.sniff import EVERY_KIND
from config.errors import BadInput
from tests import hostile
from tests.hostile import SAMPLES
from tests.test_media_renditions import by_kind, made_of

LIMITS = Limits()
SPEECH, READING, FLAC = (SAMPLES / name for name in ("speech.opus", "read-aloud.wav", "read-aloud.flac"))


def facts_of(path: Path) -> Facts:
    return probe(path, extension=path.suffix, limits=LIMITS, kinds=EVERY_KIND)


def recoded(path: Path, *options: str, source: Path = SPEECH) -> Path:
    hostile.ffmpeg("-i", source, "-vn", *options, path)
    return path


FORMATS = [
    ("a.mp3", "", "mp3", "mp3"),
    ("untagged.mp3", "-id3v2_version 0 -write_xing 0 -b:a 32k -ar 22050", "mp3", "mp3"),
    ("a.m4a", "", "mov", "aac"),
    ("a.mp4", "", "mov", "aac"),
    ("a.3gp", "-c:a libopencore_amrnb -ar 8000 -ac 1", "mov", "amr_nb"),
    ("a.aac", "", "aac", "aac"),
    ("a.ogg", "", "ogg", "vorbis"),
    ("a.oga", "-c:a flac", "ogg", "flac"),
    ("a.opus", "-c:a libopus -b:a 16k", "ogg", "opus"),
    ("a.flac", "", "flac", "flac"),
    ("a.wav", "", "wav", "pcm_s16le"),
    ("float.wav", "-c:a pcm_f32le", "wav", "pcm_f32le"),
    ("phone.wav", "-c:a pcm_mulaw -ar 8000 -ac 1", "wav", "pcm_mulaw"),
    ("browser.webm", "-c:a libopus", "matroska", "opus"),
    ("a.mka", "-c:a aac", "matroska", "aac"),
    ("surround.wav", "-ac 6", "wav", "pcm_s16le"),
    ("long.wav", "-rf64 always", "wav", "pcm_s16le"),
]


@pytest.mark.parametrize(("name", "options", "demuxer", "codec"), FORMATS, ids=[row[0] for row in FORMATS])
def test_what_assistants_and_recorders_write_is_taken(
    tmp_path: Path, name: str, options: str, demuxer: str, codec: str
) -> None:
    path = recoded(tmp_path / name, *options.split())
    facts = facts_of(path)
    assert (facts.kind, facts.demuxer, facts.audio_codec, facts.video_codec) == ("voice", demuxer, codec, "")
    assert (facts.width, facts.height, facts.frames, facts.frame_rate) == (0, 0, 0, 0.0)
    assert facts.duration_ms == pytest.approx(11_000, abs=80)
    assert not facts.is_silent
    renditions = made_of(path, tmp_path / "out")
    made = by_kind(renditions)
    assert list(made) == ["proxy", "peaks"]
    assert (made["proxy"].content_type, made["proxy"].width, made["proxy"].height) == ("audio/mp4", 0, 0)
    assert made["proxy"].duration_ms == pytest.approx(facts.duration_ms, abs=80)
    assert renditions.frames is None
    assert renditions.picture_print == b""
    with av.open(str(made["proxy"].path)) as container:
        (stream,) = container.streams
        assert stream.codec_context is not None
        assert stream.codec_context.name == "aac"
        assert set(container.metadata) == {"major_brand", "minor_version", "compatible_brands"}


@pytest.mark.parametrize("name", ["a.mp3", "a.flac", "a.m4a"])
def test_a_cover_is_no_picture(tmp_path: Path, name: str) -> None:
    cover, path = tmp_path / "cover.jpg", tmp_path / name
    hostile.ffmpeg("-f", "lavfi", "-i", "testsrc2=s=100x100", "-frames:v", "1", cover)
    how = ("-map", "0:a", "-map", "1:v", "-c:v", "copy", "-disposition:v", "attached_pic")
    hostile.ffmpeg("-i", SPEECH, "-i", cover, *how, "-metadata", "title=Ada", path)
    with av.open(str(path)) as container:
        assert container.streams.video, "the control: to a media library it is one"
    assert facts_of(path).kind == "voice"
    made = by_kind(made_of(path, tmp_path / "out"))
    assert list(made) == ["proxy", "peaks"]
    assert b"Ada" not in made["proxy"].path.read_bytes()
    with pytest.raises((errors.NoVideoStream, errors.UnsupportedExtension)):
        probe(path, extension=path.suffix, limits=LIMITS)


def test_where_only_footage_is_taken_a_recording_is_refused(tmp_path: Path) -> None:
    for path in (SPEECH, READING, FLAC):
        with pytest.raises(errors.UnsupportedExtension):
            probe(path, extension=path.suffix, limits=LIMITS)
    with pytest.raises(errors.NoVideoStream):
        probe(recoded(tmp_path / "a.mp4"), extension="mp4", limits=LIMITS)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.97])
@pytest.mark.parametrize("name", ["a.mp3", "a.m4a", "a.aac", "a.ogg", "a.opus", "a.flac", "a.wav", "a.mka"])
def test_a_recording_cut_short_is_refused(tmp_path: Path, name: str, share: float) -> None:
    whole = recoded(tmp_path / name)
    with pytest.raises((errors.Truncated, errors.Unreadable)):
        facts_of(hostile.cut(tmp_path / f"cut.{name}", whole, share))


@pytest.mark.parametrize("share", [0.0005, 0.3, 0.97])
def test_a_wave_with_long_lengths_is_held_to_them(tmp_path: Path, share: float) -> None:
    whole = recoded(tmp_path / "a.wav", "-rf64", "always")
    assert whole.read_bytes()[:4] == b"RF64", "the control"
    with pytest.raises(errors.Truncated):
        facts_of(hostile.cut(tmp_path / "cut.wav", whole, share))
    # The same under its later name; and without the chunk that such a name promises.
    whole.write_bytes(b"BW64" + whole.read_bytes()[4:])
    with pytest.raises(errors.Truncated):
        facts_of(hostile.cut(tmp_path / "cut.wav", whole, share))
    whole.write_bytes(b"RF64" + READING.read_bytes()[4:])
    with pytest.raises(errors.Unreadable):
        facts_of(whole)


@pytest.mark.parametrize(
    ("name", "clip", "refusal"),
    [
        ("a.mp3", FLAC, errors.ExtensionMismatch),
        ("a.flac", READING, errors.ExtensionMismatch),
        ("a.wav", SPEECH, errors.ExtensionMismatch),
        ("a.wav", SAMPLES / "walkway.avi", errors.ExtensionMismatch),
        ("a.opus", SAMPLES / "bikes.mp4", errors.ExtensionMismatch),
        ("a.aiff", READING, errors.UnsupportedExtension),
        ("a.mid", READING, errors.UnsupportedExtension),
    ],
)
def test_the_name_must_fit_the_sound(name: str, clip: Path, refusal: type[BadInput]) -> None:
    with pytest.raises(refusal):
        probe(clip, extension=sniff.extension_of(name), limits=LIMITS, kinds=EVERY_KIND)


def test_lengths_of_frames_are_known() -> None:
    # 128 kbit/s at 44.1 kHz, without and with a byte of padding; 64 kbit/s at 22.05 kHz; and what is none.
    assert sound_frames.mp3_frame(bytes.fromhex("fffb9000")) == 417
    assert sound_frames.mp3_frame(bytes.fromhex("fffb9200")) == 418
    assert sound_frames.mp3_frame(bytes.fromhex("fff38000")) == 208
    for wrong in ("fffbf000", "fffb0000", "fffb9c00", "ffeb9000", "00000000", "fff19000"):
        assert sound_frames.mp3_frame(bytes.fromhex(wrong)) == 0
    assert sound_frames.adts_frame(bytes.fromhex("fff15080 2e7ffc".replace(" ", ""))) == 371


def test_a_length_that_can_only_be_guessed_is_counted(tmp_path: Path) -> None:
    # Silence and then noise at a bit rate that varies: guessed from its beginning it would last for ever.
    path = tmp_path / "guess.mp3"
    inputs = ("-f", "lavfi", "-i", "anullsrc=r=44100:cl=mono:d=9", "-f", "lavfi", "-i", "anoisesrc=r=44100:d=9")
    hostile.ffmpeg(*inputs, "-filter_complex", "concat=n=2:v=0:a=1", "-q:a", "0", "-write_xing", "0", path)
    assert facts_of(path).duration_ms == pytest.approx(18_000, abs=100)


def test_an_mp3_cut_between_two_frames_is_refused(tmp_path: Path) -> None:
    data = recoded(tmp_path / "a.mp3", "-id3v2_version", "0").read_bytes()
    at = frames = 0
    while frames < 300:
        at, frames = at + sound_frames.mp3_frame(data[at : at + 4]), frames + 1
    (tmp_path / "b.mp3").write_bytes(data[:at])
    with pytest.raises(errors.Truncated):
        facts_of(tmp_path / "b.mp3")


def test_padding_and_tags_behind_an_mp3_are_no_harm(tmp_path: Path) -> None:
    data = recoded(tmp_path / "a.mp3").read_bytes()
    for tail in (b"TAG" + bytes(125), bytes(1000), b"APETAGEX" + bytes(60)):
        (tmp_path / "b.mp3").write_bytes(data + tail)
        assert facts_of(tmp_path / "b.mp3").duration_ms == pytest.approx(11_000, abs=80)
    (tmp_path / "b.mp3").write_bytes(data + b"<html>" * 100)
    with pytest.raises(errors.Unreadable):
        facts_of(tmp_path / "b.mp3")


def test_silence_alone_is_said_to_be_silent(tmp_path: Path) -> None:
    hostile.ffmpeg("-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono:d=2", tmp_path / "still.wav")
    assert facts_of(tmp_path / "still.wav").is_silent
    renditions = made_of(tmp_path / "still.wav", tmp_path / "out")
    assert renditions.sound is not None
    assert renditions.sound.is_silent
    assert renditions.sound.silences == ((0, 2000),)


def test_too_much_sound_is_refused(tmp_path: Path) -> None:
    many = ("-f", "lavfi", "-i", "anullsrc=r=8000:cl=16c:d=0.2")
    hostile.ffmpeg(*many, tmp_path / "many.wav")
    with pytest.raises(errors.RateTooHigh):
        facts_of(tmp_path / "many.wav")
    hostile.ffmpeg("-f", "lavfi", "-i", "anullsrc=r=384000:cl=mono:d=0.2", tmp_path / "fine.wav")
    with pytest.raises(errors.RateTooHigh):
        facts_of(tmp_path / "fine.wav")
    hostile.ffmpeg("-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono:d=130", "-c:a", "pcm_u8", tmp_path / "long.wav")
    with pytest.raises(errors.ClipTooLong):
        facts_of(tmp_path / "long.wav")


def test_a_file_of_headers_alone_is_refused(tmp_path: Path) -> None:
    for name, data in {
        "a.mp3": b"ID3\x04\0\0\0\0\0\0",
        "a.aac": bytes.fromhex("fff15080"),
        "a.flac": FLAC.read_bytes()[:42],
        "a.wav": READING.read_bytes()[:36],
        "a.opus": SPEECH.read_bytes()[:47],
    }.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises((errors.Truncated, errors.Unreadable)):
            facts_of(path)


@pytest.mark.parametrize("demuxer", sound_frames.CHECKS)
def test_any_bytes_get_an_answer_from_every_outline(tmp_path: Path, demuxer: str) -> None:
    for clip in (SPEECH, READING, FLAC):
        for seed in range(60):
            (tmp_path / "x").write_bytes(hostile.mutated(clip, seed)[: 40_000 + seed])
            try:
                structure.check(tmp_path / "x", demuxer=demuxer)
            except BadInput:
                continue


# Copies


def test_copies_of_speech_are_near_and_other_speech_is_far(tmp_path: Path) -> None:
    prints = {path.name: made_of(path, tmp_path / "out").sound_print for path in (SPEECH, READING, FLAC)}
    assert all(prints.values())
    changes = {
        "a.mp3": ["-b:a", "32k"],
        "b.m4a": ["-b:a", "32k"],
        "c.wav": ["-ar", "8000", "-ac", "1"],
        "d.opus": ["-c:a", "libopus", "-b:a", "12k"],
        "e.flac": ["-af", "volume=-12dB"],
        "f.wav": ["-ss", "0.37"],
    }
    for number, (name, options) in enumerate(changes.items()):
        for source in (READING, FLAC) if number % 2 else (SPEECH,):
            copy = made_of(recoded(tmp_path / name, *options, source=source), tmp_path / "out").sound_print
            for other, known in prints.items():
                distance = nearness.sound_distance(copy, known)
                assert (distance <= nearness.SOUND_NEAR) == (other == source.name), (source.name, name, other, distance)


def test_one_word_has_a_print(tmp_path: Path) -> None:
    word = recoded(tmp_path / "word.wav", "-ss", "0.5", "-t", "1", source=READING)
    print_ = made_of(word, tmp_path / "out").sound_print
    again = made_of(recoded(tmp_path / "again.mp3", "-b:a", "48k", source=word), tmp_path / "out").sound_print
    other = made_of(recoded(tmp_path / "other.wav", "-ss", "0.5", "-t", "1", source=FLAC), tmp_path / "out").sound_print
    assert len(print_) >= 4 * 8
    assert nearness.sound_distance(print_, again) <= nearness.SOUND_NEAR < nearness.sound_distance(print_, other)


COPIES = [
    ("walkway.avi", ["-crf", "35"]),
    ("walkway.avi", ["-vf", "scale=iw/2:-2"]),
    ("walkway.avi", ["-ss", "1.25", "-t", "6"]),
    ("bikes.mp4", ["-crf", "35"]),
    ("bikes.mp4", ["-ss", "0.3"]),
    ("tree-cinepak.avi", ["-ss", "0.3", "-vf", "scale=iw/2:-2"]),
]


def test_copies_of_footage_are_near_and_other_moments_are_far(tmp_path: Path) -> None:
    names = ("walkway.avi", "bikes.mp4", "tree-cinepak.avi", "doorstep.mp4")
    prints = {name: made_of(SAMPLES / name, tmp_path / "out").picture_print for name in names}
    for source, options in COPIES:
        path = tmp_path / "copy.mp4"
        hostile.ffmpeg("-i", SAMPLES / source, "-c:v", "libx264", "-preset", "veryfast", *options, path)
        copy = made_of(path, tmp_path / "out").picture_print
        for other, known in prints.items():
            distance = nearness.picture_distance(copy, known)
            # The doorstep is the walkway's camera at another time.
            assert (distance <= nearness.PICTURES_NEAR) == (other == source), (source, options, other, distance)


def test_nothing_is_near_to_nothing() -> None:
    assert nearness.picture_distance(b"", b"") == nearness.sound_distance(b"", bytes(40)) == 1
    assert nearness.picture_distance(bytes(8), bytes(8)) == 0
    assert nearness.sound_distance(bytes(400), b"\xff" * 400) == 1
