"""What is needed of clips: which proxies, by region and kind. The work's room says it, preparation asks."""

from __future__ import annotations

from collections.abc import Collection

from django.db import transaction

from clips.models import Clip, ClipKind, Faces, Need

# Region, kind of clip, and how faces are to be.
Wanted = tuple[str, str, str]


def say(wanted: Collection[Wanted]) -> bool:
    """Replace what is needed by this, for all regions; returns whether that changed anything."""
    said = set(wanted)
    with transaction.atomic():
        known = {(row.region, row.clip_kind, row.faces): row.pk for row in Need.objects.all()}
        if said == known.keys():
            return False
        Need.objects.filter(pk__in=[pk for key, pk in known.items() if key not in said]).delete()
        Need.objects.bulk_create(
            [Need(region=region, clip_kind=kind, faces=faces) for region, kind, faces in sorted(said - known.keys())],
            ignore_conflicts=True,
        )
    return True


def needed_of(clip: Clip) -> frozenset[str]:
    """Which proxies are made of a clip now: those that work wants, and no others. The clear one while there is no work
    yet, for looking for faces takes longer than all the rest, and is for projects to ask. A voice has no face."""
    if clip.kind == ClipKind.VOICE:
        return frozenset({Faces.CLEAR.value})
    found = Need.objects.filter(region=clip.region, clip_kind=clip.kind).values_list("faces", flat=True)
    return frozenset(found) or frozenset({Faces.CLEAR.value})
