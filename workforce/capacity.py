"""How many more tasks people can do in a stretch of time: what is left of their shifts, their quota and their pace.

One answer for the plan, the console and whoever else asks. Shifts come first (``workforce/shifts.py``), then each
person's local days are gone through in order, so that a day's quota is counted once however many shifts lie in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from math import floor

from django.db.models import QuerySet

from workforce import queries, shifts
from workforce.days import holidays_between
from workforce.models import (
    Absence,
    CalendarVersion,
    Closure,
    OwnHours,
    Reviewer,
    Shift,
    Team,
    WorkedHoliday,
    WorkingHours,
)
from workforce.shifts import Away, Hours, Off, Span, Zones

# A pace so quick that nobody has it: it keeps a nought from being divided by.
QUICKEST = 0.001
# A claim may go by a person's hours this long, if no calendar changes; paces change more slowly.
HOURS_KNOWN = timedelta(hours=1)
LOOKED_AHEAD = timedelta(days=14)


@dataclass(frozen=True)
class PersonCapacity:
    """What one person can do in one shift, or in all of a window."""

    reviewer_id: int
    country: str
    skills: frozenset[str]
    languages: frozenset[str]
    clearance: int
    seconds: int
    """Of shift left in the window."""
    tasks: int
    """The lesser of the quota left on those local days and what the seconds suffice for."""


@dataclass(frozen=True)
class TeamShift:
    """One shift of a team, cut to the window, and those of its people who work in it."""

    team_id: int
    region: str
    starts_at: datetime
    ends_at: datetime
    people: tuple[PersonCapacity, ...]


@dataclass(frozen=True)
class Worked:
    """One shift of a team that was, cut to the window, and who worked in it: seconds with the people of as many."""

    team_id: int
    starts_at: datetime
    ends_at: datetime
    people: tuple[tuple[int, tuple[int, ...]], ...]


@dataclass(frozen=True)
class _Working:
    """A person's pieces of one shift, each within one local day."""

    person: Reviewer
    shift: int
    pieces: tuple[tuple[date, Span], ...]


_Alike = tuple[Zones, int, str, tuple[Hours, ...], tuple[Away, ...], date | None, date | None]


def team_shifts(
    team_ids: Collection[int], *, start: datetime, end: datetime, at: datetime, pace: Mapping[int, float]
) -> list[TeamShift]:
    """The shifts of these teams between ``start`` (or ``at``, if that is later) and ``end``, in order of beginning.

    ``pace`` is active seconds a task by reviewer; a person without one can do no task, though their seconds are told.
    A team without shifts is open all the time, each of its local days a shift. Paused people and teams have none, and
    a shift in which nobody works is told with nobody.
    """
    teams = list(Team.objects.filter(pk__in=team_ids).select_related("region").order_by("pk"))
    return _shifts(teams, list(_at_work(teams)), start=max(start, at), end=end, pace=pace)


def worked(team_ids: Collection[int], *, start: datetime, end: datetime) -> list[Worked]:
    """When the calendars had these teams' present people at work between two instants, in order of beginning;
    nothing of what they could do. Of weeks and thousands of people it is a tenth of the work of :func:`team_shifts`."""
    teams = list(Team.objects.filter(pk__in=team_ids).select_related("region").order_by("pk"))
    people = list(_at_work(teams))
    calendar = _Calendar(teams, people, start=start, end=end)
    members = _members(calendar, people)
    found = []
    for team, span in _spans(calendar, teams):
        groups = [
            (length, tuple(person.pk for person in alike))
            for alike in members[team.pk].values()
            if (length := _length(calendar.pieces_of(alike[0], team, span)))
        ]
        found.append(Worked(team.pk, *span, tuple(groups)))
    return found


def left(reviewer: Reviewer, *, start: datetime, end: datetime, at: datetime, pace: float) -> PersonCapacity:
    """How many more tasks this person can do between ``start`` (or ``at``) and ``end``: all their shifts together."""
    person = Reviewer.objects.select_related("user").get(pk=reviewer.pk)
    teams = list(Team.objects.filter(pk=person.team_id).select_related("region"))
    works = [person] if person.is_active and not person.is_paused and person.user.is_active else []
    told = _shifts(teams, works, start=max(start, at), end=end, pace={person.pk: pace})
    mine = [one for shift in told for one in shift.people]
    return _told(person, seconds=sum(one.seconds for one in mine), tasks=sum(one.tasks for one in mine))


def working_spans(
    team_ids: Collection[int], *, start: datetime, end: datetime, only: int | None = None
) -> dict[int, list[Span]]:
    """When each active person of these teams, or one ``only``, works between two instants (UTC), in order, cut where
    their local day ends; whoever does not work is left out."""
    teams = list(Team.objects.filter(pk__in=team_ids).select_related("region").order_by("pk"))
    people = list(_at_work(teams) if only is None else _at_work(teams).filter(pk=only))
    calendar = _Calendar(teams, people, start=start, end=end)
    found: dict[int, list[Span]] = {}
    for team in teams:
        mine = [person for person in people if person.team_id == team.pk]
        for span in calendar.shifts_of(team):
            for person in mine:
                if pieces := calendar.pieces_of(person, team, span):
                    found.setdefault(person.pk, []).extend(piece for _day, piece in pieces)
    return {pk: sorted(spans) for pk, spans in found.items()}


