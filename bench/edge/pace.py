"""How late scans are at 100 Hz, and whether they drift from their plan.

A whole sensing process with the model scoring; its clock notes each deadline and when it came (``bench.edge.noting``).
Deadlines are absolute, so a drift shows at once or never; the section scales it from the hundred seconds it has. The
ten minutes themselves:
```
python -m bench.edge.pace [--seconds 600] [--json]
```
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from bench.edge.scenery import Scenery, hold
from bench.station import Station
from device_agent.config import FilterConfig, GatewayConfig
from twin.errors import TwinError

RATE_HZ: Final = 100.0
MOST_LATE_MS: Final = 1.0
MOST_DRIFT_MS: Final = 1.0
"""Less cannot be told from jitter."""

_TEN_MINUTES_S: Final = 600.0
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
        drift_ms=round(gained_ns / 1e6 / apart_s * _TEN_MINUTES_S, 3),
        scans=len(rows),
    )


def main(arguments: list[str] | None = None) -> int:
    """Measures for as long as is asked, with nothing beside it; ends with 1 where a promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m bench.edge.pace")
    parser.add_argument("--seconds", type=float, default=_TEN_MINUTES_S)
    parser.add_argument("--json", action="store_true", help="one object on the last line")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="thresher-pace-") as folder, Scenery(Path(folder)) as scenery:
        station, notes = start(scenery)
        hold(options.seconds, station)
        station.stop("run")
        found = read(notes)
    told = {**found._asdict(), "seconds": options.seconds}
    print(msgspec.json.encode(told).decode() if options.json else told)
    return int(found.lateness_p99_ms > MOST_LATE_MS or abs(found.drift_ms) > MOST_DRIFT_MS)


if __name__ == "__main__":
    sys.exit(main())
