"""The access log's heads, signed and written out: what somebody who rules the database cannot take back.

One JSON object a line, only ever added to: a ``head`` for each stream that grew, then a ``signing`` over them and over
the line before, all signed by Ed25519. Whoever wants to be sure copies the file to a place that this machine cannot
change.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings

from clips.chain import canonical, streams
from clips.models import AccessEntry, AccessStream

TAIL_BYTES = 64 * 1024


class BadHeads(Exception):
    """The file of heads is not as it was written."""


def private_key() -> Ed25519PrivateKey:
    """The key that signs, made of ACCESS_LOG_KEY."""
    seed = hashlib.sha256(b"sightline.access-log.heads|" + settings.ACCESS_LOG_KEY.encode()).digest()
    return Ed25519PrivateKey.from_private_bytes(seed)


def public_key() -> str:
    """The key that verifies, in hex: to be kept elsewhere, and given when ACCESS_LOG_KEY is another one."""
    return private_key().public_key().public_bytes_raw().hex()


def sign(path: Path, *, at: datetime) -> int:
    """Write the head of each stream that grew since its last one was noted; returns how many. Signing again is dull:
    then only the signing itself is written."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        count, before, when = 0, _last_line(file), _said(at)
        known = _known(path)
        for name in streams():
            newest = AccessEntry.objects.filter(stream=name).order_by("-number").values_list("number", "hash")[:1]
            for number, digest in newest:
                if known.get(name) == number:
                    continue
                before = _add(
                    file,
                    {"kind": "head", "at": when, "stream": name, "number": number, "hash": bytes(digest).hex()},
                    before,
                )
                AccessStream.objects.filter(name=name, noted_number__lt=number).update(noted_number=number)
                count += 1
        _add(file, {"kind": "signing", "at": when, "heads": count}, before)
        file.flush()
        os.fsync(file.fileno())
    return count


def is_due(path: Path, *, at: datetime) -> bool:
    """Whether nothing was signed yet on this day (UTC). The file says so: it outlives every clock-work."""
    try:
        with path.open("rb") as file:
            line = _last_line(file)
        return not line or json.loads(line)["at"][:10] != _said(at)[:10]
    except FileNotFoundError:
        return True


def read(path: Path, *, keys: list[str]) -> Iterator[tuple[str, int, bytes]]:
    """The file's heads, each line's signature and its tie to the line before looked at. Raises :class:`BadHeads`."""
    before = b""
    with path.open("rb") as file:
        for place, line in enumerate(file, 1):
            try:
                entry: dict[str, Any] = json.loads(line)
                signature = bytes.fromhex(entry.pop("signature"))
                key = entry["key"]
                if key not in keys:
                    raise BadHeads(f"line {place} is signed by a key that is not ours: {key}")
                Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, canonical(entry))
                if entry["before"] != hashlib.sha256(before).hexdigest():
                    raise BadHeads(f"line {place} does not follow the line before it")
                if entry["kind"] == "head":
                    yield entry["stream"], int(entry["number"]), bytes.fromhex(entry["hash"])
            except (ValueError, KeyError, TypeError, AttributeError, InvalidSignature):
                raise BadHeads(f"line {place} is not as it was signed") from None
            before = line.rstrip(b"\n")


def _known(path: Path) -> dict[str, int]:
    """The number of each stream's newest head: a stream that did not grow is not signed again."""
    found: dict[str, int] = {}
    with path.open("rb") as file:
        for line in file:
            entry = json.loads(line)
            if entry["kind"] == "head":
                found[entry["stream"]] = entry["number"]
    return found


def _add(file: Any, entry: dict[str, Any], before: bytes) -> bytes:
    """Sign an entry and add it; returns its line."""
    entry |= {"before": hashlib.sha256(before).hexdigest(), "key": public_key()}
    entry["signature"] = private_key().sign(canonical(entry)).hex()
    line = canonical(entry)
    file.write(line + b"\n")
    return line


def _last_line(file: Any) -> bytes:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - TAIL_BYTES))
    lines: list[bytes] = file.read().splitlines()
    return lines[-1] if lines else b""


def _said(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
