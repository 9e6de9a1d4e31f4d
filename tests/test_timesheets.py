"""Timesheets: the sum of what happened and of what staff added; contested by the person, answered with a reason."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from annotations import leasing, timesheets
from annotations.errors import ContestAnswered, ContestOpen, DayNotContestable
from annotations.models import ActiveSpan, Lease, TimeContest, Timesheet
from config.clock import database_now
from config.history import ReasonMissing
from tests.conftest import make_user, signed_in
from workforce.days import local_day
from workforce.models import Reviewer

pytestmark = pytest.mark.django_db
NOW = datetime(2027, 5, 10, 12, tzinfo=UTC)
TODAY = NOW.date()


def worked(person: Reviewer, seconds: float, *, at: datetime = NOW, lost: float = 0) -> ActiveSpan:
    lease = Lease.objects.filter(reviewer=person).first()
    if lease is None:
        (pk,) = leasing.lease_next(person.user_id, count=1).lease_ids
        lease = Lease.objects.get(pk=pk)
    return ActiveSpan.objects.create(
        reviewer=person, lease=lease, day=local_day(at, "Asia/Kolkata"), time_zone="Asia/Kolkata", started_at=at,
        ended_at=at + timedelta(seconds=seconds), lost_ms=int(lost * 1000),
    )  # fmt: skip


def test_a_contest_is_answered_and_what_was_added_counts(tasks, asha) -> None:
    ops = make_user("ops")
    worked(asha, 600, lost=60)
    made = timesheets.contest(asha, TODAY, note="I watched for an hour", at=NOW)
    with pytest.raises(ContestOpen):
        timesheets.contest(asha, TODAY, note="I watched for an hour", at=NOW)
    with pytest.raises(ReasonMissing):
        timesheets.answer(made.pk, by=ops, reason="", granted_seconds=10, at=NOW)
    timesheets.answer(made.pk, by=ops, reason="the player was broken", granted_seconds=1800, at=NOW)
    with pytest.raises(ContestAnswered):
        timesheets.answer(made.pk, by=ops, reason="once more", granted_seconds=1800, at=NOW)
    sheet = Timesheet.objects.get()
    assert (sheet.active_ms, sheet.lost_ms, sheet.granted_ms, sheet.total_ms) == (
        540_000, 60_000, 1_800_000, 2_400_000,
    )  # fmt: skip
    assert timesheets.contest(asha, TODAY, note="and again", at=NOW).pk != made.pk


def test_a_day_on_which_nothing_was_counted_can_be_contested(asha) -> None:
    made = timesheets.contest(asha, TODAY, note="I was here all day", at=NOW)
    timesheets.answer(made.pk, by=make_user("ops"), reason="seen by the lead", granted_seconds=3600, at=NOW)
    assert Timesheet.objects.get().total_ms == 3_600_000


@pytest.mark.parametrize("away", [-63, 1])
def test_far_days_and_days_to_come_cannot_be_contested(asha, away) -> None:
    with pytest.raises(DayNotContestable):
        timesheets.contest(asha, TODAY + timedelta(days=away), note="not right", at=NOW)


def test_an_answer_is_whole_or_not_there(asha) -> None:
    made = timesheets.contest(asha, TODAY, note="not right", at=NOW)
    with pytest.raises(IntegrityError, match="time_contest_answered_whole"), transaction.atomic():
        TimeContest.objects.filter(pk=made.pk).update(granted_ms=1000)


def test_the_csv_adds_up_to_the_spans(tasks, asha, ravi, django_assert_num_queries) -> None:
    ravi.user.username = "=ravi"
    ravi.user.save(update_fields=["username"])
    for day in range(3):
        worked(asha, 100.25, at=NOW + timedelta(days=day))
        worked(asha, 50, at=NOW + timedelta(days=day, hours=1), lost=20)
        worked(ravi, 10, at=NOW + timedelta(days=day))
    with django_assert_num_queries(1):
        found = list(csv.DictReader("".join(timesheets.as_csv(timesheets.sheets(
            first=TODAY, last=TODAY + timedelta(days=1)
        ))).splitlines()))  # fmt: skip
    assert [(row["username"], row["total_ms"], row["lost_ms"], row["spans"]) for row in found] == [
        ("asha", "150250", "20000", "2"), ("'=ravi", "10000", "0", "1"),
    ] * 2  # fmt: skip
    assert {row["region"] for row in found} == {"in"}


def test_ops_get_the_csv_by_the_door_and_the_admin(roles, client, tasks, asha) -> None:
    now = database_now()
    worked(asha, 60, at=now - timedelta(minutes=2))
    door = signed_in(make_user("ops-api", "ops manager", is_staff=True))
    asked = {"first": str(now.date() - timedelta(days=1)), "last": str(now.date() + timedelta(days=1))}
    page: Any = door.get("/api/v1/ops/timesheets", asked)
    assert b"asha" in b"".join(page.streaming_content)
    elsewhere: Any = door.get("/api/v1/ops/timesheets", asked | {"region": "ro"})
    assert b"asha" not in b"".join(elsewhere.streaming_content)
    wrong = door.get("/api/v1/ops/timesheets", {"first": "2027-05-02", "last": "2027-05-01"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "last")
    client.force_login(make_user("ops", "ops manager", is_staff=True))
    sheet = Timesheet.objects.get()
    listed = reverse("admin:annotations_timesheet_changelist")
    assert "0:01:00" in client.get(listed).content.decode()
    reply = client.post(listed, {"action": "as_csv", "_selected_action": [sheet.pk]})
    assert b"asha" in b"".join(reply.streaming_content)
    assert client.get(reverse("admin:annotations_activespan_changelist")).status_code == 200


def test_a_person_contests_and_staff_answer_through_the_doors(roles, client, tasks, asha) -> None:
    mine, ops = signed_in(asha.user), signed_in(make_user("ops-api", "ops manager", is_staff=True))
    today = str(local_day(database_now(), "Asia/Kolkata"))
    made = mine.post(f"/api/v1/me/time/{today}/contest", {"note": "an hour is missing"})
    assert made.status_code == 201
    assert mine.post(f"/api/v1/me/time/{today}/contest", {"note": "an hour"}).json()["code"] == "contest-open"
    door = f"/api/v1/ops/time-contests/{made.json()['id']}/answer"
    assert ops.post(door, {"reason": ""}).json()["code"] == "reason-required"
    assert ops.post(door, {"reason": "so it is", "granted_seconds": 3600}).status_code == 200
    assert ops.post(door, {"reason": "so it is"}).json()["code"] == "contest-answered"
    told = mine.get(f"/api/v1/me/time/{today}").json()
    assert (told["contests"][0]["answer"], told["contests"][0]["granted_ms"]) == ("so it is", 3_600_000)
    assert mine.get("/api/v1/me/time").json()["days"][0]["total_ms"] == 3_600_000
    again = mine.post(f"/api/v1/me/time/{today}/contest", {"note": "half an hour more"}).json()
    client.force_login(make_user("ops", "ops manager", is_staff=True))
    body = {"action": "answer_it", "_selected_action": [again["id"]], "confirmed": "yes", "reason": "no, sorry",
            "minutes": 0}  # fmt: skip
    page = client.post(reverse("admin:annotations_timecontest_changelist"), body, follow=True)
    assert "1 time contest answered" in page.content.decode()
    assert TimeContest.objects.get(pk=again["id"]).answer == "no, sorry"
