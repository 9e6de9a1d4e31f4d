"""What a page of the admin shows of a clip's footage: a form that asks why, then the footage until the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from clips import sight, viewing
from clips.models import Case, Clip, ViewingPurpose
from clips.pseudonyms import MARK_OPACITY, mark_of
from config.acting import staff
from config.clock import database_now

MINUTES = (5, 10, 15, 30, 60, 120)


def panel(
    request: HttpRequest, clips: Sequence[Clip], *, purpose: str = "", case: Case | None = None, clear: bool = False
) -> dict[str, Any]:
    """What ``admin/footage_panel.html`` wants to know of these clips, for whoever is signed in."""
    user, at = staff(request), database_now()
    doors = {clip.pk: sight.door(user, clip, at=at) for clip in clips}
    allowed = [clip for clip in clips if viewing.may_view(user, clip)]
    ends = [found.ends_at for clip in clips if (found := viewing.live(user, clip, at=at))]
    return {
        # By clip's number, which rendition is shown under which name.
        "sees": {clip.pk: sight.kinds_to_show(clip, clear=clear) for clip in clips if doors[clip.pk] is not None},
        "may_ask": [clip for clip in allowed if doors[clip.pk] is None] if len(allowed) == len(clips) else [],
        "ends_at": min(ends) if ends else None,
        "clips": clips,
        "mark": mark_of(user.pk),
        "opacity": MARK_OPACITY,
        "case": case,
        "purpose": ViewingPurpose.CASE if case else purpose,
        "purposes": [pair for pair in ViewingPurpose.choices if case or pair[0] != ViewingPurpose.CASE],
        "cases": [] if case else _open_cases(allowed),
        "minutes": [count for count in MINUTES if count <= settings.VIEWING_MINUTES] or [settings.VIEWING_MINUTES],
        "page": request.get_full_path(),
    }


def _open_cases(clips: Sequence[Clip]) -> list[Case]:
    return list(Case.objects.filter(clip__in=clips, state="open")) if len(clips) == 1 else []
