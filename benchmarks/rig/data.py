"""Queues of any length, made set-based: rows as the product would have written them, without bytes behind them.

``plain`` is one project with one lane, a crowd of reviewers with the default 150 a day, and a few regulars whose own
limit is raised (a ``DailyLimit`` each) so that few people can work without a rest.

``hard`` is twenty projects over two regions, skills and residency mixed. Before the work that the regulars may have
stand tasks that they may not: half in lanes closed to them by skill or residency, half in lanes open to them, each held
once already by every holder (their lapsed leases are the history) with its seats free again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg

from benchmarks.rig import engines

Link = psycopg.Connection[tuple[Any, ...]]

OVERLAP = 2
PREFETCH = 3
LOT = 1000  # clips that enter together are due together, their ranks a millisecond apart, as in annotations.spreading
REGULARS = 40
HISTORY = 5000  # tasks that were settled long ago
HOLDERS = 32  # of them: who held the hard queue's head before
SCHEMA = {
    "question": "What did the camera see?",
    "labels": [{"value": "threat", "name": "Real threat"}, {"value": "false_alarm", "name": "False alarm"}],
    "note": True,
}


@dataclass(frozen=True)
class Person:
    user_id: int
    reviewer_id: int


@dataclass
class Dataset:
    """A database with a queue in it, and what a client must know to claim from it."""

    name: str
    kind: str
    tasks: int
    blocked: int
    database: str
    day: date
    regulars: list[Person]
    crowd: list[Person]
    lane_id: int  # where the bare statement finds work, and from which rank on
    rank: int
    last_lease: int
    seconds: float
    next_person: int = 0

    @property
    def is_hard(self) -> bool:
        return self.kind == "hard"


DISCLOSED = "People in your country look at your clips to teach detectors, for 30 days; stop it under Settings."


def make_template() -> str:
    """A migrated database that every queue starts from. Sets Django up in this process."""
    import django
    from django.core.management import call_command

    django.setup()
    name = engines.create_database("template")
    use(name)
    call_command("migrate", verbosity=0)
    use("")
    return name


def zone_far_from_midnight(at: datetime) -> str:
    """A zone where it is morning now, so that no run crosses a local midnight."""
    offset = 4 - at.hour  # to where it is four in the morning
    offset += 24 if offset < -12 else 0
    # POSIX signs: Etc/GMT-4 is four hours east.
    return f"Etc/GMT{-offset:+d}" if offset else "Etc/GMT"


def build(template: str, kind: str, tasks: int, *, crowd: int, blocked: int) -> Dataset:
    """Make a queue of ``tasks`` open tasks that the regulars may have; ``hard`` puts ``blocked`` others before them."""
    began = time.monotonic()
    at = datetime.now(UTC)
    zone = zone_far_from_midnight(at)
    name = f"{kind}_{tasks}"
    database = engines.create_database(name, like=template)
    use(database)
    with engines.connect(database) as link:
        run = link.execute
        run("SET session_replication_role = replica")  # foreign keys hold by construction; check() looks at them
        run("SET synchronous_commit = off")
        run("SET TIME ZONE 'UTC'")
        day = _one(link, "SELECT (now() AT TIME ZONE %s)::date", zone)
        _people(link, zone, day, crowd=crowd, at=at)
        lane_id, rank = _plain(link, tasks, at=at) if kind == "plain" else _hard(link, tasks, blocked, at=at)
        _quota_days(link, zone, day)
        run("SET session_replication_role = DEFAULT")
        run("RESET synchronous_commit")
        run("CREATE SCHEMA bench")
        run("CREATE TABLE bench.head AS TABLE annotations_head")
        run("VACUUM (ANALYZE)")
        run("CHECKPOINT")
        found = run("SELECT user_id, id FROM workforce_reviewer ORDER BY id").fetchall()
        people = [Person(*row) for row in found]
        last_lease = _one(link, "SELECT coalesce(max(id), 0) FROM annotations_lease")
    use("")
    return Dataset(
        name=name,
        kind=kind,
        tasks=tasks,
        blocked=blocked if kind == "hard" else 0,
        database=database,
        day=day,
        regulars=people[:REGULARS],
        crowd=people[REGULARS:],
        lane_id=lane_id,
        rank=rank,
        last_lease=last_lease,
        seconds=time.monotonic() - began,
    )


def copy(made: Dataset, name: str) -> Dataset:
    """The same queue in another database."""
    return replace(made, name=name, database=engines.create_database(name, like=made.database))


def use(database: str) -> None:
    """Let Django's connection in this process lead to this database from its next statement on."""
    from django.db import connection, connections

    connections.close_all()
    connection.settings_dict["NAME"] = database or engines.name_in_url()


