"""The simulation's own SQL: a clock that is set, and many people's next steps in one call.

All of it lives in the schema ``simulated`` of a scratch database, which its search path names before ``pg_catalog``: so
every function, trigger and default of the project that asks for the time is given the session's ``sightline.now``.
Not one of the project's functions is changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

CLOCK = "\n".join(
    f"CREATE FUNCTION simulated.{name}() RETURNS timestamptz LANGUAGE sql VOLATILE"
    " AS $$ SELECT current_setting('sightline.now')::timestamptz $$;"
    for name in ("clock_timestamp", "statement_timestamp", "transaction_timestamp", "now")
)
PLAY = """
CREATE FUNCTION simulated.play(
    p_users bigint[], p_leases bigint[], p_labels text[], p_wants integer[], p_ats timestamptz[]
)
RETURNS TABLE (submitted text, filled boolean, taken text, leases bigint[], clips bigint[])
LANGUAGE plpgsql AS $$
BEGIN
    FOR place IN 1..cardinality(p_users) LOOP
        PERFORM set_config('sightline.now', p_ats[place]::text, false);
        submitted := NULL;
        filled := NULL;
        taken := NULL;
        leases := '{}';
        clips := '{}';
        IF p_leases[place] IS NOT NULL THEN
            SELECT x.outcome, x.task_is_full INTO submitted, filled
              FROM annotations_lease l
              JOIN annotations_task t ON t.id = l.task_id
              JOIN annotations_project p ON p.id = t.project_id
             CROSS JOIN LATERAL sightline_submit(
                    p_users[place], l.id, l.token, p_labels[place], jsonb_build_object('label', p_labels[place]),
                    p.schema_version) x
             WHERE l.id = p_leases[place];
        END IF;
        IF p_wants[place] > 0 THEN
            SELECT x.outcome, x.lease_ids INTO taken, leases
              FROM sightline_take(p_users[place], p_wants[place], NULL) x;
            SELECT coalesce(array_agg(l.id ORDER BY l.id), '{}'), coalesce(array_agg(t.clip_id ORDER BY l.id), '{}')
              INTO leases, clips
              FROM annotations_lease l JOIN annotations_task t ON t.id = l.task_id
             WHERE l.id = ANY (leases);
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
-- As in what it calls: each step is a look-up by number, never a list of all that somebody ever held.
ALTER FUNCTION simulated.play(bigint[], bigint[], text[], integer[], timestamptz[])
      SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION simulated.play(bigint[], bigint[], text[], integer[], timestamptz[]) SET enable_seqscan = off;
"""
# What grows or changes all the time: cleaned at set times here, so that the same seed meets the same rows.
BUSY = [
    "annotations_task",
    "annotations_lease",
    "annotations_annotation",
    "annotations_head",
    "annotations_bookmark",
    "annotations_activespan",
    "annotations_planline",
    "annotations_plan",
    "workforce_quotaday",
    "clips_clip",
    "clips_permit",
    "clips_rendition",
]
# What follows for clips that are there: what their owners permit, and something to be shown.
AGREED = """
INSERT INTO clips_permit (clip_id, purpose, event_id, until)
SELECT c.id, p.purpose, g.id, '9999-01-01 00:00:00+00'
  FROM clips_clip c
 CROSS JOIN LATERAL (
        SELECT e.id, e.purposes FROM clips_consentevent e WHERE e.owner_key = c.owner_key OFFSET 0) g
 CROSS JOIN LATERAL unnest(g.purposes) AS p(purpose)
 WHERE c.id = ANY (%s) ORDER BY c.id
"""
PROXIES = """
INSERT INTO clips_rendition
       (clip_id, kind, attempt, key, content_type, size_bytes, sha256, width, height, duration_ms)
SELECT id, 'proxy', 1, original_key || '/proxy', 'video/mp4', 1, repeat('0', 64), 1280, 720, duration_ms
  FROM clips_clip WHERE id = ANY (%s) ORDER BY id
"""


@dataclass(frozen=True)
class Step:
    """What one person does at one instant: answers under a lease, if any, and asks for so many tasks."""

    user_id: int
    lease_id: int | None
    label: str
    wants: int
    at: datetime


@dataclass(frozen=True)
class Answer:
    """What the queue said to a step."""

    submitted: str | None
    filled: bool | None
    taken: str | None
    leases: list[int]
    clips: list[int]


def set_clock(at: datetime) -> None:
    """Let it be this instant for the session."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('sightline.now', %s, false)", [at.isoformat()])


