"""The doorbell: after commit, to the right queue, and never in anybody's way."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import transaction

from clips.tasks import prepare_clip, ring_for
from config import bells
from config.celery import app
from tests.engines import redis_of


@pytest.fixture
def broker():
    """The test's own Redis, emptied of our queues."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.delete("clips.in", "general")
        yield client
        client.delete("clips.in", "general")


@pytest.fixture
def away(monkeypatch):
    """A doorbell of its own, whose broker takes as long as it is told to and then refuses."""
    monkeypatch.setattr(bells, "_ringer", bells._Ringer())
    monkeypatch.setattr(bells, "REST_SECONDS", 0.3)
    asked: list[float] = []
    hang = threading.Event()

    def refuse(*args, **kwargs):
        asked.append(time.monotonic())
        hang.wait(timeout=5)
        raise ConnectionRefusedError

    monkeypatch.setattr(prepare_clip, "apply_async", refuse)
    return asked, hang


def until(true, seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.django_db(transaction=True)
def test_a_ring_reaches_its_regions_queue_after_commit_with_an_id_only(broker) -> None:
    with transaction.atomic():
        ring_for(7, "in")
        assert broker.llen("clips.in") == 0
    until(bells.rung)
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
    until(bells.rung)
    assert broker.llen("clips.in") == 0


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_hangs_keeps_nobody_waiting(away) -> None:
    asked, hang = away
    began = time.monotonic()
    for _ in range(50):
        ring_for(7, "in")
    assert time.monotonic() - began < 1
    until(lambda: len(asked) == 1)
    assert not bells.rung()
    hang.set()
    until(bells.rung)


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_away_is_left_alone_for_a_while(away) -> None:
    asked, hang = away
    hang.set()
    for _ in range(20):
        ring_for(7, "in")
    until(bells.rung)
    assert len(asked) <= 2
    time.sleep(0.4)
    ring_for(7, "in")
    until(lambda: len(asked) >= 2)


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


@pytest.mark.parametrize(
    ("given", "second"),
    [
        ("unix:///run/redis.sock?db=0", "unix:///run/redis.sock?db=1"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock?db=1"),
        ("redis://:secret@localhost:6379/15", "redis://:secret@localhost:6379/0"),
        ("redis://localhost:6379", "redis://localhost:6379/1"),
    ],
)
def test_each_worker_of_a_test_run_has_rings_of_its_own(given, second) -> None:
    """Shared, one's worker process would take what the other's test rings, and find nothing in its own database."""
    assert redis_of(given, 1) == second
