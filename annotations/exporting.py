"""Exporting: a project's settled labels at one instant, as JSON lines with a manifest.

The file is written from one snapshot of the database, line by line, in the order of task ids, so the same labels give
the same bytes. Each line names its annotations, task, clip and consent.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet

from annotations.errors import ExportNotReady, ExportWithdrawn
from annotations.models import (
    EXPORT_MOVES,
    FINISHED,
    Annotation,
    Export,
    ExportLine,
    ExportState,
    Project,
    Task,
    TaskState,
)
from clips import storage
from clips.errors import StorageAway
from clips.models import Clip, ClipState, ConsentEvent, Permit, Purpose
from clips.queries import permits, permitted, reviewable
from config.states import move
from config.ticks import alone

log = logging.getLogger("sightline.exports")

ALIAS = "exports"
FORMAT = "sightline-labels-1"
RING_AGAIN = timedelta(seconds=30)
# How often the sweep asks whether a writer still lives. A living one holds a lock that PostgreSQL frees when it dies.
SILENCE = timedelta(seconds=15)

Clock = Callable[[], datetime]


@dataclass
class Tally:
    """What a writer counts for the manifest."""

    lines: int = 0
    size_bytes: int = 0
    annotations: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    schema_versions: set[int] = field(default_factory=set)
    disclosures: dict[str, str] = field(default_factory=dict)
    held: list[tuple[int, int]] = field(default_factory=list)
    """Each line's task and clip."""
    digest: Any = field(default_factory=hashlib.sha256)


def request_export(project: Project, *, by: User, at: datetime, regions: Sequence[str] = ()) -> Export:
    """Ask for an export of the clips of these regions, of all if none is named; a worker writes it."""
    return Export.objects.create(
        project=project, requested_by=by, regions=list(regions), state_since=at, due_at=at + RING_AGAIN
    )


def write(export_id: int, *, now: Clock) -> bool:
    """Write the export if it waits for that; returns whether this call finished it. Repeating is dull."""
    with alone(lock_of(export_id)) as mine:
        return mine and _write(export_id, now=now)


def _write(export_id: int, *, now: Clock) -> bool:
    at = now()
    moved = move(
        Export.objects.filter(pk=export_id),
        moves=EXPORT_MOVES,
        old=ExportState.REQUESTED,
        new=ExportState.WRITING,
        attempts=F("attempts") + 1,
        state_since=at,
        due_at=at + SILENCE,
    )
    if moved != 1:
        return False
    export = Export.objects.select_related("project").get(pk=export_id)
    clear_work_folders(export_id)
    try:
        with tempfile.TemporaryDirectory(prefix=f"export-{export_id}-", dir=settings.WORK_DIR) as folder:
            path = Path(folder) / "labels.jsonl"
            tally, as_of = _write_lines(export, path)
            manifest = describe(export, tally, as_of=as_of)
            manifest_path = Path(folder) / "manifest.json"
            manifest_path.write_bytes(manifest_bytes(manifest))
            key = f"{export.pk}/{tally.digest.hexdigest()}.jsonl"
            storage.put(ALIAS, key, path)
            storage.put(ALIAS, f"{key}.manifest.json", manifest_path)
    except (StorageAway, OSError) as error:
        log.warning("export %s: attempt %s: %s", export_id, export.attempts, type(error).__name__)
        put_off(export, at=now())
        return False
    with transaction.atomic():
        done = move(
            Export.objects.filter(pk=export_id, attempts=export.attempts),
            moves=EXPORT_MOVES,
            old=ExportState.WRITING,
            new=ExportState.DONE,
            key=key,
            lines=tally.lines,
            size_bytes=tally.size_bytes,
            sha256=tally.digest.hexdigest(),
            manifest=manifest,
            failure="",
            state_since=now(),
            due_at=None,
        )
        if done == 1:
            ExportLine.objects.bulk_create(
                (ExportLine(export=export, task_id=task, clip_id=clip) for task, clip in tally.held), batch_size=5000
            )
        over = fallen(ExportLine.objects.filter(export=export)).count() if done == 1 else 0
        if over:
            transaction.set_rollback(True)
    if over:
        # Its file names what somebody took back while it was written: it is written again, without that.
        storage.delete(ALIAS, key)
        storage.delete(ALIAS, f"{key}.manifest.json")
        write_again(export, at=now())
        return False
    if done == 1:
        # What an earlier attempt stored and nobody recorded may hold what was taken back since.
        export.key = key
        tidy(export)
    return done == 1


def fallen(lines: QuerySet[ExportLine]) -> QuerySet[ExportLine]:
    """Which of these lines may no longer be handed out: their owners took back what they stand on, or it expired."""
    stands = ~Q(clip__state__in=[ClipState.WITHHELD, ClipState.PURGED])
    for purpose in (Purpose.MODEL_TRAINING, OuterRef("export__project__purpose")):
        stands &= Q(Exists(permits(purpose).filter(clip=OuterRef("clip"))))
    return lines.filter(~stands)


