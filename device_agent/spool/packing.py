"""Which neighbours fit into one envelope: arithmetic only.

A block is a run of consecutive sequence numbers of one boot whose envelope stays within
``MAX_ENVELOPE_BYTES``. A spool does not know the gateway's id, so the longest legal one is reckoned with.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from contract.codec import encode_envelope
from contract.envelope import MAX_ENVELOPE_BYTES, Declared, Envelope
from contract.events import Lane

MAX_DECLARED = 8
"""Declarations carried by one envelope; more of them travel with the next."""

NO_BOOT: Final = "unknown"
"""Under which declarations travel where nothing ever happened in their lane, or nobody can read what did."""

_LONGEST_GATEWAY_ID = "x" * 64
_LONGEST_SEQ = 10**15


class Row(NamedTuple):
    """One unsealed event."""

    seq: int
    boot_id: str
    body: bytes


class Run(NamedTuple):
    """Rows that fit together, and whether nothing more could join them."""

    rows: tuple[Row, ...]
    full: bool


def room(
    spool_id: str, boot_id: str, lane: Lane, declared: Sequence[Declared] = (), *, limit: int = MAX_ENVELOPE_BYTES
) -> int:
    """Bytes left for events (and the commas between them) in one envelope of at most ``limit`` bytes."""
    empty = Envelope(
        gateway_id=_LONGEST_GATEWAY_ID,
        spool_id=spool_id,
        boot_id=boot_id,
        lane=lane,
        first_seq=_LONGEST_SEQ,
        events=[],
        declared=list(declared),
    )
    return limit - len(encode_envelope(empty))


def pack(rows: Iterable[Row], capacity: Callable[[str], int]) -> Run:
    """The longest run from the first row on: consecutive, of one boot, within ``capacity(boot_id)`` bytes."""
    taken: list[Row] = []
    used = most = 0
    for row in rows:
        if not taken:
            most = capacity(row.boot_id)
        used += len(row.body) + (1 if taken else 0)
        if used > most or (taken and not _follows(row, taken[-1])):
            return Run(tuple(taken), full=True)
        taken.append(row)
    return Run(tuple(taken), full=False)


def _follows(row: Row, previous: Row) -> bool:
    return row.seq == previous.seq + 1 and row.boot_id == previous.boot_id
