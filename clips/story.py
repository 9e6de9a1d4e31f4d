"""A clip's story, for the page of one clip: what is known of it, and what happened to it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from clips import queries
from clips.models import Clip, DeviceEvent, EventKind
from config import speech


def said_of(clip: Clip) -> list[tuple[str, str]]:
    """What is known of a clip, as (name, value) for people to read; only what there is."""
    facts: dict[str, Any] = clip.facts
    rate, high = facts.get("frame_rate") or 0, facts.get("high_range", "")
    rows = [
        ("State", clip.get_state_display() + (f", {clip.percent} %" if clip.state == "preparing" else "")),
        ("Why it failed", clip.failure),
        ("Region", clip.region),
        ("Source", clip.get_source_display()),
        ("Language", speech.name_of(clip.language) if clip.language else ""),
        ("Length", f"{clip.duration_ms / 1000:.1f} s"),
        ("Picture", f"{clip.width} x {clip.height}" if clip.width else ""),
        ("Frame rate", f"{rate:.2f}{'' if facts.get('constant_rate', True) else ', not constant'}" if rate else ""),
        ("Turned by", f"{facts.get('rotation')}°" if facts.get("rotation") else ""),
        ("Dynamic range", f"high ({high.upper()}), shown as any screen can" if high else ""),
        ("Interlaced", "yes, shown without" if facts.get("interlaced") else ""),
        ("Codecs", " and ".join(filter(None, [facts.get("video_codec"), facts.get("audio_codec")]))),
        ("Sound", _sound(clip)),
        ("Only for the cleared", "yes" if clip.is_sensitive else ""),
        ("Labelled in its stead", str(clip.same_as) if clip.same_as_id else ""),
    ]
    event = getattr(clip, "event", None)
    return [(name, value) for name, value in rows + (_event(event) if event else []) if value]


def _sound(clip: Clip) -> str:
    if not clip.facts.get("has_audio"):
        return "none"
    if clip.sound.get("silent"):
        return "silent"
    loudness = clip.sound.get("loudness_lufs")
    return f"{loudness:.1f} LUFS" if loudness is not None else "yes"


def _event(event: DeviceEvent) -> list[tuple[str, str]]:
    said = [
        " ".join(
            filter(
                None,
                [
                    str(item.get("said", "")),
                    f"({item['score']:.2f})" if isinstance(item.get("score"), int | float) else "",
                    f"in {item['zone']}" if item.get("zone") else "",
                ],
            )
        )
        for item in event.detections
    ]
    return [
        ("The device said", ", ".join(said) or ", ".join(event.said)),
        ("When", f"{event.happened_at:%Y-%m-%d %H:%M:%S} UTC" if event.happened_at else ""),
        ("Device", " ".join(filter(None, [event.device_model, event.detector_version]))),
    ]


def story_of(clip: Clip) -> list[tuple[datetime, str]]:
    """What happened to a clip, the latest first."""
    found: list[tuple[datetime, str]] = [(clip.created_at, "it arrived")]
    for event in queries.events_about(clip):
        did = "agreed to" if event.kind == EventKind.GIVEN else "took back the consent to"
        reach = "" if event.clip_id else ", for all their clips"
        found.append((event.at, f"its owner {did} {', '.join(event.purposes).replace('_', ' ')}{reach}"))
    attempts: dict[int, datetime] = {row.attempt: row.made_at for row in clip.renditions.all()}
    found += [(at, f"prepared, at attempt {attempt}") for attempt, at in attempts.items()]
    for case in clip.cases.all():
        found.append((case.opened_at, f"{case.get_kind_display().lower()} case {case.pk} opened"))
        if case.decided_at:
            found.append((case.decided_at, f"case {case.pk} decided: {case.get_decision_display().lower()}"))
    if clip.state not in {"ready", "receiving"}:
        found.append((clip.state_since, f"{clip.get_state_display().lower()} since then, attempt {clip.attempts}"))
    return sorted(found, reverse=True)
