"""What no model says stands in files, and every fresh database has all of it."""

from __future__ import annotations

import re
from pathlib import Path

import pgtrigger
import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.migrations import RunSQL
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from config import sql

ROOMS = ("annotations", "clips", "workforce")
FILES = [path for room in ROOMS for path in sorted((Path(settings.BASE_DIR) / room / "sql").glob("*.sql"))]


def run_by_migrations() -> set[str]:
    migrations = MigrationLoader(None).disk_migrations.values()
    steps = [step for migration in migrations if migration.app_label in ROOMS for step in migration.operations]
    return {str(step.sql) for step in steps if isinstance(step, RunSQL)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.parent.name}-{path.stem}")
def test_a_file_is_run_by_a_migration_of_its_room(path: Path) -> None:
    assert sql.statements(path.parent.parent.name, path.stem) in run_by_migrations()


def test_the_functions_of_the_database_are_those_of_the_files(db: None) -> None:
    made = {name for path in FILES for kind, name in sql.MADE.findall(path.read_text()) if kind == "FUNCTION"}
    with connection.cursor() as cursor:
        cursor.execute(
            r"SELECT proname FROM pg_proc WHERE proname ^@ 'sightline_' AND pronamespace = 'public'::regnamespace"
        )
        assert {name for (name,) in cursor.fetchall()} == made


def test_a_file_makes_functions_only_in_the_way_that_the_way_back_knows() -> None:
    for path in FILES:
        text = path.read_text()
        assert len(re.findall(r"^\s*CREATE (?:OR REPLACE )?(?:FUNCTION|VIEW)\b", text, re.M)) == len(
            sql.MADE.findall(text)
        ), path


def test_every_trigger_of_a_model_is_installed_as_the_model_says(db: None) -> None:
    asked = [
        (model._meta.label, trigger.name, trigger.get_installation_status(model))
        for model, trigger in pgtrigger.registered()
        if model._meta.app_label in ROOMS
    ]
    assert len(asked) > 50
    assert [one for one in asked if one[2] != (pgtrigger.core.INSTALLED, True)] == []


def test_the_way_back_drops_what_was_made_the_last_first() -> None:
    text = "CREATE OR REPLACE FUNCTION one() RETURNS int\nCREATE OR REPLACE VIEW two AS\n"
    assert sql.drops(text) == "DROP VIEW two CASCADE;\nDROP FUNCTION one CASCADE;"


def test_a_change_goes_back_to_the_file_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql, "statements", lambda room, name: f"{room} {name}")
    step = sql.run("annotations", "0009_take", before="take")
    assert (step.sql, step.reverse_sql) == ("annotations 0009_take", "annotations take")


def test_a_database_that_lacks_some_of_what_one_migration_stands_for_is_told(db: None) -> None:
    assert sql.no_way_on(databases=["default"]) == []
    MigrationRecorder(connection).record_unapplied("annotations", "0026_seats_apart")
    (told,) = sql.no_way_on(databases=["default"])
    assert told.msg == "annotations lacks 0026_seats_apart, which 0001_schema stands for now"
    MigrationRecorder.Migration.objects.filter(app="annotations").delete()
    assert sql.no_way_on(databases=["default"]) == []  # as fresh


def test_the_rooms_are_known() -> None:
    """A room that is new has its SQL looked at here, too."""
    ours = {app.label for app in apps.get_app_configs() if Path(app.path).parent == Path(settings.BASE_DIR)}
    assert ours - {"config"} == set(ROOMS)
