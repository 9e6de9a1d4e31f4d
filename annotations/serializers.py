"""Shapes of the work's doors."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from annotations.leasing import MOST_AT_ONCE
from annotations.links import link
from annotations.models import Annotation, Export, Lease, Project, SkipReason
from clips.models import Clip, RenditionKind


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields it does not know: a misspelt one must not be taken for its default."""

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        unknown = sorted(map(str, set(data) - set(self.fields)))
        if unknown:
            raise serializers.ValidationError({name[:80]: "Unknown field." for name in unknown[:10]})
        return value


class WholeNumber(serializers.IntegerField):
    """An integer as JSON writes it; DRF would also take "3", 3.0 and true."""

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return super().to_internal_value(data)


class TextUUID(serializers.UUIDField):
    """A UUID as JSON writes it; DRF would also take a number."""

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        found: UUID = super().to_internal_value(data)
        return found


class LeasesIn(StrictSerializer):
    count = WholeNumber(min_value=1, max_value=MOST_AT_ONCE, default=1, help_text="How many leases are wanted at most.")


class TokenIn(StrictSerializer):
    token = TextUUID(help_text="The lease's token.")


class SkipIn(TokenIn):
    reason = serializers.ChoiceField(choices=SkipReason.choices)


class AnnotationIn(StrictSerializer):
    token = TextUUID(help_text="The lease's token.")
    answer = serializers.JSONField(
        help_text="An object that fits the project's label schema: label and, if wanted, note."
    )


class AmendIn(StrictSerializer):
    answer = serializers.JSONField(help_text="An object that fits the project's label schema.")


class ProjectOut(serializers.ModelSerializer[Project]):
    class Meta:
        model = Project
        fields = ["id", "slug", "name", "schema_version", "label_schema"]


class ClipBrief(serializers.ModelSerializer[Clip]):
    """What a reviewer needs to know of a clip: nothing of its owner, device or place."""

    class Meta:
        model = Clip
        fields = ["id", "kind", "duration_ms", "size_bytes"]

    size_bytes = serializers.SerializerMethodField(help_text="Of the proxy, in bytes.")

    def get_size_bytes(self, clip: Clip) -> int:
        return next((item.size_bytes for item in clip.renditions.all() if item.kind == RenditionKind.PROXY), 0)


class TaskBrief(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    project = ProjectOut()
    due_at = serializers.DateTimeField(allow_null=True)


class MediaOut(serializers.Serializer[Any]):
    """Links that open while the lease is live; they answer byte ranges and need no header."""

    proxy = serializers.URLField(help_text="video/mp4, H.264 and AAC.")
    poster = serializers.URLField(help_text="image/jpeg.")


class LeaseOut(serializers.ModelSerializer[Lease]):
    """A lease as its holder sees it."""

    task = TaskBrief()
    clip = ClipBrief(source="task.clip")
    media = serializers.SerializerMethodField()

    class Meta:
        model = Lease
        fields = ["id", "token", "state", "granted_at", "expires_at", "task", "clip", "media"]

    @extend_schema_field(MediaOut)
    def get_media(self, lease: Lease) -> dict[str, str]:
        build = self.context["request"].build_absolute_uri
        return {item.kind: build(link(lease, item)) for item in lease.task.clip.renditions.all()}


class QuotaOut(serializers.Serializer[Any]):
    day = serializers.DateField(help_text="Your local date.")
    allowed = serializers.IntegerField()
    used = serializers.IntegerField(help_text="Submitted.")
    held = serializers.IntegerField(help_text="Live leases.")
    left = serializers.IntegerField()
    resets_at = serializers.DateTimeField(help_text="Your next local midnight, in UTC.")


class LeasesOut(serializers.Serializer[Any]):
    leases = LeaseOut(many=True)
    reason = serializers.CharField(help_text="Why there are none: queue-empty or all-done-by-you; blank otherwise.")
    quota = QuotaOut()


class AnnotationOut(serializers.ModelSerializer[Annotation]):
    class Meta:
        model = Annotation
        fields = ["id", "lease", "task", "label", "answer", "version", "schema_version", "submitted_at"]


class ExportIn(StrictSerializer):
    project = serializers.SlugField(max_length=64, help_text="The project's slug.")


class ExportOut(serializers.ModelSerializer[Export]):
    project = serializers.CharField(source="project.slug")
    download = serializers.SerializerMethodField(help_text="Where the file is, once it is done.")

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
        if not export.key:
            return None
        url: str = reverse("export-download", args=[export.pk], request=self.context["request"])
        return url
