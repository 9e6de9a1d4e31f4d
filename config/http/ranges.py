"""Bytes, whole or one range of them (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse

from config.http.problems import PROBLEM, problem

# A reader that does not take one piece (256 KiB) within this is hung up on: a thread waits for them.
SLOWEST_SECONDS = 20


def ranged(
    request: HttpRequest,
    *,
    size: int,
    etag: str,
    content_type: str,
    read: Callable[[int, int], Iterator[bytes]],
) -> HttpResponseBase:
    """Answer a GET or HEAD for ``size`` bytes, whole or one byte range.

    ``read(start, length)`` yields the bytes; it is only called when they are sent. ``etag`` is the bare tag.
    """
    quoted = f'"{etag}"'
    if _is_there(request.headers.get("If-None-Match", ""), quoted):
        response: HttpResponseBase = HttpResponse(status=304)
        response["ETag"] = quoted
        return response
    wanted = request.headers.get("Range", "")
    if request.headers.get("If-Range", quoted) != quoted:
        wanted = ""
    start, length, status = 0, size, 200
    span = parse_range(wanted, size)
    if span == "unsatisfiable":
        response = JsonResponse(
            problem(416, "range-not-satisfiable", "That range is not in this file."), status=416, content_type=PROBLEM
        )
        response["Content-Range"] = f"bytes */{size}"
        return response
    if isinstance(span, tuple):
        start, length, status = span[0], span[1] - span[0] + 1, 206
    if request.method == "HEAD":
        response = HttpResponse(status=status, content_type=content_type)
    else:
        hang_up_on_the_slow(request)
        response = StreamingHttpResponse(read(start, length), status=status, content_type=content_type)
    if status == 206:
        response["Content-Range"] = f"bytes {start}-{start + length - 1}/{size}"
    response["Content-Length"] = str(length)
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = quoted
    return response


def hang_up_on_the_slow(request: HttpRequest) -> None:
    """Give a reader some time for each piece. gunicorn leaves its socket in the environment, and sets it anew before
    the next request; other servers are left as they are."""
    with contextlib.suppress(KeyError, AttributeError, OSError):
        request.META["gunicorn.socket"].settimeout(SLOWEST_SECONDS)


def _is_there(tags: str, quoted: str) -> bool:
    """Whether If-None-Match names this very file. Compared weakly, as RFC 9110 wants it there."""
    return tags.strip() == "*" or quoted in {tag.strip().removeprefix("W/") for tag in tags.split(",")}


def parse_range(header: str, size: int) -> tuple[int, int] | str | None:
    """First and last byte of a single ``bytes=`` range; None to send everything; "unsatisfiable" for a 416.

    Several ranges, other units and malformed headers are ignored, as RFC 9110 allows.
    """
    unit, _, value = header.partition("=")
    first, dash, last = value.strip().partition("-")
    if unit.strip().lower() != "bytes" or not dash or "," in value:
        return None
    first, last = first.strip(), last.strip()
    if not all(part == "" or (part.isascii() and part.isdigit() and len(part) <= 100) for part in (first, last)):
        return None
    if first == "":
        if last == "":
            return None
        return (max(0, size - int(last)), size - 1) if int(last) and size else "unsatisfiable"
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        return "unsatisfiable"
    return int(first), min(int(last) if last else size - 1, size - 1)