def _at_work(teams: Collection[Team]) -> QuerySet[Reviewer]:
    """The people of these teams who may work, with what is asked of them here and no more."""
    rows = Reviewer.objects.filter(team__in=teams, is_active=True, is_paused=False, user__is_active=True)
    asked = ("team_id", "country", "time_zone", "next_time_zone", "zone_changes_at", "skills", "languages")
    return rows.only(*asked, "clearance", "starts_on", "ends_on").order_by("pk")


def note_hours(reviewer_id: int, *, pace: float, at: datetime) -> WorkingHours:
    """Work out when this person works now, or next, and write it down where claims read it (``sightline_hours_room``).

    ``pace`` is active seconds a task. Who changes a calendar meanwhile makes what is written here void, and it is
    worked out again.
    """
    # Read before the calendars are: what changes after this makes the answer void.
    version = CalendarVersion.objects.get_or_create(pk=1, defaults={"version": 1})[0].version
    team_id = Reviewer.objects.values_list("team_id", flat=True).get(pk=reviewer_id)
    spans = working_spans([team_id], start=at, end=at + LOOKED_AHEAD, only=reviewer_id).get(reviewer_id, [])
    begins, ends = next(iter(shifts.united(spans)), (None, None))
    known = at + HOURS_KNOWN
    found, _made = WorkingHours.objects.update_or_create(
        reviewer_id=reviewer_id,
        defaults={
            "begins_at": begins,
            "ends_at": ends,
            "pace_ms": max(1, round(pace * 1000)),
            "version": version,
            "known_until": known if ends is None else min(known, ends),
        },
    )
    return found


def _shifts(
    teams: list[Team], people: list[Reviewer], *, start: datetime, end: datetime, pace: Mapping[int, float]
) -> list[TeamShift]:
    """The shifts of these teams with the capacity of these of their people."""
    if start >= end or not teams:
        return []
    calendar = _Calendar(teams, people, start=start, end=end)
    spans, members = _spans(calendar, teams), _members(calendar, people)
    working = [
        _Working(person, number, pieces)
        for number, (team, span) in enumerate(spans)
        for alike in members[team.pk].values()
        if (pieces := calendar.pieces_of(alike[0], team, span))
        for person in alike
    ]
    working.sort(key=lambda row: (row.shift, row.person.id))
    told = _spent(working, pace)
    return [
        TeamShift(team.pk, team.region.code, span[0], span[1], tuple(told[number]))
        for number, (team, span) in enumerate(spans)
    ]


def _spans(calendar: _Calendar, teams: Iterable[Team]) -> list[tuple[Team, Span]]:
    """All shifts, in order of beginning."""
    spans = [(team, span) for team in teams for span in calendar.shifts_of(team)]
    return sorted(spans, key=lambda found: (found[1], found[0].pk))


def _members(calendar: _Calendar, people: Iterable[Reviewer]) -> dict[int, dict[object, list[Reviewer]]]:
    """By team, the people who share a calendar: they work at the same times, which is asked once for all of them."""
    members: dict[int, dict[object, list[Reviewer]]] = defaultdict(lambda: defaultdict(list))
    for person in people:
        members[person.team_id][calendar.shared_by(person)].append(person)
    return members


def _spent(working: Iterable[_Working], pace: Mapping[int, float]) -> dict[int, list[PersonCapacity]]:
    """Capacity by shift; each person's quota days are drawn from in the order of the shifts, and never twice."""
    rows = list(working)
    able = [row for row in rows if pace.get(row.person.id, 0) > 0]
    says = queries.days_left({row.person.id for row in able}, {day for row in able for day, _ in row.pieces})
    quota: dict[tuple[int, date], int] = {}
    found: dict[int, list[PersonCapacity]] = defaultdict(list)
    # Most of a person's days are alike.
    told: dict[tuple[int, int, int], PersonCapacity] = {}
    for row in rows:
        each = max(pace.get(row.person.id, 0), 0)
        tasks, spare = 0, 0.0
        for day, (begins, ends) in row.pieces if each else ():
            had = quota[row.person.id, day] if (row.person.id, day) in quota else says.of(row.person.id, day)
            spare += (ends - begins).total_seconds()
            more = min(had, floor(spare / max(each, QUICKEST)))
            quota[row.person.id, day] = had - more
            tasks += more
            # A task may be begun before midnight and ended after it; time that the quota left idle is gone.
            spare = spare - more * each if more < had else 0.0
        if length := _length(row.pieces):
            key = row.person.id, length, tasks
            if key not in told:
                told[key] = _told(row.person, seconds=length, tasks=tasks)
            found[row.shift].append(told[key])
    return found


@lru_cache(maxsize=4096)
def _length(pieces: tuple[tuple[date, Span], ...]) -> int:
    return shifts.seconds(span for _, span in pieces)


