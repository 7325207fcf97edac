"""What freezing and encoding a long stretch of raw scans takes: 40 s of 8 channels at 1 kHz."""

import statistics
import time
from typing import Final, NamedTuple

import numpy as np

from contract.codec import encode_event
from device_agent.condense.grid import Grid
from device_agent.condense.moment import Moment
from device_agent.condense.parts import Parts
from device_agent.condense.ring import Ring
from device_agent.sensors.port import Channel

SCANS: Final = 40_000
RATE_HZ: Final = 1000.0
_CHANNELS: Final = tuple(Channel(name=f"channel_{number}", resolution=0.001) for number in range(8))
_EVENT_BYTES: Final = 4800
"""What an envelope of 5 KB has room for."""

_ROUNDS: Final = 15
_SPREAD: Final = 0.04


class Recorded(NamedTuple):
    """Medians.

    Attributes:
        freeze_ms: To copy the stretch out of the ring, milliseconds.
        encode_ms: To make of the copy the events that travel, as JSON, milliseconds.
        bytes_per_sample: Of that JSON.
    """

    freeze_ms: float
    encode_ms: float
    bytes_per_sample: float


def measure(scans: int = SCANS) -> Recorded:
    """Measures in this process, one thread; the ring has gone round once, so that its stretch is in two pieces."""
    grid = Grid(_CHANNELS)
    ring, parts = _filled(scans), Parts("bench", _CHANNELS, grid, RATE_HZ, event_bytes=_EVENT_BYTES)
    freezes, encodes, size = [], [], 0
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        frozen = ring.freeze(scans)
        froze = time.perf_counter()
        size = sum(len(encode_event(part)) for part in parts.of(frozen, "bench"))
        encodes.append(time.perf_counter() - froze)
        freezes.append(froze - began)
    return Recorded(
        freeze_ms=round(statistics.median(freezes) * 1000, 3),
        encode_ms=round(statistics.median(encodes) * 1000, 2),
        bytes_per_sample=round(size / scans / len(_CHANNELS), 2),
    )


def _filled(scans: int) -> Ring:
    ring, source = Ring(scans, len(_CHANNELS)), np.random.default_rng(11)
    rows = np.round(source.normal(20.0, _SPREAD, (scans + scans // 3, len(_CHANNELS))), 3)
    step_ns = round(1e9 / RATE_HZ)
    for at, row in enumerate(rows):
        ring.push(Moment(at, at * step_ns), row)
    return ring
