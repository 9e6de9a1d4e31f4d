"""The embedded stack, part by part. The whole of it at work is the business of the end-to-end test."""

from __future__ import annotations

import os
import re
import shlex
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
from typing import IO

import psutil
import psycopg
import pytest
import redis

from config.stack import account, engines, environment, leftovers, lock, places, postgres, procfile
from config.stack.failure import Failed
from config.stack.output import relay
from config.stack.places import MARK, Places
from config.stack.supervising import Program, Supervisor, quoted
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


def takes(name: str, place: int) -> Callable[[IO[bytes]], None]:
    return partial(relay, before=f"{name} | ")


@contextmanager
def running(there: Places, *names: str) -> Iterator[tuple[Supervisor, dict[str, str]]]:
    """Engines that answer, and their addresses."""
    kept = engines.kept(there, names, takes, durable=False)
    try:
        kept.start()
        addresses = engines.urls(there, names)
        engines.wait(kept, addresses)
        yield kept, addresses
    finally:
        kept.stop()


@contextmanager
def keeping(there: Places, **scripts: str) -> Iterator[Supervisor]:
    """Shell scripts under a supervisord."""
    programs = [Program(name, ["sh", "-c", script]) for name, script in scripts.items()]
    kept = Supervisor("services", there, programs, dict(os.environ), takes)
    try:
        kept.start()
        yield kept
    finally:
        kept.stop()


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def tended(kept: Supervisor, true: Callable[[], bool]) -> bool:
    def look() -> bool:
        kept.tend(patient=True)
        return true()

    return eventually(look)


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
    assert sorted(values) == ["ACCESS_LOG_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "SIGHTLINE_EMBEDDED"]
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
    with running(there, "postgres") as (kept, addresses):
        assert Path(kept.programs[0].command[0]).is_relative_to(there.spare)
        assert engines.answer("postgres", addresses["DATABASE_URL"])


# --- Engines ---------------------------------------------------------------------------------------------------------


def test_postgres_keeps_what_it_said_yes_to_over_a_kill_and_asks_for_a_password(there: Places) -> None:
    with running(there, "postgres") as (kept, addresses):
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

        first = kept.pids["postgres"]
        os.kill(first, signal.SIGKILL)
        assert tended(kept, lambda: kept.pids["postgres"] not in (0, first))
        engines.wait(kept, addresses)
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
    with running(there, "redis") as (kept, addresses):
        assert mode(there.redis_socket) == 0o600
        assert psutil.Process(kept.pids["redis"]).net_connections("inet") == []
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
    with running(there, "postgres", "redis") as (kept, addresses):
        assert set(kept.pids.values()) <= {process.pid for process in leftovers.find(there)}
        assert "1 x redis-server" in leftovers.clear(there)
        assert leftovers.find(there) == []
        assert not engines.answer("postgres", addresses["DATABASE_URL"])


def test_a_second_launcher_is_told_who_was_first(there: Places) -> None:
    with lock.held(there), pytest.raises(Failed, match=f"in use by process {os.getpid()}"), lock.held(there):
        pass
    with lock.held(there):
        pass


# --- Keeping processes -----------------------------------------------------------------------------------------------


def test_a_killed_process_is_started_again_and_its_children_do_not_stay(there: Places) -> None:
    note = there.var / "child"
    with keeping(there, kept=f"sleep 60 & echo $! > {note}; wait") as kept:
        assert tended(kept, lambda: note.exists() and bool(note.read_text().strip()) and kept.pids["kept"] > 0)
        child, first = int(note.read_text()), kept.pids["kept"]
        os.kill(first, signal.SIGKILL)
        assert tended(kept, lambda: kept.pids["kept"] not in (0, first))
        assert eventually(lambda: gone(child))
    assert eventually(lambda: leftovers.find(there) == [])


def test_every_line_has_one_prefix_and_last_words_are_heard(there: Places, capfd: pytest.CaptureFixture[str]) -> None:
    with keeping(
        there, one="trap 'echo bye; exit' TERM; echo hello; sleep 60 & wait", two="echo oops >&2; exec sleep 60"
    ):
        time.sleep(1.5)
    leftovers.end(there, patience=1)
    lines = [line for line in capfd.readouterr().out.splitlines() if not line.startswith("supervisor | ")]
    assert sorted(lines) == ["one | bye", "one | hello", "two | oops"]


def test_a_hopeless_program_is_said_in_one_line_and_once_up_nothing_is_given_up(there: Places) -> None:
    def impatiently() -> bool:
        kept.tend()
        return False

    with keeping(there, late=f"test -e {there.var}/now || exit 3; sleep 60") as kept:
        with pytest.raises(Failed, match="late does not stay up: exit status 3, 4 times"):
            eventually(impatiently, 30)
        (there.var / "now").touch()
        assert tended(kept, lambda: kept.pids["late"] > 0)


def test_a_killed_supervisord_is_noticed_and_what_it_kept_is_ended(there: Places) -> None:
    with keeping(there, kept="sleep 60") as kept:
        assert tended(kept, lambda: kept.pids["kept"] > 0)
        assert kept.process is not None
        kept.process.kill()
        with pytest.raises(Failed, match="services, was ended by SIGKILL"):
            kept.tend()
        leftovers.end(there, patience=1)
        assert leftovers.find(there) == []
        assert gone(kept.pids["kept"])


def test_supervisord_of_a_killed_launcher_is_ended_before_what_it_would_start_again(there: Places) -> None:
    with keeping(there, kept="exec sleep 60") as kept:
        assert tended(kept, lambda: kept.pids["kept"] > 0)
        assert sorted(leftovers.end(there)) == ["1 x sleep", "1 x supervisord"]
        assert leftovers.find(there) == []


def test_a_command_line_survives_supervisords_own_grammar() -> None:
    words = ["serve", "/a #b/;c 'd' \"e\"", "50%", "$HOME"]
    assert shlex.split(quoted(words).replace("%%", "%")) == words
    assert not re.search(r"\s[;#]", quoted(words))


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
