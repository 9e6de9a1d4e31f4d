"""What the console costs: each main list's first page, each filter, each search, and the home, at a million rows.

    python benchmarks/console.py [--quick] [--part lists|pages] [--json FILE] [--plans FILE]

It brings its own PostgreSQL 18 and Redis with the product's settings (one given by DATABASE_URL or REDIS_URL is used
instead) and makes a world of thirty regions with fifty teams, six thousand people and sixty projects; of a million
clips each is a task, seven of ten settled, and people held and answered them.

``ms``       Milliseconds from the request to the whole page, in this process, without the network: the median of
             some rounds, after one that is not counted.
``anew``     The same with nothing kept: what is counted now and then for all who look is counted for this request.
``queries``  Statements that the page asks, those aside that begin and end transactions.
``rows``     Rows that all its plans together read from tables and indexes, by EXPLAIN (ANALYZE): those that a filter
             threw away, too.

Each is asked as somebody who has all regions, and as a manager of one.

Method: server and client share the machine, so milliseconds are this machine's. Rows are not: they are what is bounded.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).absolute().parent.parent
HERE = Path(__file__).resolve().parent
sys.path[:] = [str(ROOT), *(entry for entry in sys.path if Path(entry or ".").resolve() != HERE)]

import argparse  # noqa: E402
import json  # noqa: E402
import time  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from dataclasses import asdict, dataclass  # noqa: E402
from datetime import UTC, datetime  # noqa: E402
from typing import Any  # noqa: E402

from benchmarks.plan import FIRST, add_world  # noqa: E402
from benchmarks.rig import data, engines, machine  # noqa: E402

MOST_MS, MOST_QUERIES = 150, 12
CONTROL = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")
# A list whose filters have no index of their own looks among its newest 100,000 or 200,000 rows, once for the page and
# once for the count; others stop when they have a page.
MOST_ROWS = 1_000_000
LISTS = {
    "annotations/task", "annotations/lease", "annotations/annotation", "clips/clip", "workforce/reviewer", "search",
    "assign", "plans",
}  # fmt: skip
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


@dataclass
class Found:
    """What one page cost one person."""

    who: str
    page: str
    asked: str
    ms: float
    anew: float
    queries: int
    rows: int

    @property
    def is_good(self) -> bool:
        """Parts of a page that come after it, and pages of many figures, may ask more; tests pin how much."""
        limited = self.page in LISTS or self.page in {"home", "home, live part"}
        return max(self.ms, self.anew) <= MOST_MS and (
            not limited or (self.queries <= MOST_QUERIES and self.rows <= MOST_ROWS)
        )


def questions() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each page that is measured: its name, its address, what is asked."""
    from annotations.models import Lease, Report, Task
    from workforce.models import Reviewer

    task = Task.objects.filter(clip__region="r1").select_related("team", "clip", "project").order_by("-pk")[100]
    lease = Lease.objects.filter(task__team=task.team).order_by("-pk")[100]
    person = Reviewer.objects.filter(team=task.team).select_related("user").order_by("pk")[3]
    region, team, project = task.team.region_id, task.team_id, task.project_id
    lists: dict[str, list[dict[str, Any]]] = {
        "annotations/task": [
            *[{"state__exact": state} for state in ("open", "full", "settled", "disputed", "stopped")],
            *[{"due": due} for due in ("late", "2h", "8h", "day")],
            {"project__id__exact": project}, {"team__region__id__exact": region}, {"team__id__exact": team},
            {"label": "threat"}, {"came": "hour"}, {"came": "week"},
            {"team__id__exact": team, "state__exact": "disputed"}, {"team__id__exact": team, "due": "late"},
            {"q": str(task.pk)}, {"q": f"clip {task.clip_id}"}, {"q": "999999999999"}, {"p": "20"},
        ],
        "annotations/lease": [
            *[{"state__exact": state} for state in ("live", "submitted", "lapsed", "recalled", "flagged")],
            {"reviewer__team__id__exact": team}, {"reviewer__team__region__id__exact": region},
            {"task__project__id__exact": project}, {"came": "hour"}, {"came": "day"},
            {"q": str(lease.pk)}, {"q": person.user.username}, {"q": "nobody-of-that-name"},
        ],
        "annotations/annotation": [
            {"label": "threat"}, {"label": "unheard-of"}, {"task__project__id__exact": project},
            {"reviewer__team__id__exact": team}, {"reviewer__team__region__id__exact": region}, {"came": "hour"},
            {"q": str(lease.pk)}, {"q": person.user.username},
        ],
        "clips/clip": [
            *[{"state__exact": state} for state in ("ready", "failed", "uploaded")],
            {"kind__exact": "voice"}, {"source__exact": "employee_tester"}, {"is_sensitive__exact": "1"},
            {"needs": "late"}, {"needs": "failed"}, {"needs": "case"}, {"came": "hour"}, {"region": "in"},
            {"q": str(task.clip_id)}, {"q": task.clip.owner_key}, {"q": task.clip.sha256},
        ],
        "workforce/reviewer": [
            {"team__id__exact": team}, {"team__region__id__exact": region}, {"is_active__exact": "1"},
            {"is_paused__exact": "1"}, {"clearance__exact": "1"}, {"q": person.user.username},
        ],
    }  # fmt: skip
    for name, filters in lists.items():
        for asked in [{}, *filters]:
            yield name, f"/admin/{name}/", asked
    for term in (str(task.pk), f"lease {lease.pk}", person.user.username, "Team 1", task.clip.owner_key):
        yield "search", "/admin/search/", {"s": term, "extended": "1"}
    yield "assign", "/admin/assign", {}
    for page, path in (
        ("home", "/admin/"), ("home, live part", "/admin/today/now"), ("home, fortnight", "/admin/today/fortnight"),
        ("home, foretold", "/admin/today/foretold"), ("stuck work", "/admin/stuck"), ("calendar", "/admin/calendar"),
        ("person", f"/admin/people/{person.pk}"), ("changes", "/admin/changes"), ("plans", "/admin/annotations/plan/"),
    ):  # fmt: skip
        yield page, path, {}
    for asked in ({}, {"only": "dry"}, {"only": "idle"}, {"team": team}, {"name": person.user.username}):
        yield "quota board", "/admin/quotas", asked
    for report in Report.values:
        yield "report", "/admin/reports", {"report": report}
        yield "report, its figures", "/admin/reports/figures", {"report": report}


