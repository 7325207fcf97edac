"""Scans of a vibration to scans of numbers, one for each window.

A window is so many deadlines of the sensor, whether they gave a scan or not: what is missing in it is a gap. A sensor
that begins anew begins a new window.

Not here: what becomes of the numbers (``device_agent.spectrum_line``).
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from device_agent.sensors.port import Scan
from device_agent.sensors.scan_block import ScanBlock
from device_agent.spectral.numbers import Array, Windows
from device_agent.spectral.plan import Plan

NS_PER_MS = 1_000_000


class Spectrum:
    """One sensor's. One thread at a time."""

    def __init__(self, plan: Plan) -> None:
        self._scans = plan.window_scans
        self._columns = [asked.column for asked in plan.asked]
        self._windows = Windows(plan)
        self._window = np.full((plan.window_scans, len(plan.asked)), np.nan)
        self._base = self._next_seq = self._number = 0
        self._held = False
        self._last = 0, 0

    def take(self, taken: Iterable[Scan | ScanBlock]) -> list[Scan]:
        """Takes cleaned scans, in order; returns a scan of numbers for each window that they complete."""
        made: list[Scan] = []
        for each in taken:
            if isinstance(each, Scan):
                values, at = np.array([each.values]), np.array([each.monotonic_ns])
            else:
                values, at = each.values, each.monotonic_ns
            made += self._rows(each.seq, values[:, self._columns], each.wall_ms, at)
        return made

    def _rows(self, seq: int, rows: Array, wall_ms: int, at_ns: NDArray[np.int64]) -> Iterator[Scan]:
        if seq < self._next_seq:
            self._clear(seq)
        taken, self._next_seq = 0, seq + len(rows)
        while taken < len(rows):
            ahead, place = divmod(seq + taken - self._base, self._scans)
            if ahead:
                yield from self._close()
                self._base += (ahead - 1) * self._scans
                self._number += ahead - 1
                continue
            end = min(len(rows), taken + self._scans - place)
            self._window[place : place + end - taken] = rows[taken:end]
            self._last = wall_ms + int(at_ns[end - 1] - at_ns[0]) // NS_PER_MS, int(at_ns[end - 1])
            self._held, taken = True, end
            if seq + taken - self._base == self._scans:
                yield from self._close()

    def _close(self) -> Iterator[Scan]:
        """The running window's numbers, if there was anything in it; then the next window."""
        if self._held:
            values, reasons = self._windows.numbers(self._window)
            yield Scan(self._number, *self._last, tuple(values), reasons)
        self._number += 1
        self._clear(self._base + self._scans)

    def _clear(self, seq: int) -> None:
        """A window that begins with this scan."""
        self._window[:] = np.nan
        self._base, self._held = seq, False
