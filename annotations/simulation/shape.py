"""What a scenario file may say, as a JSON Schema. Pure."""

from __future__ import annotations

from typing import Any

NAME = {"type": "string", "minLength": 1, "maxLength": 64}
CODE = {"type": "string", "minLength": 1, "maxLength": 16}
SKILLS = {"type": "array", "items": {"type": "string", "pattern": r"^[a-z0-9_-]{1,32}$"}, "uniqueItems": True}
LANGUAGE = {"type": "string", "pattern": "^[a-z]{2,3}$"}
COUNTRY = {"type": "string", "pattern": "^[A-Z]{2}$"}
WALL = {"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d$"}
DAY = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _thing(required: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def _list(items: dict[str, Any], least: int = 1) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": least}


def _whole(least: int, most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": most}


def _number(least: float, most: float) -> dict[str, Any]:
    return {"type": "number", "minimum": least, "maximum": most}


SHIFT = _thing("days from to", **{"days": _list({"enum": list(WEEKDAYS)}), "from": WALL, "to": WALL})
CLOSURE = _thing("first reason", first=DAY, last=DAY, reason={"type": "string", "minLength": 1, "maxLength": 200})
PEOPLE = _thing(
    "count country",
    count=_whole(1, 100_000),
    country=COUNTRY,
    skills=SKILLS,
    languages={"type": "array", "items": LANGUAGE},
    cleared={"type": "boolean"},
    seconds=_number(3, 3600),
    spread=_number(0, 2),
    quota=_whole(0, 10_000),
    agree=_number(0, 1),
)
TEAM = _thing(
    "name region time_zone people",
    name=NAME,
    region=NAME,
    time_zone=NAME,
    weight=_whole(1, 1000),
    shifts=_list(SHIFT, 0),
    closures=_list(CLOSURE, 0),
    people=_list(PEOPLE, 0),
)
PROJECT = _thing(
    "slug teams",
    slug={"type": "string", "pattern": r"^[a-z0-9-]{1,64}$"},
    teams=_list(NAME),
    kind={"enum": ["video", "voice"]},
    overlap=_whole(1, 9),
    most_seats=_whole(1, 15),
    seats_apart={"type": "boolean"},
    due_hours=_whole(1, 24 * 60),
    priority=_whole(0, 240),
    prefetch=_whole(1, 20),
    lease_seconds=_whole(30, 3600),
    skills=SKILLS,
    asks_language={"enum": ["heard", "always", "never"]},
)
ARRIVAL = _thing(
    "region by_hour",
    region=NAME,
    kind={"enum": ["video", "voice"]},
    language=LANGUAGE,
    by_hour={"type": "array", "items": _number(0, 1_000_000), "minItems": 24, "maxItems": 24},
    days=_list({"enum": list(WEEKDAYS)}),
    waiting=_whole(0, 10_000_000),
    seconds=_number(1, 600),
    sensitive=_number(0, 1),
)
SCENARIO = _thing(
    "starts days regions teams projects arrivals",
    name={"type": "string", "maxLength": 200},
    seed=_whole(0, 2**31),
    starts=DAY,
    days=_whole(1, 366),
    plan_minutes=_whole(1, 24 * 60),
    ask_again_seconds=_whole(5, 3600),
    at_once=_whole(1, 10),
    regions=_list(
        _thing(
            "code time_zone countries", code=CODE, time_zone=NAME, countries=_list(COUNTRY, 0) | {"uniqueItems": True}
        )
    ),
    teams=_list(TEAM),
    projects=_list(PROJECT),
    arrivals=_list(ARRIVAL, 0),
)
