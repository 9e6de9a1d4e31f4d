"""Mailing: a report to who asked for it, when its period is over. Each period is sent at most once.

Of two beats that look at the same moment one writes the issue's row, by a constraint, and one sends it, by a
conditional update. A sender that dies while it sends leaves a row of which nobody knows whether it was sent: it is not
sent again.
"""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta
from smtplib import SMTPException

from django.contrib.auth.models import User
from django.core.mail import EmailMessage, get_connection
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet

from annotations.errors import NoAddress
from annotations.models import ISSUE_MOVES, Every, IssueState, Project, ReportIssue, ReportSubscription
from annotations.reporting import reading
from annotations.reporting.reading import Told
from config.errors import NotFound
from config.scope import scope_of
from config.states import move
from workforce import days
from workforce.models import Region, Team

log = logging.getLogger("sightline.reports")

# After the last of its teams' days is over, sweeps have ended what was left of it.
AFTER = timedelta(minutes=15)
# Longer than a mail takes: silence for so long means that its sender died.
SILENCE = timedelta(minutes=10)
TRIES, MOST_LINES = 6, 40


def subscribe(
    user: User,
    *,
    report: str,
    every: str,
    region: Region | None = None,
    team: Team | None = None,
    project: Project | None = None,
    at: datetime,
) -> ReportSubscription:
    """Have a report mailed from its next period on. Subscribing twice is dull. Raises :class:`NoAddress`, and
    :class:`config.errors.NotFound` for a report or a place that is not theirs."""
    if not reading.may_read(user, report) or every not in Every.values:
        raise NotFound
    reading.asked_by(user, first=at.date(), last=at.date(), region=region, team=team, project=project)
    if not user.email:
        raise NoAddress
    wanted = {"report": report, "every": every, "region": region, "team": team, "project": project}
    try:
        with transaction.atomic():
            return ReportSubscription.objects.create(user=user, created_at=at, **wanted)
    except IntegrityError:
        return ReportSubscription.objects.get(user=user, ended_at=None, **wanted)


def unsubscribe(user: User, subscription_id: int, *, at: datetime) -> bool:
    """End one's own subscription; False when it had ended. Raises :class:`config.errors.NotFound` for others'."""
    rows = ReportSubscription.objects.filter(pk=subscription_id, user=user)
    if not rows.exists():
        raise NotFound
    return rows.filter(ended_at=None).update(ended_at=at) == 1


def of(user: User) -> QuerySet[ReportSubscription]:
    """What is mailed to this person."""
    rows = ReportSubscription.objects.filter(user=user, ended_at=None)
    return rows.select_related("region", "team", "project")


def period(every: str, *, at: datetime, zones: list[str]) -> tuple[date, date, datetime]:
    """The last period that is over in all these zones: its first and last day, and when it was over."""
    last = days.local_day(at, "UTC") + timedelta(days=1)
    while True:
        last -= timedelta(days=1)
        over = max(days.ends_at(last, zone) for zone in zones or ["UTC"]) + AFTER
        if over <= at and (every == Every.DAY or last.weekday() == 6):
            return (last if every == Every.DAY else last - timedelta(days=6)), last, over


def send_due(*, at: datetime) -> int:
    """Write down the issues whose period is over, and send those that wait; returns how many were sent."""
    live = ReportSubscription.objects.filter(ended_at=None)
    for one in live.select_related("user", "region", "team", "project"):
        first, last, over = period(one.every, at=at, zones=_zones(one))
        if over > one.created_at:
            # Two who do so at once write one row.
            row = ReportIssue(subscription=one, first_day=first, last_day=last, due_at=at, state_since=at)
            ReportIssue.objects.bulk_create([row], ignore_conflicts=True)
    give_up_silent(at=at)
    waits = ReportIssue.objects.filter(state=IssueState.WAITING, due_at__lte=at).order_by("due_at", "pk")
    return sum(send(pk, at=at) for pk in list(waits.values_list("pk", flat=True)))


def _zones(one: ReportSubscription) -> list[str]:
    scope = scope_of(one.user)
    teams = Team.objects.filter(scope.of("pk"))
    if one.team:
        teams = teams.filter(pk=one.team.pk)
    if one.region:
        teams = teams.filter(region=one.region)
    return sorted(set(teams.order_by().values_list("time_zone", flat=True)))


