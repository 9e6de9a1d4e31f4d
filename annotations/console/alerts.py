"""What somebody should look at now, the worst first, each with where to put it right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from annotations.console.queries import MOST_LATE, Waiting
from annotations.models import PlanLine
from config import figures
from config.pulse import Pulse
from config.scope import reaches_all
from workforce.queries import TeamDay


@dataclass(frozen=True)
class Alert:
    """One thing, in words; ``grave``: work is lost, late or standing still."""

    text: str
    link: str
    fix: str
    """What the link is called."""
    grave: bool = True


def hears_of_audits(user: User) -> bool:
    """As the audit's own page: its figures cannot be parted by region."""
    return user.has_perm("annotations.view_lease") and reaches_all(user)


def alerts(
    user: User,
    *,
    at: datetime,
    days: Sequence[TeamDay],
    waits: Mapping[int, Waiting],
    told: Mapping[str, Any],
    heart: Pulse,
    plan: Sequence[tuple[PlanLine, str]],
    audit: Sequence[str],
) -> list[Alert]:
    """All that this person may do something about, or should know."""
    found = [*machines(heart)]
    if user.has_perm("annotations.view_task"):
        found += tasks(days, waits)
    found += footage(user, told)
    if user.has_perm("workforce.view_reviewer"):
        found += people(user, days, told)
    if user.has_perm("annotations.view_export") and (count := told["exports failed"] + told["exports stalled"]):
        found.append(_stuck(ngettext("%(n)s export stopped", "%(n)s exports stopped", count), count, "exports"))
    for line, why in plan:
        text = _("%(count)s clips or tasks of %(project)s find nobody: %(why)s")
        said = text % {"count": f"{line.tasks:,}", "project": line.project.name, "why": why}
        link = reverse("admin:annotations_plan_change", args=[line.plan_id])
        found.append(Alert(said, link, _("See the plan")))
    found += [Alert(_("A promise is broken: %s") % promise, reverse("audit"), _("See the audit")) for promise in audit]
    return sorted(found, key=lambda one: not one.grave)


def machines(heart: Pulse) -> list[Alert]:
    """What should run and does not."""
    here, look = "#machines", _("See the queues")
    if not heart.reached:
        said = _("Redis cannot be reached: nothing is prepared, planned or swept until it answers. No work is lost.")
        return [Alert(said, here, look)]
    found = []
    if not heart.beat_up:
        said = _("The beat is silent: nothing is planned and no lease is ended. Start it.")
        found.append(Alert(said, here, look))
    for queue in heart.queues:
        if not queue.up:
            said = _("No worker listens to %(queue)s. Start one.")
            if queue.waiting:
                said = _("No worker listens to %(queue)s, where messages wait: %(count)s. Start one.")
            found.append(Alert(said % {"queue": queue.name, "count": queue.waiting}, here, look))
    return found


def tasks(days: Sequence[TeamDay], waits: Mapping[int, Waiting]) -> list[Alert]:
    """Work that is late or disputed."""
    mine = [waits[day.team_id] for day in days if day.team_id in waits]
    found = []
    if late := sum(one.late for one in mine):
        text = ngettext("%(n)s task is late", "%(n)s tasks are late", late)
        found.append(_stuck(text, late, "tasks", most=MOST_LATE - 1))
    if disputed := sum(one.disputed for one in mine):
        text = ngettext(
            "%(n)s task is disputed and waits for one more answer or for nobody",
            "%(n)s tasks are disputed and wait for one more answer or for nobody",
            disputed,
        )
        found.append(_stuck(text, disputed, "disputed", grave=False))
    return found


def footage(user: User, told: Mapping[str, Any]) -> list[Alert]:
    """Clips, cases, owners' requests and purges."""
    found = []
    if user.has_perm("clips.view_clip"):
        if failed := told["clips failed"]:
            found.append(_stuck(ngettext("%(n)s clip failed", "%(n)s clips failed", failed), failed, "clips"))
        if late := sum(count for name, count in told.items() if name.startswith("late ")):
            text = ngettext("%(n)s clip is late in its state", "%(n)s clips are late in their state", late)
            found.append(_stuck(text, late, "clips"))
    if user.has_perm("clips.view_addition") and (count := told["additions failed"]):
        found.append(_stuck(ngettext("%(n)s proxy failed", "%(n)s proxies failed", count), count, "proxies"))
    if user.has_perm("clips.view_case") and (count := told["cases late"]):
        link = f"{reverse('admin:clips_case_changelist')}?state__exact=open"
        text = ngettext("%(n)s case should have been decided", "%(n)s cases should have been decided", count)
        found.append(Alert(text % {"n": figures.said(count)}, link, _("Decide")))
    if user.has_perm("clips.view_ownerrequest") and (count := told["requests red"]):
        link = f"{reverse('admin:clips_ownerrequest_changelist')}?due=red"
        text = ngettext(
            "%(n)s owner's request must be answered soon", "%(n)s owners' requests must be answered soon", count
        )
        found.append(Alert(text % {"n": figures.said(count)}, link, _("Answer"), grave=bool(told["requests late"])))
    if user.has_perm("clips.view_purge") and (count := told["purges failing"]):
        found.append(_stuck(ngettext("%(n)s purge fails", "%(n)s purges fail", count), count, "purges"))
    return found


def people(user: User, days: Sequence[TeamDay], told: Mapping[str, Any]) -> list[Alert]:
    """Who is handed nothing, and why."""
    found = []
    teams = reverse("admin:workforce_team_changelist")
    reviewers = reverse("admin:workforce_reviewer_changelist")
    names = [day.name for day in days if day.is_paused]
    if names:
        text = ngettext("%(names)s is paused", "%(names)s are paused", len(names)) % {"names": ", ".join(names)}
        found.append(Alert(text, f"{teams}?is_paused__exact=1", _("Resume"), grave=False))
    if count := told["people lapsed"]:
        text = ngettext(
            "%(n)s person is paused after leases lapsed", "%(n)s people are paused after leases lapsed", count
        )
        found.append(_stuck(text, count, "people", grave=False))
    if (count := sum(day.paused for day in days) - told["people lapsed"]) > 0:
        text = ngettext("%(n)s person is paused by ops", "%(n)s people are paused by ops", count)
        link = f"{reviewers}?is_paused__exact=1"
        found.append(Alert(text % {"n": figures.said(count)}, link, _("See who"), grave=False))
    if user.has_perm("workforce.view_quotaday") and (count := sum(day.dry for day in days)):
        text = ngettext(
            "%(n)s person has nothing left of today's quota", "%(n)s people have nothing left of today's quota", count
        )
        link = f"{reverse('quota-board')}?only=dry"
        found.append(Alert(text % {"n": figures.said(count)}, link, _("See their days"), grave=False))
    return found


def _stuck(text: str, count: int, section: str, *, grave: bool = True, most: int = figures.MOST) -> Alert:
    return Alert(text % {"n": figures.said(count, most)}, f"{reverse('stuck')}#{section}", _("Put it right"), grave)