def staff() -> dict[str, Any]:
    """Somebody who has all regions, and a manager of one, signed in."""
    from django.contrib.auth.models import Group, User
    from django.test import Client

    from config.roles import ensure_roles
    from workforce import staffing
    from workforce.models import Region

    ensure_roles()
    found = {}
    for who, place in (("all regions", staffing.EVERYWHERE), ("one region", None)):
        user = User.objects.create_user(who.replace(" ", "-"), is_staff=True)
        user.groups.add(Group.objects.get(name="ops manager"))
        staffing.begin_scope(user, place or staffing.Place(region=Region.objects.get(code="r1")))
        client = Client(SERVER_NAME="localhost")
        client.force_login(user)
        found[who] = client
    return found


def measured(who: str, client: Any, page: str, path: str, asked: dict[str, Any], *, rounds: int) -> tuple[Found, str]:
    """One page: once for its statements and their plans, then some times against the clock."""
    from django.core.cache import cache
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    cache.clear()
    with CaptureQueriesContext(connection) as said:
        reply = client.get(path, asked)
    # The next request forgets them.
    statements = [one["sql"] for one in said.captured_queries if not one["sql"].startswith(CONTROL)]
    if reply.status_code != 200:
        raise SystemExit(f"{path} {asked} answered {reply.status_code}")
    times: list[float] = []
    anew: list[float] = []
    for number in range(rounds + 3):
        if number >= rounds:
            cache.clear()
        began = time.perf_counter()
        client.get(path, asked)
        (times if number < rounds else anew).append((time.perf_counter() - began) * 1000)
    rows, plans = 0, []
    for one in statements:
        if one.lstrip().startswith(("SELECT", "WITH")):
            count, plan = explained(one)
            rows += count
            plans.append(plan)
    words = " ".join(f"{key}={value}" for key, value in asked.items()) or "first page"
    found = Found(who, page, words[:60], _median(times), _median(anew), len(statements), rows)
    biggest = "\n".join(plan for plan in plans if plan)
    return found, f"== {page}, {words}, {who}: {found.ms:.0f} ms, {found.queries} queries, {rows} rows\n\n{biggest}\n"


