"""The raw scans around labelled episodes, from the table, as recordings.

Not here: which episodes (``labels``).
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from contract.codec import decode_event
from contract.errors import ContractError
from contract.events import Context, Episode
from contract.traces import readings_of
from operations.stack import Stack
from operations.table import query

_DAY_MS: Final = 86_400_000
_AROUND_ONSET_MS: Final = 3_600_000
_TIME_DIGITS: Final = 3
"""Of milliseconds: times travel in steps of at least a microsecond."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where an episode lies, and whether it was a fault."""

    gateway_id: str
    episode_id: str
    sk: str
    was_fault: bool


class Scans(msgspec.Struct, frozen=True):
    """Scans around one onset: time in Unix milliseconds, values by channel, and whether they are a fault."""

    times_ms: list[float]
    channels: dict[str, list[float | None]]
    faulty: list[bool]


def scans_of(stack: Stack, one: Place) -> Scans | None:
    """What was measured around its onset; ``None`` where it has not come or has expired. Raises ``OperationError``."""
    episode = _episode(stack, one)
    parts = sorted(_context(stack, one, episode), key=lambda part: part.part) if episode else []
    if episode is None or not parts:
        return None
    rows = _rows(parts)
    times = sorted(rows)
    ends_ms = episode.onset_wall_ms + episode.duration_ms
    faulty = [one.was_fault and episode.onset_wall_ms <= at <= ends_ms for at in times]
    names = dict.fromkeys(name for part in parts for name in part.traces)
    channels = {name: [rows[at].get(name) for at in times] for name in names}
    return Scans(times, channels, faulty)


def _rows(parts: Iterable[Context]) -> dict[float, dict[str, float | None]]:
    """Readings by time and channel: parts hold other channels, or another stretch of time."""
    rows: dict[float, dict[str, float | None]] = {}
    for part in parts:
        offsets = readings_of(part.times, part.scans)
        times = [round(part.wall_ms + (offset or 0), _TIME_DIGITS) for offset in offsets]
        for name, trace in part.traces.items():
            for at, reading in zip(times, readings_of(trace, part.scans), strict=True):
                rows.setdefault(at, {})[name] = reading
    return rows


def _episode(stack: Stack, one: Place) -> Episode | None:
    rows = query(stack, f"E#{one.gateway_id}", one.sk, one.sk)
    found = _events(row["body"].encode() for row in rows)
    return next((event for event in found if isinstance(event, Episode)), None)


def _context(stack: Stack, one: Place, episode: Episode) -> Iterator[Context]:
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


def write(path: Path, group: Sequence[Scans]) -> int:
    """All scans of one sensor as a recording, in the order of time; returns how many. Raises ``OSError``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = sorted({name for scans in group for name in scans.channels})
    rows: dict[float, list[str]] = {}
    for scans in group:
        for i, at in enumerate(scans.times_ms):
            is_faulty = scans.faulty[i] or (at in rows and rows[at][-1] == "1")
            rows[at] = [*(_cell(scans, name, i) for name in names), str(int(is_faulty))]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\n")
        writer.writerow(["datetime", *names, "anomaly"])
        writer.writerows([_time(at), *rows[at]] for at in sorted(rows))
    return len(rows)


def _cell(scans: Scans, name: str, i: int) -> str:
    reading = scans.channels[name][i] if name in scans.channels else None
    return "" if reading is None else f"{reading:.12g}"


def _time(wall_ms: float) -> str:
    at = datetime.fromtimestamp(int(wall_ms // 1000), UTC) + timedelta(milliseconds=round(wall_ms % 1000, _TIME_DIGITS))
    return at.strftime("%Y-%m-%d %H:%M:%S.%f").removesuffix("000")
