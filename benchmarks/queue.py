"""How fast the queue is, beside the fastest that PostgreSQL would let it be.

    python benchmarks/queue.py [--quick] [--json FILE] [--part NAME ...] [--web NAME]

It brings its own PostgreSQL 18 and Redis with the product's settings (fsync and synchronous_commit on; one given by
DATABASE_URL or REDIS_URL is used instead) and makes queues of three lengths in two shapes, each in its own database:

``plain``  one project, one lane, thousands of reviewers of one team with the default 150 a day.
``hard``   20 projects in two regions, skills and residency mixed. Before the work stand 100 thousand tasks that the
           reviewer may not have: half in lanes closed to them, half which they held before and let lapse, with their
           seats free again (so the history is 50 thousand lapsed leases for each of 32 people). These people's own
           limit is 30,000 a day, because few of them must work without a rest.

Parts:

``claims`` The limit, one SQL statement by bare psycopg, prepared, that spends a quota unit, picks the first task, takes
           its seat and inserts the lease in the very same tables; and our verb, ``annotations.leasing.lease_next``, in
           process. 1 and 8 connections. The limit is told the lane and the rank to begin at, and looks behind its own
           last claim. In ``plain`` each claim is another reviewer's. Each lease is submitted before the next claim (by
           ``sightline_submit``, in both variants and shapes, outside the measured time), so the verb is compared with
           the limit by the mean time of a claim, and one shape with the other under the same work: a claim whose
           connection did nothing else before is a quarter faster, whatever the queue.
``http``   Lease one, submit it: real web server, tokens and permissions, 1, 8 and 32 distinct regulars; beside it an
           endpoint with the same authentication that returns a constant.
``reads``  Rows and shared buffers that one claim reads.
``decay``  Claims and submits at full rate by 8 connections that call the SQL functions through bare psycopg, without
           Python of ours between: alone; with a transaction's snapshot held open elsewhere; and with 2 % of the leases
           given back. For contrast the plain SKIP LOCKED statement, claims only, from the head of the index, under a
           held snapshot. A machine is not as fast at the end of ten minutes as at their beginning: once a second a
           connection beside runs a yardstick (a count of 100,000 numbers, written down durably), and rates are told
           as claims in a yardstick's time, too.
``think``  32 reviewers who think 0.2 s, ask for 3 and keep 3: the share of their time in which they had no work. They
           have worked here before, so each takes a lease and answers it beforehand: the bookmarks behind what they held
           before are then as the product leaves them. How long that first lease took is told beside.
``servers``  The http part's cycle over several servers and sizes of them (not in a plain run; ask for it).

Method: server and clients share the machine, so every figure is a ratio within one run; variants take turns within a
round, the order is turned around from round to round, and medians of rounds are told. Each variant begins a slice on
warm connections. After each round the queue is put back and vacuumed.

Limits of the method: clients take a good part of the cores, so a faster server would look better than here; the p99 of
a short slice is a rough figure; whatever else runs on the machine is in all of it.

A full run takes about three quarters of an hour, half of it the ten minutes of full rate over a million tasks, alone
and beside an open snapshot. What is found is kept in ``var/benchmark-queue.json`` as it is found; ``--resume`` goes on
from there, with the queues made anew.

The queue is checked after each part and round: nobody twice on a task, no seat and no quota unit too many.
"""

from __future__ import annotations

import sys
from pathlib import Path

# Run as a script, the folder of this file would come first, and this file would be everybody's module `queue`.
ROOT = Path(__file__).absolute().parent.parent
HERE = Path(__file__).resolve().parent
sys.path[:] = [str(ROOT), *(entry for entry in sys.path if Path(entry or ".").resolve() != HERE)]

import argparse  # noqa: E402
import json  # noqa: E402
import statistics  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
from collections import Counter, defaultdict  # noqa: E402
from collections.abc import Iterator, Sequence  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from dataclasses import asdict, dataclass, field  # noqa: E402
from typing import Any  # noqa: E402

