"""Signing in: how often somebody may try. Counted in the database, so that every process and door counts alike."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from knox.models import get_token_model

from workforce import queries
from workforce.errors import TooManyTries
from workforce.models import SignInTries

WINDOW = timedelta(minutes=5)
# A person mistypes, an office shares an address, a name is sprayed from many.
MOST_BY_BOTH, MOST_BY_NAME, MOST_BY_ADDRESS = 10, 60, 400


def count_try(name: str, address: str, *, at: datetime) -> None:
    """Count a try to sign in before it is looked at. Raises :class:`TooManyTries` with the time to wait."""
    folded = name.casefold()
    for most, words in (
        (MOST_BY_BOTH, ("both", folded, address)),
        (MOST_BY_NAME, ("name", folded)),
        (MOST_BY_ADDRESS, ("address", address)),
    ):
        count, since = queries.count_try(_key(*words), at=at, window=WINDOW)
        if count > most:
            raise TooManyTries(retry_after=(since + WINDOW - at).total_seconds())


def forget_tries(name: str, address: str) -> None:
    """A try that succeeded: the person is who they say, so their mistakes are forgotten."""
    SignInTries.objects.filter(key=_key("both", name.casefold(), address)).delete()


def forget_old(*, at: datetime) -> int:
    """Remove counters whose window is long over; returns how many."""
    return SignInTries.objects.filter(since__lt=at - 2 * WINDOW).delete()[0]


def end_tokens(*, at: datetime) -> int:
    """Remove the tokens of everybody that have expired; returns how many."""
    return int(get_token_model().objects.filter(expiry__lte=at).delete()[0])


def _key(*words: str) -> str:
    return hashlib.sha256("|".join(words).encode(errors="replace")).hexdigest()
