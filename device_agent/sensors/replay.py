"""The ``replay`` sensor: a recording read as if it happened now, at real or raised speed.

Recorded intervals are kept, divided by ``speed``. Our own recordings have a row per deadline; in others a hole
becomes as many scans of gaps as it would have held. Where a looping recording starts over stands one scan of gaps,
so that nothing downstream takes the recording's end and its beginning for neighbours.

Not here: the file format (``device_agent.sensors.recording``).
"""

import math
from collections.abc import Generator
from pathlib import Path
from typing import Annotated, Self

import msgspec
from msgspec import Meta

from device_agent.errors import SensorError
from device_agent.sensors.port import (
    Channel,
    Description,
    EndOfRecordingError,
    Reading,
    SensorConfig,
    no_reading,
    override,
)
from device_agent.sensors.recording import Recording

LONGEST_HOLE_SCANS = 64
"""A longer hole is cut to this, one window: the filter forgets no more than that."""

_LAG_KEPT = 0.9
_SLACK = 0.25

AHEAD_ROWS = 64
"""Read before they are due; who waits for the first one waits for a millisecond."""


class ReplaySensor(SensorConfig, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="replay"):
    """Plays a recording. ``rate_hz`` matters only where the recording does not tell its own rate.

    Attributes:
        path: Of the recording; a relative one is meant from the configuration's folder (see ``located``).
        speed: How many times faster than it was recorded.
        loop: Whether to start over at the end.
        columns: Take only these columns as channels; empty means all that hold numbers.
    """

    path: str
    speed: Annotated[float, Meta(gt=0, le=1000)] = 1.0
    loop: bool = False
    columns: tuple[str, ...] = ()

    def located(self, folder: Path) -> Self:
        """See ``SensorConfig``."""
        return msgspec.structs.replace(self, path=str(folder / self.path))

    def describe(self) -> Description:
        """See ``SensorConfig``; reads the recording's beginning."""
        return self._describe(self._recording())

    def open(self) -> "Replay":
        """See ``SensorConfig``."""
        recording = self._recording()
        return Replay(recording, self._describe(recording), self.speed, loop=self.loop)

    def _recording(self) -> Recording:
        return Recording(Path(self.path), self.columns)

    def _describe(self, recording: Recording) -> Description:
        channels = override(recording.layout.channels, self.channels)
        rate_hz = (recording.layout.rate_hz or self.rate_hz) * self.speed
        return Description(channels, rate_hz, self.speed)


class Replay:
    """The open sensor, see ``Sensor``."""

    def __init__(self, recording: Recording, description: Description, speed: float, *, loop: bool) -> None:
        self._channels = description.channels
        self._interval_s = speed / description.rate_hz
        self._closed = False
        self._readings = ahead(self._endless(recording) if loop else self._once(recording))

    @property
    def channels(self) -> tuple[Channel, ...]:
        """See ``Sensor``."""
        return self._channels

    def read(self) -> Reading:
        """See ``Sensor``; raises ``EndOfRecordingError`` at the end of one that does not loop."""
        if self._closed:
            raise SensorError("the recording is closed")
        try:
            return next(self._readings)
        except StopIteration:
            raise EndOfRecordingError from None
        except OSError as exc:
            self.close()
            raise SensorError(f"the recording cannot be read on: {exc.strerror or exc}") from exc

    def close(self) -> None:
        """See ``Sensor``."""
        self._closed = True
        self._readings.close()

    def _endless(self, recording: Recording) -> Generator[Reading]:
        while True:
            yield from self._once(recording)
            yield no_reading(self._channels, "recording restarts")

    def _once(self, recording: Recording) -> Generator[Reading]:
        holes = None if recording.layout.paced else Holes(self._interval_s)
        for row in recording.rows():
            for _ in range(holes.before(row.time_s) if holes else 0):
                yield no_reading(self._channels, f"row {row.number}: hole in the recording")
            yield row.reading


def ahead(readings: Generator[Reading]) -> Generator[Reading]:
    """The same, computed ``AHEAD_ROWS`` at a time: one by one, a row costs ten times as much as among others.

    What is wrong with the file is raised when what was read before it has been given out.
    """
    held: list[Reading] = []
    try:
        for reading in readings:
            held.append(reading)
            if len(held) == AHEAD_ROWS:
                yield from held
                held = []
    except OSError:
        yield from held
        raise
    finally:
        readings.close()
    yield from held


class Holes:
    """Finds how many scans are missing between rows.

    A scan may be late without one missing, and the next is then early; so what counts is how far rows lag behind an
    even pace, not the distance of two. The lag fades, for no two clocks agree.

    Args:
        interval_s: Recorded seconds from scan to scan.
    """

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._last_s: float | None = None
        self._lag = 0.0

    def before(self, time_s: float | None) -> int:
        """Scans missing before the row of that time; a row without a time ends all knowledge."""
        last_s, self._last_s = self._last_s, time_s
        if last_s is None or time_s is None:
            self._lag = 0.0
            return 0
        lag = self._lag * _LAG_KEPT + (time_s - last_s) / self._interval_s - 1
        missing = max(0, math.floor(lag + _SLACK))
        self._lag = max(lag - missing, -1.0)
        return min(missing, LONGEST_HOLE_SCANS)
