"""Calendars as rows: what is refused in words, what the database refuses by itself, what is taken out and kept."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from html import unescape
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from config.clock import database_now
from config.history import ReasonMissing
from tests.conftest import make_reviewer, make_team, make_user, signed_in
from tests.racing import at_once
from workforce import calendars
from workforce.models import Absence, Closure, OwnHours, Reviewer, Shift, Team, WorkedHoliday
from workforce.shifts import Hours, overlap

pytestmark = pytest.mark.django_db
NINE, FIVE = time(9), time(17)


def shift(team: Team, weekday: int = 0, begins: time = NINE, ends: time = FIVE, **fields) -> Shift:
    return calendars.put_in(Shift(team=team, weekday=weekday, begins=begins, ends=ends, **fields))


def absence(person: Reviewer, first: date, last: date, begins: time | None = None, ends: time | None = None) -> Absence:
    return calendars.put_in(Absence(reviewer=person, first_day=first, last_day=last, from_time=begins, until_time=ends))


def test_a_shift_that_ends_when_it_begins_is_refused_in_words(hyderabad) -> None:
    with pytest.raises(ValidationError, match="has no length"):
        shift(hyderabad, begins=NINE, ends=NINE)


@pytest.mark.parametrize(
    ("weekday", "begins", "ends"), [(0, time(16), time(20)), (0, time(4), time(10)), (6, time(22), time(10))]
)
def test_a_shift_that_overlaps_is_refused_in_words_that_name_the_other(hyderabad, weekday, begins, ends) -> None:
    shift(hyderabad)
    with pytest.raises(ValidationError, match="overlaps Hyderabad, Monday 09:00 to 17:00"):
        shift(hyderabad, weekday, begins, ends)


def test_neighbours_other_teams_and_other_seasons_do_not_overlap(hyderabad) -> None:
    shift(hyderabad, until_day=date(2026, 12, 31))
    shift(hyderabad, begins=FIVE, ends=NINE)
    shift(hyderabad, weekday=1)
    shift(make_team("Warangal"))
    with pytest.raises(ValidationError, match="overlaps"):
        shift(hyderabad, begins=time(10), ends=time(11), from_day=date(2026, 12, 31))
    shift(hyderabad, begins=time(10), ends=time(11), from_day=date(2027, 1, 1))


walls = st.integers(0, 47).map(lambda half: time(half // 2, 30 * (half % 2)))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 6), walls, walls, st.integers(0, 6), walls, walls)
def test_the_database_and_the_words_agree_on_what_overlaps(hyderabad, day, begins, ends, other, since, until) -> None:
    assume(begins != ends and since != until)
    both = overlap(Hours(day, begins, ends), Hours(other, since, until))
    with transaction.atomic():
        Shift.objects.create(team=hyderabad, weekday=day, begins=begins, ends=ends)
        try:
            with transaction.atomic():
                Shift.objects.create(team=hyderabad, weekday=other, begins=since, ends=until)
            refused = False
        except IntegrityError as error:
            refused = "shift_no_overlap" in str(error)
        assert refused is both
        transaction.set_rollback(True)


MAY = date(2027, 5, 10)


@pytest.mark.parametrize(
    ("first", "last", "begins", "ends"),
    [
        (MAY, MAY, None, None),
        (MAY, MAY, time(13), None),
        (MAY - timedelta(days=9), MAY, None, time(12, 30)),
        (MAY + timedelta(days=1), MAY + timedelta(days=2), None, None),
    ],
)
def test_overlapping_absences_are_refused_in_words(asha, first, last, begins, ends) -> None:
    absence(asha, MAY, MAY + timedelta(days=1), time(12), time(15))
    with pytest.raises(ValidationError, match="asha away 2027-05-10 12:00 to 2027-05-11 15:00: these overlap"):
        absence(asha, first, last, begins, ends)


def test_parts_of_one_day_and_other_people_do_not_overlap(asha, ravi) -> None:
    absence(asha, MAY, MAY, None, time(12))
    absence(asha, MAY, MAY, time(12), time(15))
    absence(asha, MAY, MAY, time(15), None)
    absence(asha, MAY + timedelta(days=1), MAY + timedelta(days=30))
    absence(ravi, MAY, MAY)


@pytest.mark.parametrize(
    ("first", "last", "begins", "ends"),
    [(MAY, MAY - timedelta(days=1), None, None), (MAY, MAY, time(12), time(12)), (MAY, MAY, None, time(0))],
)
def test_an_absence_that_ends_before_it_begins_is_refused_in_words(asha, first, last, begins, ends) -> None:
    with pytest.raises(ValidationError, match="ends before it begins"):
        absence(asha, first, last, begins, ends)


def test_two_who_enter_one_absence_at_once_are_stopped_by_the_database(asha) -> None:
    Absence.objects.create(reviewer=asha, first_day=MAY, last_day=MAY)
    with pytest.raises(IntegrityError, match="absence_no_overlap"), transaction.atomic():
        Absence.objects.create(reviewer=asha, first_day=MAY, last_day=MAY, until_time=time(9))


def entered_at_once(person: Reviewer) -> int:
    """Eight people enter the same week for one person; how many of them were let in."""

    def enter(number: int) -> bool:
        try:
            absence(person, MAY, MAY + timedelta(days=6))
        except ValidationError:
            return False
        return True

    assert any(at_once(8, enter))
    return Absence.objects.filter(reviewer=person).count()


@pytest.mark.django_db(transaction=True)
def test_control_without_the_constraint_a_look_before_is_not_enough() -> None:
    person = make_reviewer("asha", make_team())
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'absence_no_overlap'")
        kept = cursor.fetchone()[0]
        cursor.execute("ALTER TABLE workforce_absence DROP CONSTRAINT absence_no_overlap")
        try:
            # A look and a write apart; now and then one look comes after another's write, seldom all of them.
            found = 0
            for _ in range(5):
                found = max(found, entered_at_once(person))
                Absence.objects.all().delete()
            assert found > 1
        finally:
            Absence.objects.all().delete()
            cursor.execute(f"ALTER TABLE workforce_absence ADD CONSTRAINT absence_no_overlap {kept}")


@pytest.mark.django_db(transaction=True)
def test_of_those_who_enter_one_absence_at_once_one_is_let_in() -> None:
    assert entered_at_once(make_reviewer("asha", make_team())) == 1


def test_what_is_taken_out_is_kept_with_its_reason_and_makes_room(asha) -> None:
    ops, at = make_user("ops"), database_now()
    away = absence(asha, MAY, MAY)
    with pytest.raises(ReasonMissing):
        calendars.take_out(away, by=ops, reason=" ", at=at)
    assert calendars.take_out(away, by=ops, reason="she came after all", at=at)
    assert not calendars.take_out(away, by=ops, reason="she came after all", at=at)
    absence(asha, MAY, MAY)
    kept: Any = Absence
    event = kept.pgh_event_model.objects.filter(pgh_obj_id=away.pk, pgh_label="to").latest("pgh_id")
    assert (event.pgh_context.metadata["why"], event.pgh_context.metadata["by"]) == ("she came after all", "ops")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"last_day": MAY - timedelta(days=1)}, "last day is before"),
        ({"begins": NINE}, "a beginning and a later end"),
        ({"begins": FIVE, "ends": NINE}, "a beginning and a later end"),
        ({"reason": ""}, "blank"),
    ],
)
def test_a_closure_that_makes_no_sense_is_refused_in_words(hyderabad, fields, words) -> None:
    row = Closure(**{"team": hyderabad, "first_day": MAY, "last_day": MAY, "reason": "Stocktaking"} | fields)
    with pytest.raises(ValidationError, match=words):
        calendars.put_in(row)


def test_a_closure_is_of_one_team_or_one_region(hyderabad) -> None:
    row = Closure(team=hyderabad, region=hyderabad.region, first_day=MAY, last_day=MAY, reason="Both")
    with pytest.raises(ValidationError, match="a region or a team"):
        calendars.put_in(row)


def test_a_holiday_is_worked_once(hyderabad) -> None:
    calendars.put_in(WorkedHoliday(team=hyderabad, day=MAY, reason="A batch is due"))
    with pytest.raises(ValidationError, match="worked already"):
        calendars.put_in(WorkedHoliday(team=hyderabad, day=MAY, reason="Again"))
    calendars.put_in(WorkedHoliday(day=MAY, reason="Everybody"))
    with pytest.raises(IntegrityError, match="worked_holiday_once"), transaction.atomic():
        WorkedHoliday.objects.create(day=MAY, reason="Everybody again")


def test_own_hours_need_both_ends_or_none(asha) -> None:
    with pytest.raises(ValidationError, match="both a beginning and an end"):
        calendars.put_in(OwnHours(reviewer=asha, weekday=0, begins=NINE))
    calendars.put_in(OwnHours(reviewer=asha, weekday=0))


def test_people_go_after_their_last_day_by_their_own_zone(asha, ravi) -> None:
    Reviewer.objects.filter(pk=asha.pk).update(ends_on=date(2026, 11, 22))
    Reviewer.objects.filter(pk=ravi.pk).update(ends_on=date(2026, 11, 22), time_zone="Europe/Bucharest")
    midnight = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)
    assert calendars.end_employment(at=midnight - timedelta(seconds=1)) == 0
    assert calendars.end_employment(at=midnight) == 1
    assert not Reviewer.objects.get(pk=asha.pk).is_active
    assert calendars.end_employment(at=midnight + timedelta(hours=4)) == 1


def test_the_last_day_is_not_before_the_first(asha) -> None:
    asha.starts_on, asha.ends_on = MAY, MAY - timedelta(days=1)
    with pytest.raises(ValidationError, match="last day is before the first"):
        asha.full_clean()


@pytest.fixture
def ops(roles, client):
    client.force_login(make_user("ops", "ops manager", is_staff=True))
    return client


def page_of(reply) -> str:
    return unescape(reply.content.decode())


def test_the_admin_says_in_words_what_does_not_fit(ops, hyderabad, asha) -> None:
    add = reverse("admin:workforce_shift_add")
    form = {"team": hyderabad.pk, "weekday": 0, "begins": "09:00", "ends": "09:00"}
    assert "A shift that ends when it begins has no length" in page_of(ops.post(add, form))
    assert ops.post(add, form | {"ends": "17:00"}).status_code == 302
    assert Shift.objects.filter(author__username="ops").count() == 1
    assert "overlaps Hyderabad, Monday 09:00 to 17:00" in page_of(ops.post(add, form | {"ends": "10:00"}))
    form = {"reviewer": asha.pk, "first_day": "2027-05-10", "last_day": "2027-05-12"}
    away = reverse("admin:workforce_absence_add")
    assert ops.post(away, form).status_code == 302
    assert "these overlap" in page_of(ops.post(away, form))
    assert "ends before it begins" in page_of(ops.post(away, form | {"last_day": "2027-05-09"}))
    team = {"name": "Iasi", "region": hyderabad.region_id, "time_zone": "Europe/Iasi", "weight": 1,
            "exposure_minutes": 60}  # fmt: skip
    assert "Europe/Iasi is not a time zone" in page_of(ops.post(reverse("admin:workforce_team_add"), team))
    assert "greater than or equal to 1" in page_of(
        ops.post(reverse("admin:workforce_team_add"), team | {"time_zone": "Europe/Bucharest", "weight": 0})
    )


def test_a_team_without_people_is_a_warning(ops, hyderabad) -> None:
    form = {"team": hyderabad.pk, "weekday": 0, "begins": "09:00", "ends": "17:00"}
    page = ops.post(reverse("admin:workforce_shift_add"), form, follow=True)
    assert "Hyderabad has no people yet, so nobody works these hours." in page_of(page)


def test_who_is_slower_by_an_instant_is_told_so_in_the_admin(ops, asha, monkeypatch) -> None:
    """The other's row comes in between the look and the writing."""
    from workforce.admin.calendars import AbsenceAdmin

    save = AbsenceAdmin.save_model

    def slower(self, request, obj, form, change):
        Absence.objects.create(reviewer=asha, first_day=MAY, last_day=MAY)
        save(self, request, obj, form, change)

    monkeypatch.setattr(AbsenceAdmin, "save_model", slower)
    form = {"reviewer": asha.pk, "first_day": str(MAY), "last_day": str(MAY)}
    reply = ops.post(reverse("admin:workforce_absence_add"), form, follow=True)
    assert calendars.OVERLAPS in page_of(reply)
    # The other's went with the same transaction here; nothing of ours is there.
    assert not Absence.objects.exists()


