"""The queue's hot statements, each one round trip and one transaction of its own.

The functions stand in ``annotations/sql``; what each does, and why it stays fast however long the queue
and however old the oldest snapshot, stands in docs/decisions.md, "The queue".
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from annotations.models import Annotation, Lane, Project
from clips.models import Clip
from config import prepared
from workforce.models import Team


@dataclass(frozen=True)
class Taken:
    """What :func:`take` answered: an outcome, the quota day after it, the leases."""

    outcome: str
    quota_day_id: int | None
    day: date | None
    time_zone: str
    day_limit: int
    used: int
    held: int
    lease_ids: list[int]
    at: datetime


def take(user_id: int, count: int, key: str | None = None) -> Taken:
    """Take up to ``count`` seats for the reviewer with this sign-in.

    Outcomes: granted, nothing, holding-enough, exposure-reached, quota-exhausted, you-are-paused, team-is-paused,
    repeated (the same key: the same leases), key-reused (the key with another count), not-a-reviewer, not-begun (their
    first day is to come), and where the team keeps hours: off-shift, hours-unknown (work them out, and ask again).
    """
    found = prepared.rows(
        "SELECT outcome, quota_day_id, day, time_zone, day_limit, used, held, lease_ids, at"
        " FROM sightline_take(%s::bigint, %s::integer, %s::text)",
        [user_id, count, key],
    )
    return Taken(*found[0])


@dataclass(frozen=True)
class Submitted:
    """What :func:`submit` answered."""

    outcome: str
    annotation_id: int | None
    task_is_full: bool


def submit(user_id: int, lease_id: int, *, token: UUID, label: str, answer: Any, schema_version: int) -> Submitted:
    """Write an answer under a lease, once. Outcomes: written, repeated, not-found, stale-token, not-permitted (the
    owner no longer agrees; nothing was changed), and how else the lease ended: returned, skipped, lapsed (the answer is
    then kept as late)."""
    found = prepared.rows(
        "SELECT outcome, annotation_id, task_is_full"
        " FROM sightline_submit(%s::bigint, %s::bigint, %s::uuid, %s::text, %s::jsonb, %s::integer)",
        [user_id, lease_id, token, label, json.dumps(answer), schema_version],
    )
    return Submitted(*found[0])


@dataclass(frozen=True)
class Held:
    """Of a lease what an answer under it is judged by."""

    token: UUID
    state: str
    label_schema: dict[str, Any]
    schema_version: int


def held(user_id: int, lease_id: int) -> Held | None:
    """This sign-in's lease; None for absent ones and other people's."""
    found = prepared.rows(
        """
        SELECT l.token, l.state, p.label_schema::text, p.schema_version
          FROM annotations_lease l
          JOIN workforce_reviewer r ON r.id = l.reviewer_id
          JOIN annotations_task t ON t.id = l.task_id
          JOIN annotations_project p ON p.id = t.project_id
         WHERE l.id = %s::bigint AND r.user_id = %s::bigint
        """,
        [lease_id, user_id],
    )
    return Held(found[0][0], found[0][1], json.loads(found[0][2]), found[0][3]) if found else None


def annotation_under(lease_id: int) -> Annotation:
    """The annotation that was submitted under a lease."""
    fields = [str(field.column) for field in Annotation._meta.concrete_fields]
    columns = ", ".join("answer::text" if name == "answer" else name for name in fields)
    row = prepared.rows(f"SELECT {columns} FROM annotations_annotation WHERE lease_id = %s::bigint", [lease_id])[0]  # noqa: S608
    values = [json.loads(value) if name == "answer" else value for name, value in zip(fields, row, strict=True)]
    return Annotation.from_db(connection.alias, [field.attname for field in Annotation._meta.concrete_fields], values)


@dataclass(frozen=True)
class LeaseRow:
    """A lease with all that its holder is told, from one statement."""

    id: int
    token: UUID
    state: str
    granted_at: datetime
    expires_at: datetime
    task_id: int
    due_at: datetime | None
    project_id: int
    slug: str
    name: str
    schema_version: int
    starts_blurred: bool
    label_schema: dict[str, Any]
    clip_id: int
    kind: str
    duration_ms: int
    faces: str
    renditions: dict[str, list[int]]
    """By kind: its number and its size in bytes."""
    read_at: datetime


def lease_rows(lease_ids: Sequence[int]) -> list[LeaseRow]:
    """The leases with these numbers, in the order of their numbers."""
    found = prepared.rows(
        """
        SELECT l.id, l.token, l.state, l.granted_at, l.expires_at, t.id, t.due_at,
               p.id, p.slug, p.name, p.schema_version, p.starts_blurred, p.label_schema::text,
               c.id, c.kind, c.duration_ms, p.faces,
               (SELECT json_object_agg(m.kind, json_build_array(m.id, m.size_bytes))
                  FROM clips_rendition m WHERE m.clip_id = c.id)::text,
               clock_timestamp()
          FROM annotations_lease l
          JOIN annotations_task t ON t.id = l.task_id
          JOIN annotations_project p ON p.id = t.project_id
          JOIN clips_clip c ON c.id = t.clip_id
         WHERE l.id = ANY (%s::bigint[])
         ORDER BY l.id
        """,
        [list(lease_ids)],
    )
    return [
        LeaseRow(*[*row[:12], json.loads(row[12]), *row[13:17], json.loads(row[17] or "{}"), row[18]]) for row in found
    ]


def return_seat(task_id: int) -> None:
    """Put a seat of a task, whose row the caller holds, back into its lane, before what was never taken."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sightline_return_seat(%s)", [task_id])


