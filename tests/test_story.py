"""The whole road on the real stack, with a killed worker and an emptied Redis. It completes by itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import imageio_ffmpeg
import psutil
import pytest
import redis
from django.conf import settings

pytestmark = pytest.mark.stack


class Demonstration:
    """`make demo` in a folder of its own, with its output so far."""

    def __init__(self, folder: Path) -> None:
        # Slower than the samples need, so that "in the middle of a transcode" is a moment one can hit.
        slow = folder / "ffmpeg"
        slow.write_text(f'#!/bin/sh\nexec {imageio_ffmpeg.get_ffmpeg_exe()} -readrate 2 "$@"\n')
        slow.chmod(0o755)
        self.var = folder / "var"
        self.output: list[str] = []
        environment = {
            "PATH": os.environ["PATH"],
            "VAR_DIR": str(self.var),
            "FFMPEG_BINARY": str(slow),
            "PORT": "8700",
            "PYTHONUNBUFFERED": "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "config.stack", "demo"],
            cwd=settings.BASE_DIR,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def lines(self, *, seconds: float) -> Iterator[str]:
        """The output as it comes, until the end."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + seconds
        for line in self.process.stdout:
            self.output.append(line.rstrip())
            yield self.output[-1]
            assert time.monotonic() < deadline, "\n".join(self.output[-60:])

    def until(self, wanted: Callable[[str], bool], *, seconds: float) -> None:
        for line in self.lines(seconds=seconds):
            if wanted(line):
                return
        pytest.fail("it ended before that:\n" + "\n".join(self.output[-60:]))

    def processes(self) -> list[psutil.Process]:
        """All that belongs to this stack, by the mark that its processes carry, or by its folder in their words."""
        found = []
        for process in psutil.process_iter():
            try:
                marked = process.environ().get("SIGHTLINE_STACK") == str(self.var.resolve())
                if marked or any(str(self.var) in word for word in process.cmdline()):
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return [process for process in found if process.pid != self.process.pid]


@pytest.fixture
def demonstration(tmp_path_factory) -> Iterator[Demonstration]:
    running = Demonstration(tmp_path_factory.mktemp("story"))
    yield running
    if running.process.poll() is None:
        running.process.send_signal(signal.SIGTERM)
        running.process.communicate(timeout=30)
    if running.process.stdout is not None:
        running.process.stdout.close()


def test_a_killed_transcode_worker_and_an_emptied_redis_leave_a_run_that_completes(demonstration) -> None:
    demonstration.until(lambda line: "clip 1 preparing" in line, seconds=90)
    workers = [item for item in demonstration.processes() if "clips.in" in item.cmdline()]
    ffmpegs = [item for item in demonstration.processes() if "ffmpeg" in item.name()]
    assert workers
    assert ffmpegs, "nothing was being transcoded"
    for worker in workers:
        worker.kill()
    stack = dict(line.split("=", 1) for line in (demonstration.var / "stack.env").read_text().splitlines())
    with redis.Redis.from_url(stack["REDIS_URL"]) as client:
        client.flushall()
    for _ in demonstration.lines(seconds=200):
        pass
    text = "\n".join(demonstration.output)
    assert demonstration.process.wait(timeout=30) == 0, text[-4000:]
    assert "(attempt 2)" in text
    assert "8: 8 ready" in text
    assert "failed" not in text
    lines = [json.loads(line) for line in (demonstration.var / "demonstration-labels.jsonl").read_text().splitlines()]
    assert len(lines) >= 4
    assert {line["clip"]["region"] for line in lines} == {"in", "ro"}
    for line in lines:
        assert line["label"] in {"threat", "false_alarm", "unsure"}
        assert len(line["annotations"]) >= 2
        assert len({item["reviewer"] for item in line["annotations"]}) == len(line["annotations"])
        assert "human_review" in line["consent"]["purposes"]
    assert demonstration.processes() == []
    assert list((demonstration.var / "work").iterdir()) == []
