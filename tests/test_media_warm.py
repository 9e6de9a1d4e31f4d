"""The warm reader: as good as a cold one, bound as tightly, and gone when it should be."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from django.conf import settings

from clips.errors import Unreadable
from clips.media import probe, process, sandbox, sniff, warm
from clips.media.limits import Limits
from tests.conftest import SAMPLES

ROOT = Path(settings.BASE_DIR)
LIMITS = Limits()


def own_server() -> warm.Server:
    probe.probe(SAMPLES / "walkway.avi", extension="avi", limits=LIMITS)
    return warm.mine()[0]


_started: list[warm.Server] = []


@pytest.fixture(autouse=True)
def ended_servers() -> Iterator[None]:
    """None outlives its test, also when that fails: whoever is tested next would be told of it."""
    yield
    while _started:
        _started.pop().kill()


def a_server_that(body: str) -> warm.Server:
    """A server whose readers run this Python, with ``request`` and ``file``, instead of reading."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    code = "import os, sys, time, socket\nfrom clips.media import limited, warm\n"
    code += f"def read(request, files):\n    file = files[0]\n{lines}\n"
    code += "warm.serve(int(sys.argv[1]), read)"
    environment = process.bare_environment(Path("/")) | {"PYTHONPATH": str(ROOT)}
    _started.append(warm.Server([sys.executable, "-c", code], environment))
    return _started[-1]


def ask(server: warm.Server, path: Path = SAMPLES / "walkway.avi", seconds: float = 5.0) -> bytes:
    return server.ask({}, path, wall_seconds=seconds, on_tick=lambda: None)


@pytest.mark.parametrize("name", ["walkway.avi", "doorstep.mp4", "bikes.mp4", "read-aloud.flac", "speech.opus"])
def test_warm_and_cold_say_the_same(name) -> None:
    path = SAMPLES / name
    demuxer = sniff.sniff_file(path, extension=path.suffix, kinds=sniff.EVERY_KIND)
    answers = [
        probe._answer(asked(path, demuxer=demuxer, limits=LIMITS, on_tick=lambda: None))
        for asked in (probe._ask_warm, probe._ask_cold)
    ]
    assert answers[0] == answers[1]


