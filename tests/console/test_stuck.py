"""Stuck work: what stands still, why, and its way out, each with a reason."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from annotations import changes, leasing
from annotations.console import stuck_rows
from annotations.console.stuck_acts import ACTS
from annotations.models import AuditRun, Export, ExportState, Lease, Plan, PlanKind, PlanLine, Task
from clips.models import Addition, Clip, Purge
from config.clock import database_now
from tests.conftest import make_project, make_ready_clips, make_region, make_team, make_user, put_in_lane, spread_now
from tests.console.test_today import serious
from workforce import people
from workforce.models import Reviewer

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ops(roles, gateway):
    return make_user("ops", "ops manager", is_staff=True)


def client_of(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def section(user, key: str):
    return next(one for one in stuck_rows.sections(user, at=database_now()) if one.key == key)


def do(user, act: str, pk: int, reason: str = "it has to go on"):
    reply = client_of(user).post("/admin/stuck/act", {"act": act, "number": pk, "reason": reason}, follow=True)
    said = [str(message) for message in reply.context["messages"]] if reply.status_code == 200 else []
    return reply.status_code, " ".join(said)


def fail(clip: Clip) -> None:
    Clip.objects.filter(pk=clip.pk).update(state="failed", failure="it does not play")


def test_nothing_stuck_is_calm_and_says_so(ops, hyderabad) -> None:
    page = client_of(ops).get("/admin/stuck").content.decode()
    assert "All is calm: nothing stands still." in page
    assert "What can be done" not in page


def test_a_failed_clip_is_tried_again_with_a_reason(ops, gateway) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    fail(clip)
    row = section(ops, "clips").rows[0]
    assert (row.pk, row.where, row.why, row.acts) == (clip.pk, "IN", "it does not play", ("retry",))
    status, said = do(ops, "retry", clip.pk, reason="")
    assert (status, Clip.objects.get(pk=clip.pk).state) == (200, "failed")
    assert "Say why" in said
    assert do(ops, "retry", clip.pk)[1] == f"clip {clip.pk} is tried again."
    assert Clip.objects.get(pk=clip.pk).state == "uploaded"
    change = changes.latest(kind="clip", number=clip.pk)[0]
    assert (change.by, change.verb, change.why) == ("ops", "retry preparation", "it has to go on")
    assert "not failed any more" in do(ops, "retry", clip.pk)[1]


def test_a_late_task_says_why_and_is_requeued_or_planned_anew(ops, tasks, asha, hyderabad) -> None:
    at = database_now()
    Task.objects.update(due_at=at - timedelta(hours=3))
    held = Lease.objects.get(pk=leasing.lease_next(asha.user_id, count=1).lease_ids[0])
    free = Task.objects.exclude(pk=held.task_id).first()
    assert free is not None
    plan = Plan.objects.create(kind=PlanKind.BEAT, made_at=at, looked_at=at, ends_at=at, due_at=at)
    PlanLine.objects.create(
        plan=plan, number=1, project=free.project, region="in", due_at=at, tasks=2, from_team=hyderabad,
        why="Hyderabad is full",
    )  # fmt: skip
    rows = {row.pk: row for row in section(ops, "tasks").rows}
    assert (rows[held.task_id].acts, rows[free.pk].acts) == (("requeue",), ("plan",))
    assert "nobody holds it" in rows[free.pk].why
    assert "Hyderabad is full" in rows[free.pk].why
    assert "re-queued" in do(ops, "requeue", held.task_id)[1]
    assert Lease.objects.get(pk=held.pk).state == "recalled"
    before = free.rank
    assert "is first in turn at Hyderabad" in do(ops, "plan", free.pk)[1]
    free.refresh_from_db()
    assert free.rank < before
    made = Plan.objects.filter(kind=PlanKind.HAND).get()
    assert (made.by, made.reason) == (ops, "it has to go on")


def test_who_lapsed_is_resumed_and_what_is_held_is_recalled(ops, tasks, asha, ravi) -> None:
    for _lapse in range(3):
        people.count_lapse(asha.pk)
    assert section(ops, "people").rows[0].pk == asha.pk
    assert "handed work again" in do(ops, "resume", asha.pk)[1]
    assert not Reviewer.objects.get(pk=asha.pk).is_paused
    lease = leasing.lease_next(ravi.user_id, count=1).lease_ids[0]
    at = database_now()
    assert not section(ops, "leases").rows
    Lease.objects.filter(pk=lease).update(expires_at=at + timedelta(minutes=1))
    assert section(ops, "leases").rows[0].acts == ("recall",)
    assert "recalled" in do(ops, "recall", lease)[1]
    assert Lease.objects.get(pk=lease).state == "recalled"
    assert not section(ops, "leases").rows


def test_what_else_stands_still_has_its_act(ops, gateway, tasks) -> None:
    at = database_now()
    officer = make_user("officer", "privacy officer", is_staff=True)
    clips = make_ready_clips(gateway, 2)
    old = Export.objects.create(project=tasks[0].project, requested_by=ops, state=ExportState.FAILED, failure="full")
    stalled = Export.objects.create(project=tasks[0].project, requested_by=ops, due_at=at - timedelta(hours=1))
    assert [(row.pk, row.acts) for row in section(ops, "exports").rows] == [
        (stalled.pk, ("write",)),
        (old.pk, ("export",)),
    ]
    assert "in place of" in do(ops, "export", old.pk)[1]
    assert Export.objects.filter(state=ExportState.REQUESTED, requested_by=ops).count() == 2
    assert "was rung" in do(ops, "write", stalled.pk)[1]
    addition = Addition.objects.create(clip=clips[0], faces="blurred", failure="no detector")
    assert section(ops, "proxies").rows[0].acts == ("add",)
    assert "tried again" in do(ops, "add", addition.pk)[1]
    assert not section(ops, "proxies").rows
    purge = Purge.objects.create(
        clip=clips[1], region="in", reason="retention", asked_at=at, state_since=at, due_at=at + timedelta(hours=1),
        quiet_at=at, failures=4, failure="The storage did not answer.",
    )  # fmt: skip
    assert section(officer, "purges").rows[0].acts == ("hurry",)
    # Ops see what goes and why; privacy officers decide.
    assert do(ops, "hurry", purge.pk)[0] == 404
    assert "tried now" in do(officer, "hurry", purge.pk)[1]
    AuditRun.objects.create(asked_at=at, seconds=1, checks=1, findings=[
        {"name": "seats", "promise": "Seats add up.", "count": 2, "first": {"task": 4}}])  # fmt: skip
    assert section(ops, "audit").rows[0].why == "2 rows, the first: task 4"
    assert "being asked" in do(ops, "audit", 0)[1]
    Clip.objects.filter(pk=clips[0].pk).update(state="uploaded", due_at=at - timedelta(minutes=9))
    assert section(ops, "late-clips").rows[0].acts == ("ring", "cancel")
    assert "was rung" in do(ops, "ring", clips[0].pk)[1]
    assert "failed, with your reason" in do(ops, "cancel", clips[0].pk)[1]


def test_of_another_region_nothing_is_listed_and_nothing_can_be_done(roles, gateway, hyderabad) -> None:
    india = hyderabad.region
    there = make_team("Cluj", make_region("ro", "Romania", "Europe/Bucharest"))
    at = database_now()
    project = make_project(there)
    clips = make_ready_clips(gateway, 3, region="ro")
    task = put_in_lane(project, there, clips[:1], at=at - timedelta(days=9))[0]
    fail(clips[1])
    export = Export.objects.create(project=project, requested_by=gateway, state=ExportState.FAILED, regions=["ro"])
    user = make_user("of-india", "ops manager", is_staff=True, places=[india])
    reply = client_of(user).get("/admin/stuck")
    assert reply.context["busy"] == []
    assert "Cluj" not in reply.content.decode()
    known = {"retry": clips[1].pk, "cancel": clips[1].pk, "plan": task.pk, "requeue": task.pk, "export": export.pk}
    for name in ACTS:
        for pk in (known.get(name, 987_654), 987_654):
            assert do(user, name, pk)[0] == 404, name
    assert Clip.objects.get(pk=clips[1].pk).state == "failed"
    assert Export.objects.count() == 1
    everybody = make_user("of-all", "ops manager", is_staff=True)
    assert {one["section"].key for one in client_of(everybody).get("/admin/stuck").context["busy"]} == {
        "tasks", "clips", "exports"
    }  # fmt: skip


def test_who_may_only_look_is_offered_no_act_and_may_do_none(roles, gateway) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    fail(clip)
    auditor = make_user("auditor", "auditor", is_staff=True)
    page = client_of(auditor).get("/admin/stuck")
    assert page.context["busy"][0]["rows"][0][1] == []
    assert do(auditor, "retry", clip.pk)[0] == 404
    nobody = make_user("nobody", None, is_staff=True)
    assert client_of(nobody).get("/admin/stuck").status_code == 404
    for number in ("", "x", "-1", "9" * 30):
        assert do(auditor, "retry", number)[0] == 404  # type: ignore[arg-type]
    assert client_of(auditor).get(reverse("stuck-act")).status_code == 405


@pytest.mark.parametrize("count", [1, 30])
def test_as_many_queries_however_many_rows_and_at_most_twenty_of_a_sort(
    ops, gateway, hyderabad, asha, count, django_assert_max_num_queries
) -> None:
    project = make_project(hyderabad)
    clips = make_ready_clips(gateway, count + 1)
    at = database_now()
    put_in_lane(project, hyderabad, clips, at=at - timedelta(days=9))
    Clip.objects.filter(pk__in=[clip.pk for clip in clips[:count]]).update(state="failed", failure="it does not play")
    Export.objects.bulk_create(
        Export(project=project, requested_by=ops, state=ExportState.FAILED, failure="full") for _ in range(count)
    )
    client = client_of(ops)
    with django_assert_max_num_queries(21):
        page = client.get("/admin/stuck")
    shown = {one["section"].key: one for one in page.context["busy"]}
    assert len(shown["clips"]["rows"]) == len(shown["exports"]["rows"]) == min(count, 20)
    assert bool(shown["clips"]["section"].more) == (count > 20)


def test_somebody_puts_it_right_by_keyboard(ops, gateway, desk) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    fail(clip)
    sat = desk(ops)
    page = sat.open("/admin/stuck")
    row = page.get_by_role("row", name=f"clip {clip.pk}")
    row.locator("summary").focus()
    page.keyboard.press("Enter")
    row.get_by_label("Why?").fill("the network is back")
    sat.shoot("stuck-act")
    assert serious(page) == []
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text(f"clip {clip.pk} is tried again.").wait_for()
    assert page.get_by_text("All is calm: nothing stands still.").is_visible()


@pytest.mark.parametrize("dark", [False, True])
def test_it_looks_as_it_should(ops, gateway, tasks, asha, desk, dark) -> None:
    at = database_now()
    clips = make_ready_clips(gateway, 3)
    for clip in clips[:2]:
        fail(clip)
    Task.objects.update(due_at=at - timedelta(hours=3))
    leasing.lease_next(asha.user_id, count=1)
    Lease.objects.update(expires_at=at + timedelta(minutes=1))
    AuditRun.objects.create(asked_at=at, seconds=1, checks=1, findings=[
        {"name": "seats", "promise": "Seats add up.", "count": 2, "first": {"task": 4}}])  # fmt: skip
    spread_now()
    sat = desk(ops, dark=dark)
    page = sat.open("/admin/stuck")
    sat.shoot(f"stuck-{'dark' if dark else 'light'}")
    assert serious(page) == []
