"""The feeder fills a real spool as a gateway would have, only faster."""

from pathlib import Path

import numpy as np
import pytest

from bench.feeder import BOOT_ID, Feeder
from bench.plant import CHANNELS, RATE_HZ, Fault, Plant, write_recording
from device_agent.config import GatewayConfig
from device_agent.ledger import Ledger
from device_agent.sensors.drivers import ReplaySensor
from device_agent.spool.sqlite import SqliteSpool
from twin.evidence import read_ledger

END_MS = 1_700_000_000_000


def config(folder: Path) -> GatewayConfig:
    return GatewayConfig(gateway="gw", state_dir=str(folder), sensors=[ReplaySensor(name="plant", path="none.csv")])


def test_an_hour_leaves_what_an_hour_would_have_left(tmp_path: Path) -> None:
    spool = SqliteSpool(tmp_path / "spool.sqlite3")
    ledger = Ledger(tmp_path / "ledger.jsonl")
    fed = Feeder(config(tmp_path), spool, end_wall_ms=END_MS, plant=Plant(faults_per_hour=0), ledger=ledger).feed(1)
    assert fed.scans == 36_000
    assert fed.events == {"events": 60, "summaries": 60}
    entries = read_ledger(tmp_path / "ledger.jsonl")
    assert len(entries) == sum(spool.pending().values()) == 120
    assert max(entry.sample_wall_ms for entry in entries) <= END_MS
    assert min(entry.sample_wall_ms for entry in entries) >= END_MS - 3_600_000
    block = spool.take("summaries", after=0, partial=True)
    assert block is not None
    assert block.boot_id == BOOT_ID
    spool.close()
    ledger.close()


def test_a_fault_of_the_plant_becomes_an_episode_with_its_context(tmp_path: Path) -> None:
    spool = SqliteSpool(tmp_path / "spool.sqlite3")
    fed = Feeder(config(tmp_path), spool, end_wall_ms=END_MS, plant=Plant(faults_per_hour=3)).feed(1)
    spool.close()
    assert fed.events["events"] >= 60 + 2
    assert fed.events["context"] >= 1


def test_an_hour_is_the_same_whatever_came_before() -> None:
    plant = Plant(seed=4, faults_per_hour=2)
    assert np.array_equal(plant.hour(7), list(plant.hours(8))[7])
    assert not np.array_equal(plant.hour(7), plant.hour(6))


def test_a_recording_of_the_plant_is_paced_and_holds_its_fault(tmp_path: Path) -> None:
    path = tmp_path / "plant.csv"
    write_recording(path, 60, fault=Fault(begin_s=30, seconds=10, channel=0))
    sensor = ReplaySensor(name="plant", path=str(path))
    description = sensor.describe()
    assert description.rate_hz == RATE_HZ
    assert description.channels == CHANNELS
    replay = sensor.open()
    first = [replay.read().values[0] for _ in range(600)]
    replay.close()
    assert np.mean(first[300:400]) - np.mean(first[:300]) == pytest.approx(9 * 0.3, abs=0.1)
