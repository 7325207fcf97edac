"""How late scans are at 100 Hz, and whether they drift from their plan.

A whole sensing process with the model scoring; its clock notes each deadline and when it came (``bench.edge.noting``).
Deadlines are absolute, so a drift shows at once or never; the section scales it from the hundred seconds it has.
Not here: the ten minutes themselves (``bench.edge.drift``).
"""

from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from bench.edge.scenery import Scenery
from bench.station import Station
from device_agent.config import FilterConfig, GatewayConfig
from twin.errors import TwinError

RATE_HZ: Final = 100.0
MOST_LATE_MS: Final = 1.0
MOST_DRIFT_MS: Final = 1.0
"""Less cannot be told from jitter."""

TEN_MINUTES_S: Final = 600.0
_LEAST: Final = 500
_WARM: Final = 200

Notes = np.ndarray[Any, np.dtype[np.int64]]


class Pace(NamedTuple):
    """Figures.

    Attributes:
        lateness_p50_ms: From a scan's deadline to when it was begun, median.
        lateness_p99_ms: 99th percentile.
        drift_ms: How much further than at the beginning scans would be from an even pace after ten minutes.
        scans: Measured.
    """

    lateness_p50_ms: float
    lateness_p99_ms: float
    drift_ms: float
    scans: int


def start(scenery: Scenery) -> tuple[Station, Path]:
    """A gateway that senses at 100 Hz, and where its notes will be once it is stopped."""
    config = GatewayConfig(
        gateway="pace",
        state_dir=str(scenery.folder / "pace" / "state"),
        sensors=[scenery.noise("noise", RATE_HZ)],
        filter=FilterConfig(calibration_scans=128, seasonality=False),
    )
    station = scenery.gateway(config, program="bench.edge.noting")
    notes = scenery.folder / "pace.notes"
    station.start("run", "--notes", str(notes))
    return station, notes


def read(notes: Path) -> Pace:
    """What the notes of an ended process say; raises ``TwinError`` where there are too few."""
    rows = np.loadtxt(notes, dtype=np.int64, ndmin=2)
    if len(rows) < _LEAST:
        raise TwinError(f"{len(rows)} scans at {RATE_HZ:g} Hz", remedy="measure for longer")
    return pace_of(rows[_WARM:-1])


def pace_of(rows: Notes) -> Pace:
    """Figures of deadlines and arrivals, nanoseconds, of one sensor at 100 Hz."""
    step_ns = 1e9 / RATE_HZ
    late = rows[:, 1] - rows[:, 0]
    number = np.rint((rows[:, 0] - rows[0, 0]) / step_ns)
    off = rows[:, 1] - (rows[0, 0] + number * step_ns)
    tenth = max(1, len(rows) // 10)
    gained_ns = float(np.median(off[-tenth:]) - np.median(off[:tenth]))
    apart_s = float(number[-1] * 0.9) / RATE_HZ
    return Pace(
        lateness_p50_ms=round(float(np.percentile(late, 50)) / 1e6, 3),
        lateness_p99_ms=round(float(np.percentile(late, 99)) / 1e6, 3),
        drift_ms=round(gained_ns / 1e6 / apart_s * TEN_MINUTES_S, 3),
        scans=len(rows),
    )
