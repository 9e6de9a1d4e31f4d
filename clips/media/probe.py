"""What a clip is, found out in a process of its own.

``probe`` first reads the container's outline here, in plain Python that touches nothing but headers, and only then
starts ``clips.media.reader`` on it: without network, with bounded time and memory, in an empty folder, with an empty
environment, enclosed where the machine can do that. Whatever becomes of that process, the caller gets facts or a
refusal.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from clips import errors
from clips.media import process, sandbox, sniff, structure, warm
from clips.media.facts import Facts, Kind
from clips.media.limits import Limits
from config.errors import BadInput

_ROOT = Path(__file__).resolve().parents[2]
_REFUSALS: dict[str, type[BadInput]] = {
    kind.code: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, BadInput) and kind is not BadInput
}


def probe(path: Path, *, extension: str, limits: Limits, kinds: Collection[Kind] = sniff.VIDEO_ONLY) -> Facts:
    """The facts of a clip, or a refusal of ``clips.errors`` that says why it is none.

    ``extension`` is the ending of the name its sender gave it, with or without the dot; ``kinds`` says what is taken:
    footage alone, or (``sniff.EVERY_KIND``) recordings of a voice as well.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise errors.NotAVideo
    if found.st_size > limits.max_bytes:
        raise errors.ClipTooLarge(f"At most {limits.max_bytes} bytes.")
    demuxer = sniff.sniff_file(path, extension=extension, kinds=kinds)
    structure.check(path, demuxer=demuxer)
    facts = examine_apart(path, demuxer=demuxer, limits=limits)
    if facts.kind not in kinds:
        raise errors.NoVideoStream if facts.kind == "voice" else errors.NoSound
    return facts


def examine_apart(path: Path, *, demuxer: str, limits: Limits, on_tick: Callable[[], None] = lambda: None) -> Facts:
    """``examine`` in a process of its own, for a file whose outline is already known to be sound.

    ``on_tick`` is called about every second and may raise, which ends the process.
    """
    try:
        return _answer(_ask_warm(path, demuxer=demuxer, limits=limits, on_tick=on_tick))
    except warm.NotAvailable:
        return _answer(_ask_cold(path, demuxer=demuxer, limits=limits, on_tick=on_tick))


def _ask_warm(path: Path, *, demuxer: str, limits: Limits, on_tick: Callable[[], None]) -> bytes:
    return ask_warm({"demuxer": demuxer}, path, limits=limits, on_tick=on_tick)


def ask_warm(
    request: Mapping[str, object],
    path: Path,
    *,
    limits: Limits,
    on_tick: Callable[[], None] = lambda: None,
    most_bytes: int = warm.KEPT_BYTES,
) -> bytes:
    """What the warm reader says; once more by a new one if the server was just lost. Raises warm.NotAvailable."""
    enclosed = sandbox.available()
    if enclosed:
        argv = sandbox.command(
            sandbox.python_argv("-m", "clips.media.reader", "--serve"),
            clip=Path(os.devnull),
            out=None,
            runtime=sandbox.python(),
            environment=process.bare_environment(Path("/")) | sandbox.python_environment(),
        )
        environment: dict[str, str] = {}
    else:
        argv = [sys.executable, "-P", "-s", "-B", "-m", "clips.media.reader", "--serve"]
        environment = process.bare_environment(Path("/")) | {"PYTHONPATH": str(_ROOT)}
    whole = {**request, "limits": asdict(limits), "namespaces": not enclosed}
    for _ in range(2):
        # Lost while it was asked, most likely with a stranger's file: once more, then alone.
        with contextlib.suppress(warm.NotAvailable):
            server = warm.server(argv, environment)
            return server.ask(
                whole, path, wall_seconds=limits.probe_wall_seconds, on_tick=on_tick, most_bytes=most_bytes
            )
    raise warm.NotAvailable


def _ask_cold(path: Path, *, demuxer: str, limits: Limits, on_tick: Callable[[], None]) -> bytes:
    """What a reader says that is started for this file alone."""
    request: dict[str, Any] = {"path": str(path.resolve()), "demuxer": demuxer, "limits": asdict(limits)}
    with tempfile.TemporaryDirectory(prefix="probe-") as empty:
        environment = process.bare_environment(Path(empty)) | {"PYTHONPATH": str(_ROOT)}
        request |= {"parent": os.getpid(), "sees": sandbox.python_sees(path), "lists": sandbox.python_lists()}
        # -P keeps the working folder off the import path, -s the home folder, -B writes no byte code.
        argv = [sys.executable, "-P", "-s", "-B", "-m", "clips.media.reader", json.dumps(request)]
        if sandbox.available():
            # In there our own process does not exist; bubblewrap watches over it instead.
            request |= {"path": str(sandbox.CLIP), "parent": None, "sees": [], "lists": []}
            argv = sandbox.command(
                sandbox.python_argv("-m", "clips.media.reader", json.dumps(request)),
                clip=path,
                out=None,
                runtime=sandbox.python(),
                environment=process.bare_environment(Path("/")) | sandbox.python_environment(),
            )
        ended = process.run(
            argv, cwd=Path(empty), env=environment, wall_seconds=limits.probe_wall_seconds, on_tick=on_tick
        )
    return b"" if ended.timed_out or ended.returncode != 0 else ended.output


def _answer(output: bytes) -> Facts:
    """Facts or a refusal out of what the process wrote, which may by then be anything."""
    if not output:
        raise errors.Unreadable("Reading it took too long, or too much, or broke the reader.")
    try:
        document = json.loads(output)
        if set(document) == {"code", "detail"}:
            refusal = _REFUSALS[str(document["code"])]
            raise refusal("".join(c for c in str(document["detail"])[:200] if c.isprintable()))
        facts = Facts.from_document(document)
        pictured = facts.width and facts.height and facts.frames and facts.frame_rate
        if not facts.duration_ms or not (pictured or (facts.kind == "voice" and facts.has_audio)):
            raise ValueError("nothing to see or hear")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise errors.Unreadable from error
    return facts
