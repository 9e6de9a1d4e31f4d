"""Calendars: rows put in, rows taken out with a reason, and what is off when; all as verbs of the people's room."""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from config.history import because
from workforce import days
from workforce.models import Absence, Closure, OwnHours, Reviewer, Shift, WorkedHoliday

Row = TypeVar("Row", Shift, OwnHours, Closure, WorkedHoliday, Absence)
OVERLAPS = "Somebody has just put in what this overlaps. Look again."


def put_in(row: Row, *, by: User | None = None) -> Row:
    """Put a new row into a calendar. Raises ValidationError, with words for what overlaps or runs backwards."""
    row.author = by
    row.full_clean()
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        # Another was faster than our look; the database refused what the look did not see.
        raise ValidationError(OVERLAPS, code="overlap") from None
    return row


def take_out(row: Row, *, by: User, reason: str, at: datetime) -> bool:
    """Take a row out of its calendar; False when it was out. Raises :class:`config.history.ReasonMissing`."""
    with because(by, reason, verb="take out"), transaction.atomic():
        return type(row).objects.filter(pk=row.pk, cancelled_at=None).update(cancelled_at=at) == 1


@transaction.atomic
def exchange(old: Row, new: Row, *, by: User, reason: str, at: datetime) -> Row:
    """Put a row into the place of another, which is kept as taken out. Raises ValidationError, also when the other was
    taken out by somebody else; :class:`config.history.ReasonMissing`."""
    if not take_out(old, by=by, reason=reason, at=at):
        raise ValidationError(OVERLAPS, code="overlap")
    return put_in(new, by=by)


def end_employment(*, at: datetime) -> int:
    """Let people go whose last day is over by their own zone: they can no longer take work. Returns how many."""
    over = [
        person.pk
        for person in Reviewer.objects.filter(is_active=True, ends_on__isnull=False)
        if person.ends_on is not None and person.ends_on < days.local_day(at, person.zone_at(at))
    ]
    return Reviewer.objects.filter(pk__in=over, is_active=True, ends_on__isnull=False).update(is_active=False)
