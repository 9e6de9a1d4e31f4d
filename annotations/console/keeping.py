"""Figures that are dear to count are counted now and then, once for all who look; the page says when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.core.cache import cache

from config import ahead

T = TypeVar("T")


def kept(name: str, *, seconds: int, read: Callable[[], T], told: Callable[[Any], T] | None = None) -> T:
    """What was read under this name within so many seconds by this process; else, where ``told`` says how to take it
    up, what the beat counted ahead; else it is read now. Never of one person's scope: what is kept is of all, and
    whoever shows it chooses what may be seen."""
    key = f"console-{name}"
    found: T | None = cache.get(key)
    if found is not None:
        return found
    said = None if told is None else ahead.get(name)
    found = read() if told is None or said is None else told(said)
    cache.set(key, found, timeout=seconds)
    return found
