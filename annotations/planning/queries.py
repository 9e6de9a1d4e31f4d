"""What a plan asks of the tables and writes to them, each in one statement however many rows it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from clips.models import SHOWN, ClipKind, Faces

# Ranks below this are turns of seats that came back, as in ``sightline_take``.
EXPRESS = 100_000_000_000
# Nobody has begun it, and nobody by hand has said where it is to stay.
UNTOUCHED = """t.state = 'open' AND t.answers = 0 AND t.seats_left = t.overlap"""
KEPT = "EXISTS (SELECT 1 FROM annotations_planitem i WHERE i.task_id = t.id AND i.keeps)"
# A clip that a project wants and has no task of: the same gate as ``clips.queries.to_label`` and ``with_proxy``.
WANTED = f"""
       c.kind = p.clip_kind AND c.state = 'ready' AND c.same_as_id IS NULL AND p.is_active
   AND EXISTS (SELECT 1 FROM clips_permit m
                WHERE m.clip_id = c.id AND m.purpose = p.purpose AND m.until > clock_timestamp())
   AND EXISTS (SELECT 1 FROM clips_rendition x
                WHERE x.clip_id = c.id
                  AND (x.kind = CASE p.faces WHEN '{Faces.BLURRED}' THEN '{SHOWN[Faces.BLURRED][0]}'
                                ELSE '{SHOWN[Faces.CLEAR][0]}' END
                       OR c.kind = '{ClipKind.VOICE}' AND x.kind = '{SHOWN[Faces.CLEAR][0]}'))
   AND NOT EXISTS (SELECT 1 FROM annotations_task t WHERE t.clip_id = c.id AND t.project_id = p.id)
