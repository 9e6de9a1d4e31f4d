"""The room without doors: what a program that opens footage can see, reach and use up in it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clips import errors
from clips.media import limited, process, sandbox
from clips.media.limits import Limits
from clips.media.probe import probe
from clips.media.render import make, makes_sound_prints
from tests import hostile
from tests.hostile import FFMPEG, SAMPLES, Listener

LIMITS = Limits()
LIMITS_OF_A_PROGRAM: dict[str, Any] = {"cpu_seconds": 5, "memory_bytes": 1 << 30, "output_bytes": 1 << 20}


@pytest.fixture
def room() -> None:
    """For tests of bubblewrap itself."""
    if not sandbox.available():
        pytest.skip(str(sandbox.describe()["without_bubblewrap"]))


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as heard:
        yield heard


@dataclass
class Stage:
    """A clip, a folder for outputs, and a stranger's clip beside them."""

    clip: Path
    out: Path
    canary: Path

    def run(self, code: str, *arguments: str, **bounds: int) -> process.Ended:
        """Run some Python enclosed as the renderer's program is."""
        argv = sandbox.command(
            sandbox.python_argv("-c", code, *arguments),
            clip=self.clip,
            out=self.out,
            runtime=sandbox.python(),
            environment=process.bare_environment(sandbox.OUT) | sandbox.python_environment(),
        )
        return process.run(
            limited.bounded(argv, **(LIMITS_OF_A_PROGRAM | bounds)),
            cwd=self.out,
            env=process.bare_environment(self.out),
            wall_seconds=20,
        )


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    clip, out, canary = tmp_path / "original", tmp_path / "private", tmp_path / "canary.mov"
    out.mkdir()
    clip.write_bytes(b"the clip")
    hostile.pattern(canary, seconds=0.2)
    return Stage(clip, out, canary)


def test_what_is_in_force_is_said() -> None:
    held = sandbox.describe()
    assert set(held) == {
        *("bubblewrap", "without_bubblewrap", "private_folder", "own_files", "rlimits", "no_network", "parent_death"),
    }
    assert held["private_folder"] is True
    assert bool(held["without_bubblewrap"]) is not held["bubblewrap"]
    if sys.platform == "linux":
        assert held["rlimits"] is True
        assert held["parent_death"] is True
    if held["bubblewrap"]:
        assert held["no_network"] is True
    json.dumps(held)


def test_a_script_in_ffmpegs_place_is_said_not_to_be_enclosed(tmp_path: Path) -> None:
    script = tmp_path / "ffmpeg"
    script.write_text("#!/bin/sh\n")
    held = sandbox.describe(script)
    assert held["bubblewrap"] is False
    assert held["without_bubblewrap"]
    assert not sandbox.encloses(script)


@pytest.mark.usefixtures("room")
def test_inside_there_are_the_clip_the_folder_and_nothing_else(stage: Stage) -> None:
    code = """
import os, json, sys
seen = {"root": sorted(os.listdir("/")), "clip": open("/clip").read(), "uid": os.getuid(), "env": sorted(os.environ)}
for name in sys.argv[1:]:
    try:
        open(name).read(1); seen[name] = True
    except OSError:
        seen[name] = False
for name in ("/x", "/clip", "/code/x", "/usr/x"):
    try:
        open(name, "w"); seen["wrote " + name] = True
    except OSError:
        seen["wrote " + name] = False
open("/out/made", "w").write("made")
print(json.dumps(seen))
"""
    places = [str(stage.canary), "/etc/passwd", "/proc/self/environ", "/dev/sda", str(Path(__file__).resolve())]
    ended = stage.run(code, *places)
    assert ended.returncode == 0, ended.errors
    seen = json.loads(ended.output)
    assert seen["clip"] == "the clip"
    assert not {"proc", "sys", "dev", "home", "tmp", "var", "srv"} & set(seen["root"])
    assert not [name for name in places if seen[name]]
    assert not [name for name, wrote in seen.items() if name.startswith("wrote") and wrote]
    assert not [name for name in seen["env"] if "SECRET" in name or "URL" in name]
    assert (stage.out / "made").read_text() == "made"


