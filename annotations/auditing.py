"""Auditing: the queue's promises, asked of its rows. Each check is one query that finds the first row that breaks it.

All are asked of one snapshot, so that a busy queue is not mistaken for a broken one. The numbers are those of the
invariants in docs/decisions.md.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from annotations.models import AuditRun
from config.clock import database_now


@dataclass(frozen=True)
class Check:
    """One promise, and the query whose every row breaks it. The query's first column names the row."""

    name: str
    promise: str
    query: str


@dataclass(frozen=True)
class Finding:
    """A promise that is broken: how often, and by which row first."""

    check: Check
    count: int
    first: dict[str, Any]


CHECKS = [
    Check(
        "quota-counters",
        "A quota day's held are its live leases, and its used those that were answered or flagged as sensitive.",
        # What was flagged as broken ended by that; a lease that was flagged otherwise ended by a sensitive flag.
        """
        SELECT q.id AS quota_day, q.held, q.used, count(l.id) FILTER (WHERE l.state = 'live') AS live,
               count(l.id) FILTER (WHERE l.spent) AS spent
          FROM workforce_quotaday q
          LEFT JOIN (
                SELECT e.id, e.quota_day_id, e.state,
                       e.state = 'submitted' OR e.state = 'flagged' AND NOT EXISTS (
                            SELECT 1 FROM annotations_flag f WHERE f.lease_id = e.id AND f.kind = 'broken') AS spent
                  FROM annotations_lease e
               ) l ON l.quota_day_id = q.id
         GROUP BY q.id
        HAVING q.held <> count(l.id) FILTER (WHERE l.state = 'live') OR q.used <> count(l.id) FILTER (WHERE l.spent)
        """,
    ),
    Check(
        "quota-within-allowed",
        "Used and held are never more than allowed, and allowed is never less than the day's limit.",
        "SELECT id AS quota_day, used, held, allowed FROM workforce_quotaday"
        " WHERE used + held > allowed OR allowed < day_limit",
    ),
    Check(
        "skills-in-force",
        "What the claim reads of a person's skills is what their rows say, but for a minute or so after one expires.",
        """
        SELECT r.id AS reviewer, r.skills, sightline_skills(r.id, now()) AS in_force
          FROM workforce_reviewer r
         WHERE r.skills IS DISTINCT FROM sightline_skills(r.id, now())
           AND r.skills IS DISTINCT FROM sightline_skills(r.id, now() - interval '5 minutes')
        """,
    ),
    Check(
        "lease-on-its-day",
        "A lease counts on the local date of its grant, by the zone that was in force.",
        """
        SELECT l.id AS lease, l.granted_at, q.day, q.time_zone
          FROM annotations_lease l JOIN workforce_quotaday q ON q.id = l.quota_day_id
         WHERE (l.granted_at AT TIME ZONE q.time_zone)::date <> q.day OR q.reviewer_id <> l.reviewer_id
        """,
    ),
    Check(
        "seats",
        "A task's free seats, those for later, live leases and answers are its overlap.",
        """
        SELECT t.id AS task, t.overlap, t.seats_left, t.seats_later, t.answers, count(l.id) AS live
          FROM annotations_task t LEFT JOIN annotations_lease l ON l.task_id = t.id AND l.state = 'live'
         GROUP BY t.id
        HAVING t.seats_left + t.seats_later + t.answers + count(l.id) <> t.overlap
        """,
    ),
    Check(
        "answers",
        "A task's count of answers is its annotations.",
        """
        SELECT t.id AS task, t.answers, count(a.id) AS annotations
          FROM annotations_task t LEFT JOIN annotations_annotation a ON a.task_id = t.id
         GROUP BY t.id
        HAVING t.answers <> count(a.id)
        """,
    ),
    Check(
        "never-twice",
        "Nobody holds or has held two seats of one task.",
        "SELECT min(id) AS lease, task_id AS task, reviewer_id AS reviewer FROM annotations_lease"
        " GROUP BY task_id, reviewer_id HAVING count(*) > 1",
    ),
    Check(
        "seats-apart",
        "Where each answer is for another team, no team has given two, and none that gave one is asked again.",
        """
        SELECT t.id AS task, t.team_id AS team, count(a.id) AS answers, count(DISTINCT a.team_id) AS teams
          FROM annotations_task t JOIN annotations_annotation a ON a.task_id = t.id
         WHERE t.seats_apart
         GROUP BY t.id
        HAVING count(DISTINCT a.team_id) < count(a.id)
            OR t.state = 'open' AND t.overlap > t.answers + t.seats_later
               AND bool_or(a.team_id IS NOT DISTINCT FROM t.team_id)
        """,
    ),
    Check(
        "annotation-under-its-lease",
        "Every submitted lease has one annotation, of its task and reviewer, and no other lease has any.",
        """
        SELECT l.id AS lease, l.state, a.id AS annotation
          FROM annotations_lease l FULL JOIN annotations_annotation a ON a.lease_id = l.id
         WHERE (l.state = 'submitted') IS DISTINCT FROM (a.id IS NOT NULL)
            OR (a.id IS NOT NULL AND (a.task_id <> l.task_id OR a.reviewer_id <> l.reviewer_id))
        """,
    ),
    Check(
        "due-times",
        "What waits has a due time.",
        """
        SELECT 'clip' AS kind, id FROM clips_clip WHERE state NOT IN ('ready', 'failed', 'withheld', 'purged')
           AND due_at IS NULL
        UNION ALL
        SELECT 'task', id FROM annotations_task WHERE state IN ('open', 'full', 'stopped') AND due_at IS NULL
        UNION ALL
        SELECT 'case', id FROM clips_case WHERE state = 'open' AND due_at IS NULL
        UNION ALL
        SELECT 'export', id FROM annotations_export WHERE state IN ('requested', 'writing', 'retracted')
           AND due_at IS NULL
        UNION ALL
        SELECT 'purge', id FROM clips_purge WHERE state <> 'done' AND due_at IS NULL
        """,
    ),
    Check(
        "purged-is-purged",
        "Of a purged clip nothing is known, its purge is done and stands in the ledger, and nobody holds it.",
        """
        SELECT c.id AS clip
          FROM clips_clip c
         WHERE c.state = 'purged'
           AND (EXISTS (SELECT 1 FROM clips_rendition r WHERE r.clip_id = c.id)
                OR EXISTS (SELECT 1 FROM clips_print p WHERE p.clip_id = c.id)
                OR EXISTS (SELECT 1 FROM clips_deviceevent e WHERE e.clip_id = c.id)
                OR EXISTS (SELECT 1 FROM clips_likeness k WHERE c.id IN (k.clip_id, k.other_id))
                OR EXISTS (SELECT 1 FROM clips_clip d WHERE d.same_as_id = c.id)
                OR NOT EXISTS (SELECT 1 FROM clips_purge g WHERE g.clip_id = c.id AND g.state = 'done')
                OR NOT EXISTS (SELECT 1 FROM clips_purgedkey l WHERE l.clip = c.id)
                OR EXISTS (SELECT 1 FROM annotations_annotation a JOIN annotations_task t ON t.id = a.task_id
                            WHERE t.clip_id = c.id AND a.answer ? 'note'))
        """,
    ),
    Check(
        "sweeps-keep-up",
        "No lease is live a minute after its time, and no task is full for ten minutes.",
        """
        SELECT 'lease' AS kind, id FROM annotations_lease
         WHERE state = 'live' AND expires_at < now() - interval '1 minute'
        UNION ALL
        SELECT 'task', id FROM annotations_task WHERE state = 'full' AND state_since < now() - interval '10 minutes'
        """,
    ),
    Check(
        "heads-pass-no-free-seat",
        "Every free seat of an open task is at or behind its lane's head.",
        """
        SELECT t.id AS task, t.rank, n.lane_id AS lane, n.head_rank, n.tail_rank, n.express_head, n.express_next
          FROM annotations_task t
          LEFT JOIN (
                SELECT h.*
                  FROM annotations_lane ln
                 CROSS JOIN LATERAL (
                        SELECT * FROM annotations_head WHERE lane_id = ln.id ORDER BY number DESC LIMIT 1) h
               ) n ON n.lane_id = t.lane_id
         WHERE t.state = 'open' AND t.seats_left > 0
           AND CASE WHEN n.lane_id IS NULL THEN true
                    WHEN t.rank < 100000000000 THEN t.rank < n.express_head OR t.rank >= n.express_next
                    ELSE t.rank < n.head_rank OR t.rank > n.tail_rank END
        """,
    ),
    Check(
        "lane-fits-its-tasks",
        "An open task lies in a lane of its team, its project, its clip's region and the clearance its clip asks for.",
        """
        SELECT t.id AS task, n.id AS lane
          FROM annotations_task t
          JOIN annotations_lane n ON n.id = t.lane_id
          JOIN clips_clip c ON c.id = t.clip_id
         WHERE t.state = 'open'
           AND (n.team_id <> t.team_id OR n.project_id <> t.project_id OR n.region <> c.region
                OR n.clearance < c.is_sensitive::integer)
        """,
    ),
    Check(
        "lane-speaks-its-tasks-language",
        "An open task that asks for a language asks for its clip's.",
        """
        SELECT t.id AS task, n.id AS lane, n.language, c.language AS spoken
          FROM annotations_lane n
          JOIN annotations_task t ON t.lane_id = n.id
          JOIN clips_clip c ON c.id = t.clip_id
         WHERE n.language <> '' AND t.state = 'open' AND n.language <> c.language
        """,
    ),
    Check(
        "nothing-held-of-what-may-not-be-seen",
        "No lease is live on a clip that is not ready, or a minute after its owner's consent ended.",
        """
        SELECT l.id AS lease, t.id AS task, c.id AS clip, c.state
          FROM annotations_lease l
          JOIN annotations_task t ON t.id = l.task_id
          JOIN annotations_project p ON p.id = t.project_id
          JOIN clips_clip c ON c.id = t.clip_id
         WHERE l.state = 'live'
           AND (c.state <> 'ready' OR t.state <> 'open'
                OR NOT EXISTS (SELECT 1 FROM clips_permit m WHERE m.clip_id = c.id AND m.purpose = p.purpose
                                  AND m.until > now() - interval '1 minute')
               AND NOT EXISTS (SELECT 1 FROM clips_closing w WHERE w.clip_id = c.id
                                  AND w.due_at > now() - interval '1 minute'))
        """,
    ),
    Check(
        "permits-follow-from-events",
        "What is permitted of a clip is what its owner's events leave standing, and nothing else.",
        """
        SELECT coalesce(m.clip_id, s.clip_id) AS clip, coalesce(m.purpose, s.purpose) AS purpose, m.id AS permit
          FROM (SELECT * FROM clips_permit WHERE until > clock_timestamp()) m
          FULL JOIN (
                SELECT c.id AS clip_id, p.purpose,
                       max(coalesce(g.expires_at, '9999-01-01 00:00:00+00')) AS until
                  FROM clips_clip c
                  JOIN clips_consentevent g
                    ON g.owner_key = c.owner_key AND g.kind = 'given' AND (g.clip_id = c.id OR g.clip_id IS NULL)
                  JOIN clips_disclosure d ON d.id = g.disclosure_id AND d.region = c.region
                 CROSS JOIN LATERAL unnest(g.purposes) AS p(purpose)
                 WHERE NOT EXISTS (
                        SELECT 1 FROM clips_consentevent w
                         WHERE w.owner_key = g.owner_key AND w.kind = 'withdrawn'
                           AND (w.clip_id = c.id OR w.clip_id IS NULL) AND p.purpose = ANY (w.purposes)
                           AND (w.at >= g.at OR w.id > g.id))
                 GROUP BY c.id, p.purpose
               ) s ON s.clip_id = m.clip_id AND s.purpose = m.purpose
         WHERE m.until IS DISTINCT FROM s.until AND greatest(m.until, s.until) > clock_timestamp() + interval '1 second'
        """,
    ),
    Check(
        "withdrawals-are-carried-out",
        "A minute after an owner withdrew nothing is left to end, but of a clip whose bytes are still on their way.",
        """
        SELECT w.clip_id AS clip, w.event_id AS event
          FROM clips_closing w JOIN clips_clip c ON c.id = w.clip_id
         WHERE w.due_at < now() - interval '1 minute' AND c.state <> 'receiving'
        """,
    ),
    Check(
        "flagged-leases-have-flags",
        "A lease that ended by a flag has one, and each flag has its case on its task's clip.",
        """
        SELECT l.id AS lease, f.id AS flag
          FROM annotations_lease l
          JOIN annotations_task t ON t.id = l.task_id
          LEFT JOIN annotations_flag f ON f.lease_id = l.id
          LEFT JOIN clips_case k ON k.id = f.case_id
         WHERE (l.state = 'flagged' AND f.id IS NULL) OR (f.id IS NOT NULL AND k.clip_id <> t.clip_id)
        """,
    ),
    Check(
        "settled-as-voted",
        "A settled task's label is the one most of its annotations chose.",
        """
        SELECT t.id AS task, t.label
          FROM annotations_task t
         WHERE t.state = 'settled'
           AND EXISTS (
                SELECT 1 FROM annotations_annotation a WHERE a.task_id = t.id AND a.label <> t.label
                 GROUP BY a.label
                HAVING count(*) >= (SELECT count(*) FROM annotations_annotation b
                                     WHERE b.task_id = t.id AND b.label = t.label)
           )
        """,
    ),
]


