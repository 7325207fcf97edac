"""Scans to summaries: what a sensor did in each stretch of fixed length.

The stretches tumble by the boot's clock, from the first scan on: setting the wall clock moves no boundary.
A summary that would not fit an envelope is spread over several, each with some of the channels.
Mean and spread by blocks (Chan, Golub, LeVeque 1979), which loses no digits on long windows; ``std`` is the
population's. Not here: which event leaves when (``device_agent.spool``).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec
import numpy as np

from contract.codec import encode_event
from contract.events import SensorState
from contract.readings import ChannelSummary, Summary
from device_agent.condense.grid import Array, Grid
from device_agent.condense.moment import NS_PER_MS, Moment
from device_agent.condense.ring import Frozen
from device_agent.sensors.flags import flag_of
from device_agent.sensors.port import Channel

MAX_EVENT_BYTES: Final = 3_800
"""Leaves an envelope of 5 KB, or a message of nucleus lite, room for its own words."""

_BLOCK_SCANS: Final = 64
_NO_GAPS: Final[Mapping[str, str]] = MappingProxyType({})


class _Statistics:
    """Count, mean, spread and limits of every channel, fed in blocks."""

    def __init__(self, channels: int) -> None:
        self.count, self.scans = np.zeros(channels), 0
        self.mean, self.squares = np.zeros(channels), np.zeros(channels)
        self.low, self.high = np.full(channels, np.inf), np.full(channels, -np.inf)
        self._block, self._rows = np.empty((_BLOCK_SCANS, channels)), 0

    def add(self, values: Array) -> None:
        self._block[self._rows] = values
        self._rows += 1
        self.scans += 1
        if self._rows == _BLOCK_SCANS:
            self.merge()

    def add_rows(self, rows: Array) -> None:
        """Adds many scans at once."""
        self.merge()
        self.scans += len(rows)
        self._join(rows)

    def merge(self) -> None:
        """Brings the block into the totals."""
        rows, self._rows = self._block[: self._rows], 0
        if len(rows):
            self._join(rows)

    def _join(self, rows: Array) -> None:
        valid = np.isfinite(rows)
        count = valid.sum(axis=0)
        mean = np.where(valid, rows, 0.0).sum(axis=0) / np.maximum(count, 1)
        squares = np.where(valid, rows - mean, 0.0)
        total = np.maximum(self.count + count, 1)
        delta = mean - self.mean
        self.squares += (squares * squares).sum(axis=0) + delta * delta * self.count * count / total
        self.mean += delta * count / total
        self.count += count
        self.low = np.minimum(self.low, np.where(valid, rows, np.inf).min(axis=0, initial=np.inf))
        self.high = np.maximum(self.high, np.where(valid, rows, -np.inf).max(axis=0, initial=-np.inf))


class SummaryWindows:
    """One sensor's running summary."""

    def __init__(self, sensor: str, channels: Sequence[Channel], grid: Grid, *, summary_s: float) -> None:
        self._sensor, self._channels, self._grid = sensor, tuple(channels), grid
        self._length_ns = round(summary_s * 1e9)
        self._start_ns: int | None = None
        self._last = Moment(0, 0)
        self._windows = 0
        self._max_score: float | None = None
        self._flags: dict[str, Counter[str]] = {}
        self._statistics = _Statistics(len(self._channels))

    def due(self, monotonic_ns: int) -> bool:
        """Whether the running window has ended before this time."""
        return self._start_ns is not None and monotonic_ns >= self._start_ns + self._length_ns

    def add(self, at: Moment, values: Array, gaps: Mapping[str, str] = _NO_GAPS) -> None:
        """Adds a scan, NaN for a gap, with the gaps' reasons by channel; close the window first where that is due."""
        self._began(at.monotonic_ns)
        self._statistics.add(values)
        self._last = at
        for name, reason in gaps.items():
            if flag := flag_of(reason):
                self._flags.setdefault(name, Counter())[flag] += 1

    def add_block(self, scans: Frozen, state: SensorState) -> list[Summary]:
        """Adds neighbouring scans, in order; returns the windows that end among them, with the filter's state."""
        made: list[Summary] = []
        taken, count = 0, len(scans.monotonic_ns)
        while taken < count:
            first_ns = int(scans.monotonic_ns[taken])
            if self.due(first_ns):
                made += self.close(state)
            start_ns = self._began(first_ns)
            end = max(taken + 1, int(np.searchsorted(scans.monotonic_ns, start_ns + self._length_ns)))
            self._statistics.add_rows(scans.values[taken:end])
            self._last = scans.first.shifted_to(int(scans.monotonic_ns[end - 1]))
            taken = end
        return made

    def note_flags(self, flags: Mapping[str, Mapping[str, int]]) -> None:
        """Takes note of what was taken out, by channel; it counts for the window of the last scan."""
        for name, counted in flags.items():
            self._flags.setdefault(name, Counter()).update(counted)

    def _began(self, now_ns: int) -> int:
        """When the window of this time began."""
        if self._start_ns is None:
            self._start_ns = now_ns
        elif self.due(now_ns):
            self._start_ns += (now_ns - self._start_ns) // self._length_ns * self._length_ns
        return self._start_ns

    def note(self, score: float) -> None:
        """Takes note of a window's score."""
        self._windows += 1
        self._max_score = score if self._max_score is None else max(self._max_score, score)

    def close(self, state: SensorState, *, not_after_ns: int | None = None) -> list[Summary]:
        """Ends the running window; empty where it holds no scan. ``not_after_ns`` cuts it short."""
        if self._start_ns is None or not self._statistics.scans:
            return []
        end_ns = self._start_ns + self._length_ns
        if not_after_ns is not None:
            end_ns = max(min(end_ns, not_after_ns), self._last.monotonic_ns)
        end = self._last.shifted_to(end_ns)
        summary = Summary(
            wall_ms=end.wall_ms,
            monotonic_ms=end.monotonic_ms,
            sensor=self._sensor,
            start_wall_ms=end.wall_ms - (end_ns - self._start_ns) // NS_PER_MS,
            scans=self._statistics.scans,
            state=state,
            channels=self._channel_summaries(),
            windows=self._windows,
            max_score=None if self._max_score is None else round(self._max_score, 3),
        )
        self._clear()
        return list(_spread(summary))

    def _clear(self) -> None:
        self._statistics = _Statistics(len(self._channels))
        self._windows, self._max_score, self._flags = 0, None, {}

    def _channel_summaries(self) -> dict[str, ChannelSummary]:
        found = self._statistics
        found.merge()
        made = {}
        for i, channel in enumerate(self._channels):
            count = int(found.count[i])
            flags = dict(self._flags.get(channel.name, ()))
            summary = ChannelSummary(unit=channel.unit, count=count, gaps=found.scans - count, flags=flags)
            if count:
                deviation = (max(found.squares[i], 0.0) / count) ** 0.5
                summary = msgspec.structs.replace(
                    summary,
                    mean=self._grid.statistic(i, float(found.mean[i])),
                    min=self._grid.statistic(i, float(found.low[i])),
                    max=self._grid.statistic(i, float(found.high[i])),
                    std=self._grid.statistic(i, float(deviation)),
                )
            made[channel.name] = summary
        return made


def _spread(summary: Summary) -> Iterator[Summary]:
    """The summary, or its halves by channel, until each fits."""
    names = list(summary.channels)
    if len(names) <= 1 or len(encode_event(summary)) <= MAX_EVENT_BYTES:
        yield summary
        return
    for part in (names[: len(names) // 2], names[len(names) // 2 :]):
        channels = {name: summary.channels[name] for name in part}
        yield from _spread(msgspec.structs.replace(summary, channels=channels))
