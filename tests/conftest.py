"""Few named people, small builders: what most tests begin with."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.db.backends.postgresql.operations import DatabaseOperations
from django.test import TransactionTestCase
from knox.models import get_token_model
from psycopg import sql
from rest_framework.test import APIClient

from annotations import queries, spreading
from annotations.models import Project, Task
from clips import consenting, disclosing, preparing, receiving, storage
from clips.models import Clip, ClipState, ConsentEvent, Disclosure, EventKind, Need, Purpose, Rendition
from config.clock import database_now
from config.roles import ensure_roles
from tests import template
from workforce import people, staffing
from workforce.models import Region, Reviewer, Team

SAMPLES = Path(settings.BASE_DIR) / "clips" / "samples"
SCHEMA = {
    "question": "What did the camera see?",
    "labels": [
        {"value": "threat", "name": "Real threat"},
        {"value": "false_alarm", "name": "False alarm"},
        {"value": "unsure", "name": "Cannot tell"},
    ],
    "note": True,
}
PASSWORD = "long-enough-for-tests-42"
numbers = itertools.count(1)
# What is only ever added is emptied between tests, by whoever owns the tables.
GUARDS = """
DO $$ DECLARE one record; BEGIN
    FOR one IN SELECT tgrelid::regclass AS name, tgname FROM pg_trigger WHERE tgtype & 32 <> 0 AND NOT tgisinternal LOOP
        EXECUTE format('ALTER TABLE %s {} TRIGGER %I', one.name, one.tgname);
    END LOOP;
END $$;
"""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest tests come first: at the end one worker would be at them, and the others had nothing to do."""
    items.sort(key=lambda item: not item.path.name.startswith("test_scope_walk"))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """pytest-django's: each worker's database is a copy of one that is migrated once."""
    if "PYTEST_XDIST_WORKER" in os.environ and template.MAY_BE_MADE in os.environ:
        connection.settings_dict["TEST"]["TEMPLATE"] = template.made(os.environ["DATABASE_URL"])


@pytest.fixture(scope="session", autouse=True)
def _tables_may_be_emptied() -> Iterator[None]:
    """Triggers that refuse TRUNCATE stand aside for the flush after a test, and for nothing else."""
    emptied = DatabaseOperations.sql_flush

    def sql_flush(self: Any, *args: Any, **options: Any) -> list[str]:
        found = emptied(self, *args, **options)
        return [GUARDS.format("DISABLE"), *found, GUARDS.format("ENABLE")] if found else found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", sql_flush)
        yield


@pytest.fixture(autouse=True)
def _fresh_places(tmp_path: Path, settings: Any) -> None:
    """Storage, scratch folders and throttles of this test alone; passwords hashed fast."""
    for alias, conf in settings.STORAGES.items():
        if conf["BACKEND"] == "clips.storage.WholeFileStorage":
            conf["OPTIONS"]["location"] = str(tmp_path / "storage" / alias)
    settings.STORAGES = dict(settings.STORAGES)
    settings.WORK_DIR = tmp_path / "work"
    settings.ACCESS_LOG_HEADS = tmp_path / "heads.jsonl"
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "incoming")
    for folder in (tmp_path / "work", tmp_path / "incoming"):
        folder.mkdir()
    storage.set_up()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()


_tear_down: Callable[[Any], None] = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]
# What migrations leave behind in each database (roles, permissions): its tables with a digest of their rows.
_kept: dict[str, str] = {}
# Larger tables are truncated: to delete row by row takes longer then, and leaves their dead behind.
_LARGE_BYTES = 128 * 1024


def _empty(case: TransactionTestCase) -> None:
    """Leave no row of a test that really committed, in a tenth of the time that Django takes.

    To truncate a hundred tables and make roles and permissions anew is done once, and again when a test changed those.

    The access log refuses to be emptied, so this goes by its triggers.
    """
    with triggers_off():
        if not _kept or not _emptied():
            _tear_down(case)
            _kept.clear()
            _kept.update(_rows_left())


