"""Being asked to stop: once means in order, twice means now."""

from __future__ import annotations

import signal
from types import FrameType


class Asked(BaseException):
    """Somebody pressed Ctrl-C or sent TERM. No `except Exception` may swallow it."""


_state = {"on the way down": False, "in a hurry": False}


def listen() -> None:
    """From here on the first INT, TERM or HUP raises Asked wherever the launcher is; a later one means hurry."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _heard)


def stopping() -> None:
    """From here on nothing is raised any more: the way down must not be interrupted, only hurried."""
    _state["on the way down"] = True


def hurry() -> bool:
    """Whether somebody asked while we were already on the way down."""
    return _state["in a hurry"]


def _heard(number: int, frame: FrameType | None) -> None:
    if _state["on the way down"]:
        _state["in a hurry"] = True
        return
    stopping()
    raise Asked
