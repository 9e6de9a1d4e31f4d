"""What a workforce would have done with a world's clips in two weeks: tasks, leases, answers and their time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from benchmarks.plan import FIRST
from benchmarks.rig import data, engines

SECONDS_IN_A_FORTNIGHT = 14 * 24 * 3600


def add_work(made: data.Dataset, clips: int) -> None:
    """A task of each clip of the world, with leases and answers, as two weeks would have left them."""
    at = datetime.now(UTC)
    values = {"first": FIRST, "clips": clips, "at": at, "span": SECONDS_IN_A_FORTNIGHT}
    values["zone"] = data.zone_far_from_midnight(at)
    with engines.connect(made.database) as link:
        run = link.execute
        run("SET session_replication_role = replica")  # foreign keys hold by construction
        run("SET synchronous_commit = off")
        run("SET maintenance_work_mem = '256MB'")
        run(
            """
            INSERT INTO annotations_lane (team_id, project_id, region, skills, clearance)
            SELECT pt.team_id, p.id, g.code, p.skills, 0
              FROM annotations_project p JOIN annotations_project_teams pt ON pt.project_id = p.id
              JOIN workforce_team w ON w.id = pt.team_id JOIN workforce_region g ON g.id = w.region_id
             WHERE p.slug LIKE 'world-%'
            """
        )
        data._insert(
            link,
            "annotations.Task",
            {
                "project_id": "ln.project_id",
                "clip_id": "c.id",
                "team_id": "ln.team_id",
                "lane_id": "ln.id",
                "rank": "c.id",
                "state": "x.state",
                "state_since": "x.came",
                "due_at": "CASE WHEN x.state IN ('settled', 'disputed') THEN NULL"
                " ELSE %(at)s + interval '1 second' * ((c.id * 7919) %% 172800 - 3600) END",
                "overlap": "2",
                "seats_left": "CASE WHEN x.state IN ('open', 'stopped') THEN 2 ELSE 0 END",
                "answers": "CASE WHEN x.state IN ('open', 'stopped') THEN 0 ELSE 2 END",
                "label": "CASE WHEN x.state <> 'settled' THEN ''"
                " WHEN c.id %% 20 = 0 THEN 'threat' ELSE 'false_alarm' END",
                "votes": "'{}'::jsonb",
                "created_at": "x.came",
            },
            """
            FROM clips_clip c
            JOIN (SELECT l.region, p.clip_kind, array_agg(l.id ORDER BY l.id) AS ids
                    FROM annotations_lane l JOIN annotations_project p ON p.id = l.project_id
                   WHERE p.slug LIKE 'world-%%' GROUP BY 1, 2) o ON o.region = c.region AND o.clip_kind = c.kind
            CROSS JOIN LATERAL (
                SELECT CASE WHEN k < 700 THEN 'settled' WHEN k < 985 THEN 'open' WHEN k < 992 THEN 'full'
                            WHEN k < 996 THEN 'disputed' ELSE 'stopped' END AS state,
                       %(at)s - interval '1 second' * (%(span)s * (%(first)s + %(clips)s - c.id) / %(clips)s) AS came
                  FROM (SELECT (c.id * 7919) %% 1000 AS k) y) x
            JOIN annotations_lane ln ON ln.id = o.ids[1 + c.id / 60 %% cardinality(o.ids)]
            WHERE c.id >= %(first)s ORDER BY c.id
            """,
            values,
        )
        _holds(link, values)
        run("SET session_replication_role = DEFAULT")
        run("VACUUM (ANALYZE)")
        run("CHECKPOINT")


def _holds(link: data.Link, values: dict[str, Any]) -> None:
    """Two submitted leases and answers of each task that is answered; of the open ones some are held, some lapsed; each
    on one of a fortnight of days that everybody began, with the time that each answer took."""
    data._insert(
        link,
        "workforce.QuotaDay",
        {
            "reviewer_id": "r.id",
            "day": "d.day::date",
            "time_zone": "%(zone)s",
            "day_limit": "150",
            "limit_source": "'global'",
            "allowed": "150",
            "skips": "r.id %% 3",
            "exposed_ms": "CASE WHEN r.id %% 5 = 0 THEN 60000 ELSE 0 END",
            "exposure_allowed_ms": "3600000",
        },
        "FROM workforce_reviewer r CROSS JOIN generate_series((%(at)s AT TIME ZONE %(zone)s)::date - 15,"
        " (%(at)s AT TIME ZONE %(zone)s)::date, interval '1 day') d(day) ON CONFLICT DO NOTHING",
        values,
    )
    link.execute("ANALYZE workforce_quotaday")
    data._insert(
        link,
        "annotations.Lease",
        {
            "task_id": "y.task_id",
            "reviewer_id": "y.reviewer_id",
            "quota_day_id": "q.id",
            "token": "gen_random_uuid()",
            "state": "y.state",
            "granted_at": "y.granted_at",
            "expires_at": "CASE WHEN y.state = 'live' THEN %(at)s + interval '1 second' * (600 + y.task_id %% 1800)"
            " ELSE y.granted_at + interval '1 hour' END",
            "ended_at": "CASE WHEN y.state = 'live' THEN NULL ELSE y.granted_at + interval '45 seconds' END",
            "recall_reason": "CASE WHEN y.state = 'recalled' THEN 'ops' ELSE '' END",
        },
        """
        FROM (SELECT t.id AS task_id, s.n, x.state, p.ids[1 + (t.id + s.n) %% cardinality(p.ids)] AS reviewer_id,
                     CASE WHEN x.state = 'live' THEN %(at)s - interval '1 second' * (t.id %% 1200) ELSE
                     least(%(at)s - interval '2 minutes', t.created_at + interval '1 second' * (t.id * 37 %% 14400))
                     END AS granted_at
                FROM annotations_task t
                JOIN (SELECT r.team_id, array_agg(r.id ORDER BY r.id) AS ids
                        FROM workforce_reviewer r GROUP BY 1) p ON p.team_id = t.team_id
                CROSS JOIN generate_series(0, 1) s(n)
                CROSS JOIN LATERAL (
                      SELECT CASE WHEN t.answers > 0 THEN 'submitted' WHEN t.id %% 40 = 0 AND s.n = 0 THEN 'live'
                                  WHEN t.id %% 40 = 1 THEN 'lapsed' WHEN t.id %% 400 = 2 THEN 'recalled' END
                             AS state) x
               WHERE t.clip_id >= %(first)s AND x.state IS NOT NULL) y
        JOIN workforce_quotaday q ON q.reviewer_id = y.reviewer_id
         AND q.day = (y.granted_at AT TIME ZONE %(zone)s)::date
        ORDER BY y.granted_at
        """,
        values,
    )
    data._insert(
        link,
        "annotations.Annotation",
        {
            "lease_id": "e.id",
            "task_id": "e.task_id",
            "reviewer_id": "e.reviewer_id",
            "schema_version": "1",
            "label": "CASE WHEN e.id %% 20 = 0 THEN 'threat' ELSE 'false_alarm' END",
            "answer": """'{"label": "threat"}'""",
            "submitted_at": "e.ended_at",
        },
        "FROM annotations_lease e JOIN annotations_task t ON t.id = e.task_id"
        " WHERE e.state = 'submitted' AND t.clip_id >= %(first)s ORDER BY e.id",
        values,
    )
    link.execute(
        """
        UPDATE workforce_quotaday q SET used = n.used, held = n.held, day_limit = greatest(150, n.used + n.held),
               allowed = greatest(150, n.used + n.held)
          FROM (SELECT quota_day_id AS id, count(*) FILTER (WHERE state = 'submitted') AS used,
                       count(*) FILTER (WHERE state = 'live') AS held
                  FROM annotations_lease GROUP BY 1) n
         WHERE n.id = q.id AND n.used + n.held > 0
        """
    )
    _spans(link, values)


def _spans(link: data.Link, values: dict[str, Any]) -> None:
    """How long each answer took: 20 to 60 seconds, one after the other from each day's beginning."""
    (kept,), *_ = link.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'active_span_no_overlap'"
    ).fetchall()
    link.execute("ALTER TABLE annotations_activespan DROP CONSTRAINT active_span_no_overlap")
    data._insert(
        link,
        "annotations.ActiveSpan",
        {
            "reviewer_id": "e.reviewer_id",
            "lease_id": "e.id",
            "day": "e.day",
            "time_zone": "%(zone)s",
            "started_at": "e.day + interval '90 seconds' * e.number",
            "ended_at": "e.day + interval '90 seconds' * e.number + interval '1 second' * (20 + e.id * 31 %% 41)",
        },
        "FROM (SELECT l.id, l.reviewer_id, q.day,"
        " row_number() OVER (PARTITION BY l.reviewer_id, q.day ORDER BY l.id) AS number"
        " FROM annotations_lease l JOIN workforce_quotaday q ON q.id = l.quota_day_id"
        " WHERE l.state = 'submitted') e ORDER BY e.day, e.id",
        values,
    )
    link.execute(f"ALTER TABLE annotations_activespan ADD CONSTRAINT active_span_no_overlap {kept}")
