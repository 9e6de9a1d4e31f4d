"""Run one program in a process group of its own and leave nothing of it behind, whatever happens here meanwhile."""

from __future__ import annotations

import contextlib
import os
import select
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# What is kept of either stream: a result or the last lines of a complaint, never a flood.
KEPT_BYTES = 64 * 1024
TICK_SECONDS = 0.8
_GLANCE_SECONDS = 0.1
# How long to wait for the pipes of a program that has ended but left them open to others.
_DRAIN_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a program ended. ``returncode`` is negative for a signal; both streams are their last 64 KiB."""

    returncode: int
    output: bytes
    errors: bytes
    timed_out: bool


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    wall_seconds: float,
    output_to: int = subprocess.PIPE,
    on_output: Callable[[bytes], None] = lambda chunk: None,
    on_tick: Callable[[], None] = lambda: None,
    on_glance: Callable[[], None] = lambda: None,
) -> Ended:
    """Run ``argv`` to its end or for ``wall_seconds``, whichever is first.

    ``on_tick`` is called about every 0.8 s, output or none, ``on_glance``, which should cost nothing, every 0.1 s, and
    ``on_output`` with what the program wrote, unless that goes to the open file ``output_to``. Any of them may raise:
    the program's whole group is then killed, and the exception goes on. Raises OSError if it cannot be started.
    """
    deadline = time.monotonic() + wall_seconds
    kept = {"output": b"", "errors": b""}
    timed_out = False
    with (
        subprocess.Popen(
            argv,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output_to,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as child,
        selectors.DefaultSelector() as pipes,
    ):
        try:
            for pipe, name in ((child.stdout, "output"), (child.stderr, "errors")):
                if pipe is not None:
                    pipes.register(pipe, selectors.EVENT_READ, name)
            next_tick = time.monotonic()
            ended = False
            while pipes.get_map() or not ended:
                now = time.monotonic()
                if not ended and child.poll() is not None:
                    ended, deadline = True, min(deadline, now + _DRAIN_SECONDS)
                if now >= deadline:
                    timed_out = not ended
                    break
                if now >= next_tick:
                    on_tick()
                    next_tick = time.monotonic() + TICK_SECONDS
                on_glance()
                pause = max(0.0, min(deadline, next_tick, now + _GLANCE_SECONDS) - time.monotonic())
                if not pipes.get_map():
                    _wait_for_end(child, pause)
                    continue
                for key, _ in pipes.select(pause):
                    chunk = os.read(key.fd, KEPT_BYTES)
                    if not chunk:
                        pipes.unregister(key.fileobj)
                        continue
                    kept[key.data] = (kept[key.data] + chunk)[-KEPT_BYTES:]
                    if key.data == "output":
                        on_output(chunk)
        finally:
            # The group still exists if its leader was not yet waited for, or if someone in it holds a pipe open; only
            # then is the number surely still ours.
            if child.poll() is None or pipes.get_map():
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            _wait_for_silence(pipes)
    return Ended(returncode=child.returncode, output=kept["output"], errors=kept["errors"], timed_out=timed_out)


def _wait_for_end(child: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait until the program has ended or these seconds are over. Python's own way looks now and then; where the kernel
    can say it, nothing is slept away."""
    if child.returncode is None and hasattr(os, "pidfd_open"):
        with contextlib.suppress(OSError):
            handle = os.pidfd_open(child.pid)
            try:
                ended = select.poll()
                ended.register(handle, select.POLLIN)
                ended.poll(seconds * 1000)
            finally:
                os.close(handle)
            return
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(seconds)


def _wait_for_silence(pipes: selectors.BaseSelector) -> None:
    """Wait, not for ever, until nobody holds the pipes: what an enclosed program started dies just after its room."""
    deadline = time.monotonic() + _DRAIN_SECONDS
    while pipes.get_map() and (left := deadline - time.monotonic()) > 0:
        for key, _ in pipes.select(left):
            if not os.read(key.fd, KEPT_BYTES):
                pipes.unregister(key.fileobj)


def bare_environment(home: Path) -> dict[str, str]:
    """The environment of a program that is to know nothing of ours: no secrets, no settings, no home."""
    return {
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        # glibc reserves an arena of address space for each thread, which the memory bound would count.
        "MALLOC_ARENA_MAX": "2",
    }
