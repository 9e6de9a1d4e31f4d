"""The work's Celery tasks: an id in, one verb called, the next bell rung after commit."""

import logging

from celery import shared_task

from annotations import (
    activity,
    auditing,
    bulk,
    consensus,
    exporting,
    forgetting,
    leasing,
    passing,
    queries,
    retracting,
    spreading,
    stopping,
    withdrawing,
)
from annotations.planning import running
from annotations.reporting import mailing
from config.bells import ring
from config.clock import database_now
from config.ticks import alone, each

log = logging.getLogger("sightline.audit")


@shared_task
def spread_clips() -> None:
    with alone("spread_clips") as mine:
        if mine:
            at = database_now()
            stopping.stop_unseen(at=at)
            stopping.put_back(at=at)
            # The last, for a plan of a million tasks takes its minute.
            spreading.spread(at=at, when_due=True)


@shared_task
def hold_awaited() -> None:
    with alone("hold_awaited") as mine:
        if mine and (mended := running.hold_awaited(at=database_now())):
            log.warning("%d clips were not written down as awaited, or were and are not", mended)


@shared_task
def ask_for_proxies() -> None:
    with alone("ask_for_proxies") as mine:
        if mine:
            spreading.ask_for_proxies(at=database_now())


@shared_task
def plan_now() -> None:
    """Somebody does not want to wait for the next plan. Whoever plans already does the same."""
    with alone("spread_clips") as mine:
        if mine:
            spreading.spread(at=database_now())


@shared_task
def forget_due() -> None:
    with alone("forget_due") as mine:
        if mine:
            at = database_now()
            forgetting.forget_due(at=at)
            running.forget_old(at=at)
            bulk.forget_old(at=at)


@shared_task
def sweep_leases() -> None:
    with alone("sweep_leases") as mine:
        if mine:
            at = database_now()
            leasing.sweep_lapsed(at=at)
            leasing.sweep_departed(at=at)
            queries.forget_old_heads()


@shared_task
def stop_quiet_clocks() -> None:
    with alone("stop_quiet_clocks") as mine:
        if mine:
            activity.stop_quiet(at=database_now())


@shared_task
def sweep_consents() -> None:
    with alone("sweep_consents") as mine:
        if mine:
            withdrawing.sweep(at=database_now())


@shared_task
def settle_task(task_id: int) -> None:
    """A full task is settled, and one that the next team should answer is passed on."""
    at = database_now()
    consensus.settle(task_id, at=at)
    passing.pass_on(task_id, at=at)


@shared_task
def sweep_tasks() -> None:
    with alone("sweep_tasks") as mine:
        if not mine:
            return
        at = database_now()
        each(consensus.waiting(at=at), lambda task_id: consensus.settle(task_id, at=at))
        each(passing.waiting(at=at), lambda task_id: passing.pass_on(task_id, at=at))
        spreading.rehome_stuck(at=at)


@shared_task
def audit_queue() -> None:
    with alone("audit_queue") as mine:
        for finding in auditing.audit_and_record() if mine else ():
            log.error("audit: %s is broken by %s rows, the first %s", finding.check.name, finding.count, finding.first)


@shared_task
def write_export(export_id: int) -> None:
    exporting.write(export_id, now=database_now)


@shared_task
def sweep_exports() -> None:
    with alone("sweep_exports") as mine:
        if not mine:
            return
        at = database_now()
        exporting.rescue_silent(at=at)
        for export_id in exporting.unheard(at=at):
            ring(write_export, export_id, queue="general")
        retracting.look(at=at)
        retracting.remove_due(at=at)


@shared_task
def run_bulk(run_id: int) -> None:
    if bulk.work(run_id, at=database_now()):
        ring(run_bulk, run_id, queue="general")


@shared_task
def sweep_bulk() -> None:
    with alone("sweep_bulk") as mine:
        for run_id in bulk.unheard(at=database_now()) if mine else ():
            ring(run_bulk, run_id, queue="general")


@shared_task
def mail_reports() -> None:
    with alone("mail_reports") as mine:
        if mine:
            mailing.send_due(at=database_now())
