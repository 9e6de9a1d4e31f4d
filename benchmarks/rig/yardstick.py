"""How fast the machine is while something else is measured: the same small work, once a second."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.rig import engines
from benchmarks.rig.data import Dataset


@contextmanager
def yardstick(made: Dataset) -> Iterator[dict[int, float]]:
    """Milliseconds of the same small work once a second, by seconds since it began, on a connection beside."""
    found: dict[int, float] = {}
    over = threading.Event()

    def measure() -> None:
        with engines.connect(made.database) as link:
            link.execute("CREATE TABLE bench.yardstick (counted bigint)")
            began = time.perf_counter()
            while not over.is_set():
                start = time.perf_counter()
                link.execute("INSERT INTO bench.yardstick SELECT count(*) FROM generate_series(1, 100000)")
                found[int(start - began)] = (time.perf_counter() - start) * 1000
                over.wait(1 - (time.perf_counter() - began) % 1)

    thread = threading.Thread(target=measure)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()
