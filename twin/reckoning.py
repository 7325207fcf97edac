"""The reckoning: what the gateways accepted against what the table holds.

For one gateway, over event ids ``(spool, lane, sequence)``:

    lost       = accepted - stored - declared        (must be 0; declared: given up or quarantined, openly)
    duplicates = ids that lie in more than one block (must be 0)
    unknown    = stored - accepted                  (a store that invents; 0 after an orderly end)

*accepted* is the ledger each gateway keeps outside its spool; *stored* are the table's block items. Nothing the
product counts about itself is used.

Not here: reading the table (``twin.evidence``).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from contract.envelope import Declared
from contract.events import Lane
from device_agent.ledger import Entry

EventKey = tuple[str, Lane, int]
"""Spool, lane, sequence."""


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """One block item of the table.

    Attributes:
        gateway_id: As the cloud took it from the topic.
        spool_id: Which spool counted.
        lane: Which lane.
        first_seq: Of its first event.
        held: For each sequence from there on, whether the event itself is in the block; ``False`` for one that
            was quarantined.
        stored_ms: When it was first stored, by the cloud's clock.
        declared: Sequences the gateway gave up on purpose.
    """

    gateway_id: str
    spool_id: str
    lane: Lane
    first_seq: int
    held: list[bool]
    stored_ms: int
    declared: list[Declared] = []

    def keys(self) -> Iterator[EventKey]:
        """The events it holds."""
        return self._keys(held=True)

    def given_up(self) -> Iterator[EventKey]:
        """The events that somebody gave up openly: the gateway by declaring, the cloud by quarantine."""
        yield from self._keys(held=False)
        for declared in self.declared:
            for seq in range(declared.first, declared.last + 1):
                yield self.spool_id, self.lane, seq

    def _keys(self, *, held: bool) -> Iterator[EventKey]:
        for offset, is_held in enumerate(self.held):
            if is_held == held:
                yield self.spool_id, self.lane, self.first_seq + offset


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """From the reading that completed an event to the table, milliseconds, over all stored events.

    Sender and table share one clock here. It includes what an event waits for on purpose: summaries for company
    in their envelope, a context for the scans after its episode began, the queue's batching second.
    """

    p50: int | None
    p99: int | None


class Reckoning(NamedTuple):
    """One gateway's account; see the module."""

    accepted: int
    stored: int
    lost: int
    duplicates: int
    declared: int
    unknown: int
    latencies_ms: Sequence[int]


def reckon(ledger: Iterable[Entry], blocks: Iterable[Block]) -> Reckoning:
    """Accounts for one gateway; ``blocks`` are that gateway's."""
    accepted = {(entry.spool_id, entry.lane, entry.seq): entry for entry in ledger}
    copies: Counter[EventKey] = Counter()
    stored_ms: dict[EventKey, int] = {}
    declared: set[EventKey] = set()
    for block in blocks:
        declared.update(block.given_up())
        for key in block.keys():  # noqa: SIM118 - a block is no mapping
            copies[key] += 1
            stored_ms[key] = min(block.stored_ms, stored_ms.get(key, block.stored_ms))
    stored = accepted.keys() & copies.keys()
    given_up = accepted.keys() & declared - stored
    return Reckoning(
        accepted=len(accepted),
        stored=len(stored),
        lost=len(accepted) - len(stored) - len(given_up),
        duplicates=sum(1 for count in copies.values() if count > 1),
        declared=len(given_up),
        unknown=len(copies.keys() - accepted.keys()),
        latencies_ms=[stored_ms[key] - accepted[key].sample_wall_ms for key in stored],
    )


def latency(accounts: Iterable[Reckoning]) -> Latency:
    """Over all gateways' stored events; nearest-rank percentiles, ``None`` where nothing was stored."""
    values = sorted(value for account in accounts for value in account.latencies_ms)
    return Latency(p50=_percentile(values, 50), p99=_percentile(values, 99))


def _percentile(ordered: Sequence[int], percent: int) -> int | None:
    if not ordered:
        return None
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
