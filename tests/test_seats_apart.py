"""Answers that are each of another team: one seat is open at a time, then the next team's; said where there is none."""

from __future__ import annotations

from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import IntegrityError
from django.db.models import F

from annotations import auditing, consensus, leasing, passing, queries, spreading, submitting, supervision
from annotations.errors import LeaseLapsed, NothingToRequeue, PlanBegun
from annotations.models import Annotation, Lease, PlanLine, Task
from annotations.planning import by_hand, forecasting, running, undoing
from annotations.planning.by_hand import Choice
from annotations.planning.reasons import NO_OTHER
from config.clock import database_now
from tests.conftest import make_project, make_ready_clips, make_reviewer, make_team, make_user
from tests.racing import at_once, counters_equal_rows, nothing_forbids
from workforce.models import Reviewer, Team

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def teams(roles: None) -> list[Team]:
    """Three teams of two people."""
    found = [make_team(name) for name in ("Hyderabad", "Chennai", "Pune")]
    for number, team in enumerate(found):
        for other in range(2):
            make_reviewer(f"p{number}{other}", team)
    return found


def person(name: str) -> Reviewer:
    return Reviewer.objects.get(user__username=name)


def take(name: str) -> Any:
    leases = leasing.lease_next(person(name).user_id, count=1).lease_ids
    return Lease.objects.get(pk=leases[0]) if leases else None


def submit(lease: Lease, label: str = "threat") -> bool:
    """Answer, and do what the bell does; returns whether it was rung."""
    who = lease.reviewer.user_id
    _answer, _written, look = submitting.submit(who, lease.pk, token=lease.token, answer={"label": label})
    if look:
        consensus.settle(lease.task_id, at=database_now())
        passing.pass_on(lease.task_id, at=database_now())
    return look


def of(team: Team, number: int = 0) -> str:
    names = Reviewer.objects.filter(team=team).order_by("pk").values_list("user__username", flat=True)
    return names[number]


def one_task(*teams: Team, **changes: Any) -> Task:
    fields: dict[str, Any] = {"slug": "apart", "overlap": 2, "seats_apart": True} | changes
    make_project(*teams, **fields)
    make_ready_clips(make_user("sender"), 1)
    assert spreading.spread(at=database_now()) == 1
    return Task.objects.get()


def test_one_seat_is_open_at_a_time_and_then_another_teams(teams) -> None:
    task = one_task(*teams, overlap=3)
    assert (task.seats_left, task.seats_later) == (1, 2)
    seen = []
    for turn in range(3):
        task.refresh_from_db()
        here = task.team
        for team in teams:
            if team != here:
                assert take(of(team)) is None
        lease = take(of(here))
        # Nobody else of the team has it meanwhile, and what is given back is the team's again.
        assert take(of(here, 1)) is None
        leasing.give_back(lease.reviewer, lease.pk, at=database_now())
        again = take(of(here, 1))
        assert again.task_id == task.pk
        assert submit(again) is True
        seen.append(here.pk)
        assert Task.objects.get().seats_later == max(0, 1 - turn)
        assert not auditing.audit()
    assert sorted(seen) == sorted(team.pk for team in teams)
    assert sorted(Annotation.objects.values_list("team", flat=True)) == sorted(seen)
    assert Task.objects.get().state == "settled"


def test_a_tie_asks_a_team_that_has_not_answered_and_is_disputed_without_one(teams) -> None:
    task = one_task(*teams, overlap=2, most_seats=5)
    for label in ("threat", "false_alarm"):
        task.refresh_from_db()
        submit(take(of(task.team)), label)
    task.refresh_from_db()
    assert (task.state, task.overlap, task.seats_left) == ("open", 3, 1)
    assert task.team_id not in set(Annotation.objects.values_list("team", flat=True))
    submit(take(of(task.team)), "unsure")
    task.refresh_from_db()
    assert task.state == "disputed"
    officer = make_user("officer")
    with pytest.raises(NothingToRequeue, match="no team is left"):
        supervision.requeue(task.pk, by=officer, reason="look again", at=database_now())
    fourth = make_team("Delhi")
    make_reviewer("p30", fourth)
    task.project.teams.add(fourth)
    again = supervision.requeue(task.pk, by=officer, reason="look again", at=database_now())
    assert (again.team_id, again.seats_left, again.state) == (fourth.pk, 1, "open")
    assert not auditing.audit()


def test_too_few_teams_are_said_and_nothing_is_begun(teams) -> None:
    make_project(*teams[:1], slug="apart", overlap=2, seats_apart=True)
    make_ready_clips(make_user("sender"), 3)
    assert spreading.spread(at=database_now()) == 0
    assert PlanLine.objects.get().why == "2 answers are for different teams, and nobody but Hyderabad may"
    (foretold,) = forecasting.forecasts(at=database_now()).projects
    assert (foretold.finish.never, foretold.finish.stuck) == (PlanLine.objects.get().why, 3)


def test_a_begun_task_without_another_team_waits_and_says_so(teams) -> None:
    task = one_task(*teams[:2])
    first = task.team
    lease = take(of(first))
    task.project.teams.set([first])
    submit(lease)
    task.refresh_from_db()
    assert (task.seats_left, task.seats_later, task.state) == (0, 1, "open")
    spreading.spread(at=database_now())
    line = PlanLine.objects.filter(to_team=None).latest("pk")
    assert (line.why, line.tasks, line.from_team_id) == (NO_OTHER, 1, first.pk)
    # It is asked again, and goes on when there is one.
    task.project.teams.add(teams[2])
    assert passing.waiting(at=database_now()) == []
    later = database_now() + timedelta(minutes=2)
    assert [passing.pass_on(pk, at=later) for pk in passing.waiting(at=later)] == [True]
    assert Task.objects.get().team == teams[2]


