"""The raw scans around labelled episodes, from the table.

Not here: which episodes (``labels``), writing scans down (``recordings``).
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec

from contract.codec import decode_event
from contract.errors import ContractError
from contract.events import Episode
from contract.readings import Context
from contract.traces import readings_of
from operations.labels import Labelled
from operations.stack import Stack
from operations.table import query

_DAY_MS: Final = 86_400_000
_AROUND_ONSET_MS: Final = 3_600_000
TIME_DIGITS: Final = 3
"""Of milliseconds: times travel in steps of at least a microsecond."""


class Scans(msgspec.Struct, frozen=True):
    """Scans around one onset: time in Unix milliseconds, values by channel, and whether they are a fault."""

    times_ms: list[float]
    channels: dict[str, list[float | None]]
    faulty: list[bool]


def scans_of(stack: Stack, one: Labelled) -> Scans | None:
    """What was measured around its onset; ``None`` where it has not come or has expired. Raises ``OperationError``."""
    episode = _episode(stack, one)
    parts = sorted(_context(stack, one, episode), key=lambda part: part.part) if episode else []
    if episode is None or not parts:
        return None
    rows = _rows(parts)
    times = sorted(rows)
    ends_ms = episode.onset_wall_ms + episode.duration_ms
    faulty = [one.label == "true" and episode.onset_wall_ms <= at <= ends_ms for at in times]
    names = dict.fromkeys(name for part in parts for name in part.traces)
    channels = {name: [rows[at].get(name) for at in times] for name in names}
    return Scans(times, channels, faulty)


def _rows(parts: Iterable[Context]) -> dict[float, dict[str, float | None]]:
    """Readings by time and channel: parts hold other channels, or another stretch of time."""
    rows: dict[float, dict[str, float | None]] = {}
    for part in parts:
        offsets = readings_of(part.times, part.scans)
        times = [round(part.wall_ms + (offset or 0), TIME_DIGITS) for offset in offsets]
        for name, trace in part.traces.items():
            for at, reading in zip(times, readings_of(trace, part.scans), strict=True):
                rows.setdefault(at, {})[name] = reading
    return rows


def _episode(stack: Stack, one: Labelled) -> Episode | None:
    rows = query(stack, f"E#{one.gateway_id}", one.sk, one.sk)
    found = _events(row["body"].encode() for row in rows)
    return next((event for event in found if isinstance(event, Episode)), None)


def _context(stack: Stack, one: Labelled, episode: Episode) -> Iterator[Context]:
    first, last = episode.onset_wall_ms - _AROUND_ONSET_MS, episode.onset_wall_ms + _AROUND_ONSET_MS
    for at_ms in sorted({first // _DAY_MS, last // _DAY_MS}):
        day = datetime.fromtimestamp(at_ms * _DAY_MS / 1000, UTC).strftime("%Y%m%d")
        rows = query(stack, f"B#{one.gateway_id}#{day}", f"context#{first:013d}", f"context#{last:013d}~")
        bodies = (raw for row in rows for raw in msgspec.json.decode(row["body"], type=list[msgspec.Raw]))
        for event in _events(bytes(raw) for raw in bodies):
            if isinstance(event, Context) and event.episode_id == one.episode_id:
                yield event


def _events(raws: Iterable[bytes]) -> Iterator[object]:
    for raw in raws:
        try:
            yield decode_event(raw)
        except ContractError:
            continue  # a quarantined place is null
