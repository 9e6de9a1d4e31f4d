"""What people change is written down by the database: who, when, why, before and after.

Triggers write it (django-pghistory), so a change made by hand in SQL is there, too, only without a name. A verb that
people call wraps its writes in :func:`because`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pghistory
from django.contrib.auth.models import User
from django.db import models

from config.errors import BadInput

T = TypeVar("T", bound=type[models.Model])
SHORTEST, LONGEST = 3, 300


class ReasonMissing(BadInput):
    """Say why, in 3 to 300 characters: it is kept with your name beside what changed."""

    code = "reason-required"


def kept(*fields: str, when: str | None = None) -> Callable[[T], T]:
    """Keep these fields before and after each update that changes one of them, or that the SQL ``when`` is true of.

    ``when`` keeps the triggers off hot paths: it speaks of the rows ``OLD`` and ``NEW``.
    """
    condition = pghistory.AnyChange() if when is None else pghistory.Condition(when)

    def decorate(model: T) -> T:
        tracked: T = pghistory.track(
            # Triggers of one event fire in the order of their names: what was, then what is.
            pghistory.UpdateEvent("from", row=pghistory.Old, condition=condition),
            pghistory.UpdateEvent("to", condition=condition),
            fields=list(fields),
            model_name=f"{model.__name__}Change",
            meta={"default_permissions": ()},
        )(model)
        return tracked

    return decorate


def because(by: User, reason: str, *, verb: str) -> pghistory.context:
    """A context whose changes carry who made them, why, and by which verb. Raises :class:`ReasonMissing`."""
    return pghistory.context(user=by.pk, by=by.get_username(), why=checked(reason), verb=verb)


def made_by(by: User, *, verb: str) -> pghistory.context:
    """A context whose changes carry who made them, for verbs whose reason stands elsewhere."""
    return pghistory.context(user=by.pk, by=by.get_username(), why="", verb=verb)


def checked(reason: str) -> str:
    """The reason without blanks around it. Raises :class:`ReasonMissing`."""
    said = " ".join(reason.split())
    if not SHORTEST <= len(said) <= LONGEST or not said.isprintable():
        raise ReasonMissing
    return said
