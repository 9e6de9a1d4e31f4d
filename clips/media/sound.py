"""What is to be heard in a clip: peaks to draw, how loud it is, and where it is silent.

ffmpeg measures loudness (EBU R 128) and silence while it decodes and writes both down beside the sound; the peaks are
taken here from a mono copy at a low rate.
"""

from __future__ import annotations

import json
import math
import sys
from array import array
from dataclasses import dataclass
from pathlib import Path

# Of the mono copy, in Hz; and of the peaks, a second.
SAMPLE_RATE = 16_000
PEAKS_PER_SECOND = 25
# Quieter than this for this long is a silence.
SILENCE_DB = -50
SILENCE_SECONDS = 0.5
# Integrated loudness of a track in which no moment passed the gate (absolute: -70 LUFS) is reported as this or lower.
_NO_LOUDNESS = -70.0


@dataclass(frozen=True, kw_only=True)
class Sound:
    """``loudness`` is integrated, in LUFS, and None when nothing is loud enough to count; ``true_peak`` in dBTP.

    ``silences`` are (from, to) in milliseconds of the proxy. ``peaks`` are the lowest and the highest sample of each
    1/25 s in turn, from -128 to 127.
    """

    duration_ms: int
    loudness: float | None
    true_peak: float | None
    silences: tuple[tuple[int, int], ...]
    peaks: tuple[int, ...]

    @property
    def is_silent(self) -> bool:
        """Whether there is nothing to hear from beginning to end."""
        return sum(end - start for start, end in self.silences) >= self.duration_ms - 50

    def summary(self) -> dict[str, object]:
        """All but the peaks, to be kept beside the clip."""
        return {
            "loudness_lufs": self.loudness,
            "true_peak_dbtp": self.true_peak,
            "silent": self.is_silent,
            "silences_ms": [list(silence) for silence in self.silences],
        }

    def to_json(self) -> bytes:
        """The peaks in the form of BBC audiowaveform, which players know, and the rest beside them."""
        document = {
            "version": 2,
            "channels": 1,
            "sample_rate": SAMPLE_RATE,
            "samples_per_pixel": SAMPLE_RATE // PEAKS_PER_SECOND,
            "bits": 8,
            "length": len(self.peaks) // 2,
            "data": self.peaks,
            "duration_ms": self.duration_ms,
            "loudness_lufs": self.loudness,
            "true_peak_dbtp": self.true_peak,
            "silent": self.is_silent,
            "silences_ms": self.silences,
        }
        return json.dumps(document, separators=(",", ":")).encode()


def read(samples: Path, measures: Path) -> Sound:
    """What ffmpeg left: raw samples and, from its ``ametadata`` filter, measures. Raises OSError or ValueError."""
    heard = array("h")
    heard.frombytes(samples.read_bytes()[: samples.stat().st_size // 2 * 2])
    if sys.byteorder == "big":
        heard.byteswap()
    duration_ms = round(len(heard) * 1000 / SAMPLE_RATE)
    loudness, true_peak, silences = _measures(measures, duration_ms)
    return Sound(
        duration_ms=duration_ms,
        loudness=loudness,
        true_peak=true_peak,
        silences=tuple(silences),
        peaks=tuple(_peaks(heard)),
    )


def _peaks(samples: array[int]) -> list[int]:
    step = SAMPLE_RATE // PEAKS_PER_SECOND
    peaks = []
    for start in range(0, len(samples), step):
        piece = samples[start : start + step]
        peaks += [min(piece) >> 8, max(piece) >> 8]
    return peaks


def _measures(path: Path, duration_ms: int) -> tuple[float | None, float | None, list[tuple[int, int]]]:
    """The last loudness stands for the whole, the highest peak likewise; a silence without an end lasts to the end."""
    loudness: float | None = None
    peak = 0.0
    silences: list[tuple[int, int]] = []
    since: int | None = None
    with path.open() as lines:
        for line in lines:
            name, _, value = line.rstrip().partition("=")
            match name:
                case "lavfi.r128.I":
                    loudness = float(value)
                case "lavfi.r128.true_peak":
                    peak = max(peak, float(value))
                case "lavfi.silence_start":
                    since = max(0, round(float(value) * 1000))
                case "lavfi.silence_end" if since is not None:
                    silences.append((since, round(float(value) * 1000)))
                    since = None
    if since is not None and since < duration_ms:
        silences.append((since, duration_ms))
    if loudness is None or not math.isfinite(loudness) or loudness <= _NO_LOUDNESS:
        loudness = None
    return loudness, round(20 * math.log10(peak), 1) if peak > 0 else None, silences
