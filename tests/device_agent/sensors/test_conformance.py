"""What every driver keeps, over all of them. A driver joins with a module in ``benches/`` that has ``BENCHES``."""

import contextlib
import itertools
import math
import random
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from device_agent.cleaning.cleaner import Cleaner
from device_agent.clock import SimulatedClock, SystemClock
from device_agent.errors import SensorError
from device_agent.sampling.connection import Connection
from device_agent.sampling.retry import Retry
from device_agent.sampling.sampler import Sampler
from device_agent.sensors.drivers import AnySensorConfig
from device_agent.sensors.port import Block, BlockSensor, ChannelOverride, Reading, Scan, Sensor
from tests.device_agent.sensors import benches
from tests.device_agent.sensors.benches.bench import Bench
from tests.device_agent.sensors.sinks import Enough

MODULES = [vars(import_module(f"{benches.__name__}.{found.name}")) for found in iter_modules(benches.__path__)]
BENCHES = {name: make for module in MODULES for name, make in module.get("BENCHES", {}).items()}


def declared(what: str) -> set[str]:
    """Names of benches whose module says so of them."""
    return {name for module in MODULES for name in module.get(what, ())}


NEVER_CUT = declared("NEVER_CUT")
"""Nothing can be cut, or silence is a value like any other."""
WAITS_FOR_NOTHING = NEVER_CUT | declared("WAITS_FOR_NOTHING")
"""Or only the kernel could cut the waiting short; ``sampling`` keeps what hangs from the others."""
TRIES = 3
"""A late answer of before may meet the first reading after an outage: a serial line does not tell them apart."""
NO_BYTES = NEVER_CUT | declared("NO_BYTES")
"""What is read there are no bytes of a device, or they are the converter's whole range."""


