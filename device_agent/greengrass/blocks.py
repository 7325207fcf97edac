"""Scans that cross from the process that takes them to the one that judges them: in blocks, each whole by itself.

```
io.thresher.SensorReader ══ thresher/v1/<sensor>/blocks ══▶ io.thresher.EdgeFilter
```
Rules:
1. A block says what the sensor is, so that whoever hears its first block can begin.
2. Blocks are numbered within one start of the reader (``run``): a jump is a loss that can be seen, a step back a copy.
3. Times are the sampler's: wall, and since boot under ``boot_id``. A gap is no number and keeps its reason.
4. At most ``MAX_BLOCK_BYTES``: the lite nucleus takes IPC messages of 10,000 bytes, and base64 adds a third.

Not here: sending (``reader``), what a loss means (``remote``).
"""

import math
import zlib
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from contract.topics import blocks_topic
from device_agent.errors import ConfigError, SensorError
from device_agent.sampling.sampler import Counters
from device_agent.sensors.port import GAP, Channel, Scan

MAX_BLOCK_BYTES: Final = 7000
ANY_SENSOR: Final = blocks_topic("+")
_MAX_SHAPE_BYTES: Final = 4500
_MAX_UNPACKED_BYTES: Final = 256 * 1024
_TOO_LONG: Final = "the reason is too long to travel"


class Row(msgspec.Struct, frozen=True, array_like=True):
    """One scan; see ``device_agent.sensors.port.Scan``.

    Attributes:
        seq: Of its deadline.
        wall_ms: Unix milliseconds.
        monotonic_ns: Since boot.
        values: ``None`` for a gap.
        gaps: By channel's index: index of the reason.
    """

    seq: int
    wall_ms: int
    monotonic_ns: int
    values: tuple[float | None, ...]
    gaps: dict[int, int] = {}


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """Neighbouring scans of one sensor.

    Attributes:
        run: Random, new with each start of the reader, the same for all of its sensors.
        number: From 1 within the run.
        boot_id: Under which the times were taken.
        sensor: Its name.
        rate_hz: Scans a second.
        speed: See ``device_agent.condenser.Shape``.
        shape: The channels, packed (see ``packed_channels``).
        counted: By the sampler, as of this block.
        failing: Whether the sensor cannot be read now.
        dropped: Blocks of this run that the reader gave up, because the nucleus was away too long.
        reasons: Of gaps.
        rows: The scans.
    """

    run: str
    number: int
    boot_id: str
    sensor: str
    rate_hz: float
    speed: float = 1.0
    shape: bytes
    counted: Counters
    failing: bool
    dropped: int
    reasons: tuple[str, ...]
    rows: tuple[Row, ...]

    def scans(self, channels: Sequence[Channel]) -> list[Scan]:
        """Its scans again.

        Raises:
            SensorError: They are not of these channels.
        """
        if any(len(row.values) != len(channels) for row in self.rows):
            raise SensorError(f"block {self.number} of {self.sensor}: not {len(channels)} values a scan")
        return [self._scan(row, channels) for row in self.rows]

    def _scan(self, row: Row, channels: Sequence[Channel]) -> Scan:
        values = tuple(GAP if value is None else value for value in row.values)
        gaps = {channels[place].name: self.reasons[reason] for place, reason in row.gaps.items()}
        return Scan(row.seq, row.wall_ms, row.monotonic_ns, values, gaps)


class Heading(NamedTuple):
    """What all blocks of one sensor and run have in common; see ``Block``."""

    run: str
    boot_id: str
    sensor: str
    rate_hz: float
    speed: float
    channels: tuple[Channel, ...]
    shape: bytes


class Packer:
    """Numbers and packs one sensor's scans. One thread.

    Args:
        heading: Of every block.
    """

    def __init__(self, heading: Heading) -> None:
        self._heading = heading
        self._number = 0
        self._index = {channel.name: place for place, channel in enumerate(heading.channels)}

    def pack(self, scans: Sequence[Scan], counted: Counters, *, failing: bool, dropped: int) -> list[bytes]:
        """As few blocks as hold these scans, in order; an empty sequence gives one that only tells the counts."""
        said = counted, failing, dropped
        data = self._encoded(scans, *said)
        if len(data) <= MAX_BLOCK_BYTES:
            self._number += 1
            return [data]
        if len(scans) == 1:
            return self.pack([_with_short_reasons(scans[0])], counted, failing=failing, dropped=dropped)
        half = len(scans) // 2
        return [
            *self.pack(scans[:half], counted, failing=failing, dropped=dropped),
            *self.pack(scans[half:], counted, failing=failing, dropped=dropped),
        ]

    def _encoded(self, scans: Sequence[Scan], counted: Counters, failing: bool, dropped: int) -> bytes:  # noqa: FBT001 - of ``pack``
        heading, reasons = self._heading, dict[str, int]()
        rows = tuple(self._row(scan, reasons) for scan in scans)
        return msgspec.msgpack.encode(
            Block(
                run=heading.run,
                number=self._number + 1,
                boot_id=heading.boot_id,
                sensor=heading.sensor,
                rate_hz=heading.rate_hz,
                speed=heading.speed,
                shape=heading.shape,
                counted=counted,
                failing=failing,
                dropped=dropped,
                reasons=tuple(reasons),
                rows=rows,
            )
        )

    def _row(self, scan: Scan, reasons: dict[str, int]) -> Row:
        gaps = {self._index[name]: reasons.setdefault(why, len(reasons)) for name, why in scan.gaps.items()}
        values = tuple(None if math.isnan(value) else value for value in scan.values)
        return Row(scan.seq, scan.wall_ms, scan.monotonic_ns, values, gaps)


def packed_channels(sensor: str, channels: tuple[Channel, ...]) -> bytes:
    """A sensor's channels in few bytes.

    Raises:
        ConfigError: A block would have no room for scans beside them.
    """
    shape = zlib.compress(msgspec.msgpack.encode(channels), 9)
    if len(shape) > _MAX_SHAPE_BYTES:
        raise ConfigError(
            f"sensor `{sensor}`: its channels' names take {len(shape)} bytes, a block has room for {_MAX_SHAPE_BYTES}",
            remedy="split the sensor, shorten its channels' names, or deploy io.thresher.Gateway",
        )
    return shape


def unpacked_channels(shape: bytes) -> tuple[Channel, ...]:
    """The channels again.

    Raises:
        SensorError: These bytes are none.
    """
    try:
        text = zlib.decompressobj().decompress(shape, _MAX_UNPACKED_BYTES)
        return msgspec.msgpack.decode(text, type=tuple[Channel, ...])
    except (zlib.error, msgspec.DecodeError) as exc:
        raise SensorError(f"a block's channels: {exc}") from exc


def unpack(message: bytes) -> Block:
    """A block again.

    Raises:
        SensorError: These bytes are none.
    """
    try:
        return msgspec.msgpack.decode(message, type=Block)
    except msgspec.DecodeError as exc:
        raise SensorError(f"a block: {exc}") from exc


def _with_short_reasons(scan: Scan) -> Scan:
    return scan._replace(gaps=dict.fromkeys(scan.gaps, _TOO_LONG))
