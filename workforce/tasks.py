"""The people's Celery tasks."""

from celery import shared_task

from config.clock import database_now
from config.ticks import alone
from workforce import calendars, signing_in, skills


@shared_task
def forget_tries() -> None:
    with alone("forget_tries") as mine:
        if mine:
            at = database_now()
            signing_in.forget_old(at=at)
            signing_in.end_tokens(at=at)


@shared_task
def keep_calendars() -> None:
    with alone("keep_calendars") as mine:
        if mine:
            at = database_now()
            skills.expire(at=at)
            calendars.end_employment(at=at)
