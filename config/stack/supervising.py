"""supervisord, a process that keeps others: starts them, starts them again when they die, stops them in time.

The stack runs two: one for the engines, and one for what the Procfile names, which needs the engines up to the end.
Here are its conf, its socket, and what the launcher asks of it. What a program says comes through a pipe of its own,
which supervisord inherits and writes to as if it were the program's log file.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from configparser import RawConfigParser
from http.client import HTTPException
from threading import Thread
from typing import IO, Any, NamedTuple
from xmlrpc.client import Error, Fault, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from config.stack.failure import Failed
from config.stack.places import MARK, PROJECT, Places

POLL = 0.2
GRACE = 7  # for a worker to finish or to give back what it holds
STEADY = 5  # a program that lived this long is started again at once, another waits longer each time
RETRIES = 3  # after them supervisord gives up, and it is for the launcher to say what that means
ANSWER_WITHIN = 15.0

Taker = Callable[[str, int], Callable[[IO[bytes]], None]]  # a name and a place in the list to what takes the output


class Program(NamedTuple):
    """One process of the stack; `settings` are supervisord's own words."""

    name: str
    command: Sequence[str]
    settings: Mapping[str, str] = {}


class Supervisor:
    """One supervisord and its programs."""

    def __init__(
        self, name: str, places: Places, programs: Sequence[Program], environment: Mapping[str, str], take: Taker
    ) -> None:
        self.name, self.places, self.programs, self.take = name, places, programs, take
        self.environment = {**environment, MARK: str(places.var), "PYTHONUTF8": "1"}
        self.pids: dict[str, int] = {}
        self.process: subprocess.Popen[bytes] | None = None
        self._readers: list[Thread] = []
        password = secrets.token_urlsafe()
        self._users = {"username": "sightline", "password": password}
        self._transport = SupervisorTransport(*self._users.values(), f"unix://{places.run / name}.sock")
        self._remote = ServerProxy("http://localhost", self._transport)

    def start(self, first_place: int = 0) -> None:
        """Start it, in a session of its own, so that Ctrl-C reaches the launcher alone and it decides the order."""
        pipes = {program.name: os.pipe() for program in self.programs}
        for ending in ("log", "sock"):
            (self.places.run / f"{self.name}.{ending}").unlink(missing_ok=True)
        conf = self._write_conf({name: write for name, (_, write) in pipes.items()})
        self.process = subprocess.Popen(
            [sys.executable, "-m", "supervisor.supervisord", "--nodaemon", "--configuration", conf],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=PROJECT,
            env=self.environment,
            pass_fds=[write for _, write in pipes.values()],
            start_new_session=True,
        )
        assert self.process.stdout is not None  # noqa: S101 -- it is a pipe
        self._read(self.take("supervisor", len(pipes)), self.process.stdout)
        for place, (name, (read, write)) in enumerate(pipes.items(), start=first_place):
            os.close(write)
            self._read(self.take(name, place), open(read, "rb"))  # noqa: SIM115, PTH123 -- its reader closes it
        until = time.monotonic() + ANSWER_WITHIN
        while self._ask("getState") is None:
            if self.process.poll() is not None or time.monotonic() > until:
                raise Failed(self._silence())
            time.sleep(0.05)

    def tend(self, *, patient: bool = False) -> None:
        """Look at every program once. One that will not stay up is a failure, or, for the patient, started again."""
        found = self._ask("getAllProcessInfo")
        if found is None:
            raise Failed(self._silence())
        for program in found:
            name, pid = program["name"], program["pid"]
            before, self.pids[name] = self.pids.get(name, 0), pid
            if before not in (0, pid):
                # supervisord leaves alone what a killed program started; it must not go on beside the successor.
                _kill_group(before)
            if program["statename"] == "FATAL" and not patient:
                raise Failed(f"{name} does not stay up: {self._last_death(program)}, {RETRIES + 1} times")
            if program["statename"] == "FATAL":
                self._ask("startProcess", f"{self.name}:{name}", False)

    def restless(self) -> list[str]:
        """Which programs have died of late, and how."""
        found = self._ask("getAllProcessInfo") or []
        return [f"{each['name']}: {self._last_death(each)}" for each in found if each["statename"] == "BACKOFF"]

    def stop(self, hurry: Callable[[], bool] = lambda: False) -> None:
        """Have it stop all its programs at once and leave; whoever is in a hurry, or waited long enough, kills all."""
        if self.process is None:
            return
        self.process.terminate()
        until = time.monotonic() + GRACE + 2  # its loop turns once a second
        while self.process.poll() is None and not hurry() and time.monotonic() < until:
            time.sleep(0.05)
        self.process.kill()
        self.process.wait()
        for pid in filter(None, self.pids.values()):
            _kill_group(pid)  # a program that ended in order may leave a child that did not
        self._transport.close()
        for reader in self._readers:
            reader.join(timeout=0.5)  # last words come before whatever is said next

    def _ask(self, what: str, *arguments: Any) -> Any:
        """What supervisord answers, or None when it does not."""
        try:
            return getattr(self._remote.supervisor, what)(*arguments)
        except (OSError, HTTPException, Error) as error:
            if not isinstance(error, Fault):
                self._transport.close()  # it would go on using a broken connection
            return None

    def _silence(self) -> str:
        assert self.process is not None  # noqa: S101 -- nobody asks before it is started
        with contextlib.suppress(subprocess.TimeoutExpired):
            return f"supervisord, which keeps the {self.name}, {died(self.process.wait(timeout=GRACE + 2))}"
        return f"supervisord, which keeps the {self.name}, does not answer"

    def _last_death(self, program: Mapping[str, Any]) -> str:
        # Of a program that died young it remembers only that; how it died stands in its log.
        log = (self.places.run / f"{self.name}.log").read_text(errors="replace")
        found = re.findall(rf" exited: {re.escape(program['name'])} \((.*); not expected\)", log)
        return str(found[-1] if found else program["spawnerr"])

    def _read(self, take: Callable[[IO[bytes]], None], source: IO[bytes]) -> None:
        self._readers.append(Thread(target=take, args=(source,), daemon=True))
        self._readers[-1].start()

    def _write_conf(self, outputs: Mapping[str, int]) -> str:
        conf = RawConfigParser()
        here = f"%(here)s/{self.name}"
        conf["supervisord"] = {
            "pidfile": f"{here}.pid",
            "logfile": f"{here}.log",
            "logfile_maxbytes": "1MB",
            "logfile_backups": "0",
            "loglevel": "warn",
            "nocleanup": "true",
        }
        if os.geteuid() == 0:
            conf["supervisord"]["user"] = "root"  # said, so that it does not warn
        # The socket is ours alone; the password is there because supervisord complains about a server without.
        conf["unix_http_server"] = {"file": f"{here}.sock", "chmod": "0700", **self._users}
        conf["rpcinterface:supervisor"] = {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
        }
        # One group, because groups are stopped one after the other.
        conf[f"group:{self.name}"] = {"programs": ",".join(outputs)}
        for program in self.programs:
            conf[f"program:{program.name}"] = {
                "command": quoted(program.command),
                "autorestart": "true",
                "startsecs": str(STEADY),
                "startretries": str(RETRIES),
                "stopsignal": "TERM",
                "stopwaitsecs": str(GRACE),
                # TERM goes to the main process, which knows what its children are in the middle of; KILL goes to all.
                "killasgroup": "true",
                "redirect_stderr": "true",
                "stdout_logfile": f"/dev/fd/{outputs[program.name]}",
                "stdout_logfile_maxbytes": "0",
                **program.settings,
            }
        path = self.places.supervisor_conf(self.name)
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            conf.write(file)
        return str(path)


@contextlib.contextmanager
def once(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    take: Callable[[IO[bytes]], None],
    hurry: Callable[[], bool],
) -> Iterator[subprocess.Popen[bytes]]:
    """A command that runs once, beside what is kept; at the end nothing of it is left."""
    process = subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=PROJECT,
        env=environment,
        start_new_session=True,
    )
    reader = Thread(target=take, args=(process.stdout,), daemon=True)
    reader.start()
    try:
        yield process
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0 if hurry() else 1.5)
        _kill_group(process.pid)
        process.wait()
        reader.join(timeout=0.5)


def died(code: int) -> str:
    """How a process ended, in words."""
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def quoted(words: Sequence[str]) -> str:
    """A command line for supervisord. No quotation marks: a ` #` or ` ;` within them would start a comment."""
    return " ".join(re.sub(r"([^\w@+=:,./-])", r"\\\1", word) for word in words).replace("%", "%%")


def _kill_group(number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(number, signal.SIGKILL)
