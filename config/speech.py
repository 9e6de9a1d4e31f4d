"""Languages that are spoken: how a code is written, and what the language is called."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.utils.translation import get_language_info

HELP = "Two or three small letters (ISO 639), as in hi."
SPOKEN = RegexValidator(r"\A[a-z]{2,3}\Z", HELP)


def name_of(code: str) -> str:
    """The language's name in English; its code where Django knows none."""
    try:
        return str(get_language_info(code)["name"])
    except KeyError:
        return code
