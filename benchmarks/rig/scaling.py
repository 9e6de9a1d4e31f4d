"""What ten times as many people need, computed from one run's figures: the tables, and the page docs/scale.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PEOPLE, CLIPS, REGIONS = 10_000, 1_500_000, 4
# As benchmarks/access.py opens footage: renditions of a clip, each an entry of the access log.
RENDITIONS = 6
# The planner's own: annotations.planning.running.EVERY.
PLAN_EVERY = 180.0
GIB = 2**30
ROOT = Path(__file__).resolve().parent.parent.parent
BY_CLIP = {"clips_clip", "clips_rendition", "clips_permit", "annotations_task"}
BY_ANSWER = {"annotations_lease", "annotations_annotation", "annotations_activespan"}


@dataclass(frozen=True)
class Part:
    """One part of the system: what it must do at the busiest, what it did here, and how that was reckoned."""

    name: str
    needed: float
    found: float
    unit: str
    how: str
    then: str

    @property
    def use(self) -> float:
        return self.needed / self.found


def tables(found: Mapping[str, Any]) -> Iterator[str]:
    """What was measured."""
    day, durable = found["day"], found["durable"]
    yield f"\n## A day of {day['people']:,} people\n"
    yield "| what | found |\n| --- | --- |"
    yield f"| simulated in | {day['seconds']:.0f} s, {day['speed']:,.0f} x real time |"
    yield f"| answers; in the busiest hour | {day['answers']:,}; {day['busiest_hour']:,} |"
    yield f"| clips that came | {day['clips']:,} |"
    yield f"| write-ahead log | {day['wal_bytes'] / day['answers']:,.0f} bytes an answer |"
    yield "\n## Durable, on one database\n\n| what | found |\n| --- | --- |"
    cycles, p99 = durable["cycles_s"], durable["claim_p99_ms"]
    yield f"| claims with submits, 4 connections | {cycles:,.0f} /s, p99 {p99:.2f} ms |"
    entries, size = durable["entries_s"], durable["entry_bytes"]
    yield f"| entries of the access log, 1 connection | {entries:,.0f} /s, {size:,.0f} bytes |"
    yield "\n## Plans from nothing\n"
    yield "| people | clips that wait | read s | solve s | apply s | tasks made |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for row in found["plans"]:
        times = " | ".join(f"{row[name]:.2f}" for name in ("read", "solve", "apply"))
        yield f"| {row['people']:,} | {row['clips']:,} | {times} | {row['made']:,} |"


def grown(day: Mapping[str, Any]) -> list[tuple[str, float, float]]:
    """Table, rows and bytes of a whole day: what is of clips by clips, what is of answers by answers; indexes, too."""
    found = []
    for row in day["tables"]:
        by_clip = row["table"] in BY_CLIP
        if by_clip or row["table"] in BY_ANSWER:
            times = CLIPS / (day["clips"] if by_clip else day["answers"])
            found.append((str(row["table"]), row["rows"] * times, row["bytes"] * times))
    return found


def over_http() -> float:
    """Claims with their submits a second over HTTP: the least that is kept of 32 clients."""
    text = (ROOT / "docs" / "benchmarks" / "queue.md").read_text(encoding="utf-8")
    part = text.partition("## Over HTTP")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")] for line in part.splitlines() if line.startswith("|")]
    place = rows[0].index("cycles/s")
    return min(float(row[place]) for row in rows[2:] if row[rows[0].index("clients")] == "32")


def parts(found: Mapping[str, Any]) -> list[Part]:
    """The parts that one database has to carry, the one that gives way first at the head."""
    day, durable, plans = found["day"], found["durable"], found["plans"]
    times = CLIPS / day["answers"]
    peak = day["busiest_hour"] * times / 3600
    cycles, entries = durable["cycles_s"], durable["entries_s"]
    small, large = plans[-2], plans[-1]
    more = large["read"] + large["solve"] - small["read"] - small["solve"]
    # Where more clips took no longer, beyond what the machine's own noise makes of it, they cost nothing.
    a_clip = max(0.0, more) / (large["clips"] - small["clips"])
    base = small["read"] + small["solve"] - a_clip * small["clips"]
    waits = CLIPS / 2
    planning = max(0.0, base) + a_clip * waits
    applied = large["made"] / large["apply"]
    hour = f"{day['busiest_hour']:,} answers in the busiest hour here, times {times:.1f}, by 3,600"
    rows = [
        Part(
            "a web server: claims and submits over HTTP",
            peak,
            over_http(),
            "/s",
            "the same answers; against the least of 32 clients in docs/benchmarks/queue.md, on such a machine",
            "more web processes, which hold no state",
        ),
        Part(
            "claims and submits in PostgreSQL",
            peak,
            cycles,
            "/s",
            f"{hour}; against {cycles:,.0f} a second by four connections",
            "one database per region, as said below",
        ),
        Part(
            "entries of the access log",
            peak * RENDITIONS,
            entries,
            "/s",
            f"the same answers, {RENDITIONS} renditions each; against {entries:,.0f} a second by one connection"
            " (people have streams of their own and do not wait for each other, so more connections write more)",
            "one database per region, and the table in partitions by day, of which old ones move to cheaper disks",
        ),
        Part(
            "planning: read and solve",
            planning,
            PLAN_EVERY,
            "s",
            f"{max(0.0, base):.2f} s for {large['people']:,} people and {a_clip * 1e6:.2f} microseconds a clip, half a"
            f" day's clips waiting; against one plan in {PLAN_EVERY:.0f} s",
            "one planner per region, for what waits in one region is placed with its own teams",
        ),
        Part(
            "planning: tasks made",
            CLIPS / 86_400,
            applied,
            "/s",
            f"{CLIPS:,} a day, by 86,400; against {large['made']:,} in {large['apply']:.1f} s",
            "nothing",
        ),
    ]
    return sorted(rows, key=lambda part: -part.use)


def page(found: Mapping[str, Any]) -> str:
    """The page, with every number measured or reckoned here."""
    day, durable = found["day"], found["durable"]
    times = CLIPS / day["answers"]
    order = parts(found)
    first = order[0]
    peak = day["busiest_hour"] * times / 3600
    log_bytes = durable["entry_bytes"] * RENDITIONS * CLIPS
    grows = grown(day)
    all_bytes = sum(size for _name, _rows, size in grows) + log_bytes
    wal = day["wal_bytes"] * times
    out = [
        "# At scale",
        "",
        f"{PEOPLE:,} reviewers, {CLIPS:,} clips a day, {REGIONS} regions. What each part needs then, against what was"
        " measured on one machine; which gives way first, and what is then done. Written by"
        " `python benchmarks/simulate.py --scale docs/scale.md`: beside the task itself, no number here was typed in.",
        "",
        f"Measured on {_machine(found['machine'])}. Server and clients shared it, so a server does better.",
    ]
    if found["quick"]:
        out += ["", "**This was a quick run, with a fifth of the people; a full one takes its place.**"]
    out += [*tables(found), ""]
    out += [
        f"## For {PEOPLE:,} people",
        "",
        f"The simulated day had {day['answers']:,} answers; {CLIPS:,} are {times:.2f} times as many, and all that"
        " follows from answers is multiplied by that. In the busiest hour, when the shifts of regions lie over each"
        f" other, that is {peak:,.0f} answers a second.",
        "",
        "| part | needed | found here | in use | how it was got |",
        "| --- | --- | --- | --- | --- |",
    ]
    out += [
        f"| {part.name} | {part.needed:,.1f} {part.unit} | {part.found:,.1f} {part.unit} | {part.use:.1%} |"
        f" {part.how} |"
        for part in order
    ]
    out += ["", "### Rows and bytes a day", "", "| table | rows a day | GiB a day |", "| --- | --- | --- |"]
    out += [f"| {name} | {rows:,.0f} | {size / GIB:.2f} |" for name, rows, size in grows]
    out += [
        f"| clips_accessentry | {CLIPS * RENDITIONS:,} | {log_bytes / GIB:.2f} |",
        "",
        "(The simulation shows nobody any footage, so the access log's rows are reckoned:"
        f" {CLIPS:,} x {RENDITIONS} x {durable['entry_bytes']:,.0f} bytes. Clips there have one rendition and"
        " no prints, and their owners agreed before; real ones have more rows.)",
        "",
        f"All of it is {all_bytes / GIB:,.1f} GiB a day, {all_bytes * 365 / 2**40:,.1f} TiB a year. Of"
        f" write-ahead log the queue makes at least {wal / GIB:,.1f} GiB a day, which is"
        f" {wal / 86_400 / 2**20:,.1f} MiB a second on average and"
        f" {day['wal_bytes'] / day['answers'] * peak / 2**20:,.1f} in the busiest hour; a replica is sent as much.",
        "",
        "## What gives way first",
        "",
        f"**{first.name[0].upper()}{first.name[1:]}**: {first.use:.1%} of what this machine can do is in use in the"
        f" busiest hour ({first.needed:,.1f} {first.unit} of {first.found:,.1f}).",
        "",
    ]
    out += [f"{number}. {part.name}, {part.use:.1%}. Then: {part.then}." for number, part in enumerate(order, 1)]
    out += [
        "",
        f"What runs out by time and not by rate is the disk: {all_bytes / GIB:,.1f} GiB more each day, and vacuum and"
        " backups with it.",
        "",
        *THEN,
        "",
    ]
    return "\n".join(out)


def _machine(facts: Mapping[str, Any]) -> str:
    return (
        f"{facts['cores']} cores ({facts['processor']}), {facts['memory_gib']} GiB, PostgreSQL"
        f" {facts['postgresql']['server_version']}, load before {facts['load_before']}"
    )


THEN = [
    "## What is then done",
    "",
    "In this order, each with what exists:",
    "",
    "- **Read replicas** (PostgreSQL's streaming replication): reports, audits, exports and the ops screens read from"
    " one. Claims, submits and grants of sight never do: they must see the last commit.",
    "- **Partitions by day** (PostgreSQL's declarative ones) of what is only added and asked by time: the access"
    " log, active time, lane heads, events. Old ones are detached and moved instead of deleted row by row. Tasks,"
    " leases and answers are asked by number; they are partitioned last, by ranges of numbers.",
    "- **One database per region.** Clips never leave their region, lanes are of one team and one region, and quota"
    " days of one person: a claim touches no row of two regions while teams look at their own region's footage only. A"
    " team that looks at two regions' footage would need a home, and its quota day one database that both ask.",
    "- **More brokers**: a Redis per region. Messages are doorbells, so nothing moves with them but the ringing.",
    "- **More web processes and workers** need no plan: they hold no state.",
]
