"""What the database does and no model says: functions, and what stands on them, as SQL in a room's folder ``sql``.

A subject has a file there, and its room's first migration runs it. A file that has run anywhere is not edited any more:
a database that has it would not hear of the change. A change of a function is its whole text again, in a new file named
after its migration, with the ``ALTER FUNCTION ... SET`` lines, which replacing a function forgets::

    operations = [sql.run("annotations", "0002_take", before="take")]

Where the file of before makes more than that, the way back is :func:`function`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import Error
from django.db import connections, router
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import CreateModel, RunSQL
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState

MADE = re.compile(r"^CREATE OR REPLACE (FUNCTION|VIEW) (\w+)", re.MULTILINE)


def run(room: str, name: str, *, before: str = "") -> RunSQL:
    """Runs a file of a room. The way back runs the file ``before``; without one, what the file made is dropped."""
    text = statements(room, name)
    return RunSQL(text, statements(room, before) if before else drops(text))


def statements(room: str, name: str) -> str:
    """The text of a room's file."""
    path = settings.BASE_DIR / room / "sql" / f"{name}.sql"
    return str(path.read_text(encoding="utf-8"))


def function(room: str, name: str, made: str) -> str:
    """One function out of a room's file, with its settings."""
    text = statements(room, name)
    begins = text.index(f"CREATE OR REPLACE FUNCTION {made}(")
    settings_of_it = [line for line in text.splitlines() if line.startswith(f"ALTER FUNCTION {made}(")]
    return "\n".join([text[begins : text.index("$$;", begins) + len("$$;")], *settings_of_it])


def drops(text: str) -> str:
    """Takes away the functions and views that a text makes, the last first, with the triggers that call them."""
    return "\n".join(f"DROP {kind} {name} CASCADE;" for kind, name in reversed(MADE.findall(text)))


class MakeTables(Operation):
    """Makes a room's tables, and what their models hold as triggers among their options, in one step: with a step for
    each, Django makes every model that refers to it anew each time, which is most of what a fresh database costs."""

    def __init__(self, models: list[CreateModel]) -> None:
        self.models = models

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        # Without models made out of it already a state only notes the new ones; all are made when they are asked for.
        state.__dict__.pop("apps", None)
        for model in self.models:
            model.state_forwards(app_label, state)

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for model in self.models:
            model.database_forwards(app_label, schema_editor, from_state, to_state)
        if router.allow_migrate(schema_editor.connection.alias, app_label):
            for trigger in self._triggers():
                schema_editor.execute(trigger.install_sql, params=None)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        if router.allow_migrate(schema_editor.connection.alias, app_label):
            for trigger in self._triggers():
                schema_editor.execute(trigger.uninstall_sql, params=None)
        for model in reversed(self.models):
            model.database_backwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        return "Make the tables " + ", ".join(model.name for model in self.models)

    def _triggers(self) -> Iterator[Any]:
        for model in self.models:
            yield from model.options.get("triggers", [])


def no_way_on(*, databases: Sequence[str] | None = None, **_: Any) -> list[Error]:
    """A check that ``migrate`` makes: where one migration stands for others now, a database on which some of these have
    run, and not all, cannot go on, for their files are gone. Django would pass that app over without a word."""
    loader = MigrationLoader(None)
    found = []
    for alias in databases or ():
        applied = MigrationRecorder(connections[alias]).applied_migrations()
        for key, migration in loader.replacements.items():
            gone = [old for old in migration.replaces if old not in loader.disk_migrations]
            missing = [old for old in gone if old not in applied]
            if missing and len(missing) < len(gone):
                told = f"{key[0]} lacks {missing[0][1]}, which {key[1]} stands for now"
                found.append(Error(told, hint="Migrate with the code of before first.", id="sightline.E002"))
    return found