def _emptied() -> bool:
    """Delete all but what is kept; False if that is no longer as it was."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_relation_size(oid) FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'django_migrations'"
        )
        sizes = {name: size for name, size in cursor.fetchall() if size and name not in _kept}
        if large := [name for name, size in sizes.items() if size > _LARGE_BYTES]:
            cursor.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.SQL(", ").join(map(sql.Identifier, large))))
        if small := sizes.keys() - set(large):
            cursor.execute(sql.SQL("; ").join(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)) for name in small))
    return _rows_left(_kept) == _kept


def _rows_left(tables: Iterable[str] = ()) -> dict[str, str]:
    """A digest of the rows of each of these tables, or of all that have any."""
    digests = {}
    with connection.cursor() as cursor:
        for name in tables or set(connection.introspection.table_names(cursor)) - {"django_migrations"}:
            rows = sql.SQL("SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {} t")
            cursor.execute(rows.format(sql.Identifier(name)))
            (digest,) = cursor.fetchone() or (None,)
            if digest is not None:
                digests[name] = digest
    return digests


TransactionTestCase._fixture_teardown = _empty  # type: ignore[attr-defined]


@contextlib.contextmanager
def triggers_off() -> Iterator[None]:
    """As a superuser of the database could: nothing that a trigger guards is guarded."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = origin")


@pytest.fixture(autouse=True)
def clear_is_needed(request: pytest.FixtureRequest) -> None:
    """Most tests are of something else than faces, and looking for those takes longer than all the rest: clips are made
    clear for them, as a project would ask. Tests of faces say otherwise."""
    if request.node.get_closest_marker("django_db") or {"db", "transactional_db"} & set(request.fixturenames):
        request.getfixturevalue("transactional_db" if _is_transactional(request) else "db")
        Need.objects.bulk_create(Need(region=region, clip_kind="video", faces="clear") for region in ("in", "ro"))


def _is_transactional(request: pytest.FixtureRequest) -> bool:
    marker = request.node.get_closest_marker("django_db")
    return "transactional_db" in request.fixturenames or bool(marker and marker.kwargs.get("transaction"))


@pytest.fixture
def roles(db: None) -> None:
    """The groups, also after a test that truncated every table."""
    ensure_roles()


def make_region(code: str = "in", name: str = "India", zone: str = "Asia/Kolkata") -> Region:
    region, made = Region.objects.get_or_create(code=code, defaults={"name": name, "time_zone": zone})
    if made:
        author = User.objects.filter(username="founder").first() or make_user("founder")
        people.allow_country(
            region, country=code.upper(), basis="at home", by=author, at=datetime(2026, 1, 1, tzinfo=UTC)
        )
    return region


def make_team(name: str = "Hyderabad", region: Region | None = None, **fields: Any) -> Team:
    return people.open_team(region or make_region(), name=name, **fields)


def make_reviewer(username: str, team: Team, **fields: Any) -> Reviewer:
    return people.take_on_reviewer(
        team, username=username, password=PASSWORD, country=fields.pop("country", "IN"), **fields
    )


def make_user(
    username: str, role: str | None = None, *, places: Sequence[Region | Team] | None = None, **fields: Any
) -> User:
    """A sign-in; one of staff has everything in its scope unless ``places`` says where."""
    user = User.objects.create_user(username=username, password=PASSWORD, **fields)
    if role:
        user.groups.add(Group.objects.get(name=role))
    if places is None and user.is_staff and not user.is_superuser:
        staffing.begin_scope(user, staffing.EVERYWHERE)
    for place in places or ():
        where = staffing.Place(region=place) if isinstance(place, Region) else staffing.Place(team=place)
        staffing.begin_scope(user, where)
    return user


def make_project(*teams: Team, slug: str = "threats", **fields: Any) -> Project:
    fields = {"prefetch": 10, "grace_seconds": 0, "faces": "clear"} | fields
    project = Project.objects.create(slug=slug, name=slug.title(), label_schema=SCHEMA, **fields)
    project.teams.set(teams)
    return project


