"""Clips' Celery tasks: an id in, one verb called."""

import logging

from celery import shared_task

from clips import cases, likeness, preparing, receiving, sweeping
from clips.models import queue_of
from config.bells import ring
from config.clock import database_now
from config.ticks import alone

log = logging.getLogger("sightline.cases")


@shared_task
def prepare_clip(clip_id: int) -> None:
    preparing.prepare(clip_id, now=database_now)


@shared_task
def sweep_clips() -> None:
    with alone("sweep_clips") as mine:
        if not mine:
            return
        at = database_now()
        sweeping.rescue_silent(at=at)
        for clip_id, queue in sweeping.unheard(at=at):
            ring(prepare_clip, clip_id, queue=queue)
        # Last, because a storage that is away makes it slow.
        sweeping.clear_half_received(at=at)
        receiving.clear_cut_uploads()


@shared_task
def compare_clips() -> None:
    with alone("compare_clips") as mine:
        if mine:
            likeness.compare_new(at=database_now())


@shared_task
def remind_of_cases() -> None:
    """Cases wait for people; what is late is said again and again where operators look."""
    late = cases.overdue(at=database_now())
    first = late.first()
    if first is not None:
        log.error("%s cases are late; the most is the %s, due %s", late.count(), first, first.due_at)


def ring_for(clip_id: int, region: str) -> None:
    """Ring the region's workers for a clip that waits, after commit."""
    ring(prepare_clip, clip_id, queue=queue_of(region))
