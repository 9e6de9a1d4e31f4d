"""Few named people, small builders: what most tests begin with."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from knox.models import get_token_model
from rest_framework.test import APIClient

from annotations import spreading
from annotations.models import Project, Task
from clips import consenting, preparing, receiving, storage
from clips.models import Clip, ClipState, Consent, Disclosure, Rendition
from config.clock import database_now
from config.roles import ensure_roles
from workforce import people
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


@pytest.fixture(autouse=True)
def _fresh_places(tmp_path: Path, settings: Any) -> None:
    """Storage, scratch folders and throttles of this test alone; passwords hashed fast."""
    for alias, conf in settings.STORAGES.items():
        if conf["BACKEND"] == "clips.storage.WholeFileStorage":
            conf["OPTIONS"]["location"] = str(tmp_path / "storage" / alias)
    settings.STORAGES = dict(settings.STORAGES)
    settings.WORK_DIR = tmp_path / "work"
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "incoming")
    for folder in (tmp_path / "work", tmp_path / "incoming"):
        folder.mkdir()
    storage.set_up()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()


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


def make_user(username: str, role: str | None = None, **fields: Any) -> User:
    user = User.objects.create_user(username=username, password=PASSWORD, **fields)
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user


def make_project(*teams: Team, slug: str = "threats", **fields: Any) -> Project:
    fields = {"prefetch": 10, "grace_seconds": 0} | fields
    project = Project.objects.create(slug=slug, name=slug.title(), label_schema=SCHEMA, **fields)
    project.teams.set(teams)
    return project


def make_disclosure(region: str = "in", by: User | None = None) -> Disclosure:
    found = Disclosure.objects.filter(version=f"{region}-en-1").first()
    if found:
        return found
    return consenting.publish(
        version=f"{region}-en-1",
        region=region,
        language="en",
        text="People look at your clips.",
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
        Consent.objects.create(
            clip=clip,
            owner_key=clip.owner_key,
            disclosure=disclosure,
            purposes=["human_review", "model_training"],
            channel="app",
            given_at=datetime(2026, 11, 1, tzinfo=UTC),
            recorded_by=by,
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
    clip.consents.all().delete()
    clip.delete()
    return clip_fields, rows, files


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
