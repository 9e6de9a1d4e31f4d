from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotations.simulation import fitting, report, running, scenario
from config.clock import database_now
from config.errors import Refusal


class Command(BaseCommand):
    help = (
        "Live through days of work in simulated time, by the project's own claim, quota and planning, in a scratch "
        "database that is made beside the configured one and dropped. Exits 1 when a promise of the queue is broken."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("scenario", type=Path, help="a scenario in YAML or JSON, as docs/scenario.yaml")
        parser.add_argument(
            "--fit",
            type=int,
            metavar="DAYS",
            help="write the scenario instead, from what the configured database says of its last days",
        )
        parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was found there")
        parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw answers an hour by team there")
        parser.add_argument("--scratch", default="", metavar="NAME", help="what the scratch database is called")
        parser.add_argument("--keep", action="store_true", help="do not drop the scratch database")
        parser.add_argument("--quiet", action="store_true", help="say nothing of how far it is")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["scenario"]
        try:
            if options["fit"] is not None:
                self._fit(path, days=options["fit"])
                return
            found = running.simulate(
                scenario.load(path),
                name=options["scratch"],
                keep=options["keep"],
                say=(lambda line: None) if options["quiet"] else self.stderr.write,
            )
        except Refusal as refusal:
            raise CommandError(refusal.detail) from None
        for line in report.lines(found):
            self.stdout.write(line)
        if options["json"]:
            options["json"].write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        if options["plot"]:
            report.draw(options["plot"], found)
        if found["broken"]:
            raise CommandError("These promises of the queue are broken: " + ", ".join(found["broken"]))

    def _fit(self, path: Path, *, days: int) -> None:
        if path.exists():
            raise CommandError(f"{path} is there already.")
        if days < 1:
            raise CommandError("--fit: at least one day.")
        said = fitting.fit(days=days, at=database_now())
        path.write_text(yaml.safe_dump(said, sort_keys=False, allow_unicode=True), encoding="utf-8")
        self.stdout.write(f"{path} says what the last {days} days were like; change it and simulate it.")
