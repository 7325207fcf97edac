import threading
import time
from pathlib import Path

import numpy as np
import pytest

from device_agent.clock import SystemClock
from device_agent.sampling.blocks import Grid
from device_agent.sampling.queue import ScanQueue
from device_agent.sampling.sampler import Sampler
from device_agent.sensors.gpio import AnalogInput
from device_agent.sensors.port import Block, Channel, Scan, no_reading
from device_agent.sensors.scan_block import singly
from device_agent.sensors.spi import SpiAnalog
from tests.device_agent.sensors.simulated_spi import installed

X = (Channel(name="x"),)
MS = 1_000_000


def block(*values: float, offset_ms: float, lost: int = 0) -> Block:
    return Block(np.array(values, float).reshape(-1, 1), round(offset_ms * MS), "hole" if lost else "", lost)


def take(grid: Grid, taken, now_ms: int) -> list[Scan]:
    return list(grid.take(taken, wall_ms=1_000_000 + now_ms, now_ns=now_ms * MS).singly(X))


def test_the_scans_of_a_block_have_the_times_at_which_they_were_taken() -> None:
    scans = take(Grid(X, 10 * MS), block(1, 2, 3, offset_ms=-30), 100)
    assert [(scan.seq, scan.monotonic_ns // MS, scan.wall_ms - 1_000_000, scan.values[0]) for scan in scans] == [
        (0, 70, 70, 1.0),
        (1, 80, 80, 2.0),
        (2, 90, 90, 3.0),
    ]


def test_what_was_lost_is_missing_in_the_numbers_and_counted() -> None:
    grid = Grid(X, 10 * MS)
    before = take(grid, block(1, offset_ms=-10), 100)
    after = take(grid, block(2, offset_ms=-10, lost=4), 150)
    assert [scan.seq for scan in before + after] == [0, 5]
    assert grid.missed == 4


def test_two_blocks_that_seem_to_overlap_are_not_turned_round() -> None:
    grid = Grid(X, 10 * MS)
    scans = take(grid, block(1, 2, offset_ms=-20), 100) + take(grid, block(3, 4, offset_ms=-60), 100)
    times = [scan.monotonic_ns for scan in scans]
    assert times == sorted(set(times))


def test_a_value_that_is_missing_is_a_gap_of_its_scan() -> None:
    first, second = take(Grid(X, MS), block(np.nan, 2, offset_ms=-2), 100)
    assert first.gaps == {"x": "not measured"}
    assert not second.gaps


def test_a_sensor_that_fails_gives_a_gap_for_each_scan_and_for_a_second_at_most() -> None:
    grid = Grid(X, 10 * MS)
    take(grid, block(1, offset_ms=-10), 100)
    scans = take(grid, no_reading(X, "cut"), 150)
    assert [scan.seq for scan in scans] == [1, 2, 3, 4, 5, 6]
    assert {scan.gaps["x"] for scan in scans} == {"cut"}
    scans = take(grid, no_reading(X, "cut"), 10_150)
    assert len(scans) == 100
    assert scans[-1].seq == 1006
    assert scans[-1].monotonic_ns == 10_150 * MS
    assert grid.missed == 900


def test_a_converter_is_sampled_at_two_thousand_scans_a_second_with_true_times_and_gaps_when_it_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = tmp_path / "spidev0.0"
    bus = installed(device, monkeypatch)
    bus.takes_time = True
    config = SpiAnalog(name="m", device=str(device), rate_hz=2000.0, inputs={"a": AnalogInput(channel=0)})
    queue, stop = ScanQueue(), threading.Event()
    sampler = Sampler(config, SystemClock(), queue)
    thread = threading.Thread(target=sampler.run, args=[stop])
    begin_ns = SystemClock().monotonic_ns()
    thread.start()
    time.sleep(0.7)
    bus.chip.floats_high = True
    time.sleep(0.6)
    stop.set()
    thread.join(5)
    ended_ns = SystemClock().monotonic_ns()
    scans = list(singly(queue.take(0), sampler.channels))
    times = [scan.monotonic_ns for scan in scans]
    assert times == sorted(set(times))
    assert begin_ns <= times[0] <= times[-1] <= ended_ns
    assert [scan.seq for scan in scans] == sorted({scan.seq for scan in scans})
    counted = sampler.counters
    assert counted.scans == len(scans)
    assert counted.scans + counted.missed > 0.5 * 2000
    assert counted.samples > 500
    assert counted.gaps > 200
    assert scans[0].gaps == {}
    assert "no converter answers" in scans[-1].gaps["a"]