def audit() -> list[Finding]:
    """Ask every check of one snapshot; returns what is broken. Writes nothing, waits for nobody."""
    found = []
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SET LOCAL statement_timeout = '10min'")
        cursor.execute("SET LOCAL max_parallel_workers_per_gather = 2")
        for check in CHECKS:
            cursor.execute(f"SELECT *, count(*) OVER () AS broken FROM ({check.query}) bad LIMIT 1")  # noqa: S608
            row = cursor.fetchone()
            if row is not None:
                names = [column.name for column in cursor.description or ()]
                first = dict(zip(names, row, strict=True))
                found.append(Finding(check, int(first.pop("broken")), first))
    return found


KEPT_RUNS = 1000


def audit_and_record() -> list[Finding]:
    """Audit, and keep what came of it for the admin's page; returns what is broken."""
    asked_at, began = database_now(), time.monotonic()
    found = audit()
    run = AuditRun.objects.create(
        asked_at=asked_at,
        seconds=round(time.monotonic() - began, 3),
        checks=len(CHECKS),
        findings=[
            {"name": item.check.name, "promise": item.check.promise, "count": item.count, "first": item.first}
            for item in found
        ],
    )
    AuditRun.objects.filter(pk__lte=run.pk - KEPT_RUNS).delete()
    return found
