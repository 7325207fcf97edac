"""An eight-channel machine that does not exist: seeded noise about steady levels, and now and then a fault.

Each hour is made from the seed and its own number alone, so any hour can be made without those before it. Values
are rounded to their channel's resolution, as a converter's are.
Not here: pushing it through a gateway (``bench.feeder``), playing it in real time (``device_agent.sensors.replay``).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from device_agent.sensors.port import Channel
from device_agent.sensors.recording_layout import METADATA_PREFIX, TIMESTAMP_COLUMN, Metadata

Scans = np.ndarray[Any, np.dtype[np.float64]]
"""Rows are scans, columns are channels in the order of ``CHANNELS``."""

RATE_HZ: Final = 10.0
SAMPLES_PER_S: Final = 80.0
SENSOR: Final = "plant"
CHANNELS: Final = (
    Channel(name="bearing_celsius", unit="°C", resolution=0.01),
    Channel(name="vibration_mm_s", unit="mm/s", resolution=0.001),
    Channel(name="pressure_bar", unit="bar", resolution=0.001),
    Channel(name="flow_l_min", unit="l/min", resolution=0.01),
    Channel(name="current_a", unit="A", resolution=0.001),
    Channel(name="voltage_v", unit="V", resolution=0.1),
    Channel(name="speed_rpm", unit="1/min", resolution=0.1),
    Channel(name="humidity_percent", unit="%", resolution=0.1),
)
_LEVEL: Final = np.array([45.0, 2.5, 6.0, 30.0, 4.0, 230.0, 1480.0, 40.0])
_SPREAD: Final = np.array([0.3, 0.2, 0.05, 0.8, 0.15, 0.8, 3.0, 0.6])
_RESOLUTION: Final = np.array([channel.resolution for channel in CHANNELS])
_HOUR_SCANS: Final = round(3600 * RATE_HZ)
_FAULT_SIGMA: Final = 9.0


class Fault(NamedTuple):
    """Two neighbouring channels leave their level.

    Attributes:
        begin_s: Seconds after the beginning.
        seconds: How long.
        channel: Column of the first of the two.
    """

    begin_s: float
    seconds: float
    channel: int


class Plant:
    """The machine.

    Args:
        seed: The same seed is the same machine.
        faults_per_hour: On average; each lasts 20 to 60 s and none comes in an hour's first ten minutes.
    """

    def __init__(self, seed: int = 1, *, faults_per_hour: float = 0.5) -> None:
        self._seed, self._faults_per_hour = seed, faults_per_hour

    def hour(self, number: int) -> Scans:
        """One hour of scans; hours count from 0."""
        source = np.random.default_rng([self._seed, number])
        count = int(source.poisson(self._faults_per_hour))
        begins, lengths = source.uniform(600, 3500, count), source.uniform(20, 60, count)
        columns = source.integers(0, len(CHANNELS), count)
        faults = [Fault(*each) for each in zip(begins.tolist(), lengths.tolist(), columns.tolist(), strict=True)]
        return _scans(source, _HOUR_SCANS, faults)

    def hours(self, count: int) -> Iterator[Scans]:
        """The first hours, one after the other."""
        return (self.hour(number) for number in range(count))


def write_recording(path: Path, seconds: float, *, seed: int = 1, fault: Fault | None = None) -> None:
    """Writes a stretch of it as a recording that a ``replay`` sensor plays, with at most one fault in it."""
    scans = _scans(np.random.default_rng(seed), round(seconds * RATE_HZ), [fault] if fault else [])
    metadata = msgspec.json.encode(Metadata(sensor=SENSOR, rate_hz=RATE_HZ, channels=list(CHANNELS))).decode()
    header = ",".join([TIMESTAMP_COLUMN, *(channel.name for channel in CHANNELS)])
    rows = (",".join(f"{value:.3f}" for value in [at / RATE_HZ, *row]) for at, row in enumerate(scans.tolist()))
    path.write_text("\n".join([f"{METADATA_PREFIX}{metadata}", header, *rows]) + "\n", encoding="utf-8")


def _scans(source: np.random.Generator, count: int, faults: list[Fault]) -> Scans:
    noise = source.normal(size=(count, len(CHANNELS)))
    for fault in faults:
        begin = round(fault.begin_s * RATE_HZ)
        columns = [fault.channel, (fault.channel + 1) % len(CHANNELS)]
        noise[begin : begin + round(fault.seconds * RATE_HZ), columns] += _FAULT_SIGMA
    values: Scans = np.round((_LEVEL + noise * _SPREAD) / _RESOLUTION) * _RESOLUTION
    return values