def play(steps: Sequence[Step]) -> list[Answer]:
    """Let these people act, one after the other in this order, each at their own instant, in one transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM simulated.play(%s::bigint[], %s::bigint[], %s::text[], %s::integer[], %s::timestamptz[])",
            [
                [step.user_id for step in steps],
                [step.lease_id for step in steps],
                [step.label for step in steps],
                [step.wants for step in steps],
                [step.at for step in steps],
            ],
        )
        return [Answer(*row) for row in cursor.fetchall()]


def is_scratch() -> bool:
    """Whether the connected database has a simulated clock."""
    return bool(_rows("SELECT to_regprocedure('simulated.clock_timestamp()') IS NOT NULL")[0][0])


def clean() -> None:
    """Vacuum and analyze what grows; beside it no autovacuum runs in the scratch database's busy tables."""
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM (ANALYZE, PARALLEL 0) {', '.join(BUSY)}")


def prepare() -> None:
    """Leave the cleaning of busy tables to :func:`clean`, and permits of new clips to :func:`add_clips`."""
    with connection.cursor() as cursor:
        for table in BUSY:
            cursor.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
        cursor.execute("ALTER TABLE clips_clip DISABLE TRIGGER consented")


def add_clips(
    *,
    region: str,
    kind: str,
    language: str,
    count: int,
    sensitive: int,
    duration_ms: int,
    by: int,
    start: datetime,
    end: datetime,
) -> None:
    """Ready clips without bytes that came evenly between two instants, these first of them sensitive.

    As when they are prepared, they have no proxy before their owners' agreement is known. Each owner agreed once and to
    the end, so that it is written down for all of them at once.
    """
    values: dict[str, Any] = {
        "region": region,
        "kind": kind,
        "language": language,
        "count": count,
        "sensitive": sensitive,
        "ms": duration_ms,
        "by": by,
        "start": start,
        "end": end,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            WITH clip AS (
                INSERT INTO clips_clip
                       (region, kind, language, source, is_sensitive, owner_key, uploaded_by_id, created_at, state,
                        state_since, attempts, attempts_allowed, percent, failure, original_key, sha256, size_bytes,
                        duration_ms, width, height, facts)
                SELECT %(region)s, %(kind)s, %(language)s, 'owner_troubleshooting', n <= %(sensitive)s,
                       'owner-of-' || %(region)s || '-' || lpad((n %% 100)::text, 3, '0'), %(by)s, x.at, 'ready', x.at,
                       1, 3, 100, '', x.key || '/original', encode(sha256(x.key::bytea), 'hex'), 1, %(ms)s, 1280, 720,
                       '{}'
                  FROM generate_series(1, %(count)s) n
                 CROSS JOIN LATERAL (
                        SELECT %(start)s::timestamptz + (n - 1) * (%(end)s::timestamptz - %(start)s) / %(count)s AS at,
                               concat_ws('-', %(region)s, %(kind)s, extract(epoch FROM %(start)s::timestamptz), %(ms)s,
                                         n, nullif(%(language)s, '')) AS key) x
                 ORDER BY n
                RETURNING id
            )
            SELECT array_agg(id ORDER BY id) FROM clip
            """,
            values,
        )
        (made,) = cursor.fetchone() or (None,)
        cursor.execute(AGREED, [made])
        cursor.execute(PROXIES, [made])


def add_spans(spans: Sequence[tuple[int, int, datetime, datetime]]) -> None:
    """Active time as (reviewer, lease, from, to): each one span of the lease's day, as heartbeats leave it."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO annotations_activespan (reviewer_id, lease_id, day, time_zone, started_at, ended_at, lost_ms)
            SELECT x.reviewer, x.lease, q.day, q.time_zone, x.begins, x.ends, 0
              FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[], %s::timestamptz[])
                   WITH ORDINALITY x(reviewer, lease, begins, ends, place)
             -- A look-up for each, whatever the planner thinks of how many there are: not all leases there ever were.
             CROSS JOIN LATERAL (SELECT l.quota_day_id FROM annotations_lease l WHERE l.id = x.lease OFFSET 0) l
             CROSS JOIN LATERAL (
                    SELECT d.day, d.time_zone FROM workforce_quotaday d WHERE d.id = l.quota_day_id OFFSET 0) q
             ORDER BY x.place
            """,
            [list(column) for column in zip(*spans, strict=True)],
        )


def by_project() -> list[dict[str, Any]]:
    """Of each project: its tasks, how many are settled, disputed, open and late, and hours from ready to settled."""
    return _named(
        """
        SELECT p.slug AS project, count(*) AS tasks,
               count(*) FILTER (WHERE t.state = 'settled') AS settled,
               count(*) FILTER (WHERE t.state = 'disputed') AS disputed,
               count(*) FILTER (WHERE t.state NOT IN ('settled', 'disputed')) AS waiting,
               count(*) FILTER (WHERE x.done_at > x.due_at) AS late,
               round(coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY x.hours), 0)::numeric, 2)::float8
               AS hours_p50,
               round(coalesce(percentile_cont(0.9) WITHIN GROUP (ORDER BY x.hours), 0)::numeric, 2)::float8
               AS hours_p90
          FROM annotations_task t
          JOIN annotations_project p ON p.id = t.project_id
          JOIN clips_clip c ON c.id = t.clip_id
         CROSS JOIN LATERAL (
                SELECT CASE WHEN t.state IN ('settled', 'disputed') THEN t.state_since ELSE now() END AS done_at,
                       coalesce(t.due_at, t.created_at + make_interval(hours => p.due_hours)) AS due_at,
                       CASE WHEN t.state = 'settled' THEN extract(epoch FROM t.state_since - c.state_since) / 3600 END
                       AS hours) x
         GROUP BY 1 ORDER BY 1
        """
    )


def quota_by_team() -> list[dict[str, Any]]:
    """Of each team and local day: what its people were allowed and what they used."""
    return _named(
        """
        SELECT w.name AS team, q.day::text AS day, sum(q.allowed)::int AS allowed, sum(q.used)::int AS used
          FROM workforce_quotaday q
          JOIN workforce_reviewer r ON r.id = q.reviewer_id
          JOIN workforce_team w ON w.id = r.team_id
         GROUP BY 1, 2 ORDER BY 1, 2
        """
    )


def unplaced_clips() -> int:
    """Clips that no project has a task of."""
    found = _rows(
        "SELECT count(*) FROM clips_clip c WHERE NOT EXISTS (SELECT 1 FROM annotations_task t WHERE t.clip_id = c.id)"
    )
    return int(found[0][0])


def arrivals(*, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """Clips that became ready, by region, kind, language and hour of the day (UTC); mean seconds and share of sensitive
    ones are those of region, kind and language."""
    return _named(
        """
        SELECT region, kind, language, hour::int AS hour, count(*) AS clips,
               avg(avg(duration_ms)) OVER sort::float8 / 1000 AS seconds,
               avg(avg(is_sensitive::int)) OVER sort::float8 AS sensitive
          FROM (SELECT *, extract(hour FROM created_at AT TIME ZONE 'UTC') AS hour FROM clips_clip
                 WHERE state = 'ready' AND created_at >= %s AND created_at < %s) c
         GROUP BY 1, 2, 3, 4 WINDOW sort AS (PARTITION BY region, kind, language) ORDER BY 1, 2, 3, 4
        """,
        [since, until],
    )


def spread_by_team(*, since: datetime) -> dict[int, float]:
    """By team: the standard deviation of the logarithm of the active time of an answer, within each person."""
    rows = _rows(
        """
        SELECT r.team_id, sqrt(avg(x.deviation * x.deviation))
          FROM (SELECT reviewer_id, stddev_pop(ln(ms)) AS deviation
                  FROM (SELECT s.reviewer_id, s.lease_id,
                               sum(extract(epoch FROM s.ended_at - s.started_at) * 1000 - s.lost_ms) AS ms
                          FROM annotations_activespan s JOIN annotations_annotation a ON a.lease_id = s.lease_id
                         WHERE s.ended_at >= %s GROUP BY 1, 2) one
                 WHERE ms > 0 GROUP BY 1 HAVING count(*) >= 5) x
          JOIN workforce_reviewer r ON r.id = x.reviewer_id
         GROUP BY 1
        """,
        [since],
    )
    return {int(team): min(2.0, float(deviation)) for team, deviation in rows}


def _rows(query: str, values: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())


def _named(query: str, values: Sequence[Any] | None = None) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
