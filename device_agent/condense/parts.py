"""Frozen scans to events that each fit an envelope: cut by time, and by channel where one block is too wide.

Values and times are packed once for the whole stretch (``device_agent.condense.packing``); a part takes whole
blocks of it. Each part stands for itself: what is lost of the others changes nothing in it.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np

from contract.codec import encode_event
from contract.readings import Context
from contract.traces import BLOCK, Trace
from device_agent.condense.grid import MAX_STEPS, Grid
from device_agent.condense.moment import NS_PER_MS
from device_agent.condense.packing import Packed, pack_columns
from device_agent.condense.ring import Frozen
from device_agent.condense.summaries import MAX_EVENT_BYTES
from device_agent.sensors.port import Channel

_TICKS: Final = (1.0, 0.1, 0.01, 0.001)
_MANY: Final = 99_999
_FAR: Final = -int(MAX_STEPS)


def tick_ms(rate_hz: float) -> float:
    """The step in which times travel: at most a hundredth of the interval between scans, and at least 1 µs."""
    return next((tick for tick in _TICKS if tick <= 10.0 / rate_hz), _TICKS[-1])


class _Cut(NamedTuple):
    """Blocks ``first`` up to ``last`` of some channels."""

    columns: Sequence[int]
    first: int
    last: int


class Parts:
    """Makes one sensor's contexts.

    Args:
        sensor: Its name.
        channels: In the order of the scans' values.
        grid: Their resolutions.
        rate_hz: Scans a second.
        event_bytes: No event is longer.

    Attributes:
        dropped: Channels left out, because not even one block of them fits an event.
    """

    def __init__(
        self,
        sensor: str,
        channels: Sequence[Channel],
        grid: Grid,
        rate_hz: float,
        *,
        event_bytes: int = MAX_EVENT_BYTES,
    ) -> None:
        self._channels, self._grid, self._sensor = tuple(channels), grid, sensor
        self._event_bytes = event_bytes
        self._tick = tick_ms(rate_hz)
        self._per_ms = round(1 / self._tick)
        self._fixed = [
            len(msgspec.json.encode({channel.name: self._blank(i)})) for i, channel in enumerate(self._channels)
        ]
        self.dropped = 0

    def of(self, frozen: Frozen, episode: str) -> list[Context]:
        """The scans as events, in the order of channels and time; empty where nothing of them fits."""
        values = pack_columns(self._grid.steps(frozen.values))
        ticks = np.rint((frozen.monotonic_ns - frozen.monotonic_ns[0]) / (self._tick * NS_PER_MS))
        slope = int(np.median(np.diff(ticks))) if len(ticks) > 1 else 0
        times = pack_columns(ticks[:, None], slope)
        empty = self._empty(frozen, episode)
        room = self._event_bytes - len(encode_event(empty))
        sizes = values.lengths, times.lengths[0]
        cuts = list(self._cuts(list(range(len(self._channels))), room, *sizes))
        return [
            self._part(empty, cut, (values, times, slope), (number, len(cuts))) for number, cut in enumerate(cuts, 1)
        ]

    def _empty(self, frozen: Frozen, episode: str) -> Context:
        """Everything of a part but its readings, as long as it can be."""
        return Context(
            wall_ms=frozen.first.wall_ms,
            monotonic_ms=frozen.first.monotonic_ms,
            episode_id=episode,
            sensor=self._sensor,
            scans=_MANY,
            span_ms=_MANY * _MANY,
            times=Trace(unit="ms", resolution=self._tick, base=_FAR, slope=_FAR, packed="="),
            traces={},
            part=_MANY,
            parts=_MANY,
        )

    def _blank(self, column: int) -> Trace:
        channel = self._channels[column]
        return Trace(unit=channel.unit, resolution=channel.resolution, base=_FAR, packed="=")

    def _cuts(self, columns: list[int], room: int, widths: np.ndarray, times: np.ndarray) -> Iterator[_Cut]:
        """Stretches of these channels that fit, or of halves of them."""
        left = room - sum(self._fixed[column] for column in columns) - 4 * (len(columns) + 1)
        costs = (widths[columns].sum(axis=0) + times) * 4 / 3
        if costs.max() <= left:
            totals, first = np.cumsum(costs), 0
            while first < len(costs):
                before = totals[first - 1] if first else 0.0
                last = int(np.searchsorted(totals, before + left, side="right"))
                yield _Cut(columns, first, last)
                first = last
        elif len(columns) == 1:
            self.dropped += 1
        else:
            yield from self._cuts(columns[: len(columns) // 2], room, widths, times)
            yield from self._cuts(columns[len(columns) // 2 :], room, widths, times)

    def _part(self, empty: Context, cut: _Cut, packed: tuple[Packed, Packed, int], place: tuple[int, int]) -> Context:
        values, times, slope = packed
        row, end = cut.first * BLOCK, min(cut.last * BLOCK, values.scans)
        start, stop = int(times.levels[row, 0]), int(times.levels[end - 1, 0])
        offset_ms, phase = divmod(start, self._per_ms)
        base = times.bases[0][cut.first] - start + phase if cut.first else phase - slope
        made = msgspec.structs.replace(empty.times, base=base, slope=slope, packed=times.trace(0, cut.first, cut.last))
        return msgspec.structs.replace(
            empty,
            wall_ms=empty.wall_ms + offset_ms,
            monotonic_ms=empty.monotonic_ms + offset_ms,
            scans=end - row,
            span_ms=round((stop - start) * self._tick),
            times=made,
            traces={self._channels[column].name: self._trace(values, column, cut) for column in cut.columns},
            part=place[0],
            parts=place[1],
        )

    def _trace(self, values: Packed, column: int, cut: _Cut) -> Trace:
        channel = self._channels[column]
        return Trace(
            unit=channel.unit,
            resolution=channel.resolution,
            base=values.bases[column][cut.first],
            packed=values.trace(column, cut.first, cut.last),
        )
