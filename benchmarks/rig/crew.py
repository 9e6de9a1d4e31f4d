"""Clients: a process per core, threads in them, each with a connection of its own.

All of them get ready (connect, prepare, warm their plans), then begin at one instant. A slow client would measure
itself: hence prepared statements, and raw requests over sockets that stay open.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import socket
import statistics
import threading
import time
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, cycle, islice
from typing import Any, ClassVar, Protocol

import psycopg
from django.db import OperationalError as DatabaseBroke

from benchmarks.rig import data, engines
from benchmarks.rig.data import Dataset, Person

WARM = 12  # calls before the measuring; a server decides after five whether to keep a plan
NOT_YET = 30.0

# One statement: spend the quota, pick the first task from the index, take its seat, insert the lease.
LIMIT = """
WITH day AS (
    UPDATE workforce_quotaday SET held = held + 1
     WHERE reviewer_id = %(reviewer)s AND day = %(day)s AND used + held < day_limit
    RETURNING id
), pick AS (
    SELECT t.id
      FROM annotations_task t
     WHERE t.lane_id = %(lane)s AND t.state = 'open' AND t.seats_left > 0 AND t.rank >= %(rank)s
       AND NOT EXISTS (
            SELECT 1 FROM annotations_lease e WHERE e.task_id = t.id AND e.reviewer_id = %(reviewer)s)
       AND EXISTS (SELECT 1 FROM day)
     ORDER BY t.rank, t.id LIMIT 1 FOR UPDATE OF t SKIP LOCKED
), seat AS (
    UPDATE annotations_task t SET seats_left = t.seats_left - 1 FROM pick WHERE t.id = pick.id RETURNING t.id, t.rank
)
INSERT INTO annotations_lease (task_id, reviewer_id, quota_day_id, token, state, granted_at, expires_at{more})
SELECT seat.id, %(reviewer)s, day.id, gen_random_uuid(), 'live', now(), now() + interval '5 min'{values}
  FROM seat, day
RETURNING id, (SELECT rank FROM seat)
"""
UNDO = "UPDATE workforce_quotaday SET held = held - 1 WHERE reviewer_id = %(reviewer)s AND day = %(day)s"
TAKE = "SELECT outcome, lease_ids[1] FROM sightline_take(%s, 1, NULL)"
SUBMIT = """
SELECT s.outcome
  FROM annotations_lease e, sightline_submit(%(user)s, e.id, e.token, 'threat', '{"label": "threat"}', 1) s
 WHERE e.id = %(lease)s
"""


@dataclass
class Job:
    """What one process does in one slice: a thread for each list of people."""

    kind: str  # limit, head, take, verb: claims; cycle, constant: requests
    url: str
    database: str
    day: Any
    lane_id: int
    rank: int
    people: list[list[Person]]
    seconds: float
    most: int  # calls of one thread
    submits: bool = False
    returned: float = 0.0  # share of the leases that are given back instead of submitted
    warm: int = WARM
    port: int = 0
    tokens: dict[int, str] = field(default_factory=dict)


@dataclass
class Done:
    """What one thread measured."""

    claims: array[float] = field(default_factory=lambda: array("d"))
    submits: array[float] = field(default_factory=lambda: array("d"))
    first: float = 0.0  # the very first call, before the warm ones
    misses: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    began: float = 0.0
    ended: float = 0.0
    by_second: Counter[int] = field(default_factory=Counter)


@dataclass
class Slice:
    """What all clients together measured in one slice."""

    rate: float
    claims: list[float]
    submits: list[float]
    firsts: list[float]
    misses: int
    errors: Counter[str]
    by_second: Counter[int]

    @property
    def mean(self) -> float:
        return statistics.fmean(self.claims)


class Unanswered(Exception):
    """A call that the database or the server broke off, with leave to try again: a deadlock's victim, a 503."""


