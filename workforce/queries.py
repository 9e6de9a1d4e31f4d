"""Questions about people that SQL answers best, each with a name.

The functions they call stand in ``workforce/sql/days.sql``: a claim asks the same ones, so that there is
one answer to "whose day is it" and "how many".
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
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


def expire_skills(*, at: datetime) -> int:
    """Bring people's skills up to date where time ended one; returns for how many anything changed."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*) FILTER (WHERE sightline_keep_skills(late.id, %(at)s))
              FROM (SELECT r.id FROM workforce_reviewer r
                     WHERE r.id IN (SELECT s.reviewer_id FROM workforce_skill s
                                     WHERE s.cancelled_at IS NULL AND s.expires_at <= %(at)s)
                       AND r.skills IS DISTINCT FROM sightline_skills(r.id, %(at)s)
                     ORDER BY r.id) late
            """,
            {"at": at},
        )
        row = cursor.fetchone()
    return int(row[0]) if row else 0


@dataclass(frozen=True)
class DaysLeft:
    """How many tasks people may still take on some local days, kept small: what many share stands there once."""

    begun: dict[tuple[int, date], int]
    alike: dict[int, int]
    """For whom each person's limit was asked."""
    said: dict[tuple[int, date], int]

    def of(self, reviewer_id: int, day: date) -> int:
        """What the limit says, less what is used and held; nothing of a person or a day that was not asked for."""
        left = self.begun.get((reviewer_id, day))
        return self.said.get((self.alike.get(reviewer_id, 0), day), 0) if left is None else left


def days_left(reviewer_ids: Collection[int], days: Collection[date]) -> DaysLeft:
    """How many tasks each of these people may still take on each of these local days, in one statement.

    Begun or not: the limit of a day that nobody began is asked once for all of a team who have none of their own.
    """
    found = DaysLeft({}, {}, {})
    if not reviewer_ids or not days:
        return found
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH person AS (
                SELECT r.id, CASE WHEN own.there THEN r.id ELSE min(r.id) OVER (PARTITION BY r.team_id, own.there) END
                       AS alike
                  FROM workforce_reviewer r
                 CROSS JOIN LATERAL (
                        SELECT EXISTS (SELECT 1 FROM workforce_dailylimit d WHERE d.reviewer_id = r.id) AS there) own
                 WHERE r.id = ANY (%(people)s::bigint[])
            )
            SELECT p.id, NULL::date, p.alike, false FROM person p
             UNION ALL
            SELECT w.alike, d.day, (sightline_limit(w.alike, d.day)).value, false
              FROM (SELECT DISTINCT alike FROM person) w CROSS JOIN unnest(%(days)s::date[]) d(day)
             UNION ALL
            SELECT q.reviewer_id, q.day, GREATEST(0, q.day_limit - q.used - q.held), true
              FROM workforce_quotaday q
             WHERE q.reviewer_id = ANY (%(people)s::bigint[]) AND q.day = ANY (%(days)s::date[])
            """,
            {"people": list(reviewer_ids), "days": list(days)},
        )
        for person, day, number, begun in cursor.fetchall():
            if day is None:
                found.alike[person] = number
            else:
                (found.begun if begun else found.said)[person, day] = number
    return found


@dataclass(frozen=True)
class TeamDay:
    """A team on its people's present local days."""

    team_id: int
    name: str
    region: str
    """The region's code."""
    region_name: str
    time_zone: str
    is_paused: bool
    people: int
    """Active ones."""
    paused: int
    """Of them."""
    dry: int
    """Of those who are not paused: with nothing left of today's quota."""
    allowed: int
    used: int
    held: int
    left: int
    """What those who are not paused may still take."""


def today_by_team(team_ids: Collection[int] | None, *, at: datetime) -> list[TeamDay]:
    """These teams' day, all teams' if None, by region and name; one statement however many people.

    The limit of a day that nobody began is asked once for all of a team who have none of their own.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH person AS (
                SELECT r.id, r.team_id, r.is_paused, today.day,
                       CASE WHEN own.there THEN r.id ELSE min(r.id) OVER (PARTITION BY r.team_id, own.there) END
                       AS alike
                  FROM workforce_reviewer r
                 CROSS JOIN LATERAL (SELECT (%(at)s AT TIME ZONE sightline_zone(r, %(at)s))::date AS day) today
                 CROSS JOIN LATERAL (
                        SELECT EXISTS (SELECT 1 FROM workforce_dailylimit d WHERE d.reviewer_id = r.id) AS there) own
                 WHERE r.is_active AND (%(teams)s::bigint[] IS NULL OR r.team_id = ANY (%(teams)s::bigint[]))
            ), begun AS (
                SELECT p.team_id, p.is_paused, p.alike, p.day, q.id AS begun, q.day_limit,
                       coalesce(q.used, 0) AS used, coalesce(q.held, 0) AS held
                  FROM person p
                  -- Each found by its index: joined otherwise, all days that ever were would be read for one of each.
                  LEFT JOIN LATERAL (
                       SELECT d.* FROM workforce_quotaday d
                        WHERE d.reviewer_id = p.id AND d.day = p.day LIMIT 1) q ON true
            ), said AS MATERIALIZED (
                SELECT w.alike, w.day, (sightline_limit(w.alike, w.day)).value AS value
                  FROM (SELECT DISTINCT alike, day FROM begun WHERE begun IS NULL) w
            ), day AS (
                SELECT b.team_id, b.is_paused, b.used, b.held, coalesce(b.day_limit, said.value) AS allowed
                  FROM begun b LEFT JOIN said ON said.alike = b.alike AND said.day = b.day
            )
            SELECT t.id, t.name, g.code, g.name, t.time_zone, t.is_paused, count(d.team_id),
                   count(*) FILTER (WHERE d.is_paused),
                   count(*) FILTER (WHERE NOT d.is_paused AND d.used + d.held >= d.allowed),
                   coalesce(sum(d.allowed), 0), coalesce(sum(d.used), 0), coalesce(sum(d.held), 0),
                   coalesce(sum(greatest(0, d.allowed - d.used - d.held)) FILTER (WHERE NOT d.is_paused), 0)
              FROM workforce_team t
              JOIN workforce_region g ON g.id = t.region_id
              LEFT JOIN day d ON d.team_id = t.id
             WHERE %(teams)s::bigint[] IS NULL OR t.id = ANY (%(teams)s::bigint[])
             GROUP BY t.id, g.id
             ORDER BY g.name, t.name
            """,
            {"at": at, "teams": None if team_ids is None else sorted(team_ids)},
        )
        return [TeamDay(*row[:9], *map(int, row[9:])) for row in cursor.fetchall()]