def send(issue_id: int, *, at: datetime) -> bool:
    """Send an issue that waits; False when another sends it, or it cannot be sent. It is of what its reader may see
    now."""
    rows = ReportIssue.objects.filter(pk=issue_id)
    sending = {"attempts": F("attempts") + 1, "state_since": at, "due_at": at + SILENCE}
    if move(rows, moves=ISSUE_MOVES, old=IssueState.WAITING, new=IssueState.SENDING, **sending) != 1:
        return False
    issue = rows.select_related(
        "subscription__user", "subscription__region", "subscription__team", "subscription__project"
    ).get()
    why = _why_not(issue)
    if why:
        return _drop(issue, why, at=at)
    try:
        told = _told(issue)
    except NotFound:
        return _drop(issue, "Its reader may not see this place any more.", at=at)
    try:
        connection = get_connection()
        connection.open()
    except (SMTPException, OSError) as error:
        return _put_off(issue, error, at=at)
    try:
        EmailMessage(
            subject=_subject(issue),
            body=_body(issue, told),
            to=[issue.subscription.user.email],
            attachments=[(_file_name(issue), "".join(reading.as_csv(told)), "text/csv")],
            connection=connection,
        ).send()
    except (SMTPException, OSError) as error:
        return _drop(issue, f"It is not known whether it was sent: {type(error).__name__}.", at=at)
    finally:
        connection.close()
    mine = rows.filter(attempts=issue.attempts)
    return move(mine, moves=ISSUE_MOVES, old=IssueState.SENDING, new=IssueState.SENT, due_at=None, failure="") == 1


def give_up_silent(*, at: datetime) -> int:
    """Say of issues whose sender died that nobody knows whether they were sent; returns how many."""
    silent = ReportIssue.objects.filter(due_at__lte=at)
    failure = "Its sender died; it is not known whether it was sent."
    dropped = {"due_at": None, "state_since": at, "failure": failure}
    return move(silent, moves=ISSUE_MOVES, old=IssueState.SENDING, new=IssueState.DROPPED, **dropped)


def _why_not(issue: ReportIssue) -> str:
    one = issue.subscription
    if one.ended_at is not None:
        return "It was unsubscribed."
    if not one.user.is_active or not one.user.is_staff:
        return "Its reader's sign-in is closed."
    if not reading.may_read(one.user, one.report):
        return "Its reader may not read such reports any more."
    return "" if one.user.email else "Its reader has no e-mail address."


def _told(issue: ReportIssue) -> Told:
    one = issue.subscription
    asked = reading.asked_by(
        one.user, first=issue.first_day, last=issue.last_day, region=one.region, team=one.team, project=one.project
    )
    return reading.read(one.report, asked)


def _drop(issue: ReportIssue, why: str, *, at: datetime) -> bool:
    log.warning("report issue %s was not sent: %s", issue.pk, why)
    rows = ReportIssue.objects.filter(pk=issue.pk, attempts=issue.attempts)
    dropped = {"failure": why, "state_since": at, "due_at": None}
    move(rows, moves=ISSUE_MOVES, old=IssueState.SENDING, new=IssueState.DROPPED, **dropped)
    return False


def _put_off(issue: ReportIssue, error: Exception, *, at: datetime) -> bool:
    """The mail server was not reached, so nothing was sent: it is tried again, later each time."""
    if issue.attempts >= TRIES:
        return _drop(issue, f"The mail server was not reached {TRIES} times: {type(error).__name__}.", at=at)
    rows = ReportIssue.objects.filter(pk=issue.pk, attempts=issue.attempts)
    later = at + timedelta(minutes=5 * 2**issue.attempts)
    waits = {"failure": f"The mail server was not reached: {type(error).__name__}.", "state_since": at, "due_at": later}
    move(rows, moves=ISSUE_MOVES, old=IssueState.SENDING, new=IssueState.WAITING, **waits)
    return False


def _subject(issue: ReportIssue) -> str:
    kind = reading.KINDS[issue.subscription.report]
    span = f"{issue.first_day}" if issue.first_day == issue.last_day else f"{issue.first_day} to {issue.last_day}"
    return f"Sightline: {kind.title}, {span}"


def _file_name(issue: ReportIssue) -> str:
    return f"{issue.subscription.report}-{issue.first_day}-{issue.last_day}.csv"


def _body(issue: ReportIssue, told: Told) -> str:
    """The report in words and figures; a long one is whole in the file that comes with it."""
    one = issue.subscription
    where = ", ".join(str(place) for place in (one.region, one.team, one.project) if place) or "all that is yours"
    lines = [_subject(issue), f"{told.kind.about} Of {where}.", ""]
    shown = [[str(cell) for cell in row] for row in [told.columns, *told.rows[:MOST_LINES]]]
    widths = [max(len(row[place]) for row in shown) for place in range(len(told.columns))]
    lines += ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in shown]
    if not told.rows:
        lines.append("Nothing was done in this time.")
    if len(told.rows) > MOST_LINES:
        lines.append(f"and {len(told.rows) - MOST_LINES} more, in the file.")
    lines += ["", f"You asked for this {one.get_every_display().lower()}. To stop it, open Reports in the console."]
    return "\n".join(lines)
