"""Whatever sensors give: nothing crashes, memory stays bounded, and what is dropped is counted and told in Health.

A line of the product (sampler, queue, condenser) on a simulated clock, with a sensor that misbehaves.
"""

import json
import math
import threading
import tracemalloc
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.codec import decode_event, encode_event
from contract.health import Health
from contract.readings import Context, Summary
from device_agent.clock import SimulatedClock, SystemClock
from device_agent.condenser import Surroundings
from device_agent.config import ContextConfig, FilterConfig, GatewayConfig
from device_agent.filters.models import ConfiguredModel
from device_agent.health import Gatherer, SpoolView
from device_agent.identity import Identity
from device_agent.line import SensorLine
from device_agent.sampling.queue import CAPACITY_S
from device_agent.sampling.sampler import Sampler
from device_agent.sensing import Parts, Sensing
from device_agent.sensors.chips.crc8 import sensirion
from device_agent.sensors.chips.sht import FAMILIES, decode
from device_agent.sensors.drivers import HostSensor
from device_agent.sensors.modbus_registers import Register
from device_agent.sensors.mqtt_topics import Topic
from device_agent.sensors.port import Block, Description, EndOfRecordingError, Reading, SensorConfig
from device_agent.sensors.rates import Missing
from device_agent.sensors.replay import ReplaySensor
from device_agent.spool.memory import MemorySpool
from tests.device_agent.sampling.simulated import CHANNELS, good, simulated

EXTREME = (math.nan, math.inf, -math.inf, 1e308, -1e308, 5e-324, 10**400, "12", "", None, [1.0], True, 0.0, 1.0)


class Stage:
    """One line, its events, and the Health that its process would send."""

    def __init__(self, folder, sensor, *, clock=None) -> None:
        self.clock = clock or SimulatedClock()
        self.events: list = []
        config = GatewayConfig(
            gateway="g",
            state_dir=str(folder),
            sensors=[HostSensor(name="unused")],
            filter=FilterConfig(calibration_scans=128),
            context=ContextConfig(continuous_s=5.0),
            summary_s=5.0,
        )
        around = Surroundings(config, Identity("g", "b" * 32), self.clock, self.events.extend, ConfiguredModel(None))
        self.line = SensorLine(sensor, around)
        self._gatherer = Gatherer("g", lambda: [self.line], self.clock, interval_s=60)

    def run(self) -> Health:
        """Everything the sensor has; every event must survive its own journey."""
        stop = threading.Event()
        self.line.sample(stop)
        self.line.condense(stop)
        for event in self.events:
            raw = encode_event(event)
            assert decode_event(raw) == event
            assert_finite(json.loads(raw))
        return self.health()

    def health(self) -> Health:
        health = self._gatherer.health(SpoolView({}, {}))
        assert_finite(json.loads(encode_event(health)))
        return health

    def kept(self) -> int:
        """Readings that summaries tell of."""
        summed = [e for e in self.events if isinstance(e, Summary)]
        return sum(channel.count for summary in summed for channel in summary.channels.values())