@dataclass(frozen=True)
class PastDay:
    """What a team's people did on one of their local days."""

    team_id: int
    day: date
    used: int
    skips: int


def past_days(*, since: date) -> list[PastDay]:
    """Each team's days from this one on; all teams."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT r.team_id, q.day, sum(q.used), sum(q.skips)
              FROM workforce_quotaday q JOIN workforce_reviewer r ON r.id = q.reviewer_id
             WHERE q.day >= %(since)s
             GROUP BY 1, 2 ORDER BY 2, 1
            """,
            {"since": since},
        )
        return [PastDay(int(team), day, int(used), int(skips)) for team, day, used, skips in cursor.fetchall()]


@dataclass(frozen=True)
class QuotaCell:
    """One person's one local day, begun or not: how many, which level of limits says so, and what became of them."""

    reviewer_id: int
    day: date
    limit: int
    source: str
    used: int
    held: int
    begun: bool

    @property
    def left(self) -> int:
        """What may still be taken."""
        return max(0, self.limit - self.used - self.held)


def quota_cells(reviewer_ids: Collection[int], days: Collection[date]) -> dict[tuple[int, date], QuotaCell]:
    """These people's days, in one statement. The limit of a day that nobody began is asked once for all of a team who
    have none of their own."""
    if not reviewer_ids or not days:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH person AS MATERIALIZED (
                SELECT r.id, CASE WHEN own.there THEN r.id ELSE min(r.id) OVER (PARTITION BY r.team_id, own.there) END
                       AS alike
                  FROM workforce_reviewer r
                 CROSS JOIN LATERAL (
                        SELECT EXISTS (SELECT 1 FROM workforce_dailylimit d WHERE d.reviewer_id = r.id) AS there) own
                 WHERE r.id = ANY (%(people)s::bigint[])
            ), cell AS MATERIALIZED (
                SELECT p.id, p.alike, d.day, q.id AS begun, q.day_limit, q.limit_source::text AS source, q.used, q.held
                  FROM person p
                 CROSS JOIN unnest(%(days)s::date[]) d(day)
                  LEFT JOIN workforce_quotaday q ON q.reviewer_id = p.id AND q.day = d.day
            ), said AS MATERIALIZED (
                SELECT w.alike, w.day, f.value, f.source
                  FROM (SELECT DISTINCT c.alike, c.day FROM cell c WHERE c.begun IS NULL) w
                 CROSS JOIN LATERAL sightline_limit(w.alike, w.day) f
            )
            SELECT c.id, c.day, coalesce(c.day_limit, said.value), coalesce(c.source, said.source),
                   coalesce(c.used, 0), coalesce(c.held, 0), c.begun IS NOT NULL
              FROM cell c
              LEFT JOIN said ON c.begun IS NULL AND said.alike = c.alike AND said.day = c.day
            """,
            {"people": list(reviewer_ids), "days": list(days)},
        )
        return {(row[0], row[1]): QuotaCell(*row) for row in cursor.fetchall()}


@dataclass(frozen=True)
class QuotaUse:
    """What somebody made of the days that they began."""

    days: int
    used: int
    limit: int

    @property
    def percent(self) -> int:
        """Of what they might have done."""
        return round(100 * self.used / self.limit) if self.limit else 0


def quota_use(reviewer_ids: Collection[int], *, since: date, at: datetime) -> dict[int, QuotaUse]:
    """What each of these people made of the days that they began, from one day on, and that are over where they count
    them."""
    if not reviewer_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT q.reviewer_id, count(*), sum(q.used), sum(q.day_limit)
              FROM workforce_quotaday q
             WHERE q.reviewer_id = ANY (%(people)s)
               AND q.day >= %(since)s AND q.day < (%(at)s AT TIME ZONE q.time_zone)::date
             GROUP BY 1
            """,
            {"people": list(reviewer_ids), "since": since, "at": at},
        )
        return {int(row[0]): QuotaUse(*map(int, row[1:])) for row in cursor.fetchall()}
