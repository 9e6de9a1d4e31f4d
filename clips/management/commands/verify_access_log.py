"""``manage.py verify_access_log``: is the log as it was written? If not, exit code 1, and what is bad first."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from clips import chain, heads


class Command(BaseCommand):
    help = "Hash every entry of the access log again, and compare with the signed heads."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--heads",
            metavar="FILE",
            help="Signed heads, best a copy from elsewhere; those of this machine unless given.",
        )
        parser.add_argument(
            "--public-key",
            metavar="HEX",
            action="append",
            default=[],
            help="Another key that signed, from before ACCESS_LOG_KEY was changed; may be repeated.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        began = time.monotonic()
        path = Path(options["heads"] or settings.ACCESS_LOG_HEADS)
        if options["heads"] and not path.is_file():
            raise CommandError(f"{path} is not there")
        try:
            keys = [heads.public_key(), *options["public_key"]]
            known = chain.Heads(heads.read(path, keys=keys) if path.is_file() else ())
        except heads.BadHeads as bad:
            raise CommandError(f"{path}: {bad}") from None
        found = chain.verify(known)
        self.stdout.write(
            f"{found.entries} entries in {found.streams} streams, {found.heads} signed heads,"
            f" {time.monotonic() - began:.1f} s"
        )
        if found.faults:
            raise CommandError("\n".join(str(fault) for fault in found.faults))
        if not found.heads:
            self.stdout.write("No head was signed yet: an end that was cut off would not be found.")