from benchmarks.rig import crew, data, engines, machine, reading  # noqa: E402
from benchmarks.rig.crew import Crew, Slice, at  # noqa: E402
from benchmarks.rig.data import Dataset, Person  # noqa: E402
from benchmarks.rig.served import server  # noqa: E402
from benchmarks.rig.yardstick import yardstick  # noqa: E402
from config import plot  # noqa: E402

KEPT = ROOT / "docs" / "benchmarks"
PARTS = ("claims", "http", "reads", "decay", "think", "servers")
# A short queue gives a slice of some fifty claims, so there are more of them in a round.
SHORT_TURNS = 4
# Fewer marks of the yardstick than these say more of their seconds than of the machine: a quick run has one.
LEAST_MARKS = 10
TABLE: list[str] = []


@dataclass(frozen=True)
class Sizes:
    """How long everything takes."""

    queues: tuple[tuple[str, int], ...]
    blocked: int
    crowd: int
    rounds: int
    seconds: float  # of a slice
    http_rounds: int
    http_seconds: float
    decay_tasks: int
    decay_seconds: float
    returned_seconds: float
    contrast_seconds: float
    think_seconds: float


FULL = Sizes(
    queues=tuple((kind, count) for count in (1_000, 100_000, 1_000_000) for kind in ("plain", "hard")),
    blocked=100_000, crowd=12_000, rounds=2, seconds=2.5, http_rounds=3, http_seconds=5.0,
    decay_tasks=1_000_000, decay_seconds=600.0, returned_seconds=45.0, contrast_seconds=30.0, think_seconds=30.0,
)  # fmt: skip
QUICK = Sizes(
    queues=(("plain", 1_000), ("hard", 10_000)),
    blocked=2_000, crowd=3_000, rounds=2, seconds=0.3, http_rounds=1, http_seconds=0.4,
    decay_tasks=10_000, decay_seconds=3.0, returned_seconds=1.5, contrast_seconds=2.0, think_seconds=1.5,
)  # fmt: skip


class Kept:
    """What a run has found so far, on disk, so that one that was broken off can be taken up where it was."""

    def __init__(self, path: Path, about: dict[str, Any], *, resume: bool) -> None:
        self.path = path
        self.found: dict[str, Any] = {"about": about}
        if resume and path.exists():
            found = json.loads(path.read_text(encoding="utf-8"))
            if found["about"] != about:
                raise SystemExit(f"{path} is of another kind of run: {found['about']}")
            self.found = found

    def get(self, name: str) -> Any:
        return self.found.get(name)

    def keep(self, name: str, value: Any) -> None:
        self.found[name] = value
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(".new")
        draft.write_text(json.dumps(self.found), encoding="utf-8")
        draft.replace(self.path)


@dataclass
class Run:
    """One run: what it works on, and what it found."""

    sizes: Sizes
    folder: Path
    crew: Crew
    web: str
    template: str
    kept: Kept
    made: dict[str, Dataset] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    checks: int = 0
    broken: int = 0
    targets: list[tuple[str, float, str, bool]] = field(default_factory=list)

    def queue(self, kind: str, tasks: int) -> Dataset:
        """The queue of this shape and length, made when it is first asked for."""
        name = f"{kind}_{tasks}"
        if name not in self.made:
            sizes = self.sizes
            made = self.made[name] = data.build(self.template, kind, tasks, crowd=sizes.crowd, blocked=sizes.blocked)
            say(f"  made {kind} with {tasks:,} tasks in {made.seconds:.0f} s")
        return self.made[name]

    def queues(self) -> list[Dataset]:
        return [self.queue(*each) for each in self.sizes.queues]

    def check(self, made: Dataset, part: str, *, but: str = "") -> None:
        """Count what must never be, and keep the count."""
        found = {name: count for name, count in data.check(made).items() if count and name != but}
        self.checks += 1
        self.broken += sum(found.values())
        if found:
            say(f"  BROKEN after {part} in {made.name}: {found}")

    def part(self, name: str) -> None:
        """Do a part, or take it as it was kept."""
        if found := self.kept.get(f"part.{name}"):
            self.ratios |= found["ratios"]
            for key, value in found["figures"].items():
                by_second = key.startswith("decay.")
                self.figures[key] = {int(second): count for second, count in value.items()} if by_second else value
            self.targets += [tuple(each) for each in found["targets"]]
            TABLE.extend(found["table"])
            self.checks += found["checks"]
            self.broken += found["broken"]
            self.crew.errors.update(found["errors"])
            return
        ratios, figures, errors = set(self.ratios), set(self.figures), Counter(self.crew.errors)
        targets, table, checks, broken = len(self.targets), len(TABLE), self.checks, self.broken
        globals()[name](self)
        self.kept.keep(
            f"part.{name}",
            {
                "ratios": {key: value for key, value in self.ratios.items() if key not in ratios},
                "figures": {key: value for key, value in self.figures.items() if key not in figures},
                "targets": self.targets[targets:],
                "table": TABLE[table:],
                "checks": self.checks - checks,
                "broken": self.broken - broken,
                "errors": dict(self.crew.errors - errors),
            },
        )

    def target(self, name: str, value: float, wanted: str, good: bool) -> None:
        self.targets.append((name, value, wanted, good))


