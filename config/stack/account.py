"""Whose account PostgreSQL runs under, and what that account can reach.

PostgreSQL refuses to run as root. Containers and rented machines often are root, so there it runs as ``nobody``, which
exists everywhere and owns nothing. For everybody else there is no second account.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from config.stack.failure import Failed


class Account(NamedTuple):
    """An account to step down to."""

    uid: int
    gid: int


def unprivileged() -> Account | None:
    """The account to step down to, or None when there is nothing to step down from."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError as error:
        raise Failed("PostgreSQL cannot run as root, and there is no account `nobody` to run it as") from error
    return Account(entry.pw_uid, entry.pw_gid)


def stepping_down(account: Account | None) -> dict[str, Any]:
    """The arguments that make `subprocess` start a process as this account."""
    return {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}


def can_reach(account: Account | None, path: Path) -> bool:
    """Whether the account may enter this folder or run this file.

    Asked by trying, because mode bits alone do not know about access lists and mount options.
    """
    if account is None:
        return True
    asked = subprocess.run(
        ["test", "-x", path], **stepping_down(account), cwd="/", stdin=subprocess.DEVNULL, check=False
    )
    return asked.returncode == 0


def give(path: Path, account: Account | None) -> None:
    """Make the account the owner of one of our own files or folders."""
    if account is not None:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
