"""The people's Celery tasks."""

from celery import shared_task

from config.clock import database_now
from config.ticks import alone
from workforce import signing_in


@shared_task
def forget_tries() -> None:
    with alone("forget_tries") as mine:
        if mine:
            signing_in.forget_old(at=database_now())
