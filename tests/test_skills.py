"""What the claim reads of skills always equals the rows: at each change, when time ends one, and under a race."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.clock import database_now
from tests.conftest import make_reviewer, make_team, make_user, triggers_off
from tests.racing import at_once, broken_promises
from workforce import people, skills
from workforce.admin.calendars import SkillAdmin
from workforce.models import Reviewer, Skill, SkillSource

pytestmark = pytest.mark.django_db


def held(person: Reviewer) -> list[str]:
    return Reviewer.objects.get(pk=person.pk).skills


def in_force(person: Reviewer, at: datetime) -> list[str]:
    """The same from the rows alone, by Python."""
    rows = Skill.objects.filter(reviewer=person, cancelled_at=None)
    return sorted({row.name for row in rows if row.expires_at is None or row.expires_at > at})


def test_a_skill_is_given_and_taken_away_with_a_reason(asha) -> None:
    ops, at = make_user("ops"), database_now()
    skill = skills.give(asha, "hindi", source=SkillSource.TESTED, value=87, by=ops)
    skills.give(asha, "glass")
    assert held(asha) == ["glass", "hindi"]
    assert skills.take_away(skill, by=ops, reason="failed the new test", at=at)
    assert not skills.take_away(skill, by=ops, reason="failed the new test", at=at)
    assert held(asha) == ["glass"]


def test_from_two_sources_one_is_enough(asha) -> None:
    ops = make_user("ops")
    stated = skills.give(asha, "hindi")
    skills.give(asha, "hindi", source=SkillSource.MEASURED, value=60)
    with pytest.raises(ValidationError, match="this skill from this source"):
        skills.give(asha, "hindi")
    skills.take_away(stated, by=ops, reason="measured now", at=database_now())
    assert held(asha) == ["hindi"]


def test_a_skill_ends_when_its_time_is_over(asha) -> None:
    at = database_now()
    skills.give(asha, "hindi", expires_at=at + timedelta(days=30))
    skills.give(asha, "glass")
    assert skills.expire(at=at) == 0
    assert skills.expire(at=at + timedelta(days=30)) == 1
    assert skills.expire(at=at + timedelta(days=30)) == 0
    assert held(asha) == ["glass"]


def test_a_skill_that_is_over_already_is_not_held(asha) -> None:
    skills.give(asha, "hindi", expires_at=database_now() - timedelta(seconds=1))
    assert held(asha) == []


def test_nobody_writes_the_array_beside_the_rows(asha) -> None:
    with pytest.raises(IntegrityError, match="follow the rows"), transaction.atomic():
        Reviewer.objects.filter(pk=asha.pk).update(skills=["hindi"])
    assert held(asha) == []


def test_whoever_is_taken_on_with_skills_has_rows_for_them(hyderabad) -> None:
    person = make_reviewer("lata", hyderabad, skills=["hindi", "glass", "hindi"])
    assert person.skills == held(person) == ["glass", "hindi"]
    # As a bulk insert does, which knows no verb.
    user = make_user("bulk")
    row = Reviewer(user=user, team=hyderabad, country="IN", time_zone="Asia/Kolkata", skills=["telugu", "hindi"])
    Reviewer.objects.bulk_create([row])
    assert held(row) == in_force(row, database_now()) == ["hindi", "telugu"]


steps = st.lists(
    st.tuples(
        st.sampled_from(["give", "take", "change", "delete", "expire"]),
        st.sampled_from(["hindi", "glass", "telugu"]),
        st.sampled_from(SkillSource.values),
        st.none() | st.integers(-5, 90),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_whatever_is_done_the_array_never_drifts(asha, steps) -> None:
    ops = make_user(f"ops-{database_now().timestamp()}")
    with transaction.atomic():
        for what, name, source, days in steps:
            now = database_now()
            expires_at = None if days is None else now + timedelta(days=days)
            rows = Skill.objects.filter(reviewer=asha, name=name, source=source, cancelled_at=None)
            if what == "give" and not rows.exists():
                skills.give(asha, name, source=source, expires_at=expires_at)
            elif what == "take" and rows.exists():
                skills.take_away(rows.get(), by=ops, reason="no more", at=now)
            elif what == "change":
                rows.update(expires_at=expires_at)
            elif what == "delete":
                rows.delete()
            elif what == "expire":
                later = now + timedelta(days=abs(days or 0))
                skills.expire(at=later)
                assert held(asha) == in_force(asha, later)
                skills.expire(at=now)
                # What a sweep of the future took, the next change of the row would give back: bring it up to date.
                with connection.cursor() as cursor:
                    cursor.execute("SELECT sightline_keep_skills(%s, %s)", [asha.pk, now])
            assert held(asha) == in_force(asha, database_now()), what
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_the_audit_names_a_person_whose_skills_drifted() -> None:
    person = make_reviewer("asha", make_team())
    skills.give(person, "hindi", expires_at=database_now() + timedelta(hours=1))
    assert "skills-in-force" not in broken_promises()
    with triggers_off():
        Reviewer.objects.filter(pk=person.pk).update(skills=["telugu"])
    assert "skills-in-force" in broken_promises()


def given_at_once(people_count: int) -> bool:
    """Have everybody give one person another skill at the same instant; whether the array equals the rows after it."""
    person = Reviewer.objects.get()
    at_once(people_count, lambda number: skills.give(person, f"skill-{number}"))
    return held(person) == in_force(person, database_now())


WITHOUT_LOCK = """
CREATE OR REPLACE FUNCTION sightline_keep_skills(for_reviewer bigint, at timestamptz) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE v_now varchar[];
BEGIN
    v_now := sightline_skills(for_reviewer, at);
    PERFORM pg_sleep(0.05);
    PERFORM set_config('sightline.keeps_skills', 'on', true);
    UPDATE workforce_reviewer r SET skills = v_now WHERE r.id = for_reviewer;
    RETURN true;
