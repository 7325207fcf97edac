"""The only door to smbus2: one chip on an I2C bus, its transfers bounded in time, its errors translated.

```
sensor A ─ Chip 0x76 ─┐
sensor B ─ Chip 0x48 ─┼─ lock of the bus ─ /dev/i2c-1      a transfer at a time, never a whole measurement:
sensor C ─ Chip 0x44 ─┘                                    a chip that converts keeps nobody waiting
```
A chip belongs to one sensor of one process: a second one that asks for it is refused, because two that select an
input and read it in turn would read each other's. The claim is a lock on the device file, so it ends with its process.

A transfer is at most one write and one read after it, which is all that the Raspberry Pi's controller can do
(Linux, ``i2c-bcm2835.c``). smbus2 is an optional extra and is imported when a sensor is opened.

Not here: what the bytes mean (``device_agent.sensors.chips``).
"""

import contextlib
import errno
import fcntl
import struct
import threading
import time
from collections.abc import Callable
from types import ModuleType
from typing import Annotated, Any

from msgspec import Meta

from device_agent.errors import ConfigError, SensorError
from device_agent.sensors.port import GAP, Channel, Reading, SensorConfig
from device_agent.sensors.rates import Missing, Value

I2C_TIMEOUT = 0x0702
"""ioctl(2): how long a transfer may take, in units of 10 ms (Linux, ``i2c-dev.h``)."""

_NOBODY = (errno.ENXIO, errno.EREMOTEIO, errno.ENODEV)
_WAITS_MS = 10
_locks: dict[str, threading.Lock] = {}
"""One lock a bus, whoever opens it: a bus is one thing, however many sensors are on it."""

Message = Any
"""smbus2's ``i2c_msg``, which is known once the library is."""

Measure = Callable[[], tuple[Value, ...]]
"""Measures every channel once, in the channels' order; raises ``SensorError``."""


