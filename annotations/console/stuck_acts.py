"""What may be done about what stands still: each act is a verb that exists, for one row, with a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from annotations import exporting, supervision
from annotations.models import Export, Lease, Task
from annotations.planning import by_hand
from annotations.scopes import told
from annotations.tasks import audit_queue, write_export
from clips import adding, preparing, purging
from clips.models import Addition, Clip, Purge
from clips.tasks import add_proxy, prepare_clip, purge_clip
from config.bells import ring
from config.history import because
from config.scope import get_seen
from workforce import people
from workforce.models import Reviewer

# Before all that is not as urgent by two days.
FIRST_IN_TURN = 48
Do = Callable[[Any, User, str, datetime], str]


@dataclass(frozen=True)
class Act:
    """One thing to do: what the button says, what it will do, who may, and the verb. It returns what came of it."""

    label: str | Promise
    effect: str | Promise
    need: str
    rows: QuerySet[Any] | None
    do: Do


def run(name: str, pk: int, *, by: User, reason: str, at: datetime) -> str:
    """Do it to the row with this number; returns what came of it. Raises :class:`config.errors.NotFound` for a row that
    is not theirs, :class:`config.history.ReasonMissing` and whatever the verb refuses with."""
    act = ACTS[name]
    row = None if act.rows is None else get_seen(by, act.rows.all(), pk)
    return act.do(row, by, reason, at)


def _retry(clip: Clip, by: User, reason: str, at: datetime) -> str:
    with because(by, reason, verb="retry preparation"):
        again = preparing.retry(clip.pk, at=at)
    if not again:
        return _("%s has not failed any more; it was left alone.") % clip
    ring(prepare_clip, clip.pk, queue=clip.queue)
    return _("%s is tried again.") % clip


def _cancel(clip: Clip, by: User, reason: str, at: datetime) -> str:
    done = preparing.cancel(clip.pk, by=by, reason=reason, at=at)
    return (_("%s failed, with your reason.") if done else _("%s has gone on meanwhile.")) % clip


def _ring(clip: Clip, by: User, reason: str, at: datetime) -> str:
    with because(by, reason, verb="ring"):
        ring(prepare_clip, clip.pk, queue=clip.queue)
    return _("A worker was rung for %s; if none listens, it goes on waiting.") % clip


def _add(addition: Addition, by: User, reason: str, at: datetime) -> str:
    with because(by, reason, verb="retry proxy"):
        again = adding.retry(addition.clip_id, at=at)
    if again:
        ring(add_proxy, addition.pk, queue=addition.clip.queue)
    return (_("The %s is tried again.") if again else _("The %s has not failed any more.")) % addition


def _requeue(task: Task, by: User, reason: str, at: datetime) -> str:
    supervision.requeue(task.pk, by=by, reason=reason, at=at)
    return _("%s was re-queued, before what was never taken.") % task


def _plan(task: Task, by: User, reason: str, at: datetime) -> str:
    choice = by_hand.Choice(project_id=task.project_id, task_ids=[task.pk], priority=FIRST_IN_TURN)
    lines = list(by_hand.apply(choice, by=by, reason=reason, at=at).lines.select_related("to_team", "project"))
    for line in lines:
        if line.to_team is not None:
            return _("%(task)s is first in turn at %(team)s.") % {"task": task, "team": line.to_team}
    why = told(by, lines[0]) if lines else _("nothing about it would change")
    return _("Nobody was found for %(task)s: %(why)s") % {"task": task, "why": why}


def _recall(lease: Lease, by: User, reason: str, at: datetime) -> str:
    supervision.recall(lease.pk, by=by, reason=reason, at=at)
    return _("%s was recalled; its seat and unit are back.") % lease


def _resume(person: Reviewer, by: User, reason: str, at: datetime) -> str:
    done = people.unpause(person, by=by, reason=reason)
    return (_("%s is handed work again.") if done else _("%s was not paused any more.")) % person


def _export(export: Export, by: User, reason: str, at: datetime) -> str:
    with because(by, reason, verb="ask for export again"):
        made = exporting.request_export(export.project, by=by, at=at, regions=export.regions)
    ring(write_export, made.pk, queue="general")
    return _("%(new)s was asked for in place of %(old)s.") % {"new": made, "old": export}


def _write(export: Export, by: User, reason: str, at: datetime) -> str:
    with because(by, reason, verb="ring"):
        ring(write_export, export.pk, queue="general")
    return _("A worker was rung for %s; if none listens, it goes on waiting.") % export


def _hurry(purge: Purge, by: User, reason: str, at: datetime) -> str:
    with because(by, reason, verb="hurry purge"):
        done = purging.hurry(purge, at=at)
    ring(purge_clip, purge.clip_id, queue=purge.clip.queue)
    return (_("The %s is tried now.") if done else _("The %s was due already; a worker was rung.")) % purge


def _audit(_row: None, by: User, reason: str, at: datetime) -> str:
    with because(by, reason, verb="ask audit"):
        ring(audit_queue, queue="general")
    return _("The promises are being asked; look again in a moment.")


_L = gettext_lazy
ACTS: dict[str, Act] = {
    "retry": Act(
        _L("Try again"), _L("It gets another round of attempts."), "clips.change_clip", Clip.objects.all(), _retry
    ),
    "cancel": Act(
        _L("Give up"),
        _L("Its preparation stops and it counts as failed, with your reason; trying again begins anew."),
        "clips.change_clip",
        Clip.objects.all(),
        _cancel,
    ),
    "ring": Act(
        _L("Ring a worker"), _L("Changes nothing but that a worker looks now."), "clips.change_clip",
        Clip.objects.all(), _ring,
    ),
    "add": Act(
        _L("Try again"), _L("It gets another round of attempts."), "clips.change_addition",
        Addition.objects.select_related("clip"), _add,
    ),
    "requeue": Act(
        _L("Re-queue"),
        _L("Leases on it are recalled; a disputed one gets one more seat and is weighed anew. It cannot be undone."),
        "annotations.change_task", Task.objects.all(), _requeue,
    ),
    "plan": Act(
        _L("Plan it anew, first in turn"),
        _L("It goes to whichever team of its project has room first, before what is due up to two days earlier. The "
           "plan can be undone from its page while nobody has begun the task."),
        "annotations.add_plan", Task.objects.all(), _plan,
    ),
    "recall": Act(
        _L("Recall"),
        _L("Seat and unit return at once; whoever holds it is told when they next call. It cannot be undone."),
        "annotations.change_lease", Lease.objects.all(), _recall,
    ),
    "resume": Act(
        _L("Resume"), _L("They are handed work again."), "workforce.change_reviewer",
        Reviewer.objects.select_related("user"), _resume,
    ),
    "export": Act(
        _L("Ask for it again"), _L("A new export of the same project and regions is asked for in your name."),
        "annotations.add_export", Export.objects.select_related("project"), _export,
    ),
    "write": Act(
        _L("Ring a worker"), _L("Changes nothing but that a worker looks now."), "annotations.add_export",
        Export.objects.all(), _write,
    ),
    "hurry": Act(
        _L("Try again now"), _L("It does not wait for its next attempt. A hold is not passed over."),
        "clips.change_purge", Purge.objects.select_related("clip"), _hurry,
    ),
    "audit": Act(
        _L("Ask again now"), _L("All promises are asked of the rows; it takes a moment."), "annotations.view_lease",
        None, _audit,
    ),
}  # fmt: skip
