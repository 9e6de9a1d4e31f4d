"""Footage as a server sends it: a real nginx with the project's own configuration before a real web process."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import boto3
import httpx
import pytest
from django.conf import settings as conf
from django.core.files.storage import storages

from clips.models import AccessEntry, Rendition
from tests import processes
from tests.conftest import signed_in
from tests.test_media_links import path_of

NGINX = shutil.which("nginx") or next((path for path in ["/usr/sbin/nginx"] if os.access(path, os.X_OK)), None)
DEPLOY = Path(conf.BASE_DIR) / "deploy"
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(NGINX is None, reason="this machine has no nginx"),
]
BIG = 48 * 1024 * 1024


@contextlib.contextmanager
def nginx(folder: Path, *, web: str, store: str = "http://127.0.0.1:1") -> Iterator[str]:
    """The configuration that is deployed, with this test's addresses and folders."""
    port = processes.free_port()
    text = (DEPLOY / "nginx.conf").read_text()
    for ours, theirs in {
        "/tmp/": f"{folder}/nginx-",
        "server web:8000;": f"server {urlsplit(web).netloc};",
        "listen 8080;": f"listen 127.0.0.1:{port};",
        "alias /srv/footage/;": f"alias {folder}/storage/;",
        "http://store:3900/": f"{store}/",
        "/etc/nginx/footage-headers.conf": str(DEPLOY / "footage-headers.conf"),
        "error_log /dev/stderr warn;": f"error_log {folder}/nginx.log warn;",
    }.items():
        assert ours in text, ours
        text = text.replace(ours, theirs)
    (folder / "nginx.conf").write_text(text)
    root = ["user root;"] if os.geteuid() == 0 else []
    command = [str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", " ".join(["daemon off;", *root])]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            assert processes.eventually(lambda: processes.answers(f"http://127.0.0.1:{port}/frontz"), 10)
            yield f"http://127.0.0.1:{port}"
        finally:
            running.terminate()
            running.wait(10)


def get(url: str, **headers: str) -> httpx.Response:
    return httpx.get(url, headers=headers, timeout=20, trust_env=False)


@pytest.fixture
def lease(tasks, asha) -> dict:
    return signed_in(asha.user).post("/api/v1/leases", {}).json()["leases"][0]


@pytest.fixture
def proxy(lease) -> Rendition:
    return Rendition.objects.select_related("clip").get(clip=lease["clip"]["id"], kind="proxy")


def test_ranges_and_headers_are_right_through_nginx(lease, proxy, asha, tmp_path) -> None:
    path = path_of(lease["media"]["proxy"])
    with processes.web(tmp_path, MEDIA_SENDER="nginx") as (web, _), nginx(tmp_path, web=web) as front:
        bare = get(web + path)
        assert (bare.status_code, bare.content) == (200, b"")
        assert bare.headers["X-Accel-Redirect"] == f"/_footage/clips-in/{proxy.key}"
        whole = get(front + path)
        assert hashlib.sha256(whole.content).hexdigest() == proxy.sha256
        size = len(whole.content)
        for span, first, last in (("0-99", 0, 99), ("100-", 100, size - 1), ("-50", size - 50, size - 1)):
            part = get(front + path, Range=f"bytes={span}")
            assert (part.status_code, part.headers["Content-Range"]) == (206, f"bytes {first}-{last}/{size}")
            assert part.content == whole.content[first : last + 1]
        beyond = get(front + path, Range=f"bytes={size}-")
        assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{size}")
        many = get(front + path, Range="bytes=0-1,5-9")
        assert (many.status_code, many.content) == (200, whole.content)
        tag = whole.headers["ETag"]
        assert get(front + path, **{"If-None-Match": tag}).status_code == 304
        for known, status in ((tag, 206), ('"other"', 200)):
            assert get(front + path, **{"If-Range": known, "Range": "bytes=0-9"}).status_code == status
        head = httpx.head(front + path, trust_env=False)
        assert (head.status_code, head.headers["Content-Length"]) == (200, str(size))
        for reply in (whole, part, head):
            told = reply.headers
            assert (told["Content-Type"], told["Content-Disposition"]) == ("video/mp4", "inline")
            assert (told["X-Content-Type-Options"], told["Cache-Control"]) == ("nosniff", "private, no-store")
            assert told["Content-Security-Policy"] == "default-src 'none'; sandbox"
            assert "X-Accel-Redirect" not in told
        poster = get(front + path_of(lease["media"]["poster"]))
        assert (poster.status_code, poster.headers["Content-Type"]) == (200, "image/jpeg")
        assert AccessEntry.objects.filter(rendition="proxy", asked__startswith="GET").count() == 1
        # What is nginx's own is nobody else's.
        for place in (
            f"/_footage/clips-in/{proxy.key}",
            f"//_footage/clips-in/{proxy.key}",
            f"/%5ffootage/clips-in/{proxy.key}",
            f"/media/../_footage/clips-in/{proxy.key}",
            "/_footage/",
            "/_store/",
            "/_store/clips-in/x",
        ):
            with socket.create_connection(("127.0.0.1", urlsplit(front).port or 0), timeout=10) as link:
                link.sendall(f"GET {place} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
                # What asks the store says nothing but that it is away, whatever the reason.
                status = 503 if place.startswith("/_store") else 404
                assert link.recv(100).startswith(f"HTTP/1.1 {status}".encode()), place
        lease_over = signed_in(asha.user).delete(f"/api/v1/leases/{lease['id']}")
        assert lease_over.status_code == 204
        gone = get(front + path)
        assert (gone.status_code, gone.json()["code"]) == (410, "media-link-over")


def make_big(proxy: Rendition) -> None:
    """A proxy larger than any buffer on the way."""
    place = Path(storages["clips-in"].path(proxy.key))
    with place.open("wb") as file:
        for _ in range(BIG // (1024 * 1024)):
            file.write(os.urandom(1024) * 1024)
    Rendition.objects.filter(pk=proxy.pk).update(size_bytes=BIG)


@contextlib.contextmanager
def slow_readers(url: str, path: str, count: int) -> Iterator[None]:
    """People who ask for a big file, take its first bytes and no more."""
    parts = urlsplit(url)
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            link = stack.enter_context(socket.socket())
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            link.connect((parts.hostname, parts.port))
            link.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            assert link.recv(12) == b"HTTP/1.1 200"
        yield


def serves(url: str, seconds: float) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"{url}/healthz", timeout=seconds, trust_env=False).status_code == 200
    return False


def test_control_without_nginx_a_slow_reader_holds_a_thread_for_a_while(lease, proxy, tmp_path) -> None:
    make_big(proxy)
    with (
        processes.web(tmp_path, WEB_THREADS="1") as (web, worker),
        slow_readers(web, path_of(lease["media"]["proxy"]), 1),
    ):
        assert not serves(web, 2)
        # The file is read in pieces, however big it is.
        said = Path(f"/proc/{worker}/status").read_text()
        resident, peak = (int(size) for name in ("VmRSS", "VmHWM") for size in re.findall(rf"{name}:\s+(\d+)", said))
        assert peak - resident < BIG // 1024 // 2
        # What bounds it: config/http/ranges.py hangs up.
        assert processes.eventually(lambda: serves(web, 2), 40)


def test_slow_readers_hold_nginx_and_no_thread_of_web(lease, proxy, tmp_path) -> None:
    make_big(proxy)
    path = path_of(lease["media"]["proxy"])
    with (
        processes.web(tmp_path, MEDIA_SENDER="nginx", WEB_THREADS="1") as (web, _),
        nginx(tmp_path, web=web) as front,
        slow_readers(front, path, 20),
    ):
        assert serves(web, 5)
        assert get(front + path, Range="bytes=0-9").status_code == 206


# --- Buckets --------------------------------------------------------------------------------------------------------
@pytest.fixture
def bucket(tmp_path, proxy) -> Iterator[dict[str, str]]:
    """The proxy in a bucket, and what a web process must know to find it there."""
    port = processes.free_port()
    env = dict(os.environ)
    with processes.running("-m", "moto.server", "-p", str(port), env=env, log=tmp_path / "moto.log"):
        url = f"http://127.0.0.1:{port}"
        assert processes.eventually(lambda: processes.answers(url), 30)
        session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1")
        client = session.client("s3", endpoint_url=url)
        client.create_bucket(Bucket="footage")
        for item in Rendition.objects.filter(clip=proxy.clip_id):
            data = Path(storages["clips-in"].path(item.key)).read_bytes()
            client.put_object(Bucket="footage", Key=f"clips-in/{item.key}", Body=data)
        yield {
            "STORAGE_URL_IN": "s3://footage",
            "S3_ENDPOINT_URL_IN": url,
            "S3_ACCESS_KEY_ID": "test-access-key",
            "S3_SECRET_ACCESS_KEY": "test-secret-key",
            "S3_REGION_NAME": "us-east-1",
        }


def test_a_buckets_object_comes_through_nginx_as_what_we_say_it_is(lease, proxy, bucket, asha, tmp_path) -> None:
    path = path_of(lease["media"]["proxy"])
    with (
        processes.web(tmp_path, MEDIA_SENDER="nginx", **bucket) as (web, _),
        nginx(tmp_path, web=web, store=bucket["S3_ENDPOINT_URL_IN"]) as front,
    ):
        whole = get(front + path, Authorization="")
        assert hashlib.sha256(whole.content).hexdigest() == proxy.sha256
        part = get(front + path, Range="bytes=5-9")
        assert (part.status_code, part.content) == (206, whole.content[5:10])
        head = httpx.head(front + path, trust_env=False)
        assert (head.status_code, head.headers["Content-Length"]) == (200, str(proxy.size_bytes))
        for reply in (whole, part):
            told = reply.headers
            assert told["Content-Type"] == "video/mp4"
            assert (told["Content-Disposition"], told["Cache-Control"]) == ("inline", "private, no-store")
            assert told["Content-Security-Policy"] == "default-src 'none'; sandbox"
            assert not [name for name in told if name.startswith("x-amz-request")]
        # The holder's own credentials come along and are not shown to the store.
        holder = signed_in(asha.user)
        token = str(holder._credentials["HTTP_AUTHORIZATION"])  # type: ignore[attr-defined]
        assert get(front + path, Authorization=token, Range="bytes=0-4").status_code == 206
        assert get(front + path_of(lease["media"]["poster"])).status_code == 200


def test_where_clients_reach_the_bucket_they_are_sent_there_for_a_minute(lease, proxy, bucket, asha, tmp_path) -> None:
    path = path_of(lease["media"]["proxy"])
    reached = bucket["S3_ENDPOINT_URL_IN"].replace("127.0.0.1", "localhost")
    with processes.web(tmp_path, S3_DOWNLOAD_URL_IN=reached, **bucket) as (web, _):
        sent = get(web + path)
        assert (sent.status_code, sent.headers["Cache-Control"]) == (302, "private, no-store")
        place = sent.headers["Location"]
        assert place.startswith(f"{reached}/footage/clips-in/")
        query = parse_qs(urlsplit(place).query)
        assert int(query["X-Amz-Expires"][0]) <= 60
        assert query["response-content-type"] == ["video/mp4"]
        assert query["response-content-disposition"] == ["inline"]
        whole = get(place)
        assert hashlib.sha256(whole.content).hexdigest() == proxy.sha256
        assert whole.headers["Content-Type"] == "video/mp4"
        assert get(place, Range="bytes=0-4").content == whole.content[:5]
        head = httpx.head(web + path, trust_env=False)
        assert (head.status_code, head.headers["Content-Length"]) == (200, str(proxy.size_bytes))
        # Small, and drawn for its holder: never sent for elsewhere.
        assert get(web + path_of(lease["media"]["poster"])).status_code == 200
        signed_in(asha.user).delete(f"/api/v1/leases/{lease['id']}")
        assert get(web + path).status_code == 410
