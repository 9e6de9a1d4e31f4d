"""The environment, read once and loudly.

Values come from the process environment. On a machine that runs the embedded stack its own generated values stand in
``var/stack.env`` and fill what the environment leaves open; a server sets ``SECRET_KEY`` itself and that file is then
never read. Everything here raises :class:`config.errors.Misconfigured` with the name of the variable at fault.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.config import Config
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from config.errors import Misconfigured

WEAK_WORDS = ("django-insecure", "changeme", "change-me", "secret", "password", "example", "default")


def fill_from_stack_file(path: Path) -> None:
    """Let the embedded stack's own values fill the environment, unless this process was given a secret of its own."""
    if os.environ.get("SECRET_KEY") or not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        name, separator, value = line.partition("=")
        if separator and not name.startswith("#"):
            os.environ.setdefault(name.strip(), value)


def text(name: str, default: str | None = None) -> str:
    """The variable's text; without a default it must be there and not be blank."""
    value = os.environ.get(name, "").strip() or default
    if value is None:
        raise Misconfigured(f"{name} is not set. `make run` sets it for the embedded stack; a server must set it.")
    return value


def flag(name: str, default: bool = False) -> bool:
    """A yes or a no; anything else is refused rather than guessed."""
    value = os.environ.get(name, "").strip().lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise Misconfigured(f"{name} must be yes or no, not {value!r}.")


def number(name: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
    """A whole number between ``least`` and ``most``."""
    raw = os.environ.get(name, "").strip()
    if not raw:
        return default
    try:
        value = int(raw)
    except ValueError:
        raise Misconfigured(f"{name} must be a whole number, not {raw!r}.") from None
    if not least <= value <= most:
        raise Misconfigured(f"{name} must be between {least} and {most}, not {value}.")
    return value


def choice(name: str, *known: str) -> str:
    """One of the known words; the first unless another is set."""
    value = text(name, known[0])
    if value not in known:
        raise Misconfigured(f"{name} must be one of {', '.join(known)}, not {value!r}.")
    return value


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list without blanks."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def origin(url: str) -> str:
    """The scheme, host and port of a URL, as a browser's policy names them. Raises for what is none."""
    found = urlsplit(url)
    if found.scheme not in {"http", "https"} or not found.netloc:
        raise Misconfigured(f"{url!r} is not a URL of http or https.")
    return f"{found.scheme}://{found.netloc}"


def secret(name: str, *, least_length: int = 50) -> str:
    """A secret that somebody generated: long, varied, and not a word out of an example file."""
    value = text(name)
    lowered = value.lower()
    if len(value) < least_length or len(set(value)) < 10:
        raise Misconfigured(f"{name} is too weak: {least_length} random characters at least.")
    if any(word in lowered for word in WEAK_WORDS):
        raise Misconfigured(
            f"{name} looks like a placeholder. Generate one: python -c 'import secrets; "
            "print(secrets.token_urlsafe(64))'"
        )
    return value


def hosts(name: str) -> list[str]:
    """Host names this process answers to; a wildcard would let anybody choose the name in our links."""
    names = words(name)
    if not names:
        raise Misconfigured(f"{name} is not set: name the hosts this server answers to.")
    if any("*" in host or host.startswith(".") for host in names):
        raise Misconfigured(f"{name} must not hold a wildcard.")
    return names


def database(name: str, *, embedded: bool) -> dict[str, Any]:
    """Django's connection settings out of a libpq URL; a password sent over a network must not be a placeholder."""
    try:
        parts = conninfo_to_dict(text(name))
    except ProgrammingError as error:
        raise Misconfigured(f"{name} is not a PostgreSQL URL: {error}") from None
    host = str(parts.pop("host", "") or "")
    password = str(parts.pop("password", "") or "")
    if host and not host.startswith("/") and not embedded:
        check_password(name, password)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": str(parts.pop("dbname", "") or "sightline"),
        "USER": str(parts.pop("user", "") or ""),
        "PASSWORD": password,
        "HOST": host,
        "PORT": str(parts.pop("port", "") or ""),
        "OPTIONS": {key: value for key, value in parts.items() if value is not None},
    }


