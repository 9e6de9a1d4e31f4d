"""Boot: without a real secret, with a wildcard, with DEBUG, nothing starts."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from config import env
from config.errors import Misconfigured

GOOD = {
    "SECRET_KEY": secrets.token_urlsafe(64),
    "ACCESS_LOG_KEY": secrets.token_urlsafe(64),
    "ALLOWED_HOSTS": "sightline.internal",
    "DATABASE_URL": "postgres://sightline:Vq8xT2mLr5Zk0pWd@db.internal/sightline",
    "REDIS_URL": "redis://:Vq8xT2mLr5Zk0pWd@redis.internal:6379/0",
}


def boot(tmp_path: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path), **GOOD, **changes}
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=settings.BASE_DIR,
        env={name: value for name, value in environment.items() if value},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_production_settings_pass_the_deployment_checks(tmp_path) -> None:
    done = boot(tmp_path)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": "django-insecure-" + "x1y2z3" * 12}, "SECRET_KEY"),
        ({"SECRET_KEY": "a" * 80}, "SECRET_KEY"),
        ({"SECRET_KEY": "Short1!"}, "SECRET_KEY"),
        ({"ACCESS_LOG_KEY": ""}, "ACCESS_LOG_KEY"),
        ({"ACCESS_LOG_KEY": "changeme" * 10}, "ACCESS_LOG_KEY"),
        ({"MEDIA_SENDER": "apache"}, "MEDIA_SENDER"),
        ({"ALLOWED_HOSTS": ""}, "ALLOWED_HOSTS"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS"),
        ({"ALLOWED_HOSTS": ".example.org"}, "ALLOWED_HOSTS"),
        ({"DEBUG": "1"}, "DEBUG"),
        ({"DATABASE_URL": ""}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgres://sightline@db.internal/x"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgres://sightline:password@db.internal/x"}, "DATABASE_URL"),
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL"),
        ({"REDIS_URL": "http://redis"}, "REDIS_URL"),
        ({"REDIS_URL": "redis://redis.internal"}, "REDIS_URL"),
        ({"REDIS_URL": "redis://:password@redis.internal"}, "REDIS_URL"),
        ({"UPLOAD_LIMIT_MB": "lots"}, "UPLOAD_LIMIT_MB"),
        ({"STORAGE_URL": "ftp://files"}, "STORAGE_URL"),
        ({"SIGHTLINE_EMBEDDED": "1"}, "ALLOWED_HOSTS"),
        ({"STAFF_SECOND_FACTOR": "sometimes"}, "STAFF_SECOND_FACTOR"),
        ({"OIDC_ISSUER": "https://id.example.org"}, "OIDC_CLIENT_ID"),
        ({"OIDC_CLIENT_ID": "sightline"}, "OIDC_ISSUER"),
        ({"OIDC_ISSUER": "http://id.example.org", "OIDC_CLIENT_ID": "x", "OIDC_CLIENT_SECRET": "y"}, "OIDC_ISSUER"),
        ({"S3_DOWNLOAD_URL": "store.example.org"}, "store.example.org"),
    ],
)
def test_boot_refuses_and_says_which_variable(tmp_path, changes, named) -> None:
    done = boot(tmp_path, **changes)
    assert done.returncode != 0
    assert "sightline will not start" in done.stderr
    assert named in done.stderr
    assert "Traceback" not in done.stderr


def test_a_secret_of_the_stack_file_is_not_read_where_one_is_given(tmp_path, monkeypatch) -> None:
    (tmp_path / "stack.env").write_text("SECRET_KEY=from-the-file\nREGIONS=xx\n")
    monkeypatch.setenv("SECRET_KEY", "given")
    monkeypatch.delenv("REGIONS", raising=False)
    env.fill_from_stack_file(tmp_path / "stack.env")
    assert os.environ["SECRET_KEY"] == "given"
    assert "REGIONS" not in os.environ


def test_a_broker_on_a_socket_is_put_in_celerys_words(monkeypatch) -> None:
    monkeypatch.setenv("REDIS_URL", "unix:///run/redis.sock?db=2")
    assert env.broker("REDIS_URL", embedded=True) == "redis+socket:///run/redis.sock?virtual_host=2"


def test_a_bucket_is_private_and_never_overwritten(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("S3_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("S3_SECRET_ACCESS_KEY", "key")
    given = {"STORAGE_URL": "s3://footage/prefix"}
    options = env.storage("STORAGE_URL_IN", alias="clips-in", default_root=tmp_path, given=given)["OPTIONS"]
    assert (options["bucket_name"], options["location"]) == ("footage", "prefix/clips-in")
    assert not options["file_overwrite"]
    assert options["querystring_expire"] <= 60
    with pytest.raises(Misconfigured):
        env.storage("STORAGE_URL_IN", alias="x", default_root=tmp_path, given={"STORAGE_URL_IN": "nonsense"})


@pytest.mark.parametrize(("given", "found"), [("", "required"), ("off", "off")])
def test_a_server_asks_staff_for_a_second_factor_unless_it_is_told_not_to(tmp_path, given, found) -> None:
    environment = {"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path), **GOOD, "STAFF_SECOND_FACTOR": given}
    asked = "import config.settings as conf; print(conf.STAFF_SECOND_FACTOR)"
    command = [sys.executable, "-c", asked]
    done = subprocess.run(command, env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == found
