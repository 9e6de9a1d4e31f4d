"""Tests of the console have a browser, and a heart that beats where a test asks for one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from django.conf import settings as conf

from config import pulse
from tests.browser import browser, desk
from tests.console.floor import floor

__all__ = ["browser", "desk", "floor"]


@pytest.fixture
def heart() -> Iterator[redis.Redis]:
    """A beat and a worker for each queue, as they say of themselves."""
    client = redis.Redis.from_url(conf.REDIS_URL)
    client.delete(pulse.WORKERS, pulse.BEAT)
    pulse.beat()
    for name in ("general", "clips.in", "clips.ro"):
        pulse.Sign(f"{name}@here", [name], every_seconds=5).give(client, busy=False, taken=3)
    yield client
    client.delete(pulse.WORKERS, pulse.BEAT)
    client.close()
