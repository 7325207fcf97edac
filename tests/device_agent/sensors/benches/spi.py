"""A converter that is clocked bit by bit behind a simulated device file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from device_agent.sensors.gpio import AnalogInput
from device_agent.sensors.spi import POLLED_UP_TO_HZ, SpiAnalog
from tests.device_agent.sensors.benches.bench import Bench, BenchMaker
from tests.device_agent.sensors.simulated_spi import installed


def _converter(rate_hz: float) -> BenchMaker:
    @contextmanager
    def make(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[Bench]:
        bus = installed(folder / "spidev0.0", patch)
        bus.takes_time = rate_hz > POLLED_UP_TO_HZ
        inputs = {"current": AnalogInput(channel=0, scale=50, offset=-25, unit="A"), "volts": AnalogInput(channel=7)}
        yield Bench(
            config=SpiAnalog(name="motor", device=str(folder / "spidev0.0"), inputs=inputs, rate_hz=rate_hz),
            cut=lambda: setattr(bus.chip, "floats_high", True),
            mend=lambda: setattr(bus.chip, "floats_high", False),
            garble=lambda bits: setattr(bus.chip, "noise", bits),
        )

    return make


BENCHES: dict[str, BenchMaker] = {"spi_analog": _converter(100), "spi_analog_fast": _converter(1000)}
IN_BLOCKS = ("spi_analog_fast",)
WAITS_FOR_NOTHING = ("spi_analog", "spi_analog_fast")
"""The master clocks; a converter cannot hold the bus."""
