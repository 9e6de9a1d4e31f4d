"""What is to be covered of a clip, as it lies on the disk between the two runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Cover:
    """So many pictures of so many cells each, a bit for a cell, to be laid over the proxy's width and height."""

    path: Path
    pictures: int
    columns: int
    rows: int
    width: int
    height: int
    faces: int
