"""Two blocks of one key that are not equal: what the second adds, and whether they contradict each other.

A gateway that finds one event of a sealed block damaged seals its neighbours again, so a second block may be
shorter, or say more about what was given up, without contradicting. An event in a place that was quarantined
(``null``) is one that this version understands and an older one did not. Two different events under one
sequence number are never right: two devices count the same spool, or a storage was set back.
"""

from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from cloud_functions.core.ports import AnyRow
from cloud_functions.core.rows import Block
from cloud_functions.core.sift import sift
from contract.envelope import Envelope

_GONE = b"null"
_raws = msgspec.json.Decoder(list[msgspec.Raw])


class Difference(NamedTuple):
    """What a second block is to the first.

    Attributes:
        clash: The lowest sequence under which they hold two events; 0 where there is none.
        parts: What only the second holds: mended events, events beyond the first's end, declarations.
    """

    clash: int
    parts: list[Envelope]


def compare(first: AnyRow, second: Envelope) -> Difference:
    """The difference; a first row that is no block contradicts everything."""
    if not isinstance(first, Block):
        return Difference(second.first_seq, [])
    there = [bytes(raw) for raw in _raws.decode(first.body)]
    came = [bytes(raw) for raw in _raws.decode(sift(second).body)]
    pairs = list(enumerate(zip(there, came, strict=False), second.first_seq))
    clash = next((seq for seq, (old, new) in pairs if old != new and _GONE not in (old, new)), 0)
    if clash:
        return Difference(clash, [])
    mended = [seq for seq, (old, new) in pairs if old == _GONE != new]
    parts = [_part(second, seq, seq) for seq in mended]
    if len(came) > len(there):
        parts.append(_part(second, second.first_seq + len(there), second.last_seq))
    if second.declared and first.declared != msgspec.json.encode(second.declared).decode():
        parts.append(replace(second, events=[]))
    return Difference(0, parts)


def _part(envelope: Envelope, first: int, last: int) -> Envelope:
    events = envelope.events[first - envelope.first_seq : last - envelope.first_seq + 1]
    return replace(envelope, first_seq=first, events=events, declared=[])
