"""Clips' Celery tasks: an id in, one verb called."""

import logging

from celery import shared_task
from django.conf import settings

from clips import adding, cases, heads, holding, likeness, preparing, purging, receiving, requesting, sweeping
from clips.models import queue_of
from config.bells import ring
from config.clock import database_now
from config.ticks import alone

log = logging.getLogger("sightline.cases")


@shared_task
def prepare_clip(clip_id: int) -> None:
    preparing.prepare(clip_id, now=database_now)


@shared_task
def add_proxy(addition_id: int) -> None:
    adding.add(addition_id, now=database_now)


@shared_task
def sweep_clips() -> None:
    with alone("sweep_clips") as mine:
        if not mine:
            return
        at = database_now()
        sweeping.rescue_silent(at=at)
        for clip_id, queue in sweeping.unheard(at=at):
            ring(prepare_clip, clip_id, queue=queue)
        for addition_id, queue in adding.unheard(at=at):
            ring(add_proxy, addition_id, queue=queue)
        # Last, because a storage that is away makes it slow.
        sweeping.clear_half_received(at=at)
        receiving.clear_cut_uploads()


@shared_task
def purge_clip(clip_id: int) -> None:
    purging.run(clip_id, now=database_now)


@shared_task
def sweep_purges() -> None:
    with alone("sweep_purges") as mine:
        if not mine:
            return
        at = database_now()
        holding.release(at=at)
        purging.rescue_silent(at=at)
        for clip_id, queue in purging.unheard(at=at):
            ring(purge_clip, clip_id, queue=queue)
        requesting.close_done(at=at)


@shared_task
def compare_clips() -> None:
    with alone("compare_clips") as mine:
        if mine:
            likeness.compare_new(at=database_now())


@shared_task
def remind_of_cases() -> None:
    """Cases and requests wait for people; what is late is said again and again where operators look."""
    at = database_now()
    late = cases.overdue(at=at)
    first = late.first()
    if first is not None:
        log.error("%s cases are late; the most is the %s, due %s", late.count(), first, first.due_at)
    red = requesting.red(at=at)
    pressing = red.first()
    if pressing is not None:
        said = "%s owners' requests are due soon or late; the first is %s, due %s"
        log.error(said, red.count(), pressing, pressing.due_at)
    stuck = purging.late(at=at)
    oldest = stuck.first()
    if oldest is not None:
        log.error("%s purges fail again and again; the oldest is the %s: %s", stuck.count(), oldest, oldest.failure)


@shared_task
def sign_access_log() -> None:
    with alone("sign_access_log") as mine:
        if mine and heads.is_due(settings.ACCESS_LOG_HEADS, at=database_now()):
            heads.sign(settings.ACCESS_LOG_HEADS, at=database_now())


def ring_for(clip_id: int, region: str) -> None:
    """Ring the region's workers for a clip that waits, after commit."""
    ring(prepare_clip, clip_id, queue=queue_of(region))