@pytest.fixture(params=BENCHES)
def bench(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with BENCHES[request.param](tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture(params=[name for name in BENCHES if name not in NEVER_CUT])
def cuttable(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with BENCHES[request.param](tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture(params=[name for name in BENCHES if name not in WAITS_FOR_NOTHING])
def hanging(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with BENCHES[request.param](tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture(params=[name for name in BENCHES if name not in NO_BYTES])
def garbled(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with BENCHES[request.param](tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture(params=[name for name in BENCHES if name in declared("IN_BLOCKS")])
def blocky(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    with BENCHES[request.param](tmp_path, monkeypatch) as made:
        yield made


def failure(sensor: Sensor) -> str:
    """Why nothing is read; empty while all is well."""
    try:
        reading = sensor.read()
    except SensorError as exc:
        return str(exc)
    return next(iter(reading.gaps.values()), "")


def test_every_driver_has_a_bench(tmp_path: Path) -> None:
    with_bench = set()
    for make in BENCHES.values():
        with pytest.MonkeyPatch.context() as patch, make(tmp_path, patch) as made:
            with_bench.add(type(made.config))
    assert with_bench == set(AnySensorConfig.__args__)


def test_an_open_sensor_has_the_channels_it_was_described_with(bench: Bench) -> None:
    sensor = bench.config.open()
    assert sensor.channels == bench.config.describe().channels
    assert len({channel.name for channel in sensor.channels}) == len(sensor.channels) > 0
    sensor.close()


def test_every_channel_has_either_a_finite_value_or_a_gap_with_a_reason(bench: Bench) -> None:
    sensor = bench.config.open()
    for _ in range(5):
        check(sensor, sensor.read())
    sensor.close()


def check(sensor: Sensor, reading: Reading) -> None:
    for channel, value in zip(sensor.channels, reading.values, strict=True):
        assert math.isfinite(value) != (channel.name in reading.gaps)
    assert all(reading.gaps.values())
    assert reading.gaps.keys() <= {channel.name for channel in sensor.channels}


def test_what_works_is_within_the_range_of_its_channel(bench: Bench) -> None:
    sensor = bench.config.open()
    sensor.read()
    for channel, value in zip(sensor.channels, sensor.read().values, strict=True):
        assert not value < (-math.inf if channel.low is None else channel.low)
        assert not value > (math.inf if channel.high is None else channel.high)
    sensor.close()


def test_every_channel_has_a_resolution_and_no_negative_floor(bench: Bench) -> None:
    for channel in bench.config.describe().channels:
        assert channel.resolution > 0
        assert channel.floor >= 0


def test_closing_twice_does_nothing_and_a_closed_sensor_cannot_be_read(bench: Bench) -> None:
    sensor = bench.config.open()
    sensor.close()
    sensor.close()
    with pytest.raises(SensorError):
        sensor.read()
    with pytest.raises(SensorError):
        sensor.read()


def test_a_sensor_can_be_opened_again(bench: Bench) -> None:
    bench.config.open().close()
    sensor = bench.config.open()
    sensor.read()
    sensor.close()


def test_hardware_that_stops_answering_is_a_reason_and_never_a_number(cuttable: Bench) -> None:
    sensor = cuttable.config.open()
    assert not failure(sensor)
    cuttable.cut()
    assert failure(sensor)
    sensor.close()


def test_a_sensor_that_failed_is_closed_and_opened_again_and_reads(cuttable: Bench) -> None:
    sensor = cuttable.config.open()
    cuttable.cut()
    assert failure(sensor)
    sensor.close()
    cuttable.mend()
    assert "" in [failure_of_another(cuttable) for _ in range(TRIES)]


def failure_of_another(bench: Bench) -> str:
    sensor = bench.config.open()
    try:
        return failure(sensor)
    finally:
        sensor.close()


def test_a_sampled_sensor_that_is_cut_and_mended_gives_gaps_between_values(cuttable: Bench) -> None:
    channels = cuttable.config.describe().channels
    connection = Connection(cuttable.config, channels, Retry(lambda: 0.5))
    times = itertools.count(0, 60_000_000_000)
    assert not connection.read(next(times)).gaps
    cuttable.cut()
    assert all(connection.read(next(times)).gaps for _ in range(2))
    cuttable.mend()
    assert not all(connection.read(next(times)).gaps for _ in range(TRIES))
    connection.close()


def test_opening_what_does_not_answer_leaks_no_file(cuttable: Bench) -> None:
    before = open_files()
    cuttable.cut()
    for _ in range(3):
        with contextlib.suppress(SensorError):
            cuttable.config.open().close()
    deadline = time.monotonic() + 2
    while open_files() > before and time.monotonic() < deadline:  # the peer's end of a connection is also ours here
        time.sleep(0.01)
    assert open_files() <= before


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_reading_is_bounded_in_time_while_the_hardware_hangs(hanging: Bench) -> None:
    sensor = hanging.config.open()
    hanging.hang()
    begin = time.monotonic()
    assert failure(sensor)
    assert time.monotonic() - begin < hanging.longest_s
    hanging.mend()
    sensor.close()


def test_nonsense_with_a_right_checksum_never_leaves_the_range_of_its_channel(garbled: Bench) -> None:
    cleaner = Cleaner(garbled.config.describe().channels)
    any_bits = random.Random(1)  # noqa: S311 - nonsense, the same every time
    sensor = garbled.config.open()
    for seq in range(25):
        garbled.garble(any_bits)
        with contextlib.suppress(SensorError):
            reading = sensor.read()
            scan = cleaner.clean(Scan(seq, 0, 0, reading.values, reading.gaps))
            check(sensor, Reading(scan.values, scan.gaps))
            for channel, value in zip(sensor.channels, scan.values, strict=True):
                assert channel.name in scan.gaps or channel.low <= value <= channel.high
    sensor.close()


def test_a_block_has_a_row_a_scan_and_says_what_is_missing_before_it(bench: Bench) -> None:
    sensor = bench.config.open()
    if isinstance(sensor, BlockSensor):
        block = sensor.read_block()
        assert block.values.ndim == 2
        assert block.values.shape[1] == len(sensor.channels)
        assert bool(block.gap) == (block.lost > 0)
        sensor.close()
        with pytest.raises(SensorError):
            sensor.read_block()
    sensor.close()


def test_scans_are_in_the_order_of_their_times(bench: Bench) -> None:
    stop = threading.Event()
    scans = Enough(stop, 5, bench.config.describe().channels)
    Sampler(bench.config, SimulatedClock(), scans).run(stop)
    times = [(scan.seq, scan.monotonic_ns, scan.wall_ms) for scan in scans.taken]
    assert len(times) >= 5
    assert times == sorted(times)
    assert len({scan.monotonic_ns for scan in scans.taken}) == len(times)
    assert bool(scans.blocks) == bench.config.describe().in_blocks


def test_what_keeps_its_own_pace_is_sampled_in_blocks_with_a_number_and_a_time_each(blocky: Bench) -> None:
    stop, clock = threading.Event(), SystemClock()
    scans = Enough(stop, 20, blocky.config.describe().channels)
    began_ns = clock.monotonic_ns()
    sampler = Sampler(blocky.config, clock, scans)
    sampler.run(stop)
    interval_ns = 1e9 / sampler.rate_hz
    assert [scan.seq for scan in scans.taken] == list(range(len(scans.taken)))
    for block in scans.blocks:
        assert block.values.shape == (block.scans, len(sampler.channels))
        assert np.diff(block.monotonic_ns) == pytest.approx(interval_ns, abs=1)
    assert scans.taken[0].monotonic_ns > began_ns - 2 * interval_ns
    assert scans.taken[-1].monotonic_ns <= clock.monotonic_ns() + interval_ns / 2
    assert sampler.counters.scans == len(scans.taken)
    assert sampler.counters.samples + sampler.counters.gaps == len(scans.taken) * len(sampler.channels)


def test_a_block_sensor_that_is_cut_and_mended_says_why_and_gives_blocks_again(blocky: Bench) -> None:
    connection = Connection(blocky.config, blocky.config.describe().channels, Retry(lambda: 0.0))
    assert isinstance(await_block(connection, Block), Block)
    blocky.cut()
    gap = await_block(connection, Reading)
    assert set(gap.gaps) == {channel.name for channel in blocky.config.describe().channels}
    assert all(gap.gaps.values())
    blocky.mend()
    assert len(await_block(connection, Block).values)
    connection.close()


def await_block(connection: Connection, kind: type[Block | Reading]) -> Block | Reading:
    """The first of a kind that holds something."""
    for now_ns in range(0, 10**15, 10**12):
        taken = connection.read_block(now_ns)
        if isinstance(taken, kind) and (isinstance(taken, Reading) or len(taken.values)):
            return taken
        time.sleep(0.02)
    raise AssertionError(f"no {kind.__name__} came")


def test_nonsense_in_a_block_never_leaves_the_range_of_its_channel(blocky: Bench) -> None:
    channels, any_bits = blocky.config.describe().channels, random.Random(1)  # noqa: S311 - the same every time
    blocky.garble(any_bits)
    stop = threading.Event()
    scans = Enough(stop, 30, channels)
    Sampler(blocky.config, SystemClock(), scans).run(stop)
    for scan in scans.taken:
        for channel, value in zip(channels, scan.values, strict=True):
            assert (channel.low <= value <= channel.high) != (channel.name in scan.gaps)


def test_an_operator_may_override_a_channel_of_any_driver(bench: Bench) -> None:
    name = bench.config.describe().channels[0].name
    changed = replace(bench.config, channels={name: ChannelOverride(floor=7.0)})
    assert changed.describe().channels[0].floor == 7.0
    sensor = changed.open()
    assert sensor.channels[0].floor == 7.0
    sensor.close()


def test_a_configuration_survives_being_written_and_read_again(bench: Bench) -> None:
    assert msgspec.json.decode(msgspec.json.encode(bench.config), type=AnySensorConfig) == bench.config


def test_a_key_that_no_driver_knows_is_refused(bench: Bench) -> None:
    document = {**msgspec.to_builtins(bench.config), "chanel": 1}
    with pytest.raises(msgspec.ValidationError, match="chanel"):
        msgspec.convert(document, AnySensorConfig)
