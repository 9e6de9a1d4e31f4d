"""One launcher per var folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from config.stack.failure import Failed
from config.stack.places import Places


@contextmanager
def held(places: Places) -> Iterator[None]:
    """Hold the folder for as long as this process lives; the kernel lets go of it for us when we are killed."""
    descriptor = os.open(places.run / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(descriptor, 40).decode(errors="replace").strip() or "unknown"
            raise Failed(f"{places.var} is in use by process {holder}; stop that one first") from error
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)
