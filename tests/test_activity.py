"""Active time: what runs a clock, what stops it, where it is cut; and that no two spans of a person overlap."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F, Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotations import activity, leasing, pace
from annotations.errors import LeaseReturned, StaleToken
from annotations.models import ActiveClock, ActiveSpan, Lease, LeaseState, Task, Timesheet
from config.clock import database_now
from config.errors import NotFound
from tests.conftest import make_project, make_ready_clips, signed_in, spread_now
from tests.racing import at_once
from workforce import people
from workforce.models import Reviewer

pytestmark = pytest.mark.django_db
ZERO = datetime(2027, 5, 10, 6, tzinfo=UTC)


def lease_to(person: Reviewer, task: Task, *, at: datetime = ZERO) -> Lease:
    """A lease that holds for days, so that a test may say what time it is."""
    (taken,) = leasing.lease_next(person.user_id, count=1).lease_ids
    Lease.objects.filter(pk=taken).update(granted_at=at - timedelta(hours=1), expires_at=at + timedelta(days=9))
    return Lease.objects.get(pk=taken)


@pytest.fixture
def lease(tasks, asha) -> Lease:
    return lease_to(asha, tasks[0])


def beat(lease: Lease, seconds: float, *, lost: float = 0, zero: datetime = ZERO) -> None:
    activity.beat(
        lease.reviewer.user_id, lease.pk, token=lease.token, lost_ms=int(lost * 1000),
        at=zero + timedelta(seconds=seconds),
    )  # fmt: skip


def spans(person: Reviewer) -> list[tuple[float, float, float]]:
    """Each span of a person as seconds from the zero hour, with the seconds lost in it."""
    return [
        ((span.started_at - ZERO).total_seconds(), (span.ended_at - ZERO).total_seconds(), span.lost_ms / 1000)
        for span in ActiveSpan.objects.filter(reviewer=person).order_by("started_at")
    ]


def stop(seconds: float) -> int:
    return activity.stop_quiet(at=ZERO + timedelta(seconds=seconds))


def test_beats_run_a_clock_and_silence_ends_it(lease, asha) -> None:
    for second in (0, 20, 40, 60):
        beat(lease, second)
    assert stop(120) == 0
    assert stop(121) == 1
    assert stop(121) == 0
    assert spans(asha) == [(0, 60, 0)]


def test_an_idle_gap_is_not_counted(lease, asha) -> None:
    for second in (0, 30, 90, 151, 171):
        beat(lease, second)
    stop(1000)
    assert spans(asha) == [(0, 90, 0), (151, 171, 0)]


def test_time_lost_to_the_network_is_neither_idle_nor_against_the_person(lease, asha) -> None:
    beat(lease, 0)
    beat(lease, 20, lost=5)
    beat(lease, 230, lost=200)  # offline for 200 seconds: ten more are within the gap
    beat(lease, 240, lost=999)  # no more can be lost than has passed
    stop(1000)
    assert spans(asha) == [(0, 240, 215)]
    sheet = Timesheet.objects.get()
    assert (sheet.active_ms, sheet.lost_ms, sheet.total_ms) == (25_000, 215_000, 240_000)


def test_a_wait_that_the_sweep_took_for_silence_is_given_back(lease, asha) -> None:
    beat(lease, 0)
    beat(lease, 30)
    stop(100)
    beat(lease, 200, lost=150)
    beat(lease, 220)
    stop(1000)
    assert spans(asha) == [(0, 30, 0), (30, 220, 150)]


def test_nobody_can_report_a_night_as_lost(lease, asha) -> None:
    beat(lease, 0)
    beat(lease, 8 * 3600, lost=8 * 3600)
    stop(9 * 3600)
    # Ten minutes before the word are the most that one heartbeat may report.
    assert spans(asha) == [(8 * 3600 - activity.MOST_LOST_MS / 1000, 8 * 3600, activity.MOST_LOST_MS / 1000)]


def test_time_reaches_to_the_answer(lease, asha) -> None:
    beat(lease, 0)
    beat(lease, 20)
    Lease.objects.filter(pk=lease.pk).update(
        state=LeaseState.SUBMITTED, ended_at=ZERO + timedelta(seconds=33, milliseconds=500)
    )
    stop(1000)
    assert spans(asha) == [(0, 33.5, 0)]


def test_a_lease_that_lapsed_ends_with_its_last_beat(lease, asha) -> None:
    beat(lease, 0)
    beat(lease, 20)
    Lease.objects.filter(pk=lease.pk).update(state=LeaseState.LAPSED, ended_at=ZERO + timedelta(seconds=50))
    stop(1000)
    assert spans(asha) == [(0, 20, 0)]


def test_another_task_begins_where_the_one_before_ended(tasks, asha, lease) -> None:
    other = lease_to(asha, tasks[1])
    beat(lease, 0)
    beat(lease, 20)
    beat(other, 30)
    beat(other, 50)
    beat(lease, 55)
    stop(1000)
    assert spans(asha) == [(0, 30, 0), (30, 55, 0)]
    assert ActiveSpan.objects.filter(lease=other).count() == 1


def test_a_span_is_cut_at_the_persons_midnight(lease, asha) -> None:
    midnight = datetime(2027, 5, 10, 18, 30, tzinfo=UTC)
    for second in (-40, -10, 20, 50):
        beat(lease, second, zero=midnight)
    activity.stop_quiet(at=midnight + timedelta(hours=1))
    found = {sheet.day: sheet.total_ms for sheet in Timesheet.objects.all()}
    assert found == {date(2027, 5, 10): 40_000, date(2027, 5, 11): 50_000}


def test_a_person_who_moves_zone_has_their_time_on_the_new_zones_day(lease, asha) -> None:
    people.move_zone(asha, "Europe/Bucharest", at=ZERO)
    midnight = datetime(2027, 5, 10, 18, 30, tzinfo=UTC)
    for second in (-30, 30):
        beat(lease, second, zero=midnight)
    activity.stop_quiet(at=midnight + timedelta(hours=1))
    # In Bucharest it is still the tenth when Hyderabad's tenth is over: both count to it.
    assert [(sheet.day, sheet.total_ms, sheet.spans) for sheet in Timesheet.objects.all()] == [
        (date(2027, 5, 10), 60_000, 2)
    ]
    assert {span.time_zone for span in ActiveSpan.objects.all()} == {"Asia/Kolkata", "Europe/Bucharest"}


def test_only_the_holder_of_a_live_lease_runs_a_clock(lease, asha, ravi) -> None:
    at = ZERO
    with pytest.raises(NotFound):
        activity.beat(ravi.user_id, lease.pk, token=lease.token, lost_ms=0, at=at)
    with pytest.raises(StaleToken):
        activity.beat(asha.user_id, lease.pk, token=uuid4(), lost_ms=0, at=at)
    beat(lease, 0)
    with pytest.raises(StaleToken):
        activity.beat(asha.user_id, lease.pk, token=uuid4(), lost_ms=0, at=at + timedelta(seconds=5))
    leasing.give_back(asha, lease.pk, at=at + timedelta(seconds=10))
    with pytest.raises(LeaseReturned):
        beat(lease, 20)
    stop(1000)
    assert spans(asha) == [(0, 10, 0)]


def test_a_heartbeat_is_one_statement(lease, asha, django_assert_num_queries) -> None:
    beat(lease, 0)
    with django_assert_num_queries(1):
        beat(lease, 20, lost=3)


steps = st.lists(
    st.tuples(
        st.sampled_from(["beat", "beat", "beat", "sweep"]), st.integers(0, 1), st.integers(0, 200), st.integers(0, 250)
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps, st.integers(0, 24 * 3600))
def test_whatever_players_do_sheets_are_what_spans_add_up_to(asha, pair, steps, begins) -> None:
    now, wall = float(begins), 0.0
    with transaction.atomic():
        for what, which, wait, lost in steps:
            now, wall = now + wait, wall + wait
            if what == "beat":
                beat(pair[which], now, lost=lost)
            else:
                stop(now)
        stop(now + 10_000)
        found = list(ActiveSpan.objects.filter(reviewer=asha).order_by("started_at"))
        assert all(one.ended_at <= other.started_at for one, other in itertools.pairwise(found))
        summed: dict[date, int] = {}
        for span in found:
            summed.setdefault(span.day, 0)
            summed[span.day] += (span.ended_at - span.started_at) // timedelta(milliseconds=1)
            assert span.day == span.started_at.astimezone(activity.days.ZoneInfo("Asia/Kolkata")).date()
        assert summed == {sheet.day: sheet.total_ms for sheet in Timesheet.objects.filter(reviewer=asha)}
        # Time before the first word may be lost to the network; else nobody works longer than the clock on the wall.
        assert sum(summed.values()) <= (wall + activity.MOST_LOST_MS / 1000) * 1000
        assert ActiveClock.objects.count() == 0
        transaction.set_rollback(True)


@pytest.fixture
def pair(tasks, asha) -> list[Lease]:
    return [lease_to(asha, task) for task in tasks[:2]]


def test_spans_of_one_person_cannot_overlap_nor_be_changed(lease, asha, ravi) -> None:
    fields: dict[str, Any] = {"lease": lease, "day": ZERO.date(), "time_zone": "UTC"}
    minute = timedelta(minutes=1)
    ActiveSpan.objects.create(reviewer=asha, started_at=ZERO, ended_at=ZERO + minute, **fields)
    with pytest.raises(IntegrityError, match="active_span_no_overlap"), transaction.atomic():
        ActiveSpan.objects.create(reviewer=asha, started_at=ZERO + minute / 2, ended_at=ZERO + 2 * minute, **fields)
    ActiveSpan.objects.create(reviewer=asha, started_at=ZERO + minute, ended_at=ZERO + 2 * minute, **fields)
    ActiveSpan.objects.create(reviewer=ravi, started_at=ZERO, ended_at=ZERO + minute, **fields)
    with pytest.raises(IntegrityError, match="written once"), transaction.atomic():
        ActiveSpan.objects.update(lost_ms=1)
    with pytest.raises(IntegrityError, match="active_span_lost_within_it"), transaction.atomic():
        ActiveSpan.objects.create(
            reviewer=ravi, started_at=ZERO + minute, ended_at=ZERO + 2 * minute, lost_ms=60_001, **fields
        )


def beaten_at_once(held: list[Lease]) -> list[Any]:
    """Eight players of one person, on two leases, all begin at once; what each was answered."""

    def begin(number: int) -> Any:
        try:
            for step in range(6):
                beat(held[number % 2], 10 * step + number)
        except Exception as error:
            return error
        return None

    return [found for found in at_once(8, begin) if found is not None]


@pytest.mark.django_db(transaction=True)
def test_control_without_the_persons_lock_players_get_into_each_others_way(pair, monkeypatch) -> None:
    manager = Reviewer.objects.all()
    monkeypatch.setattr(type(manager), "select_for_update", lambda self, **options: self)
    assert any(isinstance(error, IntegrityError) for error in beaten_at_once(pair))


@pytest.mark.django_db(transaction=True)
def test_players_of_one_person_wait_for_one_another(pair) -> None:
    assert beaten_at_once(pair) == []
    stop(1000)
    total = ActiveSpan.objects.aggregate(ms=Sum(F("ended_at") - F("started_at")))["ms"]
    assert total <= timedelta(seconds=60)


def work(person: Reviewer, lease: Lease, *, begins: float, seconds: float, lost: float = 0) -> None:
    ActiveSpan.objects.create(
        reviewer=person, lease=lease, day=ZERO.date(), time_zone="UTC", started_at=ZERO + timedelta(seconds=begins),
        ended_at=ZERO + timedelta(seconds=begins + seconds), lost_ms=int(lost * 1000),
    )  # fmt: skip


def test_pace_is_ones_own_median_without_waits(gateway, hyderabad, asha, ravi, django_assert_num_queries) -> None:
    make_project(hyderabad)
    make_ready_clips(gateway, 6)
    spread_now()
    held = [lease_to(asha, task) for task in Task.objects.all()]
    for number, (lease, seconds) in enumerate(zip(held, [30, 40, 50, 60, 500], strict=False)):
        work(asha, lease, begins=1000 * number, seconds=seconds, lost=seconds / 2)
    work(asha, held[0], begins=9000, seconds=5)  # a second look at the first: 20 seconds in all
    # Leases that nobody answered say nothing of how long an answer takes.
    assert pace.paces([asha.pk], at=ZERO) == {asha.pk: pace.DEFAULT_PACE}
    Lease.objects.filter(pk__in=[lease.pk for lease in held[:5]]).update(state=LeaseState.SUBMITTED, ended_at=ZERO)
    with django_assert_num_queries(1):
        assert pace.paces([asha.pk, ravi.pk], at=ZERO) == {asha.pk: 25.0, ravi.pk: pace.DEFAULT_PACE}
    later = ZERO + timedelta(days=60)
    assert pace.paces([asha.pk], at=later) == {asha.pk: pace.DEFAULT_PACE}
    assert pace.paces([]) == {}


def test_the_door_takes_heartbeats_and_shows_me_my_time(tasks, asha) -> None:
    client = signed_in(asha.user)
    lease = client.post("/api/v1/leases", {}).json()["leases"][0]
    door = f"/api/v1/leases/{lease['id']}/heartbeat"
    assert client.post(door, {"token": lease["token"]}).status_code == 204
    assert client.post(door, {"token": lease["token"], "lost_ms": 100}).status_code == 204
    assert client.post(door, {"token": str(uuid4())}).json()["code"] == "stale-token"
    assert client.post(door, {"token": lease["token"], "lost_ms": -1}).status_code == 400
    assert client.get("/api/v1/me/time").json()["running"]["lease"] == lease["id"]
    activity.stop_quiet(at=database_now() + timedelta(minutes=5))
    told = client.get("/api/v1/me/time").json()
    assert told["running"] is None
    (day,) = told["days"]
    found = client.get(f"/api/v1/me/time/{day['day']}").json()
    assert len(found["spans"]) == day["spans"] == 1
