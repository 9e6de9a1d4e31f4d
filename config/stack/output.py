"""What the stack prints: whole lines, each saying whose it is."""

from __future__ import annotations

import contextlib
import os
import sys
from threading import Lock
from typing import IO

LONGEST_LINE = 64 * 1024
WIDTH = 10
COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
_one_at_a_time = Lock()


def say(text: str) -> None:
    """The stack's own voice."""
    put(f"sightline: {text}")


def complain(text: str) -> None:
    """The one line that tells why, on stderr."""
    with contextlib.suppress(OSError):
        print(f"sightline: {text}", file=sys.stderr, flush=True)


def put(line: str) -> None:
    """Print one line, never in the middle of another. A reader who went away (`| head`) is no reason to stop."""
    with _one_at_a_time, contextlib.suppress(OSError, ValueError):
        print(line, flush=True)


def prefix(name: str, place: int) -> str:
    """What stands before every line of a process; an empty name means none."""
    if not name:
        return ""
    label = f"{name:<{WIDTH}} | "
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        return f"\033[{COLOURS[place % len(COLOURS)]}m{label}\033[0m"
    return label


def relay(source: IO[bytes], before: str) -> None:
    """Print a process' output line by line until nobody is left to write to it; a line without end is cut."""
    with source:
        while line := source.readline(LONGEST_LINE):
            text = line.decode(errors="replace").rstrip("\r\n")
            if text or not before:  # a name with nothing after it says nothing
                put(before + text)


def log(source: IO[bytes], file: IO[bytes]) -> None:
    """Keep a process' output for whoever asks later."""
    with source:
        while line := source.readline(LONGEST_LINE):
            file.write(line)
            file.flush()