class Caller(Protocol):
    def claim(self, person: Person) -> Any: ...
    def finish(self, person: Person, lease: Any, returned: bool) -> None: ...
    def close(self) -> None: ...


class Bare:
    """psycopg and nothing else."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.link = psycopg.connect(job.url, autocommit=True)
        # The limit at its best: left to itself PostgreSQL may find that planning anew each time is cheaper.
        self.link.execute("SET plan_cache_mode = force_generic_plan")
        self.cursor = self.link.cursor()
        self.rank = job.rank
        self.limit = limit_statement() if job.kind in {"limit", "head"} else ""
        self.returner: Verb | None = None

    def claim(self, person: Person) -> Any:
        kind = self.job.kind
        if kind == "take":
            row = self.cursor.execute(TAKE, (person.user_id,), prepare=True).fetchone()
            return row[1] if row else None
        values = {"reviewer": person.reviewer_id, "day": self.job.day, "lane": self.job.lane_id, "rank": self.rank}
        row = self.cursor.execute(self.limit, values, prepare=True).fetchone()
        if row is None:
            # Nothing was free where it looked: back to the beginning, and the unit back to the day.
            self.cursor.execute(UNDO, values, prepare=True)
            self.rank = self.job.rank
            return None
        if kind == "limit":
            self.rank = row[1]  # look behind the last claim: dead index entries before it are never walked again
        return row[0]

    def finish(self, person: Person, lease: Any, returned: bool) -> None:
        if returned:
            self.returner = self.returner or Verb(self.job)
            self.returner.give_back(person, lease)
            return
        row = self.cursor.execute(SUBMIT, {"user": person.user_id, "lease": lease}, prepare=True).fetchone()
        if row is None or row[0] != "written":
            raise RuntimeError(f"the submit said {row}")

    def close(self) -> None:
        self.link.close()
        if self.returner:
            self.returner.close()


class Verb:
    """The product's own verb, in process, on Django's connection of this thread."""

    def __init__(self, job: Job) -> None:
        from annotations import leasing
        from config.clock import database_now
        from workforce.models import Reviewer

        self.leasing, self.now, self.reviewer = leasing, database_now, Reviewer
        self.other = Bare(job) if job.submits and job.kind == "verb" else None

    def claim(self, person: Person) -> Any:
        ids = self.leasing.lease_next(person.user_id, count=1).lease_ids
        return ids[0] if ids else None

    def finish(self, person: Person, lease: Any, returned: bool) -> None:
        assert self.other is not None  # noqa: S101 -- a job that submits has it
        self.other.finish(person, lease, returned)

    def give_back(self, person: Person, lease: Any) -> None:
        self.leasing.give_back(self.reviewer(pk=person.reviewer_id), lease, at=self.now())

    def close(self) -> None:
        from django.db import connection

        connection.close()
        if self.other:
            self.other.close()


class Http:
    """One reviewer at a keep-alive socket. A server that closes it is dialled again, as a browser would.

    A socket is handed on to the next slice at the same server: which of its workers has how many of them is chance, and
    the variants that are compared must have the same.
    """

    left: ClassVar[dict[int, list[socket.socket]]] = {}  # by the server's port

    def __init__(self, job: Job) -> None:
        self.job = job
        self.socket: socket.socket | None = None
        with contextlib.suppress(KeyError, IndexError):
            self.socket = self.left[job.port].pop()

    def post(self, path: str, token: str, body: bytes) -> tuple[int, bytes]:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Token {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        request = head.encode() + body
        for _ in range(3):
            fresh = self.socket is None
            if self.socket is None:
                self.socket = socket.create_connection(("127.0.0.1", self.job.port), timeout=60)
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                self.socket.sendall(request)
                return self._answer()
            except (ConnectionError, EOFError):
                self.drop()
                if fresh:
                    time.sleep(0.01)
        raise RuntimeError("the server keeps closing the connection")

    def _answer(self) -> tuple[int, bytes]:
        link = self.socket
        assert link is not None  # noqa: S101 -- post() has just made it
        received = bytearray()
        while (end := received.find(b"\r\n\r\n")) < 0:
            part = link.recv(65536)
            if not part:
                raise EOFError
            received += part
        head = bytes(received[:end]).lower()
        at = head.find(b"content-length:")
        if at < 0:
            raise RuntimeError(f"an answer without a length: {head!r}")
        length = int(head[at + 15 :].split(b"\r", 1)[0])
        while len(received) < end + 4 + length:
            part = link.recv(65536)
            if not part:
                raise EOFError
            received += part
        if b"connection: close" in head:
            self.drop()
        return int(head[9:12]), bytes(received[end + 4 :])

    def drop(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def claim(self, person: Person) -> Any:
        token = self.job.tokens[person.user_id]
        if self.job.kind == "constant":
            status, body = self.post("/benchmark/constant", token, b"{}")
        else:
            status, body = self.post("/api/v1/leases", token, b'{"count": 1}')
        if status == 503:
            raise Unanswered("503")
        if status not in {200, 201}:
            raise RuntimeError(f"{status}: {body[:300]!r}")
        if self.job.kind == "constant":
            return True
        return body if status == 201 else None

    def finish(self, person: Person, lease: Any, returned: bool) -> None:
        if self.job.kind == "constant":
            return
        found = json.loads(lease)["leases"][0]
        body = json.dumps({"token": found["token"], "answer": {"label": "threat"}}).encode()
        status, said = self.post(f"/api/v1/leases/{found['id']}/annotation", self.job.tokens[person.user_id], body)
        if status == 503:
            raise Unanswered("503")
        if status != 201:
            raise RuntimeError(f"{status}: {said[:300]!r}")

    def close(self) -> None:
        for port in [port for port in self.left if port != self.job.port]:
            for old in self.left.pop(port, []):
                old.close()
        if self.socket is not None:
            self.left.setdefault(self.job.port, []).append(self.socket)
            self.socket = None


def limit_statement() -> str:
    """The limit with whatever columns a lease has that must have a value."""
    more = data.other_columns("annotations.Lease", "task_id reviewer_id quota_day_id token state granted_at expires_at")
    names = "".join(f", {name}" for name in more)
    return LIMIT.format(more=names, values="".join(f", {literal}" for literal in more.values()))


def caller(job: Job) -> Caller:
    if job.kind == "verb":
        return Verb(job)
    return Http(job) if job.kind in {"cycle", "constant"} else Bare(job)


def measure(job: Job, people: list[Person], ready: threading.Barrier, start: list[float], done: Done) -> None:
    """One thread's slice."""
    each = caller(job)
    finishes = job.submits or job.kind == "cycle"
    passing = (Unanswered, psycopg.OperationalError, DatabaseBroke)
    owed = 0.0
    try:
        turn: Iterator[Person] = cycle(people)
        for number, person in enumerate(islice(turn, job.warm)):
            began = time.perf_counter()
            try:
                lease = each.claim(person)
                if number == 0:
                    done.first = time.perf_counter() - began
                if lease is not None and finishes:
                    each.finish(person, lease, False)
            except passing as error:
                done.errors[str(error).partition("\n")[0]] += 1
        ready.wait(NOT_YET)  # everybody is warm
        ready.wait(NOT_YET + 60)  # the instant is known
        time.sleep(max(0.0, start[0] - time.perf_counter()))
        done.began = now = time.perf_counter()
        until = start[0] + job.seconds
        while now < until and len(done.claims) < job.most:
            person = next(turn)
            try:
                began = time.perf_counter()
                lease = each.claim(person)
                now = time.perf_counter()
                if lease is None:
                    done.misses += 1
                    if done.misses > 50 + len(done.claims) and not done.claims:
                        raise RuntimeError("the queue was dry from the beginning")
                    if done.misses > 50 + len(done.claims):
                        break
                    continue
                done.claims.append(now - began)
                done.by_second[int(now - start[0])] += 1
                if finishes:
                    owed += job.returned
                    gives_back = owed >= 1
                    owed -= gives_back
                    each.finish(person, lease, gives_back)
                    began, now = now, time.perf_counter()
                    if not gives_back:
                        done.submits.append(now - began)
            except passing as error:
                now = time.perf_counter()
                done.errors[str(error).partition("\n")[0]] += 1
        done.ended = now
    finally:
        each.close()


