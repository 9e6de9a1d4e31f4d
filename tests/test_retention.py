"""Retention: clips go when their days are over, not a moment sooner, and nobody who holds one keeps it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from annotations import forgetting, stopping
from annotations.models import Lease, LeaseState
from clips import purging, retention
from clips.models import AccessEntry, Case, CaseState, Clip, ClipState, Purge, PurgeReason, PurgeState, RetentionRule
from config.clock import database_now
from tests.conftest import make_ready_clips, make_user, signed_in

pytestmark = pytest.mark.django_db

TICK = timedelta(microseconds=1)


@pytest.fixture
def officer(roles):
    return make_user("privacy", "privacy officer", is_staff=True)


def rule(by, since="upload", days=30, region="", source="", reason="a promise of ours") -> RetentionRule:
    return retention.add(region=region, source=source, since=since, days=days, reason=reason, by=by, at=database_now())


def test_without_a_rule_nothing_goes_for_its_age(gateway) -> None:
    make_ready_clips(gateway, 2)
    assert retention.due(at=database_now() + timedelta(days=30000)) == []


def test_a_clip_goes_at_the_instant_its_days_are_over(gateway, officer) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    clip.refresh_from_db()
    made = rule(officer)
    over = clip.created_at + timedelta(days=30)
    assert forgetting.forget_due(at=over - TICK) == 0
    assert forgetting.forget_due(at=over) == 1
    assert forgetting.forget_due(at=over) == 0
    purge = Purge.objects.get()
    assert (purge.reason, purge.rule, purge.asked_at) == (PurgeReason.RETENTION, made, over)
    assert Clip.objects.get().state == ClipState.WITHHELD
    purging.run(clip.pk, now=lambda: over + timedelta(hours=1))
    assert Clip.objects.get().state == ClipState.PURGED


def test_who_holds_the_clip_loses_it_and_is_told_why(tasks, asha, officer) -> None:
    work = signed_in(asha.user)
    lease = work.post("/api/v1/leases", {}).json()["leases"][0]
    rule(officer, days=0)
    assert forgetting.forget_due(at=database_now()) == 3
    assert not Lease.objects.filter(state=LeaseState.LIVE).exists()
    refused = work.post(
        f"/api/v1/leases/{lease['id']}/annotation", {"token": lease["token"], "answer": {"label": "threat"}}
    )
    assert (refused.status_code, refused.json()["code"]) == (410, "clip-purged")
    assert work.get("/api/v1/leases").json()["quota"]["held"] == 0


def test_the_most_particular_rule_counts_and_of_those_the_newest(gateway, officer) -> None:
    every = rule(officer, days=100)
    here = rule(officer, days=50, region="in")
    rule(officer, days=10, region="in", source="employee_tester")
    rule(officer, days=70, region="ro")
    rule(officer, days=60, source="owner_troubleshooting")
    newer = rule(officer, days=40, region="in")

    def said(region: str, source: str) -> tuple[int, int] | None:
        term = retention.in_force(retention.newest(), region, source, "upload")
        return (term.days, term.rule.pk if term.rule else 0) if term else None

    assert said("in", "owner_troubleshooting") == (40, newer.pk)
    assert (said("in", "employee_tester") or (0, 0))[0] == 10
    assert (said("ro", "owner_troubleshooting") or (0, 0))[0] == 70
    assert said("us", "employee_tester") == (100, every.pk)
    # Nothing on this count any more, in this region.
    rule(officer, days=None, region="in")
    assert said("in", "owner_troubleshooting") is None
    assert here.pk != newer.pk


def test_days_since_the_last_use_begin_anew_with_each_lease_and_each_sight(tasks, asha, officer) -> None:
    work = signed_in(asha.user)
    lease = work.post("/api/v1/leases", {}).json()["leases"][0]
    work.delete(f"/api/v1/leases/{lease['id']}", {"token": lease["token"]})
    used = lease["clip"]["id"]
    seen = next(task.clip_id for task in tasks if task.clip_id != used)
    start = database_now()
    Clip.objects.update(created_at=start - timedelta(days=100))
    Lease.objects.update(ended_at=start - timedelta(days=10))
    AccessEntry.objects.create(
        stream="user-1",
        number=1,
        at=start - timedelta(days=5),
        user=officer,
        credentials="session",
        clip_id=seen,
        outcome="granted",
        hash=bytes(32),
    )
    rule(officer, since="last_use", days=30)
    assert {clip_id for clip_id, _ in retention.due(at=start)} == {t.clip_id for t in tasks} - {used, seen}
    assert used in dict(retention.due(at=start + timedelta(days=20)))
    assert seen not in dict(retention.due(at=start + timedelta(days=25) - TICK))
    assert seen in dict(retention.due(at=start + timedelta(days=25)))


def test_what_nobody_decides_is_disposed_of_by_the_deadline(tasks, gateway, officer) -> None:
    clip = tasks[0].clip
    stopping.quarantine(clip.pk, by=officer, reason="it looked private", at=database_now())
    since = Clip.objects.get(pk=clip.pk).state_since
    default = timedelta(days=retention.DEFAULTS["quarantined"])
    assert forgetting.forget_due(at=since + default - TICK) == 0
    rule(officer, since="quarantined", days=3, region="in")
    assert forgetting.forget_due(at=since + timedelta(days=3) - TICK) == 0
    assert forgetting.forget_due(at=since + timedelta(days=3)) == 1
    purge = Purge.objects.get()
    assert purge.reason == PurgeReason.UNDECIDED
    case = Case.objects.get()
    assert (case.state, case.decided_by, case.decision) == (CaseState.DECIDED, officer, "handled")
    assert "disposal deadline" in case.reason


def test_the_default_deadlines_act_under_a_name_nobody_can_sign_in_with(tasks, client, officer) -> None:
    stopping.quarantine(tasks[0].clip_id, by=officer, reason="it looked private", at=database_now())
    at = database_now() + timedelta(days=31)
    assert forgetting.forget_due(at=at) == 1
    decided_by = Case.objects.get().decided_by
    assert decided_by is not None
    assert (decided_by.username, decided_by.is_active, decided_by.has_usable_password()) == (
        "sightline-clock",
        False,
        False,
    )


def test_what_staff_withheld_is_purged_too(tasks, officer) -> None:
    stopping.quarantine(tasks[0].clip_id, by=officer, reason="it looked private", at=database_now())
    stopping.decide(Case.objects.get().pk, decision="withhold", by=officer, reason="it is", at=database_now())
    assert forgetting.forget_due(at=database_now() + timedelta(days=29)) == 0
    assert forgetting.forget_due(at=database_now() + timedelta(days=31)) == 1
    assert Purge.objects.get().reason == PurgeReason.WITHHELD


def test_days_since_a_decision(tasks, officer) -> None:
    clip_id = tasks[0].clip_id
    stopping.quarantine(clip_id, by=officer, reason="it looked private", at=database_now())
    stopping.decide(Case.objects.get().pk, decision="show", by=officer, reason="it is not", at=database_now())
    rule(officer, since="decision", days=2)
    decided = Case.objects.get().decided_at
    assert decided is not None
    assert retention.due(at=decided + timedelta(days=2) - TICK) == []
    assert [found for found, _ in retention.due(at=decided + timedelta(days=2))] == [clip_id]


def test_rules_are_only_added(gateway, officer) -> None:
    rule(officer)
    with connection.cursor() as cursor:
        for attack in ("UPDATE clips_retentionrule SET days = 1", "DELETE FROM clips_retentionrule"):
            with pytest.raises(DatabaseError), transaction.atomic():
                cursor.execute(attack)
    with pytest.raises(Exception, match="deadline"):
        rule(officer, since="quarantined", days=None)


def test_the_preview_counts_what_would_go_and_saves_nothing(gateway, officer, client) -> None:
    clips = make_ready_clips(gateway, 4)
    now = database_now()
    for clip, days in zip(clips, (40, 28, 10, 0), strict=True):
        Clip.objects.filter(pk=clip.pk).update(created_at=now - timedelta(days=days))
    ahead = retention.preview(region="in", source="", since="upload", days=30, at=now)
    assert [line.count for line in ahead] == [1, 1, 2, 0, 0]
    assert [line.count for line in retention.preview(region="ro", source="", since="upload", days=30, at=now)] == [
        0
    ] * 5
    # Where a more particular rule speaks, that one counts.
    rule(officer, days=1000, region="in")
    assert sum(line.count for line in retention.preview(region="", source="", since="upload", days=30, at=now)) == 0
    client.force_login(officer)
    url = reverse("admin:clips_retentionrule_add")
    asked = {"region": "in", "source": "", "since": "upload", "days": "30", "reason": "our promise of 2026"}
    page = client.post(url, asked)
    assert "1 clip" in page.content.decode()
    assert RetentionRule.objects.count() == 1
    assert client.post(url, asked | {"reason": ""}).status_code == 200
    assert client.post(url, asked | {"confirmed": "yes", "reason": "x"}).status_code == 200
    assert RetentionRule.objects.count() == 1
    assert client.post(url, asked | {"confirmed": "yes"}).status_code == 302
    made = RetentionRule.objects.first()
    assert made is not None
    assert (made.author, made.days, made.region) == (officer, 30, "in")


def test_ops_see_the_rules_and_add_none(client, roles) -> None:
    client.force_login(make_user("ops", "ops manager", is_staff=True))
    assert client.get(reverse("admin:clips_retentionrule_changelist")).status_code == 200
    assert client.get(reverse("admin:clips_retentionrule_add")).status_code == 403
    assert client.post(reverse("admin:clips_retentionrule_add"), {"confirmed": "yes"}).status_code == 403


def test_a_held_clip_whose_time_is_over_is_withheld_and_waits(gateway, officer) -> None:
    from clips import holding

    clip = make_ready_clips(gateway, 1)[0]
    at = database_now()
    holding.place(by=officer, reason="matter 12", ends_at=at + timedelta(days=1), at=at, clip=clip)
    rule(officer, days=0)
    assert forgetting.forget_due(at=database_now()) == 1
    purging.run(clip.pk, now=database_now)
    assert (Clip.objects.get().state, Purge.objects.get().state) == (ClipState.WITHHELD, PurgeState.HELD)
