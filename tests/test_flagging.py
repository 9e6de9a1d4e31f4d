"""Flags: what they stop, what they cost (nothing), and how cases end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from annotations import auditing, changes, leasing, links, spreading, stopping, submitting, withdrawing
from annotations.errors import ClipQuarantined, ConsentWithdrawn, LeaseFlagged, MediaLinkOver
from annotations.models import Flag, Lane, LateAnswer, Lease, LeaseState, Project, Task, TaskState
from clips import cases, preparing
from clips.access import Asking
from clips.errors import CaseDecided, DecisionDoesNotFit, NotForYou
from clips.media.results import Renditions
from clips.models import Case, CaseKind, Clip, ClipState, ConsentEvent
from clips.tasks import remind_of_cases
from config.clock import database_now
from config.errors import Refusal
from tests.conftest import make_reviewer, make_user, signed_in
from workforce.models import QuotaDay, Reviewer

pytestmark = pytest.mark.django_db


def asking_as(reviewer) -> Asking:
    """A player that carries the reviewer's own credentials."""
    return Asking(user_id=reviewer.user_id, credentials="token", address="", method="GET")


def take(reviewer: Reviewer, count: int = 1) -> list[dict]:
    reply = signed_in(reviewer.user).post("/api/v1/leases", {"count": count})
    return reply.json()["leases"]


def flag(reviewer: Reviewer, lease: dict, kind: str, **fields):
    body = {"token": lease["token"], "kind": kind} | fields
    return signed_in(reviewer.user).post(f"/api/v1/leases/{lease['id']}/flag", body)


def answer(reviewer: Reviewer, lease: dict):
    body = {"token": lease["token"], "answer": {"label": "threat"}}
    return signed_in(reviewer.user).post(f"/api/v1/leases/{lease['id']}/annotation", body)


def promises_hold(*, but: str = "") -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        for check in (one for one in auditing.CHECKS if one.name != but):
            cursor.execute(f"SELECT * FROM ({check.query}) bad LIMIT 1")  # noqa: S608
            assert cursor.fetchone() is None, check.name


@pytest.fixture
def officer(roles):
    return make_user("privacy", "privacy officer", is_staff=True)


@pytest.fixture
def ops(roles):
    return make_user("ops", "ops manager", is_staff=True)


def test_a_sensitive_flag_takes_the_clip_from_everybody_at_once(tasks, asha, ravi, meera) -> None:
    mine, theirs = take(asha)[0], take(ravi)[0]
    assert mine["task"]["id"] == theirs["task"]["id"]
    sealed = theirs["media"]["proxy"].rpartition("/")[2]
    reply = flag(asha, mine, "sensitive", note="a bathroom")
    assert reply.status_code == 201
    assert reply.json()["lease_state"] == "flagged"

    task = Task.objects.get(pk=mine["task"]["id"])
    assert (task.state, task.seats_left) == (TaskState.STOPPED, 2)
    assert Clip.objects.get(pk=task.clip_id).state == ClipState.QUARANTINED
    assert Lease.objects.get(pk=theirs["id"]).recall_reason == "quarantined"
    # Who had to see it has done a unit of the day's work; it costs nobody anything.
    for day in QuotaDay.objects.all():
        assert (day.used, day.held, day.skips) == (int(day.reviewer == asha), 0, 0)
    assert not Reviewer.objects.exclude(lapses_in_row=0).exists()

    late = answer(ravi, theirs)
    assert (late.status_code, late.json()["code"]) == (410, "clip-quarantined")
    assert answer(asha, mine).json()["code"] == "lease-flagged"
    with pytest.raises(MediaLinkOver):
        links.open_link(sealed, asking=asking_as(ravi), at=database_now())
    for person in (asha, ravi, meera):
        assert task.pk not in {lease["task"]["id"] for lease in take(person, 10)}
    case = Case.objects.get()
    assert (case.kind, case.state) == (CaseKind.SENSITIVE, "open")
    assert case.due_at is not None
    assert timedelta(hours=23) < case.due_at - database_now() < timedelta(hours=25)
    assert Flag.objects.get().note == "a bathroom"
    promises_hold()


def test_flagging_twice_is_dull_and_with_another_token_refused(tasks, asha, ravi) -> None:
    lease = take(asha)[0]
    wrong = flag(asha, lease | {"token": "00000000-0000-4000-8000-000000000000"}, "sensitive")
    assert (wrong.status_code, wrong.json()["code"]) == (409, "stale-token")
    assert flag(ravi, lease, "sensitive").status_code == 404
    first, second = flag(asha, lease, "sensitive"), flag(asha, lease, "sensitive")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert Case.objects.count() == 1


