"""Where the stack keeps its things: one folder, `var/`, and a spare one when `var/` will not do.

Two things can be wrong with a folder somebody cloned into: its path can be too long for a unix socket (about 100
bytes), and, for root, it can lie where the account that runs PostgreSQL may not go. Either way the part concerned moves
to a private folder under /var/tmp, named by a hash of var's real path so that it is found again, and a symbolic link in
`var/` says so. Nobody's permissions are widened.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from config.stack import account as accounts
from config.stack.account import Account
from config.stack.failure import Failed

PROJECT = Path(__file__).resolve().parents[2]
MARK = "SIGHTLINE_STACK"  # in every child's environment: the real path of the var folder it belongs to
LONGEST_SOCKET = 100  # sun_path holds 104 bytes on macOS, 108 on Linux, its closing zero included
OURS = ".sightline"  # a file that says this folder was made by us, and so may be wiped by us
OF_THE_APPLICATION = {"work", "incoming", "storage"}  # what `manage.py` may have made here before the stack came


class Places(NamedTuple):
    """Real paths only, so that they compare equal to what the system reports of a process."""

    var: Path
    run: Path  # sockets and the lock
    postgres: Path  # PostgreSQL's data
    redis: Path
    spare: Path
    account: Account | None

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return self.postgres / "data"

    @property
    def postgres_sockets(self) -> Path:
        """The folder PostgreSQL's socket lies in."""
        return self.run / "pg"

    @property
    def redis_socket(self) -> Path:
        """Redis' socket."""
        return self.run / "redis.sock"

    def supervisor_conf(self, name: str) -> Path:
        """What the supervisord of this name is started with, and known by."""
        return self.run / f"{name}.conf"


def chosen_var() -> Path:
    """The var folder this environment asks for."""
    return Path(os.environ.get("VAR_DIR") or PROJECT / "var").absolute()


def lay_out(var: Path) -> Places:
    """Make the folders, decide which of them must lie elsewhere, and say where everything is."""
    claim(var)
    places = describe(var)
    far = not accounts.can_reach(places.account, var)
    too_long = len(bytes(var.resolve() / "run" / "pg" / ".s.PGSQL.5432")) > LONGEST_SOCKET
    places = places._replace(
        run=_settle(places, var.resolve() / "run", away=far or too_long),
        postgres=_settle(places, var.resolve() / "postgres", away=far),
    )
    _make(places.redis, 0o700)
    _make(places.postgres_sockets, 0o700)
    for folder in (places.postgres, places.postgres_sockets):
        accounts.give(folder, places.account)
    return places


def describe(var: Path) -> Places:
    """Where everything is, made or not."""
    real = var.resolve()
    spare = _spare_base() / f"sightline-{os.geteuid()}-{hashlib.sha256(bytes(real)).hexdigest()[:12]}"
    return Places(
        var=real,
        run=(real / "run").resolve(),
        postgres=(real / "postgres").resolve(),
        redis=real / "redis",
        spare=spare,
        account=accounts.unprivileged(),
    )


def claim(var: Path) -> None:
    """Make the folder ours, or refuse one that holds somebody's things: `make reset` wipes what is claimed here."""
    _make(var, _mode(accounts.unprivileged()))
    if var.stat().st_uid != os.geteuid():
        raise Failed(f"{var} belongs to another account (uid {var.stat().st_uid})")
    if not is_ours(var) and {path.name for path in var.iterdir()} - OF_THE_APPLICATION:
        raise Failed(f"VAR_DIR={var} holds files that are not Sightline's; name an empty folder")
    (var / OURS).touch(mode=0o600)


def is_ours(var: Path) -> bool:
    """Whether this folder was claimed by `claim`; the project's own needs no claim."""
    return (var / OURS).exists() or (var.resolve() == PROJECT / "var" and var.exists())


def wipe(places: Places) -> list[Path]:
    """Remove the var folder and its spare one, and say what went."""
    gone = []
    if is_private(places.spare):
        _remove(places.spare)
        gone.append(places.spare)
    if is_ours(places.var):
        _remove(places.var)
        gone.append(places.var)
    return gone


def _remove(folder: Path) -> None:
    """Remove a folder with all in it, also while what stood in there goes by itself: a server's last files do."""
    while folder.exists():
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)


def is_private(folder: Path) -> bool:
    """Whether a folder in a shared place is truly ours, and not laid there by somebody who guessed its name."""
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022


def spare_folder(places: Places) -> Path:
    """The private folder under /var/tmp, made when it is not there."""
    _make(places.spare, _mode(places.account))
    if not is_private(places.spare):
        raise Failed(f"{places.spare} is not a private folder of this account; remove it")
    return places.spare


def _settle(places: Places, place: Path, *, away: bool) -> Path:
    """Have a folder at `place`, or, when it must lie away, a link there to a folder of that name in the spare one."""
    if place.is_symlink():
        # Where it went once is where its data is, whatever we would choose today.
        if place.readlink() != places.spare / place.name:
            raise Failed(f"{place} leads to {place.readlink()}, which is not ours; run `make reset`")
        away = True
    elif place.exists() and away:
        raise Failed(f"{place} was made when it could be used from here, and no longer can; run `make reset`")
    if not away:
        _make(place, _mode(places.account))
        return place
    there = spare_folder(places) / place.name
    if not place.is_symlink():
        # A var folder removed by hand leaves its spare behind, locked with a password that is gone.
        shutil.rmtree(there, ignore_errors=True)
        place.symlink_to(there)
    _make(there, _mode(places.account))
    return there


def _make(folder: Path, mode: int) -> None:
    """Make a folder with exactly this mode, or leave the one that is there as it is."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return
    folder.chmod(mode)


def _mode(account: Account | None) -> int:
    """Closed to everybody; for root, passable (not readable) so that the engine's account gets to its own folder."""
    return 0o700 if account is None else 0o711


def _spare_base() -> Path:
    # Short, kept over a reboot, and the same from every terminal, which TMPDIR is not.
    fixed = Path("/var/tmp")  # noqa: S108 -- what we make in it is checked by is_private
    return (fixed if os.access(fixed, os.W_OK) else Path(tempfile.gettempdir())).resolve()
