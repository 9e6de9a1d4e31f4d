"""Fill an empty database for the scripted reviewers: ``python -m tests.crashes.seed`` prints their tokens as JSON."""

from __future__ import annotations

import json
import os
import sys
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import django

REVIEWERS = 10
CLIPS = 200
PROJECTS = 10
SEATS = 3


def seed() -> dict[str, str]:
    """Ten reviewers of one team, and more work than they get done while everything breaks around them."""
    # These need Django's applications to be there.
    from django.conf import settings
    from django.db import transaction
    from knox.models import get_token_model

    from annotations.models import Project
    from config.roles import ensure_roles
    from tests.conftest import make_project, make_ready_clips, make_reviewer, make_team, make_user, spread_now
    from workforce import quotas

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with TemporaryDirectory() as scratch, transaction.atomic():
        settings.WORK_DIR = Path(scratch)
        ensure_roles()
        team = make_team()
        people = [make_reviewer(f"reviewer-{number}", team) for number in range(REVIEWERS)]
        for number in range(PROJECTS):
            make_project(team, slug=f"project-{number}", overlap=SEATS, grace_seconds=1)
        # Shorter than anybody may choose: leases shall lapse while we look.
        Project.objects.update(lease_seconds=4)
        gateway = make_user("gateway", "camera gateway")
        make_ready_clips(gateway, CLIPS)
        spread_now()
        quotas.set_limit(5000, reason="crashes", by=gateway, from_day=date(2026, 1, 1))
        tokens = get_token_model().objects
        return {person.user.get_username(): tokens.create(person.user)[1] for person in people}


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    json.dump(seed(), sys.stdout)
