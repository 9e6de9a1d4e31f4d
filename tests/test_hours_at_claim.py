"""A claim heeds people's hours where the team keeps them, by the same answer that the plan has."""

from __future__ import annotations

import threading
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction

from annotations import leasing
from annotations.models import Lease
from annotations.pace import DEFAULT_PACE
from config.clock import database_now
from tests.conftest import make_user, signed_in
from workforce import calendars, capacity, days, people
from workforce.errors import OffShift
from workforce.models import Absence, CalendarVersion, Reviewer, Shift, Team, WorkingHours

pytestmark = pytest.mark.django_db


def shift_around_now(team: Team, *, before: timedelta, after: timedelta) -> None:
    """Hours of the team on each day of the week, such that it is between them now; or not, by negative lengths."""
    here = database_now().astimezone(ZoneInfo(team.time_zone))
    begins, ends = (here - before).replace(microsecond=0), (here + after).replace(microsecond=0)
    for weekday in range(7):
        calendars.put_in(Shift(team=team, weekday=weekday, begins=begins.time(), ends=ends.time()))


@pytest.fixture
def kept(hyderabad, tasks, asha) -> Team:
    Team.objects.update(keeps_hours=True)
    # A public holiday of the day on which this runs says nothing here.
    Reviewer.objects.update(country="ZZ")
    people.allow_country(hyderabad.region, country="ZZ", basis="a test", by=make_user("basis"), at=database_now())
    return hyderabad


def test_in_their_hours_they_are_handed_work(kept, asha) -> None:
    shift_around_now(kept, before=timedelta(hours=2), after=timedelta(hours=3))
    assert len(leasing.lease_next(asha.user_id, count=2).lease_ids) == 2


def test_outside_of_them_they_are_told_when_they_begin(kept, asha) -> None:
    shift_around_now(kept, before=timedelta(hours=-2), after=timedelta(hours=5))
    reply = signed_in(asha.user).post("/api/v1/leases", {})
    assert (reply.status_code, reply.json()["code"]) == (409, "off-shift")
    assert 7100 <= int(reply["Retry-After"]) <= 7200
    assert reply.json()["begins_at"] in reply.json()["detail"]
    assert not Lease.objects.exists()
    # A team that does not keep hours has them for the plan only.
    Team.objects.update(keeps_hours=False)
    assert signed_in(asha.user).post("/api/v1/leases", {}).status_code == 201


def test_no_more_than_what_is_left_of_the_hours_suffices_for(kept, asha) -> None:
    shift_around_now(kept, before=timedelta(hours=2), after=timedelta(seconds=2 * DEFAULT_PACE + 30))
    at = database_now()
    foretold = capacity.left(asha, start=at, end=at + timedelta(hours=1), at=at, pace=DEFAULT_PACE)
    assert foretold.tasks == 2
    assert len(leasing.lease_next(asha.user_id, count=3).lease_ids) == 2
    again = leasing.lease_next(asha.user_id, count=3)
    assert (again.lease_ids, again.reason) == ([], "holding-enough")


def test_with_less_left_than_one_takes_it_is_over(kept, asha) -> None:
    shift_around_now(kept, before=timedelta(hours=2), after=timedelta(seconds=DEFAULT_PACE / 2))
    with pytest.raises(OffShift, match="end at"):
        leasing.lease_next(asha.user_id, count=1)


def test_a_changed_calendar_counts_at_once(kept, asha) -> None:
    shift_around_now(kept, before=timedelta(hours=2), after=timedelta(hours=3))
    assert len(leasing.lease_next(asha.user_id, count=1).lease_ids) == 1
    today = days.local_day(database_now(), asha.time_zone)
    away = calendars.put_in(
        Absence(reviewer=asha, first_day=today - timedelta(days=1), last_day=today + timedelta(days=1))
    )
    with pytest.raises(OffShift):
        leasing.lease_next(asha.user_id, count=1)
    calendars.take_out(away, by=make_user("lead"), reason="came all the same", at=database_now())
    assert len(leasing.lease_next(asha.user_id, count=1).lease_ids) == 1


def test_nobody_works_before_their_first_day(tasks, asha) -> None:
    tomorrow = days.local_day(database_now(), asha.time_zone) + timedelta(days=1)
    Reviewer.objects.filter(pk=asha.pk).update(starts_on=tomorrow)
    with pytest.raises(OffShift):
        leasing.lease_next(asha.user_id, count=1)
    Reviewer.objects.filter(pk=asha.pk).update(starts_on=tomorrow - timedelta(days=1))
    assert leasing.lease_next(asha.user_id, count=1).lease_ids


@pytest.mark.parametrize("guarded", [False, True], ids=["control", "guarded"])
@pytest.mark.django_db(transaction=True)
def test_hours_worked_out_while_a_calendar_changes_are_void(kept, asha, guarded) -> None:
    """An absence is being put in, not yet committed, while hours are worked out without it."""
    shift_around_now(kept, before=timedelta(hours=2), after=timedelta(hours=3))
    if not guarded:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE workforce_absence DISABLE TRIGGER counts_version")
    written, noted = threading.Event(), threading.Event()

    def put_in() -> None:
        try:
            with transaction.atomic():
                today = days.local_day(database_now(), asha.time_zone)
                first, last = today - timedelta(days=1), today + timedelta(days=1)
                calendars.put_in(Absence(reviewer=asha, first_day=first, last_day=last))
                written.set()
                noted.wait(10)
        finally:
            connection.close()

    other = threading.Thread(target=put_in)
    other.start()
    assert written.wait(10)
    before = CalendarVersion.objects.get().version
    capacity.note_hours(asha.pk, pace=90, at=database_now())
    noted.set()
    other.join()
    assert WorkingHours.objects.get().version == before
    try:
        if guarded:
            with pytest.raises(OffShift):
                leasing.lease_next(asha.user_id, count=1)
        else:
            # The absent person is handed work: what the trigger is for.
            assert leasing.lease_next(asha.user_id, count=1).lease_ids
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE workforce_absence ENABLE TRIGGER counts_version")
