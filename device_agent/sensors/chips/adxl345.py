"""Analog Devices ADXL345: acceleration along three axes, at even intervals that the chip keeps by itself.

```
chip: ─x─x─x─x─x─▶ FIFO of 32 ─▶ drained: how many are there, did it overrun, then each in turn
```
Registers, rate codes and the FIFO's ways are those of the data sheet. It may be drained over I2C or SPI (see
``Registers``). Over I2C at 400 kHz it gives 800 Hz at most, at 100 kHz 200 Hz: above, samples may be missing or noisier
(data sheet, I2C).

Not here: when to drain; SPI.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from device_agent.errors import ConfigError, SensorError
from device_agent.identity import monotonic_ns
from device_agent.sensors.port import Block, Channel, Reading

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DEVICE_ID = 0xE5
FIFO_SCANS = 32
LSB_PER_G = 256
"""In full resolution, whatever the range."""

_ID, _RATE, _POWER, _SOURCE, _FORMAT, _DATA, _FIFO, _FIFO_STATUS = 0x00, 0x2C, 0x2D, 0x30, 0x31, 0x32, 0x38, 0x39
_MEASURE, _STREAM, _FULL_RESOLUTION, _OVERRUN, _ENTRIES = 0x08, 0x80, 0x08, 0x01, 0x3F
_AXES, _SCAN_BYTES = 3, 6
_LOOKS = 4
"""So often the FIFO is looked at for a scan, within two intervals."""
_RANGES_G = {2: 0, 4: 1, 8: 2, 16: 3}
RATES_HZ = {3200.0 / 2**step: 0xF - step for step in range(10)}
"""Scans a second (6.25 to 3200) and their codes."""

RangeG = Literal[2, 4, 8, 16]


class Registers(Protocol):
    """The chip's registers, over whichever bus; raises ``SensorError``."""

    def registers(self, first: int, count: int) -> bytes:
        """Reads registers from the first on."""

    def write(self, *data: int) -> None:
        """Writes values to registers from the first on: ``register, value, value…``."""

    def close(self) -> None:
        """Gives the chip back."""


class Drained(NamedTuple):
    """What was in the FIFO.

    Attributes:
        scans: Oldest first, by axes; in g.
        overrun: Whether scans were lost before them.
    """

    scans: "NDArray[np.float64]"
    overrun: bool


def channels(range_g: int) -> tuple[Channel, ...]:
    """Three axes; a value at the end of the range is beyond it, because nobody knows how far."""
    step = 1 / LSB_PER_G
    end = range_g - 2 * step
    return tuple(Channel(name=f"{axis}_g", unit="g", resolution=step, low=-end, high=end) for axis in "xyz")


def supported(rate_hz: float, highest_hz: float, why: str) -> float:
    """The rate; one that the chip lacks, or the bus cannot carry, raises ``ConfigError``."""
    possible = ", ".join(f"{rate:g}" for rate in sorted(RATES_HZ) if rate <= highest_hz)
    if rate_hz > highest_hz:
        raise ConfigError(
            f"`rate_hz`: {rate_hz:g} scans per second, at most {highest_hz:g} here: {why}",
            remedy=f"choose one of {possible}; only a chip on SPI does more",
        )
    if rate_hz not in RATES_HZ:
        raise ConfigError(f"`rate_hz`: the chip has no {rate_hz:g} Hz", remedy=f"choose one of {possible}")
    return rate_hz


class Fifo:
    """A chip that measures into its FIFO.

    Args:
        chip: Its registers.
        rate_hz: One of ``RATES_HZ``.
        range_g: The largest acceleration, either way.

    Raises:
        SensorError: There is no such chip, or it does not answer.
    """

    def __init__(self, chip: Registers, rate_hz: float, range_g: RangeG) -> None:
        self._chip = chip
        (found,) = chip.registers(_ID, 1)
        if found != DEVICE_ID:
            raise SensorError(f"{chip}: no ADXL345: it calls itself 0x{found:02x}", remedy="check chip and address")
        self._format = _FULL_RESOLUTION | _RANGES_G[range_g]
        chip.write(_POWER, 0)
        chip.write(_FIFO, 0)  # forgets what an earlier owner left in it
        chip.write(_RATE, RATES_HZ[rate_hz])
        chip.write(_FORMAT, self._format)
        chip.write(_FIFO, _STREAM)
        chip.write(_POWER, _MEASURE)

    def drain(self) -> Drained:
        """Takes what is there, perhaps nothing.

        Raises:
            SensorError: The chip does not answer, or lost its power and measures no more.
        """
        import numpy as np  # noqa: PLC0415 - who only reads a document has none

        entries = self._chip.registers(_FIFO_STATUS, 1)[0] & _ENTRIES
        overrun = bool(self._chip.registers(_SOURCE, 1)[0] & _OVERRUN)
        if not entries:
            self._check()
        # all six bytes of a scan in one transfer, or two axes would be of the next one
        data = b"".join(self._chip.registers(_DATA, _SCAN_BYTES) for _ in range(entries))
        return Drained(np.frombuffer(data, "<i2").reshape(-1, _AXES) / LSB_PER_G, overrun)

    def close(self) -> None:
        """Gives the chip back, still measuring: a chip that no longer answers must not keep anyone."""
        self._chip.close()

    def _check(self) -> None:
        power, layout = self._chip.registers(_POWER, 1)[0], self._chip.registers(_FORMAT, 1)[0]
        if power != _MEASURE or layout != self._format:
            raise SensorError(f"{self._chip}: forgot its settings", remedy="check its power supply")


class Accelerometer:
    """An open chip, see ``BlockSensor``; and ``Sensor``, for who wants the newest scan only.

    Args:
        channels: Of the three axes.
        fifo: Just begun.
        rate_hz: At which it fills.
        now_ns: Monotonic nanoseconds.
    """

    def __init__(
        self, channels: tuple[Channel, ...], fifo: Fifo, rate_hz: float, now_ns: Callable[[], int] = monotonic_ns
    ) -> None:
        self._channels = channels
        self._fifo = fifo
        self._interval_ns = 1e9 / rate_hz
        self._now_ns = now_ns
        self._since_ns = now_ns()
        self._open = True

    @property
    def channels(self) -> tuple[Channel, ...]:
        """See ``BlockSensor``."""
        return self._channels

    def read(self) -> Reading:
        """See ``Sensor``: the newest scan, or the next one where there is none that was not read yet.

        The chip's clock and ours drift apart, so now and then a scan is waited for, or one is passed over.
        """
        for _ in range(_LOOKS):
            scans = self._drained().scans
            if len(scans):
                return Reading(tuple(scans[-1].tolist()), {})
            time.sleep(self._interval_ns / 1e9 / (_LOOKS // 2))
        raise SensorError("the accelerometer measures nothing", remedy="check its power supply")

    def read_block(self) -> Block:
        """See ``BlockSensor``; the newest scan counts as half an interval old, which it is on average."""
        now_ns = self._now_ns()
        scans, overrun = self._drained()
        passed, self._since_ns = (now_ns - self._since_ns) / self._interval_ns, now_ns
        offset_ns = -round((len(scans) - 0.5) * self._interval_ns) if len(scans) else 0
        if not overrun:
            return Block(scans, offset_ns)
        return Block(scans, offset_ns, "the chip's FIFO overran", max(1, round(passed) - len(scans)))

    def close(self) -> None:
        """See ``BlockSensor``."""
        self._open = False
        self._fifo.close()

    def _drained(self) -> Drained:
        if not self._open:
            raise SensorError("the accelerometer is closed")
        return self._fifo.drain()
