"""Writes what a sensor measures into a recording that the ``replay`` sensor plays.

One row per deadline, so that a replay keeps the pace: a missed deadline is a row of empty cells.

The file is there when it is whole: rows go to a temporary file beside it, which is synced and renamed at
the end. Stopped early, what was recorded until then is kept; failed, nothing is left behind.

Not here: the file format (``device_agent.sensors.recording_layout``), faults to record (``twin.induce``).
"""

import math
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO

import msgspec

from device_agent.clock import Clock, SystemClock
from device_agent.errors import ConfigError
from device_agent.files import sync_folder
from device_agent.sampling.sampler import Sampler
from device_agent.sensors.port import Channel, Scan, SensorConfig
from device_agent.sensors.recording_layout import METADATA_PREFIX, TIMESTAMP_COLUMN, Metadata
from device_agent.sensors.scan_block import ScanBlock

_BUFFER_BYTES = 1 << 20
"""Rows stay in memory this long: a busy disk, often the very thing recorded, must not delay the sampler."""


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """What was recorded.

    Attributes:
        scans: Readings taken, a row each.
        gaps: Values missing in them, an empty cell each.
        late: Scans taken late, see ``contract.health.SensorHealth``.
        missed: Deadlines without a scan, a row of empty cells each.
        bytes: Size of the file.
    """

    scans: int
    gaps: int
    late: int
    missed: int
    bytes: int


def record(
    sensor: SensorConfig,
    seconds: float,
    output: Path,
    *,
    stop: threading.Event | None = None,
    clock: Clock | None = None,
    progress: Callable[[int], None] | None = None,
) -> Recorded:
    """Records one sensor for a while; an existing file is replaced at the end.

    Args:
        sensor: Its configuration; the rate is the one configured there.
        seconds: How long.
        output: The recording to be.
        stop: Ends it early when set; it is set when the recording is whole.
        clock: This machine's unless given.
        progress: Called with the number of rows so far after each one.

    Raises:
        ConfigError: The sensor cannot work as configured, the length is none, or the file cannot be written.
    """
    if not 0 < seconds < math.inf:
        raise ConfigError(f"{seconds:g} seconds cannot be recorded", remedy="use a positive number of seconds")
    done = stop or threading.Event()
    temporary = output.with_name(f".{output.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="", buffering=_BUFFER_BYTES) as file:
            rows = _Rows(file, done, progress)
            sampler = Sampler(sensor, clock or SystemClock(), rows)
            rows.begin(sensor.name, sampler, seconds)
            sampler.run(done)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(output)
        sync_folder(output.parent)
    except OSError as exc:
        raise ConfigError(f"{output}: {exc.strerror or exc}", remedy="name a file that can be written") from exc
    finally:
        temporary.unlink(missing_ok=True)
    counted, size = sampler.counters, output.stat().st_size
    return Recorded(scans=rows.scans, gaps=rows.gaps, late=counted.late, missed=counted.missed, bytes=size)


class _Rows:
    """A sink that writes each scan as a row at once; the sampler runs on the recorder's own thread.

    Attributes:
        scans: Written.
        gaps: Values missing in them.
    """

    def __init__(self, file: IO[str], done: threading.Event, progress: Callable[[int], None] | None) -> None:
        self._file = file
        self._done = done
        self._progress = progress
        self._channels: tuple[Channel, ...] = ()
        self._decimals: tuple[int, ...] = ()
        self._interval_ms = 0.0
        self._next_seq = 0
        self.scans = self.gaps = 0
        self._last_seq = 0

    def begin(self, name: str, sampler: Sampler, seconds: float) -> None:
        """Writes the two lines at the top and sets the end."""
        self._channels, channels = sampler.channels, list(sampler.channels)
        metadata = msgspec.json.encode(Metadata(sensor=name, rate_hz=sampler.rate_hz, channels=channels))
        columns = ",".join([TIMESTAMP_COLUMN, *(channel.name for channel in channels)])
        self._file.write(f"{METADATA_PREFIX}{metadata.decode()}\n{columns}\n")
        self._decimals = tuple(decimals(channel.resolution) for channel in channels)
        self._interval_ms = 1000 / sampler.rate_hz
        self._last_seq = max(1, round(seconds * sampler.rate_hz)) - 1

    def put(self, scan: Scan) -> bool:
        """See ``ScanSink``; a scan after the recording's end is not taken."""
        for seq in range(self._next_seq, min(scan.seq, self._last_seq + 1)):
            self._write(scan.wall_ms - round((scan.seq - seq) * self._interval_ms), [""] * len(self._decimals))
        if scan.seq >= self._last_seq:
            self._done.set()
        if scan.seq > self._last_seq:
            return False
        cells = [_cell(value, places) for value, places in zip(scan.values, self._decimals, strict=True)]
        self._write(scan.wall_ms, cells)
        self._next_seq = scan.seq + 1
        self.scans += 1
        self.gaps += len(scan.gaps)
        if self._progress:
            self._progress(self._next_seq)
        return True

    def put_block(self, block: ScanBlock) -> bool:
        """See ``ScanSink``."""
        for scan in block.singly(self._channels):
            self.put(scan)
        return True

    def close(self) -> None:
        """See ``ScanSink``."""

    def _write(self, wall_ms: int, cells: list[str]) -> None:
        self._file.write(",".join([_timestamp(wall_ms), *cells]) + "\n")


def decimals(resolution: float) -> int:
    """Places after the point that hold a value to its resolution: 0.1 → 1, 0.25 → 2, 1000 → -3."""
    exact = Decimal(repr(resolution)).normalize().as_tuple().exponent
    return -int(exact)


def _cell(value: float, places: int) -> str:
    return "" if math.isnan(value) else f"{round(value, places):.{max(places, 0)}f}"


def _timestamp(wall_ms: int) -> str:
    moment = datetime.fromtimestamp(wall_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
