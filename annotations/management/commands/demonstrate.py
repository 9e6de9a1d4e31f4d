from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotations.demonstration import story, summary
from annotations.demonstration.client import StepFailed


class Command(BaseCommand):
    help = (
        "Seed a demonstration when the database is empty, drive real clips through every room over HTTP, and print "
        "what happened. Running it again changes nothing that is done."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--base-url", default="http://127.0.0.1:8000", help="Where the web process answers.")

    def handle(self, *args: Any, **options: Any) -> None:
        base_url = str(options["base_url"]).rstrip("/")
        try:
            story.tell(base_url, say=self.stdout.write)
        except StepFailed as failure:
            raise CommandError(f"the demonstration stopped: {failure}") from None
        for line in summary.lines(base_url):
            self.stdout.write(line)
