"""Shapes of the footage's doors: what comes in with a clip, and what a sender may know of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from clips import consenting, queries, standing
from clips.consenting import Agreement
from clips.errors import ConsentMalformed, ConsentMissing, EventMalformed
from clips.events import Detection, Event
from clips.models import OWNER_KEY, Channel, Clip, DeviceEvent, Disclosure, EventKind, Purpose, Source
from config import speech
from config.clock import database_now
from config.errors import BadInput, Refusal
from config.http.incoming import load_json
from config.http.strict import StrictSerializer, Text, WholeNumber


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
        help_text="What the owner agreed to; must hold human_review or troubleshooting, or nobody could look.",
    )
    channel = serializers.ChoiceField(choices=Channel.choices, help_text="Where the owner agreed.")
    given_at = ZonedTime(help_text="When the owner agreed (ISO 8601 with a zone).")
    expires_at = ZonedTime(required=False, allow_null=True, help_text="From then on it no longer stands.")

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        unknown = set(data) - set(self.fields)
        if unknown:
            raise serializers.ValidationError(dict.fromkeys(sorted(map(str, unknown))[:10], "Unknown field."))
        if value["given_at"] > database_now() + timedelta(minutes=5):
            raise serializers.ValidationError({"given_at": "Consent cannot be given in the future."})
        return value


class Score(serializers.FloatField):
    """A number from 0 to 1 as JSON writes it; DRF would also take "0.5" and true."""

    def __init__(self, **options: Any) -> None:
        super().__init__(min_value=0, max_value=1, **options)

    def to_internal_value(self, data: Any) -> float:
        if type(data) not in {int, float}:
            self.fail("invalid")
        return super().to_internal_value(data)


class DetectionIn(StrictSerializer):
    """One thing that the detector said."""

    said = serializers.RegexField(
        r"\A[a-z0-9]+(?:[_-][a-z0-9]+)*\Z",
        max_length=40,
        help_text="What was detected, such as person, crying-baby, glass-break or motion.",
    )
    score = Score(required=False, help_text="How sure the detector was, from 0 to 1.")
    zone = Text(
        max_length=40, required=False, allow_blank=True, help_text="The zone of the picture, as its owner calls it."
    )


class EventIn(StrictSerializer):
    """What the camera or the voice assistant said when it recorded the clip."""

    device_model = Text(max_length=80, required=False, allow_blank=True)
    detector_version = Text(max_length=40, required=False, allow_blank=True)
    happened_at = ZonedTime(required=False, help_text="When it happened (ISO 8601 with a zone).")
    detections = serializers.ListField(child=DetectionIn(), max_length=50, required=False)

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        if not value:
            raise serializers.ValidationError({"non_field_errors": "Say something of the event, or leave it out."})
        if value.get("happened_at", database_now()) > database_now() + timedelta(minutes=5):
            raise serializers.ValidationError({"happened_at": "An event cannot be in the future."})
        return value


class JSONText(serializers.Field[Any, Any, str, Any]):
    """A form's text field that holds an object as JSON."""

    longest = 4000
    what = "text"
    inner: type[serializers.Serializer[Any]]
    malformed: type[BadInput]

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, str) or len(data) > self.longest:
            raise self.malformed(f"The {self.what} is a text of at most {self.longest} characters.")
        try:
            value = load_json(data)
        except Refusal as refusal:
            raise self.malformed(refusal.detail) from None
        if not isinstance(value, dict):
            raise self.malformed(f"The {self.what} is a JSON object.")
        inner = self.inner(data=value)
        inner.is_valid(raise_exception=True)
        return dict(inner.validated_data)


@extend_schema_field(
    {"type": "string", "description": "A JSON object, written as text, with the members of a consent."}
)
class ConsentField(JSONText):
    """A form's text field that holds a consent as JSON."""

    what, inner, malformed = "consent", ConsentIn, ConsentMalformed


@extend_schema_field({"type": "string", "description": "A JSON object, written as text, with the members of an event."})
class EventField(JSONText):
    """A form's text field that holds a device's event as JSON."""

    longest, what, inner, malformed = 16000, "event", EventIn, EventMalformed


def event_of(fields: Mapping[str, Any] | None) -> Event | None:
    """The event out of what an ``EventIn`` took."""
    if fields is None:
        return None
    return Event(**{**fields, "detections": [Detection(**one) for one in fields.get("detections", [])]})


def agreement_of(fields: Mapping[str, Any]) -> Agreement:
    """The agreement out of what a ``ClipIn`` or an ``UploadIn`` took. Raises the refusals of a consent."""
    consent = fields.get("consent")
    if consent is None:
        raise ConsentMissing
    return consenting.agreement(
        owner_key=consent["owner"],
        disclosure=consent["disclosure"],
        purposes=consent["purposes"],
        channel=consent["channel"],
        given_at=consent["given_at"],
        expires_at=consent.get("expires_at"),
        region=fields["region"],
    )


class Language(Text):
    """A language as people's are written, so that the two can be compared."""

    def __init__(self) -> None:
        super().__init__(
            max_length=8,
            required=False,
            allow_blank=True,
            validators=[speech.SPOKEN],
            help_text=f"What is spoken in it. {speech.HELP} Without it anybody may be handed the clip.",
        )


