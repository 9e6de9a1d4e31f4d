"""Changes: what people did to others' work and to the rules of it, latest first, as the database wrote it down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group, User
from django.db.models import Model

from annotations.models import Lease, Project, Task
from clips.models import Clip, LegalHold, LegalRequest, OwnerRequest
from config.scope import all_or_seen, seen
from workforce.models import (
    Absence,
    Closure,
    DailyLimit,
    FactorHeld,
    OwnHours,
    Region,
    Reviewer,
    RoleHeld,
    Shift,
    Skill,
    Staff,
    StaffScope,
    Team,
    WorkedHoliday,
)

# What is kept, by the word for it.
KEPT: dict[str, type[Model]] = {
    "lease": Lease,
    "task": Task,
    "project": Project,
    "clip": Clip,
    "hold": LegalHold,
    "request": OwnerRequest,
    "legal request": LegalRequest,
    "reviewer": Reviewer,
    "team": Team,
    "shift": Shift,
    "own hours": OwnHours,
    "closure": Closure,
    "worked holiday": WorkedHoliday,
    "absence": Absence,
    "skill": Skill,
}
LIMIT, ROLE, FACTOR = "limit", "role", "second factor"
# What is given and taken, and the word for it.
GIVEN: dict[type[Model], str] = {RoleHeld: "role", StaffScope: "scope", FactorHeld: "second factor"}
INNER = {"pgh_id", "pgh_created_at", "pgh_label", "pgh_obj", "pgh_context"}


@dataclass(frozen=True)
class Change:
    """Who did what to which row, when and why; each field's value before and after."""

    at: datetime
    by: str
    verb: str
    why: str
    kind: str
    number: int
    fields: dict[str, tuple[Any, Any]]


def latest(
    *, kind: str = "", number: int | None = None, by: str = "", most: int = 100, to: User | None = None
) -> list[Change]:
    """The latest changes, of one kind, one row or one person if asked, of rows that ``to`` may find; at most ``most``.

    Changes without a name were made by the system or by hand in SQL.
    """
    found: list[Change] = []
    for name, model in KEPT.items():
        if kind in {"", name} and _may_read(to, model):
            found += _of(name, model, number=number, by=by, most=most, to=to)
    if kind in {"", LIMIT} and number is None and _may_read(to, DailyLimit):
        found += _limits(by=by, most=most, to=to)
    if kind in {"", ROLE} and _may_read(to, Staff):
        found += _given(RoleHeld, ROLE, number=number, by=by, most=most, to=to)
        found += _given(StaffScope, ROLE, number=number, by=by, most=most, to=to)
    if kind in {"", FACTOR} and _may_read(to, Staff):
        found += _given(FactorHeld, FACTOR, number=number, by=by, most=most, to=to)
    return sorted(found, key=lambda change: change.at, reverse=True)[:most]


def of_person(person: Reviewer, *, most: int = 50, to: User | None = None) -> list[Change]:
    """The latest changes of a person's row and of whatever is theirs: skills, hours, absences, leases, limits."""
    found: list[Change] = []
    for name, model in KEPT.items():
        if _may_read(to, model):
            if model is Reviewer:
                found += _of(name, model, number=person.pk, by="", most=most, to=to)
            elif any(field.name == "reviewer" for field in model._meta.fields):
                found += _of(name, model, number=None, by="", most=most, to=to, reviewer=person.pk)
    if _may_read(to, DailyLimit):
        found += _limits(by="", most=most, to=to, reviewer=person.pk)
    return sorted(found, key=lambda change: change.at, reverse=True)[:most]


def kinds_for(user: User) -> list[str]:
    """The words for what this person may read changes of."""
    words = [name for name, model in KEPT.items() if _may_read(user, model)]
    return words + [
        word for word, model in ((LIMIT, DailyLimit), (ROLE, Staff), (FACTOR, Staff)) if _may_read(user, model)
    ]


def _may_read(to: User | None, model: type[Model]) -> bool:
    return to is None or to.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")


