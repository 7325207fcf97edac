"""Which readings are worth reporting: those without which the others could not be known closely enough.

```
absolute, percent   the last one reported holds ──┐   until a reading is further away than the width
swinging door       straight lines between two ───┘   a line ends where no line from its beginning stays within the
                                                      width of every reading since
```
The bound is never less than half the resolution, at which readings travel. A line ends at a reading that was within
all doors before it, so that the bound holds for every reading and not, as where any last reading is taken, for most.
Source of the doors: Bristol, "Swinging door trending", ISA (1990). Beginning and end of a gap are always reported.

Not here: packing and sending (``device_agent.condense.reports``).
"""

import math
from collections.abc import Callable
from typing import NamedTuple, Protocol

from device_agent.sensors.treatment import ReportConfig


class Point(NamedTuple):
    """One reading worth reporting.

    Attributes:
        tick: When, in ticks since boot.
        step: Its value in steps of the resolution; ``None`` where a gap begins.
    """

    tick: int
    step: int | None


class Exceptions(Protocol):
    """What one channel reports. One thread at a time."""

    def take(self, tick: int, value: float) -> list[Point]:
        """Takes a reading, NaN for a gap, at a time that never falls; returns what is worth reporting now."""

    def finish(self) -> list[Point]:
        """What must still be said, so that every reading so far is known."""


def exceptions_of(asked: ReportConfig, resolution: float, tick_ms: float) -> Exceptions:
    """As configured."""
    silence = max(1, round(asked.max_silence_s * 1000 / tick_ms))
    if asked.mode == "swinging_door":
        return SwingingDoor(asked.width, resolution, silence)
    if asked.mode == "percent":
        return Holding(lambda kept: abs(kept) * asked.width / 100, resolution, silence)
    return Holding(lambda _: asked.width, resolution, silence)


class Holding:
    """The last reading holds until one is further away than is allowed.

    Args:
        allowed: How far, by the reading that holds.
        resolution: Of the channel.
        silence: Ticks after which something is said all the same.
    """

    def __init__(self, allowed: Callable[[float], float], resolution: float, silence: int) -> None:
        self._allowed, self._resolution, self._silence = allowed, resolution, silence
        self._kept = math.nan
        self._said: int | None = None

    def take(self, tick: int, value: float) -> list[Point]:
        """See ``Exceptions``."""
        is_gap = math.isnan(value)
        if self._said is not None and tick - self._said < self._silence:
            if is_gap and math.isnan(self._kept):
                return []
            if abs(value - self._kept) <= self._allowed(self._kept):
                return []
        self._said = tick
        step = None if is_gap else round(value / self._resolution)
        self._kept = math.nan if step is None else step * self._resolution
        return [Point(tick, step)]

    def finish(self) -> list[Point]:
        """See ``Exceptions``; what holds was said."""
        return []


class SwingingDoor:
    """Straight lines, each from one reported reading to the next.

    Args:
        width: How far a reading may be from its line.
        resolution: Of the channel.
        silence: Ticks after which a line ends all the same.
    """

    def __init__(self, width: float, resolution: float, silence: int) -> None:
        self._width, self._resolution, self._silence = max(width, resolution / 2), resolution, silence
        self._begin: Point | None = None
        self._last: Point | None = None
        self._low, self._high = -math.inf, math.inf

    def take(self, tick: int, value: float) -> list[Point]:
        """See ``Exceptions``."""
        if math.isnan(value):
            return self._gap(tick)
        here = Point(tick, round(value / self._resolution))
        begin = self._begin
        if begin is None or begin.step is None or tick <= (self._last or begin).tick:
            return [*self.finish(), self._begun(here)]
        made = []
        if not self._low <= self._slope(begin, here) <= self._high and self._last is not None:
            made = [begin := self._begun(self._last)]
        self._narrow(begin, tick, value)
        self._last = here
        if tick - begin.tick >= self._silence:
            made.append(self._begun(here))
        return made

    def finish(self) -> list[Point]:
        """See ``Exceptions``; the line so far ends at its last reading."""
        return [] if self._last is None else [self._begun(self._last)]

    def _gap(self, tick: int) -> list[Point]:
        begin = self._begin
        if begin is not None and begin.step is None and tick - begin.tick < self._silence:
            return []
        return [*self.finish(), self._begun(Point(tick, None))]

    def _begun(self, point: Point) -> Point:
        """A line, or a gap, begins with this."""
        self._begin, self._last = point, None
        self._low, self._high = -math.inf, math.inf
        return point

    def _slope(self, begin: Point, here: Point) -> float:
        return ((here.step or 0) - (begin.step or 0)) * self._resolution / (here.tick - begin.tick)

    def _narrow(self, begin: Point, tick: int, value: float) -> None:
        """The doors close on a line that would leave this reading outside."""
        rise, run = value - (begin.step or 0) * self._resolution, tick - begin.tick
        self._low = max(self._low, (rise - self._width) / run)
        self._high = min(self._high, (rise + self._width) / run)
