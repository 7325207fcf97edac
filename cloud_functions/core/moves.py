"""How one lane's row moves when envelopes of it arrived.

Everything is kept as sets, minima and maxima, so order and repetition of what arrives do not matter; an arrival
is *new* if the mark did not hold all of its sequences, which stays true when a function ended half-way.
"""

from collections import Counter as Counts
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from cloud_functions.core.receive import Arrival
from cloud_functions.core.rows import WatermarkRow
from cloud_functions.core.watermark import Mark, advance, stored_count
from contract.envelope import NO_EVENT

MAX_RUNS: Final = 16
"""Runs of a boot's sequences remembered of a lane; the lowest are forgotten first."""
_MAX_REASONS: Final = 16
_MAX_REASON: Final = 40

Run = tuple[str, int, int]
"""A boot, and sequences it wrote: first to last."""

_pending = msgspec.json.Decoder(tuple[tuple[int, int], ...])
_runs = msgspec.json.Decoder(list[Run])
_reasons = msgspec.json.Decoder(dict[str, int])


class Moved(NamedTuple):
    """A lane's row after arrivals.

    Attributes:
        row: The row, its version and answer untouched.
        shared: A sequence that two boots wrote, and both boots; ``None`` where there is none.
    """

    row: WatermarkRow
    shared: tuple[int, str, str] | None


def mark_of(row: WatermarkRow) -> Mark:
    """The mark a row holds."""
    return Mark(row.through, _pending.decode(row.pending))


def declared_of(row: WatermarkRow) -> dict[str, int]:
    """How many sequences were given up, by the gateway's reason."""
    return _reasons.decode(row.declared)


def move(row: WatermarkRow, arrivals: Sequence[Arrival], *, now_ms: int) -> Moved:
    """The row after these arrivals of its lane."""
    before = mark_of(row)
    new = [arrival for arrival in arrivals if advance(before, arrival.ranges) != before]
    times = [arrival.broker_ms for arrival in new if arrival.broker_ms]
    mark = advance(before, [span for arrival in arrivals for span in arrival.ranges])
    is_stuck = mark.through == row.through and bool(before.pending)
    boots, shared = _boots(row, arrivals)
    moved = replace(
        row,
        through=mark.through,
        pending=msgspec.json.encode(mark.pending).decode(),
        last_seen_ms=max([row.last_seen_ms, *(arrival.broker_ms for arrival in arrivals)]),
        first_new_ms=min([*times, *filter(None, [row.first_new_ms])], default=0),
        last_new_ms=max([row.last_new_ms, *times]),
        moved_ms=row.moved_ms if is_stuck else now_ms,
        declared=_declared(row, before, arrivals),
        boots=boots,
    )
    return Moved(moved, shared)


def _declared(row: WatermarkRow, mark: Mark, arrivals: Sequence[Arrival]) -> str:
    counts = Counts(declared_of(row))
    for arrival in arrivals:
        mark = advance(mark, arrival.ranges[:1])
        for each in arrival.envelope.declared:
            after = advance(mark, [(each.first, each.last)])
            if each.reason == NO_EVENT:
                mark = after
                continue
            reason = each.reason[:_MAX_REASON] or "unknown"
            known = reason if reason in counts or len(counts) < _MAX_REASONS else "other"
            counts[known] += stored_count(after) - stored_count(mark)
            mark = after
    return msgspec.json.encode(dict(sorted((+counts).items()))).decode()


def _boots(row: WatermarkRow, arrivals: Sequence[Arrival]) -> tuple[str, tuple[int, str, str] | None]:
    if row.lane != "events":
        return row.boots, None
    runs = _runs.decode(row.boots)
    came = [(a.envelope.boot_id, *a.ranges[0]) for a in arrivals if a.envelope.boot_id and a.envelope.events]
    shared = next(filter(None, (_overlap(one, other) for one in came for other in (*runs, *came))), None)
    joined = join([*runs, *came])
    return msgspec.json.encode(joined[-MAX_RUNS:]).decode(), shared


def _overlap(one: Run, other: Run) -> tuple[int, str, str] | None:
    first = max(one[1], other[1])
    if one[0] == other[0] or first > min(one[2], other[2]):
        return None
    boots = sorted((one[0], other[0]))
    return first, boots[0], boots[1]


def join(runs: Sequence[Run]) -> list[Run]:
    """The same sequences in as few runs as possible, lowest first."""
    joined: dict[str, list[Run]] = {}
    for boot, first, last in sorted(runs, key=lambda run: run[1]):
        of_boot = joined.setdefault(boot, [])
        if of_boot and first <= of_boot[-1][2] + 1:
            of_boot[-1] = (boot, of_boot[-1][1], max(of_boot[-1][2], last))
        else:
            of_boot.append((boot, first, last))
    return sorted((run for of_boot in joined.values() for run in of_boot), key=lambda run: (run[1], run[2], run[0]))
