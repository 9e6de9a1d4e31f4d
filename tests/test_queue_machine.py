"""A machine that does whatever people, sweeps and ops may do, in any order, and asks every promise after every step."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from annotations import (
    amending,
    auditing,
    consensus,
    flagging,
    leasing,
    passing,
    spreading,
    stopping,
    submitting,
    supervision,
    withdrawing,
)
from annotations.errors import ClipTakenAway, NothingToRequeue, Paused
from annotations.models import AmendedAnswer, Annotation, Head, Lease, LeaseState, Project, Task
from clips import cases
from clips.errors import DecisionDoesNotFit
from clips.models import Case, CaseKind, Clip
from config.clock import database_now
from config.errors import Refusal
from tests.conftest import make_project, make_ready_clips, make_reviewer, make_team, make_user
from workforce import people, quotas
from workforce.errors import QuotaExhausted, SkipsExhausted
from workforce.models import QuotaDay, Reviewer

LABELS = st.sampled_from(["threat", "false_alarm", "unsure"])
PERSON = st.integers(0, 3)
PICK = st.integers(0, 10**6)
# What the clock does is done to the rows instead: their times are moved into the past.
NOT_ASKED = {"sweeps-keep-up", "lease-on-its-day"}


class Queue(RuleBasedStateMachine):
    """Three projects, two teams, four people, and everything that may happen to them."""

    @initialize()
    def begin(self) -> None:
        self.rolled_back = transaction.atomic()
        self.rolled_back.__enter__()
        self.gateway = make_user(f"gateway-{uuid4().hex[:8]}")
        self.officer = make_user(f"officer-{uuid4().hex[:8]}", "privacy officer")
        here, there = make_team("Here"), make_team("There")
        self.people = [make_reviewer(f"person-{number}", team) for number, team in enumerate((here, here, here, there))]
        self.projects = [
            make_project(here, there, slug="one", overlap=1, grace_seconds=60, prefetch=2),
            make_project(here, there, slug="two", overlap=2, most_seats=3, priority=5, prefetch=3),
            make_project(here, there, slug="apart", overlap=2, most_seats=3, seats_apart=True, prefetch=2),
        ]
        # In the middle of a morning.
        self.clips_arrive(4)
        for person in self.people:
            leasing.lease_next(person.user_id, count=2)

    def teardown(self) -> None:
        if hasattr(self, "rolled_back"):
            transaction.set_rollback(True)
            self.rolled_back.__exit__(None, None, None)

    def lease_of(self, person: int, pick: int, *states: str) -> Lease | None:
        rows = list(Lease.objects.filter(reviewer=self.people[person], state__in=states).order_by("pk"))
        return rows[pick % len(rows)] if rows else None

    @rule(count=st.integers(1, 3))
    def clips_arrive(self, count: int) -> None:
        if Task.objects.count() < 24:
            make_ready_clips(self.gateway, count)
            spreading.spread(at=database_now())

    @rule(person=PERSON, count=st.integers(1, 4), key=st.sampled_from([None, "k1", "k2"]))
    def take(self, person: int, count: int, key: str | None) -> None:
        reviewer = self.people[person]
        before = set(Lease.objects.values_list("task_id", "reviewer_id"))
        try:
            granted = leasing.lease_next(reviewer.user_id, count=count, key=key)
        except QuotaExhausted:
            assert quotas.today(reviewer, at=database_now()).left == 0
            return
        except Paused:
            assert Reviewer.objects.get(pk=reviewer.pk).is_paused
            return
        except Refusal as refusal:
            assert refusal.code == "idempotency-key-reused"
            return
        after = set(Lease.objects.values_list("task_id", "reviewer_id"))
        assert len(after - before) in {len(granted.lease_ids), 0}

    @rule(person=PERSON, count=st.integers(1, 4))
    def nobody_leaves_empty_handed_while_there_is_work(self, person: int, count: int) -> None:
        """What the queue hands out is what a plain look over all rows says it should."""
        reviewer = Reviewer.objects.get(pk=self.people[person].pk)
        day = quotas.today(reviewer, at=database_now())
        open_tasks = Task.objects.filter(team=reviewer.team, state="open", seats_left__gt=0).exclude(
            leases__reviewer=reviewer
        )
        room = 0
        for project in Project.objects.filter(is_active=True):
            live = Lease.objects.filter(
                reviewer=reviewer, task__project=project, state="live", expires_at__gt=database_now()
            ).count()
            room += min(max(0, project.prefetch - live), open_tasks.filter(project=project).count())
        should = 0 if reviewer.is_paused else min(count, day.left, room)
        try:
            got = len(leasing.lease_next(reviewer.user_id, count=count).lease_ids)
        except (QuotaExhausted, Paused):
            got = 0
        assert got == should

    @rule(person=PERSON, pick=PICK, label=LABELS)
    def submit(self, person: int, pick: int, label: str) -> None:
        lease = self.lease_of(person, pick, *LeaseState.values)
        if lease is None:
            return
        reviewer = self.people[person]
        had = Annotation.objects.filter(lease=lease).first()
        try:
            annotation, written, _full = submitting.submit(
                reviewer.user_id, lease.pk, token=lease.token, answer={"label": label}
            )
        except Refusal as refusal:
            assert refusal.status == 410
            assert had is None
            return
        if had is not None:
            assert not written
            assert annotation.answer == had.answer
        else:
            assert written
            assert annotation.answer == {"label": label}

    @rule(person=PERSON, pick=PICK, label=LABELS, stale=st.booleans())
    def amend(self, person: int, pick: int, label: str, stale: bool) -> None:
        lease = self.lease_of(person, pick, LeaseState.SUBMITTED)
        if lease is None:
            return
        had = Annotation.objects.get(lease=lease)
        kept = AmendedAnswer.objects.filter(annotation=had).count()
        try:
            amended, _again = amending.amend(
                self.people[person].user_id,
                lease.pk,
                version=had.version - stale,
                answer={"label": label},
                at=database_now(),
            )
        except Refusal as refusal:
            assert refusal.code == "version-mismatch"
            assert stale
            return
        assert (amended.version, amended.label) == (had.version + 1, label)
        assert AmendedAnswer.objects.filter(annotation=had).count() == kept + 1

    @rule(person=PERSON, pick=PICK)
    def a_write_with_another_token_changes_nothing(self, person: int, pick: int) -> None:
        lease = self.lease_of(person, pick, LeaseState.LIVE)
        if lease is not None:
            with pytest.raises(Refusal):
                submitting.submit(self.people[person].user_id, lease.pk, token=uuid4(), answer={"label": "threat"})
            assert Lease.objects.get(pk=lease.pk).state == LeaseState.LIVE

    @rule(person=PERSON, pick=PICK)
    def renew(self, person: int, pick: int) -> None:
        lease = self.lease_of(person, pick, LeaseState.LIVE)
        if lease is not None:
            try:
                again = leasing.renew(self.people[person], lease.pk, token=lease.token, at=database_now())
                assert again.expires_at >= lease.expires_at
            except Refusal as refusal:
                assert refusal.status == 410

    @rule(person=PERSON, pick=PICK, skip=st.booleans())
    def give_up(self, person: int, pick: int, skip: bool) -> None:
        lease = self.lease_of(person, pick, LeaseState.LIVE)
        if lease is None:
            return
        reviewer, at = self.people[person], database_now()
        try:
            if skip:
                leasing.skip(reviewer, lease.pk, token=lease.token, reason="other", at=at)
            else:
                leasing.give_back(reviewer, lease.pk, at=at)
        except (SkipsExhausted, Refusal) as refusal:
            assert refusal.status in {410, 429}

    @rule(person=PERSON, pick=PICK, seconds=st.sampled_from([1, 30, 90]))
    def time_runs_out(self, person: int, pick: int, seconds: int) -> None:
        lease = self.lease_of(person, pick, LeaseState.LIVE)
        if lease is not None:
            past = timezone.now() - timedelta(seconds=seconds)
            Lease.objects.filter(pk=lease.pk).update(granted_at=past - timedelta(minutes=5), expires_at=past)

    @rule()
    def sweeps_run(self) -> None:
        at = database_now()
        leasing.sweep_lapsed(at=at)
        for task_id in consensus.waiting(at=at):
            consensus.settle(task_id, at=at)
        for task_id in passing.waiting(at=at):
            passing.pass_on(task_id, at=at)
        Task.objects.update(looked_at=None)
        spreading.rehome_stuck(at=at)

    @rule()
    def a_tenth_of_a_second_passes(self) -> None:
        Head.objects.update(made_at=timezone.now() - timedelta(seconds=1))

    @rule(person=PERSON, value=st.integers(0, 12))
    def a_limit_changes(self, person: int, value: int) -> None:
        reviewer = self.people[person]
        day = quotas.today(reviewer, at=database_now()).day
        quotas.set_limit(value, reason="machine", by=self.gateway, from_day=day, reviewer=reviewer)

    @rule(person=PERSON, paused=st.booleans())
    def ops_pause(self, person: int, paused: bool) -> None:
        verb = people.pause if paused else people.unpause
        verb(self.people[person], by=self.officer, reason="machine")

    @rule(person=PERSON)
    def come_back(self, person: int) -> None:
        people.resume(self.people[person])

    @rule(person=PERSON, zone=st.sampled_from(["Pacific/Kiritimati", "Etc/GMT+12", "Asia/Kolkata"]))
    def somebody_moves(self, person: int, zone: str) -> None:
        people.move_zone(self.people[person], zone, at=database_now())

    @rule(person=PERSON, pick=PICK, kind=st.sampled_from(["broken", "sensitive", "emergency"]))
    def flag(self, person: int, pick: int, kind: str) -> None:
        lease = self.lease_of(person, pick, *LeaseState.values)
        if lease is None:
            return
        # A sensitive flag ends a live lease as work that was done.
        paid = lease.quota_day_id if kind == "sensitive" and lease.state == LeaseState.LIVE else None
        used = [(day.pk, day.used + (day.pk == paid), day.skips) for day in QuotaDay.objects.order_by("pk")]
        try:
            flagging.flag(self.people[person], lease.pk, token=lease.token, kind=kind, at=database_now())
        except Refusal:
            assert kind == "broken"
            assert lease.state != LeaseState.LIVE
        assert used == [(day.pk, day.used, day.skips) for day in QuotaDay.objects.order_by("pk")]
        if kind == "sensitive":
            assert not Task.objects.filter(clip=lease.task.clip_id, state="open").exists()

    @rule(pick=PICK, ending=PICK)
    def staff_decide(self, pick: int, ending: int) -> None:
        waiting = list(Case.objects.filter(state="open").order_by("-pk"))
        if waiting:
            case = waiting[pick % len(waiting)]
            fitting = sorted(cases.DECISIONS[CaseKind(case.kind)])
            decision, at = fitting[ending % len(fitting)], database_now()
            with suppress(DecisionDoesNotFit):
                stopping.decide(case.pk, decision=decision, by=self.officer, reason="machine", at=at)

    @rule()
    def clips_are_prepared_and_put_back(self) -> None:
        Clip.objects.filter(state="uploaded").update(state="ready", due_at=None)
        stopping.stop_unseen(at=database_now())
        stopping.put_back(at=database_now())
        assert not Task.objects.filter(state="stopped", clip__state="ready").exists()

    @rule(pick=st.integers(0, 40))
    def an_owner_withdraws(self, pick: int) -> None:
        clip = Clip.objects.filter(tasks__isnull=False).order_by("-pk").distinct()[pick : pick + 1].first()
        if clip is not None:
            withdrawing.withdraw(clip.pk, by=self.officer, reason="the owner asked", at=database_now())
            assert not Lease.objects.filter(task__clip=clip, state=LeaseState.LIVE).exists()

    @rule(person=PERSON, pick=PICK)
    def ops_recall(self, person: int, pick: int) -> None:
        lease = self.lease_of(person, pick, LeaseState.LIVE)
        if lease is not None:
            supervision.recall(lease.pk, by=self.officer, reason="machine", at=database_now())

    @rule(pick=PICK)
    def ops_requeue(self, pick: int) -> None:
        tasks = list(Task.objects.order_by("pk").values_list("pk", flat=True))
        if tasks:
            with suppress(NothingToRequeue, ClipTakenAway):
                task = supervision.requeue(
                    tasks[pick % len(tasks)], by=self.officer, reason="machine", at=database_now()
                )
                assert task.seats_left > 0

    @rule(which=st.integers(0, 2), paused=st.booleans())
    def ops_pause_more(self, which: int, paused: bool) -> None:
        verb = supervision.pause_project if paused else supervision.resume_project
        verb(self.projects[which], by=self.officer, reason="machine")

    @invariant()
    def every_promise_holds(self) -> None:
        if not hasattr(self, "people"):
            return
        with connection.cursor() as cursor:
            for check in auditing.CHECKS:
                if check.name not in NOT_ASKED:
                    cursor.execute(f"SELECT * FROM ({check.query}) bad LIMIT 1")  # noqa: S608
                    assert cursor.fetchone() is None, check.name
        for day in QuotaDay.objects.all():
            assert day.used + day.held <= day.allowed


@pytest.mark.django_db
def test_whatever_happens_every_promise_holds(roles) -> None:
    make_ready_clips(make_user("preparer"), 1)
    Task.objects.all().delete()
    run_state_machine_as_test(
        Queue,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
