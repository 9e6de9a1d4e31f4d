"""Bytes: whole files in, ranges out, the same for a folder and a bucket. Never called inside a transaction."""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage, storages

from clips import buckets
from clips.errors import StorageAway, StorageDiffers
from config.health import MARKER

log = logging.getLogger("sightline.storage")

CHUNK = 256 * 1024
# How many files of one clip are stored at once, and how often whoever waits for them is told so.
MOST_AT_ONCE = 6
TICK_SECONDS = 0.5


class WholeFileStorage(FileSystemStorage):
    """A folder in which a name either holds the whole file or does not exist: written aside, then renamed."""

    def _save(self, name: str, content: File[Any]) -> str:
        self.write(name, content)
        return name

    def holds(self, name: str, size: int) -> bool:
        """Whether a file of this size is there under this name."""
        try:
            return Path(self.path(name)).stat().st_size == size
        except FileNotFoundError:
            return False

    def write(self, name: str, content: File[Any]) -> None:
        """Write a whole file under just this name, in place of what may be there."""
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


@contextmanager
def reached(alias: str) -> Iterator[None]:
    """Whatever a disk or a bucket's client raises becomes :class:`StorageAway`; the log says what it was."""
    try:
        yield
    except (OSError, BotoCoreError, ClientError) as error:
        log.warning("storage %s: %s", alias, type(error).__name__)
        raise StorageAway(retry_after=10) from error


@dataclass(frozen=True)
class ToStore:
    """A file that is to be stored under a key that names its content."""

    key: str
    path: Path
    sha256: str


class _Ticking(File):
    """A file that says that it is being read, and keeps what was said to that."""

    def __init__(self, stream: IO[bytes], *, name: str, on_chunk: Callable[[], None]) -> None:
        super().__init__(stream, name=name)
        self._stream, self._on_chunk = stream, on_chunk
        self.stopped_by: Exception | None = None

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        for chunk in super().chunks(chunk_size):
            self._tick()
            yield chunk

    def read(self, count: int = -1) -> bytes:
        self._tick()
        return self._stream.read(count)

    def _tick(self) -> None:
        try:
            self._on_chunk()
        except Exception as error:
            self.stopped_by = error
            raise


def put(alias: str, key: str, path: Path, *, sha256: str = "", on_chunk: Callable[[], None] = lambda: None) -> None:
    """Store the file under exactly this key. Keys name their content, so one that is there whole is left as it is: a
    worker that comes late must not take away, not even for a moment, what another has recorded.

    ``sha256`` is the file's digest, if it is known. ``on_chunk`` is called now and then and may raise. Raises
    :class:`StorageAway` when it is not whole there then.
    """
    storage = storages[alias]
    with path.open("rb") as stream:
        ticking = _Ticking(stream, name=key, on_chunk=on_chunk)
        try:
            with reached(alias):
                if buckets.is_bucket(storage):
                    _put_in_bucket(storage, alias, key, path, ticking, sha256=sha256)
                else:
                    _put_in_folder(storage, alias, key, path, ticking)
        except StorageAway:
            # A bucket's client takes whatever reading raises for a fault of the network.
            if ticking.stopped_by is not None:
                raise ticking.stopped_by from None
            raise


def put_all(alias: str, files: Sequence[ToStore], *, on_chunk: Callable[[], None] = lambda: None) -> None:
    """``put`` each of these, in a folder several at once: the disk's confirmation takes long, and one serves all.

    ``on_chunk`` is called by this thread alone. Raises what ``put`` raises, when all have ended.
    """
    if buckets.is_bucket(storages[alias]):
        for file in files:
            put(alias, file.key, file.path, sha256=file.sha256, on_chunk=on_chunk)
        return
    waits = {_hands().submit(put, alias, file.key, file.path, sha256=file.sha256) for file in files}
    try:
        while waits:
            done, waits = wait(waits, timeout=TICK_SECONDS, return_when=FIRST_EXCEPTION)
            for ended in done:
                ended.result()
            on_chunk()
    finally:
        # Nobody writes on when this has returned.
        for one in waits:
            one.cancel()
        wait(waits)


