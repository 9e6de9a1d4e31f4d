from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from rest_framework.exceptions import ValidationError
from tqdm import tqdm

from clips import ingesting
from clips.ingesting import Item, Outcome
from clips.models import Channel, Purpose, Source
from clips.serializers import ConsentIn
from config import bells
from config.http.problems import describe

RESULTS = ("taken", "there", "refused")


class Command(BaseCommand):
    help = (
        "Take in every file of a folder, or of a manifest: a line of JSON for each, with file (relative to the "
        "manifest), owner, region, source, language, consent and event; what a line leaves out is what the options "
        "say. Safe to repeat and to kill: run it again. Exits 0 when every file is here, 1 when some were refused, 2 "
        "when it could not begin."
    )
    requires_migrations_checks = True

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("place", type=Path, metavar="FOLDER|MANIFEST")
        parser.add_argument("--by", required=True, metavar="USERNAME", help="in whose name; must be allowed to send")
        parser.add_argument("--region", choices=settings.REGIONS)
        parser.add_argument("--source", choices=Source.values)
        parser.add_argument("--language", help="what is spoken, such as hi; without it anybody may be handed them")
        parser.add_argument("--owner", help="pseudonymous key of the owner")
        parser.add_argument("--disclosure", help="version of the text the owner was shown")
        parser.add_argument("--purposes", help=f"comma-separated, of {', '.join(Purpose.values)}")
        parser.add_argument("--channel", choices=Channel.values)
        parser.add_argument("--given-at", help="when the owner agreed, such as 2026-11-22T10:00:00+05:30")
        parser.add_argument("--workers", type=int, default=1, help="how many files at a time")
        parser.add_argument("--report", type=Path, metavar="FILE.jsonl", help="write what became of each file")

    def handle(self, *args: Any, place: Path, workers: int, report: Path | None, **options: Any) -> None:
        by = User.objects.filter(username=options["by"], is_active=True).first()
        if by is None or not by.has_perm("clips.add_clip"):
            raise CommandError("--by must name somebody who may send clips.", returncode=2)
        if not 1 <= workers <= 32:
            raise CommandError("--workers is a number from 1 to 32.", returncode=2)
        common = said_for_all(options)
        counted: Counter[str] = Counter()
        try:
            with ExitStack() as stack:
                items, root, total = found_in(place, common, report)
                out = stack.enter_context(report.open("w", encoding="utf-8")) if report else None
                # Always on stderr: stdout is for what was refused.
                bar = stack.enter_context(
                    tqdm(total=total, unit="file", file=sys.stderr, mininterval=0.5 if sys.stderr.isatty() else 5)
                )
                for outcome in each(items, lambda item: take(item, root, common, by, workers), workers):
                    counted[outcome.result] += 1
                    bar.update()
                    bar.set_postfix(counted, refresh=False)
                    if out:
                        out.write(json.dumps(outcome.document()) + "\n")
                        out.flush()
                    if outcome.result == "refused":
                        self.stdout.write(f"refused {outcome.code}: {shown(outcome)}: {outcome.detail}")
        except KeyboardInterrupt:
            raise CommandError("Stopped; run it again to go on.", returncode=130) from None
        except OSError as error:
            raise CommandError(f"{error.filename or place}: {error.strerror}.", returncode=2) from None
        # What is not rung for is found by the sweep.
        deadline = time.monotonic() + 5
        while not bells.rung() and time.monotonic() < deadline:
            time.sleep(0.05)
        self.stdout.write(", ".join(f"{counted[name]} {name}" for name in RESULTS))
        if counted["refused"]:
            sys.exit(1)


def said_for_all(options: dict[str, Any]) -> dict[str, Any]:
    """What the options say of every file, in the shape of a line."""
    consent = {name: options[name] for name in ("owner", "disclosure", "channel", "given_at") if options[name]}
    if options["purposes"]:
        consent["purposes"] = [word.strip() for word in options["purposes"].split(",") if word.strip()]
    return {name: options[name] for name in ("region", "source", "language") if options[name]} | {"consent": consent}


def found_in(place: Path, common: dict[str, Any], report: Path | None) -> tuple[Iterator[Item], Path, int]:
    """The files to take in, the folder they must lie in, and about how many they are. Raises CommandError."""
    if place.is_dir():
        missing = [name for name in ("region", "source") if name not in common]
        if missing:
            raise CommandError(f"A folder needs --{' and --'.join(missing)}.", returncode=2)
        consent = ConsentIn(data=common["consent"])
        try:
            consent.is_valid(raise_exception=True)
        except ValidationError as error:
            document = describe(error)[0] or {}
            rows = "; ".join(f"--{row['field'].replace('_', '-')}: {row['detail']}" for row in document["errors"])
            raise CommandError(rows, returncode=2) from None
        return (
            ingesting.folder_items(place, but=report),
            place,
            sum(1 for _ in ingesting.folder_items(place, but=report)),
        )
    if place.is_file():
        if report and report.exists() and report.samefile(place):
            raise CommandError("The report would be written over the manifest.", returncode=2)
        if not ingesting.looks_like_a_manifest(place):
            raise CommandError(
                f"{place} is no manifest: it is not text. For a clip, name its folder or a manifest.",
                returncode=2,
            )
        return ingesting.manifest_items(place), place.parent, sum(1 for _ in ingesting.manifest_items(place))
    raise CommandError(f"{place} is neither a folder nor a file.", returncode=2)


def take(item: Item, root: Path, common: dict[str, Any], by: User, workers: int) -> Outcome:
    """One file, perhaps in a thread of its own, whose connection nobody would close."""
    try:
        return ingesting.take(item, root=root, common=common, by=by)
    finally:
        if workers > 1:
            connections.close_all()


def each(items: Iterable[Item], do: Callable[[Item], Outcome], workers: int) -> Iterator[Outcome]:
    """What becomes of each, as it becomes known; never more than a few wait for their turn."""
    if workers == 1:
        yield from map(do, items)
        return
    with ThreadPoolExecutor(workers) as pool:
        waiting: set[Future[Outcome]] = set()
        for item in items:
            waiting.add(pool.submit(do, item))
            if len(waiting) >= 2 * workers:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        yield from (future.result() for future in waiting)


def shown(outcome: Outcome) -> str:
    """The file's name, safe to print; without one, its line."""
    return ascii(outcome.file)[1:-1] if outcome.file else f"line {outcome.line}"
