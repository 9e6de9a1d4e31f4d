"""How a launch fails: one named step, one sentence."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager


class Failed(Exception):
    """A step of the launch did not work; the message is the sentence a person reads."""

    step = ""


@contextmanager
def step(name: str) -> Iterator[None]:
    """Give whatever goes wrong inside the name of the step, so that no traceback is the answer to a full disk."""
    try:
        yield
    except Failed as failed:
        failed.step = failed.step or name
        raise
    except (OSError, subprocess.SubprocessError) as error:
        broken = Failed(str(error))
        broken.step = name
        raise broken from error
