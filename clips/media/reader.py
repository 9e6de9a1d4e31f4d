"""The probe's own process: ``python -m clips.media.reader REQUEST``, started by ``probe`` for one file.

It takes its bounds, reads the file the JSON request names, and writes its facts or the code of a refusal as JSON. It
imports neither Django nor the refusals themselves, which bring the whole project along: so it starts in a tenth of a
second, and has nothing in its memory but the file.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

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


if __name__ == "__main__":
    main()
