"""Shapes of the people's doors."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from config.http.strict import ReasonIn, WholeNumber
from workforce.models import DailyLimit


class SignIn(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=128, trim_whitespace=False, style={"input_type": "password"})
    otp = serializers.CharField(
        max_length=20,
        required=False,
        allow_blank=True,
        default="",
        help_text="Of staff, where a second factor is asked for: a code of their app, or a recovery code.",
    )


class TokenOut(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="Shown once; only its digest is kept. Send it as `Authorization: Token …`.")
    expires_at = serializers.DateTimeField()


class MeOut(serializers.Serializer[Any]):
    """Who I am, and my day if I review."""

    username = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    roles = serializers.ListField(child=serializers.CharField())
    team = serializers.CharField(allow_null=True)
    region = serializers.CharField(allow_null=True)
    time_zone = serializers.CharField(allow_null=True)
    pseudonym = serializers.CharField(allow_null=True, help_text="How exports know me.")
    quota = serializers.DictField(allow_null=True, help_text="day, allowed, used, held, left, resets_at")


class DayOut(serializers.Serializer[Any]):
    day = serializers.DateField(help_text="Your local date.")
    allowed = serializers.IntegerField()
    limit_source = serializers.CharField(help_text="Whose limit it was: global, region, team, reviewer or day.")
    used = serializers.IntegerField()
    held = serializers.IntegerField()
    left = serializers.IntegerField()
    resets_at = serializers.DateTimeField()
    exposed_seconds = serializers.IntegerField(help_text="Of sensitive or distressing footage that you were handed.")


class DaysOut(serializers.Serializer[Any]):
    days = DayOut(many=True)


class PausedStateOut(serializers.Serializer[Any]):
    paused = serializers.BooleanField()
    changed = serializers.BooleanField(help_text="Whether this call changed it.")


class DayLimitIn(ReasonIn):
    value = WholeNumber(min_value=0, max_value=10_000, help_text="Clips on that day.")


class LimitIn(DayLimitIn):
    from_day = serializers.DateField(help_text="The local day from which it counts.")
    region = serializers.CharField(required=False, max_length=16)
    team = WholeNumber(required=False, min_value=1)
    reviewer = WholeNumber(required=False, min_value=1)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len({"region", "team", "reviewer"} & set(attrs)) > 1:
            raise serializers.ValidationError("Name one of region, team and reviewer, or none of them.")
        return attrs


class LimitOut(serializers.ModelSerializer[DailyLimit]):
    author = serializers.CharField(source="author.username")

    class Meta:
        model = DailyLimit
        fields = ["id", "level", "region", "team", "reviewer", "value", "from_day", "reason", "author", "created_at"]


class ExplainedStepOut(serializers.Serializer[Any]):
    level = serializers.CharField()
    value = serializers.IntegerField()
    counts = serializers.BooleanField(help_text="Whether this is the limit that counts.")
    reason = serializers.CharField()
    author = serializers.CharField(allow_null=True)
    from_day = serializers.DateField(allow_null=True)


class ExplainedOut(serializers.Serializer[Any]):
    """The limit that counts on a person's day, and all others that speak of it."""

    reviewer = serializers.IntegerField()
    day = serializers.DateField()
    value = serializers.IntegerField()
    level = serializers.CharField()
    limits = ExplainedStepOut(many=True)
