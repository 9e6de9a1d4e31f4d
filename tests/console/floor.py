"""A morning's floor: who works where, on what, and with how much left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User

from annotations import leasing
from annotations.models import Project, Task
from config.clock import database_now
from tests.conftest import make_project, make_ready_clips, make_region, make_reviewer, make_team, make_user, put_in_lane
from workforce import calendars, quotas
from workforce.days import local_day
from workforce.models import Team, WorkedHoliday

A_DAY, ALL = 4, 16


@dataclass
class Floor:
    """Who works where, and on what."""

    ops: User
    hyderabad: Team
    chennai: Team
    threats: Project


@pytest.fixture
def floor(roles: None, gateway: User) -> Floor:
    """Hyderabad has more than it can do today; Chennai has room; Cluj holds many leases."""
    ops = make_user("ops", "ops manager", is_staff=True)
    hyderabad, chennai = make_team("Hyderabad"), make_team("Chennai")
    cluj = make_team("Cluj", make_region("ro", "Romania", "Europe/Bucharest"))
    for team, names in ((hyderabad, ("asha", "ravi")), (chennai, ("kavya", "arun"))):
        for name in names:
            make_reviewer(name, team, first_name=name.title(), last_name="Rao")
    ioana = make_reviewer("ioana", cluj, country="RO", first_name="Ioana", last_name="Pop")
    for team in (hyderabad, chennai):
        quotas.set_limit(A_DAY, reason="they are new", by=ops, from_day=today(), team=team)
    threats = make_project(hyderabad, chennai, overlap=1, most_seats=1)
    porches = make_project(cluj, slug="porches", overlap=1, most_seats=1, prefetch=100)
    tasks = put_in_lane(threats, hyderabad, make_ready_clips(gateway, ALL), at=database_now())
    evening = datetime.combine(today() + timedelta(days=1), time(23), tzinfo=ZoneInfo("Asia/Kolkata"))
    calendars.put_in(WorkedHoliday(region=hyderabad.region, day=today() + timedelta(days=1), reason="a rush"), by=ops)
    Task.objects.filter(pk__in=[task.pk for task in tasks]).update(due_at=evening)
    put_in_lane(porches, cluj, make_ready_clips(gateway, 60, region="ro"), at=database_now())
    for _ in range(6):
        leasing.lease_next(ioana.user_id, count=10)
    return Floor(ops, hyderabad, chennai, threats)


def today() -> date:
    return local_day(database_now(), "Asia/Kolkata")
