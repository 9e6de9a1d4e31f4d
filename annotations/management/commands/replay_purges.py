"""Purge again what was purged before a backup was restored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotations import forgetting, retracting
from clips import ledger, storage
from clips.models import PurgedKey, PurgeState
from config.clock import database_now
from config.errors import Refusal


class Command(BaseCommand):
    help = (
        "After a database or a store came back from a backup, before anybody is let in: take in the lines of the purge "
        "ledger that the database lacks, from each region's storage and from a file, and purge all of them again. "
        "Repeating it is harmless."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--ledger", type=Path, help="a file of lines that `manage.py write_ledger` wrote")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            taken = self._take_in(options["ledger"])
            self.stdout.write(f"{taken} lines were taken in; the ledger has {PurgedKey.objects.count()}.")
            self._replay()
        except (Refusal, OSError) as error:
            raise CommandError(str(error)) from error

    def _take_in(self, path: Path | None) -> int:
        count = 0
        if path is not None:
            count += ledger.take_in(path.read_text().splitlines())
        for region in settings.REGIONS:
            count += ledger.take_in(ledger.stored(region))
        return count

    def _replay(self) -> None:
        again = waiting = 0
        left: list[str] = []
        ours = [f"clips-{region}" for region in settings.REGIONS]
        for line in PurgedKey.objects.filter(alias__in=ours).order_by("pk").iterator():
            state = forgetting.replay(line)
            again += 1
            waiting += state not in {None, PurgeState.DONE}
            ledger.write_out(line)
            left += storage.remains(line.alias, line.folder)
        brought = retracting.remove_again()
        retracting.look(at=database_now(), most=10**9)
        self.stdout.write(f"{brought} files of exports were removed again; those of others follow by the sweep.")
        elsewhere = PurgedKey.objects.exclude(alias__in=ours).count()
        self.stdout.write(f"{again} purges were replayed; the stores list {len(left)} things of them.")
        if elsewhere:
            self.stdout.write(f"{elsewhere} are of regions that are not here; replay them there.")
        if waiting or left:
            raise CommandError(f"{max(waiting, len(left))} are not done; the sweep goes on with them.")
