"""The embedded engines as parts to keep: which of them this environment needs, and how each is started and ended."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO

from config.stack import account as accounts
from config.stack import environment, keeper, postgres, redis_server
from config.stack.failure import Failed
from config.stack.keeper import Part
from config.stack.places import MARK, Places

PATIENCE = 60.0  # a database that recovers after a crash takes its time
# PostgreSQL: fast shutdown, then immediate, which costs a recovery at the next start and nothing else.
POSTGRES_ENDING = ((signal.SIGINT, 2.5), (signal.SIGQUIT, 0.7))
REDIS_ENDING = ((signal.SIGTERM, 3.0),)

VARIABLES = {"postgres": "DATABASE_URL", "redis": "REDIS_URL"}
Taker = Callable[[str, int], Callable[[IO[bytes]], None]]  # a name and a place in the list to what takes the output


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


def parts(places: Places, names: Sequence[str], take: Taker, *, durable: bool = True) -> list[Part]:
    """The engines, prepared and ready to start. PostgreSQL's cluster is made here when there is none."""
    surroundings = {**os.environ, MARK: str(places.var)}
    made = []
    if "postgres" in names:
        postgres.prepare(places, environment.database_password(places), durable=durable)
        made.append(
            Part(
                name="postgres",
                command=postgres.command(places, durable=durable),
                environment={**surroundings, **postgres.surroundings()},
                folder=places.postgres,
                take=take("postgres", 0),
                ending=POSTGRES_ENDING,
                options={"umask": 0o077, **accounts.stepping_down(places.account)},
            )
        )
    if "redis" in names:
        made.append(
            Part(
                name="redis",
                command=redis_server.command(places, durable=durable),
                environment=surroundings,
                folder=places.redis,
                take=take("redis", 1),
                ending=REDIS_ENDING,
                options={"umask": 0o077},
            )
        )
    return made


def answer(engine: str, address: str) -> bool:
    """Whether the engine at this address serves."""
    return postgres.answers(address) if engine == "postgres" else redis_server.answers(address)


def wait(engines: Sequence[Part], addresses: Mapping[str, str]) -> None:
    """Tend the engines until all of them serve."""
    until = time.monotonic() + PATIENCE
    for engine in engines:
        while not answer(engine.name, addresses[VARIABLES[engine.name]]):
            keeper.tend(engines)
            if engine.deaths > 3:
                raise Failed(f"{engine.name} does not stay up: it {engine.last_death}, {engine.deaths} times")
            if time.monotonic() > until:
                raise Failed(f"{engine.name} did not answer within {PATIENCE:.0f} s")
            time.sleep(keeper.POLL / 2)