def check_password(name: str, password: str) -> None:
    """Refuse a password that goes over a network and that anybody could guess."""
    if not password:
        raise Misconfigured(f"{name} names a server on a network but no password.")
    if len(password) < 12 or any(word in password.lower() for word in WEAK_WORDS):
        raise Misconfigured(f"{name} holds a weak password: 12 random characters at least.")


def oidc(*, embedded: bool) -> dict[str, str] | None:
    """The company's sign-in service, if one is named: all of it, reached by https unless embedded."""
    names = ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")
    if not any(os.environ.get(name, "").strip() for name in names):
        return None
    issuer = text("OIDC_ISSUER").rstrip("/")
    if not origin(issuer).startswith("https://") and not embedded:
        raise Misconfigured("OIDC_ISSUER must start with https://: what it says is believed.")
    return {
        "issuer": issuer,
        "client_id": text("OIDC_CLIENT_ID"),
        "secret": text("OIDC_CLIENT_SECRET"),
        "name": text("OIDC_NAME", "single sign-on"),
    }


def broker(name: str, *, embedded: bool) -> str:
    """The Redis URL in the words of Celery's transport: ``unix://`` becomes ``redis+socket://``."""
    value = text(name)
    url = urlsplit(value)
    if url.scheme == "unix":
        db = parse_qs(url.query).get("db", ["0"])[0]
        password = f":{url.password}@" if url.password else ""
        return f"redis+socket://{password}{unquote(url.path)}?virtual_host={db}"
    if url.scheme not in {"redis", "rediss"}:
        raise Misconfigured(f"{name} must start with redis://, rediss:// or unix://.")
    if not embedded:
        check_password(name, unquote(url.password or ""))
    return value


def storage(name: str, *, alias: str, default_root: Path, given: Mapping[str, str]) -> dict[str, Any]:
    """One entry of ``STORAGES``: a folder (``file:///path``) or a bucket (``s3://bucket``), keys under ``alias/``.

    Objects are never overwritten and never public, and signed links live a minute at most. Endpoint, keys and region
    of a bucket are those of its own, such as ``S3_ENDPOINT_URL_RO`` for ``STORAGE_URL_RO``, else those for all.
    """
    own = name.removeprefix("STORAGE_URL")
    value = given.get(name) or given.get("STORAGE_URL") or f"file://{default_root}"
    url = urlsplit(value)
    if url.scheme == "file" and url.path:
        return {
            "BACKEND": "clips.storage.WholeFileStorage",
            "OPTIONS": {
                "location": str(Path(unquote(url.path)) / alias),
                "file_permissions_mode": 0o600,
                "directory_permissions_mode": 0o700,
            },
        }
    if url.scheme == "s3" and url.netloc:
        return {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {
                "bucket_name": url.netloc,
                "location": f"{url.path.strip('/')}/{alias}".strip("/"),
                "endpoint_url": given.get(f"S3_ENDPOINT_URL{own}") or given.get("S3_ENDPOINT_URL") or None,
                "access_key": given.get(f"S3_ACCESS_KEY_ID{own}") or text("S3_ACCESS_KEY_ID"),
                "secret_key": given.get(f"S3_SECRET_ACCESS_KEY{own}") or text("S3_SECRET_ACCESS_KEY"),
                "region_name": given.get(f"S3_REGION_NAME{own}") or given.get("S3_REGION_NAME") or None,
                "file_overwrite": False,
                "default_acl": None,
                "querystring_auth": True,
                "querystring_expire": 60,
                "max_memory_size": 8 * 1024 * 1024,
                # A bucket that is away is said to be so within seconds, not minutes.
                "client_config": Config(
                    connect_timeout=3,
                    read_timeout=10,
                    retries={"max_attempts": 2, "mode": "standard"},
                    s3={"addressing_style": "path"},
                    signature_version="s3v4",
                ),
            },
        }
    raise Misconfigured(f"{name} must be file:///folder or s3://bucket, not {value!r}.")
