"""Recordings: CSV files of scans, read line by line and never held in memory as a whole.

```
# thresher-recording: {"sensor":"host","rate_hz":10.0,"channels":[{"name":"cpu_percent","unit":"%",…}]}
timestamp,cpu_percent,load_1m
2026-11-23T09:00:00.123Z,12.5,0.31
2026-11-23T09:00:00.223Z,,0.31                an empty cell is a gap
```
The first line is optional: any CSV with one header line, ``,`` or ``;``, can be read. Without it a channel is a
column in which one of the first rows holds a number, and the rate comes from the timestamps.

A row that cannot be read is a row of gaps with its number and the reason; it never ends the reading.

Not here: pacing, rebasing of times (``device_agent.sensors.replay``), writing (``device_agent.recorder``).
"""

import csv
import math
import statistics
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice, pairwise
from pathlib import Path
from typing import IO, NamedTuple

import msgspec

from device_agent.errors import ConfigError
from device_agent.sensors.port import GAP, Channel, Reading, no_reading

METADATA_PREFIX = "# thresher-recording: "
TIMESTAMP_COLUMN = "timestamp"
TIME_NAMES = (
    *(TIMESTAMP_COLUMN, "datetime", "date_time", "date time", "time", "date", "ts", "epoch"),
    *("unix_time", "timestamp_ms", "event_time", "t"),
)
"""Usual names of the timestamp's column in lower case, the likeliest first: ``t`` may be a temperature."""

_LONGEST_LINE = 64 * 1024
_ROWS_LOOKED_AT = 100
_UNIX_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))
"""From which number on a Unix time is in nano-, micro- or milliseconds; 1e11 s are the year 5138, 1e11 ms 1973."""


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


class Row(NamedTuple):
    """One row.

    Attributes:
        number: Of its line in the file, from 1.
        time_s: Unix seconds, ``None`` where there is none or it cannot be read.
        reading: Values in the channels' order.
        time: The timestamp as it is written there; empty where there is none.
    """

    number: int
    time_s: float | None
    reading: Reading
    time: str = ""


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


class Recording:
    """A recording, checked when made.

    Args:
        path: The file.
        columns: Take only these; empty means all that hold numbers (or all that the metadata names).
        time_column: Name of the timestamp's column; ``None`` means the one with the likeliest of ``TIME_NAMES``.

    Raises:
        ConfigError: No such file, no header, no such column, no numeric column; names file and line.
    """

    def __init__(self, path: Path, columns: tuple[str, ...] = (), *, time_column: str | None = None) -> None:
        self.path = path
        try:
            with _open(path) as file:
                self.layout = _layout(file, str(path), columns, time_column)
        except OSError as exc:
            raise ConfigError(f"{path}: {exc.strerror or exc}", remedy="name a recording that can be read") from exc

    def rows(self) -> Iterator[Row]:
        """All rows in order. Raises ``OSError`` when the file fails under way."""
        with _open(self.path) as file:
            yield from _rows(islice(_lines(file), self.layout.first_line - 1, None), self.layout)


def _open(path: Path) -> IO[str]:
    # bytes that are no UTF-8 must spoil their own cell only
    return path.open(encoding="utf-8-sig", errors="replace", newline="")


def _lines(file: IO[str]) -> Iterator[str]:
    while line := file.readline(_LONGEST_LINE):
        yield line.rstrip("\r\n")


def _layout(file: IO[str], source: str, wanted: tuple[str, ...], time_column: str | None) -> Layout:
    lines = _lines(file)
    first = next(lines, "")
    metadata, header, header_line = Metadata(), first, 1
    if first.startswith("#"):
        metadata, header, header_line = _metadata(first, source), next(lines, ""), 2
    delimiter = ";" if header.count(";") > header.count(",") else ","
    names = [name.strip() for name in _cells(header, delimiter) or []]
    place = f"{source}:{header_line}"
    if not any(names) or all(_number(name) is not None for name in names):
        raise ConfigError(f"{place}: no header", remedy="begin with a line that names the columns")
    time_at = _time_at(names, time_column, place)
    sample = [_cells(line, delimiter) or [] for line in islice(lines, _ROWS_LOOKED_AT)]
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
        if at != time_at and any(at < len(cells) and _number(cells[at]) is not None for cells in sample)
    )


def _rate(sample: list[list[str]], time_at: int | None) -> float | None:
    """Median of the first intervals, so that single holes do not matter."""
    if time_at is None:
        return None
    times = [_time_s(cells[time_at]) for cells in sample if time_at < len(cells)]
    steps = [b - a for a, b in pairwise(times) if a is not None and b is not None and b > a]
    return 1 / statistics.median(steps) if steps else None


def _rows(lines: Iterator[str], layout: Layout) -> Iterator[Row]:
    for number, line in enumerate(lines, layout.first_line):
        if line.strip():
            yield _row(number, line, layout)


def _row(number: int, line: str, layout: Layout) -> Row:
    cells = _cells(line, layout.delimiter)
    if cells is None or len(cells) != layout.width:
        said = "bad quoting" if cells is None else f"{len(cells)} cells instead of {layout.width}"
        return Row(number, None, no_reading(layout.channels, f"row {number}: {said}"))
    time_s = None if layout.time_at is None else _time_s(cells[layout.time_at])
    values: list[float] = []
    gaps: dict[str, str] = {}
    for channel, at in zip(layout.channels, layout.columns, strict=True):
        value = _number(cells[at])
        if value is None:
            gaps[channel.name] = f"row {number}: {_why(cells[at])}"
        values.append(GAP if value is None else value)
    return Row(number, time_s, Reading(tuple(values), gaps), "" if layout.time_at is None else cells[layout.time_at])


def _cells(line: str, delimiter: str) -> list[str] | None:
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return None if math.isnan(value) or "_" in cell else value


def _why(cell: str) -> str:
    return f"not a number: {cell[:20]!r}" if cell.strip() else "empty"


def _time_s(cell: str) -> float | None:
    """ISO 8601 (UTC where it names no zone) or a Unix time: seconds, or finer where seconds would be absurd."""
    if (number := _number(cell)) is not None:
        unit = next((unit for least, unit in _UNIX_UNITS if abs(number) >= least), 1.0)
        return number / unit if math.isfinite(number) else None
    try:
        time = datetime.fromisoformat(cell.strip())
    except ValueError:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
