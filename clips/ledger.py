"""The ledger of what was purged: where it lay, and hashes by which it is known when it comes again. No names.

Each line is a row that the database neither changes nor deletes, and a file in its region's storage under a name of
its own (the alias ``ledger-in`` for ``clips-in``), so that it is there when the database comes back from a backup. A
line is written before anything is removed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from clips import storage
from clips.errors import LedgerLineUnreadable
from clips.models import Case, Clip, Decision, Purge, PurgedKey, PurgeReason

FOLDER = "purged"
_NAME = re.compile(r"[A-Za-z0-9_-]{8,64}\Z")
_FIELDS = ("alias", "folder", "clip", "digest", "reason", "is_barred", "asked_at")


def digest_of(*, owner_key: str, region: str, sha256: str) -> str:
    """The keyed hash by which the same bytes of the same owner in the same region are known again."""
    return _keyed("bytes", owner_key, region, sha256)


def write(purge: Purge, clip: Clip) -> PurgedKey:
    """Write a clip's line, once; a repeat finds it."""
    fields: dict[str, Any] = {
        "alias": clip.storage_alias,
        "folder": clip.folder,
        "clip": clip.pk,
        "digest": digest_of(owner_key=clip.owner_key, region=clip.region, sha256=clip.sha256),
        "reason": purge.reason,
        "is_barred": Case.objects.filter(clip=clip, decision=Decision.WITHHOLD).exists(),
        "asked_at": purge.asked_at,
    }
    line, _made = PurgedKey.objects.get_or_create(
        alias=fields["alias"], folder=fields["folder"], defaults=fields | {"seal": _seal(fields)}
    )
    return line


def write_out(line: PurgedKey) -> None:
    """Write a line's file into its region's storage. Raises :class:`clips.errors.StorageAway`."""
    with tempfile.TemporaryDirectory(prefix="ledger-", dir=settings.WORK_DIR) as folder:
        path = Path(folder) / "line"
        path.write_text(as_text(line))
        storage.put(_alias_of(line.alias), f"{FOLDER}/{line.folder}.json", path)


def find(*, owner_key: str, region: str, sha256: str) -> list[PurgedKey]:
    """The lines of what the same owner sent before, byte for byte, and what was purged; the latest first."""
    digest = digest_of(owner_key=owner_key, region=region, sha256=sha256)
    return list(PurgedKey.objects.filter(digest=digest).order_by("-asked_at"))


def as_text(line: PurgedKey) -> str:
    """A line as it is written out: JSON, one line, sealed."""
    return json.dumps(_document(line) | {"seal": line.seal}, sort_keys=True, separators=(",", ":")) + "\n"


def take_in(texts: Iterable[str]) -> int:
    """Write lines that the database does not know into it; returns how many there were. Raises
    :class:`LedgerLineUnreadable` for what we did not write, before anything is replayed."""
    found = [_read(text) for text in texts if text.strip()]
    # Of two that say the same, either will do.
    return sum(
        PurgedKey.objects.get_or_create(alias=line.alias, folder=line.folder, defaults=_columns(line))[1]
        for line in found
    )


def stored(region: str) -> Iterator[str]:
    """The lines in a region's storage that the database does not know. Raises :class:`clips.errors.StorageAway`."""
    alias = f"ledger-{region}"
    known = set(PurgedKey.objects.filter(alias=f"clips-{region}").values_list("folder", flat=True))
    for key in storage.keys_under(alias, FOLDER):
        name = key.removeprefix(f"{FOLDER}/")
        if name.endswith(".json") and name.removesuffix(".json") not in known:
            yield b"".join(storage.read_all(alias, key)).decode(errors="replace")


def _read(text: str) -> PurgedKey:
    fields: dict[str, Any] = {}
    with suppress(ValueError, TypeError, KeyError):
        document = json.loads(text)
        fields = {name: document[name] for name in _FIELDS}
        fields["asked_at"] = datetime.fromisoformat(fields["asked_at"])
        sealed = hmac.compare_digest(_seal(fields), document["seal"])
        # The folder of a line is emptied: whatever else may be, it is the name of one folder of footage.
        if sealed and _NAME.match(fields["folder"]) and fields["alias"].startswith("clips-"):
            return PurgedKey(**fields, seal=document["seal"])
    raise LedgerLineUnreadable(f"This is no line of our ledger: {text.strip()[:80]!r}")


def _columns(line: PurgedKey) -> dict[str, Any]:
    return {name: getattr(line, name) for name in (*_FIELDS, "seal")}


def _document(line: PurgedKey) -> dict[str, Any]:
    document = {name: getattr(line, name) for name in _FIELDS}
    return document | {"asked_at": line.asked_at.isoformat(), "reason": str(PurgeReason(line.reason).value)}


def _alias_of(alias: str) -> str:
    return f"ledger-{alias.removeprefix('clips-')}"


def _seal(fields: dict[str, Any]) -> str:
    said = {**fields, "asked_at": fields["asked_at"].timestamp(), "reason": str(fields["reason"])}
    return _keyed("line", json.dumps(said, sort_keys=True, separators=(",", ":")))


def _keyed(*words: str) -> str:
    text = "\0".join(words).encode()
    return hmac.new(settings.LEDGER_KEY.encode(), text, hashlib.sha256).hexdigest()
