"""The doorbell: after commit, to the right queue, and never in anybody's way."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import transaction

from clips.tasks import prepare_clip, ring_for
from config import bells
from config.celery import app


@pytest.fixture
def broker(monkeypatch):
    """The test's own Redis, emptied of our queues, and no rest left over from another test."""
    monkeypatch.setattr(bells, "_quiet_until", 0.0)
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete("clips.in", "general")
        yield client
        client.delete("clips.in", "general")


@pytest.mark.django_db(transaction=True)
def test_a_ring_reaches_its_regions_queue_after_commit_with_an_id_only(broker) -> None:
    with transaction.atomic():
        ring_for(7, "in")
        assert broker.llen("clips.in") == 0
    message = json.loads(broker.lindex("clips.in", 0))
    assert message["headers"]["task"] == "clips.tasks.prepare_clip"
    assert message["content-type"] == "application/json"
    assert broker.llen("clips.in") == 1
    assert broker.llen("general") == 0


@pytest.mark.django_db(transaction=True)
def test_a_rollback_rings_nothing(broker) -> None:
    with transaction.atomic():
        ring_for(7, "in")
        transaction.set_rollback(True)
    assert broker.llen("clips.in") == 0


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_away_is_asked_once_and_then_left_alone(broker, monkeypatch) -> None:
    asked = []

    def refuse(*args, **kwargs):
        asked.append(args)
        raise ConnectionRefusedError

    monkeypatch.setattr(prepare_clip, "apply_async", refuse)
    for _ in range(5):
        ring_for(7, "in")
    assert len(asked) == 1
    monkeypatch.setattr(bells, "_quiet_until", time.monotonic() - 1)
    ring_for(7, "in")
    assert len(asked) == 2


def test_what_celery_is_told() -> None:
    """The settings whose absence lost or doubled work elsewhere."""
    conf = app.conf
    assert conf.accept_content == ["json"]
    assert conf.task_ignore_result
    assert conf.task_acks_late
    assert conf.worker_prefetch_multiplier == 1
    assert conf.timezone == "UTC"
    assert conf.broker_connection_max_retries is None
    options = conf.broker_transport_options
    assert options["visibility_timeout"] > conf.task_time_limit
    for name in ("socket_timeout", "socket_connect_timeout", "health_check_interval"):
        assert options[name]


def test_every_beat_entry_names_a_task_and_expires_before_its_next() -> None:
    app.loader.import_default_modules()
    entry: Any
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        assert entry["task"] in app.tasks
        assert entry["options"]["expires"] <= entry["schedule"]
        assert entry["options"]["queue"] == "general"
