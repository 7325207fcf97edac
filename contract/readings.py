"""What was measured, for the lanes ``summaries`` and ``context``: statistics, raw scans, readings worth reporting.

A measurement that does not exist is ``None``, absent or a gap, never a plausible number.

Not here: how readings are packed (``contract.traces``), what was made of them (``contract.events``).
"""

from typing import Literal

import msgspec

from contract.events import Event, SensorState
from contract.traces import Trace


class ChannelSummary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One channel over one summary window. Statistics are ``None`` where every reading was a gap.

    Attributes:
        unit: Of the statistics.
        count: Readings.
        gaps: Readings that are missing.
        mean: Of the readings.
        min: Lowest reading.
        max: Highest reading.
        std: Spread of the readings, the population's.
        flags: Why readings are missing, as far as cleaning took them out: by ``below_range``, ``above_range``,
            ``not_finite``, ``step``, ``spike``, ``stuck``, how many. The other gaps were never read.
    """

    unit: str
    count: int
    gaps: int = 0
    mean: float | None = None
    min: float | None = None
    max: float | None = None
    std: float | None = None
    flags: dict[str, int] = {}


class Summary(Event, frozen=True, kw_only=True, omit_defaults=True, tag="summary"):
    """All channels of one sensor over one tumbling window; ``wall_ms`` is the window's end.

    Attributes:
        sensor: Name of the sensor.
        start_wall_ms: The window's start.
        scans: Readings of the whole sensor taken in the window.
        windows: Model windows scored in it.
        max_score: Highest score in it, ``None`` while calibrating.
        state: Of the sensor's filter at the window's end.
        channels: By channel name.
    """

    sensor: str
    start_wall_ms: int
    scans: int
    state: SensorState
    channels: dict[str, ChannelSummary]
    windows: int = 0
    max_score: float | None = None


class Context(Event, frozen=True, kw_only=True, omit_defaults=True, tag="context"):
    """Raw scans around an episode's onset, or of a stretch of time; ``wall_ms`` is the first scan's time.

    What is too long for one event is cut by time, and what is too wide by channel too; each part stands for itself.

    Attributes:
        episode_id: The episode they belong to; empty where everything is kept.
        sensor: Name of the sensor.
        scans: How many.
        span_ms: From the first to the last, by the monotonic clock.
        times: Each scan's time after ``wall_ms``, in milliseconds by the monotonic clock.
        traces: By channel name; each holds as many readings as there are scans.
        part: Which part this is, from 1.
        parts: How many parts there are.
    """

    episode_id: str
    sensor: str
    scans: int
    traces: dict[str, Trace]
    times: Trace = Trace(unit="ms", resolution=1.0)
    span_ms: int = 0
    part: int = 1
    parts: int = 1


class Reported(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One channel's readings that were worth reporting.

    Attributes:
        mode: How the readings between are known, see ``Report``.
        width: How far they may be from that: in the unit, or in percent of the reading before.
        readings: How many were reported.
        times: Of each, in milliseconds after the report's ``wall_ms`` by the monotonic clock; never falling.
        values: Of each; a gap is the beginning of a stretch without readings.
    """

    mode: Literal["absolute", "percent", "swinging_door"]
    width: float
    readings: int
    times: Trace
    values: Trace


class Report(Event, frozen=True, kw_only=True, omit_defaults=True, tag="report"):
    """Readings by exception: those without which the others could not be known closely enough.

    Between two of them every reading was within ``width`` of the former (``absolute``, ``percent``), or of the
    straight line between the two (``swinging_door``); never less than half the resolution. ``wall_ms`` is the
    first one's time.

    Attributes:
        sensor: Name of the sensor.
        channels: By channel name.
    """

    sensor: str
    channels: dict[str, Reported]
