"""``manage.py sign_access_log``: sign the heads of the access log now. Beat does it once a day."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from clips import heads
from config.clock import database_now


class Command(BaseCommand):
    help = "Sign the head of each stream of the access log that grew, and add it to the file of heads."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--heads", metavar="FILE", default=str(settings.ACCESS_LOG_HEADS), help="The file.")

    def handle(self, *args: Any, **options: Any) -> None:
        count = heads.sign(Path(options["heads"]), at=database_now())
        self.stdout.write(f"{count} heads signed into {options['heads']} by {heads.public_key()}")