# --- 1 and 2: the limit and the verb ---------------------------------------------------------------------------------


def claims(run: Run) -> None:
    found: dict[tuple[str, int, str], list[Slice]] = defaultdict(list)
    queues = run.queues()
    for number in range(run.sizes.rounds):
        for made in queues:
            for connections in (1, 8):
                kinds = ["limit", "verb"]
                for turn in range(number, number + (SHORT_TURNS if made.tasks <= 20_000 else 1)):
                    for kind in kinds if turn % 2 == 0 else reversed(kinds):
                        found[made.name, connections, kind].append(_slice_of_claims(run, made, connections, kind))
                        if made.tasks <= 20_000:
                            _clean(run, made, "claims")
            if made.tasks > 20_000:
                _clean(run, made, "claims")
    head("Claims: the limit (one SQL statement) and our verb in process")
    row("queue", "conns", "limit/s", "verb/s", "verb/limit", "limit p50 p99 ms", "verb p50 p99 ms", "first ms")
    least = float("inf")
    for made in queues:
        for connections in (1, 8):
            limits, verbs = found[made.name, connections, "limit"], found[made.name, connections, "verb"]
            ratio = median([one.mean / two.mean for one, two in zip(limits, verbs, strict=True)])
            least = min(least, ratio)
            run.ratios[f"verb_to_limit.{made.name}.{connections}"] = ratio
            for kind, slices in (("limit", limits), ("verb", verbs)):
                run.figures[f"{kind}.{made.name}.{connections}"] = summary(slices)
            one, two = summary(limits), summary(verbs)
            row(made.name, connections, f"{one['rate']:.0f}", f"{two['rate']:.0f}", f"{ratio:.2f}", ends(one),
                ends(two), f"{two['first']:.0f}")  # fmt: skip
    run.target("our verb to the limit, the least of all", least, ">= 0.5", least >= 0.5)
    _steady(run, "verb", (1, 8))


