"""What every sensor driver is.

A driver file holds a tagged configuration Struct (its ``open()`` makes the sensor) and the sensor itself.
``read`` returns one reading of every channel at once. The sampler stamps the time; a driver never does.
A channel that could not be read is a gap with a reason; a sensor that could not be read raises.

Not here: pacing (``device_agent.sampling``), cleaning (``device_agent.cleaning``).
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, Protocol, Self, runtime_checkable

import msgspec
from msgspec import Meta

from device_agent.errors import ConfigError
from device_agent.sensors.treatment import AlarmOn, Treatment, TreatmentKeys

if TYPE_CHECKING:  # components that only forward have no NumPy
    import numpy as np
    from numpy.typing import NDArray

HIGHEST_RATE_HZ = 1000
"""Of a sensor that is read scan by scan."""

HIGHEST_BLOCK_RATE_HZ = 3200
"""Of a sensor that is read in blocks."""

GAP = math.nan
"""How a missing value is held inside the process; it never leaves it as a number."""

NOT_MEASURED = "not measured"
"""The reason of a gap that its driver says nothing of."""


class Channel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One quantity a sensor measures.

    Attributes:
        name: Unique within the sensor, with the unit's suffix where it helps (``cpu_percent``).
        unit: As shown to a person: ``%``, ``°C``, ``B/s``.
        resolution: The smallest step worth keeping, in units; summaries and raw traces are rounded to it.
        floor: The smallest spread worth noticing, in units: a calibration never assumes less noise than this.
            0 means that the recorded noise alone decides.
        low: Readings below are gaps (reason ``below range``); ``None`` means no limit.
        high: Readings above are gaps.
        alarm_on: In which direction a deviation matters.
        treatment: What an operator asked to be done with it; ``None`` for nothing.
    """

    name: str
    unit: str = ""
    resolution: float = 0.001
    floor: float = 0.0
    low: float | None = None
    high: float | None = None
    alarm_on: AlarmOn = "both"
    treatment: Treatment | None = None


class Description(NamedTuple):
    """What a sensor will deliver, known from its configuration before any hardware answers.

    Attributes:
        channels: In the order of every reading's values, an operator's overrides applied.
        rate_hz: Scans per second it is to be read at.
        speed: Seconds of the sensor's own time in a second; only what replays a recording differs from 1.
        in_blocks: Whether its hardware keeps the pace, so that what it opens is read as a ``BlockSensor``.
    """

    channels: tuple[Channel, ...]
    rate_hz: float
    speed: float = 1.0
    in_blocks: bool = False


class Reading(NamedTuple):
    """One value per channel, in the channels' order and units.

    Attributes:
        values: ``GAP`` where there is none.
        gaps: Reason by channel name, for exactly the channels whose value is ``GAP``.
    """

    values: tuple[float, ...]
    gaps: Mapping[str, str]


def no_reading(channels: tuple[Channel, ...], reason: str) -> Reading:
    """A reading in which every channel is a gap for the same reason."""
    return Reading((GAP,) * len(channels), dict.fromkeys((channel.name for channel in channels), reason))


class Scan(NamedTuple):
    """A reading with its time.

    Attributes:
        seq: Counts the sensor's deadlines from 0; a jump means missed deadlines.
        wall_ms: Unix milliseconds by the gateway's clock.
        monotonic_ns: Nanoseconds since boot.
        values: See ``Reading``.
        gaps: See ``Reading``.
    """

    seq: int
    wall_ms: int
    monotonic_ns: int
    values: tuple[float, ...]
    gaps: Mapping[str, str]


class EndOfRecordingError(Exception):
    """A replay came to its end and does not loop: the sampler stops this sensor, nothing is wrong."""


class Sensor(Protocol):
    """An open sensor. One thread at a time may call it."""

    @property
    def channels(self) -> tuple[Channel, ...]:
        """What it measures; the same for as long as it is open."""

    def read(self) -> Reading:
        """Reads every channel once.

        Raises:
            SensorError: Nothing could be read.
            EndOfRecordingError: There is nothing more, ever.
        """

    def close(self) -> None:
        """Gives the hardware back. A second call does nothing."""


