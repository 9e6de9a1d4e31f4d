"""A room without doors for the programs that open footage: one file to read, one folder to write, no network.

Where bubblewrap works, a program sees the system's libraries, itself, the clip at ``/clip`` and, if it is to make
something, its folder at ``/out``; everything else of the machine, ``/proc`` included, is not there for it, nor is any
network but a loopback of its own. Whether bubblewrap works is tried, once in each process: it may be absent, or the
machine or the container may forbid the namespaces it needs. There Landlock, which a container seldom forbids, lets a
program open the same places and no others (``sees``), and ``limited`` takes the network away if it can. Resource
limits, the private folder and the bare environment hold with all of them and without.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clips.media import limited, process
from clips.media.limits import Bounds

# Where things are, inside.
CLIP = Path("/clip")
OUT = Path("/out")
_CODE = Path("/code")
_PACKAGES = Path("/packages")

_MEDIA = Path(__file__).resolve().parent
_TRY = "import pathlib, sys; pathlib.Path('/out/made').write_bytes(pathlib.Path('/clip').read_bytes())"
_TRY_SECONDS = 20

# Paths outside -> inside.
Binds = Mapping[Path, Path]


@dataclass(frozen=True)
class _Usable:
    """The bubblewrap that works here, with the options it needs; or, without a path, why there is none."""

    path: str
    options: tuple[str, ...] = ()
    reason: str = ""


def available() -> bool:
    """Whether programs can be enclosed on this machine. The first answer of a process takes some 0.1 s."""
    return bool(_usable().path)


def encloses(program: Path) -> bool:
    """Whether this program can be. A script cannot: nobody knows what else it calls. Nor can what is not there."""
    return available() and program.is_file() and not _is_script(program)


def describe(ffmpeg: Path | None = None) -> dict[str, bool | str]:
    """What is in force on this machine, and for this ffmpeg if it is named; for a person or a monitor to read.

    ``private_folder``: always; ``bubblewrap``, with the reason in ``without_bubblewrap`` when it is not;
    ``own_files``: it can open nothing of the machine but its own clip and folder, through bubblewrap or Landlock;
    ``no_network``: through bubblewrap or a bare network namespace; ``rlimits``; ``parent_death``: a program does not
    outlive the worker that started it.
    """
    usable, held = _usable(), _confinement()
    script = ffmpeg is not None and _is_script(ffmpeg)
    if usable.path and script:
        usable = _Usable("", reason="the ffmpeg that is configured is a script, which cannot be enclosed")
    return {
        "bubblewrap": bool(usable.path),
        "without_bubblewrap": usable.reason,
        "private_folder": True,
        "own_files": bool(usable.path) or (held["own_files"] and not script),
        "rlimits": held["rlimits"],
        "no_network": bool(usable.path) or held["no_network"],
        "parent_death": held["parent_death"],
    }


def command(
    argv: Sequence[str], *, clip: Path, out: Path | None, runtime: Binds, environment: Mapping[str, str]
) -> list[str]:
    """The command that runs ``argv`` enclosed, with ``clip`` at ``CLIP`` and ``out``, if any, at ``OUT``.

    ``argv`` names paths as they are inside. ``runtime`` is what it is made of: see ``program`` and ``python``. Only
    where ``available``; raises RuntimeError elsewhere.
    """
    usable = _usable()
    if not usable.path:
        raise RuntimeError(usable.reason)
    return _command(usable, argv, clip=clip, out=out, runtime=runtime, environment=environment)


def around(
    ffmpeg: Path, argv: Sequence[str], *, clip: Path, out: Path, bounds: Bounds
) -> tuple[list[str], dict[str, str]]:
    """The command that runs this ``ffmpeg`` as ``argv`` says, bound and with as little to see as there can be, and its
    environment. ``argv`` names the clip as ``where`` does."""
    if encloses(ffmpeg):
        environment = process.bare_environment(OUT)
        made = command(argv, clip=clip, out=out, runtime=program(ffmpeg), environment=environment)
        return limited.bounded(made, **bounds), process.bare_environment(out)
    made = limited.command(argv, **bounds, sees=sees(ffmpeg.absolute(), clip), makes=[str(out)])
    return made, process.bare_environment(out)


def where(clip: Path, ffmpeg: Path) -> Path:
    """Where this ``ffmpeg`` finds the clip."""
    return CLIP if encloses(ffmpeg) else clip


def program(path: Path) -> dict[Path, Path]:
    """What a program of the machine's own needs: itself, and the system's libraries, which all get."""
    return {path.resolve(): path.absolute()}


def sees(program: Path, clip: Path) -> list[str]:
    """What ``limited`` leaves this program to open where it cannot be enclosed; all there is, if it is a script."""
    if _is_script(program):
        return []
    return [str(place.resolve()) for place in (*_system(), program, clip)]


def python_sees(clip: Path) -> list[str]:
    """What the reader of a clip needs to open after it took its limits, where it cannot be enclosed."""
    return [str(place.resolve()) for place in (*_system(), *python(), clip)]


def python_lists() -> list[str]:
    """Folders in which Python looks for modules, of which it needs to see the names."""
    return [str(Path(place).resolve()) for place in sys.path if place and Path(place).is_dir()] + [
        str(_MEDIA.parents[1])
    ]


@functools.cache
def python() -> dict[Path, Path]:
    """What ``python_argv`` needs: the interpreter, its standard library, PyAV and these media tools; no settings."""
    executable = Path(sys.executable).resolve()
    binds = {executable: executable}
    for name in ("stdlib", "platstdlib"):
        folder = Path(sysconfig.get_path(name, vars={"base": sys.base_prefix, "platbase": sys.base_exec_prefix}))
        binds[folder.resolve()] = folder
    shared = Path(str(sysconfig.get_config_var("LIBDIR"))) / str(sysconfig.get_config_var("INSTSONAME"))
    if shared.is_file() and shared.suffix != ".a":
        binds[shared.resolve()] = shared
    binds[_MEDIA] = _CODE / "clips" / "media"
    return binds | packages("av")


def packages(*names: str) -> dict[Path, Path]:
    """What these installed packages are, for a Python inside; of what is not installed, nothing."""
    binds = {}
    for name in names:
        found = importlib.util.find_spec(name)
        for place in (found.submodule_search_locations if found else None) or []:
            package = Path(place)
            # Wheels carry their libraries in a folder beside the package.
            for folder in (package, package.with_name(f"{name}.libs")):
                if folder.is_dir():
                    binds[folder.resolve()] = _PACKAGES / folder.name
    return binds


def python_argv(*arguments: str) -> list[str]:
    """Start Python inside: without site-packages, the home folder, the working folder or byte code."""
    return [str(Path(sys.executable).resolve()), "-P", "-s", "-S", "-B", *arguments]


def python_environment() -> dict[str, str]:
    """Where Python finds the media tools and PyAV inside, and nothing else of the project."""
    return {"PYTHONPATH": f"{_CODE}:{_PACKAGES}", "PYTHONHOME": sys.base_prefix}


@functools.cache
def _system() -> dict[Path, Path]:
    """The folders of shared libraries, as the system's loader knows them."""
    triplet = str(sysconfig.get_config_var("MULTIARCH") or f"{platform.machine()}-linux-gnu")
    folders = [Path(root, triplet) for root in ("/lib", "/usr/lib")]
    if not any(folder.is_dir() for folder in folders):
        folders = [Path("/lib"), Path("/usr/lib")]
    folders += [Path("/lib64"), Path("/usr/lib64")]
    places = [folder for folder in folders if folder.is_dir()] + [Path("/etc/ld.so.cache")]
    return {place: place for place in places if place.exists()}


