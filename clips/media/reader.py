"""The probe's own process: ``python -m clips.media.reader REQUEST``, started by ``probe`` for one file; or, with
``--serve`` and the number of a socket, a warm one for many (``clips/media/warm.py``).

It takes its bounds, reads the file the JSON request names, and writes its facts or the code of a refusal as JSON; the
warm one also draws a mark into a poster. It imports neither Django nor the refusals themselves, which bring the whole
project along: so it starts in a tenth of a second, and has nothing in its memory but the file.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from clips.media import limited
from clips.media.limits import Limits


def main() -> None:
    """Answer the one request. Anything that goes wrong here but a refusal ends the process, which is answer enough."""
    request = json.loads(sys.argv[1])
    limits = Limits(**request["limits"])
    limited.confine(
        cpu_seconds=limits.probe_cpu_seconds,
        memory_bytes=limits.probe_memory_bytes,
        output_bytes=0,
        parent=request["parent"],
        sees=request["sees"],
        lists=request["lists"],
    )
    # Only now: PyAV's libraries are part of what is confined.
    from clips.media.examine import Refused, examine

    answer: dict[str, object]
    try:
        answer = asdict(examine(Path(request["path"]), demuxer=request["demuxer"], limits=limits))
    except Refused as refused:
        answer = {"code": refused.code, "detail": refused.detail}
    sys.stdout.write(json.dumps(answer))


def serve(fd: int) -> None:
    """Be a warm reader: load what reading takes, and fork for each file."""
    import av

    from clips.media import mark, warm
    from clips.media.examine import Refused, examine

    # All of it now: PyAV loads the rest of itself when it meets a subtitle, and by then nothing can be opened.
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)

    def read(request: Mapping[str, Any], files: Sequence[int]) -> bytes:
        limits = Limits(**request["limits"])
        limited.confine(
            cpu_seconds=limits.probe_cpu_seconds,
            memory_bytes=limits.probe_memory_bytes,
            output_bytes=0,
            namespaces=request["namespaces"],
            # All that it needs is open or loaded: a place that does not exist keeps it from every other.
            sees=[limited.NOWHERE],
        )
        # A pipe is no file, so the answer may be written all the same.
        try:
            with os.fdopen(files[0], "rb") as stream:
                if "mark" in request:
                    return mark.draw(stream, text=request["mark"], opacity=request["opacity"])
                return json.dumps(asdict(examine(stream, demuxer=request["demuxer"], limits=limits))).encode()
        except Refused as refused:
            return json.dumps({"code": refused.code, "detail": refused.detail}).encode()

    warm.serve(fd, read)


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        serve(int(sys.argv[2]))
    else:
        main()
