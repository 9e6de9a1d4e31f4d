"""The poster with the mark of whoever is shown it, made when it is asked for, in a confined reader.

Kept for some minutes in this process's memory, for players ask twice; never on a disk.
"""

from __future__ import annotations

import hashlib
import tempfile
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from clips import storage
from clips.errors import MarkAway
from clips.media import probe, warm
from clips.media.limits import Limits
from clips.models import Rendition
from clips.pseudonyms import MARK_OPACITY

KEPT, KEPT_SECONDS = 32, 300.0
MOST_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Marked:
    """A picture with a mark in it."""

    data: bytes
    sha256: str
    made: float


_kept: OrderedDict[tuple[str, str], Marked] = OrderedDict()
_lock = threading.Lock()


def marked_poster(rendition: Rendition, *, mark: str) -> Marked:
    """The poster with the mark. Raises :class:`clips.errors.StorageAway`, :class:`MarkAway`: what cannot be marked is
    not shown."""
    name = (rendition.key, mark)
    with _lock:
        found = _kept.get(name)
        if found is not None and time.monotonic() - found.made < KEPT_SECONDS:
            return found
    data = _draw(rendition, mark)
    made = Marked(data, hashlib.sha256(data).hexdigest(), time.monotonic())
    with _lock:
        _kept[name] = made
        old = time.monotonic() - KEPT_SECONDS
        while len(_kept) > KEPT or next(iter(_kept.values())).made < old:
            _kept.popitem(last=False)
    return made


def _draw(rendition: Rendition, mark: str) -> bytes:
    alias, key = rendition.clip.storage_alias, rendition.key
    if rendition.size_bytes > MOST_BYTES:
        raise MarkAway
    with tempfile.NamedTemporaryFile(dir=settings.WORK_DIR, prefix="poster-") as file:
        for piece in storage.read_range(alias, key, 0, rendition.size_bytes):
            file.write(piece)
        file.flush()
        try:
            data = probe.ask_warm(
                {"mark": mark, "opacity": MARK_OPACITY}, Path(file.name), limits=Limits(), most_bytes=MOST_BYTES
            )
        except warm.NotAvailable:
            raise MarkAway(retry_after=2) from None
    if not (data.startswith(b"\xff\xd8") and data.endswith(b"\xff\xd9")):
        raise MarkAway(retry_after=2)
    return data
