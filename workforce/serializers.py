"""Shapes of the people's doors."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class SignIn(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=128, trim_whitespace=False, style={"input_type": "password"})


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


class DaysOut(serializers.Serializer[Any]):
    days = DayOut(many=True)
