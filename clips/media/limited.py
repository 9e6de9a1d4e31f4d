"""Start a program with little to lose: bounded resources, no network, no longer life than its parent.

Decoders are assumed to be owned by the file they read, so what they could do then is what matters. Run as a script,
by path, with ``-I -S`` so that it starts in some ten milliseconds and imports nothing but the standard library::

    python -I -S limited.py --cpu 60 --memory 1610612736 --output 1048576 --parent 4242 -- ffmpeg ...

Everything here is taken if the kernel gives it and passed over if not (macOS, containers that forbid namespaces); the
demuxer, protocol and codec lists hold in any case. ``confinement`` tells what this machine gives.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# From Linux' sched.h and prctl.h.
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
# The exit code when the program could not be started at all, as shells have it.
NOT_STARTED = 127
# A media program has its input, its outputs and three pipes; the rest is room for its libraries.
_OPEN_FILES = 64


def confine(
    *, cpu_seconds: int, memory_bytes: int, output_bytes: int, parent: int | None = None, namespaces: bool = True
) -> dict[str, bool]:
    """Bind this very process, and what it becomes, for good. Says which bonds took hold.

    ``memory_bytes`` is address space, ``output_bytes`` the size of any one file written. With ``parent``, a process
    id, this process is killed when that one dies, and ends at once if it is already dead. Without ``namespaces`` the
    network is left as it is, for bubblewrap, which takes it away itself, cannot begin inside a namespace of ours.
    """
    rlimits = all(
        [
            _set_limit(resource.RLIMIT_CPU, cpu_seconds, cpu_seconds + 2),
            _set_limit(resource.RLIMIT_AS, memory_bytes, memory_bytes),
            _set_limit(resource.RLIMIT_FSIZE, output_bytes, output_bytes),
            _set_limit(resource.RLIMIT_CORE, 0, 0),
            _set_limit(resource.RLIMIT_NOFILE, _OPEN_FILES, _OPEN_FILES),
        ]
    )
    # Python ignores this one and a program it becomes would inherit that.
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    no_network = parent_death = False
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        # With a user namespace anybody may leave the network, and root leaves its powers over the machine behind too.
        if namespaces:
            no_network = libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0 or libc.unshare(_CLONE_NEWNET) == 0
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        # After the namespaces: gaining capabilities in them clears it.
        parent_death = libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) == 0
    if parent is not None and os.getppid() != parent:
        os._exit(1)
    return {"rlimits": rlimits, "no_network": no_network, "parent_death": parent_death}


def confinement() -> dict[str, bool]:
    """What ``confine`` can take on this machine, tried in a process of its own: rlimits, no_network, parent_death."""
    argv = command(["report"], cpu_seconds=10, memory_bytes=1 << 30, output_bytes=0)
    done = subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, timeout=30, check=False)
    try:
        return {name: bool(held) for name, held in json.loads(done.stdout).items()}
    except ValueError:
        return {"rlimits": False, "no_network": False, "parent_death": False}


def command(
    argv: Sequence[str], *, cpu_seconds: int, memory_bytes: int, output_bytes: int, namespaces: bool = True
) -> list[str]:
    """The command that runs ``argv`` confined, as a child of this process."""
    return [
        *(sys.executable, "-I", "-S", str(Path(__file__).resolve())),
        *("--cpu", str(cpu_seconds), "--memory", str(memory_bytes), "--output", str(output_bytes)),
        *("--parent", str(os.getpid()), *(() if namespaces else ("--no-namespaces",)), "--", *argv),
    ]


def _set_limit(which: int, soft: int, hard: int) -> bool:
    """Set one resource limit, never above a limit already in force. macOS refuses some of them."""
    _, ceiling = resource.getrlimit(which)
    if ceiling != resource.RLIM_INFINITY:
        soft, hard = min(soft, ceiling), min(hard, ceiling)
    try:
        resource.setrlimit(which, (soft, hard))
    except (ValueError, OSError):
        return False
    return True


def main() -> None:
    """Read the bounds, take them, and become the program named after ``--``; the word ``report`` only tells."""
    parser = argparse.ArgumentParser()
    for bound in ("--cpu", "--memory", "--output", "--parent"):
        parser.add_argument(bound, type=int, required=True)
    parser.add_argument("--no-namespaces", action="store_true")
    parser.add_argument("argv", nargs="+")
    asked = parser.parse_args()
    held = confine(
        cpu_seconds=asked.cpu,
        memory_bytes=asked.memory,
        output_bytes=asked.output,
        parent=asked.parent,
        namespaces=not asked.no_namespaces,
    )
    if asked.argv == ["report"]:
        sys.stdout.write(json.dumps(held))
        return
    # Python's own exception to the rule that a broken pipe ends a program.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execv(asked.argv[0], asked.argv)  # noqa: S606 - the whole point
    except OSError as error:
        sys.stderr.write(f"could not start: {error.strerror}")
        sys.exit(NOT_STARTED)


if __name__ == "__main__":
    main()
