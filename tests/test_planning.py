"""Plans as they are made and applied: what goes where, what stays, what is said of the rest."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from annotations import auditing, leasing, pace, spreading
from annotations.models import Lane, Plan, PlanKind, PlanLine, PlanState, Project, Task
from annotations.planning import reading, running
from clips.models import Clip
from config.clock import database_now
from tests.conftest import (
    make_project,
    make_ready_clips,
    make_region,
    make_reviewer,
    make_team,
    make_user,
    put_in_lane,
    spread_now,
)
from workforce import people, quotas, skills
from workforce.models import Reviewer, Team
from workforce.queries import limit_on

pytestmark = pytest.mark.django_db


@pytest.fixture
def chennai(hyderabad: Team) -> Team:
    return make_team("Chennai")


@pytest.fixture
def two_teams(hyderabad: Team, chennai: Team, asha: Reviewer, ravi: Reviewer) -> tuple[Team, Team]:
    """Two people each."""
    for name in ("kavya", "arun"):
        make_reviewer(name, chennai)
    return hyderabad, chennai


@pytest.fixture
def ops(roles: None) -> User:
    return make_user("ops", "ops manager", is_staff=True)


def at_teams() -> dict[str, int]:
    found: dict[str, int] = {}
    for name in Task.objects.values_list("team__name", flat=True):
        found[name] = found.get(name, 0) + 1
    return found


def reasons() -> list[str]:
    return list(PlanLine.objects.filter(plan=Plan.objects.first(), to_team=None).values_list("why", flat=True))


@pytest.mark.django_db(transaction=True)
def test_a_plan_is_written_down_and_repeating_it_is_dull(gateway, two_teams) -> None:
    make_project(*two_teams)
    make_ready_clips(gateway, 6)
    assert spread_now() == 6
    assert at_teams() == {"Hyderabad": 3, "Chennai": 3}
    plan = Plan.objects.get()
    assert (plan.kind, plan.state, plan.by) == (PlanKind.BEAT, PlanState.APPLIED, None)
    assert sorted(plan.lines.values_list("from_team", "to_team__name", "tasks", "done", "late")) == [
        (None, "Chennai", 3, 3, 0),
        (None, "Hyderabad", 3, 3, 0),
    ]
    ranks = list(Task.objects.order_by("lane", "rank").values_list("lane", "rank"))
    assert len(set(ranks)) == 6
    assert spread_now() == 0
    assert spread_now() == 0
    assert Plan.objects.get().looked_at > plan.looked_at
    assert at_teams() == {"Hyderabad": 3, "Chennai": 3}
    assert auditing.audit() == []


@pytest.mark.django_db(transaction=True)
def test_when_a_team_pauses_what_nobody_has_begun_goes_to_others(gateway, two_teams, asha, ops) -> None:
    hyderabad, _chennai = two_teams
    project = make_project(*two_teams)
    make_ready_clips(gateway, 6)
    assert spread_now() == 6
    held = leasing.lease_next(asha.user_id, count=1).lease_ids
    assert len(held) == 1
    Clip.objects.update(state_since=database_now() - timedelta(hours=1))
    assert not running.is_due(at=database_now() + timedelta(minutes=1))
    people.pause(hyderabad, by=ops, reason="the office is closed")
    assert running.is_due(at=database_now())
    assert spread_now() == 0
    assert at_teams() == {"Hyderabad": 1, "Chennai": 5}
    for task in Task.objects.select_related("lane"):
        assert task.lane.team_id == task.team_id
        assert task.lane.project_id == project.pk
    kavya = Reviewer.objects.get(user__username="kavya")
    assert len(leasing.lease_next(kavya.user_id, count=9).lease_ids) == 5
    assert auditing.audit() == []


def test_work_that_nobody_may_do_is_listed_with_the_reason(gateway, hyderabad, asha, ravi) -> None:
    make_project(hyderabad, slug="words", skills=["hindi"])
    make_ready_clips(gateway, 1)
    assert spread_now() == 0
    assert reasons() == ["needs hindi; nobody in Hyderabad has it"]
    for person in (asha, ravi):
        skills.give(person, "hindi")
    Reviewer.objects.update(country="RO")
    assert spread_now() == 0
    assert reasons() == ["nobody in the teams of the project may see footage of region in"]
    Reviewer.objects.update(country="IN")
    Team.objects.update(is_paused=True)
    assert spread_now() == 0
    assert reasons() == ["needs hindi; Hyderabad is paused"]
    Team.objects.update(is_paused=False)
    Clip.objects.update(is_sensitive=True)
    assert spread_now() == 0
    assert reasons() == ["needs clearance for sensitive footage; nobody in Hyderabad has it"]


def test_what_is_more_than_people_can_do_waits_as_clips(gateway, hyderabad, asha, ravi, ops) -> None:
    day = datetime(2026, 1, 1, tzinfo=UTC).date()
    quotas.set_limit(1, reason="a slow week for all", by=ops, from_day=day)
    make_project(hyderabad)
    make_ready_clips(gateway, 9)
    at = database_now()
    room = sum(one.tasks for shift in reading.people_and_places(at=at).shifts for one in shift.people)
    assert spread_now() == room // 2
    assert reasons() == ["Hyderabad is full"]
    assert spreading.unplaced(Project.objects.get()) == (9 - room // 2, "Hyderabad is full")


def test_another_region_helps_where_there_is_a_basis_and_not_before(gateway, hyderabad, asha, ops) -> None:
    romania = make_region("ro", "Romania", "Europe/Bucharest")
    bucharest = make_team("Bucharest", romania)
    for name in ("ioana", "mihai"):
        make_reviewer(name, bucharest, country="RO")
    make_project(hyderabad, bucharest)
    make_ready_clips(gateway, 2, region="in")
    assert spread_now() == 0
    people.allow_country(
        hyderabad.region, country="RO", basis="clauses of 2026", by=ops, at=database_now() - timedelta(days=1)
    )
    assert spread_now() == 2
    assert at_teams() == {"Bucharest": 2}
    ioana = Reviewer.objects.get(user__username="ioana")
    assert len(leasing.lease_next(ioana.user_id, count=2).lease_ids) == 2


def test_a_clip_that_is_flagged_between_plan_and_doing_becomes_no_task(gateway, hyderabad, asha, ravi) -> None:
    from annotations.planning import applying, flow

    make_project(hyderabad)
    clips = make_ready_clips(gateway, 3)
    picture = reading.whole_picture(at=database_now())
    answer = flow.plan(picture.problem())
    Clip.objects.filter(pk=clips[1].pk).update(state="failed", failure="broken")
    outcome = applying.apply(picture, answer)
    assert outcome.made == 2
    assert list(outcome.plan.lines.values_list("tasks", "done")) == [(3, 2)]
    assert set(Task.objects.values_list("clip", flat=True)) == {clips[0].pk, clips[2].pk}


@pytest.mark.django_db(transaction=True)
def test_large_plans_go_in_lots_and_die_between_them(gateway, two_teams, monkeypatch) -> None:
    from annotations.planning import applying, queries

    monkeypatch.setattr(applying, "AT_ONCE", 2)
    make_project(*two_teams)
    make_ready_clips(gateway, 7)
    made = queries.make_tasks

    def die(**fields):
        if Task.objects.count() >= 4:
            raise RuntimeError("the worker was killed")
        return made(**fields)

    monkeypatch.setattr(queries, "make_tasks", die)
    with pytest.raises(RuntimeError, match="killed"):
        spread_now()
    before = Task.objects.count()
    assert 4 <= before < 7
    broken = Plan.objects.get()
    assert sum(broken.lines.values_list("done", flat=True)) == before
    monkeypatch.setattr(queries, "make_tasks", made)
    assert spread_now() == 7 - before
    broken.refresh_from_db()
    assert broken.state == PlanState.BROKEN_OFF
    assert Lane.objects.count() == 2
    assert auditing.audit() == []


def test_how_many_statements_a_plan_reads_does_not_grow(gateway, two_teams, django_assert_num_queries) -> None:
    first = make_project(*two_teams)
    make_ready_clips(gateway, 4)
    at = database_now()
    with django_assert_num_queries(17):
        reading.whole_picture(at=at)
    for number in range(5):
        make_project(*two_teams, slug=f"more-{number}")
    put_in_lane(first, two_teams[0], list(Clip.objects.all()), at=at)
    with django_assert_num_queries(17):
        reading.whole_picture(at=at)


def test_capacity_asks_the_limits_as_the_claim_does(hyderabad, asha, ravi, meera, ops) -> None:
    at = database_now()
    today = at.astimezone(ZoneInfo("Asia/Kolkata")).date()
    old, tomorrow = today - timedelta(days=30), today + timedelta(days=1)
    for value, day, fields in (
        (90, old, {}),
        (80, tomorrow, {}),
        (70, old, {"team": hyderabad}),
        (60, tomorrow, {"region": hyderabad.region}),
        (50, old, {"reviewer": asha}),
        (40, today, {"reviewer": asha}),
        (30, tomorrow, {"reviewer": asha, "one_day": True}),
        (20, tomorrow, {"reviewer": ravi}),
    ):
        quotas.set_limit(value, reason="to compare", by=ops, from_day=day, **fields)
    leasing.lease_next(meera.user_id, count=1)
    compared = 0
    for shift in reading.people_and_places(at=at).shifts:
        length = (shift.ends_at - shift.starts_at).total_seconds()
        day = (shift.starts_at + timedelta(minutes=1)).astimezone(ZoneInfo("Asia/Kolkata")).date()
        if not shift.people:
            continue  # a public holiday
        compared += 1
        assert {one.reviewer_id: one.tasks for one in shift.people} == {
            # Near midnight there may not be time enough for all of it.
            one.pk: min(limit_on(one.pk, day)[0], int(length / pace.DEFAULT_PACE))
            for one in (asha, ravi, meera)
        }
    assert compared >= 2


def test_a_weight_of_zero_is_refused_where_it_is_typed(hyderabad) -> None:
    hyderabad.weight = 0
    with pytest.raises(ValidationError, match=re.escape("greater than or equal to 1")):
        hyderabad.full_clean()