def _one(link: Link, query: str, *values: object) -> Any:
    row = link.execute(query, values).fetchone()
    return row[0] if row else None


def _insert(link: Link, model: str, columns: dict[str, str], source: str, values: dict[str, Any]) -> None:
    """INSERT ... SELECT: these columns from SQL; others that must have a value get the model's own default."""
    from django.apps import apps

    filled = columns | {k: v.replace("%", "%%") for k, v in other_columns(model, " ".join(columns)).items()}
    link.execute(
        f"INSERT INTO {apps.get_model(model)._meta.db_table} ({', '.join(filled)})"
        f" SELECT {', '.join(filled.values())} {source}",
        values,
    )


def other_columns(model: str, named: str) -> dict[str, str]:
    """A model's columns beside the named ones that must have a value, with their defaults as literals of SQL."""
    from django.apps import apps
    from django.contrib.postgres.fields import ArrayField
    from django.db.models import JSONField
    from psycopg import sql
    from psycopg.types.json import Jsonb

    found = {}
    for each in apps.get_model(model)._meta.concrete_fields:
        if each.column in named.split() or each.primary_key or each.null or each.has_db_default():
            continue
        default = each.get_default()
        literal = sql.Literal(Jsonb(default) if isinstance(each, JSONField) else default).as_string(None)
        found[each.column] = literal + ("::varchar[]" if isinstance(each, ArrayField) else "")
    return found


def _people(link: Link, zone: str, day: date, *, crowd: int, at: datetime) -> None:
    run = link.execute
    few = {"at": at, "zone": zone, "few": REGULARS, "all": REGULARS + crowd, "before": at - timedelta(days=90)}
    _insert(
        link,
        "workforce.Region",
        {"code": "x.code", "name": "x.name", "time_zone": "%(zone)s"},
        "FROM (VALUES ('in', 'India'), ('ro', 'Romania')) x(code, name)",
        few,
    )
    _insert(
        link,
        "auth.User",
        {"id": "n", "username": "'person-' || n", "password": "'!'", "date_joined": "%(at)s"},
        "FROM generate_series(1, 1 + %(all)s) n",
        few,
    )
    run("SELECT setval('auth_user_id_seq', (SELECT max(id) FROM auth_user))")
    _insert(
        link,
        "workforce.Team",
        {"region_id": "id", "name": "'Hyderabad'", "time_zone": "%(zone)s"},
        "FROM workforce_region WHERE code = 'in'",
        few,
    )
    # People in IN may see what lives in IN; for what lives in RO there is a basis for people in RO alone.
    _insert(
        link,
        "workforce.ResidencyBasis",
        {"region_id": "id", "country": "c", "basis": "'by contract'", "author_id": "1", "starts_at": "%(before)s"},
        "FROM workforce_region, unnest(ARRAY['IN', 'RO']) c WHERE c = 'RO' OR code = 'in'",
        few,
    )
    _insert(
        link,
        "workforce.Reviewer",
        {
            "id": "n",
            "user_id": "n + 1",
            "team_id": "t.id",
            "country": "CASE WHEN n > %(few)s AND n %% 7 = 0 THEN 'RO' ELSE 'IN' END",
            "pseudonym": "'r-' || n",
            "time_zone": "%(zone)s",
            "skills": "CASE WHEN n <= %(few)s OR n %% 3 > 0 THEN '{glass,hindi}' ELSE '{glass}' END::varchar[]",
        },
        "FROM generate_series(1, %(all)s) n, workforce_team t",
        few,
    )
    run("SELECT setval('workforce_reviewer_id_seq', (SELECT max(id) FROM workforce_reviewer))")
    _insert(
        link,
        "workforce.DailyLimit",
        {
            "level": "'reviewer'",
            "reviewer_id": "n",
            "value": "30000",
            "from_day": "%(day)s",
            "reason": "'a regular of the benchmark'",
            "author_id": "1",
        },
        "FROM generate_series(1, %(few)s) n",
        few | {"day": day - timedelta(days=30)},
    )
    points = ", ".join(
        f"'{point}', '{DISCLOSED}'" for point in ("people", "countries", "why", "how_long", "how_to_stop")
    )
    _insert(
        link,
        "clips.Disclosure",
        {
            "version": "code || '-en-1'",
            "region": "code",
            "language": "'en'",
            "text": f"'{DISCLOSED}'",
            "sha256": f"encode(sha256('{DISCLOSED}'), 'hex')",
            "checklist": f"jsonb_build_object({points})",
            "published_by_id": "1",
        },
        "FROM workforce_region",
        few,
    )


