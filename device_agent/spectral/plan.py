"""What an operator asked to be made of a sensor's vibrations, checked, and what comes out.

    motor at 1600 Hz: x_g, y_g ─▶ motor-spectrum at 2 Hz: x_g_rms, x_g_kurtosis, x_g_crest, x_g_10_100_hz, y_g_rms …

What comes out is a sensor of its own, judged, summed up and told as any other. A channel that is asked for is not
judged itself: of a vibration, neither a reading nor the mean of some says anything.

Not here: the numbers (``numbers``), gathering windows (``stage``).
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from device_agent.errors import ConfigError
from device_agent.sensors.port import Channel, SensorConfig
from device_agent.sensors.treatment import SpectralConfig

LEAST_SEGMENT_SCANS: Final = 16
MOST_WINDOW_SCANS: Final = 1_000_000
FINER: Final = 10
"""A number made of many readings is kept in steps so much finer than theirs."""

_SHAPE_RESOLUTION: Final = 0.01
"""Of kurtosis and crest factor, which have no unit."""


class Asked(NamedTuple):
    """One channel of which numbers are made."""

    column: int
    channel: Channel
    bands_hz: tuple[tuple[float, float], ...]


class Plan(NamedTuple):
    """Of one sensor.

    Attributes:
        asked: Its channels, in order.
        rate_hz: Scans a second, in the sensor's own time.
        window_scans: Of each set of numbers.
        segment_scans: Of each segment in it.
        step_scans: From one segment to the next.
        channels: What comes out, in order: for each channel RMS, kurtosis, crest factor, then its bands.
    """

    asked: tuple[Asked, ...]
    rate_hz: float
    window_scans: int
    segment_scans: int
    step_scans: int
    channels: tuple[Channel, ...]


def spectrum_name(sensor: str) -> str:
    """As which sensor the numbers are known."""
    return f"{sensor}-spectrum"


def judged_of(channels: Sequence[Channel]) -> list[int]:
    """Places of the channels that are judged by their own readings."""
    return [place for place, channel in enumerate(channels) if _config(channel) is None]


def plan_of(channels: Sequence[Channel], rate_hz: float) -> Plan | None:
    """What is asked; ``None`` where nothing is.

    Args:
        channels: Of the sensor.
        rate_hz: Scans a second, in the sensor's own time.

    Raises:
        ConfigError: It cannot be had at this rate.
    """
    found = [(place, channel, config) for place, channel in enumerate(channels) if (config := _config(channel))]
    if not found:
        return None
    _, first, config = found[0]
    for _, channel, other in found[1:]:
        if (other.window_s, other.segment_s, other.overlap) != (config.window_s, config.segment_s, config.overlap):
            raise ConfigError(
                f"channels.{channel.name}.spectral: other windows than `{first.name}`",
                remedy="give `window_s`, `segment_s` and `overlap` the same values in all channels of a sensor",
            )
    window, segment = _scans(first, config, rate_hz)
    for _, channel, each in found:
        _check_bands(channel, each, rate_hz, resolution_hz=rate_hz / segment)
    step = max(1, round(segment * (1 - config.overlap)))
    asked = tuple(Asked(place, channel, each.bands_hz) for place, channel, each in found)
    made = tuple(made for _, channel, each in found for made in _made(channel, each))
    return Plan(asked, rate_hz, window, segment, step, made)


def plan_for(sensor: SensorConfig) -> Plan | None:
    """The same of a sensor that nobody has opened yet.

    Raises:
        ConfigError: It cannot work as configured, or what is asked cannot be had at its rate.
    """
    found = sensor.describe()
    return plan_of(found.channels, found.rate_hz / found.speed)


def _config(channel: Channel) -> SpectralConfig | None:
    return channel.treatment.spectral if channel.treatment else None


def _scans(channel: Channel, config: SpectralConfig, rate_hz: float) -> tuple[int, int]:
    """Of a window and of a segment."""
    window, segment, place = (
        round(config.window_s * rate_hz),
        round(config.segment_s * rate_hz),
        f"channels.{channel.name}",
    )
    if segment < LEAST_SEGMENT_SCANS:
        raise ConfigError(
            f"{place}.spectral.segment_s: {segment} scans at {rate_hz:g} Hz, at least {LEAST_SEGMENT_SCANS} are needed",
            remedy=f"make it {LEAST_SEGMENT_SCANS / rate_hz:g} s or longer, or `rate_hz` higher",
        )
    if not segment <= window <= MOST_WINDOW_SCANS:
        raise ConfigError(
            f"{place}.spectral.window_s: {window} scans at {rate_hz:g} Hz",
            remedy=f"use at least one segment ({config.segment_s:g} s) and at most {MOST_WINDOW_SCANS:,} scans",
        )
    return window, segment


def _check_bands(channel: Channel, config: SpectralConfig, rate_hz: float, *, resolution_hz: float) -> None:
    for number, (low, high) in enumerate(config.bands_hz):
        place = f"channels.{channel.name}.spectral.bands_hz[{number}]"
        if not resolution_hz <= low < high <= rate_hz / 2:
            raise ConfigError(
                f"{place}: {low:g} to {high:g} Hz",
                remedy=f"stay between {resolution_hz:g} Hz (a longer `segment_s` goes lower) and {rate_hz / 2:g} Hz, "
                "half of `rate_hz`; the lower end first",
            )
        if high - low < resolution_hz:
            raise ConfigError(
                f"{place}: narrower than {resolution_hz:g} Hz", remedy="widen it, or make `segment_s` longer"
            )


def _made(channel: Channel, config: SpectralConfig) -> Iterator[Channel]:
    strength = Channel(
        name=f"{channel.name}_rms",
        unit=channel.unit,
        resolution=channel.resolution / FINER,
        floor=channel.floor,
        alarm_on=config.alarm_on,
    )
    yield strength
    for what in ("kurtosis", "crest"):
        yield Channel(name=f"{channel.name}_{what}", resolution=_SHAPE_RESOLUTION, alarm_on=config.alarm_on)
    for low, high in config.bands_hz:
        name = f"{channel.name}_{low:g}_{high:g}_hz"
        yield Channel(
            name=name,
            unit=channel.unit,
            resolution=strength.resolution,
            floor=channel.floor,
            alarm_on=config.alarm_on,
        )
