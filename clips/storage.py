"""Bytes: whole files in, ranges out, the same for a folder and a bucket. Never called inside a transaction."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage, storages

from clips.errors import StorageAway

log = logging.getLogger("sightline.storage")

CHUNK = 256 * 1024


class WholeFileStorage(FileSystemStorage):
    """A folder in which a name either holds the whole file or does not exist: written aside, then renamed."""

    def _save(self, name: str, content: File[Any]) -> str:
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


def put(alias: str, key: str, path: Path) -> None:
    """Store the file under exactly this key; a file already there is replaced, so that a repeat is dull.

    Raises :class:`StorageAway` when it is not there afterwards, whole.
    """
    storage = storages[alias]
    with reached(alias):
        storage.delete(key)
        with path.open("rb") as stream:
            stored = storage.save(key, File(stream, name=key))
        if stored != key:
            storage.delete(stored)
            raise OSError(f"{alias} stored {key} under another name")
        if storage.size(key) != path.stat().st_size:
            raise OSError(f"{alias} did not store {key} whole")


def fetch(alias: str, key: str, path: Path) -> None:
    """Copy a stored file to ``path``, in pieces. Raises :class:`StorageAway`."""
    with reached(alias), storages[alias].open(key, "rb") as stream, path.open("wb") as out:
        for chunk in stream.chunks(CHUNK):
            out.write(chunk)


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
    """The bytes from ``start``, ``length`` of them, in pieces; a bucket is asked for just that range."""
    storage: Storage = storages[alias]
    bucket = getattr(storage, "bucket", None)
    if bucket is not None and length:
        body = bucket.meta.client.get_object(
            Bucket=bucket.name,
            Key=storage._normalize_name(key),  # type: ignore[attr-defined]
            Range=f"bytes={start}-{start + length - 1}",
        )["Body"]
        yield from body.iter_chunks(CHUNK)
        return
    with storage.open(key, "rb") as stream:
        stream.seek(start)
        while length > 0 and (chunk := stream.read(min(CHUNK, length))):
            length -= len(chunk)
            yield chunk


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex, read in pieces."""
    found = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()
