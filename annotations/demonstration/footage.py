"""The gateway's part: send the sample clips with their owners' consents, and watch them being prepared."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from annotations.demonstration.client import Client, StepFailed, wait_for
from annotations.demonstration.seed import disclosure_version
from clips import storage

SAMPLES = Path(__file__).resolve().parent.parent.parent / "clips" / "samples"

# File, region, and what a careful person would answer. Each owner is somebody else.
CLIPS = [
    ("walkway.avi", "in", "false_alarm"),
    ("tree-cinepak.avi", "in", "false_alarm"),
    ("bikes.mp4", "in", "false_alarm"),
    ("doorstep.mp4", "in", "threat"),
    ("walkway.avi", "ro", "false_alarm"),
    ("tree-cinepak.avi", "ro", "false_alarm"),
    ("bikes.mp4", "ro", "false_alarm"),
    ("doorstep.mp4", "ro", "threat"),
]

Say = Callable[[str], None]


def send_all(client: Client, *, already: set[tuple[str, str]], say: Say) -> None:
    """Send each sample that is not among ``already`` (SHA-256, region)."""
    for number, (name, region, _truth) in enumerate(CLIPS, start=1):
        path = SAMPLES / name
        if (storage.digest(path), region) in already:
            continue
        consent = {
            "owner": f"owner-{region}-{number:04d}",
            "disclosure": disclosure_version(region),
            "purposes": ["troubleshooting", "human_review", "model_training"],
            "channel": "app",
            "given_at": datetime.now(UTC).isoformat(),
        }
        source = "employee_tester" if number % 3 == 0 else "owner_troubleshooting"
        with path.open("rb") as stream:
            clip = client.call(
                "POST",
                "/api/v1/clips",
                data={"region": region, "source": source, "consent": json.dumps(consent)},
                files={"file": (name, stream.read())},
            )
        say(f"sent {name} to region {region}: clip {clip['id']}, {clip['duration_ms'] / 1000:.1f} s, {clip['state']}")


def watch_preparation(client: Client, clip_ids: list[int], *, say: Say, seconds: float) -> list[dict[str, Any]]:
    """Follow the clips until each is ready, saying what moved. Raises :class:`StepFailed` when one fails."""
    seen: dict[int, tuple[str, int]] = {}

    def look() -> list[dict[str, Any]] | None:
        clips = [client.call("GET", f"/api/v1/clips/{clip_id}") for clip_id in clip_ids]
        for clip in clips:
            mark = (clip["state"], clip["percent"])
            if seen.get(clip["id"]) != mark and mark[0] != "uploaded":
                seen[clip["id"]] = mark
                progress = f" {mark[1]:3d} %" if mark[0] == "preparing" else ""
                again = f" (attempt {clip['attempts']})" if clip["attempts"] > 1 else ""
                say(f"clip {clip['id']} {mark[0]}{progress}{again}")
            if clip["state"] == "failed":
                raise StepFailed(f"clip {clip['id']} failed: {clip['failure']}")
        return clips if all(clip["state"] == "ready" for clip in clips) else None

    return wait_for("clips ready", look, seconds=seconds)
