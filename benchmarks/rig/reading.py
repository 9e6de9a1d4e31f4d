"""What one claim reads: shared buffers, by EXPLAIN over the whole call, and rows of each table, by its own counters.

A row is one read in a sequential scan, or an entry that an index gave back, dead ones included. The counters are
PostgreSQL's of the running transaction, and the deferred foreign keys are checked before they are read, so nothing that
a call does is left out, however the function is written.
"""

from __future__ import annotations

import re
import statistics
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from benchmarks.rig import engines
from benchmarks.rig.data import Dataset, Person

ROWS = """
SELECT t.relname,
       pg_stat_get_xact_tuples_returned(t.oid)
       + (SELECT coalesce(sum(pg_stat_get_xact_tuples_returned(i.indexrelid)), 0) FROM pg_index i
           WHERE i.indrelid = t.oid)
  FROM pg_class t JOIN pg_namespace n ON n.oid = t.relnamespace
 WHERE n.nspname = 'public' AND t.relkind = 'r'
"""


@dataclass
class Read:
    buffers: float
    rows: dict[str, float]

    @property
    def all_rows(self) -> float:
        return sum(self.rows.values())


def one_claim(made: Dataset, people: list[Person]) -> Read:
    """The medians over one claim of each of these people; the first few only warm the connection."""
    buffers: list[float] = []
    rows: list[dict[str, int]] = []
    with engines.connect(made.database) as link:
        for number, person in enumerate(people):
            with link.transaction():
                before = dict(link.execute(ROWS).fetchall())
                plan = link.execute(
                    "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM sightline_take(%s, 1, NULL)",
                    [person.user_id],
                ).fetchone()
                link.execute("SET CONSTRAINTS ALL IMMEDIATE")
                after = dict(link.execute(ROWS).fetchall())
            if plan is not None and number >= min(12, len(people) // 2):
                top = plan[0][0]["Plan"]
                buffers.append(top["Shared Hit Blocks"] + top["Shared Read Blocks"])
                rows.append({name: int(count - before.get(name, 0)) for name, count in after.items()})
    names = sorted({name for each in rows for name in each})
    medians = {name: statistics.median(each.get(name, 0) for each in rows) for name in names}
    return Read(statistics.median(buffers), {name: count for name, count in medians.items() if count})


STATEMENTS = {
    "1. hold the units": r"UPDATE workforce_quotaday d SET held = d\.held \+ v_want.*?INTO r;",
    "2. the lanes": r"SELECT x\.\*, x\.prefetch.*?ORDER BY x\.has_express DESC, x\.starts, x\.id(?=\s+LOOP)",
    # Where nothing is hard to look at; exposure is reckoned in a statement of its own, before this one.
    "3. seats and leases": r"ELSE\s+(WITH pick AS \(.*?FROM made;)",
}
WHO = """
SELECT rv.id, rv.user_id, rv.team_id, rv.country, rv.skills, rv.languages, rv.clearance, rv.opted_out, d.id AS day_id
  FROM workforce_reviewer rv JOIN workforce_quotaday d ON d.reviewer_id = rv.id AND d.day = %s
 WHERE rv.id = %s
"""


def plans(made: Dataset, person: Person) -> str:
    """The claim's three statements, taken out of the function and explained one by one, each with the function's own
    settings and then undone."""
    with engines.connect(made.database, row_factory=dict_row) as link:
        source: Any = link.execute("SELECT prosrc, proconfig FROM pg_proc WHERE proname = 'sightline_take'").fetchone()
        who: Any = link.execute(WHO, [made.day, person.reviewer_id]).fetchone()
        values: dict[str, tuple[str, Any]] = {
            r"\bsightline_take\.at\b": ("timestamptz", datetime.now(UTC)),
            r"\bp_user\b": ("bigint", who["user_id"]),
            r"\bv_(?:want|left|room)\b": ("integer", 1),
            r"\br\.id\b": ("bigint", who["id"]),
            r"\br\.team_id\b": ("bigint", who["team_id"]),
            r"\br\.country\b": ("text", who["country"]),
            r"\br\.skills\b": ("varchar[]", who["skills"]),
            r"\br\.languages\b": ("varchar[]", who["languages"]),
            r"\br\.clearance\b": ("integer", who["clearance"]),
            r"\br\.opted_out\b": ("varchar[]", who["opted_out"]),
            r"\br\.day_id\b": ("bigint", who["day_id"]),
            r"\bl\.id\b": ("bigint", made.lane_id),
            r"\bl\.purpose\b": ("text", "human_review"),
            r"\bl\.lease_seconds\b": ("integer", None),
            r"\bv_from\b": ("bigint", made.rank),
            r"\bv_to\b": ("bigint", 2**63 - 1),
        }
        return "\n\n".join(f"{name}\n{_plan(link, pattern, source, values)}" for name, pattern in STATEMENTS.items())


def _plan(link: Any, pattern: str, source: dict[str, Any], values: dict[str, tuple[str, Any]]) -> str:
    found = re.search(pattern, source["prosrc"], re.DOTALL)
    if found is None:
        return "the statement was not found in the function"
    statement = re.sub(r"INTO (?:r|v_new)\b", "", found[found.lastindex or 0]).rstrip(";")
    for number, (name, (kind, _)) in enumerate(values.items(), 1):
        statement = re.sub(name, f"${number}::{kind}", statement)
    kinds = ", ".join(kind for kind, _ in values.values())
    literals = sql.SQL(", ").join(sql.Literal(value) for _, value in values.values())
    try:
        with link.transaction(force_rollback=True):
            for setting in source["proconfig"]:
                link.execute("SELECT set_config(%s, %s, true)", setting.split("=", 1))
            link.execute(f"PREPARE hot ({kinds}) AS {statement}")
            plan = link.execute(sql.SQL("EXPLAIN (ANALYZE, BUFFERS) EXECUTE hot ({})").format(literals)).fetchall()
    except psycopg.Error as error:
        return f"the statement could not be run by hand: {error}"
    finally:
        link.execute("DEALLOCATE ALL")
    return "\n".join(row["QUERY PLAN"] for row in plan)
