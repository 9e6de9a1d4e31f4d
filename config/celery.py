"""The doorbell. What it must not lose stands in PostgreSQL; see ``docs/decisions.md`` for each setting's reason."""

from __future__ import annotations

import os
from importlib import import_module

from celery import Celery
from celery.signals import beat_init, celeryd_init, worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# A supervisor's TERM becomes Celery's QUIT: stop taking work, give what runs the soft-shutdown time, then leave.
os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")

app = Celery("sightline")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_ready.connect
def _say_reports(**_: object) -> None:
    """A worker writes down what holds the media tools on its machine."""
    import_module("config.health").say_reports()


@celeryd_init.connect
def _watch_hearing(**_: object) -> None:
    """Only a worker watches whether it hears; see ``config/listening.py``."""
    import_module("config.listening")


@beat_init.connect
def _watch_beat(**_: object) -> None:
    """Only a beat says that it beats; see ``config/pulse.py``."""
    import_module("config.pulse").watch_beat()
