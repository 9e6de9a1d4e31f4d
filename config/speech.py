"""Languages that are spoken: how a code is written, and what the language is called."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.utils.translation import get_language_info

# Languages of India's constitution and of the EU's institutions that no translation of Django's is in.
MORE = {
    "as": "Assamese",
    "brx": "Bodo",
    "doi": "Dogri",
    "gu": "Gujarati",
    "kok": "Konkani",
    "ks": "Kashmiri",
    "mai": "Maithili",
    "mni": "Manipuri",
    "mt": "Maltese",
    "or": "Odia",
    "sa": "Sanskrit",
    "sat": "Santali",
    "sd": "Sindhi",
}
HELP = "Two or three small letters (ISO 639), as in hi."
SPOKEN = RegexValidator(r"\A[a-z]{2,3}\Z", HELP)


def name_of(code: str) -> str:
    """The language's name in English; its code where we know none."""
    if code in MORE:
        return MORE[code]
    try:
        return str(get_language_info(code)["name"])
    except KeyError:
        return code