def test_what_was_answered_can_still_be_flagged_as_sensitive(tasks, asha, ravi) -> None:
    mine, theirs = take(asha)[0], take(ravi)[0]
    assert answer(asha, mine).status_code == 201
    assert flag(asha, mine, "sensitive").status_code == 201
    assert Lease.objects.get(pk=mine["id"]).state == LeaseState.SUBMITTED
    assert Lease.objects.get(pk=theirs["id"]).state == LeaseState.RECALLED
    assert flag(asha, mine, "broken").json()["code"] == "already-submitted"
    promises_hold()


def test_a_clip_stops_when_the_second_person_cannot_play_it(tasks, asha, ravi, meera) -> None:
    first = take(asha)[0]
    assert flag(asha, first, "broken").status_code == 201
    task = Task.objects.get(pk=first["task"]["id"])
    assert (task.state, task.seats_left) == (TaskState.OPEN, 2)
    promises_hold()
    second = take(ravi)[0]
    assert second["task"]["id"] == task.pk
    assert flag(ravi, second, "broken").status_code == 201
    task.refresh_from_db()
    assert (task.state, task.seats_left) == (TaskState.STOPPED, 2)
    assert Case.objects.get().flags.count() == 2
    promises_hold()


def test_an_emergency_opens_an_urgent_case_and_the_work_goes_on(tasks, asha) -> None:
    lease = take(asha)[0]
    assert flag(asha, lease, "emergency", note="someone has fallen").json()["lease_state"] == "live"
    case = Case.objects.get()
    assert case.due_at is not None
    assert case.due_at - database_now() < timedelta(minutes=16)
    assert answer(asha, lease).status_code == 201
    assert Clip.objects.get(pk=lease["clip"]["id"]).state == ClipState.READY


@pytest.fixture
def quarantined(tasks, asha) -> Case:
    flag(asha, take(asha)[0], "sensitive")
    return Case.objects.get()


def test_a_clip_that_is_shown_again_comes_back_to_its_place(quarantined, ravi, officer) -> None:
    stopped = Task.objects.get(state=TaskState.STOPPED)
    stopping.decide(quarantined.pk, decision="show", by=officer, reason="a child's toy", at=database_now())
    assert stopping.put_back(at=database_now()) == 1
    assert stopping.put_back(at=database_now()) == 0
    assert take(ravi)[0]["task"]["id"] == stopped.pk
    promises_hold()


def test_a_clip_for_cleared_people_comes_back_to_them_alone(quarantined, hyderabad, ravi, officer) -> None:
    cleared = make_reviewer("cleared", hyderabad, clearance=1)
    stopped = Task.objects.get(state=TaskState.STOPPED)
    stopping.decide(quarantined.pk, decision="show_to_cleared", by=officer, reason="undressed", at=database_now())
    assert stopping.put_back(at=database_now()) == 1
    assert Lane.objects.get(pk=Task.objects.get(pk=stopped.pk).lane_id).clearance == 1
    assert stopped.pk not in {lease["task"]["id"] for lease in take(ravi, 10)}
    assert stopped.pk in {lease["task"]["id"] for lease in take(cleared, 10)}
    promises_hold()


def test_a_withheld_clip_never_comes_back(quarantined, ravi, officer) -> None:
    stopping.decide(quarantined.pk, decision="withhold", by=officer, reason="a bathroom", at=database_now())
    assert Clip.objects.get(pk=quarantined.clip_id).state == ClipState.WITHHELD
    assert stopping.put_back(at=database_now()) == 0
    with pytest.raises(CaseDecided):
        stopping.decide(quarantined.pk, decision="show", by=officer, reason="changed my mind", at=database_now())
    assert spreading.spread(at=database_now()) == 0


def test_withholding_a_clip_that_is_still_in_the_queue_ends_its_leases(tasks, asha, ravi, ops) -> None:
    flag(asha, take(asha)[0], "broken")
    theirs = take(ravi)[0]
    stopping.decide(Case.objects.get().pk, decision="withhold", by=ops, reason="no pictures", at=database_now())
    assert answer(ravi, theirs).json()["code"] == "clip-quarantined"
    promises_hold()


def test_a_broken_clip_is_prepared_again_and_comes_back(tasks, asha, ravi, meera, ops) -> None:
    for person in (asha, ravi):
        flag(person, take(person)[0], "broken")
    clip = Clip.objects.get(state=ClipState.QUARANTINED)
    # These clips share one file's bytes; the original lies nowhere, so put it where preparation looks.
    from django.core.files.base import ContentFile
    from django.core.files.storage import storages

    from tests.conftest import SAMPLES

    storages[clip.storage_alias].save(
        clip.original_key, ContentFile((SAMPLES / "walkway.avi").read_bytes(), name=clip.original_key)
    )
    before = set(clip.renditions.values_list("pk", flat=True))
    stopping.decide(Case.objects.get().pk, decision="prepare_again", by=ops, reason="once more", at=database_now())
    assert preparing.prepare(clip.pk, now=database_now)
    clip.refresh_from_db()
    assert clip.state == ClipState.READY
    assert not before & set(clip.renditions.values_list("pk", flat=True))
    assert stopping.put_back(at=database_now()) == 1
    assert take(meera)[0]["clip"]["id"] == clip.pk


