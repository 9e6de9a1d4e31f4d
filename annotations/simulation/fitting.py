"""A scenario out of history: the configured database's people and calendars, and how its last days were. Reads only."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q

from annotations import pace
from annotations.models import Project, Task, TaskState
from annotations.simulation import queries
from annotations.simulation.shape import WEEKDAYS
from clips.models import Clip, ClipState
from workforce.models import Closure, Region, ResidencyBasis, Reviewer, Shift, Team
from workforce.queries import limit_on


def fit(*, days: int, at: datetime) -> dict[str, Any]:
    """What a scenario file would say of the ``days`` before ``at``, beginning with that day; people of a team who are
    alike, their pace to five seconds, are one crowd."""
    spreads = queries.spread_by_team(since=at - timedelta(days=days))
    return {
        "name": f"As in the {days} days before {at.date()}",
        "seed": 1,
        "starts": at.date().isoformat(),
        "days": 7,
        "regions": [_region(region, at=at) for region in Region.objects.order_by("code")],
        "teams": [
            _team(team, spread=spreads.get(team.pk), at=at)
            for team in Team.objects.filter(is_paused=False, reviewers__is_active=True)
            .select_related("region")
            .distinct()
            .order_by("name")
        ],
        "projects": [
            _project(project)
            for project in Project.objects.filter(
                is_active=True, teams__is_paused=False, teams__reviewers__is_active=True
            )
            .distinct()
            .order_by("slug")
        ],
        "arrivals": _arrivals(days=days, at=at),
    }


def _region(region: Region, *, at: datetime) -> dict[str, Any]:
    bases = ResidencyBasis.objects.filter(Q(ends_at=None) | Q(ends_at__gt=at), region=region, starts_at__lte=at)
    countries = sorted(set(bases.values_list("country", flat=True)))
    return {"code": region.code, "time_zone": region.time_zone, "countries": countries}


def _team(team: Team, *, spread: float | None, at: datetime) -> dict[str, Any]:
    hours: dict[tuple[str, str], list[str]] = defaultdict(list)
    for shift in Shift.objects.filter(team=team, cancelled_at=None, until_day=None).order_by("weekday", "begins"):
        hours[f"{shift.begins:%H:%M}", f"{shift.ends:%H:%M}"].append(WEEKDAYS[shift.weekday])
    ahead = Closure.objects.filter(
        Q(team=team) | Q(region=team.region) | Q(team=None, region=None),
        cancelled_at=None,
        begins=None,
        last_day__gte=at.date(),
    ).order_by("first_day", "pk")
    people = list(Reviewer.objects.filter(team=team, is_active=True).order_by("pk"))
    paces = pace.paces([person.pk for person in people], at=at)
    crowds = Counter(
        (
            person.country,
            tuple(sorted(person.skills)),
            tuple(sorted(person.languages)),
            person.clearance > 0,
            max(5.0, 5.0 * round(paces[person.pk] / 5)),
            limit_on(person.pk, at.date())[0],
        )
        for person in people
    )
    return {
        "name": team.name,
        "region": team.region.code,
        "time_zone": team.time_zone,
        "weight": team.weight,
        "shifts": [{"days": days, "from": begins, "to": ends} for (begins, ends), days in hours.items()],
        "closures": [
            {"first": one.first_day.isoformat(), "last": one.last_day.isoformat(), "reason": one.reason}
            for one in ahead
        ],
        "people": [
            {
                "count": count,
                "country": country,
                "skills": list(skills),
                "languages": list(languages),
                "cleared": cleared,
                "seconds": seconds,
                "quota": quota,
            }
            | ({} if spread is None else {"spread": round(spread, 3)})
            for (country, skills, languages, cleared, seconds, quota), count in sorted(crowds.items())
        ],
    }


def _project(project: Project) -> dict[str, Any]:
    teams = project.teams.filter(is_paused=False, reviewers__is_active=True).distinct().order_by("name")
    said: dict[str, Any] = {
        "slug": project.slug,
        "teams": list(teams.values_list("name", flat=True)),
        "kind": project.clip_kind,
        "overlap": project.overlap,
        "most_seats": project.most_seats,
        "seats_apart": project.seats_apart,
        "due_hours": project.due_hours,
        "priority": project.priority,
        "prefetch": project.prefetch,
        "skills": sorted(project.skills),
        "asks_language": project.asks_language,
    }
    return said | ({"lease_seconds": project.lease_seconds} if project.lease_seconds else {})


def _arrivals(*, days: int, at: datetime) -> list[dict[str, Any]]:
    """By region, kind and language: clips an hour of the day on average, and those that wait for their label now."""
    undone = Clip.objects.filter(
        ~Exists(Task.objects.filter(clip=OuterRef("pk"), state__in=[TaskState.SETTLED, TaskState.DISPUTED])),
        state=ClipState.READY,
    )
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in queries.arrivals(since=at - timedelta(days=days), until=at):
        sort = found.setdefault(
            (row["region"], row["kind"], row["language"]),
            ({"language": row["language"]} if row["language"] else {})
            | {
                "region": row["region"],
                "kind": row["kind"],
                "by_hour": [0.0] * 24,
                "seconds": round(min(600.0, max(1.0, row["seconds"])), 1),
                "sensitive": round(row["sensitive"], 4),
                "waiting": undone.filter(region=row["region"], kind=row["kind"], language=row["language"]).count(),
            },
        )
        sort["by_hour"][row["hour"]] = round(row["clips"] / days, 3)
    return list(found.values())
