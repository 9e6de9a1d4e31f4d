"""Planning by itself: every few minutes, and soon after something that matters; in one place at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Max

from annotations.models import Plan, PlanKind
from annotations.planning import applying, flow, queries, reading
from annotations.planning.applying import Outcome
from clips.models import Clip, ClipState
from config.ticks import alone, stretch

# All planners, by themselves and by hand, stand behind this one lock.
LOCK = "plan"
EVERY = timedelta(minutes=3)
# A clip became ready by a time that was read a little before it could be seen.
SLACK = timedelta(seconds=10)
KEPT_DAYS = 14
# Clips that are held against what is written down of them at a time, and how often, in seconds, as in the beat's table.
STRETCH = 20_000
HELD_EVERY = 30


def run(*, at: datetime) -> Outcome | None:
    """Plan all work and apply it; None when another planner is at work, who does the same. Running it twice is dull."""
    with alone(LOCK) as mine:
        if not mine:
            return None
        applying.end_broken()
        picture = reading.whole_picture(at=at)
        return applying.apply(picture, flow.plan(picture.problem()))


def is_due(*, at: datetime) -> bool:
    """Whether it is time: some minutes passed, clips became ready, or somebody changed people, limits or projects."""
    last = Plan.objects.filter(kind=PlanKind.BEAT).first()
    if last is None or last.looked_at <= at - EVERY or last.seen != queries.seen():
        return True
    return Clip.objects.filter(state=ClipState.READY, state_since__gt=last.looked_at - SLACK).exists()


def forget_old(*, at: datetime) -> int:
    """Delete plans by themselves of long ago; those by hand stay. Returns how many."""
    old = Plan.objects.filter(kind=PlanKind.BEAT, looked_at__lt=at - timedelta(days=KEPT_DAYS))
    return old.delete()[1].get("annotations.Plan", 0)


def hold_awaited(*, at: datetime) -> int:
    """Hold the next stretch of clips against what is written down as awaited; returns how many lines were mended."""
    newest = Clip.objects.aggregate(last=Max("pk"))["last"] or 0
    first, last = stretch(newest, size=STRETCH, every=HELD_EVERY, at=at)
    return queries.hold_awaited(first=first, last=last)
