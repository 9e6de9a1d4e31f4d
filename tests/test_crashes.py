"""Crashes of everything, under load: what was acknowledged is there exactly once, and the audit is clean.

`pytest -rP tests/test_crashes.py` prints the account.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.crashes import accounts, points
from tests.crashes.faults import ENDED, FLUSHED, IMMEDIATE, KILLED, REDIS_KILLED, Storm
from tests.crashes.proxy import KINDS, Proxy
from tests.crashes.reviewers import Shift
from tests.crashes.stack import Stack, running

pytestmark = pytest.mark.stack

TURNS = 4  # every fault this often


@pytest.fixture(scope="module")
def stack_and_tokens() -> Iterator[tuple[Stack, dict[str, str]]]:
    with running() as found:
        yield found


@pytest.fixture
def stack(stack_and_tokens) -> Stack:
    found: Stack = stack_and_tokens[0]
    return found


@pytest.fixture
def tokens(stack_and_tokens) -> dict[str, str]:
    found: dict[str, str] = stack_and_tokens[1]
    return found


def settle(stack: Stack) -> None:
    """Wait until the sweeps have brought everything to rest."""
    until = time.monotonic() + 60
    with stack.connect() as link:
        while True:
            row = link.execute(
                "SELECT (SELECT count(*) FROM annotations_lease WHERE state = 'live')"
                " + (SELECT count(*) FROM annotations_task WHERE state = 'full')"
            ).fetchone()
            if row == (0,):
                return
            stack.services.tend(patient=True)
            assert time.monotonic() < until, f"{row} wait for a sweep:\n{stack.log.read_text()[-4000:]}"
            time.sleep(0.2)


@pytest.fixture
def after(stack) -> int:
    with stack.connect() as link:
        return accounts.last_lease(link)


def test_control_commits_that_do_not_wait_for_the_disk_are_lost(stack, tokens, after) -> None:
    """The guard off: an account that shows no loss here would prove nothing below."""
    settings = {"synchronous_commit": "off", "wal_writer_delay": "'10s'", "wal_writer_flush_after": "'1GB'"}
    with stack.connect() as link:
        for name, value in settings.items():
            link.execute(f"ALTER SYSTEM SET {name} = {value}")
        link.execute("SELECT pg_reload_conf()")
    try:
        with Shift(tokens, port=stack.port, run="control") as shift:
            shift.work_until(200)
            stack.stop_postgres_immediately()
            ledgers = shift.ledgers()
    finally:
        with stack.connect() as link:
            link.execute("ALTER SYSTEM RESET ALL")
            link.execute("SELECT pg_reload_conf()")
    with stack.connect() as link:
        found = accounts.account(link, ledgers, "control", after=after)
    print(found.text({IMMEDIATE: 1}))
    assert found.lines["submit"].lost > 10
    assert found.lines["take"].lost > 10


def test_control_takes_that_are_repeated_without_a_key_are_granted_twice(stack, tokens, after) -> None:
    with Proxy(stack.port) as proxy, Shift(tokens, port=proxy.port, run="keyless", has_keys=False) as shift:
        proxy.share = 0.2
        shift.work_until(300)
        proxy.share = 0
        ledgers = shift.ledgers()
    with stack.connect() as link:
        found = accounts.account(link, ledgers, "keyless", after=after)
    print(found.text(proxy.lost))
    assert found.lines["take"].doubled > 10
    assert found.doubled == found.lines["take"].doubled
    assert found.lost == 0


def test_control_an_answer_that_is_there_twice_is_seen(stack, tokens, after) -> None:
    """No client can bring this about while the unique constraints stand, so it is done by hand and undone."""
    with Shift(tokens, port=stack.port, run="twice") as shift:
        shift.work_until(50)
        ledgers = shift.ledgers()
    with stack.connect() as link, link.transaction(force_rollback=True):
        assert accounts.account(link, ledgers, "twice", after=after).doubled == 0
        for name in ("annotation_once_per_reviewer", "annotations_annotation_lease_id_key"):
            link.execute(f"ALTER TABLE annotations_annotation DROP CONSTRAINT {name}")
        link.execute(
            "INSERT INTO annotations_annotation"
            " (lease_id, task_id, reviewer_id, schema_version, label, answer, submitted_at)"
            " SELECT lease_id, task_id, reviewer_id, schema_version, label, answer, submitted_at"
            " FROM annotations_annotation WHERE starts_with(answer ->> 'note', 'twice-') LIMIT 3"
        )
        assert accounts.account(link, ledgers, "twice", after=after).lines["submit"].doubled == 3


def test_what_was_acknowledged_is_there_exactly_once_after_crashes_of_everything(stack, tokens, after) -> None:
    with stack.connect() as link:
        durable = [link.execute(f"SHOW {name}").fetchone() for name in ("fsync", "synchronous_commit")]
        assert durable == [("on",), ("on",)]
    storm = Storm(stack)
    with Proxy(stack.port) as proxy, Shift(tokens, port=proxy.port, run="storm") as shift:
        proxy.share = 0.06
        for _ in range(TURNS):
            storm.turn()
        # Where machines are slow the storm is over before much is done.
        shift.work_until(110, kind="submit")
        proxy.share = 0
        ledgers = shift.ledgers()
    settle(stack)
    with stack.connect() as link:
        found = accounts.account(link, ledgers, "storm", after=after)
    faults = storm.happened + proxy.lost
    print(found.text(dict(sorted(faults.items()))))
    print(f"PostgreSQL was away for {storm.longest_outage:.1f} s at the longest")

    # A fault that never happened proves nothing.
    wanted = [*(KILLED + point for point in points.POINTS), IMMEDIATE, FLUSHED, REDIS_KILLED, *KINDS]
    wanted += [f"{KILLED}{verb}, while its statement runs" for verb in ("take", "submit")]
    wanted += [ENDED + verb for verb in ("take", "submit")]
    assert {name: count for name in wanted if (count := faults[name]) < TURNS} == {}
    submits = found.lines["submit"]
    assert submits.acknowledged > 100
    assert min(submits.recovered, submits.unknown, submits.unknown_done) > 0
    assert min(line.recovered for line in found.lines.values()) > 0

    assert (found.lost, found.doubled, found.contradictions) == (0, 0, [])
    # A database that is away is a refusal like any other, and no page of a traceback.
    assert set(found.outages) == {(503, "application/problem+json", "try-again")}
    assert "broken" not in stack.manage("audit_queue")
