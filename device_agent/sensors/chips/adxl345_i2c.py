"""An ADXL345 on I2C: its configuration. What the chip does is in ``device_agent.sensors.chips.adxl345``."""

import contextlib
from typing import Annotated, Literal

from msgspec import Meta

from device_agent.sensors.chips.adxl345 import Accelerometer, Fifo, RangeG, channels, supported
from device_agent.sensors.i2c import Chip, I2cSensor
from device_agent.sensors.port import Description, override

_HZ_PER_KHZ = 2
"""800 Hz at 400 kHz, and in proportion (data sheet, I2C)."""
_HIGHEST_HZ = 400
"""Twenty scans every 50 ms, which is how often blocks are taken; at 800 Hz the FIFO of 32 would overrun in between."""


class Adxl345I2c(I2cSensor, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="adxl345_i2c"):
    """The chip on I2C; it fills its FIFO by itself, at the rate it is read at.

    Attributes:
        address: 0x53, or 0x1D where SDO is high.
        range_g: The largest acceleration it tells, either way.
        bus_khz: The bus's clock, as it is set.
        rate_hz: 6.25, 12.5, 25, 50, 100, 200 or 400.
    """

    address: Literal[0x1D, 0x53] = 0x53
    range_g: RangeG = 16
    bus_khz: Literal[100, 400] = 100
    rate_hz: Annotated[float, Meta(gt=0)] = 100.0

    def describe(self) -> Description:
        """See ``SensorConfig``."""
        highest_hz = min(_HZ_PER_KHZ * self.bus_khz, _HIGHEST_HZ)
        why = f"the chip is not read faster over I2C at `bus_khz` {self.bus_khz}"
        rate_hz = supported(self.rate_hz, highest_hz, why)
        return Description(override(channels(self.range_g), self.channels), rate_hz, in_blocks=True)

    def open(self) -> Accelerometer:
        """See ``SensorConfig``; the open sensor can be read scan by scan, or in blocks."""
        with contextlib.ExitStack() as undo:
            chip = Chip(self, self.address)
            undo.callback(chip.close)
            sensor = Accelerometer(self.describe().channels, Fifo(chip, self.rate_hz, self.range_g), self.rate_hz)
            undo.pop_all()
            return sensor
