import errno
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from device_agent.errors import ConfigError, SensorError
from device_agent.sensors.gpio import AnalogInput
from device_agent.sensors.port import Block
from device_agent.sensors.spi import SpiAnalog
from device_agent.sensors.spi_blocks import KEPT_S, Collector
from device_agent.sensors.spi_bus import MOST_TRANSFERS
from device_agent.sensors.spi_converter import SpiConverter
from device_agent.sensors.spi_pacing import Pacing
from tests.device_agent.sensors.simulated_spi import BUFFER_BYTES, SimulatedSpi, installed

EIGHT = {f"a{channel}": AnalogInput(channel=channel, scale=8) for channel in range(8)}


def gathered(sensor: SpiConverter) -> Block:
    """The first block that is not empty."""
    deadline = time.monotonic() + 5
    while not len((block := sensor.read_block()).values) and time.monotonic() < deadline:
        time.sleep(0.005)
    return block


def take_all(take: Callable[[], object]) -> None:
    for _ in range(100):
        take()


@pytest.fixture
def device(tmp_path: Path) -> Path:
    return tmp_path / "spidev0.0"


def config(device: Path, **keys) -> SpiAnalog:
    return SpiAnalog(name="motor", device=str(device), **{"inputs": EIGHT, "rate_hz": 1000.0, **keys})


@pytest.mark.parametrize(("chip", "bits"), [("mcp3008", 10), ("mcp3208", 12)])
def test_every_input_has_the_code_that_its_converter_clocked_out(
    device: Path, monkeypatch: pytest.MonkeyPatch, chip: str, bits: int
) -> None:
    bus = installed(device, monkeypatch, bits)
    sensor = config(device, chip=chip).open()
    bus.chip.level = lambda channel: channel / 8
    assert sensor.read().values == tuple(float(channel) for channel in range(8))
    assert bus.chip.asked == list(range(8))
    bus.chip.level = lambda _channel: 1.0
    assert sensor.read().values == (8 - 8 / 2**bits,) * 8
    assert bus.mode == 0
    sensor.close()