class I2cSensor(SensorConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the configuration of every sensor on an I2C bus has.

    Attributes:
        bus: Its number (``/dev/i2c-1``), or the path of its device file.
        timeout_ms: How long one transfer may take, and how long to wait for a bus that others use.
    """

    bus: Annotated[int, Meta(ge=0, le=255)] | Annotated[str, Meta(pattern="^/")] = 1
    timeout_ms: Annotated[int, Meta(ge=10, le=5000)] = 100

    def devices(self) -> tuple[str, ...]:
        """See ``SensorConfig``."""
        return (self.bus if isinstance(self.bus, str) else f"/dev/i2c-{self.bus}",)

    def within(self, highest_hz: float, why: str) -> float:
        """The configured rate; one above what the hardware can do raises ``ConfigError``."""
        if self.rate_hz > highest_hz:
            raise ConfigError(
                f"`rate_hz`: {self.rate_hz:g} scans per second, at most {highest_hz:.4g} here: {why}",
                remedy=f"choose a `rate_hz` up to {highest_hz:.4g}",
            )
        return self.rate_hz


class NoAnswerError(SensorError):
    """Nothing acknowledged the address: there is no chip, or it is busy and answers later."""


class Chip:
    """One chip, claimed.

    Args:
        config: Names the bus.
        address: Of the chip, 7 bits.

    Raises:
        ConfigError: No smbus2.
        SensorError: No such bus, no permission, or the chip is somebody else's.
    """

    def __init__(self, config: I2cSensor, address: int) -> None:
        self._library = _library()
        self._path = config.bus if isinstance(config.bus, str) else f"/dev/i2c-{config.bus}"
        self._address = address
        self._timeout_ms = config.timeout_ms
        self._lock = _locks.setdefault(self._path, threading.Lock())
        self._bus = self._library.SMBus()
        try:
            self._bus.open(self._path)
            _claim(self._bus.fd, address)
        except OSError as exc:
            self._bus.close()
            raise self._cannot_open(exc) from exc

    def __str__(self) -> str:
        return f"0x{self._address:02x} on {self._path}"

    def write(self, *data: int) -> None:
        """Sends bytes. Raises ``SensorError``."""
        self._transfer(self._library.i2c_msg.write(self._address, data))

    def read(self, count: int) -> bytes:
        """Reads bytes. Raises ``SensorError``."""
        return self._transfer(self._library.i2c_msg.read(self._address, count))

    def registers(self, first: int, count: int) -> bytes:
        """Reads registers from the first on; the chip counts up by itself. Raises ``SensorError``."""
        message = self._library.i2c_msg
        return self._transfer(message.write(self._address, [first]), message.read(self._address, count))

    def wait(self, seconds: float, ready: Callable[[], bool]) -> None:
        """Waits for a conversion: as long as it usually takes, and then until it is ready, at most thrice as long.

        Raises:
            SensorError: It is never ready, or asking fails.
        """
        time.sleep(seconds)
        step = max(seconds / _WAITS_MS, 0.0005)
        for _ in range(2 * _WAITS_MS):
            if ready():
                return
            time.sleep(step)
        raise SensorError(f"{self}: still busy after {3000 * seconds:.0f} ms", remedy="take the chip's power away once")

    def close(self) -> None:
        """Gives the chip back. A second call does nothing."""
        self._bus.close()

    def _transfer(self, *messages: Message) -> bytes:
        if not self._lock.acquire(timeout=self._timeout_ms / 1000):
            raise SensorError(f"{self}: others use the bus", remedy="read fewer sensors of this bus, or more rarely")
        try:
            fcntl.ioctl(self._bus.fd, I2C_TIMEOUT, -(-self._timeout_ms // 10))  # of the bus: others may have set theirs
            self._bus.i2c_rdwr(*messages)
        except OSError as exc:
            raise self._failed(exc) from exc
        finally:
            self._lock.release()
        return bytes(messages[-1])

    def _failed(self, exc: OSError) -> SensorError:
        if exc.errno in _NOBODY:
            return NoAnswerError(
                f"{self}: no answer", remedy=f"check wiring, power and address: i2cdetect -y {_number(self._path)}"
            )
        if exc.errno == errno.ETIMEDOUT:
            return SensorError(f"{self}: the bus hangs", remedy="check the pull-ups; take the chips' power away once")
        if exc.errno == errno.EAGAIN:
            return SensorError(f"{self}: lost the bus to another master", remedy="check for noise and shorter wires")
        return SensorError(f"{self}: {exc.strerror or exc}", remedy="check wiring and power; dmesg may say more")

    def _cannot_open(self, exc: OSError) -> SensorError:
        if exc.errno == errno.EACCES:
            return SensorError(f"{self._path}: no permission", remedy="sudo usermod -aG i2c USER, and log in again")
        if exc.errno == errno.EAGAIN:
            return SensorError(f"{self}: in use by another sensor", remedy="give each chip to one sensor only")
        if exc.errno == errno.ENOENT:
            return SensorError(f"{self._path}: no such bus", remedy="sudo raspi-config nonint do_i2c 0; ls /dev/i2c-*")
        return SensorError(f"{self._path}: {exc.strerror or exc}", remedy="name an I2C bus: ls /dev/i2c-*")


class Polled:
    """An open sensor that is measured when it is asked, see ``Sensor``."""

    def __init__(self, channels: tuple[Channel, ...], chip: Chip, measure: Measure) -> None:
        self._channels = channels
        self._chip = chip
        self._measure: Measure | None = measure

    @property
    def channels(self) -> tuple[Channel, ...]:
        """See ``Sensor``."""
        return self._channels

    def read(self) -> Reading:
        """See ``Sensor``."""
        if self._measure is None:
            raise SensorError(f"{self._chip}: closed")
        values = self._measure()
        names = (channel.name for channel in self._channels)
        gaps = {name: value.reason for name, value in zip(names, values, strict=True) if isinstance(value, Missing)}
        return Reading(tuple(GAP if isinstance(value, Missing) else value for value in values), gaps)

    def close(self) -> None:
        """See ``Sensor``."""
        self._measure = None
        self._chip.close()


def opened(channels: tuple[Channel, ...], chip: Chip, prepare: Callable[[Chip], Measure]) -> Polled:
    """The open sensor, once the chip is prepared; a chip that cannot be is given back."""
    with contextlib.ExitStack() as undo:
        undo.callback(chip.close)
        sensor = Polled(channels, chip, prepare(chip))
        undo.pop_all()
        return sensor


def _library() -> ModuleType:
    try:
        import smbus2  # noqa: PLC0415 - an optional extra, only sensors on I2C need it
    except ImportError as exc:
        raise ConfigError("smbus2 is not installed", remedy='in the checkout: .venv/bin/pip install ".[i2c]"') from exc
    return smbus2


def _claim(file: int, address: int) -> None:
    """Locks one byte of the device file (fcntl(2), open file description locks); ``EAGAIN`` where it is taken."""
    fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack("hhqqi0q", fcntl.F_WRLCK, 0, address, 1, 0))


def _number(path: str) -> str:
    return path.rpartition("-")[2]