def _quota_days(link: Link, zone: str, day: date) -> None:
    """Today's row for everybody, as the first claim of the day would make it; so no variant pays for making it."""
    _insert(
        link,
        "workforce.QuotaDay",
        {
            "reviewer_id": "r.id",
            "day": "%(day)s",
            "time_zone": "%(zone)s",
            "day_limit": "m.value",
            "limit_source": "m.source",
            "allowed": "m.value",
        },
        "FROM workforce_reviewer r, sightline_limit(r.id, %(day)s) m",
        {"day": day, "zone": zone},
    )


def _project(number: int, *, skills: list[str]) -> int:
    from annotations.models import Project
    from workforce.models import Team

    project = Project.objects.create(
        slug=f"project-{number}",
        name=f"Project {number}",
        label_schema=SCHEMA,
        overlap=OVERLAP,
        prefetch=PREFETCH,
        skills=skills,
    )
    project.teams.set(Team.objects.all())
    return int(project.pk)


def _lane(project_id: int, *, region: str, skills: list[str]) -> int:
    from annotations.models import Lane
    from workforce.models import Team

    return int(
        Lane.objects.create(team=Team.objects.get(), project_id=project_id, region=region, skills=sorted(skills)).pk
    )


WRITERS = [("clips_clip", "consented"), ("clips_consentevent", "arrives"), ("clips_consentevent", "counts")]


