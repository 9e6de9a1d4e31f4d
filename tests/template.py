"""One migrated database, of which every worker of a run takes a copy: to migrate takes longer than to copy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
from psycopg import sql

NAME = "sightline_tests_template"
# Set by the run that started PostgreSQL itself: on a given one nothing is left behind.
MAY_BE_MADE = "SIGHTLINE_TESTS_TEMPLATE"
# Of PostgreSQL's advisory locks, this one: whoever is first makes it, the others wait.
_LOCK = 7_340_921
_PROJECT = Path(__file__).resolve().parent.parent


def made(address: str) -> str:
    """The name of a migrated database beside the one of this address, made if it is not there yet."""
    with psycopg.connect(address, autocommit=True) as link:
        link.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        if link.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone():
            return NAME
        draft = f"{NAME}_draft"
        name = sql.Identifier(draft)
        link.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(name))
        link.execute(sql.SQL("CREATE DATABASE {}").format(name))
        base, _, options = address.partition("?")
        environment = os.environ | {"DATABASE_URL": f"{base.rpartition('/')[0]}/{draft}" + (options and f"?{options}")}
        argv = [sys.executable, "-W", "ignore", "manage.py", "migrate", "-v", "0"]
        subprocess.run(argv, cwd=_PROJECT, env=environment, check=True)
        link.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(name, sql.Identifier(NAME)))
    return NAME
