"""Bosch BME280: temperature, pressure and humidity of the air; and BMP280, the same without humidity.

Each reading is one forced measurement, so the chip sleeps in between and does not warm itself. Registers and formulas
are those of the data sheet (BST-BME280-DS002), sections 4.2.3, 5 and 8.1, in floating point; the BMP280's are the same
(BST-BMP280-DS001).
"""

import struct
from typing import Annotated, ClassVar, NamedTuple, Self

from msgspec import Meta

from device_agent.errors import SensorError
from device_agent.sensors.i2c import Chip, I2cSensor, Measure, Polled, opened
from device_agent.sensors.port import Channel, Description, override
from device_agent.sensors.rates import Missing, Value

_ID, _CONTROL_HUMIDITY, _STATUS, _CONTROL, _DATA = 0xD0, 0xF2, 0xF3, 0xF4, 0xF7
_CALIBRATION_1, _CALIBRATION_2 = 0x88, 0xE1
_MEASURING = 0b1000
_ONCE_EACH_FORCED = 0b001_001_01
"""Temperature and pressure oversampled once, forced mode."""
_MEASURES_S = 0.0093
"""At most, oversampled once each (data sheet, 9.1)."""
_SKIPPED_20, _SKIPPED_16 = 0x80000, 0x8000
_CROPPED_PERCENT = 5
"""So far beyond 0 or 100 % a humidity is a tolerance; further, it is nonsense."""

CHANNELS = (
    Channel(name="temperature_celsius", unit="°C", resolution=0.01, low=-40, high=85),
    Channel(name="pressure_hpa", unit="hPa", resolution=0.01, low=300, high=1100),
    Channel(name="humidity_percent", unit="%", resolution=0.01, low=0, high=100),
)


class Model(NamedTuple):
    """What differs between the two.

    Attributes:
        name: Of the driver's type, and what the chip is called.
        chip_id: What it calls itself.
        channels: What it measures.
        start: Registers, each before its value, that begin one measurement. Humidity is switched on anew each time,
            because a chip that lost its power for a moment has forgotten it.
        data_bytes: How many hold the outcome.
    """

    name: str
    chip_id: int
    channels: tuple[Channel, ...]
    start: tuple[int, ...]
    data_bytes: int


MODELS = (
    Model("bme280", 0x60, CHANNELS, (_CONTROL_HUMIDITY, 1, _CONTROL, _ONCE_EACH_FORCED), 8),
    Model("bmp280", 0x58, CHANNELS[:2], (_CONTROL, _ONCE_EACH_FORCED), 6),
)


class Bme280(I2cSensor, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="bme280"):
    """The chip at one of its two addresses."""

    model: ClassVar[Model] = MODELS[0]
    address: Annotated[int, Meta(ge=0x76, le=0x77)] = 0x76
    rate_hz: Annotated[float, Meta(gt=0)] = 1.0

    def describe(self) -> Description:
        """See ``SensorConfig``."""
        rate_hz = self.within(70, "a measurement and its transfers take up to 14 ms")
        return Description(override(self.model.channels, self.channels), rate_hz)

    def open(self) -> Polled:
        """See ``SensorConfig``."""
        return opened(self.describe().channels, Chip(self, self.address), self._prepare)

    def _prepare(self, chip: Chip) -> Measure:
        """Makes sure which chip it is and reads its calibration."""
        (found,) = chip.registers(_ID, 1)
        if found != self.model.chip_id:
            other = next((f": `type: {model.name}`" for model in MODELS if model.chip_id == found), "")
            raise SensorError(
                f"{chip}: no {self.model.name.upper()}: it calls itself 0x{found:02x}{other}",
                remedy="check the sensor's type and address",
            )
        first, second = chip.registers(_CALIBRATION_1, 26), chip.registers(_CALIBRATION_2, 7)
        if not any(first) or set(first) == {0xFF}:
            raise SensorError(f"{chip}: its calibration is empty", remedy="check wiring; replace the chip")
        calibration = Calibration.parse(first, second)
        return lambda: _measure(chip, calibration, self.model)


