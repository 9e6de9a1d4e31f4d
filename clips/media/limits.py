"""The bounds a clip and the processes that handle it are held to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

MIB = 1024 * 1024


class Bounds(TypedDict):
    """What one process may take: processor time, address space, the size of any one file."""

    cpu_seconds: int
    memory_bytes: int
    output_bytes: int


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much a clip may be, and how much reading and rendering it may cost.

    Sizes are bytes, times are as named. Memory is address space, which is more than what is resident: measured with
    ffmpeg 9.0 and two threads, 4096x2304 pictures in H.264, HEVC, VP9 and AV1 render within 768 MiB; the default leaves
    as much again for streams that keep more pictures at hand.
    """

    max_bytes: int = 512 * MIB
    max_duration_ms: int = 120_000
    max_pixels: int = 4096 * 2304
    max_side: int = 8192
    max_streams: int = 8
    max_chapters: int = 100
    # Of stored pictures; phones film slow motion at 240.
    max_frame_rate: float = 240.5
    max_sample_rate: int = 192_000
    max_channels: int = 8
    # 120 s at 240 frames a second and several sound tracks stay below a third of this.
    max_packets: int = 100_000

    probe_wall_seconds: float = 30
    probe_cpu_seconds: int = 20
    probe_memory_bytes: int = 1536 * MIB

    render_wall_seconds: float = 900
    render_cpu_seconds: int = 1200
    render_memory_bytes: int = 2048 * MIB
    render_output_bytes: int = 256 * MIB

    # For the detector of faces and, by itself, the ffmpeg that brings it pictures.
    find_memory_bytes: int = 2048 * MIB

    @property
    def decoder_max_pixels(self) -> int:
        """The bound given to decoders, a little above ours: they count whole blocks, beyond the visible edge."""
        return self.max_pixels * 11 // 10