def fallen_lines(export: Export) -> int:
    """How many lines of a finished export may no longer be handed out; those that were never written down, too."""
    held = ExportLine.objects.filter(export=export)
    return fallen(held).count() + export.lines - held.count()


def fallen_tasks(export: Export) -> list[int]:
    """The tasks whose lines whoever has the file must take out of it, in their order."""
    held = fallen(ExportLine.objects.filter(export=export))
    return list(held.order_by("task").values_list("task", flat=True))


def clips_of(export_id: int) -> QuerySet[Clip]:
    """The clips that an export has lines of."""
    return Clip.objects.filter(pk__in=ExportLine.objects.filter(export=export_id).values("clip"))


def check_download(export: Export) -> None:
    """Whether an export may be handed out as it was written.

    Raises :class:`ExportNotReady`; and :class:`ExportWithdrawn` when an owner no longer agrees to a line of it.
    """
    if export.state not in FINISHED:
        raise ExportNotReady(f"This export is {export.get_state_display().lower()}.")
    over = fallen_lines(export)
    # Who agreed again brings no file back.
    if over or export.state != ExportState.DONE:
        raise ExportWithdrawn(
            f"Of {over} of its {export.lines} lines it is not known that their owners still agree; ask for a new "
            "export, which is without them.",
            lines=over,
        )


def may_still_download(export_id: int) -> bool:
    """Whether an export that is being handed out has not been retracted meanwhile."""
    return Export.objects.filter(pk=export_id, state=ExportState.DONE).exists()


def tidy(export: Export) -> None:
    """Remove what lies in a finished export's folder beside its file and manifest. A store that is away is left for the
    next look."""
    try:
        for key in storage.keys_under(ALIAS, str(export.pk)):
            if key not in {export.key, f"{export.key}.manifest.json"}:
                storage.delete(ALIAS, key)
    except StorageAway:
        log.warning("export %s: could not be tidied up", export.pk)


def empty(export_id: int) -> int:
    """Remove all files of an export, in every version, and what a dead writer left on this machine; returns how many
    files. Whoever calls holds the export's lock, so nobody writes. Raises :class:`StorageAway`."""
    clear_work_folders(export_id)
    return storage.empty(ALIAS, str(export_id))


def clear_work_folders(export_id: int) -> None:
    """Remove what a writer of this export that died left on this machine."""
    for path in Path(settings.WORK_DIR).glob(f"export-{export_id}-*"):
        shutil.rmtree(path, ignore_errors=True)


def lines(project: Project, *, regions: Sequence[str] = ()) -> Iterator[tuple[dict[str, Any], Task]]:
    """The project's settled tasks as export lines, by task id; of clips of these regions, of all if none is named.
    Must be read inside one snapshot."""
    here = Q(clip__region__in=regions) if regions else Q()
    stands_on = (project.purpose, Purpose.MODEL_TRAINING)
    tasks = (
        Task.objects.filter(
            here,
            Exists(reviewable(project.purpose).filter(pk=OuterRef("clip_id"))),
            Exists(permitted(Purpose.MODEL_TRAINING).filter(pk=OuterRef("clip_id"))),
            project=project,
            state=TaskState.SETTLED,
        )
        .select_related("clip", "project", "team__region")
        .prefetch_related(
            Prefetch("annotations", Annotation.objects.select_related("reviewer").order_by("id")),
            Prefetch("clip__permits", permits(*stands_on).select_related("event__disclosure")),
        )
        .order_by("id")
    )
    for task in tasks.iterator(chunk_size=500):
        # Permits run out by the clock, also within a snapshot: what did since the first look is left out.
        under = {permit.purpose: permit for permit in task.clip.permits.all()}
        if set(under) == set(stands_on):
            yield _line(task, under), task


def _consent(event: ConsentEvent) -> dict[str, Any]:
    """An event as a line names it: what was agreed to, under which text, when."""
    return {
        "id": event.pk,
        "disclosure": event.disclosure.version,  # type: ignore[union-attr]  # a given event has one, by a CHECK
        "disclosure_sha256": event.disclosure_sha256,
        "purposes": event.purposes,
        "given_at": event.at.isoformat(),
    }


def _line(task: Task, under: dict[str, Permit]) -> dict[str, Any]:
    clip: Clip = task.clip
    return {
        "task": task.pk,
        "label": task.label,
        "votes": task.votes,
        "settled_at": task.state_since.isoformat(),
        "clip": {
            "id": clip.pk,
            "sha256": clip.sha256,
            "region": clip.region,
            "kind": clip.kind,
            "source": clip.source,
            "duration_ms": clip.duration_ms,
        },
        # For looking at it, and for training with it: often one and the same.
        "consent": _consent(under[task.project.purpose].event),
        "training_consent": _consent(under[Purpose.MODEL_TRAINING].event),
        "annotations": [
            {
                "id": annotation.pk,
                "lease": annotation.lease_id,
                "reviewer": annotation.reviewer.pseudonym,
                "version": annotation.version,
                "schema_version": annotation.schema_version,
                "answer": annotation.answer,
                "submitted_at": annotation.submitted_at.isoformat(),
            }
            for annotation in task.annotations.all()
        ],
    }


