"""How fast days are simulated, and what ten times as many people would need.

    python benchmarks/simulate.py [--quick] [--json FILE] [--table FILE.md] [--scale FILE.md]

It brings its own PostgreSQL 18 and Redis with the product's settings (one given by DATABASE_URL or REDIS_URL is used
instead). All figures are of one run on one machine, whose cores server and clients share.

``speed``   A Tuesday of 1,000 reviewers in four regions and forty teams, 150 clips a day each, by the twin
            (``annotations.simulation``), planned each half hour: simulated seconds to seconds, and what the day left in
            PostgreSQL: rows and bytes by table, write-ahead log (with synchronous_commit off and many steps a
            transaction: a lower bound).
``plans``   Seconds to read and to solve, and to make the tasks, by people and clips that wait.
``claims``  A claim and its submit a second by bare psycopg on four connections, durable, from one queue.
``access``  Entries of the access log a second on one connection, durable, and the bytes of one.

``--scale`` writes docs/scale.md out of these: 10,000 reviewers, 1.5 million clips a day, four regions.
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
from itertools import count  # noqa: E402
from typing import Any  # noqa: E402

from benchmarks.rig import crew, data, engines, machine, scaling  # noqa: E402

REGIONS = {
    "in": ("Asia/Kolkata", "IN"),
    "ro": ("Europe/Bucharest", "RO"),
    "us": ("America/New_York", "US"),
    "br": ("America/Sao_Paulo", "BR"),
}
TEAMS_EACH, A_DAY, HANDS = 10, 150, 4
GRANT = (
    "SELECT entry FROM sightline_access(%s, 'link', %s, 'proxy', 'lease', %s, 'review', 'IN', '203.0.113.9',"
    " 'GET bytes=0-', 'granted', interval '1 minute', 120)"
)


def scenario(people: int) -> Any:
    """Four regions of ten teams each; as many clips a day as everybody's quota, half a day's wait at the beginning."""
    from annotations.simulation import scenario as reading

    week = ["mon", "tue", "wed", "thu", "fri"]
    each = max(1, people // len(REGIONS) // TEAMS_EACH)
    a_day = each * TEAMS_EACH * A_DAY
    return reading.read(
        {
            "name": f"{people:,} people",
            "starts": "2026-11-24",
            "days": 1,
            "plan_minutes": 30,
            "at_once": 3,
            "ask_again_seconds": 300,
            "regions": [
                {"code": code, "time_zone": zone, "countries": [country]} for code, (zone, country) in REGIONS.items()
            ],
            "teams": [
                {
                    "name": f"{code} {number}",
                    "region": code,
                    "time_zone": zone,
                    "shifts": [{"days": week, "from": "09:00", "to": "17:00"}],
                    # Eight hours hold about 150 such tasks.
                    "people": [{"count": each, "country": country, "seconds": 175, "quota": A_DAY}],
                }
                for code, (zone, country) in REGIONS.items()
                for number in range(TEAMS_EACH)
            ],
            "projects": [
                {
                    "slug": f"threats-{code}",
                    "teams": [f"{code} {number}" for number in range(TEAMS_EACH)],
                    "lease_seconds": 1800,
                }
                for code in REGIONS
            ],
            "arrivals": [{"region": code, "waiting": a_day // 2, "by_hour": [a_day / 24] * 24} for code in REGIONS],
        }
    )


def day(people: int) -> dict[str, Any]:
    """Simulate the day, and look at what it left."""
    from annotations import auditing
    from annotations.simulation import seeding
    from annotations.simulation.scratch import scratch
    from annotations.simulation.twin import Twin

    told = scenario(people)
    with scratch(starts=told.starts) as database:
        twin = Twin(told, seeding.seed(told))
        with engines.connect(database) as link:
            before = data._one(link, "SELECT pg_current_wal_insert_lsn()")
            began = time.perf_counter()
            tally = twin.run(say=lambda now, end: print(f"  hour {now // 3_600_000}", flush=True))
            seconds = time.perf_counter() - began
            link.execute("ANALYZE")
            tables = link.execute(
                "SELECT relname, n_live_tup, pg_total_relation_size(relid) FROM pg_stat_user_tables"
                " WHERE n_live_tup > %s ORDER BY 3 DESC",
                [people],
            ).fetchall()
            wal = int(data._one(link, "SELECT pg_current_wal_insert_lsn() - %s::pg_lsn", before))
        broken = [finding.check.name for finding in auditing.audit()]
    by_hour: dict[int, int] = {}
    for hours in tally.answers_by_hour.values():
        for hour, answers in hours.items():
            by_hour[hour] = by_hour.get(hour, 0) + answers
    return {
        "people": len(twin.people),
        "seconds": seconds,
        "speed": 86_400 / seconds,
        "answers": sum(by_hour.values()),
        "busiest_hour": max(by_hour.values()),
        "clips": tally.arrived,
        "outcomes": dict(tally.outcomes),
        "wal_bytes": wal,
        "tables": [{"table": name, "rows": rows, "bytes": size} for name, rows, size in tables],
        "broken": broken,
    }


def plan(people: int, clips: int) -> dict[str, Any]:
    """A plan from nothing: so many clips wait, and everybody is to come."""
    from django.contrib.auth.models import User

    from annotations.planning import applying, flow, reading
    from annotations.simulation import queries, seeding
    from annotations.simulation.scratch import scratch

    told = scenario(people)
    with scratch(starts=told.starts):
        seeding.seed(told)
        by = User.objects.get(username="simulation").pk
        for code in REGIONS:
            queries.add_clips(
                region=code,
                kind="video",
                language="",
                count=clips // len(REGIONS),
                sensitive=0,
                duration_ms=25_000,
                by=by,
                start=told.starts,
                end=told.starts,
            )
        queries.clean()
        # Once before: what is read for the first time is read from the disk, whatever its size.
        flow.plan(reading.whole_picture(at=told.starts).problem())
        began = time.perf_counter()
        picture = reading.whole_picture(at=told.starts)
        read = time.perf_counter()
        answer = flow.plan(picture.problem())
        solved = time.perf_counter()
        made = applying.apply(picture, answer).made
        done = time.perf_counter()
    return {
        "people": people,
        "clips": clips,
        "read": read - began,
        "solve": solved - read,
        "apply": done - solved,
        "made": made,
    }


def durable(template: str, people: crew.Crew, seconds: float) -> dict[str, Any]:
    """What one durable database takes: claims with their submits, and entries of the access log."""
    made = data.build(template, "plain", 60_000, crowd=1_500, blocked=0)
    data.use(made.database)
    hands = [list(made.crowd[number::HANDS]) for number in range(HANDS)]
    found = people.run(made, "take", hands, seconds=seconds, most=10_000_000, submits=True)
    with engines.connect(made.database) as link:
        size = "SELECT pg_total_relation_size('clips_accessentry')"
        before, marks = data._one(link, size), count(1_000_000_000)
        began, entries = time.perf_counter(), 0
        while time.perf_counter() - began < seconds:
            link.execute(GRANT, (10, entries, next(marks)), prepare=True)
            entries += 1
        spent = time.perf_counter() - began
        grown = data._one(link, size) - before
    data.use("")
    return {
        "cycles_s": len(found.claims) / seconds,
        "claim_p99_ms": crew.at(0.99, found.claims) * 1000,
        "entries_s": entries / spent,
        "entry_bytes": grown / entries,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a fifth of the people: about two minutes")
    parser.add_argument("--json", metavar="FILE", help="write what was found there")
    parser.add_argument("--table", metavar="FILE.md", help="write what was found there, as tables")
    parser.add_argument("--scale", metavar="FILE.md", help="write docs/scale.md there, out of what was found")
    arguments = parser.parse_args()
    quick, began = arguments.quick, time.monotonic()
    with engines.running():
        template = data.make_template()
        facts = machine.facts()
        print(f"on {facts}", flush=True)
        found: dict[str, Any] = {"quick": quick, "machine": facts}
        people = crew.Crew()
        try:
            found["durable"] = durable(template, people, 3.0 if quick else 5.0)
        finally:
            people.close()
        sizes = [(200, 2_000), (1_000, 10_000)] if quick else [(1_000, 10_000), (10_000, 10_000), (10_000, 40_000)]
        found["day"] = day(200 if quick else 1_000)
        print(f"the day took {found['day']['seconds']:.0f} s", flush=True)
        found["plans"] = [plan(*size) for size in sizes]
    print("\n".join(scaling.tables(found)))
    speed = found["day"]["speed"]
    targets = {
        f"simulated to real time, {found['day']['people']:,} people: >= 500": (speed, speed >= 500),
        "broken promises: 0": (float(len(found["day"]["broken"])), not found["day"]["broken"]),
    }
    judged = ["", "## Targets", "", "| what | found | |\n| --- | --- | --- |"]
    judged += [f"| {name} | {value:.2f} | {'pass' if good else 'FAIL'} |" for name, (value, good) in targets.items()]
    print("\n".join(judged))
    print(f"\n{time.monotonic() - began:.0f} s")
    found["targets"] = {name: good for name, (_value, good) in targets.items()}
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if arguments.table:
        told = [*scaling.tables(found), *judged]
        Path(arguments.table).write_text(
            machine.page("Simulated days", "benchmarks/simulate.py", facts, told, quick=quick), encoding="utf-8"
        )
    if arguments.scale:
        Path(arguments.scale).write_text(scaling.page(found), encoding="utf-8")
    return 1 if found["day"]["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
