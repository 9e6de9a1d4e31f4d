"""The account: what reviewers were told, held against what the database has."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg

from tests.crashes.reviewers import Deed, Ledger

KINDS = ["submit", "take", "give back", "skip", "renew"]
ENDED_AS = {"give back": "returned", "skip": "skipped"}


@dataclass
class Line:
    """All deeds of one kind."""

    sent: int = 0
    acknowledged: int = 0
    refused: int = 0
    unknown: int = 0  # broken off: the client does not know
    unknown_done: int = 0  # of these, done nevertheless
    recovered: int = 0  # a reply was lost or a 5xx, and repeating told the outcome
    lost: int = 0  # acknowledged, and not there as it was acknowledged
    doubled: int = 0  # there more than once, or there though refused


@dataclass
class Account:
    """The account of a run."""

    lines: dict[str, Line] = field(default_factory=lambda: defaultdict(Line))
    outages: Counter[tuple[int, str, str]] = field(default_factory=Counter)
    contradictions: list[str] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)

    @property
    def lost(self) -> int:
        return sum(line.lost for line in self.lines.values())

    @property
    def doubled(self) -> int:
        return sum(line.doubled for line in self.lines.values())

    def text(self, faults: Mapping[str, int]) -> str:
        """The account as a table."""
        columns = ["sent", "acknowledged", "refused", "unknown", "unknown_done", "recovered", "lost", "doubled"]
        rows = ["", f"{'':10}" + "".join(f"{name.replace('_done', ', done'):>14}" for name in columns)]
        for kind in KINDS:
            rows.append(f"{kind:10}" + "".join(f"{getattr(self.lines[kind], name):14}" for name in columns))
        rows += ["", *(f"{count:6}  {name}" for name, count in faults.items())]
        rows += [f"{count:6}  answers {status} {code} ({kind})" for (status, kind, code), count in self.outages.items()]
        return "\n".join([*rows, *self.examples[:10]])


def last_lease(link: psycopg.Connection[Any]) -> int:
    """Where a run begins."""
    row = link.execute("SELECT coalesce(max(id), 0) FROM annotations_lease").fetchone()
    return int(row[0]) if row else 0


def account(link: psycopg.Connection[Any], ledgers: Sequence[Ledger], run: str, *, after: int) -> Account:
    """Compare what happened since lease ``after``; writes nothing."""
    made = Account()
    notes = _by_mark(link, "SELECT answer ->> 'note', id, lease_id, answer FROM annotations_annotation"
                           " WHERE starts_with(answer ->> 'note', %s)", run)  # fmt: skip
    keys = _by_mark(link, "SELECT key, lease_ids FROM annotations_takekey WHERE starts_with(key, %s)", run)
    leases = {
        number: (state, expires_at)
        for number, state, expires_at in link.execute("SELECT id, state, expires_at FROM annotations_lease")
    }
    for ledger in ledgers:
        made.outages += ledger.outages
        made.contradictions += ledger.contradictions
        for deed in ledger.deeds:
            line = made.lines[deed.kind]
            found = {"submit": notes, "take": keys}.get(deed.kind, {}).get(deed.mark, [])
            line.sent += 1
            line.acknowledged += deed.is_acknowledged
            line.refused += deed.status is not None and not deed.is_acknowledged
            line.unknown += deed.status is None
            line.unknown_done += deed.status is None and bool(found)
            line.recovered += deed.status is not None and deed.unanswered > 0
            if deed.is_acknowledged and not _stands(deed, found, leases):
                line.lost += 1
                made.examples.append(f"lost: {deed}: {found} {leases.get(deed.lease)}")
            refused_but_done = deed.kind == "submit" and deed.status is not None and not deed.is_acknowledged and found
            if len(found) > 1 or refused_but_done:
                line.doubled += 1
                made.examples.append(f"doubled: {deed}: {found}")
    made.lines["take"].doubled += len(_untold(leases, ledgers, keys, after=after))
    return made


def _untold(
    leases: Mapping[int, Any], ledgers: Sequence[Ledger], keys: Mapping[str, list[tuple[Any, ...]]], *, after: int
) -> set[int]:
    """Leases of this run that nobody was told of, though nobody broke off: granted once more than was answered."""
    takes = [deed for ledger in ledgers for deed in ledger.deeds if deed.kind == "take"]
    told = {number for deed in takes if deed.is_acknowledged for number in deed.told}
    unknown = [ids for deed in takes if deed.status is None for (ids,) in keys.get(deed.mark, [])]
    return {number for number in leases if number > after} - told - {number for ids in unknown for number in ids}


def _stands(deed: Deed, found: list[tuple[Any, ...]], leases: Mapping[int, tuple[str, datetime]]) -> bool:
    """Whether what was acknowledged is so, word for word."""
    if deed.kind == "submit":
        return [(number, answer) for number, lease, answer in found if lease == deed.lease] == [deed.told]
    if deed.kind == "take":
        remembered = [sorted(ids) for (ids,) in found]
        return remembered == ([deed.told] if deed.mark else []) and all(number in leases for number in deed.told)
    if deed.lease not in leases:
        return False
    state, expires_at = leases[deed.lease]
    if deed.kind == "renew":
        return expires_at >= datetime.fromisoformat(deed.told)
    return state == ENDED_AS[deed.kind]


def _by_mark(link: psycopg.Connection[Any], query: Any, run: str) -> dict[str, list[tuple[Any, ...]]]:
    found = defaultdict(list)
    for mark, *rest in link.execute(query, [f"{run}-"]):
        found[mark].append(tuple(rest))
    return found
