"""Timesheets: what a person's days add up to, contests of them, and the CSV for whoever pays.

A sheet is a view over spans and answered contests (``annotations/sql/time.sql``), so it cannot say anything else than
they do.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from annotations.errors import ContestAnswered, ContestOpen, DayNotContestable
from annotations.models import ActiveSpan, TimeContest, Timesheet
from config.errors import NotFound
from config.history import checked
from workforce import days
from workforce.models import Reviewer

CONTEST_DAYS = 62
COLUMNS = [
    "day", "region", "team", "username", "pseudonym", "active_ms", "lost_ms", "granted_ms", "total_ms",
    "total_hours", "spans", "leases",
]  # fmt: skip


def sheets(*, first: date, last: date) -> QuerySet[Timesheet]:
    """Everybody's sheets from one local day to another, both inclusive."""
    return Timesheet.objects.filter(day__gte=first, day__lte=last)


def spans_of(reviewer: Reviewer, day: date) -> QuerySet[ActiveSpan]:
    """What one day adds up from, in order."""
    return ActiveSpan.objects.filter(reviewer=reviewer, day=day).order_by("started_at")


def contest(reviewer: Reviewer, day: date, *, note: str, at: datetime) -> TimeContest:
    """Say that a day's time is not right. Raises :class:`DayNotContestable`, :class:`ContestOpen`,
    :class:`config.history.ReasonMissing`."""
    today = days.local_day(at, reviewer.zone_at(at))
    if not today - timedelta(days=CONTEST_DAYS) <= day <= today:
        raise DayNotContestable(f"Days from {today - timedelta(days=CONTEST_DAYS)} to {today} can be contested.")
    try:
        with transaction.atomic():
            return TimeContest.objects.create(reviewer=reviewer, day=day, note=checked(note), made_at=at)
    except IntegrityError:
        raise ContestOpen from None


def answer(contest_id: int, *, by: User, reason: str, granted_seconds: int, at: datetime) -> TimeContest:
    """Answer a contest with a reason and, if it is right, with time that is added to the day, in seconds.

    Raises :class:`NotFound`, :class:`ContestAnswered`, :class:`config.history.ReasonMissing`.
    """
    moved = TimeContest.objects.filter(pk=contest_id, answered_at=None).update(
        answer=checked(reason), answered_by=by, answered_at=at, granted_ms=granted_seconds * 1000
    )
    found = TimeContest.objects.select_related("reviewer__user").filter(pk=contest_id).first()
    if found is None:
        raise NotFound
    if moved != 1:
        raise ContestAnswered
    return found


def as_csv(rows: QuerySet[Timesheet]) -> Iterator[str]:
    """The sheets as lines of CSV, in order of day and person, read in pieces; the first names the columns."""
    yield csv_line(COLUMNS)
    wanted = rows.select_related("reviewer__user", "reviewer__team__region").order_by("day", "reviewer_id")
    for row in wanted.iterator(chunk_size=2000):
        person = row.reviewer
        yield csv_line(
            [
                row.day.isoformat(),
                person.team.region.code,
                person.team.name,
                person.user.get_username(),
                person.pseudonym,
                row.active_ms,
                row.lost_ms,
                row.granted_ms,
                row.total_ms,
                f"{row.total_ms / 3_600_000:.4f}",
                row.spans,
                row.leases,
            ]
        )


def csv_line(cells: Sequence[object]) -> str:
    """One line of CSV, which no spreadsheet takes for a formula."""
    buffer = io.StringIO()
    csv.writer(buffer).writerow([_plain(cell) for cell in cells])
    return buffer.getvalue()


def _plain(cell: object) -> object:
    """A spreadsheet takes what begins like this for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@\t\r" and cell else cell
