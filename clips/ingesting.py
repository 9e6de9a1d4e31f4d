"""Taking in a folder or a manifest of files, one by one, through the same verb as the door.

Nothing is remembered between two runs but the clips themselves: a file whose bytes are here already, of the same owner
in the same region, is told so. So a run that was killed is simply started again.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import InterfaceError, OperationalError
from rest_framework import serializers

from clips import receiving
from clips.errors import ClipTooLarge, EmptyFile
from clips.models import OWNER_KEY, Source
from clips.serializers import ConsentIn, EventIn, Language, agreement_of, event_of
from clips.tasks import ring_for
from config.clock import database_now
from config.errors import BadInput, Refusal
from config.http.incoming import load_json
from config.http.problems import describe
from config.http.strict import StrictSerializer, Text

log = logging.getLogger("sightline.ingest")

LONGEST_LINE = 64 * 1024
CHUNK = 1024 * 1024
# How often a file is tried whose turn did not come: a storage or a database that is away, another that sends the same.
TRIES = 4
LONGEST_WAIT_SECONDS = 5.0


class LineTooLong(BadInput):
    """This line of the manifest is longer than any needs to be."""

    code = "line-too-long"


class FileMissing(BadInput):
    """There is no such file."""

    code = "file-missing"


class OutsideFolder(BadInput):
    """This names something outside the folder that is taken in."""

    code = "outside-folder"


class NameUnusable(BadInput):
    """The file's name is not UTF-8, so that no report could tell it; give it another."""

    code = "name-unusable"


class NotAFile(BadInput):
    """This is not a regular file."""

    code = "not-a-file"


class FileUnreadable(BadInput):
    """The file cannot be read."""

    code = "file-unreadable"


class NoRoomToCopy(Refusal):
    """There is no room to take the file in right now; nothing was kept."""

    code = "no-room"


class LineIn(StrictSerializer):
    """One file and under what consent it may be looked at, after what the command line says for all."""

    file = Text(max_length=4096)
    region = Text(max_length=16)
    source = serializers.ChoiceField(choices=Source.choices)  # type: ignore[assignment]  # DRF's own argument name
    language = Language()
    owner = Text(max_length=64, required=False, validators=[OWNER_KEY])
    consent = ConsentIn()
    event = EventIn(required=False)


@dataclass(frozen=True)
class Item:
    """One file to take in: ``raw`` is what is said of it, or ``refusal`` why that cannot be used."""

    line: int
    file: str
    raw: dict[str, Any] | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of one file: ``result`` is taken, there or refused."""

    line: int
    file: str
    result: str
    clip: int | None = None
    code: str = ""
    detail: str = ""

    def document(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value not in (None, "")}


def folder_items(root: Path, *, but: Path | None = None) -> Iterator[Item]:
    """What lies in the folder and the folders in it, by name; links to folders are not followed.

    A folder inside that cannot be looked into is an item that says so. Raises OSError for the folder itself.
    """
    for number, (name, refusal) in enumerate(_walk(root, "", but), start=1):
        yield Item(number, name, {"file": name}, refusal=refusal)


def _walk(root: Path, inside: str, but: Path | None) -> Iterator[tuple[str, Refusal | None]]:
    try:
        with os.scandir(root / inside) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        if not inside:
            raise
        yield inside, FileUnreadable(f"The folder cannot be looked into: {error.strerror}.")
        return
    for entry in entries:
        name = f"{inside}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(root, f"{name}/", but)
        elif not _can_be_told(name):
            yield name, NameUnusable()
        elif but is None or (root / name).absolute() != but.absolute():
            yield name, None


def _can_be_told(name: str) -> bool:
    """Whether a name that the disk gave is text: Python carries other bytes in it as halves of characters."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def looks_like_a_manifest(path: Path) -> bool:
    """Whether the file is text as far as its first line goes: a clip that was named by mistake is not."""
    with path.open("rb") as stream:
        first = stream.readline(LONGEST_LINE)
    try:
        return "\0" not in first.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # One that is cut inside a character is text all the same.
        return len(first) == LONGEST_LINE and error.start >= len(first) - 3


def manifest_items(path: Path) -> Iterator[Item]:
    """The lines of a manifest. A line that cannot be used is an item that says why; blank ones are passed over."""
    with path.open("rb") as stream:
        for number, line in enumerate(_lines(stream), start=1):
            if line is None:
                yield Item(number, "", refusal=LineTooLong(f"At most {LONGEST_LINE} bytes."))
            elif line.strip():
                yield _item(number, line)


def _lines(stream: IO[bytes]) -> Iterator[bytes | None]:
    """Lines; None in place of one that is too long, of which no more than a piece is ever held."""
    while line := stream.readline(LONGEST_LINE + 1):
        if len(line) <= LONGEST_LINE:
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = stream.readline(LONGEST_LINE)
        yield None


