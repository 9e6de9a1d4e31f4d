"""What the console's home asks of the work's tables, each in one statement however many rows; of all teams at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from annotations.planning.queries import EXPRESS

# Late tasks are counted up to here.
MOST_LATE = 20_000
# Waiting times of a fortnight are of so many answers of each hour, the first of it.
SAMPLE_AN_HOUR = 40


@dataclass(frozen=True)
class Waiting:
    """A team's tasks that are not over, and what is first in turn."""

    team_id: int
    open: int
    full: int
    disputed: int
    stopped: int
    late: int
    """Of the first :data:`MOST_LATE` that are late."""
    oldest: datetime | None
    """When the oldest of the tasks was made that are first in turn in their lanes."""
    due_at: datetime | None
    """When the first of those is due."""


def waiting(*, at: datetime) -> list[Waiting]:
    """What waits with each team.

    Counted from the index of teams and states, without a look at what is settled. The first in turn of a lane is found
    from its head on, as a claim does.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT w.id, n.open, n.is_full, n.disputed, n.stopped, coalesce(late.count, 0), f.oldest, f.due_at
              FROM workforce_team w
             CROSS JOIN LATERAL (
                    SELECT count(*) FILTER (WHERE t.state = 'open') AS open,
                           count(*) FILTER (WHERE t.state = 'full') AS is_full,
                           count(*) FILTER (WHERE t.state = 'disputed') AS disputed,
                           count(*) FILTER (WHERE t.state = 'stopped') AS stopped
                      FROM annotations_task t
                     WHERE t.team_id = w.id AND t.state = ANY ('{{open,full,disputed,stopped}}')) n
              LEFT JOIN (
                    SELECT l.team_id, count(*) FROM (
                           SELECT t.team_id FROM annotations_task t
                            WHERE t.due_at < %(at)s AND t.state = ANY ('{{open,full}}') LIMIT {MOST_LATE}) l
                     GROUP BY 1) late ON late.team_id = w.id
              LEFT JOIN (
                    SELECT ln.team_id, min(x.created_at) AS oldest, min(x.due_at) AS due_at
                      FROM annotations_lane ln
                     CROSS JOIN LATERAL (
                            SELECT h.head_rank, h.express_head FROM annotations_head h
                             WHERE h.lane_id = ln.id ORDER BY h.number DESC LIMIT 1) h
                     CROSS JOIN LATERAL (
                            (SELECT t.created_at, t.due_at FROM annotations_task t
                              WHERE t.lane_id = ln.id AND t.state = 'open' AND t.seats_left > 0
                                AND t.rank >= h.express_head AND t.rank < {EXPRESS}
                              ORDER BY t.rank, t.id LIMIT 1)
                             UNION ALL
                            (SELECT t.created_at, t.due_at FROM annotations_task t
                              WHERE t.lane_id = ln.id AND t.state = 'open' AND t.seats_left > 0
                                AND t.rank >= greatest(h.head_rank, {EXPRESS})
                              ORDER BY t.rank, t.id LIMIT 1)) x
                     GROUP BY 1) f ON f.team_id = w.id
             ORDER BY w.id
            """,  # noqa: S608 -- nothing is put in but numbers of ours
            {"at": at},
        )
        return [Waiting(*row) for row in cursor.fetchall()]


@dataclass(frozen=True)
class Answered:
    """A team's answers in one hour."""

    team_id: int
    hour: datetime
    answers: int
    lately: int
    """Of them, those of the last 60 minutes."""


def answered(*, since: datetime, at: datetime) -> list[Answered]:
    """Answers by team and hour since an instant."""
    return [
        Answered(*row)
        for row in _rows(
            """
            SELECT r.team_id, date_trunc('hour', a.submitted_at, 'UTC'), count(*),
                   count(*) FILTER (WHERE a.submitted_at > %(at)s - interval '1 hour')
              FROM annotations_annotation a JOIN workforce_reviewer r ON r.id = a.reviewer_id
             WHERE a.submitted_at >= %(since)s
             GROUP BY 1, 2 ORDER BY 2, 1
            """,
            {"since": since, "at": at},
        )
    ]


def lapses(*, since: date) -> list[tuple[int, date, int]]:
    """Leases that lapsed, by team and the person's local day."""
    return [
        (int(team), day, int(count))
        for team, day, count in _rows(
            """
            SELECT r.team_id, q.day, count(*)
              FROM workforce_quotaday q
              JOIN workforce_reviewer r ON r.id = q.reviewer_id
              JOIN annotations_lease l ON l.quota_day_id = q.id
             WHERE q.day >= %(since)s AND l.state = 'lapsed'
             GROUP BY 1, 2 ORDER BY 2, 1
            """,
            {"since": since},
        )
    ]


def waits(*, since: datetime, at: datetime) -> list[tuple[int, date, float]]:
    """How long tasks had waited for some answers of each hour: team, the team's day and seconds."""
    return [
        (int(team), day, float(seconds))
        for team, day, seconds in _rows(
            """
            SELECT r.team_id, (a.submitted_at AT TIME ZONE w.time_zone)::date,
                   extract(epoch FROM a.submitted_at - t.created_at)
              FROM generate_series(%(since)s::timestamptz, %(at)s::timestamptz, interval '1 hour') h(hour)
             CROSS JOIN LATERAL (
                    SELECT a.* FROM annotations_annotation a
                     WHERE a.submitted_at >= h.hour AND a.submitted_at < h.hour + interval '1 hour'
                     ORDER BY a.submitted_at LIMIT %(sample)s) a
              JOIN annotations_task t ON t.id = a.task_id
              JOIN workforce_reviewer r ON r.id = a.reviewer_id
              JOIN workforce_team w ON w.id = r.team_id
            """,
            {"since": since, "at": at, "sample": SAMPLE_AN_HOUR},
        )
    ]


def _rows(sql: str, values: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()
