from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from annotations import auditing


class Command(BaseCommand):
    help = "Ask the queue's promises of its rows, in one snapshot. Names the first row that breaks one; then exits 1."
    requires_migrations_checks = True

    def handle(self, *args: Any, **options: Any) -> None:
        found = {finding.check.name: finding for finding in auditing.audit()}
        for check in auditing.CHECKS:
            finding = found.get(check.name)
            if finding is None:
                self.stdout.write(f"ok      {check.name}")
                continue
            first = ", ".join(f"{name} {value}" for name, value in finding.first.items())
            self.stdout.write(self.style.ERROR(f"broken  {check.name}: {check.promise}"))
            self.stdout.write(f"        {finding.count} rows, the first: {first}")
        if found:
            sys.exit(1)
