"""Bytes: whole files in, ranges out, the same for a folder and a bucket. Never called inside a transaction."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage, storages

from clips.errors import StorageAway
from config.health import MARKER

log = logging.getLogger("sightline.storage")

CHUNK = 256 * 1024


class WholeFileStorage(FileSystemStorage):
    """A folder in which a name either holds the whole file or does not exist: written aside, then renamed."""

    def _save(self, name: str, content: File[Any]) -> str:
        if not (Path(self.location) / MARKER).is_file():
            raise FileNotFoundError(f"{self.location} is not set up as a storage")
        final = Path(self.path(name))
        final.parent.mkdir(parents=True, exist_ok=True, mode=self.directory_permissions_mode or 0o700)
        handle, aside = tempfile.mkstemp(dir=final.parent, prefix=".part-")
        try:
            with os.fdopen(handle, "wb") as out:
                for chunk in content.chunks(CHUNK):
                    out.write(chunk)
                out.flush()
                os.fsync(out.fileno())
            Path(aside).replace(final)
        except BaseException:
            with suppress(FileNotFoundError):
                Path(aside).unlink()
            raise
        return name


@contextmanager
def reached(alias: str) -> Iterator[None]:
    """Whatever a disk or a bucket's client raises becomes :class:`StorageAway`; the log says what it was."""
    try:
        yield
    except (OSError, BotoCoreError, ClientError) as error:
        log.warning("storage %s: %s", alias, type(error).__name__)
        raise StorageAway(retry_after=10) from error


class _Ticking(File):
    """A file that says that it is being read."""

    def __init__(self, stream: IO[bytes], *, name: str, on_chunk: Callable[[], None]) -> None:
        super().__init__(stream, name=name)
        self._stream, self._on_chunk = stream, on_chunk

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        for chunk in super().chunks(chunk_size):
            self._on_chunk()
            yield chunk

    def read(self, count: int = -1) -> bytes:
        self._on_chunk()
        return self._stream.read(count)


def put(alias: str, key: str, path: Path, *, on_chunk: Callable[[], None] = lambda: None) -> None:
    """Store the file under exactly this key. Keys name their content, so one that is there whole is left as it is: a
    worker that comes late must not take away, not even for a moment, what another has recorded.

    ``on_chunk`` is called now and then and may raise. Raises :class:`StorageAway` when it is not whole there then.
    """
    storage = storages[alias]
    with reached(alias):
        if storage.exists(key) and storage.size(key) == path.stat().st_size:
            return
        storage.delete(key)
        with path.open("rb") as stream:
            stored = storage.save(key, _Ticking(stream, name=key, on_chunk=on_chunk))
        if stored != key:
            storage.delete(stored)
            raise OSError(f"{alias} stored {key} under another name")
        if storage.size(key) != path.stat().st_size:
            raise OSError(f"{alias} did not store {key} whole")


def fetch(alias: str, key: str, path: Path, *, on_chunk: Callable[[], None] = lambda: None) -> None:
    """Copy a stored file to ``path``, in pieces; ``on_chunk`` is called at each. Raises :class:`StorageAway`."""
    with reached(alias), storages[alias].open(key, "rb") as stream, path.open("wb") as out:
        for chunk in stream.chunks(CHUNK):
            on_chunk()
            out.write(chunk)


def set_up(**_: Any) -> None:
    """Make the folders of the storages that are folders, and mark them as such. Called after migrate, never elsewhere:
    a folder that is found empty later is a disk that is not mounted."""
    for alias in settings.STORAGES:
        storage = storages[alias]
        if isinstance(storage, WholeFileStorage):
            place = Path(storage.location)
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            (place / MARKER).touch()


def delete(alias: str, key: str) -> None:
    """Remove a key; one that is not there is as good as removed. Raises :class:`StorageAway`."""
    with reached(alias), suppress(FileNotFoundError):
        storages[alias].delete(key)


def keys_under(alias: str, folder: str) -> list[str]:
    """The keys directly in a folder; an absent folder is empty. Raises :class:`StorageAway`."""
    files: list[str] = []
    with reached(alias), suppress(FileNotFoundError):
        _folders, files = storages[alias].listdir(folder)
    return [f"{folder}/{name}" for name in files]


def read_range(alias: str, key: str, start: int, length: int) -> Iterator[bytes]:
    """The bytes from ``start``, ``length`` of them, in pieces; a bucket is asked for just that range.

    Opened before this returns, so that what is not there is a refusal and not a broken answer. Raises
    :class:`StorageAway`.
    """
    storage: Storage = storages[alias]
    bucket = getattr(storage, "bucket", None)
    with reached(alias):
        if bucket is not None and length:
            body = bucket.meta.client.get_object(
                Bucket=bucket.name,
                Key=storage._normalize_name(key),  # type: ignore[attr-defined]
                Range=f"bytes={start}-{start + length - 1}",
            )["Body"]
            pieces: Iterator[bytes] = body.iter_chunks(CHUNK)
            return pieces
        stream = storage.open(key, "rb")
        stream.seek(start)
    return _Pieces(stream, length)


class _Pieces:
    """The next ``length`` bytes of an open file, in pieces; closes it at the end, and when nobody wants the rest."""

    def __init__(self, stream: File[Any], length: int) -> None:
        self._stream, self._length = stream, length

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece: bytes = self._stream.read(min(CHUNK, self._length)) if self._length > 0 else b""
        if not piece:
            self.close()
            raise StopIteration
        self._length -= len(piece)
        return piece

    def close(self) -> None:
        self._stream.close()


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex, read in pieces."""
    found = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()
