"""Shapes of the work's doors."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.reverse import reverse

from annotations.faces import handed_out
from annotations.leasing import MOST_AT_ONCE
from annotations.links import link
from annotations.models import Annotation, Export, ExportState, Flag, LeaseState, Project, SkipReason
from annotations.queries import LeaseRow
from clips.models import Case, CaseKind, ClipKind, Decision, Faces
from clips.pseudonyms import MARK_OPACITY, mark_of
from config.errors import NotFound
from config.http.strict import ReasonIn, StrictSerializer, TextUUID, WholeNumber
from config.scope import seen


class LeasesIn(StrictSerializer):
    count = WholeNumber(min_value=1, max_value=MOST_AT_ONCE, default=1, help_text="How many leases are wanted at most.")


class TokenIn(StrictSerializer):
    token = TextUUID(help_text="The lease's token.")


class BeatIn(TokenIn):
    lost_ms = WholeNumber(
        min_value=0,
        max_value=24 * 3600 * 1000,
        default=0,
        help_text="Milliseconds since your last heartbeat in which the player waited for the network.",
    )


class SkipIn(TokenIn):
    reason = serializers.ChoiceField(choices=SkipReason.choices)


class FlagIn(TokenIn):
    kind = serializers.ChoiceField(choices=CaseKind.choices)
    note = serializers.CharField(max_length=300, allow_blank=True, default="", help_text="What you saw, if you like.")


class FlagOut(serializers.ModelSerializer[Flag]):
    lease_state = serializers.ChoiceField(choices=LeaseState.choices, help_text="The lease's state now.")

    class Meta:
        model = Flag
        fields = ["id", "lease", "kind", "note", "flagged_at", "lease_state"]


class DecisionIn(ReasonIn):
    decision = serializers.ChoiceField(choices=Decision.choices)


class CaseOut(serializers.ModelSerializer[Case]):
    notes = serializers.SerializerMethodField(help_text="What those who flagged the clip wrote, the first first.")

    class Meta:
        model = Case
        fields = ["id", "clip", "kind", "state", "opened_at", "due_at", "decision", "reason", "decided_at", "notes"]

    def get_notes(self, case: Case) -> list[str]:
        return [flag.note for flag in reversed(case.flags.all())]


class CasesOut(serializers.Serializer[Any]):
    cases = CaseOut(many=True)


class RecalledOut(serializers.Serializer[Any]):
    lease = serializers.IntegerField()
    state = serializers.CharField()


class RequeuedOut(serializers.Serializer[Any]):
    task = serializers.IntegerField()
    state = serializers.CharField()
    overlap = serializers.IntegerField()
    seats_left = serializers.IntegerField()


class PausedOut(serializers.Serializer[Any]):
    paused = serializers.BooleanField()
    changed = serializers.BooleanField(help_text="Whether this call changed it.")


class AnnotationIn(StrictSerializer):
    token = TextUUID(help_text="The lease's token.")
    answer = serializers.JSONField(
        help_text="An object that fits the project's label schema: label and, if wanted, note."
    )


class AmendIn(StrictSerializer):
    answer = serializers.JSONField(help_text="An object that fits the project's label schema.")


class ProjectOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    slug = serializers.SlugField()
    name = serializers.CharField()
    schema_version = serializers.IntegerField()
    label_schema = serializers.JSONField(
        help_text="question, labels (value, name, help), note: whether one may go along"
    )
    starts_blurred = serializers.BooleanField(help_text="Show the clip blurred until the reviewer asks.")
    faces = serializers.ChoiceField(
        choices=Faces.choices, help_text="blurred: the faces that were found are covered in all that is linked to."
    )


class TaskBrief(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    project = ProjectOut()
    due_at = serializers.DateTimeField(allow_null=True)


class ClipBrief(serializers.Serializer[Any]):
    """What a reviewer needs to know of a clip: nothing of its owner, device or place."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=ClipKind.choices)
    duration_ms = serializers.IntegerField()
    size_bytes = serializers.IntegerField(help_text="Of the proxy.")


class MediaOut(serializers.Serializer[Any]):
    """Links that open for some minutes while the lease is live; they answer byte ranges and need no header."""

    proxy = serializers.URLField(help_text="video/mp4 with H.264 and AAC; audio/mp4 with AAC of a voice clip.")
    poster = serializers.URLField(required=False, help_text="image/jpeg; not of a voice clip.")
    sprite = serializers.URLField(required=False, help_text="image/jpeg: a sheet of small pictures.")
    sprite_index = serializers.URLField(
        required=False, help_text="text/vtt: where in the sheet each moment is; its cues name the sheet `sprite.jpg`."
    )
    peaks = serializers.URLField(
        required=False,
        help_text="application/json as of BBC audiowaveform, with loudness and silences; if it has sound.",
    )
    frame_map = serializers.URLField(
        required=False, help_text="application/json: which moment each picture of the proxy shows."
    )


class MarkOut(serializers.Serializer[Any]):
    """The reviewer's mark, which a player must lay over moving pictures; in the poster it is drawn already."""

    text = serializers.CharField(help_text="A pseudonym: the same for all that this reviewer is shown.")
    position = serializers.ChoiceField(choices=["bottom-right"])
    opacity = serializers.FloatField(help_text="Of the letters, from 0 to 1.")


