"""Many channels at once into ``contract.traces``: the same bytes, by array.

```
steps [scans, channels] ─▶ levels (gaps filled) ─▶ codes ─▶ blocks of 64 by width ─▶ one buffer, channel after channel
```
A channel's blocks lie one after the other, so that a trace of any stretch of whole blocks is one slice of the buffer.

Not here: what the words mean (``contract.traces``), how much fits an event (``device_agent.condense.parts``).
"""

from binascii import b2a_base64
from typing import Any, Final, NamedTuple

import numpy as np

from contract.traces import BLOCK, GAPS
from device_agent.condense.grid import Array

Integers = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

_BYTES: Final = (1, 2, 4, 8)


class Packed(NamedTuple):
    """Packed columns.

    Attributes:
        scans: How many rows there were.
        levels: The integers, [scans, columns], gaps filled with the reading before.
        data: All blocks, column after column.
        lengths: Of each block in bytes, [columns, blocks].
        starts: By column: where in ``data`` each block begins, and where the last ends.
        bases: By column: the integer that the first difference of each block is to.
    """

    scans: int
    levels: Integers
    data: bytes
    lengths: Integers
    starts: list[list[int]]
    bases: list[list[int]]

    @property
    def blocks(self) -> int:
        """How many blocks of scans there are."""
        return int(self.lengths.shape[1])

    def trace(self, column: int, first: int, last: int) -> str:
        """Blocks ``first`` up to, not including, ``last`` of a column as a trace's ``packed``."""
        part = self.data[self.starts[column][first] : self.starts[column][last]]
        return b2a_base64(part, newline=False).decode()


def pack_columns(steps: Array, slope: int = 0) -> Packed:
    """Packs counts of steps, NaN for a gap; whole numbers within ``grid.MAX_STEPS``.

    Args:
        steps: Of shape [scans, columns], at least one scan.
        slope: What is taken off each difference. The first difference is always 0: its base is itself.
    """
    gaps: Flags = np.isnan(steps)
    levels = _filled(steps, gaps) if gaps.any() else steps.astype(np.int64)
    differences = np.diff(levels, axis=0, prepend=levels[:1])
    if slope:
        differences[1:] -= slope
    codes = (differences << 1) ^ (differences >> 63)
    blocks = _in_blocks(codes)
    flags = np.zeros(blocks.shape[:2], dtype=np.uint8)
    if gaps.any():
        missing = _in_blocks(gaps)
        has_gaps: Flags = np.asarray(missing.any(axis=2))
        blocks += has_gaps[:, :, None]
        blocks[missing] = 0
        _pad(blocks, len(steps))
        flags[has_gaps] = GAPS
    data, lengths, starts = _packed(blocks, flags, len(steps))
    bases = np.concatenate([levels[:1], levels[BLOCK - 1 : -1 : BLOCK]]).T.tolist()
    return Packed(len(steps), levels, data, lengths, starts, bases)


def _filled(steps: Array, gaps: Flags) -> Integers:
    """Each gap takes the reading before; those before the first reading take the first, or 0."""
    rows = np.arange(len(steps))[:, None]
    before = np.maximum.accumulate(np.where(gaps, -1, rows), axis=0)
    first = np.argmax(~gaps, axis=0)
    filled = np.take_along_axis(steps, np.where(before < 0, first, before), axis=0)
    return np.nan_to_num(filled).astype(np.int64)


def _in_blocks(table: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """[scans, columns] to [columns, blocks, 64], filled up with zeros."""
    scans, columns = table.shape
    padded = np.zeros((columns, -(-scans // BLOCK) * BLOCK), dtype=table.dtype)
    padded[:, :scans] = table.T
    return padded.reshape(columns, -1, BLOCK)


def _pad(blocks: Integers, scans: int) -> None:
    """What lies behind the last scan is zero."""
    if rest := scans % BLOCK:
        blocks[:, -1, rest:] = 0


def _packed(
    blocks: Integers, flags: np.ndarray[Any, np.dtype[np.uint8]], scans: int
) -> tuple[bytes, Integers, list[list[int]]]:
    """All blocks in one buffer, how long each is, and where it begins."""
    widths = np.frexp(blocks.max(axis=2).astype(np.float64))[1]
    lengths = 1 + widths * (BLOCK // 8)
    if rest := scans % BLOCK:
        lengths[:, -1] = 1 + (widths[:, -1] * rest + 7) // 8
    starts = np.zeros((len(blocks), blocks.shape[1] + 1), dtype=np.int64)
    starts[:, 1:] = np.cumsum(lengths).reshape(lengths.shape)
    starts[1:, 0] = starts[:-1, -1]
    data = np.empty(int(starts[-1, -1]), dtype=np.uint8)
    for width in np.unique(widths):
        chosen = widths == width
        table = _table(blocks[chosen], int(width), flags[chosen])
        _scatter(data, starts[:, :-1][chosen], lengths[chosen], table)
    return data.tobytes(), lengths, starts.tolist()


def _table(blocks: Integers, width: int, flags: np.ndarray[Any, np.dtype[np.uint8]]) -> np.ndarray[Any, Any]:
    """Blocks of one width, one a row: header and bits."""
    rows = np.empty((len(blocks), 1 + width * (BLOCK // 8)), dtype=np.uint8)
    rows[:, 0] = width | flags
    if width:
        size = next(size for size in _BYTES if width <= 8 * size)
        raw = blocks.astype(f">u{size}").view(np.uint8).reshape(len(blocks), BLOCK, size)
        bits = np.unpackbits(raw, axis=2)[:, :, 8 * size - width :]
        rows[:, 1:] = np.packbits(bits.reshape(len(blocks), -1), axis=1)
    return rows


def _scatter(data: np.ndarray[Any, Any], starts: Integers, lengths: Integers, rows: np.ndarray[Any, Any]) -> None:
    """Writes each row to its place; a short one only as far as it reaches."""
    whole = lengths == rows.shape[1]
    places = starts[whole][:, None] + np.arange(rows.shape[1])
    data[places] = rows[whole]
    for start, length, row in zip(starts[~whole], lengths[~whole], rows[~whole], strict=True):
        data[start : start + length] = row[:length]
