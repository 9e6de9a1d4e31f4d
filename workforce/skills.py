"""Skills: given, changed and taken away as rows; what the claim reads follows them by itself."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from config.history import because
from workforce import queries
from workforce.models import Reviewer, Skill, SkillSource

GIVEN = "Somebody has just given this person this skill from this source. Look again."


def give(
    reviewer: Reviewer,
    name: str,
    *,
    source: str = SkillSource.STATED,
    value: int | None = None,
    expires_at: datetime | None = None,
    by: User | None = None,
) -> Skill:
    """Say that a person has a skill, on what that stands, how well (of 100) and until when.

    Raises ValidationError, also when they have it from this source already.
    """
    row = Skill(reviewer=reviewer, name=name, source=source, value=value, expires_at=expires_at, author=by)
    row.full_clean()
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        # Another was faster than our look; the database refused what the look did not see.
        raise ValidationError(GIVEN, code="unique") from None
    return row


def change(skill: Skill, *, value: int | None, expires_at: datetime | None, by: User, reason: str) -> bool:
    """Say otherwise how well and until when; False when it was taken away. Raises ValidationError,
    :class:`config.history.ReasonMissing`."""
    skill.value, skill.expires_at = value, expires_at
    skill.full_clean()
    with because(by, reason, verb="change skill"), transaction.atomic():
        rows = Skill.objects.filter(pk=skill.pk, cancelled_at=None)
        return rows.update(value=value, expires_at=expires_at) == 1


def take_away(skill: Skill, *, by: User, reason: str, at: datetime) -> bool:
    """Take a skill away; False when it was before. Raises :class:`config.history.ReasonMissing`."""
    with because(by, reason, verb="take skill away"), transaction.atomic():
        return Skill.objects.filter(pk=skill.pk, cancelled_at=None).update(cancelled_at=at) == 1


def expire(*, at: datetime) -> int:
    """Let skills go whose time is over; returns for how many people anything changed. Nothing else is needed: each
    other change is seen to by the database at once."""
    return queries.expire_skills(at=at)
