"""Roles and scopes: who gives what to whom, where, and that all of it is written down."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from annotations import changes, exporting, leasing, spreading
from annotations.models import Project, Task
from clips.models import AccessEntry, Clip, ClipState
from config.clock import database_now
from config.history import ReasonMissing
from config.roles import ROLES
from config.scope import EVERYWHERE, NOWHERE, Scope, every_page_has_a_rule, scope_of, seen, seen_of
from tests.conftest import make_project, make_ready_clips, make_region, make_reviewer, make_team, make_user, signed_in
from tests.test_flagging import flag, take
from workforce import staffing
from workforce.errors import MoreThanYouHave, NoPlaceYet, NotForStaff, NotToYourself, StandsAlone
from workforce.models import Region, StaffScope, Team

pytestmark = pytest.mark.django_db

WHY = "new in the team"


def fresh(user: User) -> User:
    """The user as a new request reads them."""
    return User.objects.get(pk=user.pk)


@pytest.fixture
def india(roles) -> Region:
    return make_region()


@pytest.fixture
def romania(roles) -> Region:
    return make_region("ro", "Romania", "Europe/Bucharest")


@pytest.fixture
def boss(india) -> User:
    return make_user("boss", "ops manager", is_staff=True, places=[india])


@pytest.fixture
def newcomer(roles) -> User:
    return make_user("newcomer")


def test_a_new_sign_in_is_given_a_place_and_then_a_role_and_opens_the_admin(india, boss, newcomer, client) -> None:
    place = staffing.Place(region=india)
    with pytest.raises(NoPlaceYet):
        staffing.give_role(newcomer, "team lead", by=boss, reason=WHY)
    assert staffing.give_scope(newcomer, place, by=boss, reason=WHY)
    assert not staffing.give_scope(newcomer, place, by=boss, reason=WHY)
    assert not fresh(newcomer).is_staff
    assert staffing.give_role(newcomer, "team lead", by=boss, reason=WHY)
    assert not staffing.give_role(newcomer, "team lead", by=boss, reason=WHY)
    client.force_login(fresh(newcomer))
    assert client.get(reverse("admin:annotations_task_changelist")).status_code == 200
    assert staffing.take_role(newcomer, "team lead", by=boss, reason="has left")
    assert not staffing.take_role(newcomer, "team lead", by=boss, reason="has left")
    assert client.get(reverse("admin:annotations_task_changelist")).status_code == 302
    assert staffing.take_scope(newcomer, place, by=boss, reason="has left")
    assert not staffing.take_scope(newcomer, place, by=boss, reason="has left")


def test_what_is_given_and_taken_is_written_down_with_who_and_why(india, boss, newcomer) -> None:
    staffing.give_scope(newcomer, staffing.Place(region=india), by=boss, reason="the new lead")
    staffing.give_role(newcomer, "team lead", by=boss, reason="the new lead")
    staffing.take_role(newcomer, "team lead", by=boss, reason="the old lead is back")
    made = changes.latest(kind="role", number=newcomer.pk)
    assert [(row.verb, row.by, row.why) for row in made] == [
        ("take role", "boss", "the old lead is back"),
        ("give role", "boss", "the new lead"),
        ("give scope", "boss", "the new lead"),
    ]
    assert made[0].fields == {"role": ("team lead", "-")}
    assert made[2].fields == {"scope": (None, "India")}
    with pytest.raises(ReasonMissing):
        staffing.give_role(newcomer, "team lead", by=boss, reason=" x ")


def test_nobody_raises_themselves(india, boss) -> None:
    for role_verb in (staffing.give_role, staffing.take_role):
        with pytest.raises(NotToYourself):
            role_verb(boss, "team lead", by=boss, reason=WHY)
    for scope_verb in (staffing.give_scope, staffing.take_scope):
        with pytest.raises(NotToYourself):
            scope_verb(boss, staffing.EVERYWHERE, by=boss, reason=WHY)
    root = make_user("root", is_staff=True, is_superuser=True)
    with pytest.raises(NotToYourself):
        staffing.give_role(root, "ops manager", by=root, reason=WHY)


def test_nobody_gives_more_than_they_have(india, romania, boss, newcomer) -> None:
    staffing.give_scope(newcomer, staffing.Place(region=india), by=boss, reason=WHY)
    for role in ("privacy officer", "auditor", "camera gateway"):
        with pytest.raises(MoreThanYouHave):
            staffing.give_role(newcomer, role, by=boss, reason=WHY)
    bucharest = make_team("Bucharest", romania)
    for place in (staffing.EVERYWHERE, staffing.Place(region=romania), staffing.Place(team=bucharest)):
        with pytest.raises(MoreThanYouHave):
            staffing.give_scope(newcomer, place, by=boss, reason=WHY)
    # Nor more reach to somebody whose role they do not have.
    officer = make_user("officer", "privacy officer", is_staff=True, places=[make_team("Chennai", india)])
    with pytest.raises(MoreThanYouHave):
        staffing.give_scope(officer, staffing.Place(region=india), by=boss, reason=WHY)


def test_whom_one_may_not_find_one_gives_nothing(romania, boss, asha) -> None:
    stranger = make_user("stranger", "team lead", is_staff=True, places=[romania])
    both = make_user("both", "team lead", is_staff=True, places=[romania, make_region()])
    root = make_user("root", is_staff=True, is_superuser=True)
    for who in (stranger, both, root):
        with pytest.raises(staffing.NotFound):
            staffing.give_role(who, "team lead", by=boss, reason=WHY)
    with pytest.raises(NotForStaff):
        staffing.give_role(asha.user, "team lead", by=boss, reason=WHY)
    lead = make_user("lead", "team lead", is_staff=True, places=[make_region()])
    with pytest.raises(staffing.NotFound):
        staffing.take_role(boss, "ops manager", by=lead, reason=WHY)


def test_an_auditor_has_no_other_role(newcomer) -> None:
    root = make_user("root", is_staff=True, is_superuser=True)
    staffing.give_scope(newcomer, staffing.EVERYWHERE, by=root, reason=WHY)
    staffing.give_role(newcomer, "auditor", by=root, reason=WHY)
    with pytest.raises(StandsAlone):
        staffing.give_role(newcomer, "ops manager", by=root, reason=WHY)
    staffing.take_role(newcomer, "auditor", by=root, reason=WHY)
    staffing.give_role(newcomer, "ops manager", by=root, reason=WHY)
    with pytest.raises(StandsAlone):
        staffing.give_role(newcomer, "auditor", by=root, reason=WHY)


def test_no_permission_of_an_auditor_shows_footage_or_changes_anything() -> None:
    assert {"clips.watch_clip", "clips.decide_sensitive"}.isdisjoint(ROLES["auditor"])
    for name in ROLES["auditor"]:
        assert name.partition(".")[2].startswith("view_") or name in {"clips.list_sensitive", "clips.report_sights"}


def test_an_auditor_reads_of_quarantined_clips_and_is_shown_none(gateway, client, india) -> None:
    clip = make_ready_clips(gateway, 1)[0]
    Clip.objects.filter(pk=clip.pk).update(state=ClipState.QUARANTINED, due_at=database_now())
    client.force_login(make_user("auditor", "auditor", is_staff=True))
    assert client.get(reverse("admin:clips_clip_change", args=[clip.pk])).status_code == 200
    form = {"clip": clip.pk, "purpose": "erasure", "reason": "to audit", "minutes": 5}
    client.post(reverse("open-viewing"), form)
    assert client.get(reverse("footage", args=[clip.pk, "proxy"])).status_code == 404
    assert not AccessEntry.objects.filter(outcome="granted").exists()


def test_footage_of_another_region_is_not_there(gateway, client, india, romania) -> None:
    clip = make_ready_clips(gateway, 1, region="ro")[0]
    officer = make_user("officer", "privacy officer", is_staff=True, places=[india])
    client.force_login(officer)
    form = {"clip": clip.pk, "purpose": "erasure", "reason": "to look", "minutes": 5}
    client.post(reverse("open-viewing"), form)
    assert not clip.viewings.exists()
    assert client.get(reverse("footage", args=[clip.pk, "proxy"])).status_code == 404
    # The control: with the place it is.
    staffing.begin_scope(officer, staffing.Place(region=romania))
    client.post(reverse("open-viewing"), form)
    shown = client.get(reverse("footage", args=[clip.pk, "proxy"]))
    assert shown.status_code == 200
    assert b"".join(shown.streaming_content)


def test_the_page_of_staff_gives_and_takes_with_a_reason(india, boss, newcomer, client) -> None:
    client.force_login(boss)
    url = reverse("admin:workforce_staff_changelist")
    act = {"_selected_action": [newcomer.pk], "confirmed": "yes", "reason": WHY}
    asked = client.post(url, {"action": "give_role", "_selected_action": [newcomer.pk]}).content.decode()
    assert "team lead" in asked
    assert "privacy officer" not in asked
    client.post(url, act | {"action": "give_scope", "place": f"region {india.pk}"})
    client.post(url, act | {"action": "give_role", "role": "privacy officer"})
    client.post(url, act | {"action": "give_role", "role": "team lead"})
    assert [group.name for group in fresh(newcomer).groups.all()] == ["team lead"]
    page = client.get(url).content.decode()
    assert "newcomer" in page
    assert "region India" in page
    client.post(url, act | {"action": "take_role", "role": "team lead", "reason": ""})
    assert fresh(newcomer).groups.exists()
    client.post(url, act | {"action": "take_role", "role": "team lead"})
    client.post(url, act | {"action": "take_scope", "place": f"region {india.pk}"})
    assert not fresh(newcomer).groups.exists()
    assert not StaffScope.objects.filter(user=newcomer).exists()


def test_sign_ins_and_groups_are_for_administrators(boss, client) -> None:
    boss.user_permissions.set(Group.objects.get(name="ops manager").permissions.model.objects.all())
    client.force_login(boss)
    for page in ("auth_user", "auth_group"):
        assert client.get(reverse(f"admin:{page}_changelist")).status_code == 403
    change = reverse("admin:auth_user_change", args=[boss.pk])
    assert client.post(change, {"is_superuser": "on"}).status_code == 403
    assert not fresh(boss).is_superuser


def test_a_team_lead_pauses_their_people_and_says_nothing_else_of_them(india, client) -> None:
    team = make_team()
    asha, other = make_reviewer("asha", team), make_reviewer("arjun", make_team("Chennai", india))
    client.force_login(make_user("lead", "team lead", is_staff=True, places=[team]))
    change = reverse("admin:workforce_reviewer_change", args=[asha.pk])
    client.post(change, {"clearance": "1", "country": "RO", "time_zone": "UTC", "skills": "all"})
    asha.refresh_from_db()
    assert (asha.clearance, asha.country, asha.skills) == (0, "IN", [])
    act = {"action": "pause", "confirmed": "yes", "reason": "a break", "_selected_action": [asha.pk, other.pk]}
    client.post(reverse("admin:workforce_reviewer_changelist"), act)
    asha.refresh_from_db()
    other.refresh_from_db()
    assert (asha.is_paused, other.is_paused) == (True, False)


def test_a_project_of_several_regions_is_changed_by_who_has_them_all(gateway, india, romania, boss, client) -> None:
    project = make_project(make_team("Hyderabad", india), make_team("Bucharest", romania))
    api = signed_in(boss)
    refused = api.post(f"/api/v1/ops/projects/{project.pk}/pause", {"reason": "a holiday"})
    assert (refused.status_code, refused.json()["code"]) == (403, "beyond-your-scope")
    client.force_login(boss)
    page = client.get(reverse("admin:annotations_project_change", args=[project.pk])).content.decode()
    assert "Hyderabad" in page
    assert "Bucharest" not in page
    assert client.post(reverse("admin:annotations_project_change", args=[project.pk]), {}).status_code == 403
    staffing.begin_scope(boss, staffing.Place(region=romania))
    assert api.post(f"/api/v1/ops/projects/{project.pk}/pause", {"reason": "a holiday"}).status_code == 200


def test_an_export_holds_the_clips_of_the_regions_of_whoever_asks(gateway, india, romania, boss) -> None:
    teams = [make_team("Hyderabad", india), make_team("Bucharest", romania)]
    project = make_project(*teams, overlap=1)
    people = [make_reviewer("asha", teams[0]), make_reviewer("ioana", teams[1], country="RO")]
    for region, person in zip(("in", "ro"), people, strict=True):
        make_ready_clips(gateway, 1, region=region)
        spreading.spread(at=database_now())
        client = signed_in(person.user)
        lease = client.post("/api/v1/leases", {}).json()["leases"][0]
        answer = {"token": lease["token"], "answer": {"label": "threat"}}
        assert client.post(f"/api/v1/leases/{lease['id']}/annotation", answer).status_code == 201
    Task.objects.update(state="settled", label="threat", due_at=None)
    asked = signed_in(boss).post("/api/v1/exports", {"project": project.slug}).json()["id"]
    every = exporting.request_export(project, by=gateway, at=database_now())
    here = list(exporting.lines(project, regions=["in"]))
    assert [line["clip"]["region"] for line, _ in here] == ["in"]
    assert len(list(exporting.lines(project))) == 2
    assert signed_in(boss).get(f"/api/v1/exports/{asked}").status_code == 200
    assert signed_in(boss).get(f"/api/v1/exports/{every.pk}").status_code == 404


def test_what_is_for_everybody_is_set_by_who_has_everybody(boss, india) -> None:
    api = signed_in(boss)
    limit = {"value": 5, "from_day": "2026-11-23", "reason": "a slow day"}
    assert api.post("/api/v1/ops/limits", limit).json()["code"] == "beyond-your-scope"
    assert api.post("/api/v1/ops/limits", limit | {"region": "in"}).status_code == 201


def test_whoever_is_given_nothing_finds_nothing_and_administrators_everything(india) -> None:
    make_team()
    nobody = make_user("nobody", "ops manager", is_staff=True, places=[])
    root = make_user("root", is_superuser=True, is_staff=True)
    assert (scope_of(nobody), scope_of(root)) == (NOWHERE, EVERYWHERE)
    assert not seen(nobody, Team.objects.all()).exists()
    assert seen(root, Team.objects.all()).exists()
    root.is_active = False
    assert scope_of(root) == NOWHERE


def test_a_table_without_a_rule_is_found_by_nobody_and_stops_the_process(monkeypatch) -> None:
    from config import scope

    root = make_user("root", is_superuser=True, is_staff=True)
    assert every_page_has_a_rule() == []
    monkeypatch.setattr(scope, "_rules", {})
    assert every_page_has_a_rule()
    assert seen_of(root, Project) == Q(pk__in=[])


@given(regions=st.sets(st.sampled_from(["in", "ro", "br"])), teams=st.sets(st.integers(1, 9)))
def test_a_scope_covers_what_it_names_and_nothing_else(regions: set[str], teams: set[int]) -> None:
    scope = Scope(regions=frozenset(regions), teams=frozenset(teams))
    for code in ("in", "ro", "br", ""):
        assert scope.covers(code) == (code in regions)
        assert EVERYWHERE.covers(code)
    assert scope.of("team") == Q(team__in=sorted(teams))
    assert EVERYWHERE.of("team") == EVERYWHERE.at("region") == Q()


def race(guarded: bool, boss: User, newcomer: User, monkeypatch: Any) -> bool:
    """The boss gives the role while their own is being taken; whether the newcomer has it although the boss did not."""
    root = User.objects.get(username="root")
    if not guarded:
        monkeypatch.setattr(type(User.objects), "select_for_update", lambda self, *a, **k: self.all())
    taken, go_on = threading.Event(), threading.Event()

    def take() -> None:
        try:
            with transaction.atomic():
                staffing.take_role(boss, "ops manager", by=root, reason="has left")
                taken.set()
                go_on.wait(2)
        finally:
            connection.close()

    thread = threading.Thread(target=take)
    thread.start()
    assert taken.wait(10)
    threading.Timer(0.5, go_on.set).start()
    try:
        staffing.give_role(newcomer, "team lead", by=boss, reason=WHY)
        committed_first = not go_on.is_set()
    except (MoreThanYouHave, staffing.NotFound):
        committed_first = False
    go_on.set()
    thread.join(10)
    monkeypatch.undo()
    return committed_first and fresh(newcomer).groups.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("guarded", [False, True])
def test_what_is_being_taken_from_somebody_they_cannot_give_meanwhile(roles, guarded, monkeypatch) -> None:
    """The first run is the control: without the locks the boss gives what is not theirs any more."""
    make_user("root", is_staff=True, is_superuser=True)
    boss = make_user("boss", "ops manager", is_staff=True)
    newcomer = make_user("newcomer")
    assert race(guarded, boss, newcomer, monkeypatch) is not guarded


def test_what_is_quarantined_is_in_no_list_of_work_and_in_no_change_for_others(tasks, asha, gateway, client) -> None:
    lease = take(asha)[0]
    lists = [reverse(f"admin:annotations_{name}_changelist") for name in ("task", "lease", "flag")]
    lists += [reverse("admin:clips_consentevent_changelist"), reverse("admin:clips_rendition_changelist")]
    ops = make_user("ops", "ops manager", is_staff=True)
    client.force_login(ops)

    def found() -> list[int]:
        return [client.get(url).context["cl"].result_count for url in lists]

    before = found()
    flag(asha, lease, "sensitive")
    after = found()
    kinds = len(Clip.objects.get(pk=lease["clip"]["id"]).renditions.all())
    assert after == [before[0] - 1, before[1] - 1, before[2], before[3] - 1, before[4] - kinds]
    clip = lease["clip"]["id"]
    assert changes.latest(kind="clip", number=clip)
    for kind, number in (("clip", clip), ("task", lease["task"]["id"]), ("lease", lease["id"])):
        assert changes.latest(kind=kind, number=number, to=fresh(ops)) == []
    client.force_login(make_user("officer", "privacy officer", is_staff=True))
    assert client.get(lists[2]).context["cl"].result_count == 1


def test_lists_of_one_region_ask_no_more_for_more_rows(gateway, boss, hyderabad, asha, ravi, client) -> None:
    make_project(hyderabad, prefetch=20)
    client.force_login(boss)

    def asked() -> dict[str, int]:
        counts = {}
        for model in admin.site._registry:
            url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
            with CaptureQueriesContext(connection) as queries:
                client.get(url)
            counts[url] = len(queries)
        return counts

    for count in (2, 12):
        make_ready_clips(gateway, count)
        spreading.spread(at=database_now())
        for person in (asha, ravi):
            leasing.lease_next(person.user_id, count=count)
        if count == 2:
            few = asked()
    many = asked()
    assert {url: (few[url], many[url]) for url in few if many[url] > few[url]} == {}
