"""What a killed launcher leaves behind: processes, sockets, notes. Found by their mark, never by their name alone.

Every child carries the real path of its var folder in its environment. PostgreSQL and Redis write their titles over
theirs; they are known by being that program at work in our data folder. Another stack's processes match neither.
"""

from __future__ import annotations

import contextlib
import signal
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import psutil

from config.stack import engines, postgres
from config.stack.places import MARK, Places

ENGINES = {"postgres", "redis-server"}
PATIENCE = 5.0


def find(places: Places) -> list[psutil.Process]:
    """Every process of this stack, except ourselves and those that started us."""
    spared = {process.pid for process in [psutil.Process(), *psutil.Process().parents()]}
    return [process for process in psutil.process_iter() if process.pid not in spared and _is_ours(process, places)]


def end(places: Places, *, patience: float = PATIENCE) -> list[str]:
    """End what is left of this stack and say what it was: each supervisord before what it would start again, and the
    engines last."""
    ended = [_name(process) for process in find(places)]
    for turn in ("services", "", engines.SUPERVISOR, "engine"):
        _end([process for process in find(places) if _turn(process, places) == turn], patience)
    # Whatever was started while we looked.
    _end(find(places), patience)
    return [f"{count} x {name}" for name, count in Counter(ended).items()]


def clear(places: Places) -> list[str]:
    """End the leftovers and remove what would make their successors stumble. Data stays."""
    cleared = end(places)
    stale = [*places.run.glob("*.sock"), *places.postgres_sockets.glob(".s.PGSQL.*")]
    for path in stale:
        if path.exists():
            cleared.append(path.name)
            path.unlink(missing_ok=True)
    postgres.forget_dead_server(places)
    return cleared


def _is_ours(process: psutil.Process, places: Places) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        if _is_engine(process, places):
            return True
    with contextlib.suppress(psutil.Error, OSError):
        return process.environ().get(MARK) == str(places.var)
    return False


def _is_engine(process: psutil.Process, places: Places) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        if process.name() not in ENGINES:
            return False
        words = process.cmdline()
        if str(places.data) in words or f"unixsocket:{places.redis_socket}" in " ".join(words).split():
            return True
        folder = Path(process.cwd())
        return folder == places.redis or folder.is_relative_to(places.postgres)
    return False


def _turn(process: psutil.Process, places: Places) -> str:
    if _is_engine(process, places):
        return "engine"
    with contextlib.suppress(psutil.Error, OSError):
        words = process.cmdline()
        for name in ("services", engines.SUPERVISOR):
            if str(places.supervisor_conf(name)) in words:
                return name
    return ""


def _end(processes: Sequence[psutil.Process], patience: float) -> None:
    numbers = {process.pid for process in processes}
    for process in processes:
        with contextlib.suppress(psutil.Error):
            if process.name() != "postgres":
                process.terminate()
            elif process.ppid() not in numbers:
                # Only PostgreSQL's first process knows in which order the others may end.
                process.send_signal(signal.SIGINT)
    _, alive = psutil.wait_procs(processes, timeout=patience)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=patience)


def _name(process: psutil.Process) -> str:
    try:
        return "supervisord" if "supervisor.supervisord" in process.cmdline() else process.name()
    except psutil.Error:
        return "process"