class LeaseOut(serializers.Serializer[Any]):
    """A lease as its holder sees it."""

    id = serializers.IntegerField()
    token = serializers.UUIDField(help_text="Every write under the lease carries it.")
    state = serializers.ChoiceField(choices=LeaseState.choices)
    granted_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    task = TaskBrief()
    clip = ClipBrief()
    media = MediaOut()
    media_expires_at = serializers.DateTimeField(
        help_text="Until when the links open; getting or renewing the lease gives fresh ones."
    )
    mark = MarkOut()


def lease_out(row: LeaseRow, request: Request) -> dict[str, Any]:
    """What :class:`LeaseOut` describes, by hand: this is the hot path, and fields are built anew for each answer."""
    build = request.build_absolute_uri
    user_id = cast(int, request.user.pk)
    until = min(row.expires_at, row.read_at + timedelta(seconds=settings.MEDIA_LINK_SECONDS))
    shown = handed_out(row.renditions, faces=row.faces, clip_kind=row.kind)
    return {
        "id": row.id,
        "token": row.token,
        "state": row.state,
        "granted_at": row.granted_at,
        "expires_at": row.expires_at,
        "task": {
            "id": row.task_id,
            "project": {
                "id": row.project_id,
                "slug": row.slug,
                "name": row.name,
                "schema_version": row.schema_version,
                "label_schema": row.label_schema,
                "starts_blurred": row.starts_blurred,
                "faces": row.faces,
            },
            "due_at": row.due_at,
        },
        "clip": {
            "id": row.clip_id,
            "kind": row.kind,
            "duration_ms": row.duration_ms,
            "size_bytes": shown.get("proxy", [0, 0])[1],
        },
        "media": {
            kind: build(link(row.id, row.token, pk, user_id=user_id, until=until))
            for kind, (pk, _size) in shown.items()
        },
        "media_expires_at": until,
        "mark": {"text": mark_of(user_id), "position": "bottom-right", "opacity": MARK_OPACITY},
    }


class CategoryOut(serializers.Serializer[Any]):
    category = serializers.CharField()
    opted_out = serializers.BooleanField()


class CategoriesOut(serializers.Serializer[Any]):
    categories = CategoryOut(many=True)


class OptOutsIn(StrictSerializer):
    categories = serializers.ListField(
        child=serializers.CharField(max_length=32), max_length=100, help_text="All that you do not want to be handed."
    )


class QuotaOut(serializers.Serializer[Any]):
    day = serializers.DateField(help_text="Your local date.")
    allowed = serializers.IntegerField()
    used = serializers.IntegerField(help_text="Submitted, or flagged as sensitive.")
    held = serializers.IntegerField(help_text="Live leases.")
    left = serializers.IntegerField()
    resets_at = serializers.DateTimeField(help_text="Your next local midnight, in UTC.")


class LeasesOut(serializers.Serializer[Any]):
    leases = LeaseOut(many=True)
    reason = serializers.CharField(
        help_text="Why there are none: queue-empty, all-done-by-you, holding-enough or exposure-reached."
    )
    quota = QuotaOut()


class AnnotationOut(serializers.ModelSerializer[Annotation]):
    class Meta:
        model = Annotation
        fields = ["id", "lease", "task", "label", "answer", "version", "schema_version", "submitted_at"]


def annotation_out(annotation: Annotation) -> dict[str, Any]:
    """What :class:`AnnotationOut` describes, by hand, as :func:`lease_out` is."""
    return {
        "id": annotation.pk,
        "lease": annotation.lease_id,
        "task": annotation.task_id,
        "label": annotation.label,
        "answer": annotation.answer,
        "version": annotation.version,
        "schema_version": annotation.schema_version,
        "submitted_at": annotation.submitted_at,
    }


@extend_schema_field({"oneOf": [{"type": "string"}, {"type": "integer"}]})
class ProjectRef(serializers.Field[Project, Any, Any, Any]):
    """A project by its slug or its number, as leases and exports name it; of staff, one that they may find.

    Raises :class:`NotFound`.
    """

    def to_internal_value(self, data: Any) -> Project:
        by = {"pk": data} if type(data) is int else {"slug": data}
        request = self.context.get("request")
        rows = seen(request.user, Project.objects.all()) if request and request.user.is_staff else Project.objects.all()
        found = rows.filter(**by).first() if isinstance(data, int | str) else None
        if found is None:
            raise NotFound("There is no such project.")
        return found


class ExportIn(StrictSerializer):
    project = ProjectRef(help_text="The project's slug or number.")


class ExportWithdrawalsOut(serializers.Serializer[Any]):
    """What of an export's file may be used no more; whoever has a copy takes these lines out of it."""

    export = serializers.IntegerField()
    state = serializers.ChoiceField(choices=ExportState.choices)
    lines = serializers.IntegerField(help_text="How many; also those that no task is known of.")
    tasks = serializers.ListField(child=serializers.IntegerField(), help_text="`task` of each such line.")


class ExportOut(serializers.ModelSerializer[Export]):
    project = serializers.CharField(source="project.slug")
    download = serializers.SerializerMethodField(help_text="Where the file is, while it is handed out.")

    class Meta:
        model = Export
        fields = [
            "id",
            "project",
            "state",
            "failure",
            "lines",
            "size_bytes",
            "sha256",
            "manifest",
            "created_at",
            "download",
        ]

    @extend_schema_field(serializers.URLField(allow_null=True))
    def get_download(self, export: Export) -> str | None:
        if export.state != ExportState.DONE:
            return None
        url: str = reverse("export-download", args=[export.pk], request=self.context["request"])
        return url
