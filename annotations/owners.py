"""Owners: everything that is held of one, as a file that they can take with them.

It names no reviewer and no member of staff, and opens no footage. Its shape is described by ``OwnerFile`` in
``owner_serializers.py``, and so in the OpenAPI document.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q

from annotations import withdrawing
from annotations.models import Annotation, LateAnswer, Task, TaskState
from clips import consenting
from clips.models import FOREVER, Case, Clip, ConsentEvent, Disclosure
from clips.queries import in_force, owned_by
from config.errors import NotFound
from config.scope import all_or_seen

FORMAT = "sightline-owner-1"

Rows = list[dict[str, Any]]


def file_of(owner_key: str, *, at: datetime, to: User | None = None) -> dict[str, Any]:
    """Everything that is held of this owner, as far as ``to`` may find it. Raises :class:`NotFound` when nothing is."""
    if not (consenting.is_known(owner_key) if to is None else consenting.is_found(owner_key, by=to)):
        raise NotFound
    said = all_or_seen(to, ConsentEvent.objects.filter(owner_key=owner_key))
    events = list(said.select_related("disclosure").order_by("id"))
    theirs = all_or_seen(to, Clip.objects.filter(owner_key=owner_key))
    clips = list(theirs.select_related("event").order_by("id"))
    numbers = [clip.pk for clip in clips]
    cases, annotations, labels = _cases(numbers), _annotations(numbers), _labels(numbers)
    renditions: dict[int, Rows] = defaultdict(list)
    for clip in Clip.objects.filter(pk__in=numbers).prefetch_related("renditions"):
        renditions[clip.pk] = [
            {name: getattr(row, name) for name in ("kind", "content_type", "size_bytes", "sha256", "made_at")}
            for row in clip.renditions.all()
        ]
    return {
        "format": FORMAT,
        "owner": owner_key,
        "made_at": at,
        "consents": [event_out(event) for event in events],
        "permitted_now": [
            {
                "clip": permit.clip_id,
                "purpose": permit.purpose,
                "consent": permit.event_id,
                "until": None if permit.until >= FOREVER else permit.until,
            }
            for permit in in_force(numbers).order_by("clip", "purpose")
        ],
        "disclosures": _disclosures(events),
        "clips": [
            _clip(clip)
            | {
                "renditions": renditions[clip.pk],
                "cases": cases[clip.pk],
                "annotations": annotations[clip.pk],
                "labels": labels[clip.pk],
            }
            for clip in clips
        ],
        "exports": withdrawing.listed(Q(clip__in=Clip.objects.filter(owned_by(owner_key))), to=to),
    }


def event_out(event: ConsentEvent) -> dict[str, Any]:
    """A consent event as its owner and whoever recorded it see it."""
    return {
        "id": event.pk,
        "kind": event.kind,
        "owner": event.owner_key,
        "clip": event.clip_id,
        "purposes": event.purposes,
        "disclosure": event.disclosure.version if event.disclosure else None,
        "disclosure_sha256": event.disclosure_sha256,
        "channel": event.channel,
        "at": event.at,
        "expires_at": event.expires_at,
        "recorded_at": event.recorded_at,
        "withdraws": event.withdraws_id,
        "reason": event.reason,
    }


def _disclosures(events: list[ConsentEvent]) -> Rows:
    shown: dict[int, Disclosure] = {event.disclosure.pk: event.disclosure for event in events if event.disclosure}
    fields = ("version", "region", "language", "text", "sha256", "published_at")
    return [{name: getattr(text, name) for name in fields} for _, text in sorted(shown.items())]


CLIP_FIELDS = [
    "id",
    "region",
    "kind",
    "source",
    "language",
    "state",
    "created_at",
    "is_sensitive",
    "duration_ms",
    "width",
    "height",
    "size_bytes",
    "sha256",
    "facts",
    "sound",
]
DEVICE_FIELDS = ["device_model", "detector_version", "happened_at", "said", "detections"]


def _clip(clip: Clip) -> dict[str, Any]:
    event = getattr(clip, "event", None)
    return {name: getattr(clip, name) for name in CLIP_FIELDS} | {
        "device_event": {name: getattr(event, name) for name in DEVICE_FIELDS} if event else None
    }


def _cases(clips: list[int]) -> dict[int, Rows]:
    found: dict[int, Rows] = defaultdict(list)
    fields = ("id", "kind", "state", "opened_at", "due_at", "decision", "decided_at")
    for case in Case.objects.filter(clip__in=clips).order_by("id"):
        found[case.clip_id].append({name: getattr(case, name) for name in fields})
    return found


def _annotations(clips: list[int]) -> dict[int, Rows]:
    """What reviewers answered, without who did; earlier versions and answers that came too late, too."""
    found: dict[int, Rows] = defaultdict(list)
    given = Annotation.objects.filter(task__clip__in=clips).select_related("task__project").order_by("id")
    for row in given.prefetch_related("earlier"):
        versions = [*[(old.version, old.answer) for old in row.earlier.all()], (row.version, row.answer)]
        found[row.task.clip_id] += [
            {
                "project": row.task.project.slug,
                "purpose": row.task.project.purpose,
                "answer": answer,
                "version": version,
                "given_at": row.submitted_at,
                "counted": version == row.version,
            }
            for version, answer in versions
        ]
    late = LateAnswer.objects.filter(lease__task__clip__in=clips).select_related("lease__task__project").order_by("id")
    for answer in late:
        task = answer.lease.task
        found[task.clip_id].append(
            {
                "project": task.project.slug,
                "purpose": task.project.purpose,
                "answer": answer.answer,
                "version": 1,
                "given_at": answer.received_at,
                "counted": False,
            }
        )
    return found


def _labels(clips: list[int]) -> dict[int, Rows]:
    found: dict[int, Rows] = defaultdict(list)
    settled = Task.objects.filter(clip__in=clips, state=TaskState.SETTLED).select_related("project").order_by("id")
    for task in settled:
        found[task.clip_id].append(
            {"project": task.project.slug, "label": task.label, "votes": task.votes, "settled_at": task.state_since}
        )
    return found
