"""What a plan asks of the tables and writes to them, each in one statement however many rows it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from annotations.models import AsksLanguage
from clips.models import SHOWN, ClipKind, Faces

# Ranks below this are turns of seats that came back, as in ``sightline_take``.
EXPRESS = 100_000_000_000
# Nobody has begun it, and nobody by hand has said where it is to stay.
UNTOUCHED = """t.state = 'open' AND t.answers = 0 AND t.seats_left + t.seats_later = t.overlap"""
# Or its open seat is for another team than those that have answered, and nobody holds it.
MOVABLE = f"""({UNTOUCHED} OR t.state = 'open' AND t.seats_apart AND t.seats_left = 1)"""
# The teams that have answered, where each answer is for another.
ANSWERED = """CASE WHEN t.seats_apart AND t.answers > 0
                 THEN ARRAY(SELECT a.team_id FROM annotations_annotation a WHERE a.task_id = t.id ORDER BY 1)
                 ELSE '{}' END"""
KEPT = "EXISTS (SELECT 1 FROM annotations_planitem i WHERE i.task_id = t.id AND i.keeps)"
# What whoever answers must speak for a clip (c) in a project (p): the same as ``Project.language_of``.
SPOKEN = f"""(CASE WHEN p.asks_language = '{AsksLanguage.ALWAYS}'
                 OR p.asks_language = '{AsksLanguage.HEARD}' AND c.kind = '{ClipKind.VOICE}'
           THEN c.language ELSE '' END)"""
# A clip that a project wants and has no task of: the same gate as ``clips.queries.to_label`` and ``with_proxy``. OFFSET
# keeps each gate a look-up by the clip's number: else planners now and then read all permits for the clips of one team.
WANTED = f"""
       c.kind = p.clip_kind AND c.state = 'ready' AND c.same_as_id IS NULL AND p.is_active
   AND EXISTS (SELECT 1 FROM clips_permit m
                WHERE m.clip_id = c.id AND m.purpose = p.purpose AND m.until > clock_timestamp() OFFSET 0)
   AND EXISTS (SELECT 1 FROM clips_rendition x
                WHERE x.clip_id = c.id
                  AND (x.kind = CASE p.faces WHEN '{Faces.BLURRED}' THEN '{SHOWN[Faces.BLURRED][0]}'
                                ELSE '{SHOWN[Faces.CLEAR][0]}' END
                       OR c.kind = '{ClipKind.VOICE}' AND x.kind = '{SHOWN[Faces.CLEAR][0]}')
              OFFSET 0)
   AND NOT EXISTS (SELECT 1 FROM annotations_task t WHERE t.clip_id = c.id AND t.project_id = p.id OFFSET 0)