def test_a_clip_flagged_while_it_is_prepared_again_is_quarantined_when_it_is_done(tasks, asha, ravi, ops) -> None:
    leases = [take(person)[0] for person in (asha, ravi)]
    for person, lease in zip((asha, ravi), leases, strict=True):
        flag(person, lease, "broken")
    clip = Clip.objects.get(state=ClipState.QUARANTINED)
    stopping.decide(Case.objects.get().pk, decision="prepare_again", by=ops, reason="once more", at=database_now())
    held = preparing.claim(clip.pk, at=database_now())
    assert held is not None
    flag(asha, leases[0], "sensitive")
    nothing = Renditions(made=(), frames=None, sound=None, picture_print=b"", sound_print=b"")
    preparing.finish(held, nothing, {}, at=database_now())
    assert Clip.objects.get(pk=clip.pk).state == ClipState.QUARANTINED
    assert stopping.put_back(at=database_now()) == 0


def test_who_may_decide_what(quarantined, ops, officer, asha) -> None:
    def decide(user, decision: str, reason: str = "looked at it", case: int | None = None):
        body = {"decision": decision, "reason": reason}
        return signed_in(user).post(f"/api/v1/ops/cases/{case or quarantined.pk}/decision", body)

    # Nor is who is not cleared told that there is such a case.
    assert decide(ops, "show").json()["code"] == "not-found"
    assert decide(asha.user, "show").status_code == 403
    assert decide(officer, "handled").json()["code"] == "decision-does-not-fit"
    assert decide(officer, "show", reason=" x ").json()["code"] == "reason-required"
    assert decide(officer, "show", case=987654).status_code == 404
    listed = signed_in(officer).get("/api/v1/ops/cases").json()["cases"]
    assert [row["id"] for row in listed] == [quarantined.pk]
    assert decide(officer, "show").json()["decision"] == "show"
    assert decide(officer, "show").json()["code"] == "case-decided"
    assert signed_in(officer).get("/api/v1/ops/cases").json()["cases"] == []


def test_verbs_refuse_to_run_in_half(quarantined, officer) -> None:
    with pytest.raises(DecisionDoesNotFit):
        stopping.decide(quarantined.pk, decision="prepare_again", by=officer, reason="try", at=database_now())
    with pytest.raises(NotForYou):
        stopping.decide(quarantined.pk, decision="show", by=make_user("clerk"), reason="try", at=database_now())


def test_a_withdrawn_consent_ends_leases_and_keeps_nothing_late(tasks, asha, ravi, ops, gateway) -> None:
    lease = take(asha)[0]
    assert (
        withdrawing.withdraw(lease["clip"]["id"], by=ops, reason="the owner asked", at=database_now()).leases_ended == 1
    )
    reply = answer(asha, lease)
    assert (reply.status_code, reply.json()["code"]) == (410, "consent-withdrawn")
    assert not LateAnswer.objects.exists()
    assert lease["task"]["id"] not in {row["task"]["id"] for row in take(ravi, 10)}
    assert Clip.objects.get(pk=lease["clip"]["id"]).state == ClipState.WITHHELD
    promises_hold()


def test_a_task_made_while_its_clip_was_flagged_is_stopped_by_the_sweep(tasks, asha, ravi) -> None:
    lease = take(asha)[0]
    flag(asha, lease, "sensitive")
    Task.objects.filter(pk=lease["task"]["id"]).update(state=TaskState.OPEN)
    assert stopping.stop_unseen(at=database_now()) == 1
    assert Task.objects.get(pk=lease["task"]["id"]).state == TaskState.STOPPED


def test_a_lapsed_lease_can_be_flagged_and_is_not_answered_late(tasks, asha, ravi) -> None:
    Project.objects.update(grace_seconds=600)
    lease = take(asha)[0]
    past = database_now() - timedelta(minutes=1)
    Lease.objects.filter(pk=lease["id"]).update(granted_at=past - timedelta(minutes=9), expires_at=past)
    leasing.sweep_lapsed(at=database_now())
    assert flag(asha, lease, "sensitive").status_code == 201
    reply = answer(asha, lease)
    assert reply.status_code == 410
    assert Task.objects.get(pk=lease["task"]["id"]).answers == 0
    # Its grant was moved into the past, which may be another day.
    promises_hold(but="lease-on-its-day")