def _of(
    kind: str,
    model: Any,
    *,
    number: int | None,
    by: str,
    most: int,
    to: User | None,
    reviewer: int | None = None,
) -> list[Change]:
    events = model.pgh_event_model.objects
    if to is not None:
        events = events.filter(pgh_obj__in=seen(to, model.objects.all()).order_by().values("pk"))
    after = events.filter(pgh_label="to").select_related("pgh_context").order_by("-pgh_id")
    if number is not None:
        after = after.filter(pgh_obj_id=number)
    if reviewer is not None:
        after = after.filter(reviewer=reviewer)
    if by:
        after = after.filter(pgh_context__metadata__by=by)
    rows = list(after[:most])
    before: dict[int, list[Any]] = {}
    if rows:
        # What was stands right before what is, for the same row: its trigger fires first.
        was = events.filter(
            pgh_label="from", pgh_obj_id__in={row.pgh_obj_id for row in rows}, pgh_id__lt=rows[0].pgh_id
        )
        for row in was.order_by("-pgh_id"):
            before.setdefault(row.pgh_obj_id, []).append(row)
    columns = [field.attname for field in model.pgh_event_model._meta.fields if field.name not in INNER]
    changes = []
    for row in rows:
        old = next((item for item in before.get(row.pgh_obj_id, []) if item.pgh_id < row.pgh_id), None)
        said = row.pgh_context.metadata if row.pgh_context else {}
        changes.append(
            Change(
                at=row.pgh_created_at,
                by=said.get("by", ""),
                verb=said.get("verb", ""),
                why=said.get("why", ""),
                kind=kind,
                number=row.pgh_obj_id,
                fields={
                    name.removesuffix("_id"): (getattr(old, name, None), getattr(row, name))
                    for name in columns
                    if getattr(old, name, None) != getattr(row, name)
                },
            )
        )
    return changes


def _given(model: Any, kind: str, *, number: int | None, by: str, most: int, to: User | None) -> list[Change]:
    """Roles, scopes and second factors that were given and taken, by the number of whose they are."""
    rows = model.pgh_event_model.objects.select_related("pgh_context").order_by("-pgh_id")
    if to is not None:
        rows = rows.filter(user__in=seen(to, Staff.objects.all()).order_by().values("pk"))
    if number is not None:
        rows = rows.filter(user=number)
    if by:
        rows = rows.filter(pgh_context__metadata__by=by)
    changes = []
    for row in rows[:most]:
        said = row.pgh_context.metadata if row.pgh_context else {}
        named = _named(row)
        changes.append(
            Change(
                at=row.pgh_created_at,
                by=said.get("by", ""),
                verb=said.get("verb", ""),
                why=said.get("why", ""),
                kind=kind,
                number=row.user_id,
                fields={GIVEN[model]: (None, named) if row.pgh_label == "given" else (named, "-")},
            )
        )
    return changes


def _named(row: Any) -> str:
    """What was given or taken, in words."""
    if isinstance(row, FactorHeld.pgh_event_model):
        return "an app"
    if hasattr(row, "group_id"):
        group = Group.objects.filter(pk=row.group_id).first()
        return str(group or row.group_id)
    if row.everywhere:
        return "everywhere"
    place = Region.objects.filter(pk=row.region_id).first() or Team.objects.filter(pk=row.team_id).first()
    return str(place)


def _limits(*, by: str, most: int, to: User | None, reviewer: int | None = None) -> list[Change]:
    """Limits are never edited, so each is its own record."""
    rows = all_or_seen(to, DailyLimit.objects.all())
    rows = rows.select_related("author", "region", "team", "reviewer__user").order_by("-id")
    if by:
        rows = rows.filter(author__username=by)
    if reviewer is not None:
        rows = rows.filter(reviewer=reviewer)
    return [
        Change(
            at=row.created_at,
            by=row.author.get_username(),
            verb="set limit",
            why=row.reason,
            kind=LIMIT,
            number=row.pk,
            fields={f"{row}, from {row.from_day}": (None, row.value)},
        )
        for row in rows[:most]
    ]
