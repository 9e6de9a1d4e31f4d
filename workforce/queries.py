"""Questions about people that SQL answers best, each with a name.

The functions they call are made by the migration ``0002_days_and_limits``: a claim asks the same ones, so that there is
one answer to "whose day is it" and "how many".
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import connection

from workforce.models import DailyLimit, LimitLevel

DEFAULT_LIMIT = 150


def limit_on(reviewer_id: int, day: date) -> tuple[int, str]:
    """How many clips the reviewer may do on that day, and which level of limits says so."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT value, source FROM sightline_limit(%s, %s)", [reviewer_id, day])
        row = cursor.fetchone()
    assert row is not None  # noqa: S101 -- the function always answers
    return int(row[0]), str(row[1])


def refresh_begun_days(limit: DailyLimit) -> int:
    """Bring days that have begun, and that a new limit may speak of, up to date; returns how many."""
    until = "AND q.day = %(day)s" if limit.level == LimitLevel.DAY else "AND q.day >= %(day)s"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE workforce_quotaday q
               SET day_limit = now_says.value,
                   limit_source = now_says.source,
                   allowed = GREATEST(now_says.value, q.used + q.held)
              FROM workforce_quotaday begun
              JOIN workforce_reviewer r ON r.id = begun.reviewer_id
              JOIN workforce_team t ON t.id = r.team_id
             CROSS JOIN LATERAL sightline_limit(begun.reviewer_id, begun.day) now_says
             WHERE begun.id = q.id {until}
               AND (%(reviewer)s::bigint IS NULL OR r.id = %(reviewer)s)
               AND (%(team)s::bigint IS NULL OR t.id = %(team)s)
               AND (%(region)s::bigint IS NULL OR t.region_id = %(region)s)
            """,  # noqa: S608 -- the only piece put in is one of the two lines above
            {
                "day": limit.from_day,
                "reviewer": limit.reviewer_id,
                "team": limit.team_id,
                "region": limit.region_id,
            },
        )
        return cursor.rowcount


def allowed_by_team(*, at: datetime) -> dict[int, int]:
    """What the active people of each team may do on their present local day, begun or not, added up."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT r.team_id, sum(COALESCE(q.day_limit, (sightline_limit(r.id, today.day)).value))
              FROM workforce_reviewer r
             CROSS JOIN LATERAL (SELECT (%(at)s AT TIME ZONE sightline_zone(r, %(at)s))::date AS day) today
              LEFT JOIN workforce_quotaday q ON q.reviewer_id = r.id AND q.day = today.day
             WHERE r.is_active
             GROUP BY r.team_id
            """,
            {"at": at},
        )
        return {int(team): int(total) for team, total in cursor.fetchall()}


def count_try(key: str, *, at: datetime, window: timedelta) -> tuple[int, datetime]:
    """Count one more under this key, from one on when its window is over; returns the count and when it began."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO workforce_signintries AS t (key, since, count) VALUES (%(key)s, %(at)s, 1)
                ON CONFLICT (key) DO UPDATE
               SET count = CASE WHEN t.since <= %(over)s THEN 1 ELSE t.count + 1 END,
                   since = CASE WHEN t.since <= %(over)s THEN %(at)s ELSE t.since END
            RETURNING t.count, t.since
            """,
            {"key": key, "at": at, "over": at - window},
        )
        row = cursor.fetchone()
    assert row is not None  # noqa: S101 -- an upsert returns its row
    return int(row[0]), row[1]
