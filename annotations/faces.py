"""Faces: which proxies projects need, said to the footage room; nobody is handed another than their project's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from annotations.models import Project
from clips import needing
from clips.models import SHOWN, ClipKind, Faces, Rendition

T = TypeVar("T")

# By project's faces: what each kind of rendition is called to a reviewer; what is not here is not handed out.
NAMES: dict[str, dict[str, str]] = {faces: dict(zip(SHOWN[faces], SHOWN[Faces.CLEAR], strict=True)) for faces in Faces}
_OF_PICTURES = frozenset(kind for kinds in SHOWN.values() for kind in kinds)


def say_needs() -> bool:
    """Tell the footage room which proxies the active projects need, of clips of their teams' regions; whether that
    changed anything. Said again and again by the beat, so that no way of changing a project can be forgotten."""
    rows = Project.objects.filter(is_active=True, teams__isnull=False).values_list(
        "teams__region__code", "clip_kind", "faces"
    )
    return needing.say(set(rows.distinct()))


def handed_out(renditions: Mapping[str, T], *, faces: str, clip_kind: str) -> dict[str, T]:
    """Of a clip's renditions those that a project with these ``faces`` shows, by the names that reviewers know."""
    return {
        name: rendition
        for kind, rendition in renditions.items()
        if (name := name_of(kind, faces=faces, clip_kind=clip_kind))
    }


def name_of(kind: str, *, faces: str, clip_kind: str) -> str:
    """What a reviewer knows this kind of rendition by; empty when it is not for them."""
    if kind not in _OF_PICTURES or clip_kind == ClipKind.VOICE:
        return kind
    return NAMES[faces].get(kind, "")


def allows(project: Project, rendition: Rendition) -> bool:
    """Whether this project's reviewers may be shown this rendition, as the project is now."""
    return bool(name_of(rendition.kind, faces=project.faces, clip_kind=rendition.clip.kind))
