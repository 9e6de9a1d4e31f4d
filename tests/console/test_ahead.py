"""What is dear to count the beat counts before anybody asks: pages find it, or count for themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache

from annotations.console import quotas, today
from annotations.console import tasks as beat
from annotations.console.queries import Answered
from annotations.planning import forecasting
from annotations.planning.telling import told, understood
from config import ahead, pulse
from config.clock import database_now
from tests.conftest import make_project, make_ready_clips, make_user, signed_in, spread_now
from workforce import people

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    # Before a test has Redis away.
    client = pulse.client(patience_seconds=5)
    client.delete(*client.scan_iter(ahead.key_of("*")), "none")
    yield
    client.delete(*client.scan_iter(ahead.key_of("*")), "none")
    client.close()


@pytest.fixture
def boss(roles: None) -> User:
    return make_user("boss", "ops manager", is_staff=True)


@pytest.fixture
def never(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Whoever reads what is dear is found out."""

    def give_up(**_: Any) -> Any:
        raise AssertionError("it was counted again")

    def switch() -> None:
        monkeypatch.setattr(forecasting, "read", give_up)
        monkeypatch.setattr(quotas, "dry", give_up)

    return switch


def test_a_forecast_that_the_beat_read_is_told_by_every_process(gateway, hyderabad, asha, ravi, never) -> None:
    make_project(hyderabad)
    make_ready_clips(gateway, 4)
    spread_now()
    make_ready_clips(gateway, 3)
    at = database_now()
    mine = forecasting.forecasts(at=at), forecasting.of_teams(at=at)
    beat.count_ahead()
    cache.clear()
    never()
    told_at = forecasting.forecasts(at=database_now()).at
    assert told_at > at
    cache.clear()
    theirs = forecasting.forecasts(at=database_now()), forecasting.of_teams(at=database_now())
    assert [one.finish.tasks for one in theirs[0].projects] == [one.finish.tasks for one in mine[0].projects] == [7]
    assert theirs[1].keys() == mine[1].keys() == {hyderabad.pk}
    assert theirs[0].at == told_at
    # What holds is not read again by the beat, either.
    assert not forecasting.keep_ahead(at=database_now())


def test_a_reading_is_understood_as_it_was_told(gateway, hyderabad, asha, ravi) -> None:
    make_project(hyderabad)
    make_ready_clips(gateway, 2)
    spread_now()
    make_ready_clips(gateway, 1)
    kept = forecasting.read(at=database_now())
    again = understood(told(kept))
    assert len(again.rows) == len(kept.rows) == 2
    for one, other in zip(again.rows, kept.rows, strict=True):
        work = replace(other.work, skills=tuple(other.work.skills), answered=tuple(other.work.answered))
        assert (one.work, one.teams, one.seats, one.due_at, one.why) == (
            work, other.teams, other.seats, other.due_at, other.why,
        )  # fmt: skip
        assert list(one.ends) == list(other.ends)
    assert (again.at, again.until, again.seen, again.names, again.days_seen) == (
        kept.at, kept.until, kept.seen, kept.names, kept.days_seen,
    )  # fmt: skip


def test_what_no_longer_holds_is_read_anew(gateway, hyderabad, asha, ravi, boss) -> None:
    make_project(hyderabad)
    make_ready_clips(gateway, 2)
    beat.count_ahead()
    people.pause(hyderabad, by=boss, reason="closed")
    cache.clear()
    assert forecasting.forecasts(at=database_now()).projects[0].finish.never
    assert forecasting.keep_ahead(at=database_now())
    assert forecasting.keep_ahead(at=database_now() + 2 * forecasting.RENEWED_AFTER)


def test_who_runs_dry_is_found_without_a_look_at_everybody(boss, client, asha, ravi, never) -> None:
    client.force_login(boss)
    beat.count_ahead()
    assert ahead.get("dry") == quotas.dry(at=database_now())
    ahead.put("dry", [asha.pk], seconds=60)
    cache.clear()
    never()
    page = client.get("/admin/quotas", {"only": "dry"})
    assert [line.person for _team, lines in page.context["board"].groups for line in lines] == [asha]


def test_hours_that_are_over_are_counted_once_for_all(tasks, asha, monkeypatch) -> None:
    client = signed_in(asha.user)
    (lease,) = client.post("/api/v1/leases").json()["leases"]
    body = {"token": lease["token"], "answer": {"label": "threat"}}
    assert client.post(f"/api/v1/leases/{lease['id']}/annotation", body).status_code == 201
    at = database_now() + timedelta(hours=3)
    first = at.replace(minute=0, second=0, microsecond=0) - timedelta(hours=23)
    mine = today.answered(first=first, at=at)
    assert sum(one.answers for one in mine) == 1
    today.keep_ahead(at=at)
    cache.clear()
    real, asked = today.queries.answered, []

    def answered(*, since: datetime, at: datetime) -> list[Answered]:
        asked.append(since)
        return real(since=since, at=at)

    monkeypatch.setattr(today.queries, "answered", answered)
    assert today.answered(first=first, at=at) == mine
    assert asked == [today._fresh(at)]
    pulse.client().delete(ahead.key_of(today._hours_over(today._fresh(at))))
    cache.clear()
    assert today.answered(first=first, at=at) == mine
    assert asked[1:] == [first], "the control: with nothing counted ahead, all hours are counted"


def test_without_redis_pages_count_for_themselves(gateway, hyderabad, asha, ravi, settings) -> None:
    make_project(hyderabad)
    make_ready_clips(gateway, 2)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    beat.count_ahead()
    cache.clear()
    assert forecasting.forecasts(at=database_now()).projects[0].finish.tasks == 2
