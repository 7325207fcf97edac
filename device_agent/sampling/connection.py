"""Keeps one sensor open: what fails is closed, left alone for a while, opened again.

Not here: time. The caller says what time it is.
"""

import contextlib
import logging
import math
from collections.abc import Callable, Iterator
from typing import TypeVar

from device_agent.errors import ConfigError, SensorError
from device_agent.sampling.retry import Retry
from device_agent.sensors.port import GAP, Block, BlockSensor, Channel, Reading, Sensor, SensorConfig, no_reading

logger = logging.getLogger(__name__)

UNKNOWN = "check its wiring and its power; `thresher doctor` looks at everything it needs"
"""The remedy for what a driver has none for; the sensor is tried again by itself meanwhile."""

_PLAIN = frozenset({float})
_Taken = TypeVar("_Taken")


@contextlib.contextmanager
def naming(sensor: str) -> Iterator[None]:
    """Puts the sensor's name before what is wrong with its configuration."""
    try:
        yield
    except ConfigError as exc:
        raise ConfigError(f"sensor `{sensor}`: {exc}", remedy=exc.remedy) from exc


class Connection:
    """A sensor that may come and go. One thread at a time may call it; ``failing`` may be read by any.

    Args:
        config: Opens the sensor.
        channels: What it was described to deliver; one that opens with others counts as failing.
        retry: When to try again.
    """

    def __init__(self, config: SensorConfig, channels: tuple[Channel, ...], retry: Retry) -> None:
        self._config = config
        self._channels = channels
        self._retry = retry
        self._sensor: Sensor | None = None
        self._reason = ""
        self.failures = 0

    @property
    def failing(self) -> bool:
        """Whether the latest reading failed."""
        return bool(self._reason)

    def read(self, now_ns: int) -> Reading:
        """A reading; all gaps with the reason where there is none. Raises ``EndOfRecordingError``, ``ConfigError``."""
        return self._tried(now_ns, lambda sensor: numbers(sensor.read(), self._channels))

    def read_block(self, now_ns: int) -> Block | Reading:
        """A block; a reading of gaps with the reason where there is none. Raises ``ConfigError``."""
        return self._tried(now_ns, self._block)

    def _block(self, sensor: Sensor) -> Block:
        if not isinstance(sensor, BlockSensor):
            raise SensorError("opened as a sensor without blocks")
        block = sensor.read_block()
        if block.values.shape[1:] != (len(self._channels),):
            raise SensorError(f"gave a block of shape {block.values.shape} for {len(self._channels)} channels")
        return block

    def _tried(self, now_ns: int, take: Callable[[Sensor], _Taken]) -> _Taken | Reading:
        if self._sensor is None and not self._retry.may_try(now_ns):
            return no_reading(self._channels, self._reason)
        try:
            taken = take(self._opened())
        except SensorError as exc:
            self._failed(exc, now_ns)
            return no_reading(self._channels, self._reason)
        if self._reason:
            logger.info("sensor.recovered", extra={"sensor": self._config.name})
        self._reason = ""
        self._retry.succeeded()
        return taken

    def close(self) -> None:
        """Gives the sensor back; a later reading opens it again."""
        if self._sensor is not None:
            self._sensor.close()
            self._sensor = None

    def _opened(self) -> Sensor:
        if self._sensor is None:
            with naming(self._config.name):
                self._sensor = self._config.open()
            if self._sensor.channels != self._channels:
                raise SensorError("opened with other channels than it was described with")
        return self._sensor

    def _failed(self, error: SensorError, now_ns: int) -> None:
        reason = str(error)
        self.close()
        self.failures += 1
        self._retry.failed(now_ns)
        if not self._reason:  # once per outage; every further try is only counted
            told = {"sensor": self._config.name, "reason": reason, "remedy": error.remedy or UNKNOWN}
            logger.warning("sensor.failed", extra=told)
        self._reason = reason or "no reading"


def numbers(reading: Reading, channels: tuple[Channel, ...]) -> Reading:
    """The reading, with a gap for what is no number; raises ``SensorError`` where it is not a value a channel."""
    if len(reading.values) != len(channels):
        raise SensorError(f"gave {len(reading.values)} values for {len(channels)} channels")
    if set(map(type, reading.values)) <= _PLAIN:
        return reading
    strange = {
        channel.name: f"not a number: {value!r:.40}"
        for channel, value in zip(channels, reading.values, strict=True)
        if not isinstance(value, int | float)
    }
    values = tuple(
        GAP if channel.name in strange else _real(value)
        for channel, value in zip(channels, reading.values, strict=True)
    )
    return Reading(values, {**strange, **reading.gaps})


def _real(value: float) -> float:
    """A float; infinite where an integer is beyond any float, so that cleaning takes it out."""
    try:
        return float(value)
    except OverflowError:
        return math.inf
