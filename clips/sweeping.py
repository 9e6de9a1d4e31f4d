"""What the beat looks for among clips: rings that went unheard, workers that died, uploads that were cut."""

from __future__ import annotations

from datetime import datetime

from clips.models import Clip, ClipState
from clips.preparing import end_attempt
from clips.receiving import RING_AGAIN, forget
from config.ticks import each

AT_ONCE = 200


def unheard(*, at: datetime) -> list[tuple[int, str]]:
    """Uploaded clips whose ring nobody answered, as (id, queue); each is due again a little later."""
    due = Clip.objects.filter(state=ClipState.UPLOADED, due_at__lte=at).order_by("due_at")[:AT_ONCE]
    found = []
    for clip in due:
        if Clip.objects.filter(pk=clip.pk, state=ClipState.UPLOADED, due_at=clip.due_at).update(due_at=at + RING_AGAIN):
            found.append((clip.pk, clip.queue))
    return found


def rescue_silent(*, at: datetime) -> int:
    """End the attempts of workers that went silent; their clips wait again, or fail when attempts ran out."""
    silent = Clip.objects.filter(state=ClipState.PREPARING, due_at__lte=at).order_by("due_at")[:AT_ONCE]
    reason = "The worker that prepared it died or was stopped."
    return each(silent, lambda clip: end_attempt(clip.pk, clip.attempts, reason, at=at))


def clear_half_received(*, at: datetime) -> int:
    """Forget uploads that died between their row and their bytes."""
    dead = Clip.objects.filter(state=ClipState.RECEIVING, due_at__lte=at).order_by("due_at")[:AT_ONCE]
    return each(dead, forget)
