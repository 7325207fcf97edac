"""A sensor whose readings, failures and slowness are written down beforehand."""

from collections.abc import Callable, Iterator
from typing import Any

from device_agent.clock import SimulatedClock
from device_agent.errors import SensorError
from device_agent.sensors.port import Channel, Description, EndOfRecordingError, Reading, SensorConfig

CHANNELS = (Channel(name="a", low=-1000, high=1000), Channel(name="b"))

Step = Callable[[], Reading]


def good(value: float = 1.0) -> Reading:
    return Reading((value, 2.0), {})


class SimulatedSensor:
    channels = CHANNELS

    def __init__(self, steps: Iterator[Reading | Exception | Step], log: list[str]) -> None:
        self._steps = steps
        self._log = log

    def read(self) -> Reading:
        step = next(self._steps, EndOfRecordingError())
        if isinstance(step, Exception):
            raise step
        return step if isinstance(step, Reading) else step()

    def close(self) -> None:
        self._log.append("close")


class Simulated(SensorConfig, frozen=True, kw_only=True, tag="simulated"):
    """Its ``steps`` go on over re-openings; ``refusals`` openings fail first."""

    steps: Any = None
    refusals: Any = None
    log: Any = None

    def describe(self) -> Description:
        return Description(CHANNELS, self.rate_hz)

    def open(self) -> SimulatedSensor:
        self.log.append("open")
        refusal = next(self.refusals, None)
        if refusal:
            raise SensorError(refusal)
        return SimulatedSensor(self.steps, self.log)


def simulated(*steps: object, refusals: tuple[str, ...] = (), rate_hz: float = 10.0) -> Simulated:
    return Simulated(name="s", steps=iter(steps), refusals=iter(refusals), log=[], rate_hz=rate_hz)


def slow(clock: SimulatedClock, seconds: float) -> Step:
    def read() -> Reading:
        clock.advance(seconds)
        return good()

    return read