def assert_finite(found) -> None:
    """No number that is none: strict JSON has no NaN, and nothing was made up of one."""
    json.dumps(found, allow_nan=False)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(
            st.one_of(st.sampled_from(EXTREME), st.floats(width=64)),
            st.one_of(st.sampled_from(EXTREME), st.floats(width=64)),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_any_value_is_a_reading_or_a_gap_that_is_counted(tmp_path_factory, rows) -> None:
    stage = Stage(tmp_path_factory.mktemp("hostile"), simulated(*(Reading(row, {}) for row in rows)))
    sensor = stage.run().sensors["s"]
    assert sensor.scans == len(rows)
    assert sensor.samples + sensor.gaps == 2 * len(rows)
    unrepresentable = stage.health().counters.get("s.unrepresentable", 0)
    assert stage.kept() == sensor.samples - unrepresentable


@pytest.mark.parametrize("value", ["12", None, [1.0], b"\x00", math.nan, math.inf, -math.inf, 1e308, 10**400])
def test_a_value_that_is_no_measurement_is_a_gap_whose_reason_is_told(tmp_path, value) -> None:
    stage = Stage(tmp_path, simulated(*[good()] * 3, Reading((value, 2.0), {}), good()))
    health = stage.run()
    assert health.sensors["s"].gaps == 1
    assert health.sensors["s"].last_gap.startswith("a: ")
    assert stage.kept() == 9


@pytest.mark.parametrize("values", [(), (1.0,), (1.0, 2.0, 3.0)])
def test_a_reading_of_the_wrong_length_is_a_failure_and_the_sensor_comes_back(tmp_path, values) -> None:
    stage = Stage(tmp_path, simulated(good(), Reading(values, {}), good(), good()))
    health = stage.run()
    assert health.counters["s.failures"] == 1
    assert health.sensors["s"].gaps == 2
    assert f"gave {len(values)} values for 2 channels" in health.sensors["s"].last_gap
    assert health.sensors["s"].state != "failed"


def test_readings_too_large_for_their_resolution_are_counted_and_not_kept(tmp_path) -> None:
    health = Stage(tmp_path, simulated(*[Reading((1.0, 1e300), {})] * 200)).run()
    assert health.counters["s.unrepresentable"] == 200


def test_values_at_both_ends_of_what_is_kept_break_no_event(tmp_path) -> None:
    rows = [Reading(((-1) ** n * 1000.0, (-1) ** n * 1e12), {}) for n in range(400)]
    stage = Stage(tmp_path, simulated(*rows))
    assert stage.run().sensors["s"].samples == 800
    assert any(isinstance(event, Context) for event in stage.events)


def recording(folder, times) -> ReplaySensor:
    path = folder / "odd.csv"
    rows = [f"{time},{20 + n % 3}" for n, time in enumerate(times)]
    path.write_text("\n".join(["timestamp,a", *rows]) + "\n")
    return ReplaySensor(name="s", path=str(path))


def test_duplicate_and_backward_times_neither_end_nor_reorder_a_gateway(tmp_path) -> None:
    times = [*range(100, 130), *[129] * 20, *range(90, 120), 1e12, -1e12, *range(120, 150)]
    stage = Stage(tmp_path, recording(tmp_path, times))
    sensor = stage.run().sensors["s"]
    assert sensor.samples == len(times)
    stamps = [event.monotonic_ms for event in stage.events if isinstance(event, Summary)]
    assert stamps == sorted(stamps)


def test_a_wall_clock_that_jumps_an_hour_and_back_makes_no_gap_and_no_disorder(tmp_path) -> None:
    clock = SimulatedClock()

    def jumping(number):
        def read():
            if number % 40 == 0:
                clock.jump_wall(3600 if number % 80 else -3600)
            return good(float(number % 5))

        return read

    stage = Stage(tmp_path, simulated(*(jumping(number) for number in range(400))), clock=clock)
    sensor = stage.run().sensors["s"]
    assert (sensor.scans, sensor.gaps, sensor.missed) == (400, 0, 0)
    contexts = [event.monotonic_ms for event in stage.events if isinstance(event, Context)]
    assert contexts == sorted(contexts)
    assert stage.kept() == 800


def test_ten_times_the_rate_sheds_what_does_not_fit_and_says_so(tmp_path) -> None:
    offered = 40_960
    stage = Stage(tmp_path, simulated(*[good()] * offered, rate_hz=1000))
    tracemalloc.start()
    try:
        stage.line.sample(threading.Event())  # nobody takes anything meanwhile
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    health = stage.health()
    assert health.sensors["s"].scans == offered
    assert health.sensors["s"].shed == offered - round(CAPACITY_S * 1000)
    assert held < 8 * 2**20
    stage.line.condense(threading.Event())
    assert stage.kept() == 2 * round(CAPACITY_S * 1000)


def test_a_long_run_of_garbage_holds_no_more_memory_than_a_short_one(tmp_path) -> None:
    stage, held, stop = Stage(tmp_path, simulated(good())), list[int](), threading.Event()

    def rubbish():
        for number in range(6000):
            if number % 2000 == 1999:
                stage.events.clear()  # what was accepted is the spool's
                held.append(tracemalloc.get_traced_memory()[0])
            yield Reading((EXTREME[number % len(EXTREME)], EXTREME[number // 7 % len(EXTREME)]), {})

    class Straight:
        def put(self, scan) -> bool:
            stage.line.condenser.take([scan])
            return True

        def close(self) -> None:
            stop.set()

    sensor = msgspec.structs.replace(simulated(), steps=rubbish())
    tracemalloc.start()
    try:
        Sampler(sensor, stage.clock, Straight()).run(stop)
    finally:
        tracemalloc.stop()
    assert stop.is_set()
    assert len(held) == 3
    assert held[-1] < held[0] + 256 * 1024


class Blocks(SensorConfig, frozen=True, kw_only=True, tag="blocks"):
    """Gives its blocks one by one, over re-openings, and then no more."""

    blocks: Any = None

    def describe(self) -> Description:
        return Description(CHANNELS, 1000.0, in_blocks=True)

    def open(self):
        return OpenBlocks(self.blocks)


class OpenBlocks:
    channels = CHANNELS

    def __init__(self, blocks) -> None:
        self._blocks = blocks

    def read_block(self) -> Block:
        block = next(self._blocks, None)
        if block is None:
            raise EndOfRecordingError
        return block

    def close(self) -> None:
        pass


def in_blocks(*blocks: Block) -> Blocks:
    return Blocks(name="s", blocks=iter(blocks))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e308, -1e308])
def test_rubbish_in_a_block_is_a_gap_and_its_neighbours_are_kept(tmp_path, value) -> None:
    values = np.ones((50, 2))
    values[20, 0] = value
    stage = Stage(tmp_path, in_blocks(*[Block(values, -50_000_000)] * 4))
    sensor = stage.run().sensors["s"]
    assert sensor.samples + sensor.gaps == 2 * sensor.scans
    assert sensor.gaps >= 4
    assert stage.kept() == sensor.samples


@pytest.mark.parametrize("shape", [(50, 1), (50, 3), (50,), (0, 0)])
def test_a_block_of_the_wrong_shape_is_a_failure_and_the_sensor_comes_back(tmp_path, shape) -> None:
    good_block = Block(np.ones((50, 2)), -50_000_000)
    stage = Stage(tmp_path, in_blocks(good_block, Block(np.ones(shape), 0), good_block, good_block))
    health = stage.run()
    assert health.counters["s.failures"] == 1
    assert health.sensors["s"].samples >= 200


def test_a_bus_that_hangs_delays_no_other_sensor_and_is_told(tmp_path) -> None:
    released = threading.Event()

    def hang():
        released.wait(20)
        return good()

    hanging = simulated(good(), hang, rate_hz=50)
    quick = simulated(*[good()] * 100_000, rate_hz=50)
    clock = SystemClock()
    stages = [Stage(tmp_path / name, sensor, clock=clock) for name, sensor in (("h", hanging), ("q", quick))]
    stop = threading.Event()
    threads = [threading.Thread(target=stage.line.sample, args=(stop,)) for stage in stages]
    threads += [threading.Thread(target=stage.line.condense, args=(stop,)) for stage in stages]
    for thread in threads:
        thread.start()
    waiting = threading.Event()
    for _ in range(100):
        if stages[0].health().sensors["s"].state == "failed":
            break
        waiting.wait(0.1)
    hung, fine = (stage.health().sensors["s"] for stage in stages)
    stop.set()
    released.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert hung.state == "failed"
    assert hung.missed >= 80
    assert fine.state != "failed"
    assert fine.missed + fine.late <= fine.scans // 5
    assert fine.scans >= 80


@given(st.binary(min_size=4, max_size=4), st.sampled_from(sorted(FAMILIES)))
def test_garbage_with_a_right_checksum_is_a_number_in_the_chips_own_range(words, family) -> None:
    answer = b"".join(words[at : at + 2] + bytes([sensirion(words[at : at + 2])]) for at in (0, 2))
    celsius, percent = decode(answer, FAMILIES[family])
    assert -45 <= celsius <= 130
    assert isinstance(percent, Missing) or 0 <= percent <= 100


@given(
    st.sampled_from(["int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]),
    st.lists(st.integers(0, 0xFFFF), min_size=4, max_size=4),
    st.floats(-1e12, 1e12).filter(bool),
)
def test_any_registers_are_a_finite_number_or_missing_with_a_reason(kind, words, scale) -> None:
    register = Register(address=0, type=kind, scale=scale)
    value = register.value(words[: register.width])
    assert value.reason if isinstance(value, Missing) else math.isfinite(value)


@given(st.binary(max_size=200))
def test_any_payload_is_a_finite_number_or_missing_with_a_reason(payload) -> None:
    value = Topic(topic="t").value(payload)
    assert value.reason if isinstance(value, Missing) else math.isfinite(value)


def test_a_whole_process_survives_a_recording_of_nothing_but_rubbish(tmp_path) -> None:
    cells = ["nan", "inf", "-inf", "1e308", "abc", "", "1e999", "0x10", "--", "1,5", "20"]
    rows = [f"{n / 100:.2f},{cells[n % len(cells)]},{n % 7}" for n in range(300)]
    (tmp_path / "odd.csv").write_text("\n".join(["timestamp,a,b", *rows]) + "\n")
    config = GatewayConfig(
        gateway="g",
        state_dir=str(tmp_path / "state"),
        sensors=[ReplaySensor(name="s", path=str(tmp_path / "odd.csv"), columns=("a", "b"))],
        summary_s=0.5,
    )
    (tmp_path / "state").mkdir()
    spool, stop = MemorySpool(), threading.Event()
    sensing = Sensing(config, spool, None, clock=SystemClock(), parts=Parts(end_within_s=10))
    thread = threading.Thread(target=sensing.run, args=(stop, tmp_path / "status.json"))
    thread.start()
    waiting = threading.Event()
    for _ in range(100):
        if sensing_scans(tmp_path)["scans"] >= 300:
            break
        waiting.wait(0.1)
    stop.set()
    thread.join(15)
    assert not thread.is_alive()
    status = json.loads((tmp_path / "status.json").read_text())
    assert status["sensors"]["s"]["gaps"] > 100
    assert "a: " in status["sensors"]["s"]["last_gap"]
    assert spool.pending()["summaries"] > 2


def sensing_scans(folder) -> dict:
    """What the status file says of the sensor; nothing before there is one."""
    path = folder / "status.json"
    return json.loads(path.read_text())["sensors"]["s"] if path.exists() else {"scans": 0}
