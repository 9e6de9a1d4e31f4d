"""Start a program with little to lose: bounded resources, no network, no longer life than its parent.

Decoders are assumed to be owned by the file they read, so what they could do then is what matters. Run as a script,
by path, with ``-I -S`` so that it starts in some ten milliseconds and imports nothing but the standard library::

    python -I -S limited.py --cpu 60 --memory 1610612736 --output 1048576 --parent 4242 -- ffmpeg ...

Everything here is taken if the kernel gives it and passed over if not (macOS, containers that forbid namespaces, Linux
before 5.13 for Landlock); the demuxer, protocol and codec lists hold in any case. ``confinement`` tells what this
machine gives.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import resource
import signal
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# From Linux' sched.h and prctl.h.
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
# From Linux' landlock.h: system calls (the same on every machine), and the rights over files of each version.
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_LANDLOCK_VERSION = 1
_EXECUTE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 2, 1 << 3
_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
_RIGHTS_SINCE_5 = (1 << 16) - 1
# What a rule on a single file may speak of: execute, write, read, truncate, ioctl.
_RIGHTS_ON_FILES = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15
_TCP, _SCOPES = 0b11, 0b11
# A place that does not exist: whoever sees that alone can open nothing.
NOWHERE = "/nowhere"
# The exit code when the program could not be started at all, as shells have it.
NOT_STARTED = 127
# A media program has its input, its outputs and three pipes; the rest is room for its libraries.
_OPEN_FILES = 64


def confine(
    *,
    cpu_seconds: int,
    memory_bytes: int,
    output_bytes: int,
    parent: int | None = None,
    namespaces: bool = True,
    sees: Sequence[str] = (),
    lists: Sequence[str] = (),
    makes: Sequence[str] = (),
) -> dict[str, bool]:
    """Bind this very process, and what it becomes, for good. Says which bonds took hold.

    ``memory_bytes`` is address space, ``output_bytes`` the size of any one file written. With ``parent``, a process
    id, this process is killed when that one dies, and ends at once if it is already dead. Without ``namespaces`` the
    network is left as it is, for bubblewrap, which takes it away itself, cannot begin inside a namespace of ours.

    With ``sees`` nothing can be opened any more but those files and folders (to read and to run), the names in the
    folders ``lists``, and all in the folders ``makes``, if the kernel has Landlock.
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
    no_network = parent_death = own_files = False
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        # With a user namespace anybody may leave the network, and root leaves its powers over the machine behind too.
        if namespaces:
            no_network = libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0 or libc.unshare(_CLONE_NEWNET) == 0
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        own_files = bool(sees) and _see_only(libc, sees, lists, makes)
        # After the namespaces: gaining capabilities in them clears it.
        parent_death = libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) == 0
    if parent is not None and os.getppid() != parent:
        os._exit(1)
    return {"rlimits": rlimits, "no_network": no_network, "parent_death": parent_death, "own_files": own_files}


def _see_only(libc: ctypes.CDLL, sees: Sequence[str], lists: Sequence[str], makes: Sequence[str]) -> bool:
    """Leave this process these places and no others; whether the kernel did so. Needs PR_SET_NO_NEW_PRIVS."""
    version = libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), _LANDLOCK_VERSION)
    if version < 1:
        return False
    every = _RIGHTS.get(version, _RIGHTS_SINCE_5)
    # Older kernels know fewer members: files, then TCP, then signals and sockets without a name.
    members = [every, _TCP if version >= 4 else 0, _SCOPES if version >= 6 else 0]
    rules = struct.pack("=3Q", *members)[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = libc.syscall(_LANDLOCK_CREATE, rules, ctypes.c_size_t(len(rules)), 0)
    if ruleset < 0:
        return False
    wanted = [(place, _EXECUTE | _READ_FILE | _READ_DIR) for place in sees]
    wanted += [(place, _READ_DIR) for place in lists] + [(place, every) for place in makes]
    for place, rights in wanted:
        try:
            opened = os.open(place, os.O_PATH | os.O_CLOEXEC)
        except OSError:  # what is not there, or not for us, is not for it either
            continue
        allowed = rights & every if Path(place).is_dir() else rights & every & _RIGHTS_ON_FILES
        rule = struct.pack("=Qi", allowed, opened)
        added = libc.syscall(_LANDLOCK_ADD, ruleset, 1, rule, 0)
        os.close(opened)
        if added:
            return False
    held = libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0) == 0
    os.close(ruleset)
    return held


def confinement() -> dict[str, bool]:
    """What ``confine`` can take on this machine, tried in a process of its own.

    rlimits, no_network, parent_death, own_files.
    """
    argv = command(["report"], cpu_seconds=10, memory_bytes=1 << 30, output_bytes=0, sees=["/"])
    done = subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, timeout=30, check=False)
    try:
        return {name: bool(held) for name, held in json.loads(done.stdout).items()}
    except ValueError:
        return {"rlimits": False, "no_network": False, "parent_death": False, "own_files": False}


def command(
    argv: Sequence[str],
    *,
    cpu_seconds: int,
    memory_bytes: int,
    output_bytes: int,
    namespaces: bool = True,
    sees: Sequence[str] = (),
    makes: Sequence[str] = (),
) -> list[str]:
    """The command that runs ``argv`` confined, as a child of this process."""
    places = [word for place in sees for word in ("--see", place)] + [w for place in makes for w in ("--make", place)]
    return [
        *(sys.executable, "-I", "-S", str(Path(__file__).resolve())),
        *("--cpu", str(cpu_seconds), "--memory", str(memory_bytes), "--output", str(output_bytes)),
        *("--parent", str(os.getpid()), *(() if namespaces else ("--no-namespaces",)), *places, "--", *argv),
    ]


def bounded(argv: Sequence[str], *, cpu_seconds: int, memory_bytes: int, output_bytes: int) -> list[str]:
    """The command that runs ``argv`` with the resource limits alone, for what bubblewrap holds in all else.

    By a shell, which starts in a millisecond, where a Python takes twenty of the worker's for every clip.
    """
    wanted = [
        ("-S -t", resource.RLIMIT_CPU, cpu_seconds, 1),
        ("-H -t", resource.RLIMIT_CPU, cpu_seconds + 2, 1),
        ("-v", resource.RLIMIT_AS, memory_bytes, 1024),
        ("-f", resource.RLIMIT_FSIZE, output_bytes, 512),
        ("-c", resource.RLIMIT_CORE, 0, 1),
        ("-n", resource.RLIMIT_NOFILE, _OPEN_FILES, 1),
    ]
    words = ["set -e"]
    for option, which, most, unit in wanted:
        _, ceiling = resource.getrlimit(which)
        # Never above a limit already in force, which a shell would refuse.
        held = most if ceiling == resource.RLIM_INFINITY else min(most, ceiling)
        words.append(f"ulimit {option} {held // unit}")
    return ["/bin/sh", "-c", "; ".join([*words, 'exec "$@"']), "sh", *argv]


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
    parser.add_argument("--see", action="append", default=[])
    parser.add_argument("--make", action="append", default=[])
    parser.add_argument("argv", nargs="+")
    asked = parser.parse_args()
    held = confine(
        cpu_seconds=asked.cpu,
        memory_bytes=asked.memory,
        output_bytes=asked.output,
        parent=asked.parent,
        namespaces=not asked.no_namespaces,
        sees=asked.see,
        makes=asked.make,
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
