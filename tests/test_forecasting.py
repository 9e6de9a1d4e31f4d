"""The forecast as it is read from the tables and told: at the door, in the admin, on the home page."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from annotations import leasing
from annotations.models import Lease, LeaseState, Plan, Project, Task, TaskState
from annotations.planning import by_hand, forecasting, past
from annotations.planning.by_hand import Choice
from annotations.planning.forecasting import Finish, ProjectForecast
from annotations.scopes import UNTOLD
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
    signed_in,
    spread_now,
)
from workforce import people, skills
from workforce.days import holidays_between
from workforce.models import LimitLevel, QuotaDay, Reviewer, Team, WorkedHoliday
from workforce.queries import limit_on

pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("Asia/Kolkata")
STATEMENTS = 30


@pytest.fixture
def ops(roles: None) -> User:
    return make_user("ops", "ops manager", is_staff=True)


def told(to: User | None = None) -> dict[str, ProjectForecast]:
    forecasting.cache.clear()
    return {one.name: one for one in forecasting.forecasts(at=database_now(), to=to).projects}


def have_worked(team: Team, share: float, *, days: int, waiting: bool = True) -> None:
    """The team's people did this part of their quota on past days; in the evening something was left, or nothing was.

    What tells is the task that each took first on a day: made days ago, or on that very morning.
    """
    at = database_now()
    project, clips = Project.objects.get(slug="threats"), list(Clip.objects.order_by("pk")[:days])
    crew = list(Reviewer.objects.filter(team=team).order_by("pk"))
    User.objects.filter(reviewer__in=crew).update(date_joined=at - timedelta(days=90))
    # Whichever day it is when this runs, none of those was a holiday for them.
    for holiday in holidays_between("IN", (at - timedelta(days=days + 1)).date(), at.date()):
        WorkedHoliday.objects.create(team=team, day=holiday, reason="A batch was due")
    for back, task in zip(range(days, 0, -1), put_in_lane(project, team, clips, at=at), strict=True):
        day = at.astimezone(ZONE).date() - timedelta(days=back)
        morning = datetime.combine(day, time(9), ZONE)
        made = morning - timedelta(days=3) if waiting else morning
        Task.objects.filter(pk=task.pk).update(
            created_at=made, state=TaskState.SETTLED, due_at=None, seats_left=0, answers=2, label="threat"
        )
        for person in crew:
            limit, source = limit_on(person.pk, day)
            quota = QuotaDay.objects.create(
                reviewer=person, day=day, time_zone=str(ZONE), day_limit=limit, allowed=limit,
                limit_source=LimitLevel(source), used=round(limit * share),
            )  # fmt: skip
            Lease.objects.create(
                task=task, reviewer=person, quota_day=quota, state=LeaseState.SUBMITTED,
                granted_at=morning, expires_at=morning + timedelta(minutes=5), ended_at=morning + timedelta(minutes=1),
            )  # fmt: skip


def test_what_waits_is_foretold_with_a_wide_guess_at_first(gateway, hyderabad, asha, ravi) -> None:
    make_project(hyderabad)
    make_ready_clips(gateway, 6)
    at = database_now()
    found = told()["Threats"]
    finish = found.finish
    assert (finish.tasks, finish.seats, finish.never, finish.stuck, found.days_seen) == (6, 12, "", 0, 0)
    assert finish.half_at
    assert finish.likely_at
    assert at < finish.half_at < finish.likely_at < at + timedelta(days=2)
    assert spread_now() == 6
    as_tasks = told()["Threats"].finish
    assert (as_tasks.tasks, as_tasks.seats) == (6, 12)


def test_it_is_told_again_until_something_changes(gateway, hyderabad, asha, ravi, ops) -> None:
    make_project(hyderabad)
    make_ready_clips(gateway, 3)
    at = database_now()
    first = forecasting.forecasts(at=at)
    assert forecasting.forecasts(at=at + timedelta(seconds=100)) == first
    assert forecasting.forecasts(at=at + timedelta(minutes=3)).at > first.at
    people.pause(hyderabad, by=ops, reason="closed")
    assert forecasting.forecasts(at=at + timedelta(minutes=4)).projects[0].finish.never


def test_the_same_input_is_told_the_same(gateway, hyderabad, asha, ravi) -> None:
    make_project(hyderabad)
    make_ready_clips(gateway, 5)
    at = database_now()
    one, other = forecasting.read(at=at), forecasting.read(at=at)
    assert [list(row.ends) for row in one.rows] == [list(row.ends) for row in other.rows]


def test_past_days_with_work_left_count_and_others_do_not(gateway, hyderabad, asha, ravi) -> None:
    make_project(hyderabad)
    make_ready_clips(gateway, 10)
    have_worked(hyderabad, 0.2, days=8, waiting=False)
    assert told()["Threats"].days_seen == 0
    Task.objects.filter(state=TaskState.SETTLED).update(created_at=database_now() - timedelta(days=40))
    found = told()["Threats"]
    assert found.days_seen == 7
    at = database_now()
    zones, paces = {hyderabad.pk: "Asia/Kolkata"}, {asha.pk: 90.0, ravi.pk: 90.0}
    seen = past.past_days(zones, paces, at=at)
    # Of the last day nothing is known: nobody has worked since.
    assert {one.day for one in seen} == {at.astimezone(ZONE).date() - timedelta(days=back) for back in range(2, 9)}
    assert {(one.room, one.done) for one in seen} == {(150, 30)}


def test_a_day_on_which_somebody_did_not_come_counts_for_the_team(gateway, hyderabad, asha, ravi) -> None:
    make_project(hyderabad)
    make_ready_clips(gateway, 6)
    have_worked(hyderabad, 0.5, days=5)
    meera = make_reviewer("meera", hyderabad)
    at = database_now()
    paces = {asha.pk: 90.0, ravi.pk: 90.0, meera.pk: 90.0}
    Lease.objects.filter(reviewer=ravi).delete()
    QuotaDay.objects.filter(reviewer=ravi).delete()
    seen = past.past_days({hyderabad.pk: "Asia/Kolkata"}, paces, at=at)
    assert {(one.reviewer_id, one.room, one.done) for one in seen} == {(asha.pk, 150, 75), (ravi.pk, 150, 0)}


def test_never_as_it_stands_says_why(gateway, hyderabad, asha, ravi, ops) -> None:
    make_project(hyderabad, slug="words", skills=["hindi"])
    make_ready_clips(gateway, 2)

    def finish() -> Finish:
        return told()["Words"].finish

    assert finish().never == "needs hindi; nobody in Hyderabad has it"
    assert (finish().half_at, finish().likely_at, finish().stuck) == (None, None, 2)
    skills.give(asha, "hindi")
    assert "each task needs 2 different people" in finish().never
    skills.give(ravi, "hindi")
    assert finish().never == ""
    assert spread_now() == 2
    people.pause(hyderabad, by=ops, reason="the office is closed")
    assert finish().never == "needs hindi; Hyderabad is paused"
    Team.objects.update(is_paused=False)
    Project.objects.update(is_active=False)
    assert finish().never == forecasting.PAUSED


def test_what_a_paused_team_has_not_begun_is_done_by_others(gateway, hyderabad, asha, ravi, ops) -> None:
    chennai = make_team("Chennai")
    for name in ("kavya", "arun"):
        make_reviewer(name, chennai)
    project = make_project(hyderabad, chennai)
    put_in_lane(project, hyderabad, make_ready_clips(gateway, 3), at=database_now())
    leasing.lease_next(asha.user_id, count=1)
    people.pause(hyderabad, by=ops, reason="the office is closed")
    finish = told()["Threats"].finish
    # One is begun, and stays.
    assert (finish.tasks, finish.stuck, finish.never) == (3, 1, "Hyderabad is paused")


def test_batches_are_days_of_arrival_and_plans_by_hand(gateway, hyderabad, asha, ravi, ops) -> None:
    project = make_project(hyderabad)
    clips = make_ready_clips(gateway, 7)
    today = database_now().astimezone(ZONE).date()
    before = datetime.combine(today - timedelta(days=2), time(23, 30), ZONE)
    Clip.objects.filter(pk__in=[clip.pk for clip in clips[:4]]).update(created_at=before)
    chosen = [clips[1].pk, clips[5].pk]
    plan = by_hand.apply(
        Choice(project.pk, clip_ids=chosen, teams=[hyderabad.pk]), by=ops, reason="first these", at=database_now()
    )
    found = [(one.arrived_on, one.plan_id, one.finish.tasks, one.finish.never) for one in told(ops)["Threats"].batches]
    assert found == [
        (before.date(), None, 4, ""),
        (today, None, 3, ""),
        (None, plan.pk, 2, ""),
    ]
    Plan.objects.filter(pk=plan.pk).update(
        state="undone", undone_at=database_now(), undone_by=ops, undone_reason="not these"
    )
    assert [one.plan_id for one in told(ops)["Threats"].batches] == [None, None]


def test_work_that_is_due_first_is_done_first(gateway, hyderabad, asha, ravi) -> None:
    soon, late = make_project(hyderabad, slug="soon", due_hours=2), make_project(hyderabad, slug="late", due_hours=90)
    make_ready_clips(gateway, 40)
    found = told()
    assert (found["Soon"].finish.tasks, found["Late"].finish.tasks) == (40, 40)
    assert found["Soon"].finish.half_at < found["Late"].finish.half_at  # type: ignore[operator]
    Project.objects.filter(pk=soon.pk).update(priority=0)
    Project.objects.filter(pk=late.pk).update(priority=200)
    again = told()
    assert again["Soon"].finish.half_at > again["Late"].finish.half_at  # type: ignore[operator]


def test_ties_ask_for_more_answers(gateway, hyderabad, asha, ravi) -> None:
    project = make_project(hyderabad)
    clips = make_ready_clips(gateway, 8)
    put_in_lane(project, hyderabad, clips[:4], at=database_now())
    Task.objects.update(state=TaskState.SETTLED, due_at=None, label="threat", overlap=3, answers=3, seats_left=0)
    # Four clips of two answers each, and one more for each.
    assert told()["Threats"].finish.seats == 12


def test_others_teams_are_not_named_and_their_work_not_counted(gateway, hyderabad, asha, ravi, ops) -> None:
    chennai = make_team("Chennai")
    for name in ("kavya", "arun"):
        make_reviewer(name, chennai)
    project = make_project(hyderabad, chennai, skills=["hindi"])
    clips = make_ready_clips(gateway, 5)
    put_in_lane(project, hyderabad, clips[:1], at=database_now())
    put_in_lane(project, chennai, clips[1:3], at=database_now())
    lead = make_user("lead", "team lead", is_staff=True, places=[hyderabad])
    manager = make_user("manager", "ops manager", is_staff=True, places=[hyderabad.region])
    far = make_user("far", "ops manager", is_staff=True, places=[make_region("ro", "Romania", "Europe/Bucharest")])
    assert "Chennai" in told()["Threats"].finish.never
    mine = told(lead)["Threats"]
    assert (mine.finish.tasks, mine.finish.never) == (1, UNTOLD)
    assert [one.finish.tasks for one in mine.batches] == [1]
    assert told(manager)["Threats"].finish.tasks == 5
    assert told(far) == {}
    reply = signed_in(lead).get("/api/v1/ops/forecasts")
    assert reply.status_code == 200
    assert "Chennai" not in reply.content.decode()
    for person in Reviewer.objects.all():
        skills.give(person, "hindi")
    assert told(lead)["Threats"].finish.never == ""


def test_the_door_the_list_and_the_home_page_tell_it(gateway, hyderabad, asha, ravi, ops) -> None:
    make_project(hyderabad)
    make_project(hyderabad, slug="words", skills=["hindi"])
    make_ready_clips(gateway, 2)
    body = signed_in(ops).get("/api/v1/ops/forecasts").json()
    first, second = body["projects"]
    assert (first["name"], first["finish"]["tasks"], first["finish"]["never"]) == ("Threats", 2, "")
    assert first["finish"]["finish_50"] < first["finish"]["finish_90"] < body["until"]
    assert first["batches"][0]["arrived_on"] == database_now().astimezone(ZONE).date().isoformat()
    assert second["finish"]["finish_90"] is None
    client = Client()
    client.force_login(ops)
    for page in (reverse("admin:annotations_project_changelist"), reverse("today-foretold")):
        text = client.get(page).content.decode()
        assert "never, as it stands: needs hindi; nobody in Hyderabad has it" in text
        day = datetime.fromisoformat(first["finish"]["finish_90"])
        assert f"{day:%Y-%m-%d %H:%M}" in text


def test_how_many_statements_a_forecast_reads_does_not_grow(
    gateway, hyderabad, asha, ravi, django_assert_num_queries
) -> None:
    first = make_project(hyderabad)
    make_ready_clips(gateway, 4)
    with django_assert_num_queries(STATEMENTS):
        forecasting.read(at=database_now())
    for number in range(4):
        make_project(hyderabad, slug=f"more-{number}")
        make_reviewer(f"person-{number}", hyderabad)
    put_in_lane(first, hyderabad, list(Clip.objects.all())[:3], at=database_now())
    with django_assert_num_queries(STATEMENTS):
        forecasting.read(at=database_now())