def process(pipe: Any) -> None:
    """A process of the crew: takes jobs until it is told to stop."""
    import django

    django.setup()
    while (job := pipe.recv()) is not None:
        data.use(job.database)
        count = len(job.people)
        dones = [Done() for _ in range(count)]
        start = [0.0]
        ready = threading.Barrier(count + 1)
        failed: list[str] = []

        def run(people: list[Person], done: Done, job: Job = job, ready: Any = ready, start: Any = start) -> None:
            try:
                measure(job, people, ready, start, done)
            except threading.BrokenBarrierError:
                pass
            except Exception as error:
                failed.append(f"{type(error).__name__}: {error}")  # noqa: B023
                ready.abort()

        threads = [threading.Thread(target=run, args=pair) for pair in zip(job.people, dones, strict=True)]
        for thread in threads:
            thread.start()
        try:
            ready.wait(NOT_YET + 30)
            pipe.send("ready")
            start[0] = pipe.recv()
            ready.wait(NOT_YET)
        except threading.BrokenBarrierError:
            pipe.send(None)
        for thread in threads:
            thread.join()
        pipe.send((dones, failed))


class Crew:
    """The processes, kept for the whole run."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.members = []
        self.errors: Counter[str] = Counter()  # of the whole run
        for _ in range(max(1, min(os.cpu_count() or 1, 4))):
            here, there = context.Pipe()
            member = context.Process(target=process, args=(there,), daemon=True)
            member.start()
            there.close()
            self.members.append((member, here))

    def close(self) -> None:
        for member, pipe in self.members:
            try:
                pipe.send(None)
            except OSError:
                continue
            member.join(5)
            if member.is_alive():
                member.terminate()

    def run(self, made: Dataset, kind: str, people: Sequence[Sequence[Person]], **more: Any) -> Slice:
        """One slice: a connection for each list of people, dealt over the processes."""
        busy = []
        for number, (_, pipe) in enumerate(self.members):
            hands = [list(each) for each in people[number :: len(self.members)]]
            if hands:
                url = engines.address(made.database)
                pipe.send(Job(kind, url, made.database, made.day, made.lane_id, made.rank, hands, **more))
                busy.append(pipe)
        said = [pipe.recv() for pipe in busy]
        start = time.perf_counter() + 0.02
        for pipe, word in zip(busy, said, strict=True):
            if word == "ready":
                pipe.send(start)
        dones: list[Done] = []
        for pipe in busy:
            found, failed = pipe.recv()
            if failed:
                raise RuntimeError(f"{made.name}, {kind}: {failed[0]}")
            dones += found
        total: Counter[int] = Counter()
        errors: Counter[str] = Counter()
        for done in dones:
            total.update(done.by_second)
            errors.update(done.errors)
        self.errors.update({f"{made.name}, {kind}: {said}": count for said, count in errors.items()})
        return Slice(
            rate=sum(len(done.claims) / (done.ended - done.began) for done in dones if done.claims),
            claims=sorted(chain.from_iterable(done.claims for done in dones)),
            submits=sorted(chain.from_iterable(done.submits for done in dones)),
            firsts=sorted(done.first for done in dones),
            misses=sum(done.misses for done in dones),
            errors=errors,
            by_second=total,
        )


def at(share: float, ordered: Sequence[float]) -> float:
    """A percentile of what is sorted already."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")