def _write_lines(export: Export, path: Path) -> tuple[Tally, datetime]:
    """Write the lines from one snapshot; returns what was counted and the snapshot's instant."""
    tally = Tally()
    with path.open("wb") as out, transaction.atomic(durable=True):
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            cursor.execute("SELECT transaction_timestamp()")
            row = cursor.fetchone()
        for line, task in lines(export.project, regions=export.regions):
            data = json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"
            out.write(data)
            tally.digest.update(data)
            tally.lines += 1
            tally.size_bytes += len(data)
            tally.labels[task.label] += 1
            tally.annotations += len(line["annotations"])
            tally.schema_versions.update(item["schema_version"] for item in line["annotations"])
            tally.held.append((task.pk, task.clip_id))
            for consent in (line["consent"], line["training_consent"]):
                tally.disclosures[consent["disclosure"]] = consent["disclosure_sha256"]
    return tally, row[0]


def describe(export: Export, tally: Tally, *, as_of: datetime) -> dict[str, Any]:
    """The manifest: what the file holds, under which texts, and the digest that proves it."""
    return {
        "format": FORMAT,
        "export": export.pk,
        "as_of": as_of.isoformat(),
        "project": {"slug": export.project.slug, "label_schema": export.project.label_schema},
        "schema_versions": sorted(tally.schema_versions),
        "disclosures": dict(sorted(tally.disclosures.items())),
        "counts": {
            "lines": tally.lines,
            "annotations": tally.annotations,
            "labels": dict(sorted(tally.labels.items())),
        },
        "file": {"sha256": tally.digest.hexdigest(), "size_bytes": tally.size_bytes},
    } | ({"regions": export.regions} if export.regions else {})


def manifest_bytes(manifest: dict[str, Any]) -> bytes:
    """The manifest as it is stored and served."""
    return json.dumps(manifest, ensure_ascii=False, sort_keys=True, indent=2).encode() + b"\n"


def put_off(export: Export, *, at: datetime) -> None:
    """The storage is away, which is no fault of the export: it waits longer each time and is charged no attempt."""
    move(
        Export.objects.filter(pk=export.pk, attempts=export.attempts),
        moves=EXPORT_MOVES,
        old=ExportState.WRITING,
        new=ExportState.REQUESTED,
        attempts_allowed=F("attempts_allowed") + 1,
        failure="The storage or the disk did not answer; it is tried again by itself.",
        state_since=at,
        due_at=at + timedelta(seconds=min(15 * 2 ** min(export.attempts, 6), 600)),
    )


def write_again(export: Export, *, at: datetime) -> None:
    """Somebody withdrew while it was written: it is written anew at once, and charged no attempt."""
    move(
        Export.objects.filter(pk=export.pk, attempts=export.attempts),
        moves=EXPORT_MOVES,
        old=ExportState.WRITING,
        new=ExportState.REQUESTED,
        attempts_allowed=F("attempts_allowed") + 1,
        state_since=at,
        due_at=at,
    )


def end_attempt(export: Export, reason: str, *, at: datetime) -> None:
    """End one attempt to write: the export waits for another while any are left, else it fails with the reason."""
    common: dict[str, Any] = {"moves": EXPORT_MOVES, "old": ExportState.WRITING, "failure": reason, "state_since": at}
    rows = Export.objects.filter(pk=export.pk, attempts=export.attempts)
    if export.attempts >= export.attempts_allowed:
        move(rows, new=ExportState.FAILED, due_at=None, **common)
    else:
        move(rows, new=ExportState.REQUESTED, due_at=at + timedelta(seconds=2 * export.attempts), **common)


def unheard(*, at: datetime, most: int = 100) -> list[int]:
    """Requested exports whose ring nobody answered; each is due again a little later."""
    due = Export.objects.filter(state=ExportState.REQUESTED, due_at__lte=at).order_by("due_at")[:most]
    return [
        export.pk
        for export in due
        if Export.objects.filter(pk=export.pk, state=ExportState.REQUESTED, due_at=export.due_at).update(
            due_at=at + RING_AGAIN
        )
    ]


def rescue_silent(*, at: datetime, most: int = 100) -> int:
    """End the attempts of writers that died; returns how many. One that lives holds its lock and is left alone."""
    ended = 0
    for export in Export.objects.filter(state=ExportState.WRITING, due_at__lte=at).order_by("due_at")[:most]:
        with alone(lock_of(export.pk)) as nobody_writes:
            if nobody_writes and _emptied(export.pk):
                end_attempt(export, "The worker that wrote it died or was stopped.", at=at)
                ended += 1
            else:
                Export.objects.filter(pk=export.pk, state=ExportState.WRITING).update(due_at=at + SILENCE)
    return ended


def _emptied(export_id: int) -> bool:
    """Remove what a dead writer stored and did not record: nobody would ever look for it. False while the store is
    away."""
    try:
        empty(export_id)
    except StorageAway:
        return False
    return True


def lock_of(export_id: int) -> str:
    """The name of the lock that whoever writes or removes an export's files holds."""
    return f"write export {export_id}"
