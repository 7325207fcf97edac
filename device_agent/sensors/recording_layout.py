"""Where things stand in a recording: told by its first line, or by its header and first rows.

```
# thresher-recording: {"sensor":"host","rate_hz":10.0,"channels":[{"name":"cpu_percent","unit":"%",…}]}
timestamp,cpu_percent,load_1m
2026-11-23T09:00:00.123Z,12.5,0.31
```
The first line is optional: any CSV with one header line, ``,`` or ``;``, can be read. Without it a channel is a
column in which one of the first rows holds a number, and the rate comes from the timestamps.

Not here: the rows (``device_agent.sensors.recording``).
"""

import statistics
from collections.abc import Iterator
from itertools import islice, pairwise
from typing import NamedTuple

import msgspec

from device_agent.errors import ConfigError
from device_agent.sensors.port import Channel
from device_agent.sensors.recording_cells import cells_of, number_of, time_s_of

METADATA_PREFIX = "# thresher-recording: "
TIMESTAMP_COLUMN = "timestamp"
TIME_NAMES = (
    *(TIMESTAMP_COLUMN, "datetime", "date_time", "date time", "time", "date", "ts", "epoch"),
    *("unix_time", "timestamp_ms", "event_time", "t"),
)
"""Usual names of the timestamp's column in lower case, the likeliest first: ``t`` may be a temperature."""

_ROWS_LOOKED_AT = 100


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """What a recording says about itself.

    Attributes:
        sensor: Name of the sensor that was recorded.
        rate_hz: Scans per second; given, it says that there is one row per deadline.
        channels: In the columns' order.
    """

    sensor: str = ""
    rate_hz: float | None = None
    channels: list[Channel] = []


class Layout(NamedTuple):
    """Where things stand in the file.

    Attributes:
        delimiter: ``,`` or ``;``.
        width: Cells per row.
        time_at: Column of the timestamp, ``None`` without one.
        channels: What is measured.
        columns: Column of each channel.
        first_line: Number of the first row's line.
        rate_hz: Recorded scans per second, ``None`` where nothing tells.
        paced: Whether the recorder says that there is one row per deadline, whatever the timestamps.
    """

    delimiter: str
    width: int
    time_at: int | None
    channels: tuple[Channel, ...]
    columns: tuple[int, ...]
    first_line: int
    rate_hz: float | None
    paced: bool


def layout_of(lines: Iterator[str], source: str, wanted: tuple[str, ...], *, time_column: str | None) -> Layout:
    """Read off a file's first lines.

    Args:
        lines: From the file's first on.
        source: Names the file in errors.
        wanted: See ``Recording``.
        time_column: See ``Recording``.

    Raises:
        ConfigError: See ``Recording``.
    """
    first = next(lines, "")
    metadata, header, header_line = Metadata(), first, 1
    if first.startswith("#"):
        metadata, header, header_line = _metadata(first, source), next(lines, ""), 2
    delimiter = ";" if header.count(";") > header.count(",") else ","
    names = [name.strip() for name in cells_of(header, delimiter) or []]
    place = f"{source}:{header_line}"
    if not any(names) or all(number_of(name) is not None for name in names):
        raise ConfigError(f"{place}: no header", remedy="begin with a line that names the columns")
    time_at = _time_at(names, time_column, place)
    sample = [cells_of(line, delimiter) or [] for line in islice(lines, _ROWS_LOOKED_AT)]
    _check_widths(sample, len(names), place)
    named = wanted or tuple(channel.name for channel in metadata.channels)
    channels = _channels(metadata, named or _numeric(names, sample, time_at))
    _check(names, [channel.name for channel in channels], place)
    return Layout(
        delimiter=delimiter,
        width=len(names),
        time_at=time_at,
        channels=channels,
        columns=tuple(names.index(channel.name) for channel in channels),
        first_line=header_line + 1,
        rate_hz=metadata.rate_hz or _rate(sample, time_at),
        paced=metadata.rate_hz is not None,
    )


def _time_at(names: list[str], wanted: str | None, place: str) -> int | None:
    if wanted is None:
        lower = [name.lower() for name in names]
        return next((lower.index(name) for name in TIME_NAMES if name in lower), None)
    _check(names, [wanted], place)
    return names.index(wanted)


def _metadata(line: str, source: str) -> Metadata:
    if not line.startswith(METADATA_PREFIX):
        return Metadata()
    try:
        return msgspec.json.decode(line.removeprefix(METADATA_PREFIX), type=Metadata)
    except msgspec.DecodeError as exc:
        raise ConfigError(f"{source}:1: {exc}", remedy="mend or remove the recording's first line") from exc


def _channels(metadata: Metadata, names: tuple[str, ...]) -> tuple[Channel, ...]:
    """The metadata's channels, or those of the names given, which keep what the metadata says of them."""
    known = {channel.name: channel for channel in metadata.channels}
    return tuple(known.get(name, Channel(name=name)) for name in names)


def _check(names: list[str], wanted: list[str], place: str) -> None:
    if not wanted:
        raise ConfigError(
            f"{place}: no numeric column", remedy="use one, in UTF-8, with `,` or `;` between cells and `.` in numbers"
        )
    for name in wanted:
        if names.count(name) != 1:
            said = "no column" if name not in names else "more than one column"
            raise ConfigError(f"{place}: {said} `{name}`", remedy=f"columns here: {', '.join(names)}")


def _check_widths(sample: list[list[str]], width: int, place: str) -> None:
    """Single odd rows are gaps; a file in which every row is odd was made otherwise than it seems."""
    widths = {len(cells) for cells in sample if any(cells)}
    if widths and width not in widths:
        raise ConfigError(
            f"{place}: {width} columns are named, but the rows have {min(widths)} cells",
            remedy="name every column in the first line, and separate all lines alike",
        )


def _numeric(names: list[str], sample: list[list[str]], time_at: int | None) -> tuple[str, ...]:
    return tuple(
        name
        for at, name in enumerate(names)
        if at != time_at and any(at < len(cells) and number_of(cells[at]) is not None for cells in sample)
    )


def _rate(sample: list[list[str]], time_at: int | None) -> float | None:
    """Median of the first intervals, so that single holes do not matter."""
    if time_at is None:
        return None
    times = [time_s_of(cells[time_at]) for cells in sample if time_at < len(cells)]
    steps = [b - a for a, b in pairwise(times) if a is not None and b is not None and b > a]
    return 1 / statistics.median(steps) if steps else None
