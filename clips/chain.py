"""The access log's chains, looked at from outside: every entry is hashed again here, in Python, from its columns.

Reads in pages by the streams' own index, each page a statement of its own, so no snapshot is held open while a long log
is read, and no more of it than a page is in memory. Pure of what wrote the log: a mistake in the SQL would be found.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from clips.models import AccessEntry, AccessStream

PAGE = 2000
COLUMNS = (
    "number", "at", "user_id", "credentials", "clip_id", "rendition", "under", "under_id", "purpose", "country",
    "address", "asked", "outcome", "hash",
)  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """The first entry of a stream that is not as it was written, and what is wrong."""

    stream: str
    number: int
    wrong: str

    def __str__(self) -> str:
        return f"{self.stream} {self.number}: {self.wrong}"


@dataclass
class Verdict:
    """What a look at the log found."""

    streams: int = 0
    entries: int = 0
    heads: int = 0
    faults: list[Fault] | None = None


def canonical(entry: dict[str, Any]) -> bytes:
    """Canonical JSON (RFC 8785) of an entry. Its values are texts, whole numbers and null, its keys plain ASCII: there
    Python's sorted, unspaced form is the canonical one."""
    return json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def said(stream: str, row: tuple[Any, ...]) -> dict[str, Any]:
    """What the hash of an entry covers, out of its columns."""
    found = dict(zip(COLUMNS, row, strict=True))
    found.pop("hash")
    at: datetime = found.pop("at")
    return {
        name.removesuffix("_id") if name in {"user_id", "clip_id"} else name: value for name, value in found.items()
    } | {
        "stream": stream,
        "at": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }


class Heads:
    """Signed heads, on a disk of their own for as long as they are compared: years of them need no memory."""

    def __init__(self, heads: Iterable[tuple[str, int, bytes]] = ()) -> None:
        self._rows = sqlite3.connect("")
        self._rows.execute(
            "CREATE TABLE head (stream TEXT, number INTEGER, hash BLOB, PRIMARY KEY (stream, number, hash))"
        )
        self._rows.executemany("INSERT OR IGNORE INTO head VALUES (?, ?, ?)", heads)
        self.count: int = self._rows.execute("SELECT count(*) FROM head").fetchone()[0]

    def of(self, stream: str) -> Iterator[tuple[int, bytes]]:
        """A stream's heads in the order of their numbers."""
        yield from self._rows.execute("SELECT number, hash FROM head WHERE stream = ? ORDER BY number", [stream])

    def streams(self) -> Iterator[str]:
        for (name,) in self._rows.execute("SELECT DISTINCT stream FROM head ORDER BY stream"):
            yield name


def verify(heads: Heads | None = None) -> Verdict:
    """Look at every stream, from its first entry to its last; the first fault of each is told."""
    heads = heads or Heads()
    verdict = Verdict(heads=heads.count, faults=[])
    assert verdict.faults is not None  # noqa: S101 -- just given
    names = {*streams(), *heads.streams()}
    noted = dict(AccessStream.objects.values_list("name", "noted_number"))
    for name in sorted(names | set(noted)):
        verdict.streams += 1
        count, fault = _look(name, noted=noted.get(name), heads=heads)
        verdict.entries += count
        if fault is not None:
            verdict.faults.append(fault)
    return verdict


def streams() -> Iterator[str]:
    """The streams that have entries, whatever the table of streams says, by leaps through the index."""
    with connection.cursor() as cursor:
        name = ""
        while True:
            cursor.execute("SELECT min(stream) FROM clips_accessentry WHERE stream > %s", [name])
            (found,) = cursor.fetchone() or (None,)
            if found is None:
                return
            name = str(found)
            yield name


def _look(stream: str, *, noted: int | None, heads: Heads) -> tuple[int, Fault | None]:
    """How many entries of a stream were read, and its first fault."""
    before, last, count, agreed = b"", 0, 0, 0
    signed = heads.of(stream)
    head = next(signed, None)
    for row in _rows(stream):
        number = int(row[0])
        if number != last + 1:
            gone = f"{last + 1} is missing" if number == last + 2 else f"{last + 1} to {number - 1} are missing"
            return count, Fault(stream, last + 1, gone)
        count += 1
        found = hashlib.sha256(before + canonical(said(stream, row))).digest()
        if found != bytes(row[-1]):
            return count, Fault(stream, number, "its hash does not fit what it says and what came before")
        while head is not None and head[0] == number:
            if head[1] != found:
                since = f"an entry from {agreed + 1} on" if agreed + 1 < number else "it"
                return count, Fault(
                    stream, agreed + 1, f"{since} was rewritten: the head signed at {number} is another"
                )
            agreed, head = number, next(signed, None)
        before, last = found, number
    rest = [head, *signed] if head is not None else []
    if rest:
        return count, Fault(stream, last + 1, f"the end is missing: a head was signed at {rest[-1][0]}")
    if noted is None:
        return count, Fault(stream, 1, "the stream's own row is missing")
    if noted > last:
        return count, Fault(stream, last + 1, f"the end is missing: the stream had reached {noted}")
    return count, None


def _rows(stream: str) -> Iterator[tuple[Any, ...]]:
    after = 0
    while True:
        rows = AccessEntry.objects.filter(stream=stream, number__gt=after).order_by("number")
        page = list(rows.values_list(*COLUMNS)[:PAGE])
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1][0]
