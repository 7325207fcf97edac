"""Recordings: CSV files of scans, read line by line and never held in memory as a whole.

A row that cannot be read is a row of gaps with its number and the reason, an empty cell is a gap; neither ever ends
the reading.

Not here: what may stand in front of the rows (``device_agent.sensors.recording_layout``), pacing, rebasing of times
(``device_agent.sensors.replay``), writing (``device_agent.recorder``).
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, NamedTuple

from device_agent.errors import ConfigError
from device_agent.sensors.port import GAP, Reading, no_reading
from device_agent.sensors.recording_cells import cells_of, number_of, time_s_of, why_not
from device_agent.sensors.recording_layout import Layout, layout_of

_LONGEST_LINE = 64 * 1024


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
                self.layout = layout_of(_lines(file), str(path), columns, time_column=time_column)
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


def _rows(lines: Iterator[str], layout: Layout) -> Iterator[Row]:
    for number, line in enumerate(lines, layout.first_line):
        if line.strip():
            yield _row(number, line, layout)


def _row(number: int, line: str, layout: Layout) -> Row:
    cells = cells_of(line, layout.delimiter)
    if cells is None or len(cells) != layout.width:
        said = "bad quoting" if cells is None else f"{len(cells)} cells instead of {layout.width}"
        return Row(number, None, no_reading(layout.channels, f"row {number}: {said}"))
    time_s = None if layout.time_at is None else time_s_of(cells[layout.time_at])
    values: list[float] = []
    gaps: dict[str, str] = {}
    for channel, at in zip(layout.channels, layout.columns, strict=True):
        value = number_of(cells[at])
        if value is None:
            gaps[channel.name] = f"row {number}: {why_not(cells[at])}"
        values.append(GAP if value is None else value)
    return Row(number, time_s, Reading(tuple(values), gaps), "" if layout.time_at is None else cells[layout.time_at])
