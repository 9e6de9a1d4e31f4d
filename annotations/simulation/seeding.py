"""A scenario's people, places, calendars and projects as rows of a scratch database, and its clips as they come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.contrib.auth.models import User

from annotations.models import Project
from annotations.simulation import queries, scratch
from annotations.simulation.scenario import Arrivals, Crowd, Scenario
from clips import disclosing
from clips.models import Channel, ConsentEvent, EventKind, Purpose
from workforce.models import (
    Clearance,
    Closure,
    DailyLimit,
    LimitLevel,
    Region,
    ResidencyBasis,
    Reviewer,
    Shift,
    Skill,
    Team,
)

SAID = (
    "People look at your clips. They sit in the countries of your region. They teach detectors to tell threats from "
    "false alarms. Clips are kept for thirty days. You can stop this under Settings."
)
POINTS = dict(
    zip(
        ("people", "countries", "why", "how_long", "how_to_stop"),
        (part + "." for part in SAID.rstrip(".").split(". ")),
        strict=True,
    )
)
OWNERS = 100
LONG_AGO = timedelta(days=365)


def seed(scenario: Scenario) -> dict[int, Crowd]:
    """Write all of it but the clips; returns of which crowd each reviewer is."""
    scratch.check()
    staff = User.objects.create(username="simulation", password="!")  # noqa: S106 -- nobody can sign in with it
    before = scenario.starts - LONG_AGO
    regions = {}
    for said in scenario.regions:
        region = regions[said.code] = Region.objects.create(code=said.code, name=said.code, time_zone=said.time_zone)
        ResidencyBasis.objects.bulk_create(
            ResidencyBasis(region=region, country=country, basis="simulated", author=staff, starts_at=before)
            for country in said.countries
        )
        _owners(said.code, staff, at=before)
    found: dict[int, Crowd] = {}
    teams = {}
    for place in scenario.teams:
        team = teams[place.name] = Team.objects.create(
            region=regions[place.region], name=place.name, time_zone=place.time_zone, weight=place.weight
        )
        Shift.objects.bulk_create(
            Shift(team=team, weekday=day, begins=hours.begins, ends=hours.ends)
            for hours in place.shifts
            for day in hours.days
        )
        Closure.objects.bulk_create(
            Closure(team=team, first_day=one.first, last_day=one.last, reason=one.reason) for one in place.closures
        )
        for crowd in place.people:
            found |= dict.fromkeys(_people(team, crowd), crowd)
        _limits(team, place.people, found, staff, at=before)
    _projects(scenario, teams)
    return found


def _people(team: Team, crowd: Crowd) -> list[int]:
    first = Reviewer.objects.count()
    names = [f"p{first + number}" for number in range(crowd.count)]
    users = User.objects.bulk_create(User(username=name, password="!") for name in names)  # noqa: S106
    people = Reviewer.objects.bulk_create(
        Reviewer(
            user=user,
            team=team,
            country=crowd.country,
            time_zone=team.time_zone,
            pseudonym=name,
            languages=list(crowd.languages),
            clearance=Clearance.SENSITIVE if crowd.cleared else Clearance.ORDINARY,
        )
        for user, name in zip(users, names, strict=True)
    )
    Skill.objects.bulk_create(Skill(reviewer=person, name=skill) for person in people for skill in crowd.skills)
    return [person.pk for person in people]


def _limits(team: Team, crowds: Sequence[Crowd], people: dict[int, Crowd], staff: User, *, at: datetime) -> None:
    """What each may do a day: said once of a team whose people may all do the same, else of each of them."""
    said: dict[str, Any] = {"from_day": at.date(), "reason": "simulated", "author": staff}
    if len({crowd.quota for crowd in crowds}) == 1:
        DailyLimit.objects.create(level=LimitLevel.TEAM, team=team, value=crowds[0].quota, **said)
        return
    mine = Reviewer.objects.filter(team=team).values_list("pk", flat=True)
    DailyLimit.objects.bulk_create(
        DailyLimit(level=LimitLevel.REVIEWER, reviewer_id=pk, value=people[pk].quota, **said) for pk in mine
    )


def _projects(scenario: Scenario, teams: dict[str, Team]) -> None:
    schema = {
        "question": "What did the camera see?",
        "labels": [{"value": label, "name": label} for label in scenario.labels],
        "note": False,
    }
    for said in scenario.projects:
        project = Project.objects.create(
            slug=said.slug,
            name=said.slug,
            label_schema=schema,
            clip_kind=said.kind,
            overlap=said.overlap,
            most_seats=said.most_seats,
            seats_apart=said.seats_apart,
            due_hours=said.due_hours,
            priority=said.priority,
            prefetch=said.prefetch,
            lease_seconds=said.lease_seconds,
            skills=list(said.skills),
            asks_language=said.asks_language,
        )
        project.teams.set(teams[name] for name in said.teams)


def _owners(region: str, staff: User, *, at: datetime) -> None:
    """Owners who agreed, for all clips that they will send."""
    told = disclosing.publish(
        version=f"simulated-{region}", region=region, language="en", text=SAID, checklist=POINTS, by=staff, at=at
    )
    for number in range(OWNERS):
        ConsentEvent.objects.create(
            kind=EventKind.GIVEN,
            owner_key=f"owner-of-{region}-{number:03}",
            purposes=[Purpose.HUMAN_REVIEW],
            disclosure=told,
            channel=Channel.values[0],
            at=at,
            actor=staff,
        )


@dataclass(frozen=True)
class Coming:
    """So many clips of one sort, the first of them sensitive, that come evenly between two instants."""

    sort: Arrivals
    count: int
    sensitive: int
    start: datetime
    end: datetime


class Inflow:
    """Clips as they come: of each sort so many a stretch of time, what is left of a clip carried over to the next."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.staff = User.objects.get(username="simulation").pk
        self.rest = [0.0 for _ in scenario.arrivals]
        self.random = Random(f"{scenario.seed} arrivals")  # noqa: S311 -- the same each time is what is wanted

    def waiting(self) -> list[Coming]:
        """Those that wait when it begins; they came within the hour before."""
        start, end = self.scenario.starts - timedelta(hours=1), self.scenario.starts
        return [self._coming(sort, sort.waiting, start, end) for sort in self.scenario.arrivals if sort.waiting]

    def between(self, start: datetime, end: datetime) -> list[Coming]:
        """Those that come between two instants of one hour; to be asked for one stretch after the other."""
        found = []
        for place, sort in enumerate(self.scenario.arrivals):
            if start.weekday() in sort.days:
                self.rest[place] += sort.by_hour[start.hour] * (end - start).total_seconds() / 3600
            count = int(self.rest[place] + 1e-9)
            if count:
                self.rest[place] -= count
                found.append(self._coming(sort, count, start, end))
        return found

    def write(self, coming: Iterable[Coming], *, at: datetime) -> None:
        """Write them down, as it is at that instant."""
        queries.set_clock(at)
        for one in coming:
            queries.add_clips(
                region=one.sort.region,
                kind=one.sort.kind,
                language=one.sort.language,
                count=one.count,
                sensitive=one.sensitive,
                duration_ms=round(one.sort.seconds * 1000),
                by=self.staff,
                start=one.start,
                end=one.end,
            )

    def _coming(self, sort: Arrivals, count: int, start: datetime, end: datetime) -> Coming:
        exact = count * sort.sensitive
        return Coming(sort, count, int(exact) + (self.random.random() < exact % 1), start, end)
