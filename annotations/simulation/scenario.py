"""A scenario: who works when and how fast, and what comes in. Read from YAML or JSON, or refused in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import combinations
from math import isfinite
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from jsonschema import Draft202012Validator

from annotations.errors import ScenarioWrong
from annotations.simulation.shape import SCENARIO, WEEKDAYS
from workforce.shifts import Hours, overlap

# Calendars look some weeks back and ahead, and holidays are known of these.
YEARS = range(2000, 2100)


@dataclass(frozen=True)
class Crowd:
    """People who are alike: how many, and the median and the spread (of the logarithm) of their seconds a task."""

    count: int
    country: str
    skills: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    cleared: bool = False
    seconds: float = 90.0
    spread: float = 0.35
    quota: int = 150
    agree: float = 0.95
    """How often they see what is there."""


@dataclass(frozen=True)
class ShiftHours:
    """Hours on these days of the week (Monday is 0), on the wall where the team is."""

    days: tuple[int, ...]
    begins: time
    ends: time


@dataclass(frozen=True)
class Closed:
    """Days on which a team is closed, both inclusive."""

    first: date
    last: date
    reason: str


@dataclass(frozen=True)
class TeamSaid:
    name: str
    region: str
    time_zone: str
    people: tuple[Crowd, ...]
    weight: int = 1
    shifts: tuple[ShiftHours, ...] = ()
    closures: tuple[Closed, ...] = ()


@dataclass(frozen=True)
class ProjectSaid:
    slug: str
    teams: tuple[str, ...]
    kind: str = "video"
    overlap: int = 1
    most_seats: int = 5
    seats_apart: bool = False
    due_hours: int = 24
    priority: int = 0
    prefetch: int = 3
    lease_seconds: int | None = None
    skills: tuple[str, ...] = ()
    asks_language: str = "heard"


@dataclass(frozen=True)
class Arrivals:
    """Clips of one sort: so many in each hour of the day (UTC), of so many seconds; some wait at the beginning."""

    region: str
    by_hour: tuple[float, ...]
    kind: str = "video"
    language: str = ""
    """What is spoken; empty: nothing, or it is not known."""
    days: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    waiting: int = 0
    seconds: float = 25.0
    sensitive: float = 0.0


@dataclass(frozen=True)
class RegionSaid:
    code: str
    time_zone: str
    countries: tuple[str, ...]
    """Whose people may look at its footage."""


@dataclass(frozen=True)
class Scenario:
    starts: datetime
    days: int
    regions: tuple[RegionSaid, ...]
    teams: tuple[TeamSaid, ...]
    projects: tuple[ProjectSaid, ...]
    arrivals: tuple[Arrivals, ...]
    name: str = ""
    seed: int = 1
    plan_minutes: int = 15
    ask_again_seconds: int = 60
    at_once: int = 1
    labels: tuple[str, ...] = field(default=("threat", "false_alarm"))

    @property
    def ends(self) -> datetime:
        return self.starts + timedelta(days=self.days)


def load(path: Path) -> Scenario:
    """The scenario in this file. Raises :class:`ScenarioWrong` with the place and the reason."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioWrong(f"{path} cannot be read: {error}.") from error
    try:
        # JSON is YAML, too.
        said = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise ScenarioWrong(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    return read(said)


def read(said: Any) -> Scenario:
    """The scenario that a file's contents say. Raises :class:`ScenarioWrong`."""
    said = _plain(said)
    errors = sorted(Draft202012Validator(SCENARIO).iter_errors(said), key=lambda error: list(map(str, error.path)))
    if errors:
        raise ScenarioWrong("; ".join(_told(error) for error in errors[:5]))
    found = Scenario(
        starts=datetime.combine(_day(said["starts"], "starts"), time(), UTC),
        regions=tuple(
            RegionSaid(one["code"], _zone(one["time_zone"], f"region {one['code']}"), tuple(one["countries"]))
            for one in said["regions"]
        ),
        teams=tuple(_team(one) for one in said["teams"]),
        projects=tuple(ProjectSaid(**_tuples(one)) for one in said["projects"]),
        arrivals=tuple(_arrivals(one) for one in said["arrivals"]),
        **{
            key: said[key]
            for key in ("name", "seed", "days", "plan_minutes", "ask_again_seconds", "at_once")
            if key in said
        },
    )
    _check(found)
    return found


def _team(said: Mapping[str, Any]) -> TeamSaid:
    where = f"team {said['name']}"
    closures = []
    for one in said.get("closures", ()):
        first = _day(one["first"], where)
        closures.append(Closed(first, _day(one.get("last", one["first"]), where), one["reason"]))
    return TeamSaid(
        name=said["name"],
        region=said["region"],
        time_zone=_zone(said["time_zone"], where),
        weight=said.get("weight", 1),
        people=tuple(Crowd(**_tuples(one)) for one in said["people"]),
        shifts=tuple(
            ShiftHours(_weekdays(one["days"]), time.fromisoformat(one["from"]), time.fromisoformat(one["to"]))
            for one in said.get("shifts", ())
        ),
        closures=tuple(closures),
    )


def _arrivals(said: Mapping[str, Any]) -> Arrivals:
    days = {"days": _weekdays(said["days"])} if "days" in said else {}
    return Arrivals(**(_tuples(said) | days))


def _check(found: Scenario) -> None:
    """Refuse what no single place in the file can be blamed for."""
    regions = _once((one.code for one in found.regions), "region")
    teams = _once((one.name for one in found.teams), "team")
    _once((one.slug for one in found.projects), "project")
    for team in found.teams:
        if team.region not in regions:
            raise ScenarioWrong(f"team {team.name}: there is no region {team.region}.")
        if not team.people:
            raise ScenarioWrong(f"team {team.name} has no people.")
        for shift in team.shifts:
            if shift.begins == shift.ends:
                raise ScenarioWrong(f"team {team.name}: a shift that ends when it begins has no length.")
        hours = [Hours(day, shift.begins, shift.ends) for shift in team.shifts for day in shift.days]
        if any(overlap(one, other) for one, other in combinations(hours, 2)):
            raise ScenarioWrong(f"team {team.name}: two of its shifts share an hour.")
        for closed in team.closures:
            if closed.last < closed.first:
                raise ScenarioWrong(f"team {team.name}: the closure ends before it begins.")
    for project in found.projects:
        for name in project.teams:
            if name not in teams:
                raise ScenarioWrong(f"project {project.slug}: there is no team {name}.")
        if project.most_seats < project.overlap:
            raise ScenarioWrong(f"project {project.slug}: most_seats cannot be less than the overlap.")
    for come in found.arrivals:
        if come.region not in regions:
            raise ScenarioWrong(f"arrivals: there is no region {come.region}.")


def _once(names: Any, what: str) -> set[str]:
    found: set[str] = set()
    for name in names:
        if name in found:
            raise ScenarioWrong(f"{what} {name} is there twice.")
        found.add(name)
    return found


def _told(error: Any) -> str:
    where = ".".join(str(part) for part in error.path) or "the scenario"
    if error.validator == "pattern":
        return f"{where}: {error.instance!r} is not written as it must be ({error.validator_value})"
    hint = (
        ". Put times in quotes" if error.validator == "type" and error.path and error.path[-1] in {"from", "to"} else ""
    )
    return f"{where}: {error.message[:200]}{hint}"


def _plain(said: Any, where: str = "") -> Any:
    """YAML reads dates by itself; JSON has none. It also knows what is no number, and what no database can keep."""
    if isinstance(said, dict):
        return {str(key): _plain(value, f"{where}.{key}") for key, value in said.items()}
    if isinstance(said, list):
        return [_plain(value, f"{where}.{place}") for place, value in enumerate(said)]
    if isinstance(said, float) and not isfinite(said):
        raise ScenarioWrong(f"{where.lstrip('.')}: {said} is no number.")
    if isinstance(said, str) and "\0" in said:
        raise ScenarioWrong(f"{where.lstrip('.')}: the character NUL cannot be kept.")
    return said.isoformat() if isinstance(said, date) else said


def _tuples(said: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in said.items()}


def _weekdays(names: list[str]) -> tuple[int, ...]:
    return tuple(sorted({WEEKDAYS.index(name) for name in names}))


def _day(text: str, where: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise ScenarioWrong(f"{where}: there is no day {text}.") from None
    if found.year not in YEARS:
        raise ScenarioWrong(f"{where}: {text} is not of the years {YEARS.start} to {YEARS.stop - 1}.")
    return found


def _zone(name: str, where: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ScenarioWrong(f"{where}: there is no time zone {name}.") from None
    return name
