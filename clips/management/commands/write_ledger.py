"""The whole purge ledger as one file, to be kept apart from every backup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from clips import ledger
from clips.models import PurgedKey


class Command(BaseCommand):
    help = "Write the purge ledger to a file that `manage.py replay_purges --ledger` takes; it names nobody."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        aside = path.with_name(f"{path.name}.part")
        with aside.open("w") as out:
            count = 0
            for line in PurgedKey.objects.order_by("pk").iterator():
                out.write(ledger.as_text(line))
                count += 1
        aside.replace(path)
        self.stdout.write(f"{count} lines in {path}")
