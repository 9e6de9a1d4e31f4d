"""What the beat counts before anybody looks at the console."""

from __future__ import annotations

from celery import shared_task

from annotations.console import quotas, today
from annotations.planning import forecasting
from config.clock import database_now
from config.ticks import alone


@shared_task
def count_ahead() -> None:
    with alone("count_ahead") as mine:
        if mine:
            today.keep_ahead(at=database_now())
            quotas.keep_ahead(at=database_now())
            # The last, for it takes the longest.
            forecasting.keep_ahead(at=database_now())
