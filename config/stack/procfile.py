"""The Procfile: one line per process, `name: command`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from string import Template

from config.stack.failure import Failed

LINE = re.compile(r"^([\w-]+):\s*(\S.*)$")


def read(path: Path, environment: Mapping[str, str]) -> dict[str, list[str]]:
    """Every process' name and its arguments, with `$NAME` filled from the environment; no shell takes part."""
    commands = {}
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        found = LINE.match(line)
        if found is None:
            raise Failed(f"{path.name}, line {number}: not `name: command`")
        try:
            # Filled after the split, so that a folder with a space in its name stays one argument.
            commands[found[1]] = [Template(word).substitute(environment) for word in shlex.split(found[2])]
        except KeyError as error:
            raise Failed(f"{path.name}, line {number}: ${error.args[0]} is not set") from error
    return commands
