"""Races for the end of a lease. Each begins with a control that fails when the guard is off."""

from __future__ import annotations

import random
import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db.models import F

from annotations import leasing, submitting
from annotations.models import Annotation, Lease, LeaseState, Task
from config.clock import database_now
from config.errors import Refusal
from tests.conftest import make_project, spread_now
from tests.racing import Crew, at_once, broken_promises, counters_equal_rows, nothing_forbids, twelve_and_a_hundred
from workforce.models import QuotaDay, Reviewer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def many(gateway, hyderabad) -> list[Reviewer]:
    return twelve_and_a_hundred(gateway, hyderabad)


def lease_for(person: Reviewer) -> Lease:
    """One more lease of theirs, whose holder has not been away before."""
    Reviewer.objects.filter(pk=person.pk).update(lapses_in_row=0)
    return Lease.objects.select_related("task").get(pk=leasing.lease_next(person.user_id, count=1).lease_ids[0])


def write_unguarded(lease: Lease, label: str) -> None:
    """An answer as one would write it without a thought for anybody else."""
    at = database_now()
    Annotation.objects.create(
        lease=lease, task_id=lease.task_id, reviewer_id=lease.reviewer_id, schema_version=1, label=label,
        answer={"label": label}, submitted_at=at,
    )  # fmt: skip
    Lease.objects.filter(pk=lease.pk).update(state=LeaseState.SUBMITTED, ended_at=at)
    Task.objects.filter(pk=lease.task_id).update(answers=F("answers") + 1)
    QuotaDay.objects.filter(pk=lease.quota_day_id).update(used=F("used") + 1)


def test_control_two_submits_that_look_and_then_write_answer_one_lease_twice(many) -> None:
    lease = lease_for(many[0])
    looked = threading.Barrier(2)

    def send(number: int) -> None:
        answered = Annotation.objects.filter(lease=lease).exists()
        looked.wait(timeout=30)
        if not answered:
            write_unguarded(lease, "threat" if number else "unsure")

    with nothing_forbids("annotations_annotation"), nothing_forbids("annotations_task"):
        at_once(2, send)
        assert Annotation.objects.filter(lease=lease).count() == 2
        assert "quota-counters" in broken_promises()


@pytest.mark.parametrize(("senders", "times"), [(2, 100), (6, 10)])
def test_submits_of_one_lease_write_one_annotation(many, senders, times) -> None:
    with Crew(senders) as crew:
        for _ in range(times):
            lease = lease_for(many[0])

            def send(number: int, lease: Lease = lease) -> tuple[int, str, bool]:
                answer = {"label": "threat" if number % 2 else "unsure"}
                annotation, written, _ = submitting.submit(many[0].user_id, lease.pk, token=lease.token, answer=answer)
                return annotation.pk, annotation.label, written

            sent = crew.run(send)
            assert [written for _, _, written in sent].count(True) == 1
            # Whoever came second is told the first answer, not their own.
            assert len({(number, label) for number, label, _ in sent}) == 1
    assert Annotation.objects.count() == times
    counters_equal_rows()


def test_control_a_sweep_and_a_submit_that_look_and_then_write_both_win(many) -> None:
    lease = lease_for(many[0])
    Lease.objects.filter(pk=lease.pk).update(expires_at=database_now())
    looked = threading.Barrier(2)

    def race(number: int) -> None:
        state = Lease.objects.get(pk=lease.pk).state
        looked.wait(timeout=30)
        if state == LeaseState.LIVE and number == 0:
            Lease.objects.filter(pk=lease.pk).update(state=LeaseState.LAPSED, ended_at=database_now())
            Task.objects.filter(pk=lease.task_id).update(seats_left=F("seats_left") + 1)
            QuotaDay.objects.filter(pk=lease.quota_day_id).update(held=F("held") - 1)
        elif state == LeaseState.LIVE:
            write_unguarded(lease, "threat")

    with nothing_forbids("annotations_task"):
        at_once(2, race)
        # The answer stands and its seat is free.
        assert Annotation.objects.filter(lease=lease).exists()
        assert "seats" in broken_promises()


def test_500_leases_that_expire_as_they_are_submitted_have_one_winner_each(many, hyderabad) -> None:
    """The sweep and the submit at the same instant: either the answer stands or the seat is back, never both."""
    make_project(hyderabad, slug="more", overlap=5)
    assert spread_now() == 100
    chance = random.Random(500)
    time_left = 4.0
    outcomes: Counter[tuple[str, str]] = Counter()
    with Crew(2) as crew:
        for turn in range(500):
            person = many[turn % 12]
            lease = lease_for(person)
            soon = database_now() + timedelta(milliseconds=time_left * chance.uniform(0.7, 1.3))
            Lease.objects.filter(pk=lease.pk).update(expires_at=soon)

            def race(number: int, lease: Lease = lease, person: Reviewer = person) -> str:
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

            swept, sent = crew.run(race)
            outcomes[swept, sent] += 1
            # Whoever won has it a little harder next time: so the two meet at the same instant on any machine.
            time_left *= 0.9 if sent == "submitted" else 1.1
            lease.refresh_from_db()
            assert lease.state == (LeaseState.SUBMITTED if sent == "submitted" else LeaseState.LAPSED)
            assert Annotation.objects.filter(lease=lease).exists() == (sent == "submitted")
    assert set(outcomes) == {("swept nothing", "submitted"), ("swept", "lease-lapsed")}
    # Where one side always wins there was no race.
    assert min(outcomes.values()) >= 100, outcomes
    counters_equal_rows()
