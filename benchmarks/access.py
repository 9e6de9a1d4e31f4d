"""What the access log costs: a grant of footage by itself, and the queue beside grants that are being written down.

    python benchmarks/access.py [--quick] [--json FILE] [--keep]

It brings its own PostgreSQL 18 and Redis with the product's settings (fsync and synchronous_commit on; one given by
DATABASE_URL or REDIS_URL is used instead) and makes a plain queue in a database of its own.

``grant``   Milliseconds of one call of ``clips.access``: a new entry, and a repeat within the minute, which writes
            nothing; 1 connection. Then entries per second by 8 connections, each to its own person's stream and all to
            one; and a new entry while a transaction's old snapshot is held open. Beside them the least that a durable
            record can cost: a bare INSERT of the same columns.
``claims``  Claims and submits at full rate by 8 connections (``sightline_take`` and ``sightline_submit`` by bare
            psycopg), alone; beside so many grants a second as a workforce of 1,000 and of 10,000 people opens (each
            150 clips of 6 renditions in 8 hours, all at once); and, as a control, beside as many calls that ask the
            same and write nothing. Taking a lease writes no entry; opening its links does.
``verify``  Entries per second that ``manage.py verify_access_log`` looks at.

Method: server and clients share the machine, so every figure is a ratio within one run. Variants take turns within a
round, in the one order and then in the other, and what is compared stands side by side there; each round gives a ratio,
and told is their median with the least and the most. Those who open footage are processes beside those who claim, so a
part of what the queue loses is lost to them and not to the log: the control says how much. So 1,000 people are compared
with nothing beside the queue, and 10,000 with the control. ``--keep`` writes docs/benchmarks/access.md.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).absolute().parent.parent
HERE = Path(__file__).resolve().parent
sys.path[:] = [str(ROOT), *(entry for entry in sys.path if Path(entry or ".").resolve() != HERE)]

import argparse  # noqa: E402
import json  # noqa: E402
import multiprocessing  # noqa: E402
import statistics  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from itertools import count  # noqa: E402
from typing import Any  # noqa: E402

import psycopg  # noqa: E402

from benchmarks.rig import crew, data, engines, machine  # noqa: E402

GRANT = (
    "SELECT entry FROM sightline_access(%s, 'link', %s, 'proxy', 'lease', %s, 'review', 'IN', '203.0.113.9',"
    " 'GET bytes=0-', 'granted', interval '1 minute', 120)"
)
BARE = (
    "INSERT INTO bench.entry VALUES (%s, now(), %s, 'link', %s, 'proxy', 'lease', 1, 'review', 'IN', '203.0.113.9',"
    " 'GET bytes=0-', 'granted', sha256('x'))"
)
# 150 clips of 6 renditions in 8 hours, by each of so many.
SHARE = 150 * 6 / (8 * 3600)
FIRST_PERSON = 1_000_000
LEAST = 0.9
KEPT = ROOT / "docs" / "benchmarks" / "access.md"


def opener(url: str, rate: float, writes: bool, stop: Any, done: Any) -> None:
    """A process that opens footage so many times a second, each time as the next of many people."""
    with psycopg.connect(url, autocommit=True) as link:
        cursor = link.cursor()
        began, number = time.perf_counter(), 0
        while not stop.is_set():
            due = began + number / rate
            if (left := due - time.perf_counter()) > 0:
                time.sleep(left)
            # A repeat within the minute asks all the same and writes nothing.
            under = number if writes else 0
            cursor.execute(GRANT, (FIRST_PERSON + number % 500, under, under), prepare=True)
            number += 1
        with done.get_lock():
            done.value += number


@contextmanager
def opening(database: str, rate: float, *, writes: bool, told: list[float]) -> Iterator[None]:
    """Footage is being opened elsewhere; ``told`` gets how many times a second it really was."""
    if not rate:
        yield
        return
    context = multiprocessing.get_context("spawn")
    stop, done = context.Event(), context.Value("q", 0)
    job = (engines.address(database), rate, writes, stop, done)
    process = context.Process(target=opener, args=job, daemon=True)
    process.start()
    time.sleep(0.7)  # until it is at work
    began = time.perf_counter()
    try:
        yield
    finally:
        stop.set()
        process.join(10)
        told.append(done.value / (time.perf_counter() - began + 0.3))


def claims(made: data.Dataset, people: crew.Crew, *, rounds: int, seconds: float) -> dict[str, Any]:
    """Claims a second, by what goes on beside them."""
    variants: dict[str, tuple[float, bool]] = {"alone": (0.0, False)}
    for workforce in (1_000, 10_000):
        rate = workforce * SHARE
        variants[f"beside {workforce:,} people's openings"] = (rate, True)
        variants[f"beside as many that write nothing ({rate:.0f}/s)"] = (rate, False)
    found: dict[str, list[float]] = {name: [] for name in variants}
    means: dict[str, list[float]] = {name: [] for name in variants}
    opened: dict[str, list[float]] = {name: [] for name in variants}
    for turn in range(rounds):
        for name, (rate, writes) in list(variants.items())[:: 1 if turn % 2 == 0 else -1]:
            with opening(made.database, rate, writes=writes, told=opened[name]):
                hands = [list(made.crowd[number::8]) for number in range(8)]
                done = people.run(made, "take", hands, seconds=seconds, most=10_000_000, submits=True)
            found[name].append(done.rate)
            means[name].append(done.mean * 1000)
        data.reset(made)
    return {
        name: {
            "claims_per_second": statistics.median(rates),
            "claim_ms": statistics.median(means[name]),
            "opened_per_second": statistics.median(opened[name] or [0.0]),
            "rounds": rates,
        }
        for name, rates in found.items()
    }


def by_round(one: dict[str, Any], other: dict[str, Any]) -> list[float]:
    """How one variant's rate stands to another's in each round, the least first."""
    return sorted(a / b for a, b in zip(one["rounds"], other["rounds"], strict=True))


def each(link: psycopg.Connection[Any], call: Callable[[Any, int], None], *, seconds: float) -> tuple[float, int]:
    """The median milliseconds of a call, and how many there were."""
    cursor, took = link.cursor(), []
    until, numbers = time.perf_counter() + seconds, count(1)
    while (began := time.perf_counter()) < until:
        call(cursor, next(numbers))
        took.append((time.perf_counter() - began) * 1000)
    return statistics.median(took[12:] or took), len(took)


def rate_of(url: str, call: Callable[[Any, int, int], None], *, seconds: float, hands: int = 8) -> float:
    """Calls a second of several connections in threads of this process."""
    done = [0] * hands

    def work(hand: int) -> None:
        with psycopg.connect(url, autocommit=True) as link:
            cursor = link.cursor()
            until = time.perf_counter() + seconds
            while time.perf_counter() < until:
                call(cursor, hand, done[hand])
                done[hand] += 1

    threads = [threading.Thread(target=work, args=(hand,)) for hand in range(hands)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / seconds


def grants(database: str, *, seconds: float) -> dict[str, float]:
    """What a grant costs by itself."""
    url, found, marks = engines.address(database), {}, count(1_000_000_000)

    def new(cursor: Any, number: int, person: int = 10) -> None:
        cursor.execute(GRANT, (person, number, next(marks)), prepare=True)

    def bare(cursor: Any, number: int) -> None:
        cursor.execute(BARE, (number, 1, number), prepare=True)

    with psycopg.connect(url, autocommit=True) as link:
        columns = "number, at, user_id, credentials, clip_id, rendition, under, under_id, purpose, country, address"
        link.execute(
            f"CREATE TABLE bench.entry AS SELECT {columns}, asked, outcome, hash FROM clips_accessentry LIMIT 0"  # noqa: S608
        )
        link.execute("CREATE UNIQUE INDEX ON bench.entry (number)")
        found["a bare INSERT"], _ = each(link, bare, seconds=seconds)
        found["a new entry"], _ = each(link, new, seconds=seconds)
        found["a repeat, which writes nothing"], _ = each(
            link, lambda cursor, _: cursor.execute(GRANT, (11, 1, 1), prepare=True), seconds=seconds
        )
        with engines.connect(database) as other:
            other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            other.execute("SELECT count(*) FROM clips_accessstream")
            found["a new entry, an old snapshot held"], _ = each(link, new, seconds=seconds)
    found["entries/s, 8 streams"] = rate_of(
        url, lambda cursor, hand, number: new(cursor, number, person=20 + hand), seconds=seconds
    )
    found["entries/s, 8 writers of one stream"] = rate_of(
        url, lambda cursor, hand, number: new(cursor, number, person=30), seconds=seconds
    )
    return found


def verified(database: str, *, entries: int) -> dict[str, float]:
    """How fast the log is looked at, with one long stream in it."""
    from clips import chain

    with engines.connect(database) as link:
        numbers = "generate_series(1, %s) AS number"
        link.execute(f"SELECT count(sightline_access(40, 'link', number, 'proxy', 'lease', number, 'review', 'IN', '',"  # noqa: S608
                     f" 'GET', 'granted', interval '1 minute', 120)) FROM {numbers}", [entries])  # fmt: skip
    data.use(database)
    began = time.perf_counter()
    verdict = chain.verify()
    took = time.perf_counter() - began
    data.use("")
    return {"entries": verdict.entries, "seconds": took, "faults": len(verdict.faults or [])}


def told(alone: dict[str, float], beside: dict[str, Any], looked: dict[str, float]) -> tuple[str, dict[str, bool]]:
    """What was found as tables, and which targets are met."""
    out = ["\n## One grant\n\n| what | found |\n| --- | --- |"]
    out += [f"| {name} | {value:,.2f}{'' if '/s' in name else ' ms'} |" for name, value in alone.items()]
    out += ["\n## Claims beside grants\n\n| variant | claims/s | to alone | least to most | a claim ms | opened/s |"]
    out += ["| --- | --- | --- | --- | --- | --- |"]
    for name, row in beside.items():
        ratios = by_round(row, beside["alone"])
        out += [
            f"| {name} | {row['claims_per_second']:,.0f} | {statistics.median(ratios):.3f} | {ratios[0]:.2f} to"
            f" {ratios[-1]:.2f} | {row['claim_ms']:.2f} | {row['opened_per_second']:.0f} |"
        ]
    speed = looked["entries"] / looked["seconds"]
    out += [f"\n{looked['entries']:,.0f} entries were verified, {speed:,.0f} a second."]
    large, small = beside["beside 10,000 people's openings"], beside["beside 1,000 people's openings"]
    control = next(row for name, row in beside.items() if f"({10_000 * SHARE:.0f}/s)" in name)
    compared = {
        "claims beside 1,000 people's openings, to alone": by_round(small, beside["alone"]),
        "claims beside 10,000 people's openings, to the control": by_round(large, control),
    }
    out += [f"\n## Targets\n\n| what | median of {len(small['rounds'])} rounds | least to most | wanted | |"]
    out += ["| --- | --- | --- | --- | --- |"]
    targets = {name: statistics.median(each_round) >= LEAST for name, each_round in compared.items()}
    for name, each_round in compared.items():
        verdict = "pass" if targets[name] else "FAIL"
        spread = f"{each_round[0]:.2f} to {each_round[-1]:.2f}"
        out += [f"| {name} | {statistics.median(each_round):.3f} | {spread} | >= {LEAST} | {verdict} |"]
    targets["faults in the log"] = not looked["faults"]
    verdict = "pass" if not looked["faults"] else "FAIL"
    out += [f"| faults in the log | {looked['faults']:.0f} | | 0 | {verdict} |"]
    return "\n".join(out) + "\n", targets


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="shorter slices: under a minute")
    parser.add_argument("--json", metavar="FILE", help="write what was found there")
    parser.add_argument("--keep", action="store_true", help="write docs/benchmarks/access.md")
    arguments = parser.parse_args()
    quick, began = arguments.quick, time.monotonic()
    with engines.running():
        template = data.make_template()
        facts = machine.facts()
        print(f"on {facts}", flush=True)
        people = crew.Crew()
        try:
            made = data.build(template, "plain", 10_000 if quick else 60_000, crowd=3_000, blocked=0)
            alone = grants(made.database, seconds=0.8 if quick else 3.0)
            beside = claims(made, people, rounds=3 if quick else 11, seconds=0.7 if quick else 2.5)
            looked = verified(made.database, entries=10_000 if quick else 100_000)
        finally:
            people.close()
    tables, targets = told(alone, beside, looked)
    print(tables)
    print(f"\n{time.monotonic() - began:.0f} s")
    if arguments.json:
        document = {"quick": quick, "machine": facts, "grant": alone, "claims": beside, "verify": looked}
        document["targets"] = targets
        Path(arguments.json).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    if arguments.keep:
        lines = "\n".join(f"- {name}: {value}" for name, value in facts.items())
        how = " --quick" if quick else ""
        text = f"# What the access log costs\n\n`benchmarks/access.py{how} --keep`, on\n\n{lines}\n{tables}"
        KEPT.write_text(text, encoding="utf-8")
    return 0 if not looked["faults"] else 1


if __name__ == "__main__":
    sys.exit(main())