def _median(times: list[float]) -> float:
    return sorted(times)[len(times) // 2]


def explained(sql: str) -> tuple[int, str]:
    """How many rows a statement's plan reads; and the plan, where that is more than a few."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}")
        ((answer,),) = cursor.fetchall()
        found = json.loads(answer) if isinstance(answer, str) else answer
        rows = read(found[0]["Plan"])
        if rows < 200:
            return rows, ""
        cursor.execute(f"EXPLAIN (COSTS OFF) {sql}")
        lines = "\n".join("    " + line[:150] for (line,) in cursor.fetchall())
        return rows, f"  {rows} rows: {sql[:100]} ...\n{lines}"


def read(node: dict[str, Any]) -> int:
    """Rows that a plan's scans took from tables and indexes, those thrown away among them."""
    own = 0.0
    if "Scan" in node["Node Type"] and node["Node Type"] not in {"Bitmap Heap Scan", "CTE Scan", "Subquery Scan"}:
        thrown = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
        own = (node.get("Actual Rows", 0) + thrown) * node.get("Actual Loops", 1)
    return round(own) + sum(read(child) for child in node.get("Plans", ()))


def measure(part: str, *, rounds: int) -> tuple[list[Found], list[str]]:
    """Each page of a part, all parts if it is empty, as each of the two."""
    found, plans = [], []
    asked = [one for one in questions() if not part or (one[0] in LISTS) == (part == "lists")]
    for who, client in staff().items():
        for page, path, question in asked:
            one, plan = measured(who, client, page, path, question, rounds=rounds)
            found.append(one)
            plans.append(plan)
    return found, plans


def tell(found: list[Found]) -> dict[str, bool]:
    """Say what was found, and which targets were met."""
    print(
        "| page | asked | who | ms | anew | queries | rows read | |\n| --- | --- | --- | --- | --- | --- | --- | --- |"
    )
    for one in found:
        said = "" if one.is_good else "FAIL"
        print(
            f"| {one.page} | {one.asked} | {one.who} | {one.ms:.0f} | {one.anew:.0f} | {one.queries} | {one.rows:,}"
            f" | {said} |"
        )
    targets: dict[str, bool] = {}
    for page in dict.fromkeys("lists, searches, forms" if one.page in LISTS else one.page for one in found):
        of = [one for one in found if one.page == page or (one.page in LISTS and page.startswith("lists"))]
        targets[f"{page}: <= {MOST_MS} ms"] = max(one.ms for one in of) <= MOST_MS
        targets[f"{page}: <= {MOST_MS} ms with nothing kept"] = max(one.anew for one in of) <= MOST_MS
        if page.startswith("lists") or page in {"home", "home, live part"}:
            targets[f"{page}: <= {MOST_QUERIES} queries"] = max(one.queries for one in of) <= MOST_QUERIES
            targets[f"{page}: <= {MOST_ROWS:,} rows read"] = max(one.rows for one in of) <= MOST_ROWS
    print("\n## Targets\n\n| what | |\n| --- | --- |")
    for name, good in targets.items():
        print(f"| {name} | {'pass' if good else 'FAIL'} |")
    return targets


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a twentieth of the rows: under a minute")
    parser.add_argument("--part", choices=["lists", "pages"], default="", help="only lists with searches, or the rest")
    parser.add_argument("--json", metavar="FILE", help="write what was found there")
    parser.add_argument("--plans", metavar="FILE", help="write the plans there")
    arguments = parser.parse_args()
    quick, began = arguments.quick, time.monotonic()
    clips = 50_000 if quick else 1_000_000
    with engines.running():
        template = data.make_template()
        facts = machine.facts()
        print(f"on {facts}", flush=True)
        made = data.build(template, "plain", 2_000, crowd=200, blocked=0)
        data.use(made.database)
        add_world(made, clips)
        add_work(made, clips)
        print(f"made in {time.monotonic() - began:.0f} s", flush=True)
        found, plans = measure(arguments.part, rounds=3 if quick else 5)
        data.use("")
    print(f"\n## {clips:,} clips and tasks, {2 * clips:,} seats\n")
    targets = tell(found)
    print(f"\n{time.monotonic() - began:.0f} s")
    if arguments.json:
        document = {"quick": quick, "machine": facts, "pages": [asdict(one) for one in found], "targets": targets}
        Path(arguments.json).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    if arguments.plans:
        Path(arguments.plans).write_text("\n".join(plans), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
