"""Races, with real connections. Each begins with a control that fails when the guard is off."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections, transaction

from annotations import auditing, leasing, queries, submitting
from annotations.models import Annotation, Lane, Lease, LeaseState, Project, Task
from config.clock import database_now
from config.errors import Refusal
from tests.conftest import make_project, make_ready_clips, make_reviewer, make_team, spread_now
from workforce import quotas
from workforce.days import local_day
from workforce.errors import QuotaExhausted
from workforce.models import QuotaDay, Reviewer

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(people: int, work: Callable[[int], Any]) -> list[Any]:
    """Run ``work(0..people-1)`` in threads that begin together, each with a connection of its own."""
    gate = threading.Barrier(people)

    def run(number: int) -> Any:
        try:
            gate.wait(timeout=30)
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(people) as pool:
        return list(pool.map(run, range(people)))


def counters_equal_rows() -> None:
    assert auditing.audit() == []
    for day in QuotaDay.objects.all():
        live = Lease.objects.filter(quota_day=day, state=LeaseState.LIVE).count()
        done = Lease.objects.filter(quota_day=day, state=LeaseState.SUBMITTED).count()
        assert (day.held, day.used) == (live, done)
        assert day.used + day.held <= day.allowed
    for task in Task.objects.all():
        live = Lease.objects.filter(task=task, state=LeaseState.LIVE).count()
        answers = Annotation.objects.filter(task=task).count()
        assert task.answers == answers
        assert task.seats_left + live + answers == task.overlap


@pytest.fixture
def many(gateway, hyderabad) -> list[Reviewer]:
    """Twelve reviewers of one team, and a hundred clips of one project with two seats each."""
    people = [make_reviewer(f"person-{number}", hyderabad) for number in range(12)]
    make_project(hyderabad, prefetch=20)
    make_ready_clips(gateway, 100)
    assert spread_now() == 100
    return people


def test_control_counting_and_then_leasing_overruns_a_quota(many) -> None:
    """What the queue does not do: 24 callers count the rows, all see room for one, all lease."""
    person = many[0]
    day = QuotaDay.objects.create(
        reviewer=person, day=local_day(database_now(), "Asia/Kolkata"), time_zone="Asia/Kolkata",
        day_limit=5, limit_source="reviewer", allowed=150,
    )  # fmt: skip
    tasks = list(Task.objects.order_by("pk")[:24])
    counted = threading.Barrier(24)

    def count_then_lease(number: int) -> None:
        held = Lease.objects.filter(quota_day=day).count()
        counted.wait(timeout=30)
        if held < 5:
            at = database_now()
            Lease.objects.create(
                task=tasks[number], reviewer=person, quota_day=day, granted_at=at, expires_at=at + timedelta(minutes=5)
            )

    at_once(24, count_then_lease)
    assert Lease.objects.count() > 5


def test_24_callers_never_overrun_a_quota(many) -> None:
    person = many[0]
    quotas.set_limit(
        15,
        reason="race",
        by=person.user,
        from_day=local_day(database_now(), "UTC") - timedelta(days=2),
        reviewer=person,
    )

    def take(number: int) -> int:
        granted = 0
        for _ in range(4):
            with suppress(QuotaExhausted):
                granted += len(leasing.lease_next(person.user_id, count=1).lease_ids)
        return granted

    granted = at_once(24, take)
    assert sum(granted) == 15
    assert Lease.objects.count() == 15
    counters_equal_rows()


def test_control_without_its_lock_and_check_a_seat_is_taken_twice(many) -> None:
    task = Task.objects.earliest("pk")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE annotations_task DROP CONSTRAINT task_seats_within_overlap")
    read = threading.Barrier(4)

    def read_then_write(number: int) -> None:
        left = Task.objects.get(pk=task.pk).seats_left
        read.wait(timeout=30)
        if left > 0:
            Task.objects.filter(pk=task.pk).update(seats_left=left - 1)
            at = database_now()
            day = QuotaDay.objects.create(
                reviewer=many[number], day=at.date(), time_zone="UTC", day_limit=9, limit_source="team", allowed=9
            )
            Lease.objects.create(
                task=task, reviewer=many[number], quota_day=day, granted_at=at, expires_at=at + timedelta(minutes=5)
            )

    try:
        at_once(4, read_then_write)
        assert Lease.objects.filter(task=task).count() > task.overlap
    finally:
        with connection.cursor() as cursor:
            cursor.execute(
                "ALTER TABLE annotations_task ADD CONSTRAINT task_seats_within_overlap"
                " CHECK (overlap >= seats_left + answers)"
            )


def test_many_claimers_over_few_tasks_fill_each_seat_once(many) -> None:
    Task.objects.filter(pk__in=Task.objects.order_by("-pk").values_list("pk", flat=True)[:75]).update(seats_left=0)
    seats = 25 * 2

    def drain(number: int) -> list[int]:
        mine: list[int] = []
        while True:
            ids = leasing.lease_next(many[number].user_id, count=3).lease_ids
            if not ids:
                return mine
            mine += ids

    granted = [lease for leases in at_once(12, drain) for lease in leases]
    assert len(granted) == len(set(granted))
    rows = list(Lease.objects.values_list("task_id", "reviewer_id"))
    assert len(rows) == len(set(rows))
    # A claimer that met only locked rows may have left early; nothing is lost, so those who come again get the rest.
    for person in many:
        leasing.lease_next(person.user_id, count=10)
    assert Lease.objects.count() == seats
    assert not Task.objects.filter(seats_left__gt=0).exists()


def test_two_submits_of_one_lease_write_one_annotation(many) -> None:
    person = many[0]
    for _ in range(10):
        lease = Lease.objects.get(pk=leasing.lease_next(person.user_id, count=1).lease_ids[0])

        def send(number: int, lease: Lease = lease) -> bool:
            answer = {"label": "threat" if number % 2 else "unsure"}
            return submitting.submit(person.user_id, lease.pk, token=lease.token, answer=answer)[1]

        written = at_once(6, send)
        assert written.count(True) == 1
    assert Annotation.objects.count() == 10
    counters_equal_rows()


def test_a_lease_that_expires_as_it_is_submitted_has_one_winner(many) -> None:
    """The sweep and the submit at the same instant: either the answer stands or the seat is back, never both."""
    person = many[0]
    outcomes = []
    for _ in range(40):
        lease = Lease.objects.get(pk=leasing.lease_next(person.user_id, count=1).lease_ids[0])
        Reviewer.objects.filter(pk=person.pk).update(lapses_in_row=0)
        soon = database_now() + timedelta(milliseconds=4)
        Lease.objects.filter(pk=lease.pk).update(expires_at=soon)

        def race(number: int, lease: Lease = lease) -> str:
            if number == 0:
                while not leasing.sweep_lapsed(at=database_now()):
                    if Lease.objects.get(pk=lease.pk).state != LeaseState.LIVE:
                        return "swept nothing"
                return "swept"
            try:
                submitting.submit(person.user_id, lease.pk, token=lease.token, answer={"label": "threat"})
                return "submitted"
            except Refusal as refusal:
                return refusal.code

        outcomes.append(tuple(at_once(2, race)))
        lease.refresh_from_db()
        if outcomes[-1][1] == "submitted":
            assert lease.state == LeaseState.SUBMITTED
        else:
            assert outcomes[-1] == ("swept", "lease-lapsed")
            assert lease.state == LeaseState.LAPSED
    counters_equal_rows()


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
    leasing.lease_next(many[0].user_id, count=10)
    Lane.objects.update(head_at=database_now() - timedelta(seconds=1))
    entered, taken = threading.Event(), threading.Event()

    def work(number: int) -> None:
        if number == 0:
            with transaction.atomic():
                queries.enter(lane, [lane.tail_rank - 10_000])
                Task.objects.filter(pk=Task.objects.latest("pk").pk).update(rank=lane.tail_rank - 10_000)
                entered.set()
                # Long enough for a claimer that would wait for the lane to be waiting for it.
                taken.wait(timeout=1)
        else:
            entered.wait(timeout=30)
            leasing.lease_next(many[1].user_id, count=1)
            taken.set()

    at_once(2, work)
    assert auditing.audit() == []
    assert Lane.objects.get(pk=lane.pk).head_rank <= lane.tail_rank - 10_000


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