def _told(person: Reviewer, *, seconds: int, tasks: int) -> PersonCapacity:
    return PersonCapacity(
        reviewer_id=person.id,
        country=person.country,
        skills=frozenset(person.skills),
        languages=frozenset(person.languages),
        clearance=person.clearance,
        seconds=seconds,
        tasks=tasks,
    )


class _Calendar:
    """All that says when these people work in a window, read at once; what many share is worked out once."""

    def __init__(self, teams: list[Team], people: list[Reviewer], *, start: datetime, end: datetime) -> None:
        self.start, self.end = start, end
        # Dates of any zone that touch the window.
        self.first = shifts.days_around(start, end, "UTC")[0]
        self.last = shifts.days_around(start, end, "UTC")[-1]
        standing = {"cancelled_at": None}
        self._shifts: dict[int, list[Hours]] = defaultdict(list)
        for shift in Shift.objects.filter(team__in=teams, **standing):
            self._shifts[shift.team_id].append(_hours(shift))
        self._own: dict[int, list[Hours]] = defaultdict(list)
        # Asked by team where there are many: a statement with thousands of numbers costs more than its rows.
        theirs: dict[str, object] = {"reviewer__team__in": teams} if len(people) > 20 else {"reviewer__in": people}
        for hours in OwnHours.objects.filter(**theirs, **standing) if people else ():
            self._own[hours.reviewer_id].append(_hours(hours))
        self._away: dict[int, list[Away]] = defaultdict(list)
        near = {"first_day__lte": self.last, "last_day__gte": self.first}
        for away in Absence.objects.filter(**theirs, **standing, **near) if people else ():
            self._away[away.reviewer_id].append(Away(away.first_day, away.last_day, away.from_time, away.until_time))
        self._closures = list(Closure.objects.filter(**standing, **near))
        self._worked = list(WorkedHoliday.objects.filter(**standing, day__gte=self.first, day__lte=self.last))
        self._closed: dict[int, list[Span]] = {}
        self._known: dict[object, list[Span]] = {}
        self._pieces: dict[object, tuple[tuple[date, Span], ...]] = {}

    def shifts_of(self, team: Team) -> list[Span]:
        """A team's shifts in the window; none while it is paused."""
        if team.is_paused:
            return []
        return shifts.team_spans(self._shifts[team.pk], zone=team.time_zone, start=self.start, end=self.end)

    def closed(self, team: Team) -> list[Span]:
        """When a team is closed."""
        if team.pk not in self._closed:
            off = [Off(row.first_day, row.last_day, row.begins, row.ends) for row in self._closures if _of(row, team)]
            self._closed[team.pk] = shifts.off_spans(off, zone=team.time_zone, start=self.start, end=self.end)
        return self._closed[team.pk]

    def holidays(self, country: str, team: Team) -> frozenset[date]:
        """The public holidays of a country near the window that the team does not work on."""
        return holidays_between(country, self.first, self.last) - {row.day for row in self._worked if _of(row, team)}

    def shared_by(self, person: Reviewer) -> _Alike:
        """All that says when a person works; equal for people who work at the same times."""
        own, away = tuple(self._own.get(person.pk, ())), tuple(self._away.get(person.pk, ()))
        return _zones(person), person.team_id, person.country, own, away, person.starts_on, person.ends_on

    def pieces_of(self, person: Reviewer, team: Team, shift: Span) -> tuple[tuple[date, Span], ...]:
        """When a person works in a shift, by their local days. Those who share a calendar share the answer."""
        alike = self.shared_by(person)
        zones, _team, _country, own, away, *_ = alike
        key = (alike, shift)
        if key not in self._pieces:
            spans = shifts.working(
                shift,
                closed=self.closed(team),
                own=self._once(("own", alike), lambda: self._own_spans(zones, own)),
                away=self._once(("away", alike), lambda: self._away_spans(person, team, zones, away)),
            )
            self._pieces[key] = tuple(shifts.by_day(spans, zones=zones))
        return self._pieces[key]

    def _once(self, key: object, work: Callable[[], list[Span]]) -> list[Span]:
        if key not in self._known:
            self._known[key] = work()
        return self._known[key]

    def _own_spans(self, zones: Zones, own: tuple[Hours, ...]) -> list[Span]:
        return shifts.own_spans(own, zones=zones, start=self.start, end=self.end)

    def _away_spans(self, person: Reviewer, team: Team, zones: Zones, away: tuple[Away, ...]) -> list[Span]:
        return shifts.away_spans(
            away,
            self.holidays(person.country, team),
            zones=zones,
            start=self.start,
            end=self.end,
            employed=(person.starts_on, person.ends_on),
        )


def _of(row: Closure | WorkedHoliday, team: Team) -> bool:
    """Whether a row speaks of this team: by name, by its region, or of everybody."""
    if row.team_id is not None:
        return row.team_id == team.pk
    return row.region_id is None or row.region_id == team.region_id


def _hours(row: Shift | OwnHours) -> Hours:
    return Hours(row.weekday, row.begins, row.ends, row.from_day, row.until_day)


def _zones(person: Reviewer) -> Zones:
    if person.zone_changes_at is None:
        return Zones(person.time_zone)
    return Zones(person.time_zone, person.next_time_zone, person.zone_changes_at)
