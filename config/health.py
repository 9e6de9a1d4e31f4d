"""Health: is this process alive, and can it reach what it needs."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import redis
from django.conf import settings
from django.core.files.storage import FileSystemStorage, storages
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

# Says that a folder is the storage it is taken for, and not the place where its disk should be mounted.
MARKER = ".sightline-storage"

log = logging.getLogger("sightline.health")

# What rooms tell of this machine, by name: for people and monitors to read, never a reason not to be ready.
REPORTS: dict[str, Callable[[], Mapping[str, object]]] = {}


def say_reports() -> None:
    """Write down once, when a process has begun, what rooms tell of this machine."""
    for name, report in REPORTS.items():
        said = ", ".join(f"{key}: {value}" for key, value in report().items() if value != "")
        log.info("%s: %s", name, said)


def home(request: HttpRequest) -> HttpResponse:
    """Nobody lives at the root: people want the admin."""
    return redirect("admin:index")


def no_icon(request: HttpRequest) -> HttpResponse:
    """Browsers ask for one everywhere; pages bring their own."""
    return HttpResponse(status=204)


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """This process answers; nothing else is asked."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Whether PostgreSQL, Redis and each storage answer; 503 and which one when not."""
    checks = {"postgres": _postgres, "redis": _redis} | {
        f"storage:{alias}": _storage(alias)
        for alias in settings.STORAGES
        if alias.startswith("clips-") or alias == "exports"
    }
    results = {name: _try(name, check) for name, check in checks.items()}
    failed = sorted(name for name, result in results.items() if result != "ok")
    return JsonResponse(
        {
            "status": "not ready" if failed else "ok",
            "failed": failed,
            "checks": results,
            "machine": {name: report() for name, report in REPORTS.items()},
        },
        status=503 if failed else 200,
    )


def _try(name: str, check: Callable[[], None]) -> str:
    try:
        check()
    except Exception as error:  # whatever a driver raises means the same here: it does not answer
        log.warning("%s does not answer: %s", name, type(error).__name__)
        return f"does not answer ({type(error).__name__})"
    return "ok"


def _postgres() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _redis() -> None:
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as client:
        client.ping()


def _storage(alias: str) -> Callable[[], None]:
    def check() -> None:
        storage = storages[alias]
        if not isinstance(storage, FileSystemStorage):
            storage.exists("probe")
        elif not (Path(storage.location) / MARKER).is_file() or not os.access(storage.location, os.W_OK):
            # Never made here: an empty folder may be a disk that is not mounted.
            raise FileNotFoundError("not set up; migrate sets up storages")

    return check
