"""Figures that the beat counts before anybody asks, once for all processes: they lie in Redis.

Nothing is decided by them. Redis may be emptied or away: then whoever asks counts for themselves.
"""

from __future__ import annotations

import json
import logging
from typing import Any

import redis
from django.db import connection

from config import pulse

log = logging.getLogger("sightline.ahead")


def put(name: str, value: Any, *, seconds: int) -> bool:
    """Keep a value (of JSON) under this name for so long; returns whether Redis took it."""
    try:
        pulse.client().set(key_of(name), json.dumps(value), ex=seconds)
    except redis.RedisError as error:
        log.warning("figures that were counted ahead could not be kept: %s", type(error).__name__)
        return False
    return True


def get(name: str) -> Any:
    """What was counted under this name; None when there is nothing, or Redis does not answer soon."""
    try:
        found: Any = pulse.client().get(key_of(name))
    except redis.RedisError:
        return None
    return None if found is None else json.loads(found)


def key_of(name: str) -> str:
    """Where it lies. One Redis may serve several databases."""
    return f"sightline:ahead:{connection.settings_dict['NAME']}:{name}"
