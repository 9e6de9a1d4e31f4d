"""Idempotency-Key: the sender's own name for a request, so that asking again after a lost reply is safe."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from config.errors import KeyMalformed

# For the description of a door that takes one.
KEY_HEADER = OpenApiParameter(
    "Idempotency-Key", str, OpenApiParameter.HEADER, description="1 to 255 characters, yours alone."
)


def idempotency_key(request: Request) -> str | None:
    """The request's Idempotency-Key, None without one. Raises :class:`config.errors.KeyMalformed`."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not 1 <= len(key) <= 255 or not all("!" <= char <= "~" for char in key):
        raise KeyMalformed
    return key
