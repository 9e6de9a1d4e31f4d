"""The ground. Importing it makes Celery's app known, so that whoever rings a bell rings the right one."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
