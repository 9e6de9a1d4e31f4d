"""The demonstration's sign-ins: generated once, kept beside the embedded stack's other secrets."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings


@dataclass(frozen=True)
class Login:
    """One sign-in of the demonstration, with what it is for."""

    username: str
    password: str
    role: str


def path() -> Path:
    """Where the sign-ins are kept, for nobody but the owner of this account."""
    return Path(settings.VAR_DIR) / "demonstration-logins.json"


def new(username: str, role: str) -> Login:
    """A sign-in with a password that nobody has to remember."""
    return Login(username, secrets.token_urlsafe(12), role)


def keep(logins: list[Login]) -> None:
    """Write the sign-ins down, readable by this account only, whole or not at all."""
    aside = path().with_suffix(".part")
    aside.unlink(missing_ok=True)
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as out:
        json.dump([login.__dict__ for login in logins], out, indent=1)
    aside.replace(path())


def kept() -> dict[str, Login]:
    """The sign-ins by name; empty when this database was not seeded from this folder."""
    if not path().is_file():
        return {}
    return {row["username"]: Login(**row) for row in json.loads(path().read_text())}
