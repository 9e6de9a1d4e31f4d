"""The reports' statements, one each: rows by place, and the same by day for the chart.

Each is of local days, both ends included, and of the teams and the project that are named; None names all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from annotations.models import Report

MUCH = 10_000


@dataclass(frozen=True)
class Asked:
    """Which days, whose, and of which project."""

    first: date
    last: date
    teams: frozenset[int] | None = None
    project: int | None = None


# Answers are found by when they were given, and counted on the team's local date; somebody who changed teams is found
# with neither, as in lists.
ANSWERS = """
    SELECT g.name AS region, w.name AS team, p.name AS project, (a.submitted_at AT TIME ZONE w.time_zone)::date AS day,
           a.reviewer_id, extract(epoch FROM a.submitted_at - t.created_at) / 3600 AS hours
      FROM annotations_annotation a
      JOIN annotations_task t ON t.id = a.task_id
      JOIN annotations_project p ON p.id = t.project_id
      JOIN workforce_reviewer r ON r.id = a.reviewer_id
      JOIN workforce_team w ON w.id = r.team_id
      JOIN workforce_region g ON g.id = w.region_id
     WHERE a.submitted_at >= %(first)s::date - 1 AND a.submitted_at < %(last)s::date + 2
       AND (a.submitted_at AT TIME ZONE w.time_zone)::date BETWEEN %(first)s AND %(last)s
       AND (%(teams)s::bigint[] IS NULL OR r.team_id = ANY (%(teams)s) AND t.team_id = ANY (%(teams)s))
       AND (%(project)s::bigint IS NULL OR t.project_id = %(project)s)
"""
DAYS = """
    SELECT g.name AS region, w.name AS team, q.*
      FROM workforce_quotaday q
      JOIN workforce_reviewer r ON r.id = q.reviewer_id
      JOIN workforce_team w ON w.id = r.team_id
      JOIN workforce_region g ON g.id = w.region_id
     WHERE q.day BETWEEN %(first)s AND %(last)s AND (%(teams)s::bigint[] IS NULL OR r.team_id = ANY (%(teams)s))
"""
PLACES = "GROUP BY GROUPING SETS ((region, team, project), (day)) ORDER BY day, region, team, project"
TEAMS = "GROUP BY GROUPING SETS ((region, team), (day)) ORDER BY day, region, team"

# Nothing is put into them but the pieces above.
STATEMENTS: dict[str, str] = {
    Report.DONE: f"""
        SELECT region, team, project, day, sum(answers), count(DISTINCT reviewer_id),
               round(sum(answers) / count(DISTINCT (reviewer_id, day)), 1)
          FROM (SELECT region, team, project, day, reviewer_id, count(*) AS answers
                  FROM ({ANSWERS}) each GROUP BY 1, 2, 3, 4, 5) one {PLACES}
    """,  # noqa: S608
    Report.SPEED: f"""
        SELECT region, team, project, day, count(*),
               round((percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds))::numeric, 1),
               round((percentile_cont(0.9) WITHIN GROUP (ORDER BY seconds))::numeric, 1)
          FROM (SELECT g.name AS region, w.name AS team, p.name AS project, min(s.day) AS day,
                       sum(extract(epoch FROM s.ended_at - s.started_at) - s.lost_ms / 1000.0)::float AS seconds
                  FROM annotations_activespan s
                  JOIN annotations_lease l ON l.id = s.lease_id AND l.state = 'submitted'
                  JOIN annotations_task t ON t.id = l.task_id
                  JOIN annotations_project p ON p.id = t.project_id
                  JOIN workforce_reviewer r ON r.id = s.reviewer_id
                  JOIN workforce_team w ON w.id = r.team_id
                  JOIN workforce_region g ON g.id = w.region_id
                 WHERE s.day BETWEEN %(first)s AND %(last)s
                   AND (%(teams)s::bigint[] IS NULL OR r.team_id = ANY (%(teams)s) AND t.team_id = ANY (%(teams)s))
                   AND (%(project)s::bigint IS NULL OR t.project_id = %(project)s)
                 GROUP BY g.id, w.id, p.id, s.lease_id) one {PLACES}
    """,  # noqa: S608
    Report.WAITING: f"""
        SELECT region, team, project, day, count(*),
               round((percentile_cont(0.5) WITHIN GROUP (ORDER BY hours))::numeric, 2),
               round((percentile_cont(0.9) WITHIN GROUP (ORDER BY hours))::numeric, 2)
          FROM ({ANSWERS}) one {PLACES}
    """,  # noqa: S608
    Report.QUOTA: f"""
        SELECT region, team, day, count(*), sum(day_limit), sum(used),
               round(100.0 * sum(used) / greatest(1, sum(day_limit)), 1), sum(skips),
               count(*) FILTER (WHERE used >= day_limit)
          FROM ({DAYS}) one {TEAMS}
    """,  # noqa: S608
    Report.EXPOSURE: f"""
        SELECT region, team, day, round(sum(exposed_ms) / 60000.0, 1),
               count(DISTINCT reviewer_id) FILTER (WHERE exposed_ms > 0), round(max(exposed_ms) / 60000.0, 1),
               count(*) FILTER (WHERE exposed_ms > 0 AND exposed_ms >= 0.9 * exposure_allowed_ms)
          FROM ({DAYS}) one {TEAMS}
    """,  # noqa: S608
    Report.TIMESHEETS: """
        SELECT region, team, person, day, count(DISTINCT sheet_day), round(sum(active_ms) / 3600000.0, 2),
               round(sum(lost_ms) / 3600000.0, 2), round(sum(granted_ms) / 3600000.0, 2),
               round(sum(total_ms) / 3600000.0, 2)
          FROM (SELECT g.name AS region, w.name AS team, u.username AS person, x.day, x.day AS sheet_day, x.active_ms,
                       x.lost_ms, x.granted_ms, x.total_ms
                  FROM annotations_timesheet x
                  JOIN workforce_reviewer r ON r.id = x.reviewer_id
                  JOIN auth_user u ON u.id = r.user_id
                  JOIN workforce_team w ON w.id = r.team_id
                  JOIN workforce_region g ON g.id = w.region_id
                 WHERE x.day BETWEEN %(first)s AND %(last)s
                   AND (%(teams)s::bigint[] IS NULL OR r.team_id = ANY (%(teams)s))) one
         GROUP BY GROUPING SETS ((region, team, person), (day)) ORDER BY day, region, team, person
    """,
}  # fmt: skip


def is_much(asked: Asked) -> bool:
    """Whether so many answers are in these days that a report of them takes longer than a page may."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) > %s FROM (SELECT 1 FROM annotations_annotation a"
            " WHERE a.submitted_at >= %s::date - 1 AND a.submitted_at < %s::date + 2 LIMIT %s) found",
            [MUCH, asked.first, asked.last, MUCH + 1],
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def rows(report: str, asked: Asked, *, places: int) -> tuple[list[list[Any]], dict[date, list[Any]]]:
    """A report's rows by place, of which the first ``places`` cells say where, and its figures by day."""
    values = {
        "first": asked.first,
        "last": asked.last,
        "teams": None if asked.teams is None else sorted(asked.teams),
        "project": asked.project,
    }
    with connection.cursor() as cursor:
        cursor.execute(STATEMENTS[report], values)
        found = cursor.fetchall()
    by_place, by_day = [], {}
    for row in found:
        day, figures = row[places], list(row[places + 1 :])
        if day is None:
            by_place.append([*row[:places], *figures])
        else:
            by_day[day] = figures
    return by_place, by_day
