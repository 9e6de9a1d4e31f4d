"""Serving footage: renditions only, in the types that we chose, to be shown and not kept."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase

from clips import storage
from clips.models import Rendition
from config.http.ranges import ranged


def rendition_response(request: HttpRequest, rendition: Rendition) -> HttpResponseBase:
    """A rendition's bytes, whole or one range of them. Raises :class:`clips.errors.StorageAway`."""
    response = ranged(
        request,
        size=rendition.size_bytes,
        etag=rendition.sha256,
        content_type=rendition.content_type,
        read=lambda start, length: storage.read_range(rendition.clip.storage_alias, rendition.key, start, length),
    )
    response["Cache-Control"] = "private, no-store"
    response["Content-Disposition"] = "inline"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "same-site"
    return response
