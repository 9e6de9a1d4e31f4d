"""How many there are of each sort, as somebody may find them: the home's cards and what its alerts are about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Exists, F, OuterRef, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from annotations.models import AuditRun, Export, ExportState, Plan, PlanKind, PlanLine, Project
from annotations.scopes import UNTOLD
from clips.models import (
    GRANTED,
    SHOWN,
    AccessEntry,
    Addition,
    Case,
    CaseState,
    Clip,
    ClipKind,
    ClipState,
    Faces,
    OwnerRequest,
    Purge,
    PurgeState,
    RequestState,
)
from config import figures
from config.figures import Count, First
from config.scope import all_or_seen, scope_of
from workforce.models import Reviewer

# A clip is late in its state when a sweep should have moved it so long ago; a queue is slow after as long a wait.
LATE, SLOW = timedelta(minutes=2), timedelta(minutes=5)
# Exports that failed stand out so long.
LATELY = timedelta(days=7)
MOST_CLIPS = 100_000
MOST_LINES = 3


@dataclass(frozen=True)
class Card:
    """A number, what it counts, and the list behind it."""

    title: str
    value: str
    link: str
    note: str = ""
    alarming: bool = False


def late_clips(to: User | None, *, at: datetime) -> QuerySet[Clip]:
    """Clips that a sweep should have moved on by now."""
    return all_or_seen(to, Clip.objects.filter(due_at__lt=at - LATE))


def failed_exports(to: User | None, *, at: datetime) -> QuerySet[Export]:
    """Exports that failed lately."""
    return all_or_seen(to, Export.objects.filter(state=ExportState.FAILED, state_since__gte=at - LATELY))


def stalled_exports(to: User | None, *, at: datetime) -> QuerySet[Export]:
    """Exports that nobody has looked at though they are long due."""
    return all_or_seen(to, Export.objects.filter(due_at__lt=at - LATE))


def failing_purges(to: User | None) -> QuerySet[Purge]:
    """Purges that could not be finished again and again."""
    waits = [PurgeState.WAITING, PurgeState.RUNNING]
    return all_or_seen(to, Purge.objects.filter(due_at__isnull=False, failures__gte=3, state__in=waits))


def failed_additions(to: User | None) -> QuerySet[Addition]:
    """Proxies that could not be made."""
    return all_or_seen(to, Addition.objects.filter(due_at=None))


def paused_by_lapses(to: User | None) -> QuerySet[Reviewer]:
    """People whose leases lapsed one after the other."""
    return all_or_seen(to, Reviewer.objects.filter(is_active=True, is_paused=True, paused_by_lapses=True))


def told(*, at: datetime, to: User | None) -> dict[str, Any]:
    """All counts by name, in one statement; each up to a bound."""
    clips = all_or_seen(to, Clip.objects.all())
    late = late_clips(to, at=at)
    cases = all_or_seen(to, Case.objects.filter(state=CaseState.OPEN))
    requests = all_or_seen(to, OwnerRequest.objects.filter(state=RequestState.OPEN))
    purges = all_or_seen(to, Purge.objects.filter(due_at__isnull=False))
    shown = all_or_seen(
        to, AccessEntry.objects.filter(at__gte=at - timedelta(days=1), outcome=GRANTED, clip__kind=ClipKind.VIDEO)
    )
    asked: dict[str, Count | First] = {
        "cases": Count(cases),
        "cases late": Count(cases.filter(due_at__lt=at)),
        "requests": Count(requests),
        "requests red": Count(requests.filter(due_at__lte=at + timedelta(days=settings.REQUEST_LEAD_DAYS))),
        "requests late": Count(requests.filter(due_at__lt=at)),
        "purges": Count(purges),
        "purges held": Count(purges.filter(state=PurgeState.HELD)),
        "purges failing": Count(failing_purges(to)),
        "exports failed": Count(failed_exports(to, at=at)),
        "exports stalled": Count(stalled_exports(to, at=at)),
        "additions failed": Count(failed_additions(to)),
        "people lapsed": Count(paused_by_lapses(to)),
    }
    asked |= {f"clips {state.value}": Count(clips.filter(state=state), most=MOST_CLIPS) for state in ClipState}
    asked |= {f"late {state.value}": Count(late.filter(state=state)) for state in ClipState}
    asked |= {f"shown {faces.value}": Count(shown.filter(rendition=SHOWN[faces][0])) for faces in Faces}
    asked |= {
        f"oldest in {code}": First(
            clips.filter(state=ClipState.UPLOADED, region=code, failure="").order_by("pk"), "state_since"
        )
        for code in settings.REGIONS
    }
    return figures.ask(asked)


def cards(told: dict[str, Any], user: User | None) -> list[Card]:
    """Clips by state and what else waits for somebody, for those who may open the lists."""

    def may(need: str) -> bool:
        return user is None or user.has_perm(need)

    found = _clip_cards(told) if may("clips.view_clip") else []
    if may("clips.view_case"):
        note = _("%(count)s late") % {"count": figures.said(told["cases late"])} if told["cases late"] else ""
        found.append(_card(_("Open cases"), told["cases"], "clips_case", {"state__exact": "open"}, note, bool(note)))
    if may("clips.view_ownerrequest"):
        red, late = told["requests red"], told["requests late"]
        note = _("%(count)s due soon") % {"count": red} if red else ""
        note = _("%(count)s late") % {"count": late} if late else note
        query = {"due": "red"} if red else {"state__exact": "open"}
        found.append(_card(_("Owners' requests"), told["requests"], "clips_ownerrequest", query, note, bool(red)))
    if may("clips.view_purge"):
        failing, held = told["purges failing"], told["purges held"]
        note = _("%(count)s failing") % {"count": failing} if failing else ""
        note = note or (_("%(count)s held") % {"count": held} if held else "")
        query = {"needs": "failing"} if failing else {}
        found.append(_card(_("Purges under way"), told["purges"], "clips_purge", query, note, bool(failing)))
    if may("clips.view_accessentry"):
        titles = {Faces.CLEAR: _("Shown clear, 24 h"), Faces.BLURRED: _("Shown blurred, 24 h")}
        found += [
            _card(titles[faces], told[f"shown {faces.value}"], "clips_accessentry", {}, "", False) for faces in Faces
        ]
    return found


def _clip_cards(told: dict[str, Any]) -> list[Card]:
    found = []
    for state in ClipState:
        count, late = told[f"clips {state.value}"], told[f"late {state.value}"]
        note = _("%(count)s late") % {"count": figures.said(late)} if late else ""
        failed = state == ClipState.FAILED and bool(count)
        query = {"state__exact": state.value} | ({"needs": "late"} if late else {})
        found.append(_card(str(state.label), count, "clips_clip", query, note, bool(late) or failed, most=MOST_CLIPS))
    return found


def _card(
    title: str,
    count: int,
    table: str,
    query: dict[str, str],
    note: str,
    alarming: bool,
    *,
    most: int = figures.MOST,
) -> Card:
    link = reverse(f"admin:{table}_changelist")
    return Card(title, figures.said(count, most), f"{link}?{urlencode(query)}" if query else link, note, alarming)


def unplaced(user: User) -> list[tuple[PlanLine, str]]:
    """What the latest plan of its own found nobody for, the most first, each with why, as this person may read it."""
    if not user.has_perm("annotations.view_plan"):
        return []
    scope = scope_of(user)
    last = Plan.objects.filter(kind=PlanKind.BEAT).order_by("-pk").values("pk")[:1]
    others = Project.teams.through.objects.filter(project=OuterRef("project")).exclude(scope.of("team"))
    lines = all_or_seen(user, PlanLine.objects.filter(plan=last, to_team=None)).select_related("project")
    if not scope.everywhere:
        lines = lines.annotate(has_others=Exists(others))
    found = lines.order_by(F("tasks").desc(), "number")[:MOST_LINES]
    return [(line, UNTOLD if getattr(line, "has_others", False) else line.why) for line in found]


def broken_promises() -> list[str]:
    """The promises that the latest audit found broken."""
    last = AuditRun.objects.only("findings").first()
    return [str(one["promise"]) for one in last.findings] if last else []
