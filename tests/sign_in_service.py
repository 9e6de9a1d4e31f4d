"""A small sign-in service that speaks OpenID Connect on loopback: codes with PKCE, signed tokens, keys, userinfo."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "sightline", "a-secret-between-the-two"


class Service:
    """Whoever comes is let in as ``person``; what it says wrongly is said in ``lies``."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.person: dict[str, Any] = {"sub": "u-1", "email": "asha@example.org", "email_verified": True}
        self.lies: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.tokens: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.issuer = ""

    def discovery(self) -> dict[str, Any]:
        ends = {"authorization": "authorize", "token": "token", "userinfo": "userinfo"}
        known = {f"{name}_endpoint": f"{self.issuer}/{path}" for name, path in ends.items()}
        return known | {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"}

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent back to."""
        assert query["client_id"] == CLIENT
        assert {"openid", "email"} <= set(query["scope"].split())
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        said = {"error": "access_denied"} if self.lies.get("denied") else {"code": code}
        return f"{query['redirect_uri']}?{urlencode(said | {'state': query['state']})}"

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        query = self.codes.pop(form["code"], None)
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if query is None or challenge != query["code_challenge"] or form["redirect_uri"] != query["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        if (form["client_id"], form["client_secret"]) != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        now, access = int(time.time()), secrets.token_urlsafe(16)
        self.tokens[access] = self.person
        claims = self.person | {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 60} | self.lies
        signed = jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": "one"})
        return 200, {"access_token": access, "token_type": "Bearer", "expires_in": 60, "id_token": signed}

    def keys(self) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [public | {"kid": "one", "use": "sig", "alg": "RS256"}]}


@contextmanager
def running() -> Iterator[Service]:
    """The service, on a port of its own."""
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            service.asked.append(url.path)
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            if url.path == "/.well-known/openid-configuration":
                self.say(200, service.discovery())
            elif url.path == "/keys":
                self.say(200, service.keys())
            elif url.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", service.authorize(query))
                self.end_headers()
            elif url.path == "/userinfo":
                known = service.tokens.get(self.headers.get("Authorization", "").removeprefix("Bearer "))
                self.say(200 if known else 401, known or {})
            else:
                self.say(404, {})

        def do_POST(self) -> None:
            service.asked.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.say(*service.token({name: values[0] for name, values in parse_qs(body).items()}))

        def say(self, status: int, document: dict[str, Any]) -> None:
            data = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        service.issuer = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()
