"""A real worker of a region is killed with kill -9 at each named point of a purge, on a folder and on an S3 server that
keeps versions: in the end its store lists nothing, and the ledger has one line."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import storages
from django.db import connection

from annotations import withdrawing
from clips import ledger, purging, storage
from clips.models import Clip, ClipState, Purge, PurgedKey, PurgeState, Rendition
from clips.tasks import purge_clip
from config import bells, env
from config.clock import database_now
from config.stack import postgres
from tests import processes
from tests.conftest import make_disclosure, make_ready_clips
from tests.crashes import points
from tests.processes import eventually
from tests.test_purging import LONG_AGO
from tests.test_s3 import CREDENTIALS, Store

pytestmark = pytest.mark.django_db(transaction=True)

# As in tests/crashes/purging.py, which is loaded by the worker alone.
STEPS = ["claim", "write_ledger", "write_out", "empty_store", "forget_rows", "listed"]
POINTS = [f"{when} {step}" for step in STEPS for when in ("before", "after")]
POINTS += ["within empty_store, something removed and something not"]
AT_THE_END = ["before settle", "after settle", "before finish", "after finish"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("s3")
    port = processes.free_port()
    command = ("-m", "moto.server", "-p", str(port))
    with processes.running(*command, env=dict(os.environ), log=folder / "s3.log"):
        assert eventually(partial(processes.answers, f"http://127.0.0.1:{port}/moto-api/"))
        made = Store("east", port, folder / "s3.log")
        yield made
        made.wire.close()


@pytest.fixture(params=["folder", "bucket"])
def region(request: Any, store: Store, settings: Any, tmp_path: Path, gateway: Any) -> tuple[str, dict[str, str]]:
    """A region whose storage is a folder or a bucket with versions, and the environment of its worker."""
    if request.param == "folder":
        return "in", {"STORAGE_URL": f"file://{tmp_path}/storage", "REGIONS": "in"}
    store.clear()
    given = store.settings()
    settings.REGIONS = ["east"]
    made = {
        alias: env.storage("STORAGE_URL_EAST", alias=alias, default_root=Path("/nowhere"), given=given)
        for alias in ("clips-east", "ledger-east")
    }
    settings.STORAGES = settings.STORAGES | made
    make_disclosure("east", gateway)
    return "east", given | {"REGIONS": "east", "STORAGE_URL": f"file://{tmp_path}/storage"} | CREDENTIALS


@contextlib.contextmanager
def worker(region: str, var: Path, orders: Path, changes: dict[str, str]) -> Iterator[Path]:
    """A worker with the points in place. A child that dies is replaced, as Celery does."""
    log = var / "worker.log"
    log.touch()
    command = ("-m", "celery", "-A", "tests.crashes.purging", "worker", "-Q", f"clips.{region}", "--concurrency", "1")
    quiet = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "info")
    env = processes.environment(var, CRASH_POINTS=str(orders), **changes)
    with processes.running(*command, *quiet, "-n", f"purge@{os.getpid()}", env=env, log=log):
        assert eventually(lambda: " ready." in log.read_text(), 60), log.read_text()
        yield log


def sweep() -> None:
    """What the beat does, a good while later: what died is noticed, what waits is rung for."""
    at = database_now()
    Purge.objects.filter(state=PurgeState.RUNNING).update(due_at=at)
    purging.rescue_silent(at=at)
    Purge.objects.filter(state__in=[PurgeState.WAITING, PurgeState.SETTLING]).update(due_at=at)
    for clip_id, queue in purging.unheard(at=at):
        bells.ring(purge_clip, clip_id, queue=queue)


def untidy(clip: Clip, store: Store | None) -> None:
    """What a store may hold besides the files: other versions, marks of deletion, parts, half-written files."""
    if store is None:
        path = Path(storages[clip.storage_alias].location) / clip.folder  # type: ignore[attr-defined]
        (path / ".part-half").write_bytes(b"half")
        return
    rendition = Rendition.objects.filter(clip=clip).first()
    assert rendition is not None
    place = {"Bucket": "east", "Key": f"clips-east/{rendition.key}"}
    store.client.put_object(**place, Body=b"an older version's successor")
    store.client.delete_object(**place)
    begun = store.client.create_multipart_upload(Bucket="east", Key=f"clips-east/{clip.folder}/original")
    part = {"Bucket": "east", "Key": f"clips-east/{clip.folder}/original", "UploadId": begun["UploadId"]}
    store.client.upload_part(**part, PartNumber=1, Body=b"x" * 100)


def left_in(store: Store | None, clip: Clip) -> list[str]:
    """What the store lists of a clip, asked of it and not of our code."""
    if store is None:
        place = Path(storages[clip.storage_alias].location)  # type: ignore[attr-defined]
        return [str(path) for path in place.rglob("*") if clip.folder in str(path)]
    uploads = store.client.list_multipart_uploads(Bucket="east").get("Uploads", ())
    keys = store.versions() + [entry["Key"] for entry in uploads]
    return [key for key in keys if f"clips-east/{clip.folder}" in key]


def test_a_purge_is_finished_wherever_its_worker_is_killed(region, store, gateway, tmp_path) -> None:
    code, changes = region
    place = store if code == "east" else None
    orders, var = tmp_path / "orders", tmp_path / "var"
    orders.mkdir()
    var.mkdir()
    every = [*POINTS, *AT_THE_END]
    with worker(code, var, orders, changes) as log:
        for point in every:
            clip = make_ready_clips(gateway, 1, region=code)[0]
            untidy(clip, place)
            assert len(left_in(place, clip)) > 5
            if "settle" not in point:
                Rendition.objects.filter(clip=clip).update(made_at=database_now() - LONG_AGO)
            withdrawing.withdraw(clip.pk, by=gateway, reason="the owner asked", at=database_now())
            points.order(orders, point)
            rung = [0.0]

            def done(clip: Clip = clip, point: str = point, rung: list[float] = rung) -> bool:
                if points.fired(orders, point):
                    # Only now: before that nothing may hide that the worker died.
                    Purge.objects.filter(clip=clip).update(quiet_at=database_now())
                    sweep()
                elif time.monotonic() - rung[0] > 10:
                    # Again, too: on a busy machine a ring may be given up, as it may be anywhere.
                    rung[0] = time.monotonic()
                    bells.ring(purge_clip, clip.pk, queue=clip.queue)
                return Purge.objects.get(clip=clip).state == PurgeState.DONE

            assert eventually(done, 60, every=0.3), (point, log.read_text()[-3000:])
            assert points.fired(orders, point) == 1, point
            assert left_in(place, clip) == [], point
            assert Clip.objects.get(pk=clip.pk).state == ClipState.PURGED
            assert PurgedKey.objects.filter(clip=clip.pk).count() == 1
            assert not Rendition.objects.filter(clip=clip).exists()
    lines = storage.keys_under(f"ledger-{code}", ledger.FOLDER)
    assert len(lines) == len(every) == PurgedKey.objects.count()
    attempts = sorted(Purge.objects.values_list("attempts", flat=True))
    print(code, "killed at", len(every), "points, attempts", attempts)
    assert attempts[-1] >= 2


def test_control_a_purge_whose_worker_is_killed_is_not_done_by_itself(gateway, tmp_path) -> None:
    """Without the sweep nobody takes up what a killed worker left: the points do kill."""
    orders, var = tmp_path / "orders", tmp_path / "var"
    orders.mkdir()
    var.mkdir()
    clip = make_ready_clips(gateway, 1)[0]
    Rendition.objects.filter(clip=clip).update(made_at=database_now() - LONG_AGO)
    withdrawing.withdraw(clip.pk, by=gateway, reason="the owner asked", at=database_now())
    point = "within empty_store, something removed and something not"
    changes = {"STORAGE_URL": f"file://{tmp_path}/storage", "REGIONS": "in"}
    with worker("in", var, orders, changes) as log:
        points.order(orders, point)
        bells.ring(purge_clip, clip.pk, queue=clip.queue)
        assert eventually(lambda: points.fired(orders, point), 30), log.read_text()
        assert eventually(lambda: "SIGKILL" in log.read_text(), 30), log.read_text()
        # Whoever comes next finds that another has it.
        assert not purging.run(clip.pk, now=database_now)
    assert Purge.objects.get().state == PurgeState.RUNNING
    left = left_in(None, clip)
    assert 1 < len(left) < 6


def engine_program(name: str) -> str | None:
    """A program that came with the embedded engine."""
    package = find_spec(postgres.WHEEL)
    inside = Path(package.origin or "").parent / f"pginstall{postgres.MAJOR}" / "bin" / name if package else None
    return str(inside) if inside is not None and inside.exists() else None


def dump_and_restore_tools() -> bool:
    names = ("pg_dump", "pg_restore", "createdb", "dropdb", "psql")
    return all(engine_program(name) or shutil.which(name) for name in names)


def psql(*command: str) -> str:
    """One of PostgreSQL's own programs, on the server that has the test's database."""
    place = connection.settings_dict
    names = {"HOST": "PGHOST", "PORT": "PGPORT", "USER": "PGUSER", "PASSWORD": "PGPASSWORD"}
    given = dict(os.environ) | {theirs: str(place[ours]) for ours, theirs in names.items() if place[ours]}
    # A server is dumped by programs no older than itself: our own engine brings its own.
    own = engine_program(command[0]) if connection.pg_version >= 180000 else None  # type: ignore[attr-defined]
    done = subprocess.run([own or command[0], *command[1:]], env=given, check=True, capture_output=True)
    return done.stdout.decode().strip()


def asked(database: str, query: str) -> str:
    return psql("psql", "-At", "-d", database, "-c", query)


@pytest.mark.skipif(not dump_and_restore_tools(), reason="pg_dump and its like are not installed")
@pytest.mark.parametrize("ledger_lost", [False, True], ids=["ledger in the store", "ledger from a file"])
def test_a_restored_backup_does_not_bring_back_what_was_purged(gateway, tmp_path, ledger_lost) -> None:
    """The database is dumped and the store copied; then a clip is withdrawn and purged; then both come back."""
    kept, gone, older = make_ready_clips(gateway, 3)
    Rendition.objects.update(made_at=database_now() - LONG_AGO)
    withdrawing.withdraw(older.pk, by=gateway, reason="the owner asked", at=database_now())
    assert purging.run(older.pk, now=database_now)
    name, copy = str(connection.settings_dict["NAME"]), f"{connection.settings_dict['NAME']}_restored"
    dump, stores = tmp_path / "dump", tmp_path / "storage"
    psql("pg_dump", "-Fc", "-f", str(dump), name)
    shutil.copytree(stores / "clips-in", tmp_path / "backup")
    withdrawing.withdraw(gone.pk, by=gateway, reason="the owner asked", at=database_now())
    assert purging.run(gone.pk, now=database_now)
    given = Clip.objects.get(pk=gone.pk)
    ledger_file = tmp_path / "ledger.jsonl"
    ledger_file.write_text("".join(ledger.as_text(line) for line in PurgedKey.objects.all()))

    shutil.rmtree(stores / "clips-in")
    shutil.copytree(tmp_path / "backup", stores / "clips-in")
    if ledger_lost:
        for path in (stores / "ledger-in" / ledger.FOLDER).iterdir():
            path.unlink()
    psql("dropdb", "--if-exists", copy)
    psql("createdb", copy)
    try:
        psql("pg_restore", "-d", copy, str(dump))
        # The control: it is all back, and ready to be shown.
        states = "SELECT string_agg(state, ' ' ORDER BY id) FROM clips_clip"
        assert asked(copy, states) == "ready ready purged"
        assert len(storage.remains("clips-in", given.folder)) > 4
        changes = {"STORAGE_URL": f"file://{stores}", "LEDGER_KEY": settings.LEDGER_KEY}
        var = tmp_path / "var"
        var.mkdir()
        env = processes.environment(var, **changes)
        env["DATABASE_URL"] = env["DATABASE_URL"].replace(f"dbname={name}", f"dbname={copy}")
        command = ["manage.py", "replay_purges", *(["--ledger", str(ledger_file)] if ledger_lost else [])]
        for taken in ("1 lines were taken in", "0 lines were taken in"):
            done = subprocess.run(
                [sys.executable, "-W", "ignore", *command],
                cwd=settings.BASE_DIR,
                env=env,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stderr
            assert taken in done.stdout
            assert "the stores list 0 things of them" in done.stdout
        assert storage.remains("clips-in", given.folder) == []
        assert len(storage.remains("clips-in", kept.folder)) > 4
        assert asked(copy, states) == "ready purged purged"
        assert asked(copy, "SELECT count(DISTINCT clip_id) FROM clips_permit") == "1"
        assert asked(copy, "SELECT count(*) FROM clips_rendition") == str(Rendition.objects.count())
    finally:
        psql("dropdb", "--if-exists", copy)
