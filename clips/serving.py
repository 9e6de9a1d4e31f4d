"""Serving footage: renditions only, in the types that we chose, to be shown and not kept.

Who sends the bytes is for the settings to say. Embedded, this process does, in pieces. With MEDIA_SENDER=nginx it only
says yes, and nginx sends the file, or fetches it from the bucket. Where clients reach a region's bucket themselves
(S3_DOWNLOAD_URL) they are sent there with a link of a minute at most.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect

from clips import marking, storage
from clips.access import Asking
from clips.models import Credentials, Rendition, RenditionKind
from config.http.client import address_of
from config.http.ranges import ranged

# How long a link to a bucket opens it: a withdrawal takes effect within that.
LINK_SECONDS = 60
# How often it is asked, while somebody is slowly being served, whether they may still see it.
ASK_AGAIN_SECONDS = 3.0
POLICY = "default-src 'none'; sandbox"


class NoLonger(Exception):
    """What is being sent may not be seen any more, so the connection is broken off."""


def asking_of(request: HttpRequest, user: AbstractBaseUser | AnonymousUser, *, credentials: str = "") -> Asking:
    """Who asks, from where and for what, for the access log."""
    known = user.is_authenticated
    return Asking(
        user_id=user.pk if known else None,
        credentials=credentials or (Credentials.SESSION if known else Credentials.NONE),
        address=address_of(request),
        method=request.method or "",
        span=request.headers.get("Range", ""),
    )


def rendition_response(
    request: HttpRequest, rendition: Rendition, *, mark: str, may_still: Callable[[], bool]
) -> HttpResponseBase:
    """A rendition's bytes, whole or one range of them, or where they are. The poster carries the ``mark``.

    ``may_still`` is asked now and then while bytes are sent. Raises :class:`clips.errors.StorageAway`.
    """
    response = _response(request, rendition, mark=mark, may_still=may_still)
    response["Cache-Control"] = "private, no-store"
    response["Content-Disposition"] = "inline"
    response["Content-Security-Policy"] = POLICY
    response["Cross-Origin-Resource-Policy"] = "same-site"
    response["Referrer-Policy"] = "no-referrer"
    return response


def _response(
    request: HttpRequest, rendition: Rendition, *, mark: str, may_still: Callable[[], bool]
) -> HttpResponseBase:
    alias, key, content_type = rendition.clip.storage_alias, rendition.key, rendition.content_type
    if rendition.kind in {RenditionKind.POSTER, RenditionKind.BLURRED_POSTER}:
        marked = marking.marked_poster(rendition, mark=mark)
        return ranged(
            request,
            size=len(marked.data),
            etag=marked.sha256,
            content_type=content_type,
            read=lambda start, length: iter([marked.data[start : start + length]]),
        )
    is_bucket, is_head = storage.is_bucket(alias), request.method == "HEAD"
    if is_bucket and not is_head and storage.sends_itself(alias):
        return HttpResponseRedirect(
            storage.download_link(alias, key, seconds=LINK_SECONDS, content_type=content_type, for_client=True)
        )
    if settings.MEDIA_SENDER == "nginx" and not (is_bucket and is_head):
        return _handed_to_nginx(alias, key, content_type=content_type, is_bucket=is_bucket)
    return ranged(
        request,
        size=rendition.size_bytes,
        etag=rendition.sha256,
        content_type=content_type,
        read=lambda start, length: Watched(storage.read_range(alias, key, start, length), may_still),
    )


def _handed_to_nginx(alias: str, key: str, *, content_type: str, is_bucket: bool) -> HttpResponse:
    """An empty answer that tells nginx what to send; the two places are deploy/nginx.conf's, and internal."""
    response = HttpResponse(content_type=content_type)
    if is_bucket:
        # For nginx only, which asks at once.
        path = storage.download_link(alias, key, seconds=LINK_SECONDS, content_type=content_type, for_client=False)
        response["X-Accel-Redirect"] = f"/_store{path}"
    else:
        response["X-Accel-Redirect"] = f"/_footage/{alias}/{key}"
    del response["Content-Length"]
    return response


class Watched:
    """The pieces, for as long as they may be seen; whoever reads slowly does not outlast a withdrawal."""

    def __init__(self, pieces: Iterator[bytes], may_still: Callable[[], bool]) -> None:
        self._pieces, self._may_still, self._asked = pieces, may_still, time.monotonic()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if time.monotonic() - self._asked > ASK_AGAIN_SECONDS:
            if not self._may_still():
                raise NoLonger
            self._asked = time.monotonic()
        return next(self._pieces)

    def close(self) -> None:
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()
