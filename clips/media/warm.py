"""What is kept warm: loading a reader's libraries takes longer than reading a clip, so it is done once.

One server process for each of ours, and each kind (PyAV's reader, the finder of faces), holds nothing but those
libraries: no settings, no database, and where bubblewrap works neither files nor network. It never looks at a file
itself. For each clip it forks, one ahead; the child receives the open files, takes the bounds of one clip and reads
those, answers through a pipe of its own, and ends. So what a hostile file does to its reader ends with it, as if that
had been started for it alone.

A child that does not end in time takes the server with it, and with that everything in there; the next clip finds a new
one. Where no server can be had, or it is lost again, whoever asks starts a cold one for that clip alone.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

KEPT_BYTES = 64 * 1024
TICK_SECONDS = 0.8
_PR_SET_DUMPABLE = 4
# Files that a request comes with.
_MOST_FILES = 4
_STARTS_SECONDS = 20.0
_ENDS_SECONDS = 0.2


class NotAvailable(Exception):
    """There is no warm reader; a cold one must do."""


class Server:
    """One server and how to ask it. Used by one process; its threads may ask at once."""

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str]) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._process = subprocess.Popen(
                [*argv, str(theirs.fileno())],
                env=dict(environment),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._socket = ours
        ours.settimeout(_STARTS_SECONDS)
        try:
            greeting = ours.recv(16)
        except OSError:
            greeting = b""
        if greeting != b"ready":
            self.kill()
            raise NotAvailable

    def ask(
        self,
        request: Mapping[str, object],
        path: Path,
        *,
        wall_seconds: float,
        on_tick: Callable[[], None],
        most_bytes: int = KEPT_BYTES,
    ) -> bytes:
        """What a reader answers about the file, of ``most_bytes`` the last; empty when it broke or took too long.

        Raises NotAvailable when the server was lost meanwhile, which is not this file's doing as far as anybody knows:
        another one's reader took too long.
        """
        with path.open("rb") as file:
            answer = self.put(request, [file.fileno()])
        try:
            return self.listen(answer, wall_seconds=wall_seconds, on_tick=on_tick, most_bytes=most_bytes)
        finally:
            os.close(answer)

    def put(self, request: Mapping[str, object], files: Sequence[int]) -> int:
        """Ask, about open files; the pipe that the answer comes through is the caller's to close.

        Raises NotAvailable.
        """
        answer, theirs = os.pipe()
        try:
            socket.send_fds(self._socket, [json.dumps(request).encode()], [*files, theirs])
        except OSError:
            os.close(answer)
            raise NotAvailable from None
        finally:
            os.close(theirs)
        return answer

    def listen(
        self, answer: int, *, wall_seconds: float, on_tick: Callable[[], None], most_bytes: int = KEPT_BYTES
    ) -> bytes:
        """What comes out of the pipe that ``put`` gave, to its end, as ``ask`` has it. Raises NotAvailable."""
        deadline, kept = time.monotonic() + wall_seconds, b""
        with selectors.DefaultSelector() as pipes:
            pipes.register(answer, selectors.EVENT_READ)
            try:
                while True:
                    left = deadline - time.monotonic()
                    if left <= 0:
                        self.kill()
                        return b""
                    if not pipes.select(min(left, TICK_SECONDS)):
                        on_tick()
                        continue
                    chunk = os.read(answer, KEPT_BYTES)
                    if not chunk:
                        if not kept and self._is_ending():
                            raise NotAvailable
                        return kept
                    kept = (kept + chunk)[-most_bytes:]
            except NotAvailable:
                raise
            except BaseException:
                # Whoever asks is no longer interested: nothing goes on without them.
                self.kill()
                raise

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def _is_ending(self) -> bool:
        """Whether the server is gone or about to be: its pipes are closed a moment before it can be told."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_ENDS_SECONDS)
        return not self.is_alive()

    def let_go(self) -> None:
        """Close our end of what another process of ours asks with."""
        self._socket.close()
        self._process.returncode = 0  # not our child: nothing to wait for

    def kill(self) -> None:
        """End the server and all readers in it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._socket.close()


_lock = threading.Lock()
# By the process whose they are and what they are started as.
_servers: dict[tuple[int, tuple[str, ...]], Server] = {}


def server(argv: Sequence[str], environment: Mapping[str, str]) -> Server:
    """This process's server of that kind, started if there is none. Raises NotAvailable."""
    with _lock:
        for name in [name for name in _servers if name[0] != os.getpid()]:
            # A server of the process that we were forked from is not ours to end.
            _servers.pop(name).let_go()
        name = (os.getpid(), tuple(argv))
        found = _servers.get(name)
        if found is None or not found.is_alive():
            if found is not None:
                found.kill()
            try:
                found = _servers[name] = Server(argv, environment)
            except (NotAvailable, OSError):
                _servers.pop(name, None)
                raise NotAvailable from None
        return found


def mine() -> list[Server]:
    """The servers that this process started."""
    return [found for (pid, _), found in list(_servers.items()) if pid == os.getpid()]


@atexit.register
def _end() -> None:
    for found in mine():
        found.kill()


# --- the server's side ---


def serve(fd: int, read: Callable[[Mapping[str, Any], Sequence[int]], bytes]) -> None:
    """Answer requests until whoever asks is gone. Runs in a process without threads.

    ``read`` gets the request and the open files, in a child of its own that it may bind for good.
    """
    # Not to be looked into or changed by its own children, which run as the same user.
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    asked = socket.socket(fileno=fd)
    asked.send(b"ready")
    spare = _fork(read, shut=[asked])
    while True:
        message, fds, _flags, _address = socket.recv_fds(asked, KEPT_BYTES, _MOST_FILES + 1)
        if not message:
            return
        if not _hand_over(spare, message, fds):
            # Ended by somebody while it waited.
            spare.close()
            spare = _fork(read, shut=[asked, *fds])
            _hand_over(spare, message, fds)
        spare.close()
        for number in fds:
            os.close(number)
        # Ahead of the next clip, which then waits for no fork; and after this one's files are closed here, so that the
        # child has never had them.
        spare = _fork(read, shut=[asked])


def _fork(
    read: Callable[[Mapping[str, Any], Sequence[int]], bytes], *, shut: Sequence[socket.socket | int]
) -> socket.socket:
    """A child that waits for its one clip, without those sockets and files; returns where that is to be sent."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() != 0:
        theirs.close()
        return ours
    with contextlib.suppress(BaseException):
        ours.close()
        for place in shut:
            os.close(place if isinstance(place, int) else place.detach())
        message, fds, _flags, _address = socket.recv_fds(theirs, KEPT_BYTES, _MOST_FILES + 1)
        if message:
            os.write(fds[-1], read(json.loads(message), fds[:-1]))
            # Whoever asked need not wait until this process is taken down.
            os.close(fds[-1])
    os._exit(0)


def _hand_over(child: socket.socket, message: bytes, fds: Sequence[int]) -> bool:
    """Whether the child was there to take it."""
    try:
        socket.send_fds(child, [message], fds)
    except OSError:
        return False
    return True
