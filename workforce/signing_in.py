"""Signing in: how often somebody may try. Counted in the database, so that every process and door counts alike."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from django.db.models import Q
from knox.models import get_token_model

from config.http.devices import KEPT_FOR, new_device
from workforce import queries
from workforce.errors import TooManyTries
from workforce.models import SignInTries

WINDOW = timedelta(minutes=5)
# A person mistypes, an office shares an address, a name is sprayed from many.
MOST_BY_BOTH, MOST_BY_NAME, MOST_BY_ADDRESS = 10, 60, 400
KNOWN = "k"
# From where, and in which browser, somebody signed in so lately, others' guesses at their name do not keep them out.
KNOWN_FOR = KEPT_FOR


def count_try(name: str, address: str, *, at: datetime, device: str = "") -> None:
    """Count a try to sign in before it is looked at. Raises :class:`TooManyTries` with the time to wait.

    In a browser in which somebody signed in under this name of late (``device``) tries have a limit of their own and no
    other: wherever it is today, guesses made elsewhere do not keep its owner out.

    Guesses from elsewhere at a name, and at others' names from its address, do not count against whoever signed in
    under it from there of late: else anybody could keep a person out for as long as they go on guessing. What is tried
    under that name from that address has its own limit, as everywhere.
    """
    folded = name.casefold()
    if device and is_known(folded, device, at=at):
        count, since = queries.count_try(_key("device", folded, device), at=at, window=WINDOW)
        if count > MOST_BY_BOTH:
            raise TooManyTries(retry_after=(since + WINDOW - at).total_seconds())
        return
    for most, words in (
        (MOST_BY_BOTH, ("both", folded, address)),
        (MOST_BY_NAME, ("name", folded)),
        (MOST_BY_ADDRESS, ("address", address)),
    ):
        count, since = queries.count_try(_key(*words), at=at, window=WINDOW)
        if count > most and (most == MOST_BY_BOTH or not is_known(folded, address, at=at)):
            raise TooManyTries(retry_after=(since + WINDOW - at).total_seconds())


def is_known(name: str, place: str, *, at: datetime) -> bool:
    """Whether somebody signed in under this name from this address, or in this browser, of late."""
    return SignInTries.objects.filter(key=_known(name, place), since__gt=at - KNOWN_FOR).exists()


def forget_tries(name: str, address: str, *, at: datetime, device: str = "") -> str:
    """A try that succeeded: the person is who they say, so their mistakes are forgotten, and the place is known.

    Returns the word by which their browser is known from now on. It is a new one unless the one it has was given under
    this name: a word that somebody else put there is not made theirs.
    """
    folded = name.casefold()
    keys = [_key("both", folded, address), _key("device", folded, device)]
    SignInTries.objects.filter(key__in=keys).delete()
    kept = device if device and is_known(folded, device, at=at) else new_device()
    known = [SignInTries(key=_known(name, place), since=at, count=1) for place in (address, kept)]
    SignInTries.objects.bulk_create(known, update_conflicts=True, unique_fields=["key"], update_fields=["since"])
    return kept


def forget_old(*, at: datetime) -> int:
    """Remove counters whose window is long over, and places that are known no more; returns how many."""
    over = Q(since__lt=at - 2 * WINDOW) & ~Q(key__startswith=KNOWN)
    return SignInTries.objects.filter(over | Q(since__lt=at - KNOWN_FOR)).delete()[0]


def end_tokens(*, at: datetime) -> int:
    """Remove the tokens of everybody that have expired; returns how many."""
    return int(get_token_model().objects.filter(expiry__lte=at).delete()[0])


def _known(name: str, place: str) -> str:
    """Where it is kept that somebody signed in from there; no digest begins so."""
    return KNOWN + _key("known", name.casefold(), place)[1:]


def _key(*words: str) -> str:
    return hashlib.sha256("|".join(words).encode(errors="replace")).hexdigest()
