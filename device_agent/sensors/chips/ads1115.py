"""Texas Instruments ADS1115: four analog inputs, 16 bits, measured one after the other.

Each input is a single conversion that is started, waited for and read (data sheet SBAS444, single-shot mode and
register map), so that no value is ever an older one of another input. What reaches the end of the range is a gap:
nobody knows how far beyond it the voltage is.
"""

import math
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from device_agent.errors import SensorError
from device_agent.sensors.i2c import Chip, I2cSensor, Measure, Polled, opened
from device_agent.sensors.port import Channel, Description, override
from device_agent.sensors.rates import Missing, Value

_CONVERSION, _CONFIG = 0, 1
_START, _SINGLE_SHOT, _NO_COMPARATOR = 1 << 15, 1 << 8, 0b11
_LOWEST, _HIGHEST = -(2**15), 2**15 - 1
_SLOWEST_CLOCK = 1.1
"""The chip's own clock is right to 10 %."""
_TRANSFERS_S = 0.002
_INPUTS = {"0-1": 0, "0-3": 1, "1-3": 2, "2-3": 3, "0": 4, "1": 5, "2": 6, "3": 7}
_RANGES_MV = {6144: 0, 4096: 1, 2048: 2, 1024: 3, 512: 4, 256: 5}
_RATES = {8: 0, 16: 1, 32: 2, 64: 3, 128: 4, 250: 5, 475: 6, 860: 7}

Terminal = Literal["0", "1", "2", "3", "0-1", "0-3", "1-3", "2-3"]
RangeMv = Literal[6144, 4096, 2048, 1024, 512, 256]


class Ads1115Input(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One input.

    Attributes:
        terminal: ``"0"`` against ground, ``"0-1"`` against another one.
        range_mv: Millivolts that can be measured, either way; an input against ground never exceeds the supply.
    """

    terminal: Terminal
    range_mv: RangeMv = 4096


class Ads1115(I2cSensor, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="ads1115"):
    """The chip, a channel in volts for each input.

    Attributes:
        inputs: By channel name.
        address: By where its ADDR pin is wired.
        data_rate: Conversions a second; fewer are less noisy, and every input takes one a scan.
    """

    inputs: Annotated[dict[str, Ads1115Input], Meta(min_length=1)]
    address: Annotated[int, Meta(ge=0x48, le=0x4B)] = 0x48
    data_rate: Literal[8, 16, 32, 64, 128, 250, 475, 860] = 128
    rate_hz: Annotated[float, Meta(gt=0)] = 10.0

    def describe(self) -> Description:
        """See ``SensorConfig``."""
        scan_s = len(self.inputs) * (_SLOWEST_CLOCK / self.data_rate + _TRANSFERS_S)
        rate_hz = self.within(1 / scan_s, f"{len(self.inputs)} inputs at a `data_rate` of {self.data_rate}")
        channels = tuple(_channel(name, item.range_mv / 1000) for name, item in self.inputs.items())
        return Description(override(channels, self.channels), rate_hz)

    def open(self) -> Polled:
        """See ``SensorConfig``."""
        return opened(self.describe().channels, Chip(self, self.address), self._prepare)

    def _prepare(self, chip: Chip) -> Measure:
        chip.registers(_CONFIG, 2)  # whether anything answers
        return lambda: tuple(self._convert(chip, item) for item in self.inputs.values())

    def _convert(self, chip: Chip, item: Ads1115Input) -> Value:
        wanted = settings(item, self.data_rate)
        chip.write(_CONFIG, *wanted.to_bytes(2))
        state = 0

        def ready() -> bool:
            nonlocal state
            state = int.from_bytes(chip.registers(_CONFIG, 2))
            return bool(state & _START)

        chip.wait(1 / self.data_rate, ready)
        if state != wanted:
            raise SensorError(f"{chip}: forgot its settings", remedy="check its power; no other program may use it")
        return volts(chip.registers(_CONVERSION, 2), item.range_mv)


def _channel(name: str, range_v: float) -> Channel:
    resolution = 10.0 ** math.floor(math.log10(range_v / 2**15))
    return Channel(name=name, unit="V", resolution=resolution, low=-range_v, high=range_v)


def settings(item: Ads1115Input, data_rate: int) -> int:
    """The configuration register that starts one conversion; while it runs, its highest bit reads as 0."""
    chosen = _INPUTS[item.terminal] << 12 | _RANGES_MV[item.range_mv] << 9 | _RATES[data_rate] << 5
    return _START | chosen | _SINGLE_SHOT | _NO_COMPARATOR


def volts(data: bytes, range_mv: int) -> Value:
    """The conversion register in volts; an end of the range is missing."""
    code = int.from_bytes(data, signed=True)
    if code in (_LOWEST, _HIGHEST):
        return Missing(f"beyond {'-' if code < 0 else ''}{range_mv} mV")
    return code * range_mv / 1000 / 2**15
