"""Two planners and forty people who take work, at once; and what happens without the planners' lock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Barrier

import pytest

from annotations import leasing
from annotations.models import Lease, Plan, PlanLine, Project, Task
from annotations.planning import flow, running
from config.clock import database_now
from tests.conftest import make_project, make_ready_clips, make_reviewer, make_team, put_in_lane, spread_now
from tests.racing import at_once, counters_equal_rows, room_on_the_server
from workforce.models import Team

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def uneven(gateway, roles: None) -> tuple[Team, Team]:
    """Sixty tasks that all lie with one of two teams, which are both at work."""
    first, second = make_team(), make_team("Chennai")
    for number in range(20):
        make_reviewer(f"h-{number}", first)
        make_reviewer(f"c-{number}", second)
    project = make_project(first, second)
    put_in_lane(project, first, make_ready_clips(gateway, 60), at=database_now())
    return first, second


def both_read_first(monkeypatch) -> None:
    """Two planners read before either writes, where both get so far."""
    gate, made = Barrier(2), flow.plan

    def plan(problem):
        answer = made(problem)
        gate.wait(2)
        return answer

    monkeypatch.setattr(flow, "plan", plan)


@contextmanager
def nobody_is_alone(name: str) -> Iterator[bool]:
    yield True


def test_control_two_planners_without_the_lock_do_it_twice(uneven, monkeypatch) -> None:
    monkeypatch.setattr(running, "alone", nobody_is_alone)
    both_read_first(monkeypatch)
    outcomes = at_once(2, lambda number: running.run(at=database_now()))
    wanted = PlanLine.objects.order_by("pk")[0].tasks
    assert [bool(outcome) for outcome in outcomes] == [True, True]
    # Each moved what only one of them should have.
    assert Task.objects.filter(team=uneven[1]).count() > wanted


def test_two_planners_at_once_do_nothing_twice(uneven) -> None:
    outcomes = at_once(2, lambda number: running.run(at=database_now()))
    plans = [outcome for outcome in outcomes if outcome]
    assert sum(outcome.moved for outcome in plans) == Task.objects.filter(team=uneven[1]).count() > 0
    assert Plan.objects.count() == 1
    counters_equal_rows()


def test_forty_people_take_work_while_two_planners_plan(uneven, gateway) -> None:
    clips = make_ready_clips(gateway, 40)
    people = [team_member.user_id for team in uneven for team_member in team.reviewers.order_by("pk")]

    def work(number: int) -> object:
        if number < 2:
            return [running.run(at=database_now()) for _ in range(3)]
        taken = []
        for _ in range(4):
            taken += leasing.lease_next(people[number - 2], count=2).lease_ids
        return taken

    at_once(42, work, room=room_on_the_server(42))
    assert Task.objects.filter(clip__in=clips).count() == 40
    assert Task.objects.count() == 100
    for task in Task.objects.select_related("lane"):
        assert (task.lane.team_id, task.lane.project_id) == (task.team_id, task.project_id)
    # Who holds a task is of the team with which it lies: nothing that is held moves.
    for lease in Lease.objects.select_related("task", "reviewer"):
        assert lease.task.team_id == lease.reviewer.team_id
    counters_equal_rows()
    assert spread_now() == 0
    assert Project.objects.count() == 1
