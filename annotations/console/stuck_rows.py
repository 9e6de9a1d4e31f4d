"""What stands still, in sections: at most so many rows of each, the worst first, with a way to the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import F, Max, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from annotations.console import counts
from annotations.models import AuditRun, Lease, LeaseState, Plan, PlanKind, PlanLine, Task, TaskState
from annotations.scopes import UNTOLD
from clips.models import Case, CaseState, Clip, ClipState
from config.scope import reaches_all, scope_of, seen

MOST = 20
# Leases that end so soon, and that lapsed so lately, among so many of the latest.
SOON, LATELY, LATEST = timedelta(minutes=2), timedelta(hours=1), 20_000


@dataclass(frozen=True)
class Row:
    """One thing that stands still, why, since when, and what may be done about it right here."""

    pk: int
    name: str
    link: str
    where: str
    why: str
    at: datetime | None
    acts: tuple[str, ...] = ()
    """Names of acts: see ``stuck_acts``."""


@dataclass(frozen=True)
class Section:
    """Rows of one sort."""

    key: str
    title: str
    calm: str
    when: str
    """What the rows' time means."""
    rows: Sequence[Row]
    more: str = ""
    """Where the rest is, if there are more."""
    note: str = field(default="")


def sections(user: User, *, at: datetime) -> list[Section]:
    """All that this person may look at, in the order of how much it hurts."""
    found = [
        make(user, at) for need, make in SECTIONS if user.has_perm(need) and (make is not audit or reaches_all(user))
    ]
    return found


def _section(
    key: str, title: str, calm: str, when: str, rows: QuerySet[Any], row: Callable[[Any], Row], more: str
) -> Section:
    found = [row(one) for one in rows[: MOST + 1]]
    return Section(key, title, calm, when, found[:MOST], more if len(found) > MOST else "")


def _list(table: str, query: str = "") -> str:
    link = reverse(f"admin:{table}_changelist")
    return f"{link}?{query}" if query else link


def _change(table: str, pk: int) -> str:
    return reverse(f"admin:{table}_change", args=[pk])


def failed_clips(user: User, at: datetime) -> Section:
    """Clips whose preparation was given up."""
    rows = seen(user, Clip.objects.filter(state=ClipState.FAILED)).order_by("-pk")
    return _section(
        "clips",
        _("Clips that failed"),
        _("Every clip that came in was prepared, or is on its way."),
        _("failed"),
        rows,
        lambda clip: Row(
            clip.pk,
            str(clip),
            _change("clips_clip", clip.pk),
            clip.region.upper(),
            clip.failure,
            clip.state_since,
            ("retry",),
        ),
        _list("clips_clip", "needs=failed"),
    )


def late_clips(user: User, at: datetime) -> Section:
    """Clips that a sweep should have moved on."""

    def row(clip: Clip) -> Row:
        stops = ("cancel",) if clip.state in {ClipState.UPLOADED, ClipState.PREPARING} else ()
        why = f"{clip.get_state_display()}: {clip.failure}" if clip.failure else clip.get_state_display()
        rings = ("ring",) if clip.state == ClipState.UPLOADED else ()
        link = _change("clips_clip", clip.pk)
        return Row(clip.pk, str(clip), link, clip.region.upper(), why, clip.due_at, (*rings, *stops))

    return _section(
        "late-clips",
        _("Clips that are late in their state"),
        _("Sweeps keep up: no clip has waited longer than it should."),
        _("due"),
        counts.late_clips(user, at=at).order_by("due_at"),
        row,
        _list("clips_clip", "needs=late"),
    )


def proxies(user: User, at: datetime) -> Section:
    """Proxies that could not be made."""
    return _section(
        "proxies",
        _("Proxies that could not be made"),
        _("Every proxy that a project wants was made, or is on its way."),
        _("asked"),
        counts.failed_additions(user).select_related("clip").order_by("-pk"),
        lambda one: Row(
            one.pk,
            str(one),
            _change("clips_addition", one.pk),
            one.clip.region.upper(),
            one.failure,
            one.asked_at,
            ("add",),
        ),
        _list("clips_addition"),
    )


