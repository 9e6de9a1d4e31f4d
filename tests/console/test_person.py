"""A person's page: what it shows to whom, and what is done from it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from annotations import leasing
from annotations.models import Lease, LeaseState
from config.clock import database_now
from tests.conftest import make_region, make_reviewer, make_team, make_user
from tests.console.axe import serious
from tests.console.test_quota_board import begun, today_of
from workforce import calendars, people, quotas, skills
from workforce.models import Absence, Reviewer, Skill

pytestmark = pytest.mark.django_db


@pytest.fixture
def ops(roles, client):
    client.force_login(make_user("ops", "ops manager", is_staff=True))
    return client


def at(person: Reviewer) -> str:
    return f"/admin/people/{person.pk}"


def test_the_page_shows_the_day_and_the_fortnight(ops, tasks, asha) -> None:
    for back, used in ((1, 90), (2, 150)):
        begun(asha, back=back, used=used)
    leasing.lease_next(asha.user_id, count=2)
    quotas.set_limit(
        160, reason="a good week", by=make_user("boss"), from_day=today_of(asha), reviewer=asha, one_day=True
    )
    reply = ops.get(at(asha))
    shown = reply.context
    assert (shown["now"].cell.limit, shown["now"].cell.held, shown["now"].cell.left) == (160, 2, 158)
    assert shown["now"].shift_minutes > 0
    assert (shown["done"], shown["allowed"], shown["begun"]) == (240, 460, 3)
    assert [day.done for day in shown["fortnight"]][-3:] == [150, 90, 0]
    assert len(shown["leases"]) == 2
    page = reply.content.decode()
    assert "a good week" in page
    assert "Too few answers lately to tell their speed." in page


def test_a_skill_that_ends_soon_is_red_before_it_is_over(ops, asha) -> None:
    now = database_now()
    skills.give(asha, "hindi", expires_at=now + timedelta(days=5))
    skills.give(asha, "glass", expires_at=now + timedelta(days=200))
    skills.give(asha, "night")
    known = ops.get(at(asha)).context["skills"]
    assert [(one.skill.name, one.soon, one.over) for one in known] == [
        ("hindi", True, False), ("glass", False, False), ("night", False, False),
    ]  # fmt: skip


def test_what_was_changed_of_a_person_is_there_with_who_and_why(ops, asha, ravi) -> None:
    boss = make_user("boss")
    people.pause(asha, by=boss, reason="a long call")
    people.pause(ravi, by=boss, reason="of somebody else")
    away = calendars.put_in(Absence(reviewer=asha, first_day=today_of(asha), last_day=today_of(asha)), by=boss)
    calendars.take_out(away, by=boss, reason="came after all", at=database_now())
    taken = skills.give(asha, "hindi", by=boss)
    skills.take_away(taken, by=boss, reason="failed the test", at=database_now())
    quotas.set_limit(90, reason="a slow start", by=boss, from_day=today_of(asha), reviewer=asha)
    whys = {change.why for change in ops.get(at(asha)).context["changes"] if change.by}
    assert whys == {"a slow start", "failed the test", "came after all", "a long call"}


def test_each_act_goes_through_its_verb_and_asks_why(ops, tasks, asha) -> None:
    def do(act: str, **fields: str):
        return ops.post(at(asha), {"act": act} | {f"{act}-{name}": value for name, value in fields.items()})

    assert "required" in do("pause", reason="").content.decode()
    assert not Reviewer.objects.get(pk=asha.pk).is_paused
    assert do("pause", reason="fire drill").status_code == 302
    assert Reviewer.objects.get(pk=asha.pk).is_paused
    assert do("resume", reason="it is over").status_code == 302
    held = leasing.lease_next(asha.user_id, count=2).lease_ids
    assert do("recall", reason="left the screen").status_code == 302
    assert {lease.state for lease in Lease.objects.filter(pk__in=held)} == {LeaseState.RECALLED}
    give = {"name": "hindi", "source": "tested", "value": "80", "reason": "passed the test"}
    assert do("give-skill", **give).status_code == 302
    skill = Skill.objects.get(reviewer=asha)
    assert (skill.name, skill.value, str(skill.author)) == ("hindi", 80, "ops")
    assert "this skill from this source" in do("give-skill", **give).content.decode()
    assert do("take-skill", skill=str(skill.pk), reason="was a mistake").status_code == 302
    skill.refresh_from_db()
    assert skill.cancelled_at is not None
    # What is not offered is not done.
    assert "not by you" in ops.post(at(asha), {"act": "resume", "resume-reason": "again"}, follow=True).content.decode()


def test_nobody_takes_a_skill_of_somebody_else_here(ops, asha, ravi) -> None:
    others = skills.give(ravi, "hindi")
    reply = ops.post(at(asha), {"act": "take-skill", "take-skill-skill": others.pk, "take-skill-reason": "mistake"})
    assert reply.status_code == 200
    assert Skill.objects.filter(cancelled_at=None).count() == 1


def test_each_role_sees_and_does_what_it_may(roles, client, asha, hyderabad) -> None:
    skills.give(asha, "hindi")
    expected = {
        "ops manager": {"pause", "recall", "give-skill", "take-skill"},
        "team lead": {"pause", "recall"},
        "quality lead": set(),
        "auditor": set(),
    }
    for role, acts in expected.items():
        client.force_login(make_user(role.replace(" ", "-"), role, is_staff=True, places=[hyderabad.region]))
        reply = client.get(at(asha))
        assert {one.act.name for one in reply.context["forms"]} == acts, role
        assert ("quotas/set" in reply.content.decode()) == (role == "ops manager")
    client.force_login(make_user("quality", "quality lead", is_staff=True))
    reply = client.get(at(asha))
    assert not [name for name in ("now", "fortnight", "limits", "skills", "speed") if name in reply.context]
    client.force_login(make_user("privacy", "privacy officer", is_staff=True))
    assert client.get(at(asha)).status_code == 404


def test_others_people_are_not_there(roles, client, asha) -> None:
    iasi = make_team("Iasi", make_region("ro", "Romania", "Europe/Bucharest"))
    far = make_reviewer("ion", iasi, country="RO")
    client.force_login(make_user("boss", "ops manager", is_staff=True, places=[asha.team.region]))
    assert client.get(at(asha)).status_code == 200
    body = {"act": "pause", "pause-reason": "because of it"}
    assert client.get(at(far)).status_code == client.post(at(far), body).status_code == 404
    assert client.get("/admin/people/987654321").status_code == 404
    assert not Reviewer.objects.get(pk=far.pk).is_paused


def test_the_page_asks_no_more_for_more_rows_and_the_list_links_to_it(ops, asha) -> None:
    boss = make_user("boss")
    asked = []
    for more in (1, 12):
        for back in range(more):
            if not asha.quota_days.filter(day=today_of(asha) - timedelta(days=back)).exists():
                begun(asha, back=back, used=10)
            quotas.set_limit(100, reason="again", by=boss, from_day=today_of(asha), reviewer=asha)
            skills.give(asha, f"skill-{more}-{back}")
            people.pause(asha, by=boss, reason="again")
            people.unpause(asha, by=boss, reason="again")
        with CaptureQueriesContext(connection) as seen:
            ops.get(at(asha))
        asked.append(len(seen))
    assert asked[0] == asked[1] <= 48, asked
    assert at(asha) in ops.get(reverse("admin:workforce_reviewer_changelist")).content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("dark", [False, True])
def test_somebody_looks_at_a_person_and_pauses_them(roles, desk, dark) -> None:
    person = make_reviewer("asha", make_team(), first_name="Asha", last_name="Rao")
    boss = make_user("boss", "ops manager", is_staff=True)
    mode = "dark" if dark else "light"
    sat = desk(boss, dark=dark)
    sat.open(at(person)).get_by_text("They began no day").wait_for()
    sat.shoot(f"person-empty-{mode}")
    for back in range(12):
        if back % 6:
            begun(person, back=back, used=150 - back * 9)
    begun(person, back=0, used=120, held=3)
    skills.give(person, "hindi", source="tested", value=87, expires_at=database_now() + timedelta(days=5), by=boss)
    skills.give(person, "glass", by=boss)
    quotas.set_limit(140, reason="back from leave", by=boss, from_day=today_of(person), reviewer=person)
    page = sat.open("/admin/quotas")
    page.get_by_role("link", name="Asha Rao", exact=True).click()
    page.get_by_role("heading", name="Quota history").wait_for()
    assert serious(page) == []
    page.locator("summary", has_text="Pause").click()
    page.get_by_label("Reason").first.fill("A fire drill")
    sat.shoot(f"person-{mode}")
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("Asha Rao is paused.").wait_for()
    assert Reviewer.objects.get().is_paused
    assert serious(page) == []
