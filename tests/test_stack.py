"""The embedded stack, part by part. The whole of it at work is the business of the end-to-end test."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from config.stack import account, engines, environment, keeper, leftovers, lock, places, postgres, procfile
from config.stack.failure import Failed
from config.stack.keeper import Part
from config.stack.output import relay
from config.stack.places import MARK, Places
from tests.engines import make_folder

DEAF = [sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has an account to step down to")


@pytest.fixture
def folder() -> Generator[Path]:
    """A short path: a unix socket has to fit under it."""
    made = make_folder()
    yield made
    there = places.describe(made / "var")
    leftovers.end(there, patience=1)
    places.wipe(there)
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def there(folder: Path) -> Places:
    return places.lay_out(folder / "var")


@contextmanager
def running(there: Places, *names: str) -> Iterator[tuple[list[Part], dict[str, str]]]:
    """Engines that answer, and their addresses."""
    parts = engines.parts(there, names, lambda name, place: partial(relay, before=""), durable=False)
    try:
        for part in parts:
            keeper.start(part)
        addresses = engines.urls(there, names)
        engines.wait(parts, addresses)
        yield parts, addresses
    finally:
        keeper.stop(parts)


def marked(there: Places, command: Sequence[str] = ("sleep", "60")) -> subprocess.Popen[bytes]:
    """A process that bears the mark of a stack."""
    return subprocess.Popen(command, env={**os.environ, MARK: str(there.var)})


def eventually(true: Callable[[], bool], seconds: float = 10) -> bool:
    until = time.monotonic() + seconds
    while not true() and time.monotonic() < until:
        time.sleep(0.05)
    return true()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- Secrets ---------------------------------------------------------------------------------------------------------


def test_secrets_are_private_whatever_the_umask_and_stay_the_same(there: Places) -> None:
    before = os.umask(0)
    try:
        key, password = environment.secret_key(there), environment.database_password(there)
        environment.write(there, {"SECRET_KEY": key})
    finally:
        os.umask(before)
    assert len(key) >= 50
    assert (environment.secret_key(there), environment.database_password(there)) == (key, password)
    assert [mode(there.var / name) for name in ("secret_key", "database_password", "stack.env")] == [0o600] * 3
    assert (there.var / "stack.env").read_text() == f"SECRET_KEY={key}\n"


def test_what_the_caller_gives_is_neither_replaced_nor_written_down(there: Places) -> None:
    given = {"REDIS_URL": "redis://elsewhere/1", "SECRET_KEY": "given", "PATH": "/bin"}
    names = engines.wanted(given)
    values = environment.ours(there, given, engines.urls(there, names))
    assert names == ["postgres"]
    assert sorted(values) == ["ALLOWED_HOSTS", "DATABASE_URL", "SIGHTLINE_EMBEDDED"]
    children = environment.for_children(there, given, values)
    assert children["REDIS_URL"] == "redis://elsewhere/1"
    assert children["SECRET_KEY"] == "given"
    assert children[MARK] == children["VAR_DIR"] == str(there.var)


# --- Places ----------------------------------------------------------------------------------------------------------


def test_a_var_folder_that_is_too_deep_for_sockets_gets_a_short_private_one(folder: Path) -> None:
    deep = folder / "var" / ("d" * 50) / ("e" * 50)
    first = places.lay_out(deep)
    try:
        assert len(bytes(first.postgres_sockets / ".s.PGSQL.5432")) <= places.LONGEST_SOCKET
        assert (deep / "run").readlink() == first.run
        assert mode(first.spare) in (0o700, 0o711)
        assert places.lay_out(deep) == first == places.describe(deep)
        with running(first, "postgres", "redis") as (_, addresses):
            assert engines.answer("postgres", addresses["DATABASE_URL"])
    finally:
        assert places.wipe(first) == [first.spare, first.var]


def test_somebody_elses_folder_is_never_claimed_and_so_never_wiped(folder: Path) -> None:
    (folder / "letters").write_text("dear")
    with pytest.raises(Failed, match="not Sightline's"):
        places.lay_out(folder)
    assert places.wipe(places.describe(folder)) == []
    assert (folder / "letters").read_text() == "dear"


def test_a_spare_folder_that_others_can_write_to_is_refused(folder: Path) -> None:
    there = places.describe(folder / "var")
    there.spare.mkdir()
    there.spare.chmod(0o777)
    try:
        with pytest.raises(Failed, match="not a private folder"):
            places.spare_folder(there)
    finally:
        there.spare.rmdir()


@as_root
def test_root_in_a_closed_folder_runs_postgres_elsewhere_and_widens_nothing(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    there = places.lay_out(closed / "var")
    try:
        assert there.data.is_relative_to(there.spare)
        assert (closed / "var" / "postgres").readlink() == there.postgres
        with running(there, "postgres", "redis") as (_, addresses):
            assert engines.answer("postgres", addresses["DATABASE_URL"])
            assert mode(closed) == 0o700
            assert mode(there.postgres_sockets) == 0o700
    finally:
        places.wipe(there)
    assert not there.spare.exists()


@as_root
def test_an_engine_out_of_reach_is_copied_with_its_libraries(there: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    reach = account.can_reach
    monkeypatch.setattr(account, "can_reach", lambda who, path: "site-packages" not in str(path) and reach(who, path))
    with running(there, "postgres") as (parts, addresses):
        assert Path(parts[0].command[0]).is_relative_to(there.spare)
        assert engines.answer("postgres", addresses["DATABASE_URL"])


# --- Engines ---------------------------------------------------------------------------------------------------------


def test_postgres_keeps_what_it_said_yes_to_over_a_kill_and_asks_for_a_password(there: Places) -> None:
    with running(there, "postgres") as (parts, addresses):
        url = addresses["DATABASE_URL"]
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE kept (word text)")
            connection.execute("INSERT INTO kept VALUES ('yes')")
            found = connection.execute(
                "SELECT current_setting('listen_addresses'), current_setting('TimeZone')"
            ).fetchone()
            assert found == ("", "UTC")
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(url.replace(environment.database_password(there), "wrong"))
        assert mode(there.postgres_sockets) == 0o700

        assert parts[0].process is not None
        first = parts[0].process.pid
        os.kill(first, signal.SIGKILL)
        parts[0].process.wait()
        engines.wait(parts, addresses)
        assert parts[0].process is not None
        assert parts[0].process.pid != first
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT word FROM kept").fetchone() == ("yes",)
    assert leftovers.find(there) == []
    assert not engines.answer("postgres", url)


def test_a_cluster_left_half_made_is_made_again(there: Places) -> None:
    (there.postgres / "data.new").mkdir()
    (there.postgres / "data.new" / "half").touch()
    with running(there, "postgres") as (_, addresses):
        assert engines.answer("postgres", addresses["DATABASE_URL"])


def test_a_note_with_somebody_elses_number_does_not_stop_postgres(there: Places) -> None:
    there.data.mkdir()
    note = there.data / "postmaster.pid"
    note.write_text(f"{os.getpid()}\n{there.data}\n")
    postgres.forget_dead_server(there)
    assert not note.exists()


def test_redis_listens_on_a_private_socket_and_on_no_port(there: Places) -> None:
    with running(there, "redis") as (parts, addresses):
        assert mode(there.redis_socket) == 0o600
        assert parts[0].process is not None
        assert psutil.Process(parts[0].process.pid).net_connections("inet") == []
        with redis.Redis.from_url(addresses["REDIS_URL"]) as client:
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert leftovers.find(there) == []


# --- Leftovers and the lock ------------------------------------------------------------------------------------------


def test_a_marked_stray_is_ended_and_everybody_else_is_spared(there: Places, folder: Path) -> None:
    other = places.lay_out(folder / "other")
    stray, neighbour = marked(there), marked(other)
    unmarked = subprocess.Popen(["sleep", "60"])
    deaf = marked(there, DEAF)
    try:
        time.sleep(0.5)
        leftovers.end(there, patience=1)
        assert stray.poll() is not None
        assert deaf.poll() is not None
        assert (neighbour.poll(), unmarked.poll()) == (None, None)
    finally:
        for process in (stray, neighbour, unmarked, deaf):
            process.kill()
            process.wait()


def test_the_engines_of_a_killed_launcher_are_found_without_their_mark(there: Places) -> None:
    with running(there, "postgres", "redis") as (parts, addresses):
        pids = {part.process.pid for part in parts if part.process is not None}
        assert pids <= {process.pid for process in leftovers.find(there)}
        assert "1 x redis-server" in leftovers.clear(there)
        assert leftovers.find(there) == []
        assert not engines.answer("postgres", addresses["DATABASE_URL"])


def test_a_second_launcher_is_told_who_was_first(there: Places) -> None:
    with lock.held(there), pytest.raises(Failed, match=f"in use by process {os.getpid()}"), lock.held(there):
        pass
    with lock.held(there):
        pass


# --- Keeping processes -----------------------------------------------------------------------------------------------


def test_a_process_that_dies_is_started_again_and_its_children_do_not_stay(there: Places) -> None:
    note = there.var / "child"
    script = f"sleep 60 & echo $! > {note}; wait"
    part = Part("kept", ["sh", "-c", script], dict(os.environ), there.var, partial(relay, before=""))
    keeper.start(part)
    assert eventually(lambda: note.exists() and bool(note.read_text().strip()))
    child, first = int(note.read_text()), part.process
    assert first is not None
    first.kill()
    first.wait()
    while part.process in (None, first):
        keeper.tend([part])
    assert eventually(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)
    assert part.last_death == "was ended by SIGKILL"
    keeper.stop([part])
    assert part.process is None


def test_whoever_does_not_listen_is_killed_in_time(there: Places) -> None:
    ending = ((signal.SIGTERM, 0.3),)
    part = Part("deaf", DEAF, dict(os.environ), there.var, partial(relay, before=""), ending)
    keeper.start(part)
    time.sleep(0.5)
    begun = time.monotonic()
    keeper.stop([part])
    assert 0.2 < time.monotonic() - begun < 3


def test_lines_come_out_whole_and_say_whose_they_are(capfd: pytest.CaptureFixture[str]) -> None:
    with tempfile.TemporaryFile() as source:
        source.write(b"one\ntwo \xff\nlast words")
        source.seek(0)
        relay(source, "web | ")
    assert capfd.readouterr().out == "web | one\nweb | two \N{REPLACEMENT CHARACTER}\nweb | last words\n"


def test_the_procfile_is_filled_without_a_shell(folder: Path) -> None:
    (folder / "Procfile").write_text("# talk\nweb: serve --at $PORT '$VAR_DIR/x;y'\n\n")
    commands = procfile.read(folder / "Procfile", {"PORT": "1", "VAR_DIR": "/a b"})
    assert commands == {"web": ["serve", "--at", "1", "/a b/x;y"]}
    (folder / "Procfile").write_text("web: serve $NOWHERE\n")
    with pytest.raises(Failed, match=r"line 1: \$NOWHERE is not set"):
        procfile.read(folder / "Procfile", {})