@pytest.mark.usefixtures("room")
def test_inside_nobody_can_be_reached(stage: Stage, listener: Listener, tmp_path: Path) -> None:
    code = """
import socket, sys
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=2); print("reached")
except OSError:
    print("alone", [name for _, name in socket.if_nameindex()])
try:
    socket.socket(socket.AF_UNIX).connect(sys.argv[2]); print("reached")
except OSError:
    print("alone")
"""
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "door"))
        door.listen()
        control = subprocess.run(
            [sys.executable, "-c", code, str(listener.port), str(tmp_path / "door")], capture_output=True, check=True
        )
        assert control.stdout.decode().split() == ["reached", "reached"], "the control: from outside both answer"
        assert listener.connections == 1
        ended = stage.run(code, str(listener.port), str(tmp_path / "door"))
    assert b"reached" not in ended.output
    assert ended.output.count(b"alone") == 2
    assert listener.connections == 1


@pytest.mark.usefixtures("room")
def test_even_an_ffmpeg_let_loose_finds_neither_the_canary_nor_the_network(stage: Stage, listener: Listener) -> None:
    """With every demuxer and protocol allowed, as if the decoder were owned."""
    loose = {
        "sibling": f"ffconcat version 1.0\nfile '{stage.canary}'\n",
        "network": f"ffconcat version 1.0\nfile 'http://127.0.0.1:{listener.port}/x.mp4'\n",
    }
    for text in loose.values():
        stage.clip.write_text(text)
        rest = ["-nostdin", "-loglevel", "error", "-f", "concat", "-safe", "0", "-protocol_whitelist", "file,http,tcp"]
        argv = [str(FFMPEG), *rest, "-i", str(sandbox.CLIP), "-c", "copy", "-y", "stolen.mov"]
        outside = [str(stage.clip) if word == str(sandbox.CLIP) else word for word in argv]
        subprocess.run(outside, cwd=stage.out, capture_output=True, check=False, timeout=20)
        stolen = (stage.out / "stolen.mov").exists() or listener.connections
        assert stolen, "the control: outside it follows"
        (stage.out / "stolen.mov").unlink(missing_ok=True)
        before = listener.connections
        environment = process.bare_environment(sandbox.OUT)
        inside = sandbox.command(
            argv, clip=stage.clip, out=stage.out, runtime=sandbox.program(FFMPEG), environment=environment
        )
        ended = process.run(inside, cwd=stage.out, env={}, wall_seconds=20)
        assert ended.returncode != 0
        assert not (stage.out / "stolen.mov").exists()
        assert listener.connections == before


@pytest.mark.usefixtures("room")
def test_limits_hold_inside(stage: Stage) -> None:
    assert stage.run("while True: pass", cpu_seconds=1).returncode == 128 + 24, "SIGXCPU, as a shell tells it"
    assert b"MemoryError" in stage.run("bytearray(1 << 29)", memory_bytes=1 << 28).errors
    grown = stage.run("open('/out/x', 'wb').write(bytes(1 << 21))", output_bytes=1 << 20)
    assert grown.returncode != 0
    assert (stage.out / "x").stat().st_size <= 1 << 20


@pytest.mark.usefixtures("room")
def test_what_is_killed_outside_dies_inside(stage: Stage) -> None:
    class Enough(Exception):
        pass

    def on_output(chunk: bytes) -> None:
        raise Enough

    code = "import os, time; os.fork(); print('here', flush=True)\nwhile True: open('/out/alive', 'a').write('x')"
    argv = sandbox.command(
        sandbox.python_argv("-c", code),
        clip=stage.clip,
        out=stage.out,
        runtime=sandbox.python(),
        environment=sandbox.python_environment(),
    )
    with pytest.raises(Enough):
        process.run(argv, cwd=stage.out, env={}, wall_seconds=20, on_output=on_output)
    size = (stage.out / "alive").stat().st_size if (stage.out / "alive").exists() else 0
    time.sleep(0.3)
    assert size == ((stage.out / "alive").stat().st_size if (stage.out / "alive").exists() else 0)


