"""A lease's life: its length, renewals, lapses that pause, late answers, skips."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from annotations import auditing, leasing
from annotations.models import Annotation, LateAnswer, Lease, LeaseState, Project, Task
from config.clock import database_now
from tests.conftest import leave_only, signed_in
from workforce import quotas
from workforce.models import QuotaDay, Reviewer

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(asha):
    return signed_in(asha.user)


def take(client) -> dict:
    return client.post("/api/v1/leases", {}).json()["leases"][0]


def call(client, lease: dict, verb: str, **body):
    return client.post(f"/api/v1/leases/{lease['id']}/{verb}", {"token": lease["token"]} | body)


def submit(client, lease: dict, label: str = "threat"):
    return call(client, lease, "annotation", answer={"label": label})


def expire(lease: dict, seconds: float = 1) -> None:
    past = database_now() - timedelta(seconds=seconds)
    Lease.objects.filter(pk=lease["id"]).update(granted_at=past - timedelta(minutes=5), expires_at=past)


def clean() -> bool:
    # In the test's own transaction the snapshot cannot be set, so the queries are asked one by one.
    with connection.cursor() as cursor:
        for check in auditing.CHECKS:
            cursor.execute(f"SELECT * FROM ({check.query}) bad LIMIT 1")  # noqa: S608
            row = cursor.fetchone()
            if row and check.name not in {"sweeps-keep-up", "lease-on-its-day"}:
                raise AssertionError(f"{check.name}: {row}")
    return True


def test_a_lease_is_as_long_as_its_clip_needs_and_five_minutes_at_least(tasks, client) -> None:
    lease = Lease.objects.get(pk=take(client)["id"])
    assert abs((lease.expires_at - lease.granted_at) - timedelta(minutes=5)) < timedelta(seconds=1)
    tasks[1].clip.duration_ms = 120_000
    tasks[1].clip.save(update_fields=["duration_ms"])
    lease = Lease.objects.get(pk=take(client)["id"])
    assert abs((lease.expires_at - lease.granted_at) - timedelta(minutes=8)) < timedelta(seconds=1)
    Project.objects.update(lease_seconds=60)
    lease = Lease.objects.get(pk=take(client)["id"])
    assert abs((lease.expires_at - lease.granted_at) - timedelta(minutes=1)) < timedelta(seconds=1)


def test_renewing_gives_time_up_to_the_hard_maximum(tasks, client) -> None:
    lease = take(client)
    almost = database_now() + timedelta(seconds=5)
    Lease.objects.filter(pk=lease["id"]).update(expires_at=almost)
    renewed = call(client, lease, "renew")
    assert renewed.status_code == 200
    row = Lease.objects.get(pk=lease["id"])
    assert row.expires_at > almost + timedelta(minutes=4)
    assert renewed.json()["token"] == lease["token"]
    granted = database_now() - timedelta(minutes=58)
    Lease.objects.filter(pk=lease["id"]).update(granted_at=granted, expires_at=database_now() + timedelta(seconds=5))
    assert call(client, lease, "renew").status_code == 200
    assert Lease.objects.get(pk=lease["id"]).expires_at == granted + timedelta(hours=1)


def test_what_is_over_cannot_be_renewed(tasks, client, ravi) -> None:
    lease = take(client)
    stale = client.post(f"/api/v1/leases/{lease['id']}/renew", {"token": "00000000-0000-4000-8000-000000000000"})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale-token")
    assert call(signed_in(ravi.user), lease, "renew").status_code == 404
    expire(lease)
    over = call(client, lease, "renew")
    assert (over.status_code, over.json()["code"]) == (410, "lease-lapsed")
    other = take(client)
    client.delete(f"/api/v1/leases/{other['id']}")
    assert call(client, other, "renew").json()["code"] == "lease-returned"


def test_three_lapses_in_a_row_pause_until_the_person_is_back(tasks, client, asha) -> None:
    for turn in range(3):
        expire(take(client), seconds=1000)
        assert leasing.sweep_lapsed(at=database_now()) == 1
        assert Reviewer.objects.get(pk=asha.pk).is_paused == (turn == 2)
    paused = client.post("/api/v1/leases", {})
    assert (paused.status_code, paused.json()["reason"]) == (409, "you-are-paused")
    assert client.post("/api/v1/me/resume").status_code == 204
    reviewer = Reviewer.objects.get(pk=asha.pk)
    assert (reviewer.is_paused, reviewer.lapses_in_row) == (False, 0)
    assert client.post("/api/v1/leases", {}).status_code == 200


def test_an_answer_ends_a_row_of_lapses(tasks, client, asha) -> None:
    for _ in range(2):
        expire(take(client), seconds=1000)
        leasing.sweep_lapsed(at=database_now())
    submit(client, take(client))
    assert Reviewer.objects.get(pk=asha.pk).lapses_in_row == 0


def test_who_was_paused_by_ops_cannot_resume(tasks, client, asha) -> None:
    Reviewer.objects.filter(pk=asha.pk).update(is_paused=True)
    reply = client.post("/api/v1/me/resume")
    assert (reply.status_code, reply.json()["code"]) == (409, "paused-by-ops")


@pytest.mark.parametrize("swept", [False, True])
def test_a_late_answer_within_the_grace_is_taken_while_its_seat_is_free(tasks, client, asha, swept) -> None:
    Project.objects.update(grace_seconds=60)
    lease = take(client)
    expire(lease, seconds=30)
    if swept:
        leasing.sweep_lapsed(at=database_now())
        assert QuotaDay.objects.get(reviewer=asha).held == 0
    assert submit(client, lease).status_code == 201
    day = QuotaDay.objects.get(reviewer=asha)
    assert (day.used, day.held) == (1, 0)
    task = Task.objects.get(pk=lease["task"]["id"])
    assert (task.answers, task.seats_left) == (1, 1)
    assert not LateAnswer.objects.exists()
    assert submit(client, lease).status_code == 200
    assert clean()


@pytest.mark.parametrize("why", ["too late", "seats gone", "no quota"])
def test_any_other_late_answer_is_kept_and_never_counted(tasks, client, asha, ravi, meera, why) -> None:
    Project.objects.update(grace_seconds=60)
    lease = take(client)
    expire(lease, seconds=90 if why == "too late" else 30)
    leasing.sweep_lapsed(at=database_now())
    if why == "seats gone":
        for person in (ravi, meera):
            other = take(signed_in(person.user))
            assert other["task"]["id"] == lease["task"]["id"]
    if why == "no quota":
        today = QuotaDay.objects.get(reviewer=asha).day
        quotas.set_limit(0, reason="enough", by=asha.user, from_day=today, reviewer=asha)
    for _ in range(2):
        reply = submit(client, lease, "unsure")
        assert (reply.status_code, reply.json()["code"]) == (410, "lease-lapsed")
    assert LateAnswer.objects.get().answer == {"label": "unsure"}
    assert not Annotation.objects.exists()
    day = QuotaDay.objects.get(reviewer=asha)
    assert (day.used, day.held) == (0, 0)
    assert clean()


def test_a_late_answer_about_what_its_owner_took_back_is_not_kept(tasks, client, asha) -> None:
    Project.objects.update(grace_seconds=60)
    lease = take(client)
    expire(lease, seconds=30)
    leasing.sweep_lapsed(at=database_now())
    leave_only(tasks[0].clip, "troubleshooting")
    reply = submit(client, lease, "unsure")
    assert (reply.status_code, reply.json()["code"]) == (410, "consent-withdrawn")
    assert not LateAnswer.objects.exists()
    assert not Annotation.objects.exists()
    assert clean()


def test_a_skip_costs_nothing_but_a_skip(tasks, client, asha) -> None:
    lease = take(client)
    for _ in range(2):
        assert call(client, lease, "skip", reason="distressing").status_code == 204
    row = Lease.objects.get(pk=lease["id"])
    assert (row.state, row.skip_reason) == (LeaseState.SKIPPED, "distressing")
    day = QuotaDay.objects.get(reviewer=asha)
    assert (day.used, day.held, day.skips) == (0, 0, 1)
    assert take(client)["task"]["id"] != lease["task"]["id"]
    assert submit(client, lease).json()["code"] == "lease-returned"
    assert clean()


def test_skips_are_capped_by_day_and_need_a_reason(tasks, client, asha) -> None:
    lease = take(client)
    assert call(client, lease, "skip").status_code == 400
    assert call(client, lease, "skip", reason="boring").status_code == 400
    QuotaDay.objects.filter(reviewer=asha).update(skips=quotas.SKIPS_A_DAY)
    capped = call(client, lease, "skip", reason="other")
    assert (capped.status_code, capped.json()["code"]) == (429, "skips-exhausted")
    assert Lease.objects.get(pk=lease["id"]).state == LeaseState.LIVE
    assert submit(client, lease).status_code == 201
    done = call(client, lease, "skip", reason="other")
    assert (done.status_code, done.json()["code"]) == (409, "already-submitted")
