"""Scripted reviewers: they sign in, take leases, watch, answer, and sometimes give one back, all over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from annotations.demonstration.client import Client, StepFailed
from annotations.demonstration.logins import Login
from annotations.demonstration.seed import TEAMS

Say = Callable[[str], None]

# In each team: one who answers as a careful person would, one who is unsure about threats, and one who breaks the tie.
MANNERS: tuple[Mapping[str, str], ...] = ({}, {"threat": "unsure"}, {})


class Reviewers:
    """The demonstration's reviewers, each signed in once."""

    def __init__(self, base_url: str, logins: Mapping[str, Login]) -> None:
        people = [
            (member[0], manner)
            for _region, members in TEAMS.values()
            for member, manner in zip(members, MANNERS, strict=True)
        ]
        with ThreadPoolExecutor(max_workers=4) as pool:
            self._people = list(pool.map(lambda who: (Client(base_url, logins[who[0]]), who[1]), people))

    def label_one_each(self, truth: Mapping[int, str], *, say: Say) -> int:
        """Let every reviewer label one clip, a few at a time; returns how many found work."""
        with ThreadPoolExecutor(max_workers=4) as pool:
            return sum(pool.map(lambda person: _label_one(person[0], person[1], truth, say=say), self._people))


def _label_one(client: Client, manner: Mapping[str, str], truth: Mapping[int, str], *, say: Say) -> bool:
    work = client.call("POST", "/api/v1/leases", json={"count": 1})
    for lease in work["leases"]:
        _watch(client, lease["media"])
        right = truth.get(lease["clip"]["id"], "unsure")
        label = manner.get(right, right)
        client.call(
            "POST",
            f"/api/v1/leases/{lease['id']}/annotation",
            json={"token": lease["token"], "answer": {"label": label}},
        )
        quota = client.call("GET", "/api/v1/me")["quota"]
        say(
            f"{client.login.username} watched clip {lease['clip']['id']} and answered {label}; "
            f"{quota['used']} of {quota['allowed']} used on {quota['day']}"
        )
    return bool(work["leases"])


def _watch(client: Client, media: Mapping[str, str]) -> None:
    """Fetch the poster, and the proxy as a player does: its beginning, then the rest."""
    poster = client.send("GET", media["poster"])
    head = client.send("GET", media["proxy"], headers={"Range": "bytes=0-65535"})
    if poster.status_code != 200 or head.status_code != 206:
        raise StepFailed(f"media answered {poster.status_code} and {head.status_code}")
    size = int(head.headers["Content-Range"].rpartition("/")[2])
    if size > len(head.content):
        rest = client.send("GET", media["proxy"], headers={"Range": f"bytes={len(head.content)}-"})
        if rest.status_code != 206 or len(head.content) + len(rest.content) != size:
            raise StepFailed("the proxy did not come whole")
