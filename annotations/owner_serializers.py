"""Shapes of the owners' doors: an event that comes in, what a withdrawal ended, and the owner's file."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from rest_framework import serializers

from annotations.models import ExportState
from annotations.owners import FORMAT
from clips.models import OWNER_KEY, Channel, EventKind, Purpose
from clips.serializers import EventOut, ZonedTime
from config.clock import database_now
from config.http.strict import StrictSerializer, Text, WholeNumber

THE_OWNER_ASKED = "the owner asked"


def purposes_field(**options: Any) -> serializers.ListField:
    """A list of purposes."""
    return serializers.ListField(
        child=serializers.ChoiceField(choices=Purpose.choices), min_length=1, max_length=len(Purpose.choices), **options
    )


def check_not_ahead(value: dict[str, Any]) -> None:
    """Raises ValidationError for what the owner is said to have done in the future; clocks may differ a little."""
    if value.get("at") is not None and value["at"] > database_now() + timedelta(minutes=5):
        raise serializers.ValidationError({"at": "The owner cannot have acted in the future."})


class ConsentEventIn(StrictSerializer):
    """An owner agreed, or took it back."""

    kind = serializers.ChoiceField(choices=EventKind.choices, default=EventKind.GIVEN)
    owner = Text(max_length=64, validators=[OWNER_KEY], help_text="Pseudonymous key of the owner.")
    clip = WholeNumber(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=2**63 - 1,
        help_text="Without it: all clips of the owner, those to come too.",
    )
    purposes = purposes_field(required=False, help_text="What was agreed to. A withdrawal without it ends all.")
    disclosure = serializers.SlugField(
        max_length=64, required=False, help_text="Version of the text the owner was shown; not for a withdrawal."
    )
    channel = serializers.ChoiceField(choices=Channel.choices, help_text="Where the owner acted.")
    at = ZonedTime(required=False, help_text="When the owner acted; a withdrawal without it is of now.")
    expires_at = ZonedTime(required=False, allow_null=True, help_text="From then on it no longer stands.")
    reason = serializers.CharField(max_length=300, min_length=3, required=False, help_text="For a withdrawal.")

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        check_not_ahead(value)
        given = value["kind"] == EventKind.GIVEN
        needed = ("purposes", "disclosure", "at") if given else ()
        strange = ("reason",) if given else ("disclosure", "expires_at")
        wrong = {name: "This is needed when consent is given." for name in needed if name not in value}
        wrong |= {name: f"This does not belong to what was {value['kind']}." for name in strange if name in value}
        if wrong:
            raise serializers.ValidationError(wrong)
        return value


class ConsentWithdrawalIn(StrictSerializer):
    """The owner took back what this event gave."""

    purposes = purposes_field(required=False, help_text="Without it: all.")
    channel = serializers.ChoiceField(choices=Channel.choices, default=Channel.APP)
    at = ZonedTime(required=False, help_text="When the owner said so; without it, now.")
    reason = serializers.CharField(
        max_length=300, min_length=3, default=THE_OWNER_ASKED, help_text="Kept beside the withdrawal."
    )

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        check_not_ahead(value)
        return value


class ConsentEventOut(serializers.Serializer[Any]):
    """An event as it is kept; nothing of it ever changes."""

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=EventKind.choices)
    owner = serializers.CharField()
    clip = serializers.IntegerField(allow_null=True, help_text="Null: all clips of the owner.")
    purposes = purposes_field()
    disclosure = serializers.CharField(allow_null=True)
    disclosure_sha256 = serializers.CharField(allow_blank=True, help_text="Of the text that was shown.")
    channel = serializers.ChoiceField(choices=Channel.choices)
    at = serializers.DateTimeField(help_text="When the owner acted.")
    expires_at = serializers.DateTimeField(allow_null=True)
    recorded_at = serializers.DateTimeField()
    withdraws = serializers.IntegerField(allow_null=True, help_text="The event that was named.")
    reason = serializers.CharField(allow_blank=True)


class HoldingExportOut(serializers.Serializer[Any]):
    """An export that holds labels of these clips. It is handed out no more once one of them was withdrawn, and its file
    is removed."""

    id = serializers.IntegerField()
    project = serializers.CharField()
    created_at = serializers.DateTimeField()
    sha256 = serializers.CharField()
    state = serializers.ChoiceField(choices=ExportState.choices)
    lines = serializers.IntegerField(help_text="How many of its lines are of these clips.")


class EndedOut(serializers.Serializer[Any]):
    """What a withdrawal ended. Every gate is shut when this is answered."""

    leases_ended = serializers.IntegerField(
        allow_null=True, help_text="By this call; the holder's next call answers 410. Null: also beyond your regions."
    )
    clips_closing = serializers.IntegerField(
        allow_null=True, help_text="Clips whose leases and tasks are still being ended; nobody sees them either."
    )
    exports = HoldingExportOut(many=True, help_text="Finished exports that hold these clips.")


class RecordedOut(ConsentEventOut):
    """The event, and what it ended if it is a withdrawal."""

    ended = EndedOut(allow_null=True)


class WithdrawnOut(EndedOut):
    """A withdrawal that named a consent."""

    consent = serializers.IntegerField()
    event = serializers.IntegerField(help_text="The withdrawal's own number.")
    clip = serializers.IntegerField(allow_null=True, help_text="Null: all clips of the owner.")
    purposes = purposes_field()
    withdrawn_at = serializers.DateTimeField()


class PermittedOut(serializers.Serializer[Any]):
    clip = serializers.IntegerField()
    purpose = serializers.ChoiceField(choices=Purpose.choices)
    consent = serializers.IntegerField(help_text="The event under which it is.")
    until = serializers.DateTimeField(allow_null=True, help_text="Null: until it is taken back.")


class ShownOut(serializers.Serializer[Any]):
    """A text that the owner was shown, letter for letter."""

    version = serializers.CharField()
    region = serializers.CharField()
    language = serializers.CharField()
    text = serializers.CharField()
    sha256 = serializers.CharField(help_text="Of the text's UTF-8 bytes.")
    published_at = serializers.DateTimeField()


class HeldRenditionOut(serializers.Serializer[Any]):
    kind = serializers.CharField()
    content_type = serializers.CharField()
    size_bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    made_at = serializers.DateTimeField()


class HeldCaseOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    kind = serializers.CharField()
    state = serializers.CharField()
    opened_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(allow_null=True)
    decision = serializers.CharField(allow_blank=True)
    decided_at = serializers.DateTimeField(allow_null=True)


class HeldAnnotationOut(serializers.Serializer[Any]):
    """What somebody answered about a clip. Who it was is not said."""

    project = serializers.CharField()
    purpose = serializers.ChoiceField(choices=Purpose.choices)
    answer = serializers.JSONField()
    version = serializers.IntegerField()
    given_at = serializers.DateTimeField()
    counted = serializers.BooleanField(help_text="No: amended since, or it came too late.")


class HeldLabelOut(serializers.Serializer[Any]):
    project = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # DRF's own argument name
    votes = serializers.DictField(child=serializers.IntegerField())
    settled_at = serializers.DateTimeField()


class HeldClipOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    region = serializers.CharField()
    kind = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # DRF's own argument name
    language = serializers.CharField(help_text="What is spoken in it; empty: not known.")
    state = serializers.CharField()
    created_at = serializers.DateTimeField()
    is_sensitive = serializers.BooleanField()
    duration_ms = serializers.IntegerField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    size_bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    facts = serializers.DictField()
    sound = serializers.DictField()
    device_event = EventOut(allow_null=True)
    renditions = HeldRenditionOut(many=True)
    cases = HeldCaseOut(many=True)
    annotations = HeldAnnotationOut(many=True)
    labels = HeldLabelOut(many=True)


class OwnerFile(serializers.Serializer[Any]):
    """Everything that is held of one owner. Times are ISO 8601 in UTC, lengths in milliseconds, sizes in bytes."""

    format = serializers.ChoiceField(choices=[FORMAT])
    owner = serializers.CharField()
    made_at = serializers.DateTimeField()
    consents = ConsentEventOut(many=True, help_text="What was agreed to and taken back, in the order it came to us.")
    permitted_now = PermittedOut(many=True)
    disclosures = ShownOut(many=True)
    clips = HeldClipOut(many=True)
    exports = HoldingExportOut(many=True)