"""  # noqa: S608 -- nothing is put in but names of ours


@dataclass(frozen=True)
class Fresh:
    """Clips that are no tasks yet, of one sort."""

    project_id: int
    region: str
    clearance: int
    clips: int
    first: int
    """The lowest number among them."""


def fresh(project_ids: Sequence[int], *, clip_ids: Sequence[int] | None = None) -> list[Fresh]:
    """Ready clips that these projects want and have no tasks of, where a team of theirs is at home; counted."""
    return [
        Fresh(*row)
        for row in _rows(
            f"""
            SELECT p.id, c.region, c.is_sensitive::int, count(*), min(c.id)
              FROM annotations_project p
              JOIN clips_clip c ON {WANTED}
             WHERE p.id = ANY (%(projects)s)
               AND c.region IN (SELECT g.code
                                  FROM annotations_project_teams pt
                                  JOIN workforce_team w ON w.id = pt.team_id
                                  JOIN workforce_region g ON g.id = w.region_id
                                 WHERE pt.project_id = p.id)
               AND (%(clips)s::bigint[] IS NULL OR c.id = ANY (%(clips)s))
             GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
            """,  # noqa: S608
            {"projects": list(project_ids), "clips": None if clip_ids is None else list(clip_ids)},
        )
    ]


@dataclass(frozen=True)
class Lying:
    """Open tasks in one lane that are due on one day and have as many seats."""

    lane_id: int
    team_id: int
    project_id: int
    region: str
    skills: list[str]
    clearance: int
    due_on: date
    overlap: int
    due_at: datetime
    """When the first of them is due."""
    movable: int
    """Tasks that nobody has begun and that no hand put there."""
    seats: int
    """Free seats of the others."""


def lying(*, but: Sequence[int] = ()) -> list[Lying]:
    """All open tasks with a free seat, of projects that are active, but for these; counted."""
    return [
        Lying(*row)
        for row in _rows(
            f"""
            SELECT ln.id, ln.team_id, ln.project_id, ln.region, ln.skills, ln.clearance, o.due_on, o.overlap, o.due_at,
                   o.movable, o.seats
              FROM (SELECT t.lane_id, (t.due_at AT TIME ZONE 'UTC')::date AS due_on, t.overlap, min(t.due_at) AS due_at,
                           count(*) FILTER (WHERE {UNTOUCHED} AND NOT {KEPT}) AS movable,
                           coalesce(sum(t.seats_left) FILTER (WHERE NOT ({UNTOUCHED} AND NOT {KEPT})), 0) AS seats
                      FROM annotations_task t
                     WHERE t.state = 'open' AND t.seats_left > 0 AND t.id <> ALL (%(but)s)
                     GROUP BY 1, 2, 3) o
              JOIN annotations_lane ln ON ln.id = o.lane_id
              JOIN annotations_project p ON p.id = ln.project_id
             WHERE p.is_active
             ORDER BY 1, o.due_on, o.overlap
            """,  # noqa: S608
            {"but": list(but)},
        )
    ]


def seen() -> str:
    """What plans follow from beside work and time, as a short text: it is another when somebody changed something."""
    return ".".join(
        str(number)
        for number in _rows(
            """
            SELECT coalesce((SELECT max(pgh_id) FROM workforce_teamchange), 0),
                   coalesce((SELECT max(pgh_id) FROM workforce_reviewerchange), 0),
                   coalesce((SELECT max(pgh_id) FROM annotations_projectchange), 0),
                   coalesce((SELECT max(id) FROM workforce_dailylimit), 0),
                   coalesce((SELECT max(id) FROM workforce_team), 0),
                   coalesce((SELECT max(id) FROM workforce_reviewer), 0),
                   (SELECT count(*) + coalesce(sum(id), 0) FROM annotations_project_teams),
                   coalesce((SELECT max(id) FROM annotations_project), 0),
                   (SELECT concat_ws('-', max(id), count(cancelled_at)) FROM workforce_shift),
                   (SELECT concat_ws('-', max(id), count(cancelled_at)) FROM workforce_ownhours),
                   (SELECT concat_ws('-', max(id), count(cancelled_at)) FROM workforce_closure),
                   (SELECT concat_ws('-', max(id), count(cancelled_at)) FROM workforce_workedholiday),
                   (SELECT concat_ws('-', max(id), count(cancelled_at)) FROM workforce_absence),
                   (SELECT count(*) FROM workforce_residencybasis WHERE starts_at <= clock_timestamp()
                       AND (ends_at IS NULL OR ends_at > clock_timestamp()))
            """,
            {},
        )[0]
    )


def make_tasks(
    *,
    project_id: int,
    region: str,
    clearance: int,
    after: int,
    most: int,
    team_id: int,
    lane_id: int,
    rank: int,
    due_at: datetime,
    at: datetime,
    clip_ids: Sequence[int] | None = None,
) -> tuple[list[int], int]:
    """Make tasks of the next wanted clips after this number, in a lane that was made ready for ranks from ``rank`` on.

    Whether a clip is wanted is judged now, and not when the plan was made. Returns the tasks' numbers, and the last
    clip that was looked at; 0 when none was left.
    """
    row = _rows(
        f"""
        WITH wanted AS MATERIALIZED (
            SELECT c.id, p.overlap
              FROM annotations_project p
              JOIN clips_clip c ON {WANTED}
             WHERE p.id = %(project)s AND c.region = %(region)s AND c.is_sensitive = %(sensitive)s AND c.id > %(after)s
               AND (%(clips)s::bigint[] IS NULL OR c.id = ANY (%(clips)s))
             ORDER BY c.id LIMIT %(most)s
        ), made AS (
            INSERT INTO annotations_task
                   (project_id, clip_id, team_id, lane_id, rank, state, state_since, due_at, overlap, seats_left,
                    answers, label, votes)
            SELECT %(project)s, w.id, %(team)s, %(lane)s, %(rank)s + row_number() OVER (ORDER BY w.id) - 1, 'open',
                   %(at)s, %(due)s, w.overlap, w.overlap, 0, '', '{{}}'
              FROM wanted w
                ON CONFLICT (clip_id, project_id) DO NOTHING
            RETURNING id
        )
        SELECT (SELECT coalesce(array_agg(made.id ORDER BY made.id), '{{}}') FROM made),
               (SELECT coalesce(max(wanted.id), 0) FROM wanted)
        """,  # noqa: S608
        {
            "project": project_id,
            "region": region,
            "sensitive": bool(clearance),
            "after": after,
            "most": most,
            "team": team_id,
            "lane": lane_id,
            "rank": rank,
            "due": due_at,
            "at": at,
            "clips": None if clip_ids is None else list(clip_ids),
        },
    )[0]
    return row[0], row[1]


@dataclass(frozen=True)
class Picked:
    """A task that nobody has begun, locked."""

    id: int
    rank: int
    due_at: datetime


def pick(
    *, lane_id: int, due_on: date | None, overlap: int | None, most: int, task_ids: Sequence[int] | None = None
) -> list[Picked]:
    """Lock tasks of a lane that nobody has begun, the last in turn first; those that somebody is just taking stay.

    By number, also those that a hand put there.
    """
    return [
        Picked(*row)
        for row in _rows(
            f"""
            SELECT t.id, t.rank, t.due_at
              FROM annotations_task t
             WHERE t.lane_id = %(lane)s AND {UNTOUCHED}
               AND (%(day)s::date IS NULL OR (t.due_at AT TIME ZONE 'UTC')::date = %(day)s)
               AND (%(overlap)s::int IS NULL OR t.overlap = %(overlap)s)
               AND (CASE WHEN %(tasks)s::bigint[] IS NULL THEN NOT {KEPT} ELSE t.id = ANY (%(tasks)s) END)
             ORDER BY t.rank DESC, t.id DESC LIMIT %(most)s
               FOR NO KEY UPDATE OF t SKIP LOCKED
            """,  # noqa: S608
            {
                "lane": lane_id,
                "day": due_on,
                "overlap": overlap,
                "most": most,
                "tasks": None if task_ids is None else list(task_ids),
            },
        )
    ]


def put(
    task_ids: Sequence[int],
    ranks: Sequence[int],
    dues: Sequence[datetime],
    *,
    team_id: int,
    lane_id: int,
) -> int:
    """Put locked tasks into a lane that was made ready for these ranks; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE annotations_task t
               SET team_id = %(team)s, lane_id = %(lane)s, rank = x.rank, due_at = x.due_at, looked_at = NULL
              FROM unnest(%(tasks)s::bigint[], %(ranks)s::bigint[], %(dues)s::timestamptz[]) x(id, rank, due_at)
             WHERE t.id = x.id
            """,
            {"tasks": list(task_ids), "ranks": list(ranks), "dues": list(dues), "team": team_id, "lane": lane_id},
        )
        return cursor.rowcount


def _rows(query: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())