def _slice_of_claims(run: Run, made: Dataset, connections: int, kind: str) -> Slice:
    if made.is_hard:
        people = deal(made.regulars[: min(data.HOLDERS, 4 * connections)], connections)
        # The limit knows one of ten lanes, and a slice must not run it dry.
        most = max(5, made.tasks // 10 // connections // 2)
        return run.crew.run(made, kind, people, seconds=run.sizes.seconds, most=most, submits=True)
    # Nobody's day is spent, so each slice has people of its own.
    each = len(made.crowd) // 4 // connections
    people = [take_people(made, each) for _ in range(connections)]
    most = min(each * (data.PREFETCH - 1), made.tasks // 2 // connections)
    return run.crew.run(made, kind, people, seconds=run.sizes.seconds, most=most, submits=True)


def _clean(run: Run, made: Dataset, part: str) -> None:
    run.check(made, part)
    data.reset(made)


def _steady(run: Run, what: str, callers: Sequence[int]) -> None:
    """p50 and p99 at the longest hard queue against the shortest plain one."""
    short, long = run.sizes.queues[0], run.sizes.queues[-1]
    for quantile in ("p50", "p99"):
        worst = 0.0
        for count in callers:
            first = run.figures[f"{what}.{short[0]}_{short[1]}.{count}"][quantile]
            last = run.figures[f"{what}.{long[0]}_{long[1]}.{count}"][quantile]
            run.ratios[f"{what}_{quantile}_hard_to_plain.{count}"] = last / first
            worst = max(worst, last / first)
        name = f"{what} {quantile}, {long[1]:,} hard to {short[1]:,} plain"
        run.target(name, worst, "<= 1.3", worst <= 1.3)


# --- 3: over HTTP ----------------------------------------------------------------------------------------------------


def http(run: Run) -> None:
    queues = run.queues()
    found: dict[tuple[str, int, str], list[Slice]] = defaultdict(list)
    for number in range(run.sizes.http_rounds):
        for made in queues:
            tokens = server.make_tokens(made.database, [person.user_id for person in made.regulars])
            with server.serving(made.database, run.web, run.folder) as port:
                for clients in (1, 8, 32):
                    kinds = ["constant", "cycle"]
                    for kind in kinds if number % 2 == 0 else reversed(kinds):
                        found[made.name, clients, kind].append(
                            _slice_of_cycles(run, made, clients, kind, tokens=tokens, port=port)
                        )
                    if made.tasks <= 20_000 or clients == 32:
                        _clean(run, made, "http")
    head(f"Over HTTP by {run.web}: lease one, submit it")
    row("queue", "clients", "constant/s", "cycles/s", "constant p50 ms", "lease p50 p99 ms", "submit p50 ms",
        "lease/constant")  # fmt: skip
    worst = 0.0
    for made in queues:
        for clients in (1, 8, 32):
            still, work = found[made.name, clients, "constant"], found[made.name, clients, "cycle"]
            ratio = median([at(0.5, two.claims) / at(0.5, one.claims) for one, two in zip(still, work, strict=True)])
            worst = max(worst, ratio)
            run.ratios[f"lease_to_constant.{made.name}.{clients}"] = ratio
            one = run.figures[f"constant.{made.name}.{clients}"] = summary(still)
            two = run.figures[f"http.{made.name}.{clients}"] = summary(work)
            row(made.name, clients, f"{one['rate']:.0f}", f"{two['rate']:.0f}", f"{one['p50']:.2f}",
                ends(two), f"{two['submit_p50']:.2f}", f"{ratio:.2f}")  # fmt: skip
    run.target("the lease call's p50 to the constant's, the most of all", worst, "<= 3", worst <= 3)
    _steady(run, "http", (1, 8, 32))


def _slice_of_cycles(run: Run, made: Dataset, clients: int, kind: str, *, tokens: dict[int, str], port: int) -> Slice:
    people = deal(made.regulars[: data.HOLDERS], clients)
    if clients == 1:
        people = [made.regulars[:1]]
    most = min(100_000, made.tasks // 2 // (1 if clients == 1 else clients // 2) // 2)
    return run.crew.run(
        made, kind, people, seconds=run.sizes.http_seconds, most=100_000 if kind == "constant" else most, tokens=tokens,
        port=port, warm=6 if clients > 16 else crew.WARM,  # each of the server's threads has plans to make
    )  # fmt: skip


def servers(run: Run) -> None:
    """The same cycle over every server, in turns."""
    made = run.queue(*run.sizes.queues[-1])
    tokens = server.make_tokens(made.database, [person.user_id for person in made.regulars])
    found: dict[tuple[str, int, str], list[Slice]] = defaultdict(list)
    for _ in range(2):
        for way in server.ways():
            with server.serving(made.database, way, run.folder) as port:
                for clients in (1, 8, 32):
                    for kind in ("constant", "cycle"):
                        found[way, clients, kind].append(
                            _slice_of_cycles(run, made, clients, kind, tokens=tokens, port=port)
                        )
            _clean(run, made, "servers")
    head("Web servers (workers x threads)")
    row("server", "clients", "constant/s", "cycles/s", "lease p50 p99 ms", "to the first")
    base = {clients: summary(found[next(iter(server.ways())), clients, "cycle"])["rate"] for clients in (1, 8, 32)}
    for way in server.ways():
        for clients in (1, 8, 32):
            one, two = summary(found[way, clients, "constant"]), summary(found[way, clients, "cycle"])
            run.figures[f"server.{way}.{clients}"] = two
            run.ratios[f"server.{way}.{clients}"] = two["rate"] / base[clients]
            row(way, clients, f"{one['rate']:.0f}", f"{two['rate']:.0f}", ends(two),
                f"{two['rate'] / base[clients]:.2f}")  # fmt: skip


# --- 4: what a claim reads -------------------------------------------------------------------------------------------


def reads(run: Run) -> None:
    head("What one claim reads (medians)")
    row("queue", "rows", "buffers", "rows by table")
    found = {}
    plans = []
    for made in run.queues():
        people = made.regulars[: data.HOLDERS] * 2 if made.is_hard else made.crowd[:64]
        read = found[made.name] = reading.one_claim(made, people)
        run.figures[f"reads.{made.name}"] = {"rows": read.all_rows, "buffers": read.buffers, "by_table": read.rows}
        tables = ", ".join(f"{name.partition('_')[2]} {count:g}" for name, count in read.rows.items())
        row(made.name, f"{read.all_rows:.0f}", f"{read.buffers:.0f}", tables)
        plans.append(f"# {made.name}\n{reading.plans(made, people[-1])}\n")
        _clean(run, made, "reads")
    run.figures["plans"] = plans
    for kind in ("plain", "hard"):
        these = [found[made.name] for made in run.queues() if made.kind == kind]
        if len(these) < 2:
            continue
        ratio = these[-1].all_rows / these[0].all_rows
        run.ratios[f"rows_long_to_short.{kind}"] = ratio
        run.ratios[f"buffers_long_to_short.{kind}"] = these[-1].buffers / these[0].buffers
        run.target(f"rows read by a claim, longest to shortest {kind}", ratio, "<= 1.05", ratio <= 1.05)


# --- 5: no decay -----------------------------------------------------------------------------------------------------


def decay(run: Run) -> None:
    sizes = run.sizes
    whole = sizes.decay_seconds
    found: dict[str, dict[int, int]] = {}
    for name, kind, held, returned, seconds in (
        ("alone", "take", False, 0.0, whole),
        ("a snapshot held", "take", True, 0.0, whole),
        ("2 % given back", "take", False, 0.02, sizes.returned_seconds),
        ("plain SKIP LOCKED, a snapshot held", "head", True, 0.0, sizes.contrast_seconds),
    ):
        found[name] = _kept_decay(run, name) or _decay(run, name, kind, held, returned, seconds)
    head("Claims per second at full rate, 8 connections")
    row("variant", "first", "last", "last/first", "all", "yardstick ms, first last", "last/first by the yardstick")
    for name, by_second in found.items():
        seconds = len(by_second)
        window = max(1, min(60, seconds // 4))
        spans = range(window), range(seconds - window, seconds)
        first, last = (statistics.fmean(by_second[second] for second in span) for span in spans)
        plain = ratio = last / first if first else 0.0
        run.figures[f"decay.{name}"] = by_second
        marks = {int(second): ms for second, ms in (run.kept.get(f"yardstick.{name}") or {}).items()}
        one, two = ([marks[second] for second in span if second in marks] for span in spans)
        beside = told = "-"
        if min(len(one), len(two)) >= LEAST_MARKS:
            # Claims in the time of a yardstick: what the machine did not give is not the queue's.
            ratio = plain * median(two) / median(one)
            beside, told = f"{median(one):.1f} {median(two):.1f}", f"{ratio:.2f}"
        run.ratios |= {f"decay.{name}": ratio, f"decay.{name}.seconds": plain}
        row(name, f"{first:.0f}", f"{last:.0f}", f"{plain:.2f}", f"{sum(by_second.values()):,}", beside, told)
    for name, least in (("alone", 0.9), ("a snapshot held", 0.8), ("2 % given back", 0.9)):
        if len(found[name]) < 3:
            continue  # nothing lies between its first second and its last
        ratio = run.ratios[f"decay.{name}"]
        run.target(f"last rate to first, {name}", ratio, f">= {least}", ratio >= least)


def _decay(run: Run, name: str, kind: str, held: bool, returned: float, seconds: float) -> dict[int, int]:
    """Claims by second, from a fresh copy of the queue."""
    made = data.copy(run.queue("plain", run.sizes.decay_tasks), "decay")
    with held_snapshot(made, held), yardstick(made) as marks:
        done = run.crew.run(
            made, kind, deal(made.crowd, 8), seconds=seconds, most=10_000_000, submits=kind == "take", returned=returned
        )
    # The bare statement knows no prefetch, and here nothing is submitted.
    run.check(made, f"decay {name}", but="more live than the prefetch" if kind == "head" else "")
    engines.drop_database(made.database)
    by_second = {second: done.by_second[second] for second in range(int(seconds))}
    run.kept.keep(f"yardstick.{name}", marks)
    run.kept.keep(f"decay.{name}", by_second)
    return by_second


def _kept_decay(run: Run, name: str) -> dict[int, int] | None:
    by_second = run.kept.get(f"decay.{name}")
    return {int(second): count for second, count in by_second.items()} if by_second else None


@contextmanager
def held_snapshot(made: Dataset, held: bool) -> Iterator[None]:
    """A report or a backup elsewhere: a transaction whose snapshot is older than all that happens."""
    if not held:
        yield
        return
    with engines.connect(made.database) as link:
        link.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        link.execute("SELECT count(*) FROM annotations_lane")
        yield


# --- 6: people who think ---------------------------------------------------------------------------------------------


def think(run: Run) -> None:
    made = run.queue(*run.sizes.queues[-1])
    people = made.regulars[: data.HOLDERS]
    tokens = server.make_tokens(made.database, [person.user_id for person in people])
    with server.serving(made.database, run.web, run.folder) as port:
        job = crew.Job(
            "cycle", "", made.database, made.day, made.lane_id, made.rank, [], 0, 0, port=port, tokens=tokens
        )
        firsts = before_today(job, people)
        until = time.perf_counter() + run.sizes.think_seconds
        workers = [Thinker(job, person, until) for person in people]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    failed = [worker.failed for worker in workers if worker.failed]
    if failed:
        raise RuntimeError(failed[0])
    run.crew.errors[f"{made.name}, think: 503"] += sum(worker.broken_off for worker in workers)
    began = sum(worker.warm for worker in workers)
    waited = sum(worker.waited for worker in workers) / (run.sizes.think_seconds * len(workers) - began)
    head("Reviewers who think 0.2 s, ask for 3 and keep 3")
    row("queue", "reviewers", "answers", "share of time without work", "before the first lease ms",
        "the very first, before, ms")  # fmt: skip
    answers = sum(worker.answers for worker in workers)
    first = f"{began / len(workers) * 1000:.0f}"
    row(made.name, len(workers), answers, f"{waited:.2%}", first, f"{median(firsts) * 1000:.0f}")
    run.ratios["waiting_share"] = waited
    run.target("share of time a thinking reviewer waited", waited, "= 0", waited < 0.001)
    _clean(run, made, "think")


def before_today(job: crew.Job, people: Sequence[Person]) -> list[float]:
    """Let each take one lease and answer it, one after the other; returns how long the lease took each, in seconds."""
    link = crew.Http(job)
    took = []
    for person in people:
        began = time.perf_counter()
        lease = link.claim(person)
        took.append(time.perf_counter() - began)
        link.finish(person, lease, False)
    link.close()
    return took


class Thinker(threading.Thread):
    """A player with two hands: one keeps three leases at hand, the other answers them in their order."""

    def __init__(self, job: crew.Job, person: Person, until: float) -> None:
        super().__init__(daemon=True)
        self.asking, self.answering = crew.Http(job), crew.Http(job)
        self.token = job.tokens[person.user_id]
        self.until = until
        self.at_hand: list[dict[str, Any]] = []
        self.changed = threading.Condition()
        self.waited = self.warm = 0.0
        self.answers = 0
        self.holding = self.broken_off = 0
        self.failed = ""

    def run(self) -> None:
        filler = threading.Thread(target=self._fill, daemon=True)
        filler.start()
        try:
            self._work()
        except Exception as error:
            self.failed = f"{type(error).__name__}: {error}"
        with self.changed:
            self.until = 0.0
            self.changed.notify_all()
        filler.join()
        self.asking.close()
        self.answering.close()

    def _fill(self) -> None:
        try:
            while time.perf_counter() < self.until:
                with self.changed:
                    if self.holding >= 3:
                        self.changed.wait(0.5)
                        continue
                body = self._ask(self.asking, "/api/v1/leases", b'{"count": 3}')
                leases = json.loads(body)["leases"]
                with self.changed:
                    self.at_hand += leases
                    self.holding += len(leases)
                    self.changed.notify_all()
                if not leases:
                    time.sleep(0.02)
        except Exception as error:
            self.failed = f"{type(error).__name__}: {error}"

    def _ask(self, link: crew.Http, path: str, body: bytes) -> bytes:
        """Post, and do as a 503 says: try again."""
        while True:
            status, said = link.post(path, self.token, body)
            if status in {200, 201}:
                return said
            if status != 503:
                raise RuntimeError(f"{status}: {said[:300]!r}")
            self.broken_off += 1
            time.sleep(0.1)

    def _work(self) -> None:
        while (began := time.perf_counter()) < self.until and not self.failed:
            with self.changed:
                while not self.at_hand and (left := self.until - time.perf_counter()) > 0 and not self.failed:
                    self.changed.wait(left)
                waited = time.perf_counter() - began
                if not self.at_hand:
                    self.waited += waited
                    break
                lease = self.at_hand.pop(0)
            if self.answers:
                self.waited += waited
            else:
                self.warm = waited
            time.sleep(0.2)
            body = json.dumps({"token": lease["token"], "answer": {"label": "threat"}}).encode()
            self._ask(self.answering, f"/api/v1/leases/{lease['id']}/annotation", body)
            self.answers += 1
            with self.changed:
                self.holding -= 1
                self.changed.notify_all()


# --- telling ---------------------------------------------------------------------------------------------------------


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def summary(slices: Sequence[Slice]) -> dict[str, float]:
    """Medians over the rounds."""
    return {
        "rate": median([each.rate for each in slices]),
        "p50": median([at(0.5, each.claims) for each in slices]) * 1000,
        "p99": median([at(0.99, each.claims) for each in slices]) * 1000,
        "mean": median([each.mean for each in slices]) * 1000,
        "submit_p50": median([at(0.5, each.submits) for each in slices]) * 1000,
        "first": median([each.firsts[-1] for each in slices]) * 1000,
        "calls": sum(len(each.claims) for each in slices),
    }


def ends(one: dict[str, float]) -> str:
    return f"{one['p50']:.2f} {one['p99']:.2f}"


def deal(people: Sequence[Person], hands: int) -> list[list[Person]]:
    return [list(people[number::hands]) for number in range(hands)]


def take_people(made: Dataset, count: int) -> list[Person]:
    """People of the crowd who hold nothing yet."""
    first = made.next_person
    made.next_person += count
    return made.crowd[first : first + count]


def say(line: str) -> None:
    print(line, flush=True)


def head(title: str) -> None:
    TABLE.append(f"\n{title}\n")


def row(*cells: object) -> None:
    TABLE.append(" | ".join(str(cell) for cell in cells))


def laid_out(lines: Sequence[str]) -> str:
    """Tables in Markdown, their columns made even."""
    out: list[str] = []
    block: list[list[str]] = []

    def flush() -> None:
        if block:
            widths = [max(len(line[i]) for line in block if i < len(line)) for i in range(len(block[0]))]
            for number, line in enumerate(block):
                out.append(
                    "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=False)) + " |"
                )
                if number == 0:
                    out.append("| " + " | ".join("-" * width for width in widths) + " |")
            block.clear()

    for line in lines:
        if line.startswith("\n"):
            flush()
            out.append(f"{chr(10) if out else ''}## {line.strip()}\n")
        else:
            block.append(line.split(" | "))
    flush()
    return "\n".join(out)


def tell(run: Run, facts: dict[str, Any], arguments: argparse.Namespace) -> bool:
    """Print the tables, keep what was asked to be kept; whether nothing was broken."""
    broken = run.broken
    head("Duplicates, seats and quotas")
    row("checked after", "broken rows")
    row(f"{run.checks} slices, rounds and parts", broken)
    failed = sum(run.crew.errors.values())
    for error, count in run.crew.errors.most_common(5):
        if count:
            row(f"calls broken off: {error}", count)
    run.target("calls broken off (deadlocks, 503)", failed, "= 0", not failed)
    head("Targets")
    row("what", "found", "wanted", "")
    for name, value, wanted, good in run.targets:
        row(name, f"{value:.3f}", wanted, "pass" if good else "FAIL")
    text = laid_out(TABLE)
    say("\n" + text)
    if arguments.json:
        kept = {
            "quick": arguments.quick,
            "machine": facts,
            "ratios": {name: round(value, 4) for name, value in run.ratios.items()},
            "targets": {name: good for name, _, _, good in run.targets},
            "broken_rows": broken,
            "calls_broken_off": failed,
            "figures": {name: value for name, value in run.figures.items() if name != "plans"},
        }
        Path(arguments.json).write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    if not arguments.quick or arguments.keep:
        KEPT.mkdir(parents=True, exist_ok=True)
        about = "\n".join(f"- {name}: {value}" for name, value in facts.items())
        # Some parts alone are kept beside the whole run, and do not take its place.
        name = "-".join(["queue", *(arguments.part or [])])
        words = " ".join(Path(word).name if "/" in word else word for word in sys.argv)
        (KEPT / f"{name}.md").write_text(f"# The queue\n\n`{words}`, on\n\n{about}\n\n{text}\n", encoding="utf-8")
        if "plans" in run.figures:
            (KEPT / "queue-plans.txt").write_text("\n".join(run.figures["plans"]), encoding="utf-8")
        lines = {
            name.partition(".")[2]: smooth(value) for name, value in run.figures.items() if name.startswith("decay.")
        }
        if lines:
            plot.lines(
                KEPT / "queue-decay.svg", "Claims per second at full rate", lines, across="seconds", up="claims/s"
            )
    return not broken


def smooth(by_second: dict[int, int]) -> list[tuple[float, float]]:
    """Means over a hundredth of the time."""
    step = max(1, len(by_second) // 100)
    seconds = range(0, len(by_second) - step + 1, step)
    return [(float(first), statistics.fmean(by_second[first + more] for more in range(step))) for first in seconds]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="smaller queues, shorter slices: under a minute")
    parser.add_argument("--json", metavar="FILE", help="write the ratios there")
    parser.add_argument("--part", action="append", choices=PARTS, help="only this part; may be repeated")
    parser.add_argument("--web", default=next(iter(server.ways())), choices=list(server.ways()), help="the web server")
    parser.add_argument("--resume", action="store_true", help="take up a run that was broken off")
    parser.add_argument("--keep", action="store_true", help="write docs/benchmarks even after a quick run")
    arguments = parser.parse_args()
    began = time.monotonic()
    with engines.running() as folder:
        template = data.make_template()
        facts = machine.facts()
        say(f"on {facts}")
        people = Crew()
        try:
            sizes = QUICK if arguments.quick else FULL
            about = json.loads(json.dumps({"sizes": asdict(sizes), "web": arguments.web}))
            kept = Kept(ROOT / "var" / "benchmark-queue.json", about, resume=arguments.resume)
            run = Run(sizes, folder, people, arguments.web, template, kept)
            for part in arguments.part or [part for part in PARTS if part != "servers"]:
                say(f"{time.monotonic() - began:5.0f} s  {part}")
                run.part(part)
        finally:
            people.close()
        good = tell(run, facts | {"seconds": round(time.monotonic() - began)}, arguments)
    say(f"\n{time.monotonic() - began:.0f} s")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
