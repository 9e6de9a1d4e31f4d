"""Retracting: an export that holds what an owner took back is handed out no more, and its file is removed.

A withdrawal retracts, in its own transaction, every finished export with a line of that clip; a look at each of them
now and then finds what came between. Then the sweep removes the export's whole folder, in every version, and is done
when the store lists nothing. What stays is the row with its manifest, and which tasks it held: that tells whoever took
the file what to take out of theirs.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from annotations import exporting
from annotations.models import EXPORT_MOVES, Export, ExportLine, ExportState
from clips import holding, storage
from clips.errors import StorageAway
from config.states import move
from config.ticks import alone, each

log = logging.getLogger("sightline.exports")

# How often each finished export is held against what owners permit now.
LOOK_AGAIN = timedelta(minutes=10)
# How long a removal waits for a store that is away, and how often at most it asks whether a hold has ended.
TRY_AGAIN, ASK_AGAIN = timedelta(minutes=1), timedelta(hours=1)


def retract_with(clip_id: int, *, at: datetime) -> int:
    """Retract the finished exports with a line of this clip that its owner no longer agrees to; returns how many. In
    the transaction that took it back, after the clip's tasks in the lock order."""
    lines = ExportLine.objects.filter(clip=clip_id, export__state=ExportState.DONE)
    return _retract(set(exporting.fallen(lines).values_list("export_id", flat=True)), at=at)


def look(*, at: datetime, most: int = 1) -> int:
    """Hold the finished exports that were not looked at for longest against what owners permit now, and their folders
    against their rows; returns how many were retracted."""
    due = Export.objects.filter(Q(looked_at=None) | Q(looked_at__lte=at - LOOK_AGAIN), state=ExportState.DONE)
    retracted = 0
    for export in due.select_related("project").order_by(F("looked_at").asc(nulls_first=True), "pk")[:most]:
        Export.objects.filter(pk=export.pk).update(looked_at=at)
        if exporting.fallen_lines(export):
            retracted += _retract([export.pk], at=at)
        else:
            exporting.tidy(export)
    return retracted


def _retract(exports: Iterable[int], *, at: datetime) -> int:
    with transaction.atomic():
        # In the order of their numbers; who holds one of them retracts it.
        rows = Export.objects.select_for_update(no_key=True, skip_locked=True).filter(pk__in=exports)
        held = list(rows.order_by("pk").values_list("pk", flat=True))
        return move(
            Export.objects.filter(pk__in=held),
            moves=EXPORT_MOVES,
            old=ExportState.DONE,
            new=ExportState.RETRACTED,
            failure="",
            state_since=at,
            due_at=at,
        )


def remove_due(*, at: datetime, most: int = 100) -> int:
    """Remove the files of exports that were retracted; returns how many are gone."""
    due = Export.objects.filter(state=ExportState.RETRACTED, due_at__lte=at).order_by("due_at")
    return each(list(due.values_list("pk", flat=True)[:most]), lambda export_id: remove(export_id, at=at))


def remove(export_id: int, *, at: datetime) -> bool:
    """Remove all files of a retracted export; whether the store lists nothing any more. Repeating it is dull."""
    with alone(exporting.lock_of(export_id)) as mine:
        rows = Export.objects.filter(pk=export_id, state=ExportState.RETRACTED)
        if not mine or not rows.exists():
            return False
        hold = holding.over_any(exporting.clips_of(export_id), at=at)
        if hold is not None:
            why = f"{hold} keeps it: {hold.reason}"[:200]
            rows.update(due_at=min(hold.ends_at, at + ASK_AGAIN), failure=why)
            return False
        try:
            exporting.empty(export_id)
            left = storage.remains(exporting.ALIAS, str(export_id))
        except StorageAway:
            rows.update(due_at=at + TRY_AGAIN, failure="The storage did not answer; it is tried again by itself.")
            return False
        if left:
            rows.update(due_at=at + TRY_AGAIN, failure=f"The storage still lists {len(left)} things of it.")
            return False
        moved = move(
            rows,
            moves=EXPORT_MOVES,
            old=ExportState.RETRACTED,
            new=ExportState.REMOVED,
            key="",
            failure="",
            state_since=at,
            due_at=None,
        )
        return moved == 1


def remove_again() -> int:
    """After a backup of the store was restored: remove what it brought back of exports whose files are gone; returns
    how many things. Raises :class:`clips.errors.StorageAway`."""
    gone = Export.objects.filter(state=ExportState.REMOVED).order_by("pk").values_list("pk", flat=True)
    return sum(exporting.empty(export_id) for export_id in gone.iterator())
