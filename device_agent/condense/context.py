"""The raw scans around an episode's onset: a flight recorder.

A ring holds the latest scans; when an episode opens, it waits for the scans after and then freezes both sides.
Values travel as differences of integers at the channel's resolution, lossless to it, and channels are spread
over parts so that each event stays small. Where one channel alone is too long, the span is halved, counted.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from contract.codec import encode_event
from contract.events import Context, Trace
from device_agent.condense.grid import Array, Grid
from device_agent.condense.moment import Moment
from device_agent.condense.summaries import MAX_EVENT_BYTES
from device_agent.config import ContextConfig
from device_agent.sensors.port import Channel

_MOST_PARTS = 99


class _Row(NamedTuple):
    at: Moment
    values: Array


class _Waiting:
    """An episode whose later scans are still to come."""

    def __init__(self, episode: str, before: int, missing: int) -> None:
        self.episode, self.before, self.missing, self.after = episode, before, missing, 0


class ContextRing:
    """One sensor's latest raw scans.

    Attributes:
        halved: How often a span had to be halved to fit.
        dropped: Channels left out, because not even one scan of them fits.
    """

    def __init__(self, sensor: str, channels: Sequence[Channel], grid: Grid, *, span: ContextConfig) -> None:
        self._sensor, self._channels, self._grid, self._span = sensor, tuple(channels), grid, span
        self._rows: deque[_Row] = deque(maxlen=span.before_scans + span.after_scans)
        self._waiting: list[_Waiting] = []
        self.halved = self.dropped = 0

    def push(self, at: Moment, values: Array) -> list[Context]:
        """Takes a scan, NaN for a gap; returns the contexts that are complete with it."""
        self._rows.append(_Row(at, values))
        for waiting in self._waiting:
            waiting.missing -= 1
            waiting.after += 1
        complete = [waiting for waiting in self._waiting if waiting.missing <= 0]
        if not complete:
            return []
        self._waiting = [waiting for waiting in self._waiting if waiting.missing > 0]
        return [context for waiting in complete for context in self._freeze(waiting)]

    def open(self, episode: str) -> list[Context]:
        """An episode opened with the latest scan; returns its context if no later scan is wanted."""
        if not self._rows.maxlen:
            return []
        waiting = _Waiting(episode, min(self._span.before_scans, len(self._rows)), self._span.after_scans)
        if not waiting.missing:
            return self._freeze(waiting)
        self._waiting.append(waiting)
        return []

    def finish(self) -> list[Context]:
        """Contexts still waiting, with what there is."""
        waiting, self._waiting = self._waiting, []
        return [context for one in waiting for context in self._freeze(one)]

    def _freeze(self, waiting: _Waiting) -> list[Context]:
        before, after = waiting.before, waiting.after
        rows = list(self._rows)[max(0, len(self._rows) - before - after) :]
        while rows:
            parts = self._parts(waiting.episode, rows)
            if parts is not None:
                return parts
            self.halved += 1
            rows = rows[before - before // 2 : before + after // 2]
            before, after = before // 2, after // 2
        self.dropped += len(self._channels)
        return []

    def _parts(self, episode: str, rows: list[_Row]) -> list[Context] | None:
        """The rows as events; ``None`` if one channel of them does not fit an event."""
        first = rows[0].at
        empty = Context(
            wall_ms=first.wall_ms,
            monotonic_ms=first.monotonic_ms,
            episode_id=episode,
            sensor=self._sensor,
            offsets_ms=[row.at.ms_since(first) for row in rows],
            traces={},
            part=_MOST_PARTS,
            parts=_MOST_PARTS,
        )
        room = MAX_EVENT_BYTES - len(encode_event(empty))
        groups: list[dict[str, Trace]] = [{}]
        left = room
        for name, trace in self._traces(rows).items():
            size = len(msgspec.json.encode({name: trace}))
            if size > room:
                return None
            if size > left:
                groups.append({})
                left = room
            groups[-1][name] = trace
            left -= size
        return [
            msgspec.structs.replace(empty, traces=group, part=number, parts=len(groups))
            for number, group in enumerate(groups, start=1)
        ]

    def _traces(self, rows: list[_Row]) -> dict[str, Trace]:
        steps = self._grid.steps(np.array([row.values for row in rows]))
        return {
            channel.name: Trace(
                unit=channel.unit, resolution=channel.resolution, steps=_differences(steps[:, i].tolist())
            )
            for i, channel in enumerate(self._channels)
        }


def _differences(steps: list[float]) -> list[int | None]:
    """Counts of steps (NaN for a gap) as differences to the reading before."""
    coded: list[int | None] = []
    last = 0
    for step in steps:
        if step != step:  # noqa: PLR0124 - only NaN differs from itself
            coded.append(None)
            continue
        coded.append(int(step) - last)
        last = int(step)
    return coded
