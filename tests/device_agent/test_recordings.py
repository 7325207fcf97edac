"""The shipped recordings hold a real fault each; the filter finds it, and nothing else."""

import csv
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from contract.events import Episode
from device_agent.condense.notes import MemoryNotes
from device_agent.config import FilterConfig, GatewayConfig
from device_agent.filters.model import LevelModel
from device_agent.filters.store import MemoryCalibrations
from device_agent.identity import Identity
from device_agent.pipeline import SensorPipeline
from device_agent.sensor_memory import Memory
from device_agent.sensors.port import Scan
from device_agent.sensors.recording import Recording
from device_agent.sensors.replay import ReplaySensor

RECORDINGS = Path(__file__).resolve().parents[2] / "twin" / "recordings"
TOP_CHANNEL = {
    "cpu_burn": "cpu_percent",
    "disk_storm": "disk_write_bytes_per_s",
    "memory_leak": "memory_percent",
}
TO_CLOSE_MS = 20_000


class _Fault(NamedTuple):
    start_ms: int
    end_ms: int


def _fault(name: str) -> _Fault:
    with (RECORDINGS / f"{name}.labels.csv").open(encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    return _Fault(*(round(datetime.fromisoformat(row[key]).timestamp() * 1000) for key in ("start", "end")))


def _scans(recording: Recording) -> Iterator[Scan]:
    first_ms: int | None = None
    for seq, row in enumerate(recording.rows()):
        assert row.time_s is not None
        wall_ms = round(row.time_s * 1000)
        first_ms = wall_ms if first_ms is None else first_ms
        yield Scan(seq, wall_ms, (wall_ms - first_ms) * 1_000_000, row.reading.values, row.reading.gaps)


def _episodes(name: str, rate_hz: float = 10.0) -> list[Episode]:
    path = RECORDINGS / f"{name}.csv"
    recording = Recording(path)
    channels = recording.layout.channels
    sensor = ReplaySensor(name="host", path=str(path))
    config = GatewayConfig(
        gateway="gw", state_dir="unused", sensors=[sensor], filter=FilterConfig(calibration_scans=300)
    )
    memory = Memory(MemoryCalibrations(), MemoryNotes())
    model = LevelModel.load(None, len(channels))
    pipeline = SensorPipeline("host", channels, rate_hz, config, Identity("gw", "b" * 32), model, memory=memory)
    events = [event for scan in _scans(recording) for event in pipeline.push(scan)]
    return [event for event in events if isinstance(event, Episode)]


@pytest.mark.parametrize(
    "name",
    ["disk_storm", "cpu_burn", "memory_leak"],
)
def test_the_fault_is_one_episode_and_there_is_no_other(name: str) -> None:
    fault, episodes = _fault(name), _episodes(name)
    assert [event.phase for event in episodes if event.phase != "updated"] == ["opened", "closed"]
    assert fault.start_ms <= episodes[0].wall_ms <= fault.end_ms
    assert fault.end_ms <= episodes[-1].wall_ms <= fault.end_ms + TO_CLOSE_MS
    assert episodes[-1].top_channel == TOP_CHANNEL[name]


@pytest.mark.parametrize("name", ["disk_storm", "cpu_burn", "memory_leak"])
def test_a_recording_that_is_played_eight_times_as_fast_gives_the_same_episodes(name: str) -> None:
    fast, slow = (
        [(event.phase, event.wall_ms) for event in _episodes(name, rate_hz) if event.phase != "updated"]
        for rate_hz in (80.0, 10.0)
    )
    assert fast == slow
