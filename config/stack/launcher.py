"""The one way up and down: `run` stays, `demo` leaves with the demonstration's answer."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO

from config.stack import engines, environment, leftovers, lock, output, places, procfile, signals
from config.stack.failure import Failed, step
from config.stack.output import say
from config.stack.places import PROJECT, Places
from config.stack.supervising import POLL, Program, Supervisor, died, once

HEALTHY_WITHIN = 60.0
PORTS_TRIED = 50


def launch(*, stay: bool, procfile_path: Path = PROJECT / "Procfile") -> int:
    """Bring the stack up, show it at work, and stay or leave. Returns the exit code; leaves no process behind."""
    up = False
    try:
        with step("var folder"):
            there = places.lay_out(places.chosen_var())
        with ExitStack() as held:
            with step("lock"):
                held.enter_context(lock.held(there))
            kept: list[Supervisor] = []
            held.callback(take_down, there, kept)
            children = bring_up(there, kept, procfile_path)
            up = True
            address = f"http://127.0.0.1:{children['PORT']}"
            with step("demonstration"):
                finish(["manage.py", "demonstrate", "--base-url", address], children, kept, shown_as="")
            if stay:
                say(f"Sightline is at {address} - Ctrl-C stops it")
                with step("run"):
                    while True:
                        for supervisor in kept:
                            supervisor.tend(patient=True)
                        time.sleep(POLL)
    except signals.Asked:
        say("stopped")
        return 0 if up and stay else 130
    except Failed as failed:
        output.complain(f"failed at {failed.step}: {failed}")
        return 1
    return 0


def bring_up(there: Places, kept: list[Supervisor], procfile_path: Path) -> dict[str, str]:
    """Every step from an empty folder to a web server that answers; returns the environment its processes live in.

    What is to be started is added to `kept` before it is, so that being interrupted between the two loses nothing.
    """
    given = dict(os.environ)
    with step("leftovers"):
        cleared = leftovers.clear(there)
        if cleared:
            say(f"cleared what an earlier run left: {', '.join(cleared)}")
    with step("secrets"):
        names = engines.wanted(given)
        values = environment.ours(there, given, engines.urls(there, names))
        environment.write(there, values)
        children = environment.for_children(there, given, values)
    with step("engines"):
        if names:
            kept.append(engines.kept(there, names, _takes_lines))
            kept[0].start()
            engines.wait(kept[0], children)
    with step("migrate"):
        finish(["manage.py", "migrate", "--noinput"], children, kept, shown_as="migrate")
    with step("processes"):
        children["PORT"] = str(free_port(given.get("PORT") or "8000"))
        programs = [Program(*line) for line in procfile.read(procfile_path, children).items()]
        kept.append(Supervisor("services", there, programs, children, _takes_lines))
        kept[-1].start(first_place=len(names))
    with step("health"):
        port = int(children["PORT"])
        if not wait_for(kept, partial(healthy, port), HEALTHY_WITHIN):
            restless = [death for supervisor in kept for death in supervisor.restless()]
            why = f" ({'; '.join(restless)})" if restless else ""
            raise Failed(f"http://127.0.0.1:{port}/healthz did not answer 200 within {HEALTHY_WITHIN:.0f} s{why}")
    return children


def take_down(there: Places, kept: Sequence[Supervisor]) -> None:
    """Stop the processes, then the engines they need to stop well, then whatever still bears our mark."""
    signals.stopping()
    if kept:
        say("stopping")
    for supervisor in reversed(kept):
        supervisor.stop(signals.hurry)
    # Whatever is here now has had its time.
    leftovers.end(there, patience=0.2 if signals.hurry() else 1.0)


def reset() -> int:
    """Stop what is left of a stack and remove its folder with all data in it."""
    var = places.chosen_var()
    try:
        with step("reset"):
            there = places.describe(var)
            if var.exists() and not places.is_ours(var) and var.resolve() != PROJECT / "var":
                raise Failed(f"VAR_DIR={var} was not made by Sightline; nothing removed")
            if not there.run.exists():
                ended, gone = leftovers.end(there), places.wipe(there)
            else:
                with lock.held(there):
                    ended, gone = leftovers.end(there), places.wipe(there)
    except Failed as failed:
        output.complain(f"failed at {failed.step}: {failed}")
        return 1
    except signals.Asked:
        return 130
    for processes in ended:
        say(f"ended {processes}")
    for folder in gone:
        say(f"removed {folder}")
    if not gone:
        say("nothing to remove")
    return 0


def wait_for(kept: Sequence[Supervisor], ready: Callable[[], bool], patience: float = float("inf")) -> bool:
    """Tend the processes until something is true; False when it did not become true in time.

    A process that dies every time it is started will not make it true, and waiting would only hide it.
    """
    until = time.monotonic() + patience
    while not ready():
        if time.monotonic() > until:
            return False
        for supervisor in kept:
            supervisor.tend()
        time.sleep(POLL)
    return True


def finish(arguments: Sequence[str], children: Mapping[str, str], kept: Sequence[Supervisor], shown_as: str) -> None:
    """Run a command to its end while the others are tended; anything but success is a failure of the step."""
    with once([sys.executable, *arguments], children, _takes_lines(shown_as, 0), signals.hurry) as process:
        wait_for(kept, lambda: process.poll() is not None)
        if process.returncode != 0:
            raise Failed(f"{' '.join(arguments[:2])} {died(process.returncode)}")


def healthy(port: int) -> bool:
    """Whether the web server says that it is well."""
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def free_port(wanted: str) -> int:
    """The wanted port on loopback, or the next that is free, which is then said."""
    if not wanted.isdecimal() or not 0 < int(wanted) < 65536:
        raise Failed(f"PORT={wanted} is not a port")
    first = int(wanted)
    for port in range(first, min(first + PORTS_TRIED, 65536)):
        if _is_free(port):
            if port != first:
                say(f"port {first} is taken, using {port}")
            return port
    raise Failed(f"no free port from {first} to {port}")


def _is_free(port: int) -> bool:
    # Both questions: a server on every address does not everywhere stop a second one from binding loopback.
    with socket.socket() as asking:
        asking.settimeout(1)
        if asking.connect_ex(("127.0.0.1", port)) == 0:
            return False
    with socket.socket() as binding:
        binding.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            binding.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _takes_lines(name: str, place: int) -> Callable[[IO[bytes]], None]:
    return partial(output.relay, before=output.prefix(name, place))
