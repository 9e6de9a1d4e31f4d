"""Strict shapes of what is sent: nothing unknown, nothing of another type taken for what was meant."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import serializers


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


class Text(serializers.CharField):
    """A text as JSON writes it; DRF would also take 3 and true."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class TextUUID(serializers.UUIDField):
    """A UUID as JSON writes it; DRF would also take a number."""

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        found: UUID = super().to_internal_value(data)
        return found


class ReasonIn(StrictSerializer):
    """Why somebody does something to others' work."""

    reason = serializers.CharField(
        max_length=1000, allow_blank=True, help_text="Why, in 3 to 300 characters; kept with your name."
    )