def _tasks(link: Link, lanes: list[int], count: int, *, due: datetime, at: datetime) -> None:
    """Open tasks with their clips, dealt over the lanes in turn; due as if lots of clips had come in together."""
    run = link.execute
    first = _one(link, "SELECT coalesce(max(id), 0) + 1 FROM clips_clip")
    values = {
        "first": first,
        "last": first + count - 1,
        "at": at,
        "due": due,
        "lanes": lanes,
        "width": len(lanes),
        "lot": LOT * len(lanes),
        "overlap": OVERLAP,
        "rank": int(due.timestamp() * 1000),
    }
    # What the database writes for each clip and event by itself is written for all of them at once below.
    for trigger in WRITERS:
        run(f"ALTER TABLE {trigger[0]} DISABLE TRIGGER {trigger[1]}")
    every = "FROM generate_series(%(first)s::bigint, %(last)s) n"
    in_lane = f"{every} JOIN annotations_lane ln ON ln.id = (%(lanes)s::bigint[])[1 + n %% %(width)s] ORDER BY n"
    _insert(
        link,
        "clips.Clip",
        {
            "id": "n",
            "region": "ln.region",
            "source": "'owner_troubleshooting'",
            "owner_key": "'owner-' || lpad(n::text, 8, '0')",
            "uploaded_by_id": "1",
            "state": "'ready'",
            "attempts": "1",
            "percent": "100",
            "original_key": "lpad(n::text, 32, '0') || '/original'",
            "sha256": "lpad(to_hex(n), 64, '0')",
            "size_bytes": "4000000",
            "duration_ms": "30000",
            "width": "1280",
            "height": "720",
        },
        in_lane,
        values,
    )
    _insert(
        link,
        "clips.ConsentEvent",
        {
            "kind": "'given'",
            "clip_id": "c.id",
            "owner_key": "c.owner_key",
            "disclosure_id": "d.id",
            "purposes": "'{human_review,model_training}'",
            "channel": "'app'",
            "at": "%(at)s",
            "actor_id": "1",
        },
        "FROM clips_clip c JOIN clips_disclosure d ON d.region = c.region"
        " WHERE c.id BETWEEN %(first)s AND %(last)s ORDER BY c.id",
        values,
    )
    _insert(
        link,
        "clips.Permit",
        {"clip_id": "e.clip_id", "purpose": "p.purpose", "event_id": "e.id", "until": "'9999-01-01 00:00:00+00'"},
        "FROM clips_consentevent e CROSS JOIN LATERAL unnest(e.purposes) AS p(purpose)"
        " WHERE e.clip_id BETWEEN %(first)s AND %(last)s ORDER BY e.clip_id, p.purpose",
        values,
    )
    for trigger in WRITERS:
        run(f"ALTER TABLE {trigger[0]} ENABLE TRIGGER {trigger[1]}")
    _insert(
        link,
        "clips.Rendition",
        {
            "clip_id": "n",
            "kind": "k.kind",
            "attempt": "1",
            "key": "lpad(n::text, 32, '0') || '/' || k.kind",
            "content_type": "k.type",
            "size_bytes": "k.size",
            "sha256": "repeat('0', 64)",
            "width": "1280",
            "height": "720",
            "duration_ms": "30000",
        },
        f"{every}, (VALUES ('poster', 'image/jpeg', 40000), ('proxy', 'video/mp4', 2000000)) k(kind, type, size)",
        values,
    )
    _insert(
        link,
        "annotations.Task",
        {
            "project_id": "ln.project_id",
            "clip_id": "n",
            "team_id": "ln.team_id",
            "lane_id": "ln.id",
            "rank": "%(rank)s + (n - %(first)s) / %(width)s",
            "due_at": "%(due)s + interval '1 second' * ((n - %(first)s) / %(lot)s)",
            "overlap": "%(overlap)s",
            "seats_left": "%(overlap)s",
        },
        in_lane,
        values,
    )
    run("SELECT setval('clips_clip_id_seq', %s)", [values["last"]])
    # Anew for all lanes: tasks of the history that were settled are before no head.
    run("TRUNCATE annotations_head")
    run(
        """
        SELECT sightline_enter(lane_id, min(rank), max(rank))
          FROM annotations_task WHERE state = 'open' GROUP BY lane_id
        """
    )


def _history(link: Link, lane: int, *, at: datetime) -> None:
    """Work that was done before, by two people: a queue in use is never asked of tables that PostgreSQL saw empty, and
    plans that it makes for empty tables (of foreign keys, too) read them whole until it looks again."""
    then = at - timedelta(days=30)
    _tasks(link, [lane], HISTORY, due=then, at=then)
    link.execute(
        "UPDATE annotations_task SET state = 'settled', label = 'threat', due_at = NULL, seats_left = 0,"
        " answers = overlap, state_since = %s",
        [then],
    )
    values = {"at": then, "day": then.date(), "few": REGULARS, "people": OVERLAP}
    _insert(
        link,
        "workforce.QuotaDay",
        {
            "reviewer_id": "%(few)s + n",
            "day": "%(day)s",
            "time_zone": "'UTC'",
            "day_limit": "30000",
            "limit_source": "'reviewer'",
            "allowed": "30000",
        },
        "FROM generate_series(1, %(people)s) n",
        values,
    )
    _insert(
        link,
        "annotations.Lease",
        {
            "task_id": "t.id",
            "reviewer_id": "q.reviewer_id",
            "quota_day_id": "q.id",
            "token": "gen_random_uuid()",
            "state": "'submitted'",
            "granted_at": "%(at)s",
            "expires_at": "%(at)s + interval '5 min'",
            "ended_at": "%(at)s + interval '1 min'",
        },
        "FROM annotations_task t, workforce_quotaday q WHERE q.day = %(day)s ORDER BY t.id, q.reviewer_id",
        values,
    )
    _insert(
        link,
        "annotations.Annotation",
        {
            "lease_id": "e.id",
            "task_id": "e.task_id",
            "reviewer_id": "e.reviewer_id",
            "schema_version": "1",
            "label": "'threat'",
            "answer": """'{"label": "threat"}'""",
            "submitted_at": "e.ended_at",
        },
        "FROM annotations_lease e ORDER BY e.id",
        values,
    )


