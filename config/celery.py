"""The doorbell. What it must not lose stands in PostgreSQL; see ``docs/decisions.md`` for each setting's reason."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# A supervisor's TERM becomes Celery's QUIT: stop taking work, give what runs the soft-shutdown time, then leave.
os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")

app = Celery("sightline")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
