"""What comes in: JSON and uploads, within bounds."""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, Any, cast

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from rest_framework.parsers import JSONParser

from config.errors import BadInput, Refusal

log = logging.getLogger("sightline.http")

JSON_DEPTH = 32
JSON_DIGITS = 30


class MalformedJSON(BadInput):
    """The body is not JSON as RFC 8259 has it."""

    code = "malformed-json"


class JSONTooDeep(BadInput):
    """The JSON is nested deeper than anything here needs."""

    code = "json-too-deep"


class TextNotAllowed(BadInput):
    """A text holds a NUL or half a character, which cannot be stored."""

    code = "text-not-allowed"


class BodyTooLarge(BadInput):
    """The request is larger than this place accepts."""

    code = "body-too-large"
    status = 413


class UploadTooLarge(BadInput):
    """The file is larger than the upload limit."""

    code = "clip-too-large"
    status = 413


class NoRoom(Refusal):
    """There is no room to take a file in right now; nothing was kept."""

    code = "no-room"
    status = 503


def load_json(text: str) -> Any:
    """Parse JSON strictly: bounded depth, finite numbers, no repeated keys, no text that PostgreSQL cannot hold.

    Raises :class:`MalformedJSON`, :class:`JSONTooDeep` or :class:`TextNotAllowed`.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise MalformedJSON("A key stands twice in one object.")
        return found

    def refuse_constant(name: str) -> Any:
        raise MalformedJSON(f"{name} is not a JSON number.")

    def whole(digits: str) -> int:
        if len(digits) > JSON_DIGITS:
            raise MalformedJSON("A number has too many digits.")
        return int(digits)

    def finite(digits: str) -> float:
        value = float(digits)
        if not math.isfinite(value):
            raise MalformedJSON("A number is too large.")
        return value

    try:
        value = json.loads(
            text, object_pairs_hook=once, parse_constant=refuse_constant, parse_int=whole, parse_float=finite
        )
    except RecursionError:
        raise JSONTooDeep from None
    except ValueError as error:
        raise MalformedJSON(f"The body is not JSON: {error}.") from None
    _check_texts(value)
    return value


def _check_texts(value: Any) -> None:
    """Walk without recursion; ``value`` is what json.loads made."""
    waiting: list[tuple[Any, int]] = [(value, 1)]
    while waiting:
        node, depth = waiting.pop()
        if depth > JSON_DEPTH:
            raise JSONTooDeep(f"The JSON is nested deeper than {JSON_DEPTH}.")
        if isinstance(node, dict):
            waiting.extend((key, depth) for key in node)
            waiting.extend((item, depth + 1) for item in node.values())
        elif isinstance(node, list):
            waiting.extend((item, depth + 1) for item in node)
        elif isinstance(node, str) and ("\0" in node or any("\ud800" <= char <= "\udfff" for char in node)):
            raise TextNotAllowed


class StrictJSONParser(JSONParser):
    """DRF's JSON parser with the bounds of :func:`load_json` and of DATA_UPLOAD_MAX_MEMORY_SIZE."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        limit = int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0)
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise BodyTooLarge(f"A JSON body holds at most {limit} bytes.")
        try:
            text = body.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise MalformedJSON("The body is not UTF-8.") from None
        return load_json(text)


class ArrivedFile(TemporaryUploadedFile):
    """A file that was sent, in the temporary folder, with the SHA-256 (hex) of what arrived."""

    sha256 = ""


class BoundedUpload(TemporaryFileUploadHandler):
    """Streams an upload to a temporary file, hashing it on the way, and stops at the limit: early when the length is
    declared. Raises :class:`UploadTooLarge`, and :class:`NoRoom` when the temporary folder is full."""

    SLACK = 64 * 1024  # the form's other fields and boundaries

    def handle_raw_input(
        self,
        input_data: IO[bytes],
        META: dict[str, Any],
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> None:
        if content_length > settings.UPLOAD_LIMIT_BYTES + self.SLACK:
            raise UploadTooLarge(f"A file holds at most {settings.UPLOAD_LIMIT_BYTES} bytes.")

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        self._found = hashlib.sha256()
        # TemporaryFileUploadHandler would make a file without a place for the digest.
        super(TemporaryFileUploadHandler, self).new_file(*args, **kwargs)
        with _having_room():
            self.file = ArrivedFile(
                self.file_name or "", self.content_type or "", 0, self.charset, self.content_type_extra
            )

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        with self._or_nothing():
            if start + len(raw_data) > settings.UPLOAD_LIMIT_BYTES:
                raise UploadTooLarge(f"A file holds at most {settings.UPLOAD_LIMIT_BYTES} bytes.")
            self._found.update(raw_data)
            super().receive_data_chunk(raw_data, start)
        return None

    def file_complete(self, file_size: int) -> UploadedFile | None:
        with self._or_nothing():
            # The last bytes may still wait in the file's buffer.
            self.file.flush()
            file = cast(ArrivedFile, super().file_complete(file_size))
        file.sha256 = self._found.hexdigest()
        return file

    @contextmanager
    def _or_nothing(self) -> Iterator[None]:
        """Whatever breaks off an upload takes the file away with it; Django would leave that to the collector."""
        try:
            with _having_room():
                yield
        except BaseException:
            # What waits in its buffer does not fit on a full disk at the end either.
            with suppress(OSError):
                self.file.close()
            raise


@contextmanager
def _having_room() -> Iterator[None]:
    """A full or missing temporary folder is a refusal that passes, not a defect. Raises :class:`NoRoom`."""
    try:
        yield
    except OSError as error:
        log.warning("the folder for uploads: %s", error.strerror)
        raise NoRoom(retry_after=30) from error


Handler = Callable[[HttpRequest], HttpResponseBase]


def refuse_unreadable(get_response: Handler) -> Handler:
    """Middleware: refuse what no door could make sense of, before one is chosen.

    A body without a length would be taken for none (WSGI servers say no length for chunked ones). In the admin, NUL and
    row numbers that are none end as errors of the database deep inside Django.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
            return _refuse(411, "length-required", "Say how long the body is: Content-Length.")
        if request.path.startswith("/admin"):
            values = [text for query in (request.GET, request.POST) for texts in query.lists() for text in texts[1]]
            if any("\0" in text for text in values):
                return _refuse(400, "text-not-allowed", "A text holds a NUL, which cannot be stored.")
            if not all(text.isascii() and text.isdigit() for text in request.POST.getlist("_selected_action")):
                return _refuse(400, "malformed-request", "These are not numbers of rows.")
        return get_response(request)

    return middleware


def _refuse(status: int, code: str, title: str) -> HttpResponseBase:
    document = {"type": f"/problems/{code}", "title": title, "status": status, "code": code, "detail": title}
    return JsonResponse(document, status=status, content_type="application/problem+json")
