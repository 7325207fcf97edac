"""The latest value of every channel, and how old it may be.

A value that meets values of other sensors may be three intervals of its own sensor old, at least ``LEAST_AGE_S``; a
rule may say otherwise. An older one is unknown, as is a gap: a sensor that hangs never leaves its last value standing.
"""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from device_agent.rules.expression import Read, Ref

INTERVALS: Final = 3
LEAST_AGE_S: Final = 2.0


class _Last(NamedTuple):
    names: dict[str, int]
    values: Sequence[float]
    at_ns: int
    age_ns: float


class Latest:
    """One gateway's."""

    def __init__(self) -> None:
        self._by_sensor: dict[str, _Last] = {}

    def put(self, sensor: "Source", values: Sequence[float], at_ns: int) -> None:
        """Takes a scan's values; ``at_ns`` is when it was read, nanoseconds since boot."""
        age_ns = max(LEAST_AGE_S, INTERVALS / sensor.rate_hz) * 1e9
        self._by_sensor[sensor.name] = _Last(sensor.places, values, at_ns, age_ns)

    def reader(self, now_ns: int, max_age_s: float | None = None) -> Read:
        """Reads values as they count at a moment."""

        def read(ref: Ref) -> float | None:
            last = self._by_sensor.get(ref.sensor)
            if last is None or now_ns - last.at_ns > (last.age_ns if max_age_s is None else max_age_s * 1e9):
                return None
            place = last.names.get(ref.channel)
            if place is None or not math.isfinite(value := last.values[place]):
                return None
            return value

        return read


class Source(NamedTuple):
    """A sensor as far as rules must know.

    Attributes:
        name: Its name.
        places: Place of each channel in a scan's values, by its name.
        rate_hz: Scans per second.
    """

    name: str
    places: dict[str, int]
    rate_hz: float