def _plain(link: Link, tasks: int, *, at: datetime) -> tuple[int, int]:
    lane = _lane(_project(1, skills=[]), region="in", skills=[])
    due = at + timedelta(hours=24)
    _history(link, lane, at=at)
    _tasks(link, [lane], tasks, due=due, at=at)
    return lane, int(due.timestamp() * 1000)


def _hard(link: Link, tasks: int, blocked: int, *, at: datetime) -> tuple[int, int]:
    """Projects 1 to 10 are open to the regulars, 11 to 15 ask a skill they lack, the rest have clips from elsewhere."""
    wants: list[list[str]] = [[], ["glass"], ["hindi"], ["glass", "hindi"]]
    open_lanes: list[int] = []
    closed_by_skill: list[int] = []
    closed_by_place: list[int] = []
    for number in range(1, 21):
        skills = ["night"] if 10 < number <= 15 else wants[number % 4]
        lane = _lane(_project(number, skills=skills), region="ro" if number > 15 else "in", skills=skills)
        (open_lanes if number <= 10 else closed_by_skill if number <= 15 else closed_by_place).append(lane)
    _history(link, open_lanes[0], at=at)
    early = at + timedelta(hours=2)
    _tasks(link, closed_by_skill, blocked // 4, due=early, at=at)
    _tasks(link, closed_by_place, blocked // 4, due=early, at=at)
    _tasks(link, open_lanes, blocked // 2, due=early, at=at)
    _lapse(link, open_lanes, at=at)
    due = at + timedelta(hours=24)
    _tasks(link, open_lanes, tasks, due=due, at=at)
    return open_lanes[0], int(due.timestamp() * 1000)


def _lapse(link: Link, lanes: list[int], *, at: datetime) -> None:
    """The history: each holder had each task in these lanes, and let it lapse."""
    then = at - timedelta(days=3)
    values = {"at": then, "day": then.date(), "lanes": lanes, "holders": HOLDERS}
    _insert(
        link,
        "workforce.QuotaDay",
        {
            "reviewer_id": "n",
            "day": "%(day)s",
            "time_zone": "'UTC'",
            "day_limit": "30000",
            "limit_source": "'reviewer'",
            "allowed": "30000",
        },
        "FROM generate_series(1, %(holders)s) n",
        values,
    )
    _insert(
        link,
        "annotations.Lease",
        {
            "task_id": "t.id",
            "reviewer_id": "q.reviewer_id",
            "quota_day_id": "q.id",
            "token": "gen_random_uuid()",
            "state": "'lapsed'",
            "granted_at": "%(at)s",
            "expires_at": "%(at)s + interval '5 min'",
            "ended_at": "%(at)s + interval '5 min'",
        },
        "FROM annotations_task t, workforce_quotaday q WHERE t.lane_id = ANY (%(lanes)s) AND t.state = 'open'"
        " AND q.day = %(day)s"
        " ORDER BY q.reviewer_id, t.id",
        values,
    )


def reset(made: Dataset) -> None:
    """Put the queue back to how it was made and clean up the dead rows, so that each round begins like the first."""
    with engines.connect(made.database) as link:
        run = link.execute
        run("SET session_replication_role = replica")
        run("SET synchronous_commit = off")
        run("DELETE FROM annotations_annotation WHERE lease_id > %s", [made.last_lease])
        run(
            """
            UPDATE annotations_task t SET seats_left = t.overlap, answers = 0, state = 'open'
             WHERE t.id IN (SELECT task_id FROM annotations_lease WHERE id > %s)
            """,
            [made.last_lease],
        )
        run("DELETE FROM annotations_lease WHERE id > %s", [made.last_lease])
        run("TRUNCATE annotations_bookmark")
        run("UPDATE workforce_quotaday SET used = 0, held = 0 WHERE used + held > 0")
        run("TRUNCATE annotations_head")
        run("INSERT INTO annotations_head SELECT * FROM bench.head")
        for table in (
            "annotations_task",
            "annotations_lease",
            "annotations_annotation",
            "workforce_quotaday",
            "annotations_head",
        ):
            run(f"VACUUM (INDEX_CLEANUP ON, ANALYZE) {table}")
    made.next_person = 0


def check(made: Dataset) -> dict[str, int]:
    """What must never be: each figure is a count of broken rows."""
    questions = {
        "a reviewer twice on a task": """
            SELECT count(*) FROM (SELECT 1 FROM annotations_lease WHERE id > %(lease)s
                                   GROUP BY task_id, reviewer_id HAVING count(*) > 1) x""",
        "seats that do not add up": """
            SELECT count(*) FROM annotations_task t
              LEFT JOIN (SELECT task_id, count(*) FILTER (WHERE state = 'live') AS live,
                                count(*) FILTER (WHERE state = 'submitted') AS done
                           FROM annotations_lease GROUP BY task_id) e ON e.task_id = t.id
              LEFT JOIN (SELECT task_id, count(*) AS n FROM annotations_annotation GROUP BY task_id) a
                     ON a.task_id = t.id
             WHERE t.seats_left + coalesce(e.live, 0) + t.answers <> t.overlap
                OR t.answers <> coalesce(a.n, 0) OR t.answers <> coalesce(e.done, 0)""",
        "quota overshot": """
            SELECT count(*) FROM workforce_quotaday WHERE used + held > allowed OR used + held > day_limit""",
        "quota that does not add up": """
            SELECT count(*) FROM workforce_quotaday d
              LEFT JOIN (SELECT quota_day_id, count(*) FILTER (WHERE state = 'live') AS live,
                                count(*) FILTER (WHERE state = 'submitted') AS done
                           FROM annotations_lease WHERE id > %(lease)s GROUP BY quota_day_id) e ON e.quota_day_id = d.id
             WHERE (d.held, d.used) <> (coalesce(e.live, 0), coalesce(e.done, 0))""",
        "more live than the prefetch": """
            SELECT count(*) FROM (
                SELECT 1 FROM annotations_lease e JOIN annotations_task t ON t.id = e.task_id
                  JOIN annotations_project p ON p.id = t.project_id
                 WHERE e.state = 'live' AND e.expires_at > now() AND e.id > %(lease)s
                 GROUP BY e.reviewer_id, p.id, p.prefetch HAVING count(*) > p.prefetch) x""",
        "a lane's head behind its work": """
            SELECT count(*) FROM annotations_task t
              JOIN (SELECT DISTINCT ON (lane_id) * FROM annotations_head ORDER BY lane_id, number DESC) ln
                ON ln.lane_id = t.lane_id
             WHERE t.state = 'open' AND t.seats_left > 0
               AND NOT CASE WHEN t.rank < 100000000000
                            THEN t.rank >= ln.express_head AND t.rank < ln.express_next
                            ELSE t.rank BETWEEN ln.head_rank AND ln.tail_rank END""",
        "a row without its parent": """
            SELECT count(*) FROM annotations_task t
              LEFT JOIN clips_clip c ON c.id = t.clip_id LEFT JOIN clips_permit a ON a.clip_id = t.clip_id
              LEFT JOIN annotations_lane ln ON ln.id = t.lane_id AND ln.project_id = t.project_id
             WHERE c.id IS NULL OR a.id IS NULL OR ln.id IS NULL""",
    }
    with engines.connect(made.database) as link:
        values = {"lease": made.last_lease}
        return {name: link.execute(query, values).fetchone()[0] for name, query in questions.items()}  # type: ignore
