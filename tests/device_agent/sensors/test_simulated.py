import math
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from device_agent.errors import ConfigError, SensorError
from device_agent.identity import monotonic_ns
from device_agent.sensors.simulated import CHUNK_SCANS, Fault, Simulated, SimulatedSensor, process_start_ns
from device_agent.sensors.wave_values import scans_of
from device_agent.sensors.waveforms import Signal

RATE_HZ = 10.0
FLAT = {"a": Signal(wave="constant", mean=5.0), "b": Signal(wave="sawtooth", amplitude=1.0, period_s=10.0)}


class World:
    """A sensor whose time a test sets."""

    def __init__(self, *faults: Fault, signals: dict[str, Signal] | None = None, seed: int = 0) -> None:
        self.config = SimulatedSensor(name="s", rate_hz=RATE_HZ, signals=signals or FLAT, faults=faults, seed=seed)
        self.now_s = 0.0
        self.sensor = self.open()

    def open(self) -> Simulated:
        return Simulated(self.config, lambda: round(self.now_s * 1e9))

    def at(self, now_s: float) -> tuple[float, ...]:
        self.now_s = now_s
        return self.sensor.read().values

    def gaps(self, now_s: float) -> dict[str, str]:
        self.now_s = now_s
        return dict(self.sensor.read().gaps)


@pytest.mark.parametrize(
    ("wave", "quarters"),
    [
        ("sine", [0, 1, 0, -1]),
        ("square", [1, 1, -1, -1]),
        ("triangle", [0, 1, 0, -1]),
        ("sawtooth", [-1, -0.5, 0, 0.5]),
        ("constant", [0, 0, 0, 0]),
    ],
)
def test_every_wave_goes_through_its_quarters(wave: str, quarters: list[float]) -> None:
    signal = Signal(wave=wave, mean=3.0, amplitude=2.0, period_s=0.4)
    values = [row[0] for row in scans_of({"a": signal}, 0, range(8), RATE_HZ)]
    assert values == pytest.approx([3.0 + 2.0 * quarter for quarter in quarters * 2])


def test_the_same_seed_says_the_same_again_from_any_scan_on() -> None:
    noisy = {"a": Signal(noise=1.0), "b": Signal(noise=1.0)}
    world, again = World(signals=noisy, seed=7), World(signals=noisy, seed=7)
    times = [number / RATE_HZ for number in range(3 * CHUNK_SCANS)]
    whole = [world.at(now_s) for now_s in times]
    assert [again.at(now_s) for now_s in reversed(times)] == whole[::-1]
    assert World(signals=noisy, seed=8).at(1.0) != world.at(1.0)
    assert world.at(1.0)[0] != world.at(1.0)[1]


def test_noise_is_normal_and_of_the_spread_asked_for() -> None:
    signal = Signal(wave="constant", noise=2.0)
    values = np.array(scans_of({"a": signal}, 1, range(100_000), RATE_HZ))[:, 0]
    assert abs(values.mean()) < 0.03
    assert values.std() == pytest.approx(2.0, rel=0.01)
    assert np.mean(np.abs(values) < 2.0) == pytest.approx(0.6827, abs=0.005)
    assert abs(np.corrcoef(values[1:], values[:-1])[0, 1]) < 0.01


def test_a_step_lasts_as_long_as_it_says_and_comes_again() -> None:
    world = World(Fault(kind="step", channel="a", at_s=10, for_s=2, every_s=20, size=3))
    assert [world.at(now_s)[0] for now_s in (9.9, 10, 11.9, 12, 29.9, 30, 31.9, 32)] == [5, 8, 8, 5, 5, 8, 8, 5]


def test_a_drift_grows_to_its_size() -> None:
    world = World(Fault(kind="drift", channel="a", at_s=10, for_s=10, size=4))
    assert [world.at(now_s)[0] for now_s in (10, 15, 20)] == [5, 7, 5]


def test_a_spike_is_one_scan() -> None:
    world = World(Fault(kind="spike", channel="a", at_s=1, for_s=5, size=100))
    assert [world.at(number / RATE_HZ)[0] for number in range(9, 13)] == [5, 105, 5, 5]


def test_a_stuck_channel_repeats_what_it_began_with() -> None:
    world = World(Fault(kind="stuck", channel="b", at_s=2, for_s=3))
    began = world.at(2.0)[1]
    assert [world.at(now_s)[1] for now_s in (2.5, 4.9)] == [began, began]
    assert world.at(5.0)[1] > began


def test_a_gap_has_a_reason_and_no_number() -> None:
    world = World(Fault(kind="gap", channel="a", at_s=1))
    assert world.gaps(1.5) == {"a": "simulated: no value"}
    assert math.isnan(world.at(1.5)[0])
    assert world.gaps(2.0) == {}


def test_a_silence_ends_by_the_clock_also_when_the_sensor_is_opened_again() -> None:
    world = World(Fault(kind="silent", at_s=1, for_s=10))
    for now_s in (1, 5, 10.9):
        world.sensor = world.open()
        with pytest.raises(SensorError, match="no answer"):
            world.at(now_s)
    assert world.at(11) == World().at(11)


def test_a_hanging_reading_ends_when_the_sensor_is_closed() -> None:
    world = World(Fault(kind="hang", at_s=0, for_s=1000))
    closing = threading.Timer(0.05, world.sensor.close)
    closing.start()
    began = time.monotonic()
    with pytest.raises(SensorError, match="in time"):
        world.sensor.read()
    assert time.monotonic() - began < 5
    closing.join()


@pytest.mark.parametrize(
    ("fault", "part"),
    [
        (Fault(kind="gap", channel="c", at_s=0), r"faults\[0\]\.channel: unknown `c`"),
        (Fault(kind="hang", channel="a", at_s=0), r"faults\[0\]: hang concerns the whole sensor"),
        (Fault(kind="gap", at_s=0, for_s=5, every_s=5), r"faults\[0\]: comes again before it is over"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused_with_its_place(fault: Fault, part: str) -> None:
    with pytest.raises(ConfigError, match=part):
        SimulatedSensor(name="s", signals=FLAT, faults=(fault,)).describe()


def test_the_process_began_before_now_whatever_its_name_holds(tmp_path: Path) -> None:
    assert 0 < process_start_ns() < monotonic_ns()
    stat = tmp_path / "stat"
    stat.write_text("7 (a) b) (c) S " + " ".join(str(field) for field in range(4, 52)))
    assert process_start_ns(stat) == 22 * 10_000_000
