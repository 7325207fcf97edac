"""Chips on the simulated bus below smbus2."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from device_agent.sensors.chips.ads1115 import Ads1115, Ads1115Input
from device_agent.sensors.chips.adxl345_i2c import Adxl345I2c
from device_agent.sensors.chips.bme280 import Bme280, Bmp280
from device_agent.sensors.chips.sht import Sht
from device_agent.sensors.i2c import I2cSensor
from tests.device_agent.sensors.benches.bench import Bench, BenchMaker
from tests.device_agent.sensors.simulated_i2c import (
    SimulatedAds1115,
    SimulatedAdxl345,
    SimulatedBme280,
    SimulatedBmp280,
    SimulatedChip,
    SimulatedSht,
    installed,
)


def _on(address: int, simulated: Callable[[], SimulatedChip], kind: type[I2cSensor], **config) -> BenchMaker:
    @contextmanager
    def make(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Bench]:
        bus = installed(folder / "i2c-1", patch)
        chip = bus.chips[address] = simulated()

        def mend() -> None:
            bus.fault, bus.hangs = None, False

        yield Bench(
            config=kind(name="chip", bus=bus.device, timeout_ms=20, **config),
            cut=lambda: setattr(bus, "fault", errno.EREMOTEIO),
            mend=mend,
            hang=lambda: setattr(bus, "hangs", True),
            garble=chip.garble,
        )

    return make


BENCHES: dict[str, BenchMaker] = {
    "bme280": _on(0x76, SimulatedBme280, Bme280),
    "bmp280": _on(0x76, SimulatedBmp280, Bmp280),
    "sht3x": _on(0x44, lambda: SimulatedSht(b"\x24\x00"), Sht, chip="sht3x"),
    "sht4x": _on(0x44, lambda: SimulatedSht(b"\xfd"), Sht, chip="sht4x"),
    "adxl345_i2c": _on(0x53, SimulatedAdxl345, Adxl345I2c),
    "ads1115": _on(0x48, SimulatedAds1115, Ads1115, inputs={"volts": Ads1115Input(terminal="0")}, data_rate=860),
}
IN_BLOCKS = ("adxl345_i2c",)