def test_the_admin_takes_out_with_a_reason_and_then_only_shows(ops, asha) -> None:
    away = absence(asha, MAY, MAY)
    body = {"action": "take_out", "_selected_action": [away.pk], "confirmed": "yes", "reason": "came after all"}
    listed = reverse("admin:workforce_absence_changelist")
    assert "1 absence taken out" in page_of(ops.post(listed, body, follow=True))
    assert "2027-05-10" not in page_of(ops.get(listed)).split("result_list")[-1]
    assert ops.get(listed, {"standing": "no"}).context["cl"].result_count == 1
    assert ops.get(listed, {"standing": "all"}).context["cl"].result_count == 1
    change = reverse("admin:workforce_absence_change", args=[away.pk])
    assert ops.get(change).status_code == 200
    assert ops.post(change, {"last_day": "2027-05-20"}).status_code == 403


def test_the_api_puts_in_and_takes_out_with_the_same_words(roles, hyderabad, asha) -> None:
    ops = signed_in(make_user("ops", "ops manager", is_staff=True))
    sent = {"team": hyderabad.pk, "weekday": 0, "begins": "22:00", "ends": "06:00"}
    made = ops.post("/api/v1/ops/shifts", sent)
    assert made.status_code == 201
    again = ops.post("/api/v1/ops/shifts", sent).json()
    assert (again["code"], again["errors"][0]["field"]) == ("invalid", "begins")
    assert "overlaps Hyderabad, Monday 22:00 to 06:00" in again["errors"][0]["detail"]
    flat = ops.post("/api/v1/ops/shifts", sent | {"ends": "22:00"}).json()
    assert "has no length" in str(flat["errors"])
    door = f"/api/v1/ops/shifts/{made.json()['id']}/take-out"
    assert ops.post(door, {"reason": ""}).json()["code"] == "reason-required"
    assert ops.post(door, {"reason": "days now"}).json() == {"taken_out": True, "changed": True}
    assert ops.post(door, {"reason": "days now"}).json() == {"taken_out": True, "changed": False}
    assert ops.post("/api/v1/ops/shifts", sent).status_code == 201
    days_off = {"region": "in", "first_day": "2026-11-08", "last_day": "2026-11-08", "reason": "Diwali"}
    assert ops.post("/api/v1/ops/closures", days_off).status_code == 201
    assert ops.post("/api/v1/ops/closures", days_off | {"team": hyderabad.pk}).status_code == 400
    worked = {"team": hyderabad.pk, "day": "2027-01-26", "reason": "A batch is due"}
    assert [ops.post("/api/v1/ops/worked-holidays", worked).status_code for _ in range(2)] == [201, 400]
    away = {"reviewer": asha.pk, "first_day": "2027-05-10", "last_day": "2027-05-10", "from_time": "13:00"}
    assert [ops.post("/api/v1/ops/absences", away).status_code for _ in range(2)] == [201, 400]
    assert ops.post("/api/v1/ops/own-hours", {"reviewer": asha.pk, "weekday": 2}).status_code == 201
    skill = ops.post("/api/v1/ops/skills", {"reviewer": asha.pk, "name": "hindi", "source": "tested", "value": 90})
    assert skill.status_code == 201
    asha.refresh_from_db()
    assert asha.skills == ["hindi"]
    out = ops.post(f"/api/v1/ops/skills/{skill.json()['id']}/take-out", {"reason": "failed the next"})
    assert out.json()["changed"] is True
    found = ops.get(f"/api/v1/ops/reviewers/{asha.pk}/capacity", {"pace": 60, "hours": 168}).json()
    assert found["tasks"] <= found["seconds"] // 60
