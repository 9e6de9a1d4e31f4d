"""Shapes of the doors to active time."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from annotations.models import ActiveSpan, TimeContest, Timesheet
from config.http.strict import ReasonIn, StrictSerializer, WholeNumber


class SheetOut(serializers.ModelSerializer[Timesheet]):
    """A day of mine."""

    class Meta:
        model = Timesheet
        fields = ["day", "active_ms", "lost_ms", "granted_ms", "total_ms", "spans", "leases"]


class RunningOut(serializers.Serializer[Any]):
    lease = serializers.IntegerField()
    started_at = serializers.DateTimeField()
    beat_at = serializers.DateTimeField()


class MyTimeOut(serializers.Serializer[Any]):
    days = SheetOut(many=True)
    running = RunningOut(allow_null=True, help_text="The clock that runs now; it is not in the days yet.")


class SpanOut(serializers.ModelSerializer[ActiveSpan]):
    class Meta:
        model = ActiveSpan
        fields = ["lease", "started_at", "ended_at", "lost_ms"]


class ContestIn(StrictSerializer):
    note = serializers.CharField(max_length=1000, help_text="What is not right, in 3 to 300 characters.")


class ContestOut(serializers.ModelSerializer[TimeContest]):
    class Meta:
        model = TimeContest
        fields = ["id", "day", "note", "made_at", "answer", "answered_at", "granted_ms"]


class MyDayTimeOut(serializers.Serializer[Any]):
    day = serializers.DateField()
    spans = SpanOut(many=True)
    contests = ContestOut(many=True)


class AnswerIn(ReasonIn):
    granted_seconds = WholeNumber(
        min_value=0, max_value=24 * 3600, default=0, help_text="Time that is added to the day."
    )


class SheetsIn(serializers.Serializer[Any]):
    first = serializers.DateField(help_text="The first local day.")
    last = serializers.DateField(help_text="The last local day, inclusive.")
    region = serializers.CharField(required=False, help_text="A region's code; all regions unless said.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["last"] < attrs["first"]:
            raise serializers.ValidationError({"last": "The last day is before the first."})
        if (attrs["last"] - attrs["first"]).days > 366:
            raise serializers.ValidationError({"last": "A year at most at once."})
        return attrs