@pytest.fixture
def without_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has no bubblewrap, or forbids it."""
    monkeypatch.setattr(sandbox, "_usable", lambda: sandbox._Usable("", reason="forbidden here"))


@pytest.mark.usefixtures("without_room")
def test_without_a_room_limits_and_the_private_folder_remain(tmp_path: Path) -> None:
    assert not sandbox.available()
    assert sandbox.describe()["without_bubblewrap"] == "forbidden here"
    facts = probe(SAMPLES / "doorstep.mp4", extension="mp4", limits=LIMITS)
    out = tmp_path / "out"
    out.mkdir()
    made = make(SAMPLES / "doorstep.mp4", out, facts, ffmpeg=FFMPEG, limits=LIMITS).made
    assert sorted(path.name for path in out.iterdir()) == sorted(item.path.name for item in made)
    with pytest.raises(RuntimeError, match="forbidden"):
        sandbox.command(["/bin/true"], clip=out, out=None, runtime={}, environment={})
    with pytest.raises(errors.Unreadable):
        probe(SAMPLES / "bikes.mp4", extension="mp4", limits=Limits(probe_memory_bytes=64 << 20))


@pytest.mark.usefixtures("without_room")
def test_without_a_room_landlock_keeps_a_program_to_its_own_files(stage: Stage, listener: Listener) -> None:
    if not limited.confinement()["own_files"]:
        pytest.skip("this kernel has no Landlock")
    code = """
import socket, sys
for name in sys.argv[2:]:
    try:
        open(name, "rb").read(1); print("opened", name)
    except OSError:
        print("refused", name)
try:
    open(sys.argv[2] + ".new", "w"); print("wrote")
except OSError:
    print("refused to write")
open("made", "w").write(open("../original").read())
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=2); print("reached")
except OSError:
    print("alone")
"""
    argv = [str(Path(sys.executable).resolve()), "-I", "-S", "-c", code, str(listener.port)]
    argv += [str(stage.canary), "/etc/passwd", "/proc/self/environ", str(Path(__file__).resolve())]
    places: dict[str, Any] = {"sees": sandbox.python_sees(stage.clip), "makes": [str(stage.out)]}
    outputs = []
    for held in ({}, places):
        ended = process.run(
            limited.command(argv, **LIMITS_OF_A_PROGRAM, namespaces=False, **held),
            cwd=stage.out,
            env={},
            wall_seconds=20,
        )
        assert ended.returncode == 0, ended.errors
        outputs.append(ended.output.decode())
    assert outputs[0].count("opened") == 4, "the control"
    assert "wrote" in outputs[0]
    assert "reached" in outputs[0]
    assert outputs[1].count("refused") == 5
    assert (stage.out / "made").read_text() == "the clip"
    # Older kernels hold files and not the network.
    assert listener.connections == (2 if "reached" in outputs[1] else 1)


def test_with_and_without_a_room_the_same_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not sandbox.available():
        pytest.skip(str(sandbox.describe()["without_bubblewrap"]))
    digests = []
    for usable in (True, False):
        if not usable:
            monkeypatch.setattr(sandbox, "_usable", lambda: sandbox._Usable("", reason="forbidden here"))
        out = tmp_path / str(usable)
        out.mkdir()
        facts = probe(SAMPLES / "doorstep.mp4", extension="mp4", limits=LIMITS)
        made = make(SAMPLES / "doorstep.mp4", out, facts, ffmpeg=FFMPEG, limits=LIMITS).made
        digests.append({item.kind: item.sha256 for item in made})
    assert digests[0] == digests[1]


def test_a_bubblewrap_that_fails_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'setting up uid map: Permission denied' >&2; exit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    usable = sandbox._usable.__wrapped__()
    assert not usable.path
    if sys.platform == "linux":
        assert "Permission denied" in usable.reason


def test_the_ffmpeg_of_the_locked_packages_makes_prints_of_sound() -> None:
    assert makes_sound_prints(FFMPEG)
    assert not makes_sound_prints(Path("/nowhere/ffmpeg"))
