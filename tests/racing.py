"""What race tests share: people who begin at the same instant, a guard that is off, and counters asked of the rows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import TypeVar

from django.contrib.auth.models import User
from django.db import connection, connections

from annotations import auditing
from annotations.models import Annotation, Lease, LeaseState, Task
from tests.conftest import make_project, make_ready_clips, make_reviewer, spread_now
from workforce.models import QuotaDay, Reviewer, Team

T = TypeVar("T")


def twelve_and_a_hundred(gateway: User, team: Team) -> list[Reviewer]:
    """Twelve reviewers of one team; and a hundred clips of one project, with two seats each."""
    people = [make_reviewer(f"person-{number}", team) for number in range(12)]
    make_project(team, prefetch=20)
    make_ready_clips(gateway, 100)
    assert spread_now() == 100
    return people


class Crew:
    """Threads that begin each piece of work together, each with a connection of its own that it keeps.

    ``room`` is how many of them may be connected at the same time. Where that is fewer than there are people, they
    stand in line for it and hang up after each piece of work.
    """

    def __init__(self, people: int, *, room: int | None = None) -> None:
        self.people = people
        self._stays = room is None or room >= people
        self._room = threading.BoundedSemaphore(room or people)
        self._gate = threading.Barrier(people)
        self._pool = ThreadPoolExecutor(people)

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.run(lambda number: connections.close_all())
        self._pool.shutdown()

    def run(self, work: Callable[[int], T]) -> list[T]:
        """Have everybody do ``work(0..people-1)``, begun together; returns what it returned, in that order."""

        def begin(number: int) -> T:
            if self._stays:
                connection.ensure_connection()  # a race is run over rows, not over who connects first
            self._gate.wait(timeout=60)
            with self._room:
                try:
                    return work(number)
                finally:
                    if not self._stays:
                        connections.close_all()

        return list(self._pool.map(begin, range(self.people)))


def at_once(people: int, work: Callable[[int], T], *, room: int | None = None) -> list[T]:
    """Run ``work(0..people-1)`` once in threads that begin together, each with a connection of its own."""
    with Crew(people, room=room) as crew:
        return crew.run(work)


def room_on_the_server(people: int) -> int:
    """How many of these people the server has a connection for.

    The tests' own engine has one for each of 200. A given server, with PostgreSQL's usual hundred, has not, and half of
    what is free there is left to whoever else uses it.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
            " - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')"
        )
        (free,) = cursor.fetchone() or (0,)
    return max(8, min(people, int(free) // 2))


@contextmanager
def nothing_forbids(table: str) -> Iterator[None]:
    """Take a table's unique and check constraints away, as for a control; they return, and its rows go, at the end."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = %s::regclass AND contype IN ('u', 'c')",
            [table],
        )
        constraints = cursor.fetchall()
        for name, _ in constraints:
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {table} CASCADE")
            for name, definition in constraints:
                cursor.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')


def broken_promises() -> set[str]:
    """The names of the checks that the rows do not pass."""
    return {finding.check.name for finding in auditing.audit()}


def counters_equal_rows() -> None:
    assert auditing.audit() == []
    for day in QuotaDay.objects.all():
        live = Lease.objects.filter(quota_day=day, state=LeaseState.LIVE).count()
        done = Lease.objects.filter(quota_day=day, state=LeaseState.SUBMITTED).count()
        assert (day.held, day.used) == (live, done)
        assert day.used + day.held <= day.allowed
    for task in Task.objects.all():
        live = Lease.objects.filter(task=task, state=LeaseState.LIVE).count()
        answers = Annotation.objects.filter(task=task).count()
        assert task.answers == answers
        assert task.seats_left + task.seats_later + live + answers == task.overlap
