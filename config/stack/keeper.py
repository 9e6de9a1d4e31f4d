"""Keeping processes: start them, start them again when they die unasked, stop them in time.

Why our own: circus' arbiter waits for *every* child of its process, so a migration or a demonstration that fails next
to it is read as a success (tried), and honcho stops all when one dies. What the stack needs is less than either: a
poll ten times a second and a thread per process that passes its lines on.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import IO, Any

from config.stack.output import say

POLL = 0.1
GRACE = 7.0  # for a worker to finish or to give back what it holds
STEADY = 5.0  # a process that lived this long is started again at once, another waits longer each time
SLOWEST = 8.0
Ending = Sequence[tuple[signal.Signals, float]]  # a signal and how long it is given to work; KILL comes after the last
POLITELY: Ending = ((signal.SIGTERM, GRACE),)


@dataclass
class Part:
    """One process of the stack, alive or about to be."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    take: Callable[[IO[bytes]], None]  # what becomes of its output
    ending: Ending = POLITELY
    options: dict[str, Any] = field(default_factory=dict)  # whose account, which umask
    process: subprocess.Popen[bytes] | None = None
    reader: Thread | None = None
    started: float = 0.0
    again_at: float = 0.0
    deaths: int = 0  # in a row, none of them after a steady life
    last_death: str = ""


def start(part: Part) -> None:
    """Start the process in a session of its own, so that Ctrl-C reaches the launcher alone and it decides the order."""
    part.started = time.monotonic()
    part.process = subprocess.Popen(
        part.command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=part.folder,
        env=part.environment,
        start_new_session=True,
        **part.options,
    )
    part.reader = Thread(target=part.take, args=(part.process.stdout,), daemon=True)
    part.reader.start()


def tend(parts: Iterable[Part]) -> None:
    """Look at every process once: notice a death, and start again what is due."""
    for part in parts:
        if part.process is not None and part.process.poll() is not None:
            _bury(part)
        if part.process is None and time.monotonic() >= part.again_at:
            try:
                start(part)
            except OSError as error:
                _put_off(part, str(error))


def stop(parts: Sequence[Part], hurry: Callable[[], bool] = lambda: False) -> None:
    """End all of them at once, each by its own signals; whoever is in a hurry gets KILL."""
    waiting = [part for part in parts if part.process is not None and part.process.poll() is None]
    begun = time.monotonic()
    sent: dict[int, int] = {}
    while waiting:
        for part in waiting:
            passed = time.monotonic() - begun
            wanted, due = 0, 0.0
            for number, (_, seconds) in enumerate(part.ending, start=1):
                if passed >= due:
                    wanted = number
                due += seconds
            if hurry() or passed >= due:
                _signal_group(part, signal.SIGKILL)
            elif wanted > sent.get(id(part), 0):
                sent[id(part)] = wanted
                _signal(part, part.ending[wanted - 1][0])
        time.sleep(POLL / 2)
        waiting = [part for part in waiting if part.process is not None and part.process.poll() is None]
    for part in parts:
        # A worker that ended in order may leave a child that did not.
        if part.process is not None:
            _signal_group(part, signal.SIGKILL)
            part.process = None
        if part.reader is not None:
            part.reader.join(timeout=0.5)  # its last words come before whatever is said next


def died(part: Part) -> str:
    """How a process ended, in words."""
    code = part.process.returncode if part.process is not None else None
    if code is None:
        return "is not running"
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _bury(part: Part) -> None:
    reason = died(part)
    _signal_group(part, signal.SIGKILL)  # its children must not go on beside its successor
    part.process = None
    if time.monotonic() - part.started >= STEADY:
        part.deaths = 0
    _put_off(part, reason)


def _put_off(part: Part, reason: str) -> None:
    part.deaths += 1
    part.last_death = reason
    delay = min(0.25 * 2 ** (part.deaths - 1), SLOWEST)
    part.again_at = time.monotonic() + delay
    say(f"{part.name} {reason}; starting it again")


def _signal(part: Part, number: signal.Signals) -> None:
    if part.process is not None:
        part.process.send_signal(number)


def _signal_group(part: Part, number: signal.Signals) -> None:
    if part.process is not None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(part.process.pid, number)
