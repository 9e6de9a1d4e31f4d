"""A clip is taken away while others take it, answer it and flag it; real connections, and a control first."""

from __future__ import annotations

import threading

import pytest
from django.db import transaction

from annotations import auditing, flagging, leasing, stopping, submitting, withdrawing
from annotations.models import Annotation, Lease, LeaseState, Task
from clips import consenting
from clips.models import Clip
from config.clock import database_now
from config.errors import Refusal
from tests.conftest import make_project, make_ready_clips, make_reviewer, make_user, spread_now
from tests.test_races import at_once
from workforce.models import Reviewer

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 60


@pytest.fixture
def crew(gateway, hyderabad) -> list[Reviewer]:
    make_project(hyderabad, prefetch=20)
    return [make_reviewer(f"person-{number}", hyderabad) for number in range(6)]


def live_on(clip_id: int) -> int:
    return Lease.objects.filter(task__clip=clip_id, state=LeaseState.LIVE).count()


def test_control_ending_the_leases_that_were_read_leaves_one_on_a_withdrawn_clip(crew, gateway) -> None:
    """What the queue does not do: read who holds the clip, and then take it away."""
    clip = make_ready_clips(gateway, 1)[0]
    spread_now()
    read, granted = threading.Barrier(2), threading.Barrier(2)

    def work(number: int) -> None:
        if number == 1:
            read.wait(timeout=30)
            leasing.lease_next(crew[0].user_id, count=1)
            granted.wait(timeout=30)
            return
        held = list(Lease.objects.filter(task__clip=clip, state=LeaseState.LIVE))
        read.wait(timeout=30)
        granted.wait(timeout=30)
        with transaction.atomic():
            consenting.withdraw(owner_key=clip.owner_key, clip=clip, by=gateway)
            consenting.carry_out(clip.pk, at=database_now())
            stopping.recall_all(held, why="withdrawn", at=database_now())

    at_once(2, work)
    assert live_on(clip.pk) == 1
    assert [finding.check.name for finding in auditing.audit()] == ["nothing-held-of-what-may-not-be-seen"]


def test_withdrawal_against_grant_against_submit(crew, gateway) -> None:
    """Each round: one holds the clip and answers, one takes it, its owner withdraws, all at the same instant."""
    by = make_user("gate")
    seen = set()
    for _ in range(ROUNDS):
        clip = make_ready_clips(gateway, 1)[0]
        spread_now()
        lease = Lease.objects.get(pk=leasing.lease_next(crew[0].user_id, count=1).lease_ids[0])
        assert lease.task.clip_id == clip.pk

        def race(number: int, lease: Lease = lease, clip: Clip = clip) -> str:
            try:
                if number == 0:
                    submitting.submit(crew[0].user_id, lease.pk, token=lease.token, answer={"label": "threat"})
                    return "submitted"
                if number == 1:
                    return "granted" if leasing.lease_next(crew[1].user_id, count=1).lease_ids else "nothing"
                return str(
                    withdrawing.withdraw(clip.pk, by=by, reason="the owner asked", at=database_now()).leases_ended
                )
            except Refusal as refusal:
                return refusal.code

        answered, taken, ended = at_once(3, race)
        seen.add((answered, taken, ended))
        assert live_on(clip.pk) == 0
        assert answered in {"submitted", "consent-withdrawn"}
        assert Annotation.objects.filter(lease=lease).exists() == (answered == "submitted")
        # Whoever was granted the clip lost it; whoever had answered kept the answer.
        assert int(ended) == (answered != "submitted") + (taken == "granted")
    assert auditing.audit() == []
    # The instant was hit: it did not always go the same way.
    assert len(seen) > 1, seen


def test_clips_are_taken_away_under_people_who_take_and_answer(crew, gateway) -> None:
    """Forty clips withdrawn or flagged while five people work as fast as they can: nobody is left with one."""
    clips = [clip.pk for clip in make_ready_clips(gateway, 80)]
    spread_now()
    by = make_user("gate")
    over = threading.Event()

    def work(number: int) -> int:
        done = 0
        if number == 0:
            try:
                for clip_id in clips[:40]:
                    withdrawing.withdraw(clip_id, by=by, reason="the owner asked", at=database_now())
                    done += 1
            finally:
                over.set()
            return done
        person = crew[number]
        while not over.is_set():
            for lease_id in leasing.lease_next(person.user_id, count=3).lease_ids:
                lease = Lease.objects.get(pk=lease_id)
                try:
                    if lease_id % 7 == 0:
                        flagging.flag(person, lease_id, token=lease.token, kind="sensitive", at=database_now())
                    else:
                        submitting.submit(person.user_id, lease_id, token=lease.token, answer={"label": "threat"})
                    done += 1
                except Refusal as refusal:
                    assert refusal.code in {"consent-withdrawn", "clip-quarantined"}, refusal.code
        return done

    counts = at_once(6, work)
    assert counts[0] == 40
    assert sum(counts[1:]) > 0
    assert auditing.audit() == []
    assert not Lease.objects.exclude(task__clip__state="ready").filter(state=LeaseState.LIVE).exists()
    assert not Task.objects.filter(clip__in=clips[:40], state="open").exists()


def test_two_flag_one_clip_at_once(crew, gateway) -> None:
    """Each holds the other's quota day in mind: neither deadlocks, one case comes of it."""
    for _ in range(20):
        make_ready_clips(gateway, 1)
        spread_now()
        held = [Lease.objects.get(pk=leasing.lease_next(person.user_id, count=1).lease_ids[0]) for person in crew[:2]]

        def race(number: int, held: list[Lease] = held) -> str:
            lease = held[number]
            flagging.flag(crew[number], lease.pk, token=lease.token, kind="sensitive", at=database_now())
            lease.refresh_from_db()
            return lease.state

        ended = sorted(at_once(2, race))
        assert ended in (["flagged", "recalled"], ["flagged", "flagged"])
        assert held[0].task.clip.cases.count() == 1
    assert auditing.audit() == []