@functools.cache
def _hands() -> ThreadPoolExecutor:
    """This process's threads for storing: to start them took longer than to store a small file."""
    return ThreadPoolExecutor(max_workers=MOST_AT_ONCE, thread_name_prefix="storing")


# Threads do not live on in a fork.
os.register_at_fork(after_in_child=_hands.cache_clear)


def _put_in_folder(storage: Storage, alias: str, key: str, path: Path, ticking: _Ticking) -> None:
    if not isinstance(storage, WholeFileStorage):
        raise TypeError(f"{alias} is neither a folder nor a bucket")
    size = path.stat().st_size
    if not storage.holds(key, size):
        # Without what Django does about names that people choose, which takes longer than writing a small file.
        storage.write(key, ticking)
        if not storage.holds(key, size):
            raise OSError(f"{alias} did not store {key} whole")


def _put_in_bucket(storage: Storage, alias: str, key: str, path: Path, ticking: _Ticking, *, sha256: str) -> None:
    size, md5 = path.stat().st_size, digest(path, "md5")
    sha256 = sha256 or digest(path)
    found = buckets.head(storage, key)
    if found is not None and not _is_whole(storage, key, found, size=size, sha256=sha256, md5=md5):
        buckets.delete(storage, key)
        found = None
    if found is None:
        buckets.put(storage, key, ticking, size=size, sha256=sha256)
        found = buckets.head(storage, key)
        if found is None or not _is_whole(storage, key, found, size=size, sha256=sha256, md5=md5):
            buckets.delete(storage, key)
            raise OSError(f"{alias} did not store {key} whole")


def _is_whole(storage: Storage, key: str, found: Mapping[str, Any], *, size: int, sha256: str, md5: str) -> bool:
    """Whether the object has these bytes: by what the bucket says of it, else by reading it."""
    if found["ContentLength"] != size:
        return False
    if buckets.is_proven(found, sha256=sha256, md5=md5):
        return True
    read = hashlib.sha256()
    for piece in buckets.read(storage, key):
        read.update(piece)
    return read.hexdigest() == sha256


def fetch(alias: str, key: str, path: Path, *, sha256: str = "", on_chunk: Callable[[], None] = lambda: None) -> None:
    """Copy a stored file to ``path``, in pieces; ``on_chunk`` is called at each. Raises :class:`StorageAway`, and
    :class:`StorageDiffers` when ``sha256`` is given and what came is something else."""
    found = hashlib.sha256()
    with path.open("wb") as out:
        for chunk in read_all(alias, key):
            on_chunk()
            found.update(chunk)
            with reached(alias):
                out.write(chunk)
        with reached(alias):
            out.flush()
    if sha256 and found.hexdigest() != sha256:
        log.warning("storage %s: gave other bytes than were put there", alias)
        raise StorageDiffers(retry_after=10)


def read_all(alias: str, key: str) -> Iterator[bytes]:
    """A stored file's bytes, in pieces. Raises :class:`StorageAway`."""
    storage = storages[alias]
    with reached(alias):
        if buckets.is_bucket(storage):
            yield from buckets.read(storage, key)
        else:
            with storage.open(key, "rb") as stream:
                yield from stream.chunks(CHUNK)


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
    """Remove a key and every version of it; one that is not there is as good as removed. Raises
    :class:`StorageAway`."""
    storage = storages[alias]
    with reached(alias), suppress(FileNotFoundError):
        if buckets.is_bucket(storage):
            buckets.delete(storage, key)
        else:
            storage.delete(key)


def empty(alias: str, folder: str) -> int:
    """Remove all that lies in a folder, in every version, also what was never finished; returns how much that was.
    Raises :class:`StorageAway`, and ValueError for what is not the name of one folder."""
    storage = _one_folder(alias, folder)
    with reached(alias):
        if buckets.is_bucket(storage):
            return buckets.empty(storage, folder)
        place = _place_of(storage, folder)
        count = 0
        # Deepest first; a file that goes meanwhile is as good as removed.
        for path in sorted(place.rglob("*"), reverse=True):
            with suppress(FileNotFoundError):
                if path.is_dir() and not path.is_symlink():
                    path.rmdir()
                else:
                    path.unlink()
                    count += 1
        with suppress(FileNotFoundError):
            place.rmdir()
        return count