def test_a_block_is_one_call_with_a_pause_after_each_scan_but_the_last(
    device: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = installed(device, monkeypatch)
    sensor = config(device, inputs={name: EIGHT[name] for name in ("a0", "a1")}).open()
    scans = iter(range(4096))
    bus.chip.level = lambda channel: (next(scans) if channel == 0 else 0) / 4096
    block = gathered(sensor)
    assert block.values.shape == (100, 2)
    assert block.values[:, 0].tolist() == [8 * scan / 4096 for scan in range(100)]
    assert not block.gap
    assert -5e9 < block.offset_ns < 0
    assert block.lost == 0
    delays, *_ = bus.delays_us
    assert set(delays[0::2]) == {0}
    assert len(set(delays[1:-1:2])) == 1
    assert delays[1] > 800
    assert delays[-1] == 0
    sensor.close()


def test_a_block_of_the_highest_rate_fits_into_the_kernel_s_call(device: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bus = installed(device, monkeypatch)
    sensor = config(device, rate_hz=3200.0, speed_hz=2_000_000).open()
    block = gathered(sensor)
    sensor.close()
    assert len(block.values) == 63 * (len(block.values) // 63) > 0
    assert BUFFER_BYTES >= 3 * 8 * 63
    assert {len(delays) for delays in bus.delays_us} == {8 * 63}
    assert MOST_TRANSFERS >= 8 * 63


def test_blocks_keep_their_rate_whatever_a_transfer_costs(device: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bus = installed(device, monkeypatch)
    sensor = config(device, inputs={"a0": EIGHT["a0"]}, rate_hz=500.0).open()
    bus.takes_time, bus.overhead_us = True, 300.0
    begin, scans = time.monotonic(), 0
    while scans < 400:
        block = gathered(sensor)
        scans += len(block.values) + block.lost
    lasted = time.monotonic() - begin
    sensor.close()
    assert lasted == pytest.approx(scans / 500, abs=0.4)
    first, *_, last = (delays[0] for delays in bus.delays_us)
    assert first - last > 150  # what the kernel took besides is learnt


def test_a_late_block_says_how_many_scans_passed_and_keeps_the_grid() -> None:
    pacing = Pacing(10, 1000, 0)
    assert pacing.next(0) == (0, 0)
    assert pacing.next(4_000_000) == (0, 10_000_000)
    assert pacing.next(25_400_000) == (5, 25_000_000)
    assert pacing.next(25_400_000) == (0, 35_000_000)


def test_a_scan_longer_than_its_interval_leaves_no_pause_and_no_debt() -> None:
    pacing = Pacing(10, 1000, 0)
    for _ in range(50):
        pacing.took(1_000_000_000)
    assert pacing.pause_us == 0
    for _ in range(50):
        pacing.took(1_000_000 + 9 * pacing.pause_us * 1000)
    assert 880 <= pacing.pause_us <= 900


def test_a_converter_that_answers_now_and_then_leaves_gaps_and_one_that_never_does_is_an_error(
    device: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = installed(device, monkeypatch)
    sensor = config(device).open()
    bus.chip.level = lambda channel: setattr(bus.chip, "floats_high", channel == 3) or 0.25
    block = gathered(sensor)
    assert np.isnan(block.values).all(axis=0).tolist() == [channel == 3 for channel in range(8)]
    reading = sensor.read()
    assert reading.gaps.keys() == {"a3"}
    assert "null bit" in reading.gaps["a3"]
    bus.chip.level, bus.chip.floats_high = (lambda _channel: 0.25), True
    with pytest.raises(SensorError, match="no converter answers"):
        take_all(lambda: gathered(sensor))
    sensor.close()


def test_a_rate_that_the_bus_cannot_carry_is_refused_with_the_reason(device: Path) -> None:
    with pytest.raises(ConfigError, match="at most 3125 here: a conversion takes 36 µs"):
        config(device, rate_hz=3200.0).describe()
    assert config(device, rate_hz=3200.0, speed_hz=2_000_000).describe().rate_hz == 3200


def test_a_channel_that_the_chip_lacks_is_an_error_of_the_configuration(device: Path) -> None:
    with pytest.raises(ConfigError, match=r"inputs\.a4: mcp3204"):
        config(device, chip="mcp3204").describe()


@pytest.mark.parametrize(("number", "remedy"), [(errno.EMSGSIZE, "spidev.bufsiz"), (errno.EIO, "wiring")])
def test_a_bus_that_fails_says_what_to_do(
    device: Path, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
) -> None:
    bus: SimulatedSpi = installed(device, monkeypatch)
    bus.fault = number
    for read in (SpiConverter.read, gathered):
        sensor = config(device).open()
        with pytest.raises(SensorError) as caught:
            read(sensor)
        assert remedy in caught.value.remedy
        sensor.close()


def test_scans_that_nobody_takes_make_room_and_are_counted() -> None:
    bursts = iter(range(1, 1000))
    pacing, enough = Pacing(10, 1e6, 0), threading.Event()

    def burst(_pause_us: int) -> np.ndarray:
        if (nth := next(bursts)) == 8:
            enough.set()
            raise SensorError("that is enough")
        return np.full((10, 1), float(nth))

    collector = Collector(burst, pacing, KEPT_S / 5)
    assert enough.wait(5)
    collector.close()
    kept: list[Block] = []
    with pytest.raises(SensorError, match="enough"):
        take_all(lambda: kept.append(collector.take()))
    assert sorted({value for block in kept for value in block.values[:, 0]}) == [3, 4, 5, 6, 7]
    assert kept[0].lost >= 20
    assert kept[0].gap == "scans were not taken in time"


def test_what_cannot_be_opened_says_what_to_do(device: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SensorError) as caught:
        config(device).open()
    assert "do_spi 0" in caught.value.remedy

    def refused(*_args: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refused)
        with pytest.raises(SensorError) as caught:
            config(device).open()
    assert "usermod -aG spi" in caught.value.remedy
    device.touch()
    with pytest.raises(SensorError, match="is no SPI device"):
        config(device).open()
