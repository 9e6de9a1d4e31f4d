"""How many more tasks people can do in a window of time: what is left of their quota."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection


@dataclass(frozen=True)
class PersonCapacity:
    """What one person may be shown, and how much more they can do in the window."""

    reviewer_id: int
    country: str
    skills: frozenset[str]
    languages: frozenset[str]
    clearance: int
    seconds: int
    tasks: int


@dataclass(frozen=True)
class TeamShift:
    """A stretch of time in which a team works, and who of it works then."""

    team_id: int
    region: str
    starts_at: datetime
    ends_at: datetime
    people: tuple[PersonCapacity, ...]


# What the limits say is what sightline_limit says, asked for everybody at once: of each level the newest in force.
LEFT = """
WITH said AS MATERIALIZED (
    SELECT DISTINCT ON (x.day, l.level, l.region_id, l.team_id, l.reviewer_id)
           x.day, l.level, l.region_id, l.team_id, l.reviewer_id, l.value
      FROM workforce_dailylimit l
      JOIN (SELECT (%(start)s AT TIME ZONE 'UTC')::date - 1 + n AS day FROM generate_series(0, %(days)s + 3) n) x
        ON l.from_day = x.day OR l.level <> 'day' AND l.from_day < x.day
     ORDER BY x.day, l.level, l.region_id, l.team_id, l.reviewer_id, l.from_day DESC, l.id DESC
)
SELECT t.id, g.code, d.starts, d.ends, r.id, r.country, r.skills, r.clearance,
       greatest(0, coalesce(q.day_limit - q.used - q.held,
                            one.value, own.value, ours.value, here.value, every.value, 150))
  FROM workforce_reviewer r
  JOIN workforce_team t ON t.id = r.team_id
  JOIN workforce_region g ON g.id = t.region_id
 CROSS JOIN LATERAL (
        SELECT x.day, greatest(x.day::timestamp AT TIME ZONE t.time_zone, %(start)s) AS starts,
               least((x.day + 1)::timestamp AT TIME ZONE t.time_zone, %(end)s) AS ends
          FROM (SELECT (%(start)s AT TIME ZONE t.time_zone)::date + n AS day
                  FROM generate_series(0, %(days)s) n) x) d
  LEFT JOIN workforce_quotaday q ON q.reviewer_id = r.id AND q.day = d.day
  LEFT JOIN said one ON one.day = d.day AND one.level = 'day' AND one.reviewer_id = r.id
  LEFT JOIN said own ON own.day = d.day AND own.level = 'reviewer' AND own.reviewer_id = r.id
  LEFT JOIN said ours ON ours.day = d.day AND ours.level = 'team' AND ours.team_id = t.id
  LEFT JOIN said here ON here.day = d.day AND here.level = 'region' AND here.region_id = t.region_id
  LEFT JOIN said every ON every.day = d.day AND every.level = 'global'
 WHERE t.id = ANY (%(teams)s) AND r.is_active AND NOT r.is_paused AND NOT t.is_paused AND d.ends > d.starts
 ORDER BY t.id, d.starts, r.id
"""


def team_shifts(
    team_ids: Collection[int], *, start: datetime, end: datetime, at: datetime, pace: Mapping[int, float]
) -> list[TeamShift]:
    """The teams' shifts between two instants, each with its people; one a day, in one query.

    ``pace`` is the active seconds that a task takes each person; those it does not name are taken at their quota.
    """
    found: dict[tuple[int, str, datetime, datetime], list[PersonCapacity]] = defaultdict(list)
    values: dict[str, Any] = {
        "start": start,
        "end": end,
        "teams": list(team_ids),
        "days": (end - start) // timedelta(days=1) + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(LEFT, values)
        for team, region, starts, ends, reviewer, country, skills, clearance, left in cursor.fetchall():
            seconds = int((ends - starts).total_seconds())
            tasks = min(left, int(seconds / pace[reviewer])) if pace.get(reviewer) else left
            person = PersonCapacity(reviewer, country, frozenset(skills), frozenset(), clearance, seconds, tasks)
            found[team, region, starts.astimezone(UTC), ends.astimezone(UTC)].append(person)
    return [TeamShift(*shift, people=tuple(people)) for shift, people in found.items()]
