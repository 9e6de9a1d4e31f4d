"""The story, step by step. Each step begins where an interrupted run left off, so it may always be run again."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import connection

from annotations.demonstration import footage, logins, seed
from annotations.demonstration.client import Client, StepFailed, wait_for
from annotations.demonstration.reviewers import Reviewers
from annotations.models import Export, ExportState, Project, Task, TaskState
from clips import storage
from clips.models import Clip

Say = Callable[[str], None]
PATIENCE = 240.0


def tell(base_url: str, *, say: Say) -> None:
    """Seed when the database is empty and drive clips through every room. Raises :class:`StepFailed`."""
    if seed.is_empty():
        seed.seed()
        say("seeded: 2 regions, 4 teams, 12 reviewers, 1 ops manager, 1 project")
    people = logins.kept()
    if not people or not Project.objects.filter(slug=seed.PROJECT).exists():
        say("this database is in use already, so nothing is demonstrated in it")
        return
    if Export.objects.filter(project__slug=seed.PROJECT, state=ExportState.DONE).exists():
        say("everything is as it was left")
        return
    began = time.monotonic()
    gateway = Client(base_url, people[seed.GATEWAY])
    mine = Clip.objects.filter(uploaded_by__username=seed.GATEWAY)
    footage.send_all(gateway, already=set(mine.values_list("sha256", "region")), say=say)
    clip_ids = list(mine.order_by("pk").values_list("pk", flat=True))
    footage.watch_preparation(gateway, clip_ids, say=say, seconds=PATIENCE)
    wait_for("a task for each clip", lambda: _all_planned(clip_ids), seconds=60)
    say("spread: " + ", ".join(f"{count} to {team}" for team, count in _by_team(clip_ids)))
    truth = _truth(clip_ids)
    workforce = None if _enough_settled() else Reviewers(base_url, people)
    while workforce and not _enough_settled():
        answered = workforce.label_one_each(truth, say=say)
        wait_for("answers weighed", _all_weighed, seconds=60)
        if not answered and not _enough_settled():
            raise StepFailed("the reviewers found no more work, and some team has no label yet")
    _export(Client(base_url, people[seed.MODEL_TEAM]), say=say)
    say(f"the whole road took {time.monotonic() - began:.0f} s")


def _all_planned(clip_ids: list[int]) -> bool | None:
    return Task.objects.filter(clip__in=clip_ids).count() >= len(clip_ids) or None


def _by_team(clip_ids: list[int]) -> list[tuple[str, int]]:
    tasks = Task.objects.filter(clip__in=clip_ids).select_related("team")
    names = [task.team.name for task in tasks]
    return [(name, names.count(name)) for name in sorted(set(names))]


def _truth(clip_ids: list[int]) -> dict[int, str]:
    """What a careful person would answer, by clip: the scripted reviewers cannot really look."""
    by_bytes = {(storage.digest(footage.SAMPLES / name), region): truth for name, region, truth in footage.CLIPS}
    return {
        clip.pk: by_bytes.get((clip.sha256, clip.region), "unsure") for clip in Clip.objects.filter(pk__in=clip_ids)
    }


def _all_weighed() -> bool | None:
    return not Task.objects.filter(state=TaskState.FULL).exists() or None


def _enough_settled() -> bool:
    """Whether each team has a label, so that the export speaks of all of them."""
    settled = Task.objects.filter(project__slug=seed.PROJECT, state=TaskState.SETTLED)
    return settled.values("team").distinct().count() >= len(seed.TEAMS)


def _export(client: Client, *, say: Say) -> None:
    """Ask for an export, wait for it, download it, and check it against its manifest."""
    asked = client.call("POST", "/api/v1/exports", json={"project": seed.PROJECT})

    def look() -> dict[str, object] | None:
        found: dict[str, object] = client.call("GET", f"/api/v1/exports/{asked['id']}")
        if found["state"] == "failed":
            raise StepFailed(f"the export failed: {found['failure']}")
        return found if found["state"] == "done" else None

    export = wait_for("the export", look, seconds=60)
    data = client.send("GET", f"/api/v1/exports/{asked['id']}/download").content
    if hashlib.sha256(data).hexdigest() != export["sha256"]:
        raise StepFailed("the downloaded export is not what its manifest says")
    path = export_path()
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(data)
    say(f"exported {export['lines']} labels to {path}")


def export_path() -> Path:
    """Where the demonstration keeps the export it downloaded."""
    return Path(settings.VAR_DIR) / "demonstration-labels.jsonl"


def engines() -> str:
    """Which PostgreSQL this ran on."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        row = cursor.fetchone()
    return f"PostgreSQL {row[0] if row else '?'}"
