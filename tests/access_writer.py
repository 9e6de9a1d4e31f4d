"""A process that writes grants to one person's stream: ``python -m tests.access_writer NUMBER COUNT``."""

from __future__ import annotations

import os
import sys

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()

    from clips import access

    number, count = map(int, sys.argv[1:])
    asking = access.Asking(user_id=7, credentials="link", address="203.0.113.9", method="GET")
    access.grant(asking, access.About(clip_id=3, rendition="proxy", under="lease", under_id=10_000_000 + number))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for turn in range(count):
        under = number * count + turn
        access.grant(asking, access.About(clip_id=3, rendition="proxy", under="lease", under_id=under))
