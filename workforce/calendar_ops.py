"""Ops' doors to calendars and skills: put in, take out with a reason; and how much a person can still do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.clock import database_now
from config.http.roles import needs
from config.http.strict import ReasonIn
from config.scope import get_seen, scope_of
from workforce import calendar_serializers as shapes
from workforce import calendars, capacity, skills
from workforce.models import Absence, Closure, OwnHours, Shift, Skill, WorkedHoliday
from workforce.ops import person
from workforce.scopes import check_reach

# Of a team, a region or everybody.
FOR_MANY = {Closure, WorkedHoliday}
REFUSED = {400: OpenApiResponse(description="problem+json: invalid; errors say which field, and why")}


def putting_in(model: type[Any], incoming: type[Any], out: type[Any], *, what: str, more: str = "") -> type[APIView]:
    """The door that puts in a row of this kind."""
    name = model._meta.model_name

    class PutInView(APIView):
        permission_classes = [needs(f"workforce.add_{name}")]

        @extend_schema(
            operation_id=f"put_in_{name}",
            request=incoming,
            responses={201: out} | REFUSED,
            summary=f"Put in {what}",
            description=more or None,
        )
        def post(self, request: Request) -> Response:
            sent = incoming(data=request.data, context={"request": request})
            sent.is_valid(raise_exception=True)
            by = cast(User, request.user)
            if model in FOR_MANY:
                told = sent.validated_data
                check_reach(scope_of(by), region=told.get("region"), team=told.get("team"))
            try:
                if model is Skill:
                    row: Any = skills.give(**sent.validated_data, by=by)
                else:
                    row = calendars.put_in(model(**sent.validated_data), by=by)
            except ValidationError as error:
                raise serializers.ValidationError(serializers.as_serializer_error(error)) from None
            return Response(out(row).data, status=201)

    PutInView.__name__ = PutInView.__qualname__ = f"PutIn{model.__name__}View"
    PutInView.__doc__ = f"Put in {what}."
    return PutInView


def taking_out(model: type[Any], *, what: str) -> type[APIView]:
    """The door that takes out a row of this kind."""
    name = model._meta.model_name

    class TakeOutView(APIView):
        permission_classes = [needs(f"workforce.change_{name}")]

        @extend_schema(
            operation_id=f"take_out_{name}",
            request=ReasonIn,
            responses={200: shapes.TakenOutOut},
            summary=f"Take out {what}",
            description="It counts no more from now on and stays on record with the reason. Repeating it is harmless.",
        )
        def post(self, request: Request, pk: int) -> Response:
            sent = ReasonIn(data=request.data)
            sent.is_valid(raise_exception=True)
            row = get_seen(request.user, model.objects.all(), pk)
            if model in FOR_MANY:
                check_reach(scope_of(request.user), region=row.region, team=row.team)
            take = skills.take_away if model is Skill else calendars.take_out
            changed = take(row, by=cast(User, request.user), reason=sent.validated_data["reason"], at=database_now())
            return Response({"taken_out": True, "changed": changed})

    TakeOutView.__name__ = TakeOutView.__qualname__ = f"TakeOut{model.__name__}View"
    TakeOutView.__doc__ = f"Take out {what}."
    return TakeOutView


ShiftsView = putting_in(
    Shift,
    shapes.ShiftIn,
    shapes.ShiftOut,
    what="a team's shift",
    more="On one day of the week, by the team's zone. An end at or before the beginning is on the next day. A team "
    "without shifts is open all the time.",
)
OwnHoursListView = putting_in(
    OwnHours,
    shapes.OwnHoursIn,
    shapes.OwnHoursOut,
    what="hours of a part-time person",
    more="By the person's zone. A person with any works the team's shifts within these only.",
)
ClosuresView = putting_in(
    Closure,
    shapes.ClosureIn,
    shapes.ClosureOut,
    what="a closure",
    more="Of a team, a region or everybody, by each team's zone: whole days, or hours of each of them.",
)
WorkedHolidaysView = putting_in(
    WorkedHoliday, shapes.WorkedHolidayIn, shapes.WorkedHolidayOut, what="a public holiday that is worked"
)
AbsencesView = putting_in(
    Absence,
    shapes.AbsenceIn,
    shapes.AbsenceOut,
    what="a person's absence",
    more="By the person's zone. What overlaps another absence of theirs is refused.",
)
SkillsView = putting_in(Skill, shapes.SkillIn, shapes.SkillOut, what="a person's skill")

TakeOutShiftView = taking_out(Shift, what="a team's shift")
TakeOutOwnHoursView = taking_out(OwnHours, what="hours of a part-time person")
TakeOutClosureView = taking_out(Closure, what="a closure")
TakeOutWorkedHolidayView = taking_out(WorkedHoliday, what="a public holiday that is worked")
TakeOutAbsenceView = taking_out(Absence, what="a person's absence")
TakeOutSkillView = taking_out(Skill, what="a person's skill")


class CapacityView(APIView):
    """How many more tasks a person can do."""

    permission_classes = [needs("workforce.view_reviewer")]

    @extend_schema(
        operation_id="capacity",
        parameters=[shapes.CapacityIn],
        responses={200: shapes.CapacityOut} | REFUSED,
        summary="How many more tasks a person can do",
        description="In the next `hours`, by their shifts, closures, holidays, absences and quota, at that `pace`.",
    )
    def get(self, request: Request, pk: int) -> Response:
        sent = shapes.CapacityIn(data=request.query_params.dict())
        sent.is_valid(raise_exception=True)
        who, at = person(request, pk), database_now()
        end = at + timedelta(hours=sent.validated_data["hours"])
        found = capacity.left(who, start=at, end=end, at=at, pace=sent.validated_data["pace"])
        return Response({"reviewer": who.pk, "until": end, "seconds": found.seconds, "tasks": found.tasks})