class ClipIn(serializers.Serializer[Any]):
    """A clip as it is sent: a file and under what consent it may be looked at."""

    file = serializers.FileField(allow_empty_file=True, help_text="MP4, MOV, AVI, MKV, WebM or MPEG-TS.")
    consent = ConsentField(required=False, help_text="A JSON object: owner, disclosure, purposes, channel, given_at.")
    event = EventField(
        required=False,
        help_text="A JSON object: device_model, detector_version, happened_at, detections (said, score, zone).",
    )
    region = serializers.CharField(max_length=16, help_text="Code of the region where the footage must stay.")
    source = serializers.ChoiceField(choices=Source.choices)  # type: ignore[assignment]  # DRF's own argument name
    language = Language()

    def to_internal_value(self, data: Any) -> Any:
        unknown = sorted(set(data) - set(self.fields))
        if unknown:
            raise serializers.ValidationError({name[:80]: "Unknown field." for name in unknown[:10]})
        twice = [str(name) for name in self.fields if len(data.getlist(name)) > 1]
        if twice:
            raise serializers.ValidationError(dict.fromkeys(twice, "Send this once."))
        return super().to_internal_value(data)


class UploadIn(StrictSerializer):
    """A file that will be sent straight to its region's storage: what it will be, and under what consent."""

    name = Text(max_length=255, help_text="The file's name; only its ending counts.")
    size_bytes = WholeNumber(min_value=0, max_value=2**53)
    sha256 = serializers.RegexField(r"\A[0-9a-f]{64}\Z", help_text="Of the whole file, in lower-case hex.")
    region = Text(max_length=16, help_text="Code of the region where the footage must stay.")
    source = serializers.ChoiceField(choices=Source.choices)  # type: ignore[assignment]  # DRF's own argument name
    language = Language()
    consent = ConsentIn(required=False)
    event = EventIn(required=False)


class EventOut(serializers.ModelSerializer[DeviceEvent]):
    """What the device said, as it was sent."""

    class Meta:
        model = DeviceEvent
        fields = ["device_model", "detector_version", "happened_at", "said", "detections"]
        read_only_fields = fields


class ConsentOut(serializers.Serializer[Any]):
    """What an owner agreed to for a clip, and whether they took it back."""

    id = serializers.IntegerField()
    purposes = serializers.ListField(child=serializers.ChoiceField(choices=Purpose.choices))
    given_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)
    withdrawn_at = serializers.DateTimeField(allow_null=True, help_text="When the last of its purposes was taken back.")


class ClipOut(serializers.ModelSerializer[Clip]):
    """A clip as its sender sees it: where it stands, never what is on it."""

    consents = serializers.SerializerMethodField()
    url = serializers.HyperlinkedIdentityField(view_name="clip", lookup_field="pk")
    event = EventOut(read_only=True, allow_null=True)

    class Meta:
        model = Clip
        fields = [
            "id",
            "url",
            "region",
            "kind",
            "source",
            "language",
            "state",
            "percent",
            "attempts",
            "failure",
            "duration_ms",
            "width",
            "height",
            "size_bytes",
            "sha256",
            "event",
            "consents",
            "created_at",
        ]
        read_only_fields = fields

    @extend_schema_field(ConsentOut(many=True))
    def get_consents(self, clip: Clip) -> list[dict[str, Any]]:
        events = list(queries.events_about(clip))
        given = [event for event in events if event.kind == EventKind.GIVEN]
        return [
            {
                "id": event.pk,
                "purposes": event.purposes,
                "given_at": event.at,
                "expires_at": event.expires_at,
                "withdrawn_at": standing.ended_at(event, events),
            }
            for event in reversed(given)
        ]


class LinkOut(serializers.Serializer[Any]):
    """Where and how to send the file, once."""

    method = serializers.CharField(help_text="Always PUT.")
    url = serializers.CharField()
    headers = serializers.DictField(
        child=serializers.CharField(), help_text="Send these with it; they are part of what is signed."
    )
    expires_at = serializers.DateTimeField()


class UploadOut(ClipOut):
    """A clip whose file is waited for; ``upload`` is null when it is here already."""

    upload = LinkOut(allow_null=True)

    class Meta(ClipOut.Meta):
        fields = [*ClipOut.Meta.fields, "upload"]
        read_only_fields = fields


class SightOut(serializers.Serializer[Any]):
    """One person's look at one clip."""

    clip = serializers.IntegerField()
    first_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()
    purpose = serializers.CharField(help_text="review: labelling it; else why staff looked.")
    person = serializers.CharField(help_text="A pseudonym, the same each time for this owner and another for others.")
    country = serializers.CharField(help_text="Where the person sat then; blank when it is not known.")
    shown = serializers.ListField(child=serializers.CharField(), help_text="Which renditions.")


class OwnerSightsOut(serializers.Serializer[Any]):
    owner = serializers.CharField()
    sights = SightOut(many=True)


class DisclosureOut(serializers.ModelSerializer[Disclosure]):
    """A text that owners are shown, letter for letter, and the passages by which it says what it must."""

    checklist = serializers.DictField(child=serializers.CharField())

    class Meta:
        model = Disclosure
        fields = ["version", "region", "language", "text", "sha256", "checklist", "published_at"]
        read_only_fields = fields


class DisclosuresOut(serializers.Serializer[Any]):
    disclosures = DisclosureOut(many=True)


class DisclosuresIn(StrictSerializer):
    """Which disclosures are asked for."""

    region = serializers.CharField(max_length=16, required=False)
    language = serializers.CharField(max_length=16, required=False)
    version = serializers.SlugField(max_length=64, required=False)