DISCLOSED = (
    "People look at your clips. They sit in India and in Romania. They tell threats from false alarms, to teach "
    "detectors. Clips are kept for 30 days. Stop it at any time under Settings > Privacy."
)
CHECKLIST = {
    "people": "People look at your clips.",
    "countries": "They sit in India and in Romania.",
    "why": "They tell threats from false alarms",
    "how_long": "Clips are kept for 30 days.",
    "how_to_stop": "Stop it at any time under Settings > Privacy.",
}


def make_disclosure(region: str = "in", by: User | None = None) -> Disclosure:
    found = Disclosure.objects.filter(version=f"{region}-en-1").first()
    if found:
        return found
    return disclosing.publish(
        version=f"{region}-en-1",
        region=region,
        language="en",
        text=DISCLOSED,
        checklist=CHECKLIST,
        by=by or User.objects.first() or make_user("publisher"),
        at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def consent_for(region: str = "in", **changes: Any) -> dict[str, Any]:
    """A consent as a gateway sends it."""
    return {
        "owner": "owner-0001-abcd",
        "disclosure": f"{region}-en-1",
        "purposes": ["human_review"],
        "channel": "app",
        "given_at": "2026-11-01T10:00:00Z",
    } | changes


def make_clip(by: User, *, region: str = "in", sample: str = "walkway.avi") -> Clip:
    """A sample, received through the verb and waiting to be prepared."""
    given = consenting.agreement(
        owner_key=f"owner-{next(numbers):08d}",
        disclosure=make_disclosure(region, by).version,
        purposes=["human_review", "model_training"],
        channel="app",
        given_at=datetime(2026, 11, 1, tzinfo=UTC),
        region=region,
    )
    return receiving.receive(
        SAMPLES / sample,
        name=sample,
        region=region,
        source="owner_troubleshooting",
        given=given,
        by=by,
        at=database_now(),
    ).clip


# A sample that was really prepared once in this run: its facts, its renditions, their bytes.
_prepared: list[tuple[dict[str, Any], list[dict[str, Any]], dict[str, bytes]]] = []


def make_ready_clips(by: User, count: int, *, region: str = "in") -> list[Clip]:
    """Ready clips with consent and renditions, for tests of what comes after; prepared for real once in a run."""
    if not _prepared:
        _prepared.append(_prepare_once(by))
    clip_fields, renditions, files = _prepared[0]
    disclosure = make_disclosure(region, by)
    made = []
    for _ in range(count):
        folder = f"{next(numbers):032x}"
        clip = Clip.objects.create(
            **clip_fields | {"owner_key": f"owner-{next(numbers):08d}"},
            region=region,
            uploaded_by=by,
            original_key=f"{folder}/original",
            state=ClipState.READY,
        )
        consenting.record(
            clip,
            consenting.Agreement(
                clip.owner_key, disclosure, ["human_review", "model_training"], "app", datetime(2026, 11, 1, tzinfo=UTC)
            ),
            by=by,
        )
        for fields in renditions:
            key = f"{folder}/{fields['kind']}"
            Rendition.objects.create(**fields, clip=clip, key=key)
            storages[clip.storage_alias].save(key, ContentFile(files[fields["kind"]], name=key))
        made.append(clip)
    return made


def _prepare_once(by: User) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, bytes]]:
    received = make_clip(by)
    assert preparing.prepare(received.pk, now=database_now)
    clip = Clip.objects.get(pk=received.pk)
    kept = [
        "source",
        "owner_key",
        "attempts",
        "percent",
        "sha256",
        "size_bytes",
        "duration_ms",
        "width",
        "height",
        "facts",
    ]
    fields = ["kind", "attempt", "content_type", "size_bytes", "sha256", "width", "height", "duration_ms"]
    found = list(clip.renditions.all())
    files = {
        item.kind: b"".join(storage.read_range(clip.storage_alias, item.key, 0, item.size_bytes)) for item in found
    }
    rows = [{name: getattr(item, name) for name in fields} for item in found]
    clip_fields = {name: getattr(clip, name) for name in kept}
    clip.print.delete()
    clip.renditions.all().delete()
    clip.delete()
    return clip_fields, rows, files