def test_refusals_name_how_a_lease_ended() -> None:
    assert leasing.why_over(Lease(state="flagged")).code == LeaseFlagged.code
    assert leasing.why_over(Lease(state="recalled", recall_reason="quarantined")).code == ClipQuarantined.code
    assert leasing.why_over(Lease(state="recalled", recall_reason="withdrawn")).code == ConsentWithdrawn.code
    assert leasing.why_over(Lease(state="recalled", recall_reason="ops")).code == "lease-recalled"


def test_overdue_cases_are_found_and_said(quarantined, ops, officer, client, caplog) -> None:
    assert not cases.overdue(at=database_now()).exists()
    assert cases.overdue(at=database_now() + timedelta(days=2)).get() == quarantined
    remind_of_cases()
    assert not caplog.records
    Case.objects.update(due_at=database_now() - timedelta(minutes=1))
    remind_of_cases()
    assert "1 cases are late" in caplog.text
    client.force_login(officer)
    assert "Open cases, 1 late" in client.get("/admin/").content.decode()
    # Figures tell no more than the lists do.
    client.force_login(ops)
    assert "Open cases, 1 late" not in client.get("/admin/").content.decode()


def test_bad_flags_are_refused_with_a_code(tasks, asha) -> None:
    lease = take(asha)[0]
    for body in (
        {"kind": "sensitive"},
        {"token": lease["token"]},
        {"token": lease["token"], "kind": "boring"},
        {"token": lease["token"], "kind": "sensitive", "note": "x" * 301},
        {"token": lease["token"], "kind": "sensitive", "extra": 1},
        {"token": lease["token"], "kind": ["sensitive"]},
    ):
        reply = signed_in(asha.user).post(f"/api/v1/leases/{lease['id']}/flag", body)
        assert (reply.status_code, reply.json()["code"]) == (400, "invalid"), body
    assert not Flag.objects.exists()
    with pytest.raises(Refusal):
        submitting.submit(asha.user_id, 987654, token=lease["token"], answer={})


def test_an_owners_withdrawal_is_carried_out_in_the_admin(tasks, asha, officer, ops, client) -> None:
    lease = take(asha)[0]
    consent = ConsentEvent.objects.get(clip=lease["clip"]["id"])
    body = {"action": "withdraw", "_selected_action": [consent.pk], "confirmed": "yes", "reason": "asked by letter"}
    client.force_login(ops)
    client.post("/admin/clips/consentevent/", body)
    assert ConsentEvent.objects.filter(clip=lease["clip"]["id"]).count() == 1
    client.force_login(officer)
    assert "1 consent event withdrawn" in client.post("/admin/clips/consentevent/", body, follow=True).content.decode()
    assert "1 were so already" in client.post("/admin/clips/consentevent/", body, follow=True).content.decode()
    assert answer(asha, lease).json()["code"] == "consent-withdrawn"
    promises_hold()


def test_whoever_recorded_a_consent_withdraws_it_by_one_call(tasks, asha, gateway, officer, roles) -> None:
    lease = take(asha)[0]
    sealed = lease["media"]["proxy"].rpartition("/")[2]
    camera = signed_in(gateway)
    consent = camera.get(f"/api/v1/clips/{lease['clip']['id']}").json()["consents"][0]
    url = f"/api/v1/consents/{consent['id']}/withdraw"
    assert signed_in(make_user("other-camera", "camera gateway")).post(url, {}).status_code == 404
    assert camera.post(url, {"reason": "x"}).json()["code"] == "invalid"
    first, second = camera.post(url, {}), signed_in(officer).post(url, {"reason": "asked by letter"})
    assert (first.status_code, first.json()["leases_ended"]) == (200, 1)
    assert (second.status_code, second.json()["leases_ended"]) == (200, 0)
    assert first.json()["withdrawn_at"] == second.json()["withdrawn_at"]
    assert answer(asha, lease).json()["code"] == "consent-withdrawn"
    with pytest.raises(MediaLinkOver):
        links.open_link(sealed, asking=asking_as(asha), at=database_now())
    shown = camera.get(f"/api/v1/clips/{lease['clip']['id']}").json()
    assert (shown["state"], shown["consents"][0]["withdrawn_at"] is None) == ("withheld", False)
    assert changes.latest(kind="clip")[0].why == "the owner asked"
    promises_hold()


def test_nothing_is_left_to_decide_of_a_clip_whose_owner_withdrew(quarantined, asha, officer) -> None:
    emergency = cases.open_case(quarantined.clip_id, kind=CaseKind.EMERGENCY, at=database_now())
    withdrawing.withdraw(quarantined.clip_id, by=officer, reason="the owner asked", at=database_now())
    quarantined.refresh_from_db()
    emergency.refresh_from_db()
    assert (quarantined.state, quarantined.decision, quarantined.due_at) == ("decided", "handled", None)
    assert emergency.state == "open"
    with pytest.raises(CaseDecided):
        stopping.decide(quarantined.pk, decision="show", by=officer, reason="a toy", at=database_now())
    promises_hold()