def remains(alias: str, folder: str) -> list[str]:
    """What the storage itself still lists of a folder: nothing, when it is gone for good. Raises
    :class:`StorageAway`, also for a folder whose disk is not mounted: that would look empty, too."""
    storage = _one_folder(alias, folder)
    with reached(alias):
        if buckets.is_bucket(storage):
            return buckets.remains(storage, folder)
        place = _place_of(storage, folder)
        found = [str(path.relative_to(storage.location)) for path in sorted(place.rglob("*"))]
        return found or ([folder] if place.exists() else [])


def _one_folder(alias: str, folder: str) -> Any:
    if not folder or folder.startswith(".") or set(folder) & set("/\\"):
        raise ValueError(f"{folder!r} is not the name of one folder")
    return storages[alias]


def _place_of(storage: Any, folder: str) -> Path:
    if not (Path(storage.location) / MARKER).is_file():
        raise FileNotFoundError(f"{storage.location} is not set up as a storage")
    return Path(storage.location) / folder


def keys_under(alias: str, folder: str) -> list[str]:
    """The keys directly in a folder; an absent folder is empty. Raises :class:`StorageAway`."""
    storage, files = storages[alias], list[str]()
    with reached(alias), suppress(FileNotFoundError):
        if buckets.is_bucket(storage):
            return buckets.keys_under(storage, folder)
        _folders, files = storage.listdir(folder)
    return [f"{folder}/{name}" for name in files]


def read_range(alias: str, key: str, start: int, length: int) -> Iterator[bytes]:
    """The bytes from ``start``, ``length`` of them, in pieces; a bucket is asked for just that range.

    Opened before this returns, so that what is not there is a refusal and not a broken answer. Raises
    :class:`StorageAway`.
    """
    storage: Storage = storages[alias]
    with reached(alias):
        if buckets.is_bucket(storage) and length:
            return buckets.read(storage, key, start=start, length=length)
        stream = storage.open(key, "rb")
        stream.seek(start)
    return _Pieces(stream, length)


@dataclass(frozen=True)
class UploadLink:
    """Where and how a file may be sent straight to a storage, once."""

    url: str
    headers: dict[str, str]


def takes_direct_uploads(alias: str) -> bool:
    """Whether files can be sent straight to this storage."""
    return buckets.is_bucket(storages[alias])


def upload_link(alias: str, key: str, *, size: int, sha256: str, seconds: int) -> UploadLink:
    """A link to send a file of this size and digest straight to a bucket."""
    endpoint = settings.UPLOAD_ENDPOINTS.get(alias, "")
    link = buckets.upload_link(storages[alias], key, size=size, sha256=sha256, seconds=seconds, endpoint=endpoint)
    return UploadLink(*link)


def is_bucket(alias: str) -> bool:
    """Whether this storage is a bucket."""
    return buckets.is_bucket(storages[alias])


def sends_itself(alias: str) -> bool:
    """Whether clients fetch from this bucket themselves."""
    return bool(settings.DOWNLOAD_ENDPOINTS.get(alias))


def download_link(alias: str, key: str, *, seconds: int, content_type: str, for_client: bool) -> str:
    """A link that gives a bucket's object for some seconds, as this type and to be shown. For clients it is whole; for
    nginx, which reaches the bucket where we do, it is path and query."""
    endpoint = settings.DOWNLOAD_ENDPOINTS.get(alias, "") if for_client else ""
    link = buckets.download_link(storages[alias], key, seconds=seconds, content_type=content_type, endpoint=endpoint)
    if for_client:
        return link
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}"


def is_sent(alias: str, key: str, *, size: int, sha256: str) -> bool | None:
    """Whether a bucket holds just these bytes under this key; None when there is nothing. Believes the checksum that a
    bucket keeps, and reads the object where it keeps none. Raises :class:`StorageAway`."""
    storage = storages[alias]
    with reached(alias):
        found = buckets.head(storage, key)
        return None if found is None else _is_whole(storage, key, found, size=size, sha256=sha256, md5="")


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


def digest(path: Path, kind: str = "sha256") -> str:
    """SHA-256 of a file, or another digest, in hex, read in pieces."""
    found = hashlib.new(kind, usedforsecurity=kind != "md5")
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()