def tasks(user: User, at: datetime) -> Section:
    """Tasks that should have their answers; the first due first, with why the latest plan found nobody, if it did."""
    late = seen(user, Task.objects.filter(state__in=[TaskState.OPEN, TaskState.FULL], due_at__lt=at))
    found = list(late.select_related("project", "team", "lane").order_by("due_at")[: MOST + 1])
    said = _reasons(user, found)

    def row(task: Task) -> Row:
        held = task.overlap - task.answers - task.seats_left - task.seats_later
        why = _("%(answers)s of %(overlap)s answered") % {"answers": task.answers, "overlap": task.overlap}
        why += _(", %(count)s held") % {"count": held} if held else _(", nobody holds it")
        why += _(", %(count)s later, for other teams") % {"count": task.seats_later} if task.seats_later else ""
        reason = said.get(
            (task.project_id, task.team_id, task.lane.region, task.lane.clearance, task.lane.language), ""
        )
        acts: tuple[str, ...] = ("requeue",) if held and task.state == TaskState.OPEN else ()
        acts += ("plan",) if task.state == TaskState.OPEN and not held and not task.answers else ()
        where = f"{task.project}, {task.team}"
        why += _(". No plan finds anybody: %(why)s") % {"why": reason} if reason else ""
        return Row(task.pk, str(task), _change("annotations_task", task.pk), where, why, task.due_at, acts)

    return Section(
        "tasks",
        _("Tasks that are late"),
        _("Every task that is due has its answers."),
        _("due"),
        [row(task) for task in found[:MOST]],
        _list("annotations_task", "state__exact=open") if len(found) > MOST else "",
    )


def _reasons(user: User, late: Sequence[Task]) -> dict[tuple[int, int | None, str, int, str], str]:
    """Why the latest plan of its own found nobody, by project, team and what the lane asks, as they may read."""
    if not late:
        return {}
    last = Plan.objects.filter(kind=PlanKind.BEAT).order_by("-pk").values("pk")[:1]
    lines = PlanLine.objects.filter(plan=last, to_team=None, project__in={task.project_id for task in late})
    scope = scope_of(user)
    mine = {} if scope.everywhere else {"teams": set(scope.teams)}
    found = {}
    for line in seen(user, lines).prefetch_related("project__teams"):
        others = {team.pk for team in line.project.teams.all()} - mine["teams"] if mine else set()
        found[line.project_id, line.from_team_id, line.region, line.clearance, line.language] = (
            UNTOLD if others else line.why
        )
    return found


def disputed(user: User, at: datetime) -> Section:
    """Tasks whose answers do not agree and that have no seat left to ask for."""
    rows = seen(user, Task.objects.filter(state=TaskState.DISPUTED)).select_related("project", "team")
    return _section(
        "disputed",
        _("Disputed tasks"),
        _("All answers agree, or are still being asked for."),
        _("since"),
        rows.order_by("-pk"),
        lambda task: Row(
            task.pk,
            str(task),
            _change("annotations_task", task.pk),
            f"{task.project}, {task.team}",
            ", ".join(f"{count} {label}" for label, count in task.votes.items()),
            task.state_since,
            ("requeue",),
        ),
        _list("annotations_task", "state__exact=disputed"),
    )


def leases(user: User, at: datetime) -> Section:
    """Leases that end in a moment, and those that lapsed lately."""
    newest = (Lease.objects.aggregate(last=Max("pk"))["last"] or 0) - LATEST
    ending = Q(ended_at=None, expires_at__lt=at + SOON)
    lapsed = Q(pk__gt=newest, state=LeaseState.LAPSED, ended_at__gte=at - LATELY)
    rows = seen(user, Lease.objects.filter(ending | lapsed)).select_related("reviewer__user", "reviewer__team", "task")

    def row(lease: Lease) -> Row:
        live = lease.state == LeaseState.LIVE
        why = _("Held, and about to lapse") if live else _("Lapsed; its seat came back by itself")
        where = f"{lease.reviewer}, {lease.reviewer.team}"
        acts = ("recall",) if live else ()
        link = _change("annotations_lease", lease.pk)
        return Row(lease.pk, str(lease), link, where, why, lease.expires_at, acts)

    return _section(
        "leases",
        _("Leases about to lapse, or lapsed within the hour"),
        _("Nobody has left the screen: no lease lapsed within the hour, and none is about to."),
        _("ends"),
        rows.order_by(F("ended_at").asc(nulls_first=True), "expires_at"),
        row,
        _list("annotations_lease", "state__exact=lapsed"),
    )


