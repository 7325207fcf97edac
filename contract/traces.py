"""Readings as few bytes: differences of integers in as many bits as the largest of a block needs, in base64.

```
readings ÷ resolution ─▶ integers ─▶ differences ─▶ blocks of 64: one byte of header, then 64 codes of w bits
header = w, or w + 64 where the block has gaps          code = zigzag(difference), with gaps: 0 or 1 + zigzag
zigzag: 0, -1, 1, -2, 2 … become 0, 1, 2, 3, 4 …        bits from the highest down; a block ends at a whole byte
```
A difference is to the reading before that was no gap, less the trace's ``slope``; the first is to its ``base``. A
block of readings that do not change takes one byte; noise takes its own bits. Integers are within 2**50, so that a
reader whose numbers are float64 is exact.

Not here: which readings (``contract.events``); the same coding of many channels at once
(``device_agent.condense.packing``).
"""

import base64
import binascii
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from contract.errors import ContractError

BLOCK: Final = 64
GAPS: Final = 0x40
MOST_BITS: Final = 54


class Trace(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Raw readings of one channel, lossless to its resolution.

    Attributes:
        unit: Of the values.
        resolution: A value is its integer times this.
        packed: The integers, see the module.
        base: The integer that the first difference is to.
        slope: Is added with every difference.
    """

    unit: str
    resolution: float
    packed: str = ""
    base: int = 0
    slope: int = 0


def pack(steps: Sequence[int | None], *, base: int = 0, slope: int = 0) -> str:
    """Integers, ``None`` for a gap, as a trace's ``packed``."""
    made, level = bytearray(), base
    for start in range(0, len(steps), BLOCK):
        block = steps[start : start + BLOCK]
        codes: list[int | None] = []
        for step in block:
            codes.append(None if step is None else _zigzag(step - level - slope))
            level = level if step is None else step
        made += _block(codes)
    return base64.b64encode(made).decode()


def steps_of(trace: Trace, count: int) -> list[int | None]:
    """The trace's integers, ``None`` for a gap.

    Args:
        trace: As it travelled.
        count: How many readings it holds; the trace does not say.

    Raises:
        ContractError: It does not hold so many.
    """
    try:
        raw = base64.b64decode(trace.packed, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise ContractError(f"trace: not base64: {exc}") from exc
    level, made = trace.base, []
    for code in _codes(raw, count):
        if code is not None:
            level += trace.slope + (code >> 1 if code % 2 == 0 else -(code >> 1) - 1)
        made.append(None if code is None else level)
    return made


def readings_of(trace: Trace, count: int) -> list[float | None]:
    """The trace's readings in its unit, ``None`` for a gap. See ``steps_of``."""
    return [None if step is None else step * trace.resolution for step in steps_of(trace, count)]


def _zigzag(difference: int) -> int:
    return 2 * difference if difference >= 0 else -2 * difference - 1


def _block(codes: Sequence[int | None]) -> bytes:
    has_gaps = None in codes
    shifted = [0 if code is None else code + has_gaps for code in codes]
    bits = max(shifted).bit_length()
    length = (len(shifted) * bits + 7) // 8
    whole = 0
    for code in shifted:
        whole = whole << bits | code
    whole <<= 8 * length - len(shifted) * bits
    return bytes([bits | has_gaps * GAPS]) + whole.to_bytes(length, "big")


def _codes(raw: bytes, count: int) -> Iterator[int | None]:
    at, left = 0, count
    while left > 0:
        readings = min(BLOCK, left)
        header = raw[at] if at < len(raw) else MOST_BITS + 1
        bits, has_gaps = header & (GAPS - 1), bool(header & GAPS)
        length = (readings * bits + 7) // 8
        if bits > MOST_BITS or header > GAPS + MOST_BITS or at + 1 + length > len(raw):
            raise ContractError(f"trace: {len(raw)} bytes do not hold {count} readings")
        whole = int.from_bytes(raw[at + 1 : at + 1 + length], "big")
        for n in range(1, readings + 1):
            code = whole >> (8 * length - n * bits) & ((1 << bits) - 1)
            yield code - has_gaps if code or not has_gaps else None
        at, left = at + 1 + length, left - readings
    if at != len(raw):
        raise ContractError(f"trace: {len(raw)} bytes hold more than {count} readings")
