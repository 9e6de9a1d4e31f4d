"""The admin: every table listed, states only looked at, ops managers see what is theirs."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.urls import reverse

from annotations import changes, consensus, leasing, spreading
from annotations.models import (
    ActiveClock,
    AuditRun,
    Awaited,
    Bookmark,
    BulkItem,
    BulkRun,
    Export,
    ExportLine,
    Head,
    PlanItem,
    PlanLine,
    Project,
    ReportIssue,
    ReportSubscription,
    SavedView,
    TakeKey,
    Task,
    TaskState,
)
from annotations.planning import forecasting
from clips.models import AccessStream, Clip, ClipState, Closing, Permit, Print
from config.clock import database_now
from tests.conftest import SCHEMA, make_clip, make_ready_clips, make_user, signed_in
from workforce.models import (
    CalendarVersion,
    FactorHeld,
    Reviewer,
    RoleHeld,
    SignInTries,
    StaffScope,
    WorkingHours,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def ops(roles, client):
    user = make_user("ops", "ops manager", is_staff=True)
    client.force_login(user)
    return client


def tables():
    ours = ("workforce", "clips", "annotations")
    return [model for model in admin.site._registry if model._meta.app_label in ours]


def list_of(model) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def test_every_table_is_listed() -> None:
    from django.apps import apps

    # What the queue keeps for itself; what people changed has a page of its own, as has the audit.
    inner = {
        ActiveClock,
        AccessStream,
        AuditRun,
        Awaited,
        Bookmark,
        Closing,
        ExportLine,
        Permit,
        PlanItem,
        PlanLine,
        Head,
        Print,
        TakeKey,
        SignInTries,
        CalendarVersion,
        WorkingHours,
    }
    # These have pages of the console.
    inner |= {BulkItem, BulkRun, SavedView}
    # Roles and scopes are rows of the page of staff.
    inner |= {FactorHeld, RoleHeld, StaffScope}
    # A person's own, on the page of reports.
    inner |= {ReportIssue, ReportSubscription}
    for room in ("workforce", "clips", "annotations"):
        shown = {model for model in apps.get_app_config(room).get_models() if not hasattr(model, "pgh_tracked_model")}
        for model in shown - inner:
            assert model in admin.site._registry, model


def test_every_list_opens_empty_and_filled_searched_and_filtered(ops, gateway, tasks, asha) -> None:
    work = signed_in(asha.user)
    lease = work.post("/api/v1/leases", {}).json()["leases"][0]
    work.post(f"/api/v1/leases/{lease['id']}/annotation", {"token": lease["token"], "answer": {"label": "threat"}})
    for model in tables():
        url = list_of(model)
        assert ops.get(url).status_code == 200, url
        assert ops.get(url, {"q": "1"}).status_code == 200, url
        assert ops.get(url, {"q": "no such thing"}).status_code == 200, url
        row = model.objects.first()
        if row is not None:
            name = f"admin:{model._meta.app_label}_{model._meta.model_name}_change"
            page = ops.get(reverse(name, args=[row.pk]))
            assert page.status_code == 200, name
            assert lease["token"] not in page.content.decode()


def test_home_shows_the_day(ops, gateway, tasks, asha, django_assert_max_num_queries) -> None:
    make_clip(gateway)
    work = signed_in(asha.user)
    lease = work.post("/api/v1/leases", {"count": 2}).json()["leases"][0]
    work.post(f"/api/v1/leases/{lease['id']}/annotation", {"token": lease["token"], "answer": {"label": "threat"}})
    with django_assert_max_num_queries(12):
        page = ops.get(reverse("admin:index"))
    cards = {card.title: card.value for card in page.context["cards"]}
    assert (cards["Ready"], cards["Uploaded"], cards["Failed"]) == ("3", "1", "0")
    row = page.context["places"][0].teams[0]
    assert (row.name, row.open, row.held, row.used, row.allowed) == ("Hyderabad", 3, 1, 1, 450)
    assert page.context["hours"].figures[0][1] == ("0",) * 23 + ("1",)
    assert "1 / 450" in page.content.decode()


def test_states_and_tokens_cannot_be_edited(ops, tasks) -> None:
    for row in (Clip.objects.get(pk=tasks[0].clip_id), tasks[0]):
        model = type(row)
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk])
        assert ops.post(url, {"state": "settled"}).status_code == 403
        assert ops.post(url.replace("change", "delete")).status_code in {403, 404}


def test_failed_clips_are_tried_again_by_an_action(ops, gateway) -> None:
    failed, fine = make_clip(gateway), make_clip(gateway)
    Clip.objects.filter(pk=failed.pk).update(state=ClipState.FAILED, failure="broken", due_at=None, attempts=3)
    body = {"action": "retry", "_selected_action": [failed.pk, fine.pk]}
    page = ops.post(list_of(Clip), body | {"confirmed": "yes", "reason": "the disk is back"}, follow=True)
    assert "1 clip will be tried again" in page.content.decode()
    assert "1 were so already" in page.content.decode()
    assert changes.latest(kind="clip", number=failed.pk)[0].why == "the disk is back"
    failed.refresh_from_db()
    assert (failed.state, failed.attempts_allowed) == (ClipState.UPLOADED, 6)


def test_disputed_tasks_are_given_one_more_seat_by_an_action(ops, tasks, asha, ravi) -> None:
    Project.objects.update(most_seats=2)
    for person, label in ((asha, "threat"), (ravi, "unsure")):
        work = signed_in(person.user)
        lease = work.post("/api/v1/leases", {}).json()["leases"][0]
        work.post(f"/api/v1/leases/{lease['id']}/annotation", {"token": lease["token"], "answer": {"label": label}})
    consensus.settle(tasks[0].pk, at=database_now())
    assert Task.objects.get(pk=tasks[0].pk).state == TaskState.DISPUTED
    body = {"action": "requeue", "_selected_action": [tasks[0].pk, tasks[1].pk]}
    page = ops.post(list_of(Task), body | {"confirmed": "yes", "reason": "one more look"}, follow=True)
    assert "1 task re-queued" in page.content.decode()
    assert Task.objects.get(pk=tasks[0].pk).seats_left == 1


def test_an_export_is_asked_for_by_an_action(ops, tasks) -> None:
    body = {"action": "export_labels", "_selected_action": [tasks[0].project_id]}
    page = ops.post(list_of(Project), body, follow=True)
    assert "is being written" in page.content.decode()
    assert Export.objects.get().requested_by.username == "ops"


def test_a_project_is_made_and_its_schema_is_fixed_once_it_has_tasks(ops, tasks) -> None:
    import json

    form = {
        "name": "Glass", "slug": "glass",
        "clip_kind": "video", "purpose": "human_review", "is_active": "on", "label_schema": json.dumps(SCHEMA),
        "overlap": 2, "most_seats": 5, "due_hours": 24, "priority": 0, "prefetch": 3,
        "lease_most_seconds": 3600, "grace_seconds": 120, "amend_minutes": 15, "faces": "blurred",
        "asks_language": "heard",
    }  # fmt: skip
    assert ops.post(reverse("admin:annotations_project_add"), form).status_code == 302
    glass = Project.objects.get(slug="glass")
    change = reverse("admin:annotations_project_change", args=[glass.pk])
    other = SCHEMA | {"question": "Was glass broken?"}
    assert ops.post(change, form | {"label_schema": json.dumps(other)}).status_code == 302
    glass.refresh_from_db()
    assert (glass.schema_version, glass.label_schema["question"]) == (2, "Was glass broken?")
    bad = ops.post(change, form | {"label_schema": json.dumps({"labels": []})})
    assert bad.status_code == 200
    assert "question is the text" in bad.content.decode()
    busy = tasks[0].project
    form |= {"name": busy.name, "slug": busy.slug, "label_schema": json.dumps(other)}
    refused = ops.post(reverse("admin:annotations_project_change", args=[busy.pk]), form)
    assert refused.status_code == 200
    assert "Ask something new in a new project" in refused.content.decode()


def test_a_region_without_storage_and_a_zone_that_does_not_exist_are_refused_in_words(ops, hyderabad) -> None:
    form = {"region": hyderabad.region_id, "name": "Pune", "time_zone": "Asia/Atlantis", "weight": 1}
    page = ops.post(reverse("admin:workforce_team_add"), form)
    assert "is not a time zone" in page.content.decode()


def test_an_edit_writes_only_what_was_edited(ops, asha) -> None:
    change = reverse("admin:workforce_reviewer_change", args=[asha.pk])
    form = {"team": asha.team_id, "country": "IN", "time_zone": "Asia/Kolkata", "clearance": 1, "is_active": "on"}
    assert ops.post(change, form).status_code == 302
    assert Reviewer.objects.get(pk=asha.pk).clearance == 1


def test_reviewers_and_machines_cannot_sign_in_to_the_admin(client, asha, gateway) -> None:
    for user in (asha.user, gateway):
        client.force_login(user)
        reply = client.get(reverse("admin:index"))
        assert reply.status_code == 302
        assert "login" in reply["Location"]


@pytest.mark.parametrize("query", ["state__exact=%00", "q=%00", "q=a%00b"])
def test_nul_in_a_query_is_refused(ops, query) -> None:
    for model in (Clip, Task, Project):
        assert ops.get(f"{list_of(model)}?{query}").status_code == 400


def test_actions_refuse_what_are_no_rows(ops, tasks) -> None:
    for rows in (["x"], ["1; DROP TABLE"], ["\0"]):
        assert ops.post(list_of(Clip), {"action": "retry", "_selected_action": rows}).status_code == 400


@pytest.mark.parametrize(
    "schema", ['{"question": "a\\u0000b"}', '{"question": "\\ud800"}', "[" * 2000 + "]" * 2000, "{"]
)
def test_a_schema_that_cannot_be_stored_is_refused_in_words(ops, roles, schema) -> None:
    form = {"name": "X", "slug": "x", "label_schema": schema, "overlap": 1, "most_seats": 1}
    assert ops.post(reverse("admin:annotations_project_add"), form).status_code == 200
    assert not Project.objects.exists()


def test_lists_ask_no_more_for_more_rows(ops, gateway, tasks, asha, ravi, django_assert_max_num_queries) -> None:
    make_ready_clips(gateway, 20)
    spreading.spread(at=database_now())
    for person in (asha, ravi):
        leasing.lease_next(person.user_id, count=10)
    forecasting.forecasts(at=database_now())
    for model in tables():
        with django_assert_max_num_queries(16):
            assert ops.get(list_of(model)).status_code == 200


def test_a_team_keeps_its_region_and_its_zone(ops, hyderabad) -> None:
    change = reverse("admin:workforce_team_change", args=[hyderabad.pk])
    form = {"name": "Hyderabad", "weight": 2, "exposure_minutes": 60, "region": 999, "time_zone": "Pacific/Kiritimati"}
    assert ops.post(change, form).status_code == 302
    hyderabad.refresh_from_db()
    assert (hyderabad.weight, hyderabad.region.code, hyderabad.time_zone) == (2, "in", "Asia/Kolkata")


@pytest.mark.parametrize("role", ["ops manager", "privacy officer"])
def test_the_menu_leads_nowhere_that_is_closed(roles, client, role) -> None:
    """Every line of the menu opens for whoever is shown it."""
    client.force_login(make_user("somebody", role, is_staff=True))
    page = client.get(reverse("admin:index")).content.decode()
    links = {
        link for link in re.findall(r'href="(/admin/[^"?#]*)"', page) if "logout" not in link and "password" not in link
    }
    assert {reverse("admin:clips_case_changelist"), reverse("admin:clips_accessentry_changelist")} <= links
    for link in links:
        assert client.get(link).status_code == 200, link
