"""A report as somebody may read it: its columns, its rows, its days, and the same as CSV."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib.auth.models import User
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from annotations.models import Project, Report
from annotations.reporting import queries
from annotations.reporting.queries import Asked
from annotations.timesheets import csv_line
from config.scope import get_seen, scope_of, seen
from workforce.models import Region, Team

Words = tuple[str | Promise, ...]
PLACE: Words = (_("Region"), _("Team"), _("Project"))


@dataclass(frozen=True)
class Kind:
    """What a report is about, who may read it, and what its columns are called."""

    title: str | Promise
    about: str | Promise
    need: str
    places: Words
    figures: Words
    charted: tuple[int, ...]
    """Which figures its chart shows by day."""
    by_project: bool = True
    lines: bool = False
    """Its chart is of lines: what is shown cannot be added up."""


KINDS: dict[str, Kind] = {
    Report.DONE: Kind(
        _("Done"), _("Answers that were given, and by how many people."), "annotations.view_annotation", PLACE,
        (_("Answers"), _("People"), _("A person's day")), (0,),
    ),
    Report.SPEED: Kind(
        _("Speed"), _("Active seconds an answer took, waits for the network aside."), "annotations.view_annotation",
        PLACE, (_("Answers"), _("Half within, s"), _("Nine in ten within, s")), (1, 2), lines=True,
    ),
    Report.QUOTA: Kind(
        _("Quota use"), _("What people's days allowed, and what was used of it. Of days that were begun."),
        "workforce.view_quotaday", PLACE[:2],
        (_("Days"), _("Allowed"), _("Used"), _("Used, %"), _("Skips"), _("Days run dry")), (1, 2), by_project=False,
        lines=True,
    ),
    Report.TIMESHEETS: Kind(
        _("Timesheets"), _("Hours of each person: at work, waiting for the network, added by staff."),
        "annotations.view_timesheet", (*PLACE[:2], _("Person")),
        (_("Days"), _("Active, h"), _("Lost, h"), _("Granted, h"), _("Total, h")), (4,), by_project=False,
    ),
    Report.WAITING: Kind(
        _("Waiting times"), _("Hours from a task's making to each of its answers."), "annotations.view_annotation",
        PLACE, (_("Answers"), _("Half within, h"), _("Nine in ten within, h")), (1, 2), lines=True,
    ),
    Report.EXPOSURE: Kind(
        _("Exposure"), _("Minutes of sensitive or distressing footage that people were handed."),
        "workforce.view_quotaday", PLACE[:2],
        (_("Minutes"), _("People"), _("Most in a person's day"), _("Days near the limit")), (0,), by_project=False,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Told:
    """A report that was read."""

    kind: Kind
    asked: Asked
    rows: list[list[Any]]
    by_day: dict[date, list[Any]]

    @property
    def columns(self) -> list[str]:
        return [str(word) for word in (*self.kind.places, *self.kind.figures)]


def may_read(user: User, report: str) -> bool:
    """Whether this person may read reports of this kind."""
    return report in KINDS and user.has_perm(KINDS[report].need)


def asked_by(
    user: User, *, first: date, last: date, region: Region | None, team: Team | None, project: Project | None
) -> Asked:
    """What somebody asks, narrowed to the teams that are theirs now. Raises :class:`config.errors.NotFound` for a
    region, a team or a project that is not."""
    scope = scope_of(user)
    teams = None if scope.everywhere else frozenset(scope.teams)
    if region is not None:
        get_seen(user, Region.objects.all(), region.pk)
        teams = frozenset(seen(user, Team.objects.filter(region=region)).values_list("pk", flat=True))
    if team is not None:
        get_seen(user, Team.objects.all(), team.pk)
        teams = frozenset({team.pk}) if teams is None else teams & {team.pk}
    if project is not None:
        get_seen(user, Project.objects.all(), project.pk)
    return Asked(first, last, teams, project.pk if project else None)


def read(report: str, asked: Asked) -> Told:
    """The report, in one statement."""
    kind = KINDS[report]
    found, by_day = queries.rows(report, asked, places=len(kind.places))
    return Told(kind, asked, found, by_day)


def as_csv(told: Told) -> Iterator[str]:
    """The report's rows as lines of CSV; the first names the columns."""
    yield csv_line(told.columns)
    for row in told.rows:
        yield csv_line(row)
