"""Shapes of the calendars' doors. What fits together is judged by the rows themselves, for every door alike."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from config.http.strict import StrictSerializer, WholeNumber
from config.scope import seen
from workforce.models import (
    Absence,
    Closure,
    OwnHours,
    Region,
    Reviewer,
    Shift,
    Skill,
    SkillSource,
    Team,
    Weekday,
    WorkedHoliday,
)


class _Seen:
    """Only rows that who asks may find; others' are answered as what is not there."""

    def get_queryset(self) -> Any:
        rows = super().get_queryset()  # type: ignore[misc]
        request = self.context.get("request")  # type: ignore[attr-defined]
        return rows if request is None else seen(request.user, rows)


class _ByNumber(_Seen, serializers.PrimaryKeyRelatedField[Any]):
    pass


class _ByCode(_Seen, serializers.SlugRelatedField[Any]):
    pass


def _team(**options: Any) -> Any:
    return _ByNumber(queryset=Team.objects.all(), **options)


def _reviewer() -> Any:
    return _ByNumber(queryset=Reviewer.objects.all())


def _region() -> Any:
    return _ByCode(slug_field="code", queryset=Region.objects.all(), required=False, help_text="The region's code.")


class HoursIn(StrictSerializer):
    weekday = serializers.ChoiceField(choices=Weekday.choices, help_text="0 is Monday; the day on which they begin.")
    from_day = serializers.DateField(required=False)
    until_day = serializers.DateField(required=False)


class ShiftIn(HoursIn):
    team = _team()
    begins = serializers.TimeField(help_text="On the wall where the team is.")
    ends = serializers.TimeField(help_text="At or before the beginning: on the next day.")


class OwnHoursIn(HoursIn):
    reviewer = _reviewer()
    begins = serializers.TimeField(required=False, help_text="Neither this nor the end: the whole day.")
    ends = serializers.TimeField(required=False, help_text="At or before the beginning: on the next day.")


class ClosureIn(StrictSerializer):
    region = _region()
    team = _team(required=False, help_text="A region or a team, or neither for everybody.")
    first_day = serializers.DateField()
    last_day = serializers.DateField()
    begins = serializers.TimeField(required=False, help_text="Of each day. Neither this nor the end: whole days.")
    ends = serializers.TimeField(required=False, help_text="Of each day; 00:00 is the midnight at its end.")
    reason = serializers.CharField(max_length=200)


class WorkedHolidayIn(StrictSerializer):
    region = _region()
    team = _team(required=False, help_text="A region or a team, or neither for everybody.")
    day = serializers.DateField()
    reason = serializers.CharField(max_length=200)


class AbsenceIn(StrictSerializer):
    reviewer = _reviewer()
    first_day = serializers.DateField()
    from_time = serializers.TimeField(required=False, help_text="On the first day.")
    last_day = serializers.DateField()
    until_time = serializers.TimeField(required=False, help_text="On the last day.")


class SkillIn(StrictSerializer):
    reviewer = _reviewer()
    name = serializers.SlugField(max_length=32)
    source = serializers.ChoiceField(choices=SkillSource.choices, required=False)  # type: ignore[assignment]
    value = WholeNumber(required=False, min_value=0, max_value=100, help_text="How well, of 100.")
    expires_at = serializers.DateTimeField(required=False)


class ShiftOut(serializers.ModelSerializer[Shift]):
    class Meta:
        model = Shift
        fields = ["id", "team", "weekday", "begins", "ends", "from_day", "until_day"]


class OwnHoursOut(serializers.ModelSerializer[OwnHours]):
    class Meta:
        model = OwnHours
        fields = ["id", "reviewer", "weekday", "begins", "ends", "from_day", "until_day"]


class ClosureOut(serializers.ModelSerializer[Closure]):
    class Meta:
        model = Closure
        fields = ["id", "region", "team", "first_day", "last_day", "begins", "ends", "reason"]


class WorkedHolidayOut(serializers.ModelSerializer[WorkedHoliday]):
    class Meta:
        model = WorkedHoliday
        fields = ["id", "region", "team", "day", "reason"]


class AbsenceOut(serializers.ModelSerializer[Absence]):
    class Meta:
        model = Absence
        fields = ["id", "reviewer", "first_day", "from_time", "last_day", "until_time"]


class SkillOut(serializers.ModelSerializer[Skill]):
    class Meta:
        model = Skill
        fields = ["id", "reviewer", "name", "source", "value", "expires_at"]


class TakenOutOut(serializers.Serializer[Any]):
    taken_out = serializers.BooleanField()
    changed = serializers.BooleanField(help_text="Whether this call changed it.")


class CapacityIn(serializers.Serializer[Any]):
    hours = serializers.IntegerField(min_value=1, max_value=24 * 31, default=24)
    pace = serializers.FloatField(min_value=1, max_value=24 * 3600, help_text="Active seconds a task.")


class CapacityOut(serializers.Serializer[Any]):
    reviewer = serializers.IntegerField()
    until = serializers.DateTimeField()
    seconds = serializers.IntegerField(help_text="Of shift that are left.")
    tasks = serializers.IntegerField()