def _is_script(program: Path) -> bool:
    try:
        with program.open("rb") as file:
            return file.read(2) == b"#!"
    except OSError:
        return False


def _command(
    usable: _Usable,
    argv: Sequence[str],
    *,
    clip: Path,
    out: Path | None,
    runtime: Binds,
    environment: Mapping[str, str],
) -> list[str]:
    words = [usable.path, "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", *usable.options]
    words += ["--clearenv"]
    for name, value in environment.items():
        words += ["--setenv", name, value]
    for outside, inside in {**_system(), **runtime}.items():
        words += ["--ro-bind", str(outside), str(inside)]
    words += ["--ro-bind", str(clip.resolve()), str(CLIP)]
    if out is not None:
        words += ["--bind", str(out.resolve()), str(OUT)]
    words += ["--remount-ro", "/", "--chdir", str(OUT if out is not None else "/"), "--", *argv]
    return words


@functools.cache
def _confinement() -> dict[str, bool]:
    return limited.confinement()


@functools.cache
def _usable() -> _Usable:
    path = shutil.which("bwrap") if sys.platform == "linux" else None
    if path is None:
        return _Usable("", reason="bubblewrap is not installed")
    reason = ""
    # The first of these, from version 0.8 on, keeps what is inside from making namespaces of its own.
    for options in (("--unshare-user", "--disable-userns"), ()):
        found = _Usable(path, options)
        reason = _tried(found)
        if not reason:
            return found
    return _Usable("", reason=reason)


def _tried(usable: _Usable) -> str:
    """Why this bubblewrap does not work here, in a word or two; empty when it does."""
    with tempfile.TemporaryDirectory(prefix="sandbox-") as folder:
        clip, out = Path(folder, "clip"), Path(folder, "out")
        clip.write_bytes(b"seen")
        out.mkdir()
        argv = _command(
            usable,
            python_argv("-c", _TRY),
            clip=clip,
            out=out,
            runtime=python(),
            environment=python_environment(),
        )
        try:
            done = subprocess.run(
                argv, capture_output=True, stdin=subprocess.DEVNULL, env={}, timeout=_TRY_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"bubblewrap could not be tried ({type(error).__name__})"
        if done.returncode == 0 and (out / "made").is_file():
            return ""
        said = done.stderr.decode(errors="replace").strip().splitlines()
        return f"bubblewrap does not work here: {said[-1][:200] if said else os.strerror(done.returncode & 0x7F)}"
