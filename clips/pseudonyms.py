"""Names that say nothing about a person, and are the same each time: for owners, and in the corner of what is shown."""

from __future__ import annotations

import base64

from django.conf import settings
from django.contrib.auth.models import User
from django.utils.crypto import salted_hmac

LETTERS = 8
MARK_OPACITY = 0.35


def for_owner(user_id: int, owner_key: str) -> str:
    """What an owner knows somebody by who saw their clips: the same person each time, another to every other owner."""
    return "person-" + _hash("owner", f"{owner_key}|{user_id}").lower()


def mark_of(user_id: int) -> str:
    """What stands in the corner of whatever this person is shown, so that a picture that got out leads back to them."""
    return _hash("mark", str(user_id))


def whose(mark: str) -> int | None:
    """The number of the person whose mark this is. Asks it of everybody, which is done once after a leak."""
    wanted = mark.strip().upper()
    if len(wanted) != LETTERS:
        return None
    for user_id in User.objects.order_by("pk").values_list("pk", flat=True).iterator():
        if mark_of(user_id) == wanted:
            return user_id
    return None


def _hash(kind: str, text: str) -> str:
    """Forty bits in letters that cannot be taken for one another."""
    found = salted_hmac(f"sightline.{kind}", text, secret=settings.ACCESS_LOG_KEY, algorithm="sha256").digest()
    return base64.b32encode(found[:5]).decode()
