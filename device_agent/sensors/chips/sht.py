"""Sensirion SHT3x and SHT4x: temperature and humidity of the air, each value with a checksum.

Commands, times and formulas are those of the data sheets (SHT3x-DIS, 4.3 to 4.13; SHT4x, 4.5 and 4.6). Readings are
taken without clock stretching, which the Raspberry Pi's controller does badly: while the chip measures, it does not
answer, and is asked again.
"""

from typing import Annotated, Literal, NamedTuple

from msgspec import Meta

from device_agent.sensors.chips.bme280 import cropped
from device_agent.sensors.chips.crc8 import sensirion
from device_agent.sensors.i2c import Chip, I2cSensor, Measure, NoAnswerError, Polled, opened
from device_agent.sensors.port import Channel, Description, override
from device_agent.sensors.rates import Missing, Value

CHANNELS = (
    Channel(name="temperature_celsius", unit="°C", resolution=0.01, low=-40, high=125),
    Channel(name="humidity_percent", unit="%", resolution=0.01, low=0, high=100),
)


class Family(NamedTuple):
    """What differs between the two.

    Attributes:
        measure: Command of a measurement of high repeatability.
        measures_s: How long one takes at most.
        percent_offset: Humidity at a raw value of 0.
        percent_span: What the whole raw range adds to it.
    """

    measure: tuple[int, ...]
    measures_s: float
    percent_offset: float
    percent_span: float


FAMILIES = {
    "sht3x": Family((0x24, 0x00), 0.0155, 0, 100),
    "sht4x": Family((0xFD,), 0.0083, -6, 125),
}


class Sht(I2cSensor, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="sht"):
    """The chip.

    Attributes:
        chip: Its family.
        address: 0x44 or 0x45; some SHT4x have 0x46.
    """

    chip: Literal["sht3x", "sht4x"]
    address: Annotated[int, Meta(ge=0x44, le=0x46)] = 0x44
    rate_hz: Annotated[float, Meta(gt=0)] = 1.0

    def describe(self) -> Description:
        """See ``SensorConfig``."""
        rate_hz = self.within(50, "a measurement and its transfers take up to 20 ms")
        return Description(override(CHANNELS, self.channels), rate_hz)

    def open(self) -> Polled:
        """See ``SensorConfig``."""
        family = FAMILIES[self.chip]
        return opened(self.describe().channels, Chip(self, self.address), lambda chip: _prepare(chip, family))


def _prepare(chip: Chip, family: Family) -> Measure:
    _measure(chip, family)  # there is no register that names the chip; a measurement that checks out says as much
    return lambda: _measure(chip, family)


def _measure(chip: Chip, family: Family) -> tuple[Value, ...]:
    chip.write(*family.measure)
    answer = b""

    def ready() -> bool:
        nonlocal answer
        try:
            answer = chip.read(6)
        except NoAnswerError:
            return False
        return True

    chip.wait(family.measures_s, ready)
    return decode(answer, family)


def decode(answer: bytes, family: Family) -> tuple[Value, ...]:
    """°C and % of two words with their checksums; a word whose checksum is wrong is missing."""
    temperature, humidity = (_word(answer[at : at + 3]) for at in (0, 3))
    return (
        temperature if isinstance(temperature, Missing) else -45 + 175 * temperature / 65535,
        humidity
        if isinstance(humidity, Missing)
        else cropped(family.percent_offset + family.percent_span * humidity / 65535),
    )


def _word(data: bytes) -> Value:
    if sensirion(data[:2]) != data[2]:
        return Missing("wrong checksum")
    return float(int.from_bytes(data[:2]))