def leave_only(clip: Clip | int, *purposes: str) -> None:
    """The owner permits these purposes and no others from here on; the events alone, nothing is ended."""
    found = Clip.objects.get(pk=clip.pk if isinstance(clip, Clip) else clip)
    gone = [purpose for purpose in Purpose.values if purpose not in purposes]
    ConsentEvent.objects.create(
        kind=EventKind.WITHDRAWN,
        clip=found,
        owner_key=found.owner_key,
        purposes=gone,
        channel="app",
        at=database_now(),
        actor=found.uploaded_by,
    )


def permit(clip: Clip | int | None, *purposes: str, **fields: Any) -> ConsentEvent:
    """The owner agrees to these purposes from here on: for a clip, or for all of ``owner_key``'s."""
    found = None if clip is None else Clip.objects.get(pk=clip.pk if isinstance(clip, Clip) else clip)
    by = fields.pop("by", None) or (found.uploaded_by if found else User.objects.get(username="gateway"))
    region = fields.pop("region", found.region if found else "in")
    return ConsentEvent.objects.create(
        **{
            "kind": EventKind.GIVEN,
            "clip": found,
            "owner_key": found.owner_key if found else None,
            "purposes": list(purposes),
            "disclosure": make_disclosure(region, by),
            "channel": "app",
            "at": database_now(),
            "actor": by,
        }
        | fields
    )


def put_in_lane(project: Project, team: Team, clips: list[Clip], *, at: datetime) -> list[Task]:
    """Tasks of these clips for this team, whatever any plan says."""
    lane = queries.lane_for(team=team, project=project, clip=clips[0])
    due_at = at + timedelta(hours=project.due_hours)
    rank = queries.rank_of(due_at, priority=project.priority)
    seats = {"overlap": project.overlap, "seats_left": project.overlap}
    with transaction.atomic():
        queries.enter(lane, [rank, rank + len(clips) - 1])
        return Task.objects.bulk_create(
            Task(project=project, clip=clip, team=team, lane=lane, rank=rank + place, due_at=due_at, **seats)
            for place, clip in enumerate(clips)
        )


def spread_now() -> int:
    return spreading.spread(at=database_now())


def signed_in(user: User) -> APIClient:
    """A client that carries a token of the user's own."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Token {get_token_model().objects.create(user)[1]}")
    return client


def upload(name: str, data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, content_type="application/octet-stream")


@pytest.fixture
def gateway(roles: None) -> User:
    """The machine that sends clips."""
    return make_user("gateway", "camera gateway")


@pytest.fixture
def send(gateway: User) -> Callable[..., Any]:
    """Send a file as the gateway does; keyword arguments replace fields, None leaves one out."""
    make_disclosure("in", gateway)
    client = signed_in(gateway)

    def post(file: Any = None, **fields: Any) -> Any:
        form: dict[str, Any] = {
            "file": file if file is not None else upload("walkway.avi", (SAMPLES / "walkway.avi").read_bytes()),
            "region": "in",
            "source": "owner_troubleshooting",
            "consent": json.dumps(consent_for()),
        } | fields
        return client.post("/api/v1/clips", {k: v for k, v in form.items() if v is not None}, format="multipart")

    return post


@pytest.fixture
def hyderabad(roles: None) -> Team:
    return make_team()


@pytest.fixture
def asha(hyderabad: Team) -> Reviewer:
    return make_reviewer("asha", hyderabad)


@pytest.fixture
def ravi(hyderabad: Team) -> Reviewer:
    return make_reviewer("ravi", hyderabad)


@pytest.fixture
def meera(hyderabad: Team) -> Reviewer:
    return make_reviewer("meera", hyderabad)


@pytest.fixture
def tasks(gateway: User, hyderabad: Team, asha: Reviewer, ravi: Reviewer, meera: Reviewer) -> list[Task]:
    """Three open tasks of one project, for three reviewers of Hyderabad."""
    make_project(hyderabad)
    make_ready_clips(gateway, 3)
    assert spread_now() == 3
    return list(Task.objects.order_by("pk"))
