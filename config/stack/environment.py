"""The stack's environment: secrets made once, and the `stack.env` a second terminal reads."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from config.stack.places import MARK, Places


def secret(path: Path, *, size: int) -> str:
    """A secret that is made once and then stays: sessions and databases outlive a restart.

    The file is born 0600 and complete: a launcher killed half-way leaves no empty secret behind.
    """
    try:
        return path.read_text()
    except FileNotFoundError:
        _write_private(path, secrets.token_urlsafe(size))
        return path.read_text()


def secret_key(places: Places) -> str:
    """Django's key."""
    return secret(places.var / "secret_key", size=64)


def access_log_key(places: Places) -> str:
    """What signs the heads of the access log, and makes pseudonyms."""
    return secret(places.var / "access_log_key", size=64)


def database_password(places: Places) -> str:
    """The password of the embedded PostgreSQL's only account."""
    return secret(places.var / "database_password", size=32)


def write(places: Places, values: Mapping[str, str]) -> None:
    """Write `stack.env`, so that `./manage.py shell` in a second terminal meets the same stack.

    Only what we made: a value the caller's environment gave is the caller's to keep.
    """
    _write_private(places.var / "stack.env", "".join(f"{name}={value}\n" for name, value in values.items()))


def ours(places: Places, given: Mapping[str, str], engines: Mapping[str, str]) -> dict[str, str]:
    """The values of this stack that the caller's environment does not give."""
    values = {
        "SIGHTLINE_EMBEDDED": "1",
        "SECRET_KEY": secret_key(places),
        "ACCESS_LOG_KEY": access_log_key(places),
        **engines,
        "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
    }
    return {name: value for name, value in values.items() if not given.get(name)}


def for_children(places: Places, given: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """The environment of every process of the stack: the caller's, ours, and the mark by which we find it again."""
    programs = str(Path(sys.executable).parent)
    return {
        **given,
        **values,
        "PATH": os.pathsep.join([programs, given.get("PATH") or os.defpath]),
        "VAR_DIR": str(places.var),
        "PYTHONUNBUFFERED": "1",
        "PYTHONUTF8": "1",
        MARK: str(places.var),
    }


def _write_private(path: Path, text: str) -> None:
    """Put a file in its place whole, readable by nobody else at any moment."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