def test_many_at_once_each_get_their_own_answer() -> None:
    names = ["walkway.avi", "doorstep.mp4", "bikes.mp4", "tree-cinepak.avi"]
    alone = {name: probe.probe(SAMPLES / name, extension=name[-3:], limits=LIMITS) for name in names}
    wrong = []

    def look(name: str) -> None:
        if probe.probe(SAMPLES / name, extension=name[-3:], limits=LIMITS) != alone[name]:
            wrong.append(name)

    threads = [threading.Thread(target=look, args=(name,)) for name in names * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_killed_server_is_followed_by_another() -> None:
    first = own_server()
    os.killpg(first._process.pid, signal.SIGKILL)
    assert own_server() is not first


def test_what_takes_too_long_is_ended_with_all_that_belongs_to_it(tmp_path) -> None:
    server = a_server_that("time.sleep(600)")
    readers = psutil.Process(server._process.pid)
    began = time.monotonic()
    assert ask(server, seconds=0.5) == b""
    assert time.monotonic() - began < 3
    assert not server.is_alive()
    assert not readers.is_running()


def test_a_file_that_hangs_is_not_asked_about_twice(monkeypatch) -> None:
    asked = []

    def hanging(argv: object, environment: object) -> warm.Server:
        asked.append(a_server_that("time.sleep(600)"))
        return asked[-1]

    monkeypatch.setattr(warm, "server", hanging)
    began = time.monotonic()
    with pytest.raises(Unreadable):
        probe.examine_apart(SAMPLES / "walkway.avi", demuxer="avi", limits=replace(LIMITS, probe_wall_seconds=0.5))
    assert len(asked) == 1
    assert time.monotonic() - began < 3


def test_who_loses_the_server_to_a_strangers_file_is_answered_all_the_same() -> None:
    """Two files in a row take the server from under a third, which is then read by a reader of its own."""
    server = a_server_that("time.sleep(600)")

    def lose() -> None:
        time.sleep(0.3)
        os.killpg(server._process.pid, signal.SIGKILL)

    thread = threading.Thread(target=lose)
    thread.start()
    with pytest.raises(warm.NotAvailable):
        ask(server, seconds=10)
    thread.join()


def test_a_reader_that_breaks_ends_alone() -> None:
    server = a_server_that("os.kill(os.getpid(), 11)\nreturn b''")
    for _ in range(3):
        assert ask(server) == b""
        assert server.is_alive()


def test_the_reader_that_waits_may_be_killed() -> None:
    server = a_server_that("return str(os.getpid()).encode()")
    first = int(ask(server))
    (waiting,) = _waiting(server, first)
    killed = psutil.Process(waiting)
    killed.kill()
    # Until it is gone the clip may still be handed to it, and is answered as by any reader that breaks.
    killed.wait(5)
    assert int(ask(server)) not in {first, waiting}
    assert server.is_alive()


def test_a_reader_holds_the_files_of_its_own_clip_alone() -> None:
    """Also one that was there before its clip, and after another's."""
    names = "return repr([os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd') if int(n) > 2 and "
    names += "os.path.exists(f'/proc/self/fd/{n}')]).encode()"
    server = a_server_that(names)
    for name in ("walkway.avi", "bikes.mp4", "doorstep.mp4"):
        held = ast.literal_eval(ask(server, SAMPLES / name).decode())
        assert [place for place in held if place.startswith("/") and not place.startswith("/proc")] == [
            str(SAMPLES / name)
        ]
        assert len([place for place in held if place.startswith("pipe:")]) == 1
        assert len([place for place in held if place.startswith("socket:")]) == 1


def _waiting(server: warm.Server, first: int) -> list[int]:
    """Its readers but the first, once there is one: it is forked when the one before has its clip."""
    until = time.monotonic() + 5
    while True:
        found = [child.pid for child in psutil.Process(server._process.pid).children() if child.pid != first]
        if found or time.monotonic() > until:
            return found
        time.sleep(0.02)


def test_whoever_loses_interest_ends_it() -> None:
    server = a_server_that("time.sleep(600)")

    def tire() -> None:
        raise RuntimeError("not wanted any more")

    with pytest.raises(RuntimeError, match="not wanted"):
        server.ask({}, SAMPLES / "walkway.avi", wall_seconds=30, on_tick=tire)
    assert not server.is_alive()


def test_a_bound_reader_opens_nothing_and_reaches_nobody(tmp_path) -> None:
    """Without bubblewrap around it, by the bounds that each reader takes; with it there is nothing to open anyway."""
    if not sandbox.describe()["own_files"]:
        pytest.skip("this kernel has no Landlock and this machine no bubblewrap")
    canary = tmp_path / "canary"
    canary.write_text("seen")
    server = a_server_that(
        "limited.confine(cpu_seconds=5, memory_bytes=2**31, output_bytes=0, sees=['/nowhere'])\n"
        "tried = []\n"
        f"for path in ({str(canary)!r}, '/etc/passwd', '/proc/self/environ'):\n"
        "    try:\n"
        "        open(path).close(); tried.append(path)\n"
        "    except OSError: pass\n"
        "try:\n"
        "    os.kill(os.getppid(), 0)\n"
        "    open(f'/proc/{os.getppid()}/mem', 'rb'); tried.append('parent')\n"
        "except OSError: pass\n"
        "try:\n"
        "    socket.create_connection(('127.0.0.1', 5432), 1); tried.append('network')\n"
        "except OSError: pass\n"
        "return repr([tried, os.read(file, 4)]).encode()"
    )
    assert ask(server) == repr([[], b"RIFF"]).encode()


def test_a_server_ends_with_the_process_that_started_it() -> None:
    code = (
        "import os, signal, pathlib\n"
        "from clips.media import probe, warm\n"
        "from clips.media.limits import Limits\n"
        f"probe.probe(pathlib.Path({str(SAMPLES / 'walkway.avi')!r}), extension='avi', limits=Limits())\n"
        "print(warm.mine()[0]._process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    pid = int(done.stdout)
    until = time.monotonic() + 5
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until, "the server outlived us"
        time.sleep(0.05)


def test_a_fork_of_ours_asks_a_server_of_its_own() -> None:
    ours = own_server()._process.pid
    code = (
        "import os, pathlib\n"
        "from clips.media import probe, warm\n"
        "from clips.media.limits import Limits\n"
        f"clip = pathlib.Path({str(SAMPLES / 'walkway.avi')!r})\n"
        "def pid():\n"
        "    probe.probe(clip, extension='avi', limits=Limits())\n"
        "    return warm.mine()[0]._process.pid\n"
        "first = pid()\n"
        "child = os.fork()\n"
        "if child == 0: os._exit(pid() == first)\n"
        "print(first == pid(), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "0"]
    assert own_server()._process.pid == ours


def test_a_reader_has_the_bounds_of_one_clip() -> None:
    with pytest.raises(Unreadable):
        probe.examine_apart(
            SAMPLES / "walkway.avi", demuxer="avi", limits=replace(LIMITS, probe_memory_bytes=64 * 1024 * 1024)
        )
    assert probe.probe(SAMPLES / "walkway.avi", extension="avi", limits=LIMITS).frames