END
$$;
"""


@pytest.mark.django_db(transaction=True)
def test_control_without_the_persons_lock_the_array_drifts() -> None:
    make_reviewer("asha", make_team())
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('sightline_keep_skills(bigint, timestamptz)'::regprocedure)")
        kept = cursor.fetchone()[0]
        cursor.execute(WITHOUT_LOCK)
        try:
            assert not given_at_once(8)
        finally:
            cursor.execute(kept)


@pytest.mark.django_db(transaction=True)
def test_skills_given_at_once_are_all_there() -> None:
    make_reviewer("asha", make_team())
    assert given_at_once(8)
    assert people.Reviewer.objects.get().skills == [f"skill-{number}" for number in range(8)]


def same_given_at_once(person: Reviewer) -> int:
    """Eight people say the same of one person at the same instant; how many rows say so. Nobody meets another error."""

    def say(number: int) -> bool:
        try:
            skills.give(person, "hindi")
        except ValidationError:
            return False
        return True

    assert any(at_once(8, say))
    return Skill.objects.filter(reviewer=person, cancelled_at=None).count()


@pytest.mark.django_db(transaction=True)
def test_control_without_the_constraint_one_skill_is_given_several_times() -> None:
    person = make_reviewer("asha", make_team())
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'skill_once_from_one_source'")
        kept = cursor.fetchone()[0]
        cursor.execute("DROP INDEX skill_once_from_one_source")
        try:
            found = 0
            for _ in range(5):
                found = max(found, same_given_at_once(person))
                Skill.objects.all().delete()
            assert found > 1
        finally:
            Skill.objects.all().delete()
            cursor.execute(kept)


@pytest.mark.django_db(transaction=True)
def test_of_those_who_give_one_skill_at_once_one_does_and_the_others_are_told_in_words() -> None:
    assert same_given_at_once(make_reviewer("asha", make_team())) == 1


def test_who_gives_a_skill_an_instant_later_is_told_so_in_the_admin(roles, asha, client, monkeypatch) -> None:
    """The other's row comes in between the look and the writing."""
    save = SkillAdmin.save_model

    def slower(self, request, obj, form, change):
        Skill.objects.create(reviewer=asha, name="hindi")
        save(self, request, obj, form, change)

    monkeypatch.setattr(SkillAdmin, "save_model", slower)
    client.force_login(make_user("ops", "ops manager", is_staff=True))
    form = {"reviewer": asha.pk, "name": "hindi", "source": "stated"}
    reply = client.post(reverse("admin:workforce_skill_add"), form, follow=True)
    assert skills.GIVEN in reply.content.decode()
    # The other's went with the same transaction here; nothing of ours is there.
    assert not Skill.objects.exists()
