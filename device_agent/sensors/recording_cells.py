"""What a cell of a recording says: a number, a time, or why it is neither.

Not here: which cell means what (``device_agent.sensors.recording_layout``).
"""

import csv
import math
from datetime import UTC, datetime

_UNIX_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))
"""From which number on a Unix time is in nano-, micro- or milliseconds; 1e11 s are the year 5138, 1e11 ms 1973."""


def cells_of(line: str, delimiter: str) -> list[str] | None:
    """Of a line; ``None`` where its quoting is broken."""
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return None


def number_of(cell: str) -> float | None:
    """What is written there; ``None`` for what is no number, or not a number."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return None if math.isnan(value) or "_" in cell else value


def why_not(cell: str) -> str:
    """The reason of a gap, for a cell that holds no number."""
    return f"not a number: {cell[:20]!r}" if cell.strip() else "empty"


def time_s_of(cell: str) -> float | None:
    """ISO 8601 (UTC where it names no zone) or a Unix time: seconds, or finer where seconds would be absurd."""
    if (number := number_of(cell)) is not None:
        unit = next((unit for least, unit in _UNIX_UNITS if abs(number) >= least), 1.0)
        return number / unit if math.isfinite(number) else None
    try:
        time = datetime.fromisoformat(cell.strip())
    except ValueError:
        return None
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