def people(user: User, at: datetime) -> Section:
    """People who are handed nothing because their leases lapsed."""
    return _section(
        "people",
        _("People paused by lapses"),
        _("Nobody is paused because leases lapsed."),
        "",
        counts.paused_by_lapses(user).select_related("user", "team").order_by("pk"),
        lambda one: Row(
            one.pk,
            str(one),
            _change("workforce_reviewer", one.pk),
            str(one.team),
            _("%(count)s leases lapsed in a row; they can resume by themselves, too") % {"count": one.lapses_in_row},
            None,
            ("resume",),
        ),
        _list("workforce_reviewer", "is_paused__exact=1"),
    )


def exports(user: User, at: datetime) -> Section:
    """Exports that failed of late, or that nobody writes."""
    rows = counts.failed_exports(user, at=at) | counts.stalled_exports(user, at=at)
    return _section(
        "exports",
        _("Exports that stopped"),
        _("Every export that was asked for was written, or is being written."),
        _("since"),
        rows.select_related("project", "requested_by").order_by("-pk"),
        lambda one: Row(
            one.pk,
            str(one),
            _change("annotations_export", one.pk),
            f"{one.project}, {one.requested_by}",
            f"{one.get_state_display()}: {one.failure}" if one.failure else one.get_state_display(),
            one.state_since,
            ("export",) if one.state == "failed" else ("write",),
        ),
        _list("annotations_export", "state__exact=failed"),
    )


def purges(user: User, at: datetime) -> Section:
    """Purges that could not be finished again and again."""
    return _section(
        "purges",
        _("Purges that fail"),
        _("What is to be forgotten is being forgotten."),
        _("asked"),
        counts.failing_purges(user).select_related("clip").order_by("asked_at"),
        lambda one: Row(
            one.pk,
            str(one),
            _change("clips_purge", one.pk),
            one.region.upper(),
            _("%(why)s Failed %(count)s times.") % {"why": one.failure, "count": one.failures},
            one.asked_at,
            ("hurry",),
        ),
        _list("clips_purge", "needs=failing"),
    )


def cases(user: User, at: datetime) -> Section:
    """Cases that should have been decided."""
    rows = seen(user, Case.objects.filter(state=CaseState.OPEN, due_at__lt=at)).select_related("clip")
    return _section(
        "cases",
        _("Cases that are late"),
        _("Every case was decided in time."),
        _("due"),
        rows.order_by("due_at"),
        lambda one: Row(
            one.pk,
            str(one),
            _change("clips_case", one.pk),
            one.clip.region.upper(),
            _("It is decided on its own page: open it."),
            one.due_at,
        ),
        _list("clips_case", "state__exact=open"),
    )


def audit(user: User, at: datetime) -> Section:
    """Promises of the queue that its latest audit found broken; for those who have all regions."""
    last = AuditRun.objects.first()
    rows = [
        Row(
            0,
            str(one["promise"]),
            reverse("audit"),
            str(one["name"]),
            _("%(count)s rows, the first: %(first)s")
            % {"count": one["count"], "first": ", ".join(f"{name} {value}" for name, value in one["first"].items())},
            last.asked_at if last else None,
        )
        for one in (last.findings if last else [])
    ]
    calm = _("All promises hold.") if last else _("Not asked yet. It is every five minutes, while worker and beat run.")
    return Section("audit", _("Audit findings"), calm, _("found"), rows[:MOST], note="audit")


SECTIONS: list[tuple[str, Callable[[User, datetime], Section]]] = [
    ("annotations.view_lease", audit),
    ("annotations.view_task", tasks),
    ("clips.view_clip", failed_clips),
    ("clips.view_clip", late_clips),
    ("clips.view_addition", proxies),
    ("clips.view_purge", purges),
    ("clips.view_case", cases),
    ("annotations.view_export", exports),
    ("workforce.view_reviewer", people),
    ("annotations.view_lease", leases),
    ("annotations.view_task", disputed),
]