def rank_of(due_at: datetime, *, priority: int) -> int:
    """A task's virtual deadline in milliseconds: when it is due, less its priority in hours."""
    return int(due_at.timestamp() * 1000) - priority * 3_600_000


def lane_for(*, team: Team | int, project: Project, clip: Clip) -> Lane:
    """The lane of tasks that ask the same of a reviewer as this clip in this project; made when it is the first."""
    lane, _made = Lane.objects.get_or_create(
        team_id=team if isinstance(team, int) else team.pk,
        project=project,
        region=clip.region,
        skills=sorted(project.skills),
        clearance=int(clip.is_sensitive),
        language=project.language_of(clip),
    )
    return lane


def enter(lane: Lane, ranks: Sequence[int]) -> None:
    """Make a lane ready for tasks of these ranks, which the caller inserts in the same transaction; locks the lane
    until then. What enters before the tail makes every bookmark in the lane worthless, and what enters before the head
    moves the head back.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT sightline_enter(%s, %s, %s)", [lane.pk, min(ranks), max(ranks)])


def beat(user_id: int, lease_id: int, *, token: UUID, lost_ms: int, since: datetime, at: datetime) -> bool:
    """Move this sign-in's clock on this live lease forward to ``at``; False when there is none that beat since
    ``since``, or when the day it counts for is over."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE annotations_activeclock c
               SET beat_at = %(at)s,
                   lost_ms = c.lost_ms + LEAST(%(lost)s, floor(extract(epoch FROM %(at)s - c.beat_at) * 1000))::integer
              FROM annotations_lease l JOIN workforce_reviewer r ON r.id = l.reviewer_id
             WHERE l.id = %(lease)s AND r.user_id = %(user)s AND l.token = %(token)s
               AND l.state = 'live' AND l.expires_at > %(at)s
               AND c.reviewer_id = r.id AND c.lease_id = l.id
               AND c.beat_at BETWEEN %(since)s AND %(at)s AND c.day_ends_at > %(at)s
            """,
            {"user": user_id, "lease": lease_id, "token": token, "lost": lost_ms, "since": since, "at": at},
        )
        return cursor.rowcount == 1


def median_paces(reviewer_ids: Collection[int], *, since: datetime, spans: int, least: int) -> dict[int, float]:
    """Median active seconds per answered lease of each person, over their latest ``spans`` spans that ended after
    ``since``; nothing for those with fewer than ``least`` such leases."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT one.reviewer_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY one.seconds)
              FROM (
                SELECT p.id AS reviewer_id,
                       sum(extract(epoch FROM s.ended_at - s.started_at) - s.lost_ms / 1000.0)::float AS seconds
                  FROM unnest(%(people)s::bigint[]) p(id)
                 CROSS JOIN LATERAL (
                        SELECT a.* FROM annotations_activespan a
                         WHERE a.reviewer_id = p.id AND a.ended_at > %(since)s
                         ORDER BY a.ended_at DESC LIMIT %(spans)s) s
                  JOIN annotations_lease l ON l.id = s.lease_id AND l.state = 'submitted'
                 GROUP BY p.id, s.lease_id
              ) one
             GROUP BY one.reviewer_id
            HAVING count(*) >= %(least)s
            """,
            {"people": list(reviewer_ids), "since": since, "spans": spans, "least": least},
        )
        return {int(person): float(seconds) for person, seconds in cursor.fetchall()}


def forget_old_heads() -> int:
    """Delete all heads but each lane's newest; returns how many. Claims under way still see what they began with."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM annotations_head h
             USING annotations_lane ln
             CROSS JOIN LATERAL (
                    SELECT n.number FROM annotations_head n WHERE n.lane_id = ln.id ORDER BY n.number DESC LIMIT 1) last
             WHERE h.lane_id = ln.id AND h.number < last.number
            """
        )
        return cursor.rowcount


def freeze(run_id: int, rows: QuerySet[Any]) -> int:
    """Write down which rows a bulk action is about, in the order of their numbers; returns how many. One statement,
    which brings none of them here."""
    asked, values = rows.order_by().values("pk").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO annotations_bulkitem (run_id, place, object_id, outcome, why)"  # noqa: S608
            f" SELECT %s, row_number() OVER (ORDER BY q.id), q.id, '', '' FROM ({asked}) AS q (id)",
            [run_id, *values],
        )
        return cursor.rowcount