class Bmp280(Bme280, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="bmp280"):
    """The chip without humidity, which is often sold as the other."""

    model: ClassVar[Model] = MODELS[1]


class Calibration(NamedTuple):
    """What the factory burnt into one chip; the names are the data sheet's ``dig_T1`` to ``dig_H6``."""

    t: tuple[int, ...]
    p: tuple[int, ...]
    h: tuple[int, ...]

    @classmethod
    def parse(cls, first: bytes, second: bytes) -> Self:
        """Takes registers 0x88 to 0xA1 and 0xE1 to 0xE7."""
        words = struct.unpack("<HhhH8hxB", first)
        h2, h3, h4, middle, h5, h6 = struct.unpack("<hBbBbb", second)
        humidity = (words[12], h2, h3, h4 << 4 | middle & 0xF, h5 << 4 | middle >> 4, h6)
        return cls(words[:3], words[3:12], humidity)


def _measure(chip: Chip, calibration: Calibration, model: Model) -> tuple[Value, ...]:
    chip.write(*model.start)
    chip.wait(_MEASURES_S, lambda: not chip.registers(_STATUS, 1)[0] & _MEASURING)
    return compensate(chip.registers(_DATA, model.data_bytes), calibration)[: len(model.channels)]


def compensate(data: bytes, calibration: Calibration) -> tuple[Value, ...]:
    """°C, hPa and % of the registers from 0xF7 on; what the chip did not measure is missing."""
    pressure = int.from_bytes(data[0:3]) >> 4
    temperature = int.from_bytes(data[3:6]) >> 4
    humidity = int.from_bytes(data[6:8])
    if temperature == _SKIPPED_20:  # nothing can be compensated without it
        return (Missing("not measured"),) * 3
    fine = _fine(temperature, calibration.t)
    return (
        fine / 5120,
        Missing("not measured") if pressure == _SKIPPED_20 else _hpa(pressure, fine, calibration.p),
        Missing("not measured") if humidity == _SKIPPED_16 else _percent(humidity, fine, calibration.h),
    )


def _fine(raw: int, t: tuple[int, ...]) -> float:
    """The data sheet's ``t_fine``: temperature in units of 1/5120 °C."""
    t1, t2, t3 = t
    return (raw / 16384 - t1 / 1024) * t2 + (raw / 131072 - t1 / 8192) ** 2 * t3


def _hpa(raw: int, fine: float, p: tuple[int, ...]) -> Value:
    p1, p2, p3, p4, p5, p6, p7, p8, p9 = p
    var1 = fine / 2 - 64000
    var2 = var1 * var1 * p6 / 32768 + var1 * p5 * 2
    var2 = var2 / 4 + p4 * 65536
    var1 = (p3 * var1 * var1 / 524288 + p2 * var1) / 524288
    var1 = (1 + var1 / 32768) * p1
    if not var1:
        return Missing("its calibration gives no pressure")
    pascal = (1048576 - raw - var2 / 4096) * 6250 / var1
    return (pascal + (p9 * pascal * pascal / 2147483648 + pascal * p8 / 32768 + p7) / 16) / 100


def _percent(raw: int, fine: float, h: tuple[int, ...]) -> Value:
    h1, h2, h3, h4, h5, h6 = h
    above = fine - 76800
    value = (raw - (h4 * 64 + h5 / 16384 * above)) * (
        h2 / 65536 * (1 + h6 / 67108864 * above * (1 + h3 / 67108864 * above))
    )
    return cropped(value * (1 - h1 * value / 524288))


def cropped(percent: float) -> Value:
    """A relative humidity; a tolerance beyond 0 or 100 % is cropped as data sheets ask for, nonsense is missing."""
    if not -_CROPPED_PERCENT <= percent <= 100 + _CROPPED_PERCENT:
        return Missing(f"impossible humidity: {percent:.4g} %")
    return min(max(percent, 0.0), 100.0)
