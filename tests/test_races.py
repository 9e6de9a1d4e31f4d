"""Races, with real connections. Each begins with a control that fails when the guard is off."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from annotations import auditing, leasing, queries
from annotations.models import Head, Lease, LeaseState, Project, Task
from config.clock import database_now
from tests.conftest import make_project, make_ready_clips, make_reviewer, make_team, spread_now
from tests.racing import (
    at_once,
    broken_promises,
    counters_equal_rows,
    nothing_forbids,
    room_on_the_server,
    twelve_and_a_hundred,
)
from workforce import quotas
from workforce.days import local_day
from workforce.errors import QuotaExhausted
from workforce.models import QuotaDay, Reviewer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def many(gateway, hyderabad) -> list[Reviewer]:
    return twelve_and_a_hundred(gateway, hyderabad)


# --- A quota ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def hungry(many, hyderabad) -> Reviewer:
    """A reviewer with 150 clips a day, who may hold them all at a time, and 200 tasks for them."""
    make_project(hyderabad, slug="second-look")
    assert spread_now() == 100
    Project.objects.update(prefetch=200)
    person: Reviewer = many[0]
    the_day_before = local_day(database_now(), "UTC") - timedelta(days=2)
    quotas.set_limit(150, reason="race", by=person.user, from_day=the_day_before, reviewer=person)
    return person


def test_control_24_callers_who_count_and_then_lease_overrun_a_quota_of_150(hungry) -> None:
    """What the queue does not do: everybody counts the rows, sees room for one, and leases."""
    day = QuotaDay.objects.create(
        reviewer=hungry, day=local_day(database_now(), "Asia/Kolkata"), time_zone="Asia/Kolkata",
        day_limit=150, limit_source="reviewer", allowed=150,
    )  # fmt: skip
    tasks = list(Task.objects.order_by("pk"))
    counted = threading.Barrier(24)

    def count_then_lease(number: int) -> None:
        for turn in range(7):
            held = Lease.objects.filter(quota_day=day).count()
            counted.wait(timeout=30)
            if held < 150:
                at = database_now()
                Lease.objects.create(
                    task=tasks[24 * turn + number],
                    reviewer=hungry,
                    quota_day=day,
                    granted_at=at,
                    expires_at=at + timedelta(minutes=5),
                )
            counted.wait(timeout=30)

    at_once(24, count_then_lease)
    assert Lease.objects.count() == 7 * 24 > 150


def test_24_callers_never_overrun_a_quota_of_150(hungry) -> None:
    def take(number: int) -> int:
        granted = 0
        for _ in range(10):
            with suppress(QuotaExhausted):
                granted += len(leasing.lease_next(hungry.user_id, count=1).lease_ids)
        return granted

    granted = at_once(24, take)
    assert sum(granted) == 150
    assert Lease.objects.count() == 150
    counters_equal_rows()


# --- Seats -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def crowd(gateway, hyderabad) -> list[Reviewer]:
    """Two hundred reviewers of one team, and fifty tasks with two seats each."""
    people = [make_reviewer(f"claimer-{number}", hyderabad) for number in range(200)]
    make_project(hyderabad, prefetch=20)
    make_ready_clips(gateway, 50)
    assert spread_now() == 50
    return people


def test_control_200_claimers_who_look_and_then_take_sell_seats_twice(crowd) -> None:
    """What the queue does not do: everybody looks for a free seat before anybody takes one."""
    room = room_on_the_server(200)

    def look(number: int) -> int:
        free = Task.objects.filter(state="open", seats_left__gt=0).order_by("rank").values_list("pk", flat=True)
        return free[number % 50]

    def take(number: int) -> None:
        at = database_now()
        day = QuotaDay.objects.create(
            reviewer=crowd[number], day=at.date(), time_zone="UTC", day_limit=9, limit_source="team", allowed=9, held=1
        )
        Task.objects.filter(pk=seen[number]).update(seats_left=F("seats_left") - 1)
        Lease.objects.create(
            task_id=seen[number],
            reviewer=crowd[number],
            quota_day=day,
            granted_at=at,
            expires_at=at + timedelta(minutes=5),
        )

    seen = at_once(200, look, room=room)
    with nothing_forbids("annotations_task"):
        # The column's own type goes no lower than 0, which is one guard more than a naive queue has.
        Task.objects.update(seats_left=F("seats_left") + 10)
        at_once(200, take, room=room)
        assert Lease.objects.count() == 200 > 50 * 2
        assert "seats" in broken_promises()


def test_200_claimers_over_50_tasks_fill_each_seat_once(crowd) -> None:
    """Each with a connection of their own where the server has that many; else they stand in line for what it has."""
    room = room_on_the_server(200)

    def drain(number: int) -> list[int]:
        mine: list[int] = []
        while ids := leasing.lease_next(crowd[number].user_id, count=3).lease_ids:
            mine += ids
        return mine

    granted = [lease for leases in at_once(200, drain, room=room) for lease in leases]
    assert len(granted) == len(set(granted))
    rows = list(Lease.objects.values_list("task_id", "reviewer_id"))
    assert len(rows) == len(set(rows))
    # A claimer that met only locked rows may have left early; nothing is lost, so those who come again get the rest.
    for person in crowd[:20]:
        leasing.lease_next(person.user_id, count=10)
    assert Lease.objects.count() == 50 * 2
    assert not Task.objects.filter(seats_left__gt=0).exists()
    counters_equal_rows()


# --- Keys, heads and sweeps ------------------------------------------------------------------------------------------


def test_one_key_used_by_many_at_once_takes_once(many) -> None:
    person = many[0]
    taken = at_once(8, lambda number: leasing.lease_next(person.user_id, count=2, key="the-key").lease_ids)
    assert len({tuple(ids) for ids in taken}) == 1
    assert Lease.objects.count() == 2


def test_seats_that_come_back_while_others_take_are_all_found(gateway, hyderabad) -> None:
    """Heads move and seats return at the same time; in the end no free seat is before a head."""
    people = [make_reviewer(f"p{number}", hyderabad) for number in range(8)]
    make_project(hyderabad, prefetch=20, overlap=1)
    make_ready_clips(gateway, 120)
    spread_now()

    def take_and_return(number: int) -> None:
        person = people[number]
        for turn in range(15):
            ids = leasing.lease_next(person.user_id, count=1).lease_ids
            if ids and turn % 2:
                leasing.give_back(person, ids[0], at=database_now())

    at_once(8, take_and_return)
    counters_equal_rows()
    free = set(Task.objects.filter(seats_left__gt=0).values_list("pk", flat=True))
    stranger = make_reviewer("fresh-eyes", hyderabad)
    found: set[int] = set()
    Project.objects.update(prefetch=500)
    while ids := leasing.lease_next(stranger.user_id, count=10).lease_ids:
        found |= set(Lease.objects.filter(pk__in=ids).values_list("task_id", flat=True))
    assert found == free


def test_the_database_refuses_a_second_lease_of_one_reviewer_on_a_task(many) -> None:
    lease = Lease.objects.get(pk=leasing.lease_next(many[0].user_id, count=1).lease_ids[0])
    lease.pk = None
    with pytest.raises(IntegrityError, match="lease_never_twice"):
        lease.save(force_insert=True)


def test_teams_do_not_see_each_others_lanes_in_a_rush(gateway, hyderabad) -> None:
    chennai = make_team("Chennai")
    here = [make_reviewer(f"h{number}", hyderabad) for number in range(3)]
    there = [make_reviewer(f"c{number}", chennai) for number in range(3)]
    make_project(hyderabad, chennai, prefetch=20)
    make_ready_clips(gateway, 20)
    spread_now()
    people = here + there
    at_once(6, lambda number: leasing.lease_next(people[number].user_id, count=10))
    for lease in Lease.objects.select_related("task", "reviewer"):
        assert lease.task.team_id == lease.reviewer.team_id


def test_what_enters_before_the_head_while_others_take_is_not_passed_by(many) -> None:
    """A task enters before the head in a transaction that is still open while somebody else moves the head."""
    task = Task.objects.earliest("pk")
    lane = task.lane
    before = lane.heads.latest("number").tail_rank - 10_000
    leasing.lease_next(many[0].user_id, count=10)
    Head.objects.update(made_at=database_now() - timedelta(seconds=1))
    entered, taken = threading.Event(), threading.Event()

    def work(number: int) -> None:
        if number == 0:
            with transaction.atomic():
                queries.enter(lane, [before])
                Task.objects.filter(pk=Task.objects.latest("pk").pk).update(rank=before)
                entered.set()
                # Long enough for a claimer that would wait for the lane to be waiting for it.
                taken.wait(timeout=1)
        else:
            entered.wait(timeout=30)
            leasing.lease_next(many[1].user_id, count=1)
            taken.set()

    at_once(2, work)
    assert auditing.audit() == []
    assert lane.heads.latest("number").head_rank <= before


def test_a_row_that_others_are_just_looking_at_is_waited_for_a_moment(many) -> None:
    """Somebody holds the only task with a free seat for an instant: that is not an empty queue."""
    last = Task.objects.latest("pk")
    Task.objects.exclude(pk=last.pk).update(seats_left=0)
    held = threading.Event()

    def work(number: int) -> list[int]:
        if number == 0:
            with transaction.atomic():
                Task.objects.select_for_update().get(pk=last.pk)
                held.set()
                threading.Event().wait(0.02)
            return []
        held.wait(timeout=30)
        return leasing.lease_next(many[1].user_id, count=1).lease_ids

    assert len(at_once(2, work)[1]) == 1


def test_one_bad_row_does_not_keep_a_sweep_from_those_behind_it(many) -> None:
    bad = Lease.objects.get(pk=leasing.lease_next(many[0].user_id, count=1).lease_ids[0])
    good = Lease.objects.get(pk=leasing.lease_next(many[1].user_id, count=1).lease_ids[0])
    past = database_now() - timedelta(minutes=5)
    for minutes, lease in ((2, bad), (1, good)):
        over = database_now() - timedelta(minutes=minutes)
        Lease.objects.filter(pk=lease.pk).update(granted_at=past, expires_at=over)
    # A counter that was damaged: giving the unit back would take it below zero, which the database refuses.
    QuotaDay.objects.filter(pk=bad.quota_day_id).update(held=0)
    assert leasing.sweep_lapsed(at=database_now()) == 1
    states = dict(Lease.objects.values_list("pk", "state"))
    assert (states[bad.pk], states[good.pk]) == (LeaseState.LIVE, LeaseState.LAPSED)
