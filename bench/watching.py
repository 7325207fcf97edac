"""What watching for drift, and trying a candidate, cost beside the filter itself.

The same stages as on a gateway, fed as fast as they take it: eight channels of noise, a window every four scans. CPU
is this thread's own time; three takes, the median. Memory is resident pages before and after a second pipeline, with a
candidate, is opened; proc(5). Figures hold for the machine they were taken on.
"""

import os
import statistics
import time
from typing import Final

import msgspec
import numpy as np

from bench.vitals import look
from device_agent.condense.notes import MemoryNotes
from device_agent.config import DriftConfig, FilterConfig, GatewayConfig, ShadowConfig
from device_agent.filters.model import LevelModel
from device_agent.filters.store import MemoryCalibrations
from device_agent.identity import Identity
from device_agent.pipeline import SensorPipeline
from device_agent.sensor_memory import Memory
from device_agent.sensors.host import HostSensor
from device_agent.sensors.port import Channel, Scan

CHANNELS: Final = 8
RATE_HZ: Final = 10.0
_FIRST: Final = 2_000
_SCANS: Final = 10_000
_TAKES: Final = 3


class Costs(msgspec.Struct, frozen=True, kw_only=True):
    """Microseconds of CPU a scan of eight channels; MiB.

    Attributes:
        alone_us: All stages, without either.
        drift_us: The watch for drift, more.
        shadow_us: A candidate, more.
        shadow_mib: Resident memory of a whole second pipeline and its candidate.
    """

    alone_us: float
    drift_us: float
    shadow_us: float
    shadow_mib: float


def run() -> Costs:
    """Measures all of it in one process."""
    first = _pipeline(drift=False, shadow=False)
    before = look(os.getpid(), 0.0).rss_mib
    tried = _pipeline(drift=False, shadow=True)
    grown = look(os.getpid(), 0.0).rss_mib - before
    alone = _us(first)
    return Costs(
        alone_us=round(alone, 1),
        drift_us=round(_us(_pipeline(drift=True, shadow=False)) - alone, 1),
        shadow_us=round(_us(tried) - alone, 1),
        shadow_mib=round(grown, 1),
    )


def _pipeline(*, drift: bool, shadow: bool) -> SensorPipeline:
    config = GatewayConfig(
        gateway="bench",
        state_dir="unused",
        sensors=[HostSensor(name="bench")],
        filter=FilterConfig(shadow=ShadowConfig() if shadow else None),
        drift=DriftConfig(patience_windows=100 if drift else 0),
    )
    return SensorPipeline(
        "bench",
        tuple(Channel(name=f"channel_{n}") for n in range(CHANNELS)),
        RATE_HZ,
        config,
        Identity("bench", "0" * 32),
        LevelModel.load(None, CHANNELS),
        memory=Memory(MemoryCalibrations(), MemoryNotes()),
        candidate=LevelModel.load(None, CHANNELS) if shadow else None,
    )


def _us(pipeline: SensorPipeline) -> float:
    rows = np.random.default_rng(0).normal(40, 1, (_FIRST + _TAKES * _SCANS, CHANNELS)).tolist()
    scans = [Scan(n, n * 100, n * 100_000_000, tuple(row), {}) for n, row in enumerate(rows)]
    for scan in scans[:_FIRST]:
        pipeline.push(scan)
    return statistics.median(_take(pipeline, scans[first:]) for first in range(_FIRST, len(scans), _SCANS))


def _take(pipeline: SensorPipeline, scans: list[Scan]) -> float:
    before = time.thread_time_ns()
    for scan in scans[:_SCANS]:
        pipeline.push(scan)
    return (time.thread_time_ns() - before) / _SCANS / 1000
