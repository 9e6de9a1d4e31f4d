"""Scripted reviewers: they work as the API's description says a client should, and write down what they were told."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx

PATIENCE = 40.0  # a call that is not answered for so long is a failure of the server's, not of the network's


@dataclass
class Deed:
    """One thing a reviewer asked for, however often they had to say it."""

    kind: str
    reviewer: str
    mark: str = ""  # a take's key, a submission's nonce
    lease: int = 0
    said: int = 0
    unanswered: int = 0
    status: int | None = None  # the answer; None: never known
    told: Any = None  # what a 2xx said
    code: str = ""  # what a refusal said

    @property
    def is_acknowledged(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass
class Ledger:
    """What one reviewer was told."""

    deeds: list[Deed] = field(default_factory=list)
    outages: Counter[tuple[int, str, str]] = field(default_factory=Counter)  # 5xx: status, content type, code
    contradictions: list[str] = field(default_factory=list)


class Scripted:
    """One reviewer at work, until told to stop.

    The rule they follow: a call whose reply was lost, or was a 5xx, is repeated just as it was until it is answered.
    Now and then they break off instead: that call's outcome stays unknown to them.
    """

    def __init__(self, name: str, token: str, *, port: int, run: str, has_keys: bool) -> None:
        self.name, self.run, self.has_keys = name, run, has_keys
        self.ledger = Ledger()
        self.chance = random.Random(f"{run} {name}")
        self.later: list[tuple[float, dict[str, Any]]] = []
        self.stop = threading.Event()
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{port}/api/v1",
            headers={"Authorization": f"Token {token}"},
            timeout=15,
            trust_env=False,
        )

    def work(self) -> Ledger:
        with self.http:
            while not self.stop.is_set():
                for lease in self.take():
                    self.handle(lease)
                while self.later and self.later[0][0] < time.monotonic():
                    lease = self.later.pop(0)[1]
                    self.submit(lease["id"], lease["token"])
        return self.ledger

    def take(self) -> list[dict[str, Any]]:
        deed = self._deed("take")
        if not self.has_keys:
            deed.mark = ""
        said: dict[str, Any] = {
            "json": {"count": self.chance.randint(1, 3)},
            "headers": {"Idempotency-Key": deed.mark} if deed.mark else {},
        }
        if not self._ask(deed, "POST", "/leases", may_break_off=self.has_keys, **said):
            if deed.code == "paused":
                self.http_until_answered("/me/resume")
            return []
        leases: list[dict[str, Any]] = deed.told["leases"]
        deed.told = [lease["id"] for lease in leases]
        if self.has_keys and self.chance.random() < 0.05:
            again = Deed("take", self.name)
            if self._ask(again, "POST", "/leases", **said):
                self._same(deed, [lease["id"] for lease in again.told["leases"]])
        if not leases:
            time.sleep(0.05)
        return leases

    def handle(self, lease: dict[str, Any]) -> None:
        time.sleep(self.chance.uniform(0, 0.04))
        number, token = lease["id"], lease["token"]
        ways = ["submit", "skip", "give back", "renew", "walk away", "come back late"]
        what = self.chance.choices(ways, [70, 8, 8, 8, 3, 3])[0]
        if what == "come back late":
            # Some within the lease's four seconds and the second of grace, some after.
            self.later.append((time.monotonic() + 4.8, lease))
        if what in {"walk away", "come back late"}:
            return
        if what == "renew":
            deed = self._deed("renew", number)
            if self._ask(deed, "POST", f"/leases/{number}/renew", json={"token": token}):
                deed.told = deed.told["expires_at"]
        if what == "give back":
            self._ask(self._deed("give back", number), "DELETE", f"/leases/{number}")
            return
        if what == "skip":
            deed = self._deed("skip", number)
            if self._ask(deed, "POST", f"/leases/{number}/skip", json={"token": token, "reason": "other"}):
                return
        self.submit(number, token)

    def submit(self, number: int, token: str) -> None:
        deed = self._deed("submit", number)
        label = self.chance.choices(["threat", "false_alarm"], [4, 1])[0]
        body = {"token": token, "answer": {"label": label, "note": deed.mark}}
        if not self._ask(deed, "POST", f"/leases/{number}/annotation", may_break_off=True, json=body):
            return
        deed.told = (deed.told["id"], deed.told["answer"])
        if deed.told[1] != body["answer"]:
            self.ledger.contradictions.append(f"{deed}: not the answer that was sent")
        if self.chance.random() < 0.05:
            again = Deed("submit", self.name)
            if self._ask(again, "POST", f"/leases/{number}/annotation", json=body):
                self._same(deed, (again.told["id"], again.told["answer"]))
            else:
                self.ledger.contradictions.append(f"{deed}: refused when it was repeated: {again.code}")

    def http_until_answered(self, path: str) -> None:
        self._ask(Deed("", self.name), "POST", path)

    def _deed(self, kind: str, lease: int = 0) -> Deed:
        deed = Deed(kind, self.name, f"{self.run}-{self.name}-{len(self.ledger.deeds)}", lease)
        self.ledger.deeds.append(deed)
        return deed

    def _same(self, deed: Deed, told: Any) -> None:
        if told != deed.told:
            self.ledger.contradictions.append(f"{deed}: {told} when it was repeated")

    def _ask(self, deed: Deed, method: str, path: str, *, may_break_off: bool = False, **said: Any) -> bool:
        """Say it until it is answered, or break off; returns whether it was acknowledged."""
        until = time.monotonic() + PATIENCE
        while True:
            deed.said += 1
            try:
                reply = self.http.request(method, path, **said)
            except httpx.TransportError:
                reply = None
            if reply is not None and reply.status_code < 500:
                deed.status = reply.status_code
                deed.told = reply.json() if reply.content else None
                deed.code = "" if deed.is_acknowledged else deed.told["code"]
                return deed.is_acknowledged
            if reply is not None:
                kind = reply.headers.get("Content-Type", "")
                code = reply.json().get("code", "") if kind == "application/problem+json" else ""
                self.ledger.outages[reply.status_code, kind, code] += 1
            deed.unanswered += 1
            assert time.monotonic() < until, f"{deed} is not answered"
            if may_break_off and self.chance.random() < 0.15:
                return False
            time.sleep(self.chance.uniform(0.02, 0.2))


class Shift:
    """Reviewers at work at the same time, each in a thread of their own."""

    def __init__(self, tokens: dict[str, str], *, port: int, run: str, has_keys: bool = True) -> None:
        self.people = [Scripted(name, token, port=port, run=run, has_keys=has_keys) for name, token in tokens.items()]
        self._pool = ThreadPoolExecutor(len(self.people))
        self._working: Sequence[Future[Ledger]] = []

    def __enter__(self) -> Shift:
        self._working = [self._pool.submit(person.work) for person in self.people]
        return self

    def __exit__(self, *error: object) -> None:
        self._stop()
        self._pool.shutdown()

    def ledgers(self) -> list[Ledger]:
        """Let everybody finish what they are at; what each was told."""
        self._stop()
        return [future.result(timeout=2 * PATIENCE) for future in self._working]

    def work_until(self, acknowledged: int, *, kind: str = "") -> None:
        """Wait until so many calls were acknowledged, of all or of one kind."""
        until = time.monotonic() + 3 * PATIENCE
        while self._acknowledged(kind) < acknowledged:
            assert time.monotonic() < until, "there is hardly any work done"
            time.sleep(0.05)

    def _acknowledged(self, kind: str) -> int:
        deeds = (deed for person in self.people for deed in list(person.ledger.deeds))
        return sum(deed.is_acknowledged for deed in deeds if kind in ("", deed.kind))

    def _stop(self) -> None:
        for person in self.people:
            person.stop.set()