class Block(NamedTuple):
    """Scans that a sensor took by itself since the block before, at even intervals.

    Attributes:
        values: Scans by channels, oldest first, in the channels' units; ``GAP`` where there is none.
        offset_ns: When the first scan was taken, from when the block was asked for; usually negative.
        gap: Why scans are missing before the first one; empty where none are.
        lost: How many are missing there, as far as is known.
    """

    values: "NDArray[np.float64]"
    offset_ns: int
    gap: str = ""
    lost: int = 0


@runtime_checkable
class BlockSensor(Protocol):
    """An open sensor that keeps its own pace and is read in blocks. One thread at a time may call it."""

    @property
    def channels(self) -> tuple[Channel, ...]:
        """See ``Sensor``."""

    def read_block(self) -> Block:
        """Takes what has gathered, perhaps no scan at all; does not wait for more. Raises ``SensorError``."""

    def close(self) -> None:
        """See ``Sensor``."""


class SensorConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """What every driver's configuration has.

    Attributes:
        name: Of the sensor, unique on the gateway; letters, digits, ``_`` and ``-``.
        rate_hz: Scans per second.
        channels: Overrides by channel name, e.g. ``{cpu_percent: {floor: 15}}``.
    """

    name: str
    rate_hz: Annotated[float, Meta(gt=0, le=HIGHEST_RATE_HZ)] = 10.0
    channels: dict[str, "ChannelOverride"] = {}

    def located(self, folder: Path) -> Self:
        """The same, with relative paths in it taken from a folder."""
        del folder
        return self

    def devices(self) -> tuple[str, ...]:
        """Device files and folders of this machine that it opens, for ``thresher doctor``."""
        return ()

    def describe(self) -> Description:
        """What the open sensor will deliver; touches no hardware, so it also holds while a sensor is down.

        Raises:
            ConfigError: The configuration cannot work on any machine of this kind.
        """
        raise NotImplementedError

    def open(self) -> Sensor:
        """Opens the sensor.

        Raises:
            ConfigError: The configuration cannot work on any machine of this kind.
            SensorError: The hardware does not answer now; may be tried again.
        """
        raise NotImplementedError


class ChannelOverride(TreatmentKeys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The parts of a ``Channel`` an operator may change, see there, and what is to be done with its values."""

    unit: str | None = None
    floor: float | None = None
    low: float | None = None
    high: float | None = None
    resolution: float | None = None
    alarm_on: AlarmOn | None = None


def override(channels: tuple[Channel, ...], changes: Mapping[str, ChannelOverride]) -> tuple[Channel, ...]:
    """The driver's channels with an operator's changes; a name the driver lacks raises ``ConfigError``."""
    unknown = sorted(set(changes) - {channel.name for channel in channels})
    if unknown:
        known = ", ".join(channel.name for channel in channels)
        raise ConfigError(f"channels: unknown channel `{unknown[0]}`", remedy=f"use one of: {known}")
    return tuple(_changed(channel, changes.get(channel.name)) for channel in channels)


_OF_CHANNEL = ("unit", "floor", "low", "high", "resolution", "alarm_on")


def _changed(channel: Channel, change: ChannelOverride | None) -> Channel:
    if change is None:
        return channel
    given = {name: value for name in _OF_CHANNEL if (value := getattr(change, name)) is not None}
    asked = Treatment(**{name: getattr(change, name) for name in TreatmentKeys.__struct_fields__})
    if asked == Treatment():
        return msgspec.structs.replace(channel, **given)
    if asked.calibrates:
        asked = msgspec.structs.replace(asked, raw_low=channel.low, raw_high=channel.high)
        channel = _scaled(channel, abs(asked.scale))
    return msgspec.structs.replace(channel, **given, treatment=asked)


def _scaled(channel: Channel, by: float) -> Channel:
    """The driver's limits are in what it reads, and hold there."""
    if not by:
        raise ConfigError(f"channels: `{channel.name}.scale` is 0", remedy="use any other number")
    return msgspec.structs.replace(
        channel, low=None, high=None, resolution=channel.resolution * by, floor=channel.floor * by
    )
