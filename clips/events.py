"""What the device said when it recorded a clip: kept beside the clip, as it was sent first."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from clips.models import Clip, DeviceEvent


@dataclass(frozen=True)
class Detection:
    """One thing that the detector said it saw or heard."""

    said: str
    score: float | None = None
    zone: str = ""


@dataclass(frozen=True)
class Event:
    """Which device recorded the clip, when, and what its detector said."""

    device_model: str = ""
    detector_version: str = ""
    happened_at: datetime | None = None
    detections: list[Detection] = field(default_factory=list)


def record(clip: Clip, event: Event | None) -> None:
    """Write the event down for this clip, if there is one and the clip has none yet."""
    if event is None:
        return
    DeviceEvent.objects.get_or_create(
        clip=clip,
        defaults={
            "device_model": event.device_model,
            "detector_version": event.detector_version,
            "happened_at": event.happened_at,
            # In the order in which they were said, each once.
            "said": list(dict.fromkeys(one.said for one in event.detections)),
            "detections": [_document(one) for one in event.detections],
        },
    )


def _document(one: Detection) -> dict[str, object]:
    every: dict[str, object] = {"said": one.said, "score": one.score, "zone": one.zone}
    return {name: value for name, value in every.items() if value not in (None, "")}
