"""Refusals: every way Sightline says no, by name.

The docstring of a refusal is the sentence a person reads, ``code`` is what a client matches and never changes,
``status`` is its HTTP answer. Rooms subclass these in their own ``errors.py``; ``config/http.py`` turns them into
problem+json (RFC 9457). Raising one anywhere below a door is the only way to refuse.
"""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """This cannot be done."""

    code = "refused"
    status = 409

    def __init__(self, detail: str = "", **extra: Any) -> None:
        """``detail`` says what is wrong with this very request; ``extra`` become members of the problem document."""
        self.detail = detail or self.title
        self.extra = extra
        super().__init__(self.detail)

    @property
    def title(self) -> str:
        """The refusal's own sentence: the first line of its docstring."""
        return (type(self).__doc__ or "Refused.").strip().splitlines()[0]


class BadInput(Refusal):
    """What was sent cannot be used as it is."""

    code = "bad-input"
    status = 400


class NotFound(Refusal):
    """There is nothing here for you."""

    # Foreign and absent objects answer alike, so nobody learns what exists by asking.
    code = "not-found"
    status = 404


class Gone(Refusal):
    """This existed and is over."""

    code = "gone"
    status = 410


class KeyReused(Refusal):
    """This Idempotency-Key was used for another request."""

    code = "idempotency-key-reused"
    status = 422


class KeyMalformed(BadInput):
    """An Idempotency-Key is 1 to 255 visible ASCII characters."""

    code = "idempotency-key-malformed"


class Misconfigured(Exception):
    """The process must not start with these settings."""
