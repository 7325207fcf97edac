"""What of one lane is stored: a contiguous prefix, and ranges above it that came early.

Sequences start at 1. Order and repetition of what is stored do not matter: the mark is a set, kept as ranges.
Declared ranges pass like stored ones: the gateway gave them up and said so.

Not here: when a gateway is told (``reply``), where the mark is kept (``rows.WatermarkRow``).
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from contract.envelope import Range

MAX_PENDING: Final = 500
"""Ranges remembered above the prefix. Beyond it the highest are forgotten: they count as missing, the gateway
sends them again, and that overwrites nothing. Keeps the row far below DynamoDB's 400 KB."""


class Mark(NamedTuple):
    """Everything up to ``through`` is stored, and ``pending`` above it, sorted, disjoint and not adjacent."""

    through: int = 0
    pending: tuple[tuple[int, int], ...] = ()


def advance(mark: Mark, stored: Iterable[tuple[int, int]]) -> Mark:
    """The mark after ranges (``first`` to ``last``, both included) were stored; empty ones do nothing."""
    spans = sorted(span for span in (*mark.pending, *stored) if span[0] <= span[1])
    through, pending = mark.through, list[tuple[int, int]]()
    for first, last in spans:
        if first <= through + 1:
            through = max(through, last)
        elif pending and first <= pending[-1][1] + 1:
            pending[-1] = (pending[-1][0], max(pending[-1][1], last))
        else:
            pending.append((first, last))
    return Mark(through, tuple(pending[:MAX_PENDING]))


def missing(mark: Mark) -> list[Range]:
    """The holes between the prefix and the highest range, lowest first."""
    holes, expected = [], mark.through + 1
    for first, last in mark.pending:
        holes.append(Range(first=expected, last=first - 1))
        expected = last + 1
    return holes


def stored_count(mark: Mark) -> int:
    """How many sequence numbers are stored or declared."""
    return mark.through + sum(last - first + 1 for first, last in mark.pending)


def missing_count(mark: Mark) -> int:
    """How many sequence numbers are missing below the highest."""
    return sum(hole.last - hole.first + 1 for hole in missing(mark))
