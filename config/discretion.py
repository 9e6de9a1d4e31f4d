"""What is written down must not open anything, nor pretend to be another line."""

from __future__ import annotations

import logging
import re

# A media link opens footage while its lease lives.
_SEALED = re.compile(r"/media/[^\s?'\"]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")


def discreet(text: str) -> str:
    """The text without media links, and with its control characters escaped."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", _SEALED.sub("/media/...", text))


class Discreet(logging.Filter):
    """Masks what is secret in a record's message, whoever wrote it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = discreet(record.getMessage()), ()
        return True
