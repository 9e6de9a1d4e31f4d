"""Make the store's buckets and the keys that open them, through Garage's admin API; running it twice is dull.

    python deploy/make_buckets.py S3=clips-in,clips-ro,exports,other S3_IN=clips-in S3_RO=clips-ro

Each argument is a key and the buckets it may read and write. ``S3_IN`` stands for what the environment calls
S3_IN_ACCESS_KEY_ID and S3_IN_SECRET_ACCESS_KEY. A key may use its buckets and own none: it can neither delete one nor
open it to others.
"""

from __future__ import annotations

import json
import os
import sys
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlsplit

PATIENCE = 30.0


class Store:
    """Garage's admin API, as far as it is needed here."""

    def __init__(self, url: str, token: str) -> None:
        self.place = urlsplit(url)
        self.token = token

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any] | None:
        """The answer; None when there is no such thing. Ends the program on any other refusal."""
        connection = HTTPConnection(self.place.hostname or "", self.place.port, timeout=PATIENCE)
        try:
            connection.request(
                method,
                path,
                body=None if body is None else json.dumps(body),
                headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
            )
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status == 404:
            return None
        if answer.status >= 300:
            # Not the text: it may repeat what was sent, and a secret may have been.
            sys.exit(f"{method} {path.partition('?')[0]} was answered {answer.status}")
        return json.loads(text) if text else {}

    def do(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Have something done; there is no "no such thing" here."""
        done = self.ask("POST", path, body)
        if done is None:
            sys.exit(f"{path} is unknown to this store")
        return done

    def bucket(self, name: str) -> str:
        """The id of the bucket, which is made if need be."""
        known = self.ask("GET", f"/v2/GetBucketInfo?globalAlias={quote(name)}")
        return str((known or self.do("/v2/CreateBucket", {"globalAlias": name}))["id"])

    def key(self, name: str, key_id: str, secret: str) -> None:
        """Have the store know the key."""
        known = self.ask("GET", f"/v2/GetKeyInfo?id={quote(key_id)}&showSecretKey=true")
        if known is None:
            self.do("/v2/ImportKey", {"name": name, "accessKeyId": key_id, "secretAccessKey": secret})
        elif known.get("secretAccessKey") != secret:
            # Garage changes no key's secret. Going on would leave every upload refused, by a stack that looks well.
            sys.exit(f"{name}: the store knows this key by another secret; make a new pair, id and secret")

    def allow(self, key_id: str, bucket: str) -> None:
        """Let the key read and write in the bucket."""
        permissions = {"read": True, "write": True, "owner": False}
        self.do("/v2/AllowBucketKey", {"bucketId": bucket, "accessKeyId": key_id, "permissions": permissions})


def main(wanted: list[str]) -> None:
    store = Store(os.environ["GARAGE_ADMIN_URL"], os.environ["GARAGE_ADMIN_TOKEN"])
    for wish in wanted:
        name, _, buckets = wish.partition("=")
        key_id = os.environ[f"{name}_ACCESS_KEY_ID"]
        store.key(name, key_id, os.environ[f"{name}_SECRET_ACCESS_KEY"])
        for bucket in buckets.split(","):
            store.allow(key_id, store.bucket(bucket))
            print(f"{name} may use {bucket}")


if __name__ == "__main__":
    main(sys.argv[1:])
