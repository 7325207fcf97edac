"""Report by exception: the readings worth reporting, packed, with their true times.

```
scan ─▶ channel's exceptions ─▶ points ─(one has waited long enough, or there are many)─▶ Report
```
Not here: which readings are worth it (``exception``), how they are packed (``contract.traces``).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from contract.codec import encode_event
from contract.readings import Report, Reported
from contract.traces import Trace, pack
from device_agent.condense.exception import Exceptions, Point, exceptions_of
from device_agent.condense.grid import Array
from device_agent.condense.moment import NS_PER_MS, Moment
from device_agent.condense.parts import tick_ms
from device_agent.condense.ring import Frozen
from device_agent.condense.summaries import MAX_EVENT_BYTES
from device_agent.sensors.port import Channel
from device_agent.sensors.treatment import ReportConfig

MOST_POINTS: Final = 4096
"""Of one sensor in memory; more are sent at once."""

Points = Mapping[str, Sequence[Point]]


class _Told(NamedTuple):
    """One channel that reports."""

    column: int
    channel: Channel
    asked: ReportConfig
    exceptions: Exceptions


class Reports:
    """One sensor's reports. One thread at a time.

    Args:
        sensor: Its name.
        channels: In the order of the scans' values; those report whose treatment says so.
        rate_hz: Scans a second.
    """

    def __init__(self, sensor: str, channels: Sequence[Channel], rate_hz: float) -> None:
        self._sensor, self._tick = sensor, tick_ms(rate_hz)
        self._per_ms = round(1 / self._tick)
        self._tick_ns = NS_PER_MS // self._per_ms
        asked = [(i, c, c.treatment.report) for i, c in enumerate(channels) if c.treatment and c.treatment.report]
        self._told = {c.name: _Told(i, c, r, exceptions_of(r, c.resolution, self._tick)) for i, c, r in asked}
        self._points: dict[str, list[Point]] = {}
        self._held = 0
        self._due_ns = 0
        self._last = Moment(0, 0)

    def push(self, at: Moment, values: Array) -> list[Report]:
        """Takes a scan, NaN for a gap; returns what is due."""
        if not self._told:
            return []
        self._last, tick = at, at.monotonic_ns // self._tick_ns
        for name, told in self._told.items():
            if points := told.exceptions.take(tick, float(values[told.column])):
                self._keep(name, points, at.monotonic_ns + round(told.asked.max_wait_s * 1e9))
        due = self._held and (at.monotonic_ns >= self._due_ns or self._held >= MOST_POINTS)
        return self._send() if due else []

    def push_block(self, scans: Frozen) -> list[Report]:
        """Takes neighbouring scans; returns what ``push`` would, one after the other."""
        if not self._told:
            return []
        moments = (scans.first.shifted_to(ns) for ns in scans.monotonic_ns.tolist())
        return [report for at, row in zip(moments, scans.values, strict=True) for report in self.push(at, row)]

    def finish(self) -> list[Report]:
        """All that is known and not yet said."""
        for name, told in self._told.items():
            if points := told.exceptions.finish():
                self._keep(name, points, 0)
        return self._send() if self._held else []

    def _keep(self, name: str, points: Sequence[Point], due_ns: int) -> None:
        self._due_ns = min(self._due_ns, due_ns) if self._held else due_ns
        self._points.setdefault(name, []).extend(points)
        self._held += len(points)

    def _send(self) -> list[Report]:
        points, self._points, self._held = self._points, {}, 0
        return list(self._fitting(points))

    def _fitting(self, points: Points) -> Iterator[Report]:
        """One report, or its halves by channel or by time, until each fits; a single reading goes as it is."""
        made = self._report(points)
        names = list(points)
        longest = max(len(part) for part in points.values())
        if len(encode_event(made)) <= MAX_EVENT_BYTES or (len(names) == 1 and longest == 1):
            yield made
        elif len(names) > 1:
            for part in (names[: len(names) // 2], names[len(names) // 2 :]):
                yield from self._fitting({name: points[name] for name in part})
        else:
            for half in (slice(None, longest // 2), slice(longest // 2, None)):
                yield from self._fitting({names[0]: points[names[0]][half]})

    def _report(self, points: Points) -> Report:
        first_ms = min(part[0].tick for part in points.values()) // self._per_ms
        return Report(
            wall_ms=self._last.wall_ms - (self._last.monotonic_ms - first_ms),
            monotonic_ms=first_ms,
            sensor=self._sensor,
            channels={name: self._reported(self._told[name], part, first_ms) for name, part in points.items()},
        )

    def _reported(self, told: _Told, points: Sequence[Point], first_ms: int) -> Reported:
        channel, asked = told.channel, told.asked
        return Reported(
            mode=asked.mode,
            width=asked.width,
            readings=len(points),
            times=self._times([point.tick - first_ms * self._per_ms for point in points]),
            values=_values(channel, [point.step for point in points]),
        )

    def _times(self, ticks: list[int]) -> Trace:
        slope = int(np.median(np.diff(ticks))) if len(ticks) > 1 else 0
        base = ticks[0] - slope
        return Trace(
            unit="ms", resolution=self._tick, base=base, slope=slope, packed=pack(ticks, base=base, slope=slope)
        )


def _values(channel: Channel, steps: list[int | None]) -> Trace:
    base = next((step for step in steps if step is not None), 0)
    return Trace(unit=channel.unit, resolution=channel.resolution, base=base, packed=pack(steps, base=base))
