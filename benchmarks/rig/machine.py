"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from benchmarks.rig import engines


def facts() -> dict[str, Any]:
    with engines.connect() as link:
        names = "server_version shared_buffers max_wal_size fsync synchronous_commit full_page_writes"
        names += " wal_sync_method autovacuum"
        settings = {name: link.execute("SELECT current_setting(%s)", [name]).fetchone()[0] for name in names.split()}  # type: ignore[index]
    return bare_facts() | {"postgresql": settings}


def bare_facts() -> dict[str, Any]:
    """The same without PostgreSQL, for what does not use it."""
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
        "packages": {
            name: _version(name) for name in ("django", "djangorestframework", "psycopg", "gunicorn", "granian")
        },
    }


def page(title: str, script: str, facts: Mapping[str, Any], told: Iterable[str], *, quick: bool) -> str:
    """What a script found, as a page that it writes itself."""
    where = (
        f"{facts['cores']} cores ({facts['processor']}), {facts['memory_gib']} GiB, {facts['system']}, Python"
        f" {facts['python']}, PostgreSQL {facts['postgresql']['server_version']}, load before {facts['load_before']}"
    )
    return "\n".join(
        [
            f"# {title}",
            "",
            f"Written by `{script}{' --quick' if quick else ''}` on {where}; {datetime.now(UTC).date()}. Method and"
            " words stand at the head of the script.",
            "",
            "\n".join(told).strip("\n"),
            "",
        ]
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "-"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123
            return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