def _item(number: int, line: bytes) -> Item:
    try:
        raw = load_json(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return Item(number, "", refusal=BadInput("The line is not UTF-8."))
    except Refusal as refusal:
        return Item(number, "", refusal=refusal)
    if not isinstance(raw, dict):
        return Item(number, "", refusal=BadInput("The line is not a JSON object."))
    return Item(number, str(raw.get("file", ""))[:4096], raw)


def take(item: Item, *, root: Path, common: dict[str, Any], by: User) -> Outcome:
    """Take one file in and say what became of it. Never raises what the file, its line, or a storage or a database
    that is away could cause."""
    for patience in range(1, TRIES + 1):
        try:
            if item.refusal is not None:
                raise item.refusal
            return _take(item, root=root, common=common, by=by)
        except (Refusal, serializers.ValidationError, OperationalError, InterfaceError) as error:
            document, headers = describe(error)
            assert document is not None  # noqa: S101 -- each of these is described
            if "Retry-After" in headers and patience < TRIES:
                time.sleep(min(float(headers["Retry-After"]), LONGEST_WAIT_SECONDS))
                continue
            fields = "; ".join(f"{row['field']}: {row['detail']}" for row in document.get("errors", []))
            detail = fields or document["detail"]
            return Outcome(item.line, item.file, "refused", code=document["code"], detail=detail)
    raise AssertionError("the last try ends it")


def _take(item: Item, *, root: Path, common: dict[str, Any], by: User) -> Outcome:
    line = LineIn(data=merged(item.raw or {}, common))
    line.is_valid(raise_exception=True)
    fields = line.validated_data
    receiving.check_region(fields["region"])
    given, event = agreement_of(fields), event_of(fields.get("event"))
    with (
        opened(root, fields["file"]) as source,
        tempfile.NamedTemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR, prefix="ingest-", suffix=".upload") as copy,
    ):
        received = receiving.receive(
            Path(copy.name),
            name=fields["file"],
            region=fields["region"],
            source=fields["source"],
            given=given,
            event=event,
            language=fields.get("language", ""),
            by=by,
            at=database_now(),
            # What is probed and stored is what was hashed, whoever writes to the original meanwhile.
            sha256=_copied(source, copy),
            adopt=True,
        )
    if received.is_new:
        ring_for(received.clip.pk, received.clip.region)
    return Outcome(item.line, item.file, "taken" if received.is_new else "there", clip=received.clip.pk)


def merged(raw: dict[str, Any], common: dict[str, Any]) -> dict[str, Any]:
    """What a line says, filled up with what is said for all; shapes are looked at later."""
    consent = raw.get("consent", {})
    if isinstance(consent, dict):
        owner = {"owner": raw["owner"]} if "owner" in raw else {}
        consent = {**common.get("consent", {}), **owner, **consent}
    return {**common, **raw, "consent": consent}


def opened(root: Path, name: str) -> IO[bytes]:
    """A regular file under ``root``. Raises :class:`FileMissing`, :class:`OutsideFolder`, :class:`NotAFile`,
    :class:`FileUnreadable`, :class:`EmptyFile`, :class:`ClipTooLarge`."""
    try:
        path = (root / name).resolve(strict=True)
    except FileNotFoundError:
        raise FileMissing from None
    except OSError as error:
        # A name that is too long, a folder that may not be entered.
        raise FileUnreadable(f"The file cannot be read: {error.strerror}.") from None
    except (RuntimeError, ValueError):
        # A ring of links, a name that holds a NUL.
        raise FileUnreadable from None
    if not path.is_relative_to(root.resolve()):
        raise OutsideFolder
    if not stat.S_ISREG(path.lstat().st_mode):
        raise NotAFile
    try:
        # Without waiting: what was a file a moment ago may be a pipe now.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        raise FileUnreadable(f"The file cannot be read: {error.strerror}.") from None
    stream = os.fdopen(handle, "rb")
    try:
        found = os.fstat(handle)
        if not stat.S_ISREG(found.st_mode):
            raise NotAFile
        if found.st_size == 0:
            raise EmptyFile
        if found.st_size > settings.UPLOAD_LIMIT_BYTES:
            raise ClipTooLarge(f"At most {settings.UPLOAD_LIMIT_BYTES} bytes.")
    except BaseException:
        stream.close()
        raise
    return stream


def _copied(source: IO[bytes], copy: Any) -> str:
    """Copy in pieces, and the SHA-256 of what was copied. Raises :class:`FileUnreadable`, :class:`ClipTooLarge`,
    :class:`NoRoomToCopy`."""
    found, size = hashlib.sha256(), 0
    while True:
        try:
            piece = source.read(CHUNK)
        except OSError as error:
            raise FileUnreadable(f"The file cannot be read: {error.strerror}.") from None
        if not piece:
            break
        size += len(piece)
        if size > settings.UPLOAD_LIMIT_BYTES:
            raise ClipTooLarge(f"At most {settings.UPLOAD_LIMIT_BYTES} bytes.")
        found.update(piece)
        try:
            copy.write(piece)
        except OSError:
            raise NoRoomToCopy(retry_after=LONGEST_WAIT_SECONDS) from None
    try:
        copy.flush()
    except OSError:
        raise NoRoomToCopy(retry_after=LONGEST_WAIT_SECONDS) from None
    return found.hexdigest()
