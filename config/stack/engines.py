"""The embedded engines: which of them this environment needs, and how each is started and ended."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence

from config.stack import environment, postgres, redis_server
from config.stack.failure import Failed
from config.stack.places import Places
from config.stack.supervising import POLL, Program, Supervisor, Taker

SUPERVISOR = "engines"
PATIENCE = 60.0  # a database that recovers after a crash takes its time
STOPPED_WITHIN = "3"  # after it KILL, which costs PostgreSQL a recovery at the next start and nothing else

VARIABLES = {"postgres": "DATABASE_URL", "redis": "REDIS_URL"}


def wanted(given: Mapping[str, str]) -> list[str]:
    """The engines the environment does not bring."""
    return [name for name, variable in VARIABLES.items() if not given.get(variable)]


def urls(places: Places, names: Sequence[str]) -> dict[str, str]:
    """The addresses of these engines, by the variable that names them."""
    values = {}
    if "postgres" in names:
        values["DATABASE_URL"] = postgres.url(places, environment.database_password(places))
    if "redis" in names:
        values["REDIS_URL"] = redis_server.url(places)
    return values


def kept(places: Places, names: Sequence[str], take: Taker, *, durable: bool = True) -> Supervisor:
    """The engines, prepared and ready to start. PostgreSQL's cluster is made here when there is none."""
    programs = []
    if "postgres" in names:
        postgres.prepare(places, environment.database_password(places), durable=durable)
        settings = {
            "directory": "%(ENV_POSTGRES_FOLDER)s",  # out of the environment, where no character means anything
            "environment": ",".join(f'{name}="{value}"' for name, value in postgres.surroundings().items()),
            "umask": "077",
            "stopsignal": "INT",  # what PostgreSQL calls a fast shutdown
            "stopwaitsecs": STOPPED_WITHIN,
        }
        if places.account is not None:
            settings["user"] = str(places.account.uid)
        programs.append(Program("postgres", postgres.command(places, durable=durable), settings))
    if "redis" in names:
        settings = {
            "directory": "%(ENV_SIGHTLINE_STACK)s/redis",
            "umask": "077",
            "stopwaitsecs": STOPPED_WITHIN,
        }
        programs.append(Program("redis", redis_server.command(places, durable=durable), settings))
    surroundings = {**os.environ, "POSTGRES_FOLDER": str(places.postgres)}
    return Supervisor(SUPERVISOR, places, programs, surroundings, take)


def answer(engine: str, address: str) -> bool:
    """Whether the engine at this address serves."""
    return postgres.answers(address) if engine == "postgres" else redis_server.answers(address)


def wait(supervisor: Supervisor, addresses: Mapping[str, str]) -> None:
    """Tend the engines until all of them serve."""
    until = time.monotonic() + PATIENCE
    for program in supervisor.programs:
        while not answer(program.name, addresses[VARIABLES[program.name]]):
            supervisor.tend()
            if time.monotonic() > until:
                raise Failed(f"{program.name} did not answer within {PATIENCE:.0f} s")
            time.sleep(POLL / 2)
    supervisor.tend()
