"""Shapes of the footage's doors: what comes in with a clip, and what a sender may know of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clips.errors import ConsentMalformed
from clips.models import OWNER_KEY, Channel, Clip, Purpose, Source
from config.clock import database_now
from config.errors import Refusal
from config.http.incoming import load_json


class ZonedTime(serializers.DateTimeField):
    """A time that says its zone; one that does not is refused rather than guessed."""

    def enforce_timezone(self, value: datetime) -> datetime:
        if timezone.is_naive(value):
            raise serializers.ValidationError("Say the zone of this time, as in 2026-11-22T10:00:00+05:30.")
        return super().enforce_timezone(value)


class ConsentIn(serializers.Serializer[Any]):
    """What the owner agreed to, under which text, when and where."""

    owner = serializers.CharField(max_length=64, validators=[OWNER_KEY], help_text="Pseudonymous key of the owner.")
    disclosure = serializers.SlugField(max_length=64, help_text="Version of the text the owner was shown.")
    purposes = serializers.ListField(
        child=serializers.ChoiceField(choices=Purpose.choices),
        min_length=1,
        max_length=len(Purpose.choices),
        help_text="What the owner agreed to; must hold human_review.",
    )
    channel = serializers.ChoiceField(choices=Channel.choices, help_text="Where the owner agreed.")
    given_at = ZonedTime(help_text="When the owner agreed (ISO 8601 with a zone).")

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        unknown = set(data) - set(self.fields)
        if unknown:
            raise serializers.ValidationError(dict.fromkeys(sorted(map(str, unknown))[:10], "Unknown field."))
        if value["given_at"] > database_now() + timedelta(minutes=5):
            raise serializers.ValidationError({"given_at": "Consent cannot be given in the future."})
        return value


@extend_schema_field(
    {"type": "string", "description": "A JSON object, written as text, with the members of a consent."}
)
class ConsentField(serializers.Field[Any, Any, str, Any]):
    """A form's text field that holds a consent as JSON."""

    LONGEST = 4000

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, str) or len(data) > self.LONGEST:
            raise ConsentMalformed(f"The consent is a text of at most {self.LONGEST} characters.")
        try:
            value = load_json(data)
        except Refusal as refusal:
            raise ConsentMalformed(refusal.detail) from None
        if not isinstance(value, dict):
            raise ConsentMalformed("The consent is a JSON object.")
        inner = ConsentIn(data=value)
        inner.is_valid(raise_exception=True)
        return dict(inner.validated_data)


class ClipIn(serializers.Serializer[Any]):
    """A clip as it is sent: a file and under what consent it may be looked at."""

    file = serializers.FileField(allow_empty_file=True, help_text="MP4, MOV, AVI, MKV, WebM or MPEG-TS.")
    consent = ConsentField(required=False, help_text="A JSON object: owner, disclosure, purposes, channel, given_at.")
    region = serializers.CharField(max_length=16, help_text="Code of the region where the footage must stay.")
    source = serializers.ChoiceField(choices=Source.choices)  # type: ignore[assignment]  # DRF's own argument name

    def to_internal_value(self, data: Any) -> Any:
        unknown = sorted(set(data) - set(self.fields))
        if unknown:
            raise serializers.ValidationError({name[:80]: "Unknown field." for name in unknown[:10]})
        twice = [str(name) for name in self.fields if len(data.getlist(name)) > 1]
        if twice:
            raise serializers.ValidationError(dict.fromkeys(twice, "Send this once."))
        return super().to_internal_value(data)


class ClipOut(serializers.ModelSerializer[Clip]):
    """A clip as its sender sees it: where it stands, never what is on it."""

    url = serializers.HyperlinkedIdentityField(view_name="clip", lookup_field="pk")

    class Meta:
        model = Clip
        fields = [
            "id",
            "url",
            "region",
            "kind",
            "source",
            "state",
            "percent",
            "attempts",
            "failure",
            "duration_ms",
            "width",
            "height",
            "size_bytes",
            "sha256",
            "created_at",
        ]
        read_only_fields = fields
