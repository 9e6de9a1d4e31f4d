"""A scratch database beside the configured one, with a clock of its own; made, used and dropped."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg
from django.core.management import call_command
from django.db import connection, connections
from psycopg import sql

from annotations.errors import NotScratch
from annotations.simulation import queries

PREFIX = "sightline_simulation_"


@contextmanager
def scratch(*, starts: datetime, name: str = "", keep: bool = False) -> Iterator[str]:
    """Make a migrated database whose clock stands at ``starts``, let Django's connection lead to it, and drop it at the
    end unless ``keep`` says so. Yields its name.

    Raises :class:`NotScratch` for a name that is not a simulation's own, or that is taken.
    """
    configured = str(connection.settings_dict["NAME"])
    name = name or PREFIX + secrets.token_hex(4)
    if name == configured or not name.startswith(PREFIX):
        raise NotScratch(f"A simulation's database is called {PREFIX}..., and {name} is not.")
    address = _address()
    with _connect(address, configured) as link:
        if link.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            raise NotScratch(f"There is a database {name} already.")
        link.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        with _connect(address, name) as link:
            link.execute("CREATE SCHEMA simulated")
            link.execute(queries.CLOCK.encode())
            # New things go to the first of the path; of functions of one name the first found is taken.
            for setting, value in {
                "search_path": sql.SQL("public, simulated, pg_catalog"),
                "sightline.now": sql.Literal(starts.isoformat()),
                "synchronous_commit": sql.SQL("off"),
            }.items():
                link.execute(
                    sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                        sql.Identifier(name),
                        sql.SQL(setting),
                        value,
                    )
                )
        _lead_to(name)
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
        call_command("migrate", verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute(queries.PLAY)
        queries.prepare()
        yield name
    finally:
        _lead_to(configured)
        if not keep:
            with _connect(address, configured) as link:
                link.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def check() -> None:
    """Raises :class:`NotScratch` unless the connection leads to a simulation's database: no other is written to."""
    if not str(connection.settings_dict["NAME"]).startswith(PREFIX) or not queries.is_scratch():
        raise NotScratch


def _lead_to(name: str) -> None:
    connections.close_all()
    connection.settings_dict["NAME"] = name


def _address() -> dict[str, Any]:
    """How the configured server is reached."""
    place = connection.settings_dict
    names = {"user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    return {ours: place[theirs] for ours, theirs in names.items() if place.get(theirs)}


def _connect(address: dict[str, Any], name: str) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(**address, dbname=name, autocommit=True)
