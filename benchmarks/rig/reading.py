"""What one claim reads: shared buffers, by EXPLAIN over the whole call, and rows of each table, by its own counters.

A row is one read in a sequential scan, or an entry that an index gave back, dead ones included. The counters are
PostgreSQL's of the running transaction, and the deferred foreign keys are checked before they are read, so nothing that
a call does is left out, however the function is written.
"""

from __future__ import annotations

import re
import statistics
from dataclasses import dataclass
from typing import Any

import psycopg

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


def plan_of_pick(made: Dataset, person: Person) -> str:
    """The inner statement that picks the task, taken out of the function and run by hand in one lane."""
    with engines.connect(made.database) as link:
        source: Any = link.execute("SELECT prosrc FROM pg_proc WHERE proname = 'sightline_take'").fetchone()
        found = re.search(r"SELECT array_agg\(s\.id.*?\) s;", source[0], re.DOTALL)
        if found is None:
            return "the statement was not found in the function"
        statement = found[0].replace("INTO v_ids", "").rstrip(";")
        names = {
            r"\bl\.id\b": ("$1", "bigint"),
            r"\bv_from\b": ("$2", "bigint"),
            r"\bv_to\b": ("$3", "bigint"),
            r"\br\.id\b": ("$4", "bigint"),
            r"\br\.clearance\b": ("$5", "integer"),
            r"\bv_left\b": ("$6", "integer"),
            r"\bv_room\b": ("$7", "integer"),
        }
        for name, (place, kind) in names.items():
            statement = re.sub(name, f"{place}::{kind}", statement)
        try:
            with link.transaction(force_rollback=True):
                link.execute("SET LOCAL plan_cache_mode = force_generic_plan")
                kinds = ", ".join(kind for _, kind in names.values())
                link.execute(f"PREPARE pick ({kinds}) AS {statement}")
                values = f"{made.lane_id}, 0, 9223372036854775807, {person.reviewer_id}, 0, 1, 3"
                plan = link.execute(f"EXPLAIN (ANALYZE, BUFFERS) EXECUTE pick ({values})").fetchall()
        except psycopg.Error as error:
            return f"the statement could not be run by hand: {error}"
        return "\n".join(row[0] for row in plan)