def test_a_plan_moves_an_open_seat_but_never_to_a_team_that_has_answered(teams) -> None:
    task = one_task(*teams)
    first = task.team
    submit(take(of(first)))
    second = Task.objects.get().team
    Team.objects.filter(pk=second.pk).update(is_paused=True)
    running.run(at=database_now())
    moved = Task.objects.get()
    assert moved.team not in {first, second}
    Team.objects.filter(pk=moved.team_id).update(is_paused=True)
    running.run(at=database_now())
    assert Task.objects.get().team == moved.team
    assert not auditing.audit()


def test_an_answer_that_comes_late_is_not_taken_on_another_teams_turn(teams) -> None:
    task = one_task(*teams, grace_seconds=600)
    late = take(of(task.team))
    Lease.objects.filter(pk=late.pk).update(
        granted_at=database_now() - timedelta(minutes=9), expires_at=database_now() - timedelta(minutes=1)
    )
    leasing.sweep_lapsed(at=database_now())
    submit(take(of(task.team, 1)))
    assert Task.objects.get().team != task.team
    with pytest.raises(LeaseLapsed):
        submit(late)
    assert Annotation.objects.count() == 1
    assert Task.objects.get().seats_left == 1
    assert not auditing.audit()


def test_by_hand_it_is_chosen_who_begins_and_that_is_taken_back(teams) -> None:
    project = make_project(*teams, slug="apart", overlap=2, seats_apart=True)
    make_ready_clips(make_user("sender"), 4)
    officer = make_user("officer", "ops manager", is_staff=True)
    told = by_hand.preview(Choice(project.pk, teams=[teams[1].pk]), by=officer, at=database_now())
    assert (told.chosen, told.placed) == (4, 4)
    assert sum(team.after for team in told.teams) == 8
    plan = by_hand.apply(Choice(project.pk, teams=[teams[1].pk]), by=officer, reason="theirs", at=database_now())
    assert set(Task.objects.values_list("team", "seats_left", "seats_later")) == {(teams[1].pk, 1, 1)}
    lease = take(of(teams[1]))
    with pytest.raises(PlanBegun):
        undoing.undo(plan.pk, by=officer, reason="no more", at=database_now())
    leasing.give_back(lease.reviewer, lease.pk, at=database_now())
    other = by_hand.apply(
        Choice(project.pk, task_ids=list(Task.objects.exclude(pk=lease.task_id).values_list("pk", flat=True)),
               teams=[teams[2].pk]),
        by=officer, reason="rather theirs", at=database_now(),
    )  # fmt: skip
    assert Task.objects.filter(team=teams[2]).count() == 3
    undoing.undo(other.pk, by=officer, reason="back", at=database_now())
    assert Task.objects.filter(team=teams[1]).count() == 4
    assert not auditing.audit()


def naive(gate: Barrier):
    """Open the next seat by what was read a moment ago."""

    def open_seat(task: Task, team_id: int) -> bool:
        gate.wait(10)
        lane = queries.lane_for(team=team_id, project=task.project, clip=task.clip)
        Task.objects.filter(pk=task.pk).update(team_id=team_id, lane=lane, seats_later=F("seats_later") - 1)
        queries.return_seat(task.pk)
        return True

    return open_seat


@pytest.fixture
def answered_once(teams) -> Task:
    """A task of three answers, of which one is given and nobody passed the next on."""
    task = one_task(*teams, overlap=3)
    lease = take(of(task.team))
    submitting.submit(lease.reviewer.user_id, lease.pk, token=lease.token, answer={"label": "threat"})
    return task


def both_pass_on(task: Task) -> list[bool]:
    return at_once(2, lambda number: passing.pass_on(task.pk, at=database_now()))


def test_control_two_who_pass_it_on_without_a_look_open_two_seats(answered_once, monkeypatch) -> None:
    monkeypatch.setattr(passing, "open_seat", naive(Barrier(2)))
    with nothing_forbids("annotations_task"):
        assert both_pass_on(answered_once) == [True, True]
        assert Task.objects.get().seats_left == 2


def test_and_the_row_itself_refuses_the_second(answered_once, monkeypatch) -> None:
    monkeypatch.setattr(passing, "open_seat", naive(Barrier(2)))
    with pytest.raises(IntegrityError, match="task_seats_apart_one_by_one"):
        both_pass_on(answered_once)
    assert Task.objects.get().seats_left <= 1


def test_two_who_pass_it_on_open_one(answered_once) -> None:
    assert sorted(both_pass_on(answered_once)) == [False, True]
    assert (Task.objects.get().seats_left, Task.objects.get().seats_later) == (1, 1)


def test_everybody_at_once_and_no_team_answers_twice(teams, roles) -> None:
    make_project(*teams, slug="apart", overlap=3, seats_apart=True, prefetch=2)
    make_ready_clips(make_user("sender"), 8)
    assert spreading.spread(at=database_now()) == 8
    people = list(Reviewer.objects.order_by("pk").values_list("user__username", flat=True))

    def work(number: int) -> None:
        for _ in range(40):
            lease = take(people[number])
            if lease is not None:
                submit(lease)
            for pk in passing.waiting(at=database_now() + timedelta(minutes=5)):
                passing.pass_on(pk, at=database_now())

    at_once(len(people), work)
    counters_equal_rows()
    for task in Task.objects.all():
        given = list(Annotation.objects.filter(task=task).values_list("team", flat=True))
        assert len(given) == len(set(given))
    assert Task.objects.exclude(state="settled").count() == 0