"""  # noqa: S608 -- nothing is put in but names of ours


@dataclass(frozen=True)
class Fresh:
    """Clips that are no tasks yet, of one sort."""

    project_id: int
    region: str
    clearance: int
    language: str
    clips: int
    first: int
    """The lowest number among them."""


def fresh(project_ids: Sequence[int]) -> list[Fresh]:
    """Ready clips that these projects want and have no tasks of, where a team of theirs is at home; counted by what is
    written down of them (``Awaited``), however many other clips there are."""
    return [
        Fresh(*row)
        for row in _rows(
            """
            SELECT a.project_id, a.region, a.clearance, a.language, count(*), min(a.clip_id)
              FROM annotations_awaited a
              JOIN annotations_project p ON p.id = a.project_id
             WHERE a.project_id = ANY (%(projects)s) AND p.is_active
             GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
            """,
            {"projects": list(project_ids)},
        )
    ]


def fresh_of(project_id: int, *, clip_ids: Sequence[int]) -> list[Fresh]:
    """As :func:`fresh`, of these clips alone, each asked every gate."""
    return [
        Fresh(*row)
        for row in _rows(
            f"""
            SELECT p.id, c.region, c.is_sensitive::int, {SPOKEN}, count(*), min(c.id)
              FROM annotations_project p
              JOIN clips_clip c ON {WANTED}
             WHERE p.id = %(project)s AND c.id = ANY (%(clips)s)
               AND c.region IN (SELECT g.code
                                  FROM annotations_project_teams pt
                                  JOIN workforce_team w ON w.id = pt.team_id
                                  JOIN workforce_region g ON g.id = w.region_id
                                 WHERE pt.project_id = p.id)
             GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
            """,  # noqa: S608
            {"project": project_id, "clips": list(clip_ids)},
        )
    ]


def hold_awaited(*, first: int, last: int) -> int:
    """Hold what is written down as awaited against the clips of these numbers, and mend it; returns how many clips were
    written down wrongly, which two changes at one instant can do that do not see each other."""
    return int(_rows("SELECT sightline_await_some(%(first)s, %(last)s)", {"first": first, "last": last})[0][0])


@dataclass(frozen=True)
class Lying:
    """Open tasks in one lane that are due on one day and have as many seats; where those are for different teams, that
    the same teams have answered."""

    lane_id: int
    team_id: int
    project_id: int
    region: str
    skills: list[str]
    clearance: int
    language: str
    due_on: date
    overlap: int
    due_at: datetime
    """When the first of them is due."""
    apart: bool
    answered: list[int]
    later: int
    """Seats of each that are for other teams, later."""
    movable: int
    """Tasks that nobody has begun and that no hand put there."""
    seats: int
    """Free seats of the others."""
    tasks: int


def lying(*, but: Sequence[int] = ()) -> list[Lying]:
    """All open tasks with a free seat, of projects that are active, but for these; counted."""
    return [
        Lying(*row)
        for row in _rows(
            f"""
            SELECT ln.id, ln.team_id, ln.project_id, ln.region, ln.skills, ln.clearance, ln.language, o.due_on,
                   o.overlap, o.due_at, o.apart, o.answered, o.later, o.movable, o.seats, o.tasks
              FROM (SELECT t.lane_id, (t.due_at AT TIME ZONE 'UTC')::date AS due_on, t.overlap, min(t.due_at) AS due_at,
                           t.seats_apart AS apart, {ANSWERED} AS answered, t.seats_later AS later,
                           count(*) FILTER (WHERE {MOVABLE} AND NOT {KEPT}) AS movable,
                           coalesce(sum(t.seats_left) FILTER (WHERE NOT ({MOVABLE} AND NOT {KEPT})), 0) AS seats,
                           count(*) AS tasks
                      FROM annotations_task t
                     WHERE t.state = 'open' AND (t.seats_left > 0 OR t.seats_later > 0) AND t.id <> ALL (%(but)s)
                     GROUP BY 1, 2, 3, 5, 6, 7) o
              JOIN annotations_lane ln ON ln.id = o.lane_id
              JOIN annotations_project p ON p.id = ln.project_id
             WHERE p.is_active
             ORDER BY 1, o.due_on, o.overlap, o.apart, o.answered, o.later
            """,  # noqa: S608
            {"but": list(but)},
        )
    ]


@dataclass(frozen=True)
class Awaited:
    """Work of one sort that waits, in one place, of clips that came in on one day of their region."""

    project_id: int
    region: str
    clearance: int
    language: str
    arrived_on: date
    tasks: int
    overlap: int
    apart: bool
    lane_id: int | None = None
    """None: clips that are no tasks yet."""
    team_id: int | None = None
    skills: tuple[str, ...] = ()
    plan_id: int | None = None
    """The last plan by hand that chose them, if one did and was not undone."""
    movable: bool = True
    turn: int = 0
    """The lowest rank of them, without turns of seats that came back."""
    seats: int = 0
    """Without an answer, held or free."""
    due_at: datetime | None = None
    answered: tuple[int, ...] = ()
    """Where each answer is for another team: those that have answered."""


def awaited_clips(project_ids: Sequence[int]) -> list[Awaited]:
    """As :func:`fresh`, by the day on which the clips came in."""
    return [
        Awaited(*row)
        for row in _rows(
            """
            SELECT p.id, a.region, a.clearance, a.language, (c.created_at AT TIME ZONE g.time_zone)::date, count(*),
                   p.overlap, p.seats_apart
              FROM annotations_awaited a
              JOIN annotations_project p ON p.id = a.project_id
              JOIN clips_clip c ON c.id = a.clip_id
              JOIN workforce_region g ON g.code = a.region
             WHERE a.project_id = ANY (%(projects)s) AND p.is_active
             GROUP BY p.id, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
            """,
            {"projects": list(project_ids)},
        )
    ]


def awaited_tasks() -> list[Awaited]:
    """All open tasks, of paused projects, too; counted by lane, day of arrival, due day, overlap and plan by hand."""
    return [
        Awaited(*row)
        for row in _rows(
            f"""
            SELECT ln.project_id, ln.region, ln.clearance, ln.language, o.arrived_on, o.tasks, o.overlap, o.apart,
                   ln.id, ln.team_id, ln.skills, o.plan_id, o.movable, o.turn, o.seats, o.due_at, o.answered
              FROM (SELECT t.lane_id, (c.created_at AT TIME ZONE g.time_zone)::date AS arrived_on, hand.plan_id,
                           t.overlap, t.seats_apart AS apart, {ANSWERED} AS answered,
                           {UNTOUCHED} AND NOT {KEPT} AS movable,
                           (t.due_at AT TIME ZONE 'UTC')::date AS due_on, count(*) AS tasks,
                           sum(t.overlap - t.answers) AS seats, min(t.due_at) AS due_at,
                           coalesce(min(t.rank) FILTER (WHERE t.rank >= {EXPRESS}), 0) AS turn
                      FROM annotations_task t
                      JOIN clips_clip c ON c.id = t.clip_id
                      JOIN workforce_region g ON g.code = c.region
                      LEFT JOIN LATERAL (
                           SELECT max(l.plan_id) AS plan_id
                             FROM annotations_planitem i
                             JOIN annotations_planline l ON l.id = i.line_id
                             JOIN annotations_plan n ON n.id = l.plan_id
                            WHERE i.task_id = t.id AND n.state <> 'undone') hand ON true
                     WHERE t.state = 'open'
                     GROUP BY 1, 2, 3, 4, 5, 6, 7, 8) o
              JOIN annotations_lane ln ON ln.id = o.lane_id
             ORDER BY ln.id, o.arrived_on, o.due_on, o.overlap, o.apart, o.answered, o.plan_id, o.movable
            """,  # noqa: S608
            {},
        )
    ]


def seats_of_settled(project_ids: Sequence[int], *, tasks: int) -> dict[int, float]:
    """Of each project, the answers that a settled task took on the average of the latest ``tasks``."""
    return {
        int(project): float(seats)
        for project, seats in _rows(
            """
            SELECT p.id, avg(s.overlap)
              FROM unnest(%(projects)s::bigint[]) p(id)
             CROSS JOIN LATERAL (
                    SELECT t.overlap FROM annotations_task t
                     WHERE t.project_id = p.id AND t.state = 'settled'
                     ORDER BY t.id DESC LIMIT %(tasks)s) s
             GROUP BY 1
            """,
            {"projects": list(project_ids), "tasks": tasks},
        )
    }


def oldest_taken(*, since: date, people: int, leases: int) -> list[tuple[int, date, datetime]]:
    """By team and local day: when the oldest of the tasks was made that were taken first on it, of a few people's few
    leases. What had been made by the end of an earlier day was there when that day ended."""
    return [
        (int(team), day, oldest)
        for team, day, oldest in _rows(
            """
            SELECT q.team_id, q.day, min(first.made_at)
              FROM (SELECT d.id, d.day, r.team_id,
                           row_number() OVER (PARTITION BY r.team_id, d.day ORDER BY d.used DESC, d.id) AS place
                      FROM workforce_quotaday d
                      JOIN workforce_reviewer r ON r.id = d.reviewer_id
                     WHERE d.day >= %(since)s AND r.is_active) q
             CROSS JOIN LATERAL (
                    SELECT t.created_at AS made_at
                      FROM (SELECT l.task_id FROM annotations_lease l
                             WHERE l.quota_day_id = q.id ORDER BY l.id LIMIT %(leases)s) taken
                      JOIN annotations_task t ON t.id = taken.task_id) first
             WHERE q.place <= %(people)s
             GROUP BY 1, 2 ORDER BY 1, 2
            """,
            {"since": since, "people": people, "leases": leases},
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


# Where clips to make tasks of are found: rows, their order, and which of them.
_NEXT = (
    # In the order of an index: the next so many are read, and no more. Each clip is looked up by its number: of those
    # that came since the tables were analyzed planners think that there are none, and read them all for each.
    "(annotations_awaited a CROSS JOIN LATERAL (SELECT * FROM clips_clip o WHERE o.id = a.clip_id OFFSET 0) c)",
    "a.clip_id",
    "a.project_id = %(project)s AND a.region = %(region)s AND a.clearance = %(clearance)s"
    " AND a.language = %(language)s AND a.clip_id > %(after)s",
)
_THESE = ("clips_clip c", "c.id", "c.id = ANY (%(clips)s)")


def make_tasks(
    *,
    project_id: int,
    region: str,
    clearance: int,
    language: str,
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
    listed, order, of_these = _NEXT if clip_ids is None else _THESE
    row = _rows(
        f"""
        WITH wanted AS MATERIALIZED (
            SELECT c.id, p.overlap, p.seats_apart, CASE WHEN p.seats_apart THEN 1 ELSE p.overlap END AS seats_left
              FROM annotations_project p
              JOIN {listed} ON {WANTED}
             WHERE p.id = %(project)s AND c.region = %(region)s AND c.is_sensitive = %(sensitive)s
               AND {SPOKEN} = %(language)s AND c.id > %(after)s AND {of_these}
             ORDER BY {order} LIMIT %(most)s
        ), made AS (
            INSERT INTO annotations_task
                   (project_id, clip_id, team_id, lane_id, rank, state, state_since, due_at, overlap, seats_left,
                    seats_apart, seats_later, answers, label, votes)
            SELECT %(project)s, w.id, %(team)s, %(lane)s, %(rank)s + row_number() OVER (ORDER BY w.id) - 1, 'open',
                   %(at)s, %(due)s, w.overlap, w.seats_left, w.seats_apart, w.overlap - w.seats_left, 0, '', '{{}}'
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
            "clearance": clearance,
            "language": language,
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
    *,
    lane_id: int,
    team_id: int,
    due_on: date | None,
    overlap: int | None,
    most: int,
    task_ids: Sequence[int] | None = None,
    apart: bool = False,
    answers: int = 0,
    later: int = 0,
) -> list[Picked]:
    """Lock tasks of a lane that nobody has begun, for this team, the last in turn first; those that somebody is just
    taking stay. Where each answer is for another team (``apart``), also those that others have answered, so many times.

    By number, also those that a hand put there.
    """
    return [
        Picked(*row)
        for row in _rows(
            f"""
            SELECT t.id, t.rank, t.due_at
              FROM annotations_task t
             WHERE t.lane_id = %(lane)s AND {MOVABLE}
               -- On the row itself: as many answers as were read are of the same teams.
               AND t.answers = %(answers)s
               AND (NOT t.seats_apart OR NOT EXISTS (
                    SELECT 1 FROM annotations_annotation a WHERE a.task_id = t.id AND a.team_id = %(team)s))
               AND (%(overlap)s::int IS NULL OR (t.seats_apart, t.seats_later) = (%(apart)s, %(later)s))
               AND (%(day)s::date IS NULL OR (t.due_at AT TIME ZONE 'UTC')::date = %(day)s)
               AND (%(overlap)s::int IS NULL OR t.overlap = %(overlap)s)
               AND (CASE WHEN %(tasks)s::bigint[] IS NULL THEN NOT {KEPT} ELSE t.id = ANY (%(tasks)s) END)
             ORDER BY t.rank DESC, t.id DESC LIMIT %(most)s
               FOR NO KEY UPDATE OF t SKIP LOCKED
            """,  # noqa: S608
            {
                "lane": lane_id,
                "team": team_id,
                "apart": apart,
                "answers": answers,
                "later": later,
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
