"""Bulk actions: an action of a list on all that its filter finds, by a worker, row by row.

Each row is done in a transaction of its own, which also writes down what became of it: a worker that is killed loses
nothing and repeats nothing, and the next one goes on where it stopped. Permission and scope are asked anew at each
lot, as the person who asked: what they may no longer do is refused.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.auth.models import User
from django.db import OperationalError, transaction
from django.db.models import F, QuerySet
from django.http import HttpRequest

from annotations.errors import BulkOver
from annotations.models import BULK_MOVES, BulkItem, BulkOutcome, BulkRun, BulkState
from annotations.queries import freeze
from config.clock import DatabaseNow
from config.errors import NotFound, Refusal
from config.history import checked
from config.states import move
from config.ticks import alone

log = logging.getLogger("sightline.bulk")

RING_AGAIN = timedelta(seconds=30)
# A worker that lives says so with each row; how long one may be silent before another asks for its lock.
SILENCE = timedelta(seconds=30)
# Rows that are read at once, and for how long one ring works before it lets others of its queue come in.
LOT = 100
TURN_SECONDS = 20.0
KEPT_DAYS = 180
NOT_YOURS = "It is not there any more, or not yours."
MAY_NOT = "You may no longer do this."
BROKEN = "It broke on our side; it is in the log."


def begin(rows: QuerySet[Any], *, action: str, title: str, answers: dict[str, Any], by: User, at: datetime) -> BulkRun:
    """Write down that an action is to be done to these rows; a worker does it. Which rows they are is settled here.

    ``answers`` hold the reason. Raises :class:`config.history.ReasonMissing`.
    """
    rest = {name: value for name, value in answers.items() if name != "reason"}
    with transaction.atomic():
        run = BulkRun.objects.create(
            by=by,
            model=rows.model._meta.label_lower,
            action=action,
            title=title,
            reason=checked(answers["reason"]),
            answers=rest,
            due_at=at + RING_AGAIN,
        )
        run.total = freeze(run.pk, rows)
        run.save(update_fields=["total"])
    return run


def work(run_id: int, *, at: datetime, seconds: float = TURN_SECONDS, most: int | None = None) -> bool:
    """Go on with a run for so many seconds, or rows; returns whether rows are left. Repeating is dull."""
    with alone(f"bulk {run_id}") as mine:
        return mine and _work(run_id, at=at, seconds=seconds, most=most)


def _work(run_id: int, *, at: datetime, seconds: float, most: int | None) -> bool:
    rows = BulkRun.objects.filter(pk=run_id)
    move(rows, moves=BULK_MOVES, old=BulkState.QUEUED, new=BulkState.RUNNING, begun_at=at, due_at=at + SILENCE)
    ends = monotonic() + seconds
    while True:
        run = rows.select_related("by").filter(state=BulkState.RUNNING).first()
        if run is None:
            return False
        lot = list(run.items.filter(outcome="").order_by("place")[: LOT if most is None else min(LOT, most)])
        if not lot:
            if most is None or not run.items.filter(outcome="").exists():
                gone = {"ended_at": DatabaseNow(), "due_at": None}
                move(rows, moves=BULK_MOVES, old=BulkState.RUNNING, new=BulkState.DONE, **gone)
                return False
            return True
        doing = _Doing.of(run, [item.object_id for item in lot])
        known = 0
        for item in lot:
            outcome = _one(run, item, doing)
            if outcome is None:
                return False
            known += outcome
            if monotonic() > ends:
                return True
        if not known:
            # The database could do none of them just now: the sweep comes back, and these rows with it.
            return False
        most = None if most is None else most - len(lot)


@dataclass
class _Doing:
    """What a lot needs: the action, who asked, and the rows that they may still find."""

    page: ModelAdmin[Any]
    request: HttpRequest
    do: Any
    rows: dict[int, Any]
    fault: str = ""

    @classmethod
    def of(cls, run: BulkRun, ids: Sequence[int]) -> _Doing:
        page = admin.site._registry[apps.get_model(run.model)]
        request = HttpRequest()
        # Read anew: roles and scopes are remembered with the person who was read.
        request.user = User.objects.get(pk=run.by_id)
        found = getattr(page, run.action, None)
        do = getattr(found, "do", None)
        allowed = request.user.is_active and request.user.is_staff and do is not None
        allowed = allowed and all(
            getattr(page, f"has_{name}_permission")(request) for name in getattr(found, "allowed_permissions", ())
        )
        rows = {row.pk: row for row in page.get_queryset(request).filter(pk__in=ids)} if allowed else {}
        return cls(page, request, do, rows, "" if allowed else MAY_NOT)

    def to(self, item: BulkItem, answers: dict[str, Any]) -> tuple[BulkOutcome, str]:
        """Do it to one row; what became of it, and why not."""
        row = self.rows.get(item.object_id)
        if self.fault or row is None:
            return BulkOutcome.REFUSED, self.fault or NOT_YOURS
        try:
            with transaction.atomic():
                dull = self.do(self.page, self.request, row, answers) is False
        except Refusal as refusal:
            return BulkOutcome.REFUSED, refusal.detail[:500]
        except OperationalError:
            raise
        except Exception:
            log.exception("bulk action: %s of %s", item, self.do)
            return BulkOutcome.REFUSED, BROKEN
        return (BulkOutcome.DULL if dull else BulkOutcome.DONE), ""


def _one(run: BulkRun, item: BulkItem, doing: _Doing) -> bool | None:
    """One row, with its outcome in the same transaction; False where the database could not, None when the run is
    over."""
    answers = run.answers | {"reason": run.reason}
    try:
        with transaction.atomic():
            # Who cancels waits for this row and for no other.
            state = BulkRun.objects.select_for_update(no_key=True).values_list("state", flat=True).get(pk=run.pk)
            if state != BulkState.RUNNING:
                return None
            outcome, why = doing.to(item, answers)
            BulkItem.objects.filter(run=run, place=item.place).update(outcome=outcome, why=why)
            counted = {outcome.value: F(outcome.value) + 1}
            BulkRun.objects.filter(pk=run.pk).update(**counted, due_at=DatabaseNow() + SILENCE)
    except OperationalError as error:
        log.warning("bulk action %s: row %s waits: %s", run.pk, item.object_id, type(error).__name__)
        return False
    return True


def cancel(run_id: int, *, at: datetime) -> BulkRun:
    """Do no more rows of a run; what is done stays. Cancelling twice is dull. Raises :class:`NotFound`,
    :class:`BulkOver` when all was done."""
    for old in (BulkState.QUEUED, BulkState.RUNNING):
        move(
            BulkRun.objects.filter(pk=run_id),
            moves=BULK_MOVES,
            old=old,
            new=BulkState.CANCELLED,
            ended_at=at,
            due_at=None,
        )
    run = BulkRun.objects.filter(pk=run_id).first()
    if run is None:
        raise NotFound
    if run.state == BulkState.DONE:
        raise BulkOver
    return run


def unheard(*, at: datetime) -> list[int]:
    """Runs that wait and of which nothing was heard; each is asked for again a while later."""
    late = BulkRun.objects.filter(due_at__lte=at, state__in=[BulkState.QUEUED, BulkState.RUNNING])
    numbers = list(late.order_by("pk").values_list("pk", flat=True)[:100])
    late.filter(pk__in=numbers).update(due_at=at + RING_AGAIN)
    return numbers


def forget_old(*, at: datetime) -> int:
    """Delete runs of long ago with what became of each row; what they changed keeps its own history."""
    old = BulkRun.objects.filter(ended_at__lt=at - timedelta(days=KEPT_DAYS))
    return old.delete()[1].get("annotations.BulkRun", 0)


def results(run: BulkRun) -> Iterator[tuple[int, str, str]]:
    """Each row's number, what became of it, and why not; in order, however many."""
    found = run.items.order_by("place").values_list("object_id", "outcome", "why")
    yield from found.iterator(chunk_size=2000)
